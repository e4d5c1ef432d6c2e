package ledger

import "testing"

// TestZones: every province has a zone, and the three have as many as they should.
func TestZones(t *testing.T) {
	count := map[string]int{}
	for _, p := range Provinces() {
		count[ZoneOf(p.Code).String()]++
	}
	if count["WIB"] != 18 || count["WITA"] != 12 || count["WIT"] != 8 || len(count) != 3 {
		t.Errorf("%v", count)
	}
	known := map[string]bool{}
	for _, p := range Provinces() {
		known[p.Code] = true
	}
	for code := range zones {
		if !known[code] {
			t.Errorf("there is no province %s", code)
		}
	}
	for region, want := range map[string]string{"73.71": "WITA", "91": "WIT", "31": "WIB", "": "WIB", "x": "WIB", "00": "WIB"} {
		if got := ZoneOf(region).String(); got != want {
			t.Errorf("%q is in %s, not %s", region, got, want)
		}
	}
}
