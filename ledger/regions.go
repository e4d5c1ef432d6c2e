package ledger

import (
	_ "embed"
	"strconv"
	"strings"
)

//go:embed data/provinces.tsv
var provincesTSV string

//go:embed data/regencies.tsv
var regenciesTSV string

// Province is one of Indonesia's provinces.
type Province struct {
	Code string `json:"code"` // Kemendagri
	Name string `json:"name"`
	BPS  string `json:"bps"` // the statistics office numbers Papua otherwise
	// BKN is the provincial government's code as an institution; "" if unknown.
	BKN string `json:"bkn,omitempty"`
	// Office is BKN's regional office that watches the province, as far as the
	// sources say: "XI or IV" where they disagree. Events carry it themselves.
	Office      string `json:"office"`
	OfficeDoubt Doubt  `json:"office_doubt"`
	Regencies   int    `json:"regencies"`
	Cities      int    `json:"cities"`
}

// Regency is a regency (kabupaten) or city (kota).
type Regency struct {
	Code string `json:"code"` // Kemendagri, "73.71"
	Name string `json:"name"`
	City bool   `json:"city"`
}

var provinces, regencies = readProvinces(provincesTSV), readRegencies(regenciesTSV)

// Provinces lists the provinces by code. Source: see data/README.md.
func Provinces() []Province { return append([]Province(nil), provinces...) }

// Regencies lists regencies and cities by code. Source: see data/README.md.
func Regencies() []Regency { return append([]Regency(nil), regencies...) }

// RegionName gives the name of a province, regency or city by its code; ok is
// false for a code that the tables do not have.
func RegionName(code string) (name string, ok bool) {
	for _, p := range provinces {
		if p.Code == code {
			return p.Name, true
		}
	}
	for _, r := range regencies {
		if r.Code == code {
			return r.Name, true
		}
	}
	return "", false
}

// tsvRows splits an embedded table, without its header. A test holds the tables
// to their form.
func tsvRows(text string) [][]string {
	var out [][]string
	for _, line := range strings.Split(strings.TrimSpace(text), "\n")[1:] {
		out = append(out, strings.Split(line, "\t"))
	}
	return out
}

func readProvinces(text string) []Province {
	var out []Province
	for _, c := range tsvRows(text) {
		doubt := DoubtNone
		switch {
		case strings.Contains(c[4], " or "):
			doubt = DoubtConflict
		case c[5] != "sourced":
			doubt = DoubtUnsure
		}
		out = append(out, Province{
			Code: c[0], Name: c[1], BPS: c[2], BKN: strings.Trim(c[3], "?"), Office: c[4], OfficeDoubt: doubt,
			Regencies: count(c[6]), Cities: count(c[7]),
		})
	}
	return out
}

func readRegencies(text string) []Regency {
	var out []Regency
	for _, c := range tsvRows(text) {
		out = append(out, Regency{Code: c[0], Name: c[1], City: strings.HasPrefix(c[1], "Kota ")})
	}
	return out
}

func count(s string) int {
	n, _ := strconv.Atoi(s) // a test compares the sums with the regencies
	return n
}
