package web

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/berkas-ledger/berkas/ledger"
)

// TestWorklist: obligations come with the whole question and both times, from
// the rules that are published; cases are not for dashboards.
func TestWorklist(t *testing.T) {
	n := newNode(t)
	id, opened := n.open()
	known := n.admit(opened).Position
	n.settled()
	ask := func(query string) workAnswer {
		t.Helper()
		r := n.get("/v1/worklist?" + query)
		if r.status != http.StatusOK {
			t.Fatalf("%d %s", r.status, r.body)
		}
		var a workAnswer
		n.check(json.Unmarshal([]byte(r.body), &a))
		return a
	}
	a := ask("agency=bawaslu")
	if a.Agency != "bawaslu" || a.KnownAt != uint64(known) || !a.AsOf.Equal(today) || a.Total != 1 || a.Overdue != 0 || a.Regimes != 0 || a.Holidays == nil {
		t.Fatalf("%+v", a)
	}
	o := a.Obligations[0]
	if o.Case != id || o.Code != ledger.NextStep || o.OwedBy != "bawaslu" || o.Due != nil || o.DaysOver != nil || o.Regime != "" || o.Doubt != ledger.DoubtUnsure {
		t.Errorf("%+v", o)
	}
	at := n.admit(n.Say(ledger.KemenPANRB, ledger.RegimePublishedKind, "contoh", today, ledger.Regime{
		ID: "contoh", Basis: "UU 7/2017", Doubt: ledger.DoubtNone, Deadlines: []ledger.Deadline{{
			Code: "completeness", From: ledger.MilestoneOpened, To: []ledger.Milestone{ledger.MilestoneChecked, ledger.MilestoneRegistered},
			OwedBy: "bawaslu", Length: &ledger.Length{Days: 2, Working: true}, Basis: "UU 7/2017 Ps 454", Doubt: ledger.DoubtConflict,
		}},
	})).Position
	n.settled()
	a = ask("agency=bawaslu&limit=1")
	if a.KnownAt != uint64(at) || a.Regimes != 1 || len(a.Obligations) != 1 {
		t.Fatalf("%+v", a)
	}
	o = a.Obligations[0]
	if o.Code != "completeness" || o.Due == nil || o.DaysOver == nil || *o.DaysOver != ledger.DaysBetween(*o.Due, ledger.DayOf(today)) ||
		!o.Provisional || o.Basis != "UU 7/2017 Ps 454" || o.Doubt != ledger.DoubtConflict || !strings.HasSuffix(o.UID, "@berkas") {
		t.Errorf("%+v", o)
	}
	if a := ask("agency=bkn&all=true"); a.Total != 0 || a.Obligations == nil || !a.All {
		t.Errorf("of another agency: %+v", a)
	}
	if a := ask("known-at=" + position(known)); a.Regimes != 0 || a.Obligations[0].Code != ledger.NextStep {
		t.Errorf("known before the regime: %+v", a)
	}
	n.wants(n.get("/v1/worklist?as-of=2020-06-16"), 409, "not-settled")
	n.wants(n.get("/v1/worklist?known-at=2020-05-01"), 404, "nothing-recorded")
	for _, bad := range []string{"agency=BKN", "as-of=kemarin", "known-at=0", "known-at=x", "all=semua", "limit=0", "limit=9999", "limit=x", "unit=case", "all=true&all=true"} {
		if p := n.wants(n.get("/v1/worklist?"+bad), 400, "bad-query"); strings.Contains(p.Detail, "kemarin") || strings.Contains(p.Detail, "semua") {
			t.Errorf("%s is repeated: %s", bad, p.Detail)
		}
	}
}

// FuzzWork: whatever stands behind the question mark is read without panic.
func FuzzWork(f *testing.F) {
	for _, seed := range []string{"", "agency=bkn&as-of=2020-10-04&known-at=7&all=true&limit=3", "agency=%ff", "limit=-1", "a;b"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		q, err := parseWork(raw)
		if err == nil && (q.Query.Limit < 1 || q.Query.Limit > maxListedWork || q.Query.Agency != "" && !q.Query.Agency.Valid()) {
			t.Fatalf("%q is read as %+v", raw, q)
		}
	})
}
