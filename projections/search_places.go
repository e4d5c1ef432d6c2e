package projections

import (
	"regexp"
	"slices"
	"strings"

	"github.com/berkas-ledger/berkas/ledger"
)

// Places by name and code. Names come from the ledger's own tables; of central
// institutions it knows the codes only.

var (
	provincePattern = regexp.MustCompile(`^[0-9]{2}$`)
	regencyPattern  = regexp.MustCompile(`^[0-9]{2}[.]?[0-9]{2}$`)
	bknPattern      = regexp.MustCompile(`^(?:central-)?([0-9]{4})$`)
)

func provinceCode(code string) bool {
	_, ok := ledger.RegionName(code)
	return ok && provincePattern.MatchString(code)
}

// placeCodes gives the values that a code stands for in a field of places: a
// Kemendagri code, with or without its dot, or an institution's code at BKN.
func placeCodes(f Field, code string) []string {
	var out []string
	if m := bknPattern.FindStringSubmatch(code); m != nil && f == FieldInstitution {
		out = append(out, "central-"+m[1])
		for _, p := range ledger.Provinces() {
			if p.BKN == m[1] { // BKN's code of a provincial government
				out = append(out, p.Code)
			}
		}
	}
	if regencyPattern.MatchString(code) && !strings.Contains(code, ".") {
		code = code[:2] + "." + code[2:]
	}
	if _, ok := ledger.RegionName(code); ok {
		out = append(out, code)
	}
	return out
}

// Place is an institution's place, or one where acts took place.
type Place struct {
	Code string `json:"code"` // Kemendagri
	Name string `json:"name"`
}

// MostPlaces is how many places Places gives.
const MostPlaces = 12

// Places lists provinces, regencies and cities each of whose name's words begins
// with, or is, one of the text's, in any order, or whose code is the text;
// provinces first. more says that there are others.
func Places(text string) (list []Place, more bool) {
	code := strings.TrimSpace(text)
	words := strings.Fields(strings.ReplaceAll(Normal(text), "/", " "))
	words = slices.DeleteFunc(words, func(w string) bool { return slices.Contains(ofPlaces, w) })
	add := func(c, name string) {
		if c != code && (len(words) == 0 || !named(name, words)) {
			return
		}
		if len(list) == MostPlaces {
			more = true
			return
		}
		list = append(list, Place{c, name})
	}
	for _, p := range ledger.Provinces() {
		add(p.Code, p.Name)
	}
	for _, r := range ledger.Regencies() {
		add(r.Code, r.Name)
	}
	return list, more
}

// ofPlaces are words before a place's name that say only what it is.
var ofPlaces = []string{"pemerintah", "pemkab", "pemkot", "pemprov", "pemda", "provinsi", "prov", "kab", "instansi"}

// named reports whether every word begins a word of the name.
func named(name string, words []string) bool {
	parts := strings.Split(Normal(name), "/")
	for _, w := range words {
		if !slices.ContainsFunc(parts, func(p string) bool { return strings.HasPrefix(p, w) }) {
			return false
		}
	}
	return true
}
