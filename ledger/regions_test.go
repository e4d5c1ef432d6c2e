package ledger_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/berkas-ledger/berkas/ledger"
)

func TestRegionsAreComplete(t *testing.T) {
	provinces, regencies := ledger.Provinces(), ledger.Regencies()
	if len(provinces) != 38 {
		t.Errorf("%d provinces, want 38", len(provinces))
	}
	cities := map[string]int{}
	others := map[string]int{}
	seen := map[string]bool{}
	for _, r := range regencies {
		if len(r.Code) != 5 || r.Code[2] != '.' || r.Name == "" || seen[r.Code] {
			t.Errorf("regency %+v is malformed or doubled", r)
		}
		seen[r.Code] = true
		// Kemendagri numbers cities from 71.
		if r.City != (r.Code[3] == '7') {
			t.Errorf("%s %s: name and code disagree on what it is", r.Code, r.Name)
		}
		if r.City {
			cities[r.Code[:2]]++
		} else {
			others[r.Code[:2]]++
		}
	}
	sumCities, sumOthers := 0, 0
	for _, p := range provinces {
		if p.Cities != cities[p.Code] || p.Regencies != others[p.Code] {
			t.Errorf("%s %s: %d regencies and %d cities in one table, %d and %d in the other", p.Code, p.Name, p.Regencies, p.Cities, others[p.Code], cities[p.Code])
		}
		sumCities, sumOthers = sumCities+p.Cities, sumOthers+p.Regencies
	}
	if sumOthers != 416 || sumCities != 98 {
		t.Errorf("%d regencies and %d cities, want 416 and 98", sumOthers, sumCities)
	}
	if name, ok := ledger.RegionName("73.71"); !ok || !strings.Contains(name, "Makassar") {
		t.Errorf("73.71 is %q", name)
	}
	if _, ok := ledger.RegionName("99"); ok {
		t.Error("99 has a name")
	}
}

// TestRegionalOffices: each is one of BKN's, or the doubt is shown.
func TestRegionalOffices(t *testing.T) {
	doubts := map[ledger.Doubt]int{}
	for _, p := range ledger.Provinces() {
		doubts[p.OfficeDoubt]++
		for _, o := range strings.Split(p.Office, " or ") {
			if !slices.Contains(ledger.Offices, o) {
				t.Errorf("%s is watched by %q", p.Name, o)
			}
		}
		if (p.OfficeDoubt == ledger.DoubtConflict) != strings.Contains(p.Office, " or ") {
			t.Errorf("%s is watched by %s with doubt %s", p.Name, p.Office, p.OfficeDoubt)
		}
	}
	if doubts[ledger.DoubtConflict] != 1 || doubts[ledger.DoubtNone] != 9 {
		t.Errorf("doubts of the regional offices: %v", doubts)
	}
}

// TestRegionsAreCopies: who changes a list changes nobody else's.
func TestRegionsAreCopies(t *testing.T) {
	ledger.Provinces()[0].Name, ledger.Regencies()[0].Name = "", ""
	if ledger.Provinces()[0].Name != "Aceh" || ledger.Regencies()[0].Name != "Kabupaten Aceh Selatan" {
		t.Error("the tables can be changed from outside")
	}
}
