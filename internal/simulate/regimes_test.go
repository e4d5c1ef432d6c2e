package simulate

import (
	"testing"

	"github.com/berkas-ledger/berkas/ledger"
	"github.com/berkas-ledger/berkas/schemas"

	"github.com/go-json-experiment/json"
)

// TestWhatIsOwed: on 26 November 2020 the authorities owe decisions on the 147
// respondents of the published figures who were not followed up, all of them
// overdue; nobody is late where no source says how long.
func TestWhatIsOwed(t *testing.T) {
	var payloads []any
	for _, g := range Regimes() {
		payloads = append(payloads, &g)
	}
	for _, h := range Holidays() {
		payloads = append(payloads, &h)
	}
	h := take(t, Pilkada2020(Config{Origin: origin, Seed: 1}))
	for _, c := range h.contests {
		payloads = append(payloads, &c)
	}
	rules := ledger.Publish(payloads)
	if len(h.regimes) != len(rules.Regimes) {
		t.Errorf("the history publishes %d regimes of %d", len(h.regimes), len(rules.Regimes))
	}
	decisions := 0
	for _, events := range h.cases {
		for _, o := range ledger.Obligations(events, rules, ledger.Date("2020-11-26").End()) {
			switch {
			case o.State.Pending() && o.OwedBy == ledger.OwedByAuthority:
				decisions += len(o.Respondents)
				if o.State != ledger.ObligationOverdue || o.Regime != "practice-2020" || o.Doubt != ledger.DoubtConflict || o.Provisional {
					t.Errorf("%+v", o)
				}
			case o.Code == "recommendation" && (o.Due != "" || o.State == ledger.ObligationOverdue):
				t.Errorf("a day was made up: %+v", o)
			}
		}
	}
	if decisions != 147 {
		t.Errorf("decisions are owed on %d respondents, published were 147", decisions)
	}
}

// TestRegimesFollowOneAnother: every day has one regime, and each is sound and
// fits its schema.
func TestRegimesFollowOneAnother(t *testing.T) {
	v, err := schemas.New()
	if err != nil {
		t.Fatal(err)
	}
	fits := func(kind ledger.Kind, p any) {
		t.Helper()
		data, err := json.Marshal(p)
		if err != nil {
			t.Fatal(err)
		}
		if bad := v.Refusal(kind, 1, data); bad != nil {
			t.Errorf("%s: %v", kind, bad)
		}
	}
	list := Regimes()
	for i, g := range list {
		if at, why := g.Sound(); why != "" {
			t.Errorf("%s: %s at %s", g.ID, why, at)
		}
		if i > 0 && list[i-1].Until != g.From {
			t.Errorf("%s ends on %s, %s begins on %s", list[i-1].ID, list[i-1].Until, g.ID, g.From)
		}
		fits(ledger.RegimePublishedKind, g)
	}
	for _, h := range Holidays() {
		fits(ledger.HolidaysPublishedKind, h)
		if !decreed[h.Year].Valid() {
			t.Errorf("nobody says when the holidays of %d were decreed", h.Year)
		}
	}
}
