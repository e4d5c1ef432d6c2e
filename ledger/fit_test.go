package ledger_test

import (
	"os"
	"strings"
	"testing"

	"github.com/berkas-ledger/berkas/ledger"
)

// TestMisfits: catalogue against the day of the act, item against the day of
// determination, each on its last and first day.
func TestMisfits(t *testing.T) {
	pilkada := ledger.Contest{ID: "pilkada-2024", Determination: "2024-09-22", Doubt: ledger.DoubtUnsure}
	for _, tt := range []struct {
		act     ledger.Date
		contest ledger.Contest
		items   string
		want    string // item and doubt of what does not fit
	}{
		{"2022-09-21", ledger.Contest{}, "social-media ethics-1", "ethics-1 none"},
		{"2022-09-22", ledger.Contest{}, "social-media ethics-1", "social-media unsure"},
		{"2024-09-21", pilkada, "ethics-1 discipline-1", "discipline-1 unsure"},
		{"2024-09-22", pilkada, "ethics-1 discipline-1", "ethics-1 unsure"},
		{"2024-09-22", pilkada, "discipline-3", "discipline-3 conflict"},
		{"2024-09-22", pilkada, "ethics-7 discipline-5 discipline-8", ""},
		{"2024-09-21", pilkada, "ethics-7 discipline-5 discipline-8", ""},
		{"2024-09-21", pilkada, "discipline-9 discipline-10", "discipline-10 unsure"},
		{"2024-09-21", ledger.Contest{}, "discipline-9 discipline-10", ""}, // no date known
		{"2024-09-21", pilkada, "nothing-known", ""},
	} {
		c := ledger.Case{Act: ledger.Act{Date: tt.act}, Respondents: []ledger.Respondent{{ID: "r1", Items: strings.Fields(tt.items)}}}
		var got []string
		for _, m := range c.Misfits(tt.contest) {
			got = append(got, m.Item+" "+string(m.Doubt))
			if m.Respondent != "r1" || !strings.Contains(m.Why, string(tt.act)) {
				t.Errorf("misfit %+v", m)
			}
		}
		if strings.Join(got, ", ") != tt.want {
			t.Errorf("%s on %s: %v, want %s", tt.items, tt.act, got, tt.want)
		}
	}
}

// TestItemsAreTheCatalogue: the table is that of the joint decree as
// data/violations.tsv has it.
func TestItemsAreTheCatalogue(t *testing.T) {
	text, err := os.ReadFile("data/violations.tsv")
	if err != nil {
		t.Fatal(err)
	}
	sides := map[string]ledger.When{
		"bakal_calon": ledger.BeforeDetermination, "self_bakal_calon": ledger.BeforeDetermination,
		"bakal_calon_perseorangan": ledger.BeforeDetermination, "before_determination": ledger.BeforeDetermination,
		"calon": ledger.SinceDetermination, "after_determination": ledger.SinceDetermination,
		"spouse": "", "party": "", "any": "",
	}
	var want []ledger.Item
	for i, line := range strings.Split(strings.TrimSpace(string(text)), "\n") {
		f := strings.Split(line, "\t")
		if i == 0 {
			continue
		}
		family := map[string]string{"kode_etik": ledger.FamilyEthics, "disiplin": ledger.FamilyDiscipline}[f[0]]
		side, known := sides[f[2]]
		if !known {
			t.Fatalf("line %d: no side of %q", i+1, f[2])
		}
		it := ledger.Item{Code: family + "-" + f[1], Catalogue: ledger.CatalogueSKB2022, Family: family, Doubt: ledger.DoubtNone, When: side}
		if strings.HasPrefix(f[5], "CONFLICT") {
			it.Doubt = ledger.DoubtConflict
		}
		want = append(want, it)
	}
	var got []ledger.Item
	for _, it := range ledger.Items {
		if it.Act = ""; it.Catalogue == ledger.CatalogueSKB2022 {
			got = append(got, it)
		} else if it.When != "" {
			t.Errorf("%s of a catalogue that does not say has the side %s", it.Code, it.When)
		}
	}
	if len(got) != len(want) {
		t.Fatalf("%d items, the catalogue has %d", len(got), len(want))
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("item %+v, the catalogue says %+v", got[i], want[i])
		}
	}
}
