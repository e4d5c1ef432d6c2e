package projections

import (
	"slices"
	"testing"
	"time"

	"github.com/berkas-ledger/berkas/internal/testkit"
	"github.com/berkas-ledger/berkas/ledger"
)

// restBook is a ledger of one case of two respondents, of which the deadlines of
// publications hold. Its way is told day by day.
func restBook(t *testing.T, way func(on func(day int, kind ledger.Kind, source ledger.AgencyID, payload any))) *book {
	t.Helper()
	b := newBook(firstDay)
	b.genesis(500)
	for _, p := range publications[:1] {
		b.add(p.kind, 1, ledger.KemenPANRB, p.subject, firstDay.Add(-time.Hour), p.payload)
	}
	opened := year(1)
	e, err := ledger.DecodeRecord(opened.records[1])
	if err != nil {
		t.Fatal(err)
	}
	for n := range 6 { // others, which stand in the same block
		b.add(e.Kind, 1, e.Source, caseNumber(6-n), firstDay, e.Payload)
	}
	way(func(n int, kind ledger.Kind, source ledger.AgencyID, payload any) {
		at := firstDay.Add(time.Duration(n) * day)
		if at.After(b.recorded) {
			b.recorded = at
		}
		b.add(kind, 1, source, caseNumber(1), at, payload)
	})
	b.recorded = b.recorded.Add(1500 * day)
	b.add(ledger.ContestPublishedKind, 1, ledger.Bawaslu, "pemilu-2024", b.recorded, ledger.Contest{ID: "pemilu-2024", Kind: "pemilu"})
	return b
}

// TestRestedWhenLoaded: what cases owe has been found out when columns answer, so that
// nobody waits for it.
func TestRestedWhenLoaded(t *testing.T) {
	url := testkit.DB(t)
	b := demo(t)
	project(t, url, b.feed(1000))
	r := openColumnReader(t, url, 1000, 100)
	awaitColumns(t, r)
	s := r.columns.now.Load()
	_, before := r.ColumnsSize()
	for i := range s.blocks {
		if s.blocks[i].memo.rests[0] == nil {
			t.Fatalf("block %d of %d does not know what its cases owe", i, len(s.blocks))
		}
	}
	if _, err := r.WorkList(t.Context(), WorkQuery{}); err != nil {
		t.Fatal(err)
	}
	if _, after := r.ColumnsSize(); after != before {
		t.Errorf("columns take %d bytes before a question of what is owed, and %d after", before, after)
	}
}

// TestCasesAtRest: a case owes after its last row what it always will: a right
// until it lapses, a duty for ever, nothing after a decree is delivered, and all of
// it anew when the decree is annulled, whether that is asked before or after, and
// as it was known before.
func TestCasesAtRest(t *testing.T) {
	letter := letters[0]
	both := ledger.Named{}
	type on = func(day int, kind ledger.Kind, source ledger.AgencyID, payload any)
	decided := func(on on) {
		on(1, ledger.CaseRecommendedKind, ledger.KASN, ledger.CaseRecommended{Letter: letter, Sent: letter.Date, Authority: authorities[0], Respondents: []ledger.RecommendedRespondent{
			{ID: "r1", Family: ledger.FamilyDiscipline, Sanction: "medium"},
		}})
		on(5, ledger.DecisionRecordedKind, ledger.BKN, ledger.DecisionRecorded{Decree: letter, Respondents: []ledger.DecidedRespondent{
			{ID: "r1", Outcome: ledger.OutcomeSanctioned, Level: "light"},
		}})
	}
	ways := map[string]func(on on){
		"a duty for ever": func(on on) { on(2, ledger.CaseRegisteredKind, ledger.Bawaslu, ledger.CaseRegistered{Register: "1"}) },
		"a decision for ever": func(on on) {
			decided(func(n int, kind ledger.Kind, source ledger.AgencyID, payload any) {
				if kind != ledger.DecisionRecordedKind {
					on(n, kind, source, payload)
				}
			})
		},
		"a right that lapses": func(on on) {
			decided(on)
			on(8, ledger.DecisionDeliveredKind, ledger.BKN, ledger.DecisionDelivered{Decree: letter, Named: both})
		},
		"an annulled decree, and another": func(on on) {
			decided(on)
			on(9, ledger.DecisionAnnulledKind, ledger.BKN, ledger.DecisionAnnulled{Decree: letter, Letter: letters[1], Named: both})
			on(40, ledger.DecisionRecordedKind, ledger.BKN, ledger.DecisionRecorded{Decree: letters[1], Respondents: []ledger.DecidedRespondent{
				{ID: "r1", Outcome: ledger.OutcomeSanctioned, Level: "light"},
			}})
		},
		"an end": func(on on) {
			on(3, ledger.CaseCancelledKind, ledger.BKN, ledger.CaseCancelled{Reason: "court-order", Named: both})
		},
		"an end, and a reopening": func(on on) {
			on(3, ledger.CaseCancelledKind, ledger.BKN, ledger.CaseCancelled{Reason: "court-order", Named: both})
			on(30, ledger.CaseReopenedKind, ledger.BKN, ledger.CaseReopened{Reason: "court-order", Respondents: []string{"r1"}})
		},
	}
	for name, way := range ways {
		t.Run(name, func(t *testing.T) {
			b := restBook(t, way)
			url := testkit.DB(t)
			reader := openColumnReader(t, url, 1000, 4000)
			before := &book{records: b.records[:len(b.records)-2]}
			project(t, url, before.feed(3))
			awaitColumns(t, reader)
			askAtRest(t, reader, before)
			project(t, url, b.feed(3)) // a case stands in another block now
			awaitColumns(t, reader)
			askAtRest(t, reader, b)
		})
	}
}

// askAtRest asks before and after a case is at rest, of all positions, twice: what
// was kept of the first question answers the second.
func askAtRest(t *testing.T, r *Reader, b *book) {
	t.Helper()
	days := []int{0, 1, 4, 5, 6, 8, 10, 20, 29, 31, 41, 60, 300, 415, 416, 440, 800, 1400}
	for _, known := range []ledger.Position{ledger.Position(len(b.records)), ledger.Position(len(b.records) - 1), ledger.Position(len(b.records) - 2), ledger.Position(len(b.records) - 3)} {
		for _, agency := range []ledger.AgencyID{"", ledger.BKN, ledger.Bawaslu} {
			for last := len(days) - 1; last >= 0; last-- {
				if firstDay.Add(time.Duration(days[last])*day + time.Hour).After(b.records[len(b.records)-1].Recorded) {
					continue
				}
				q := BacklogQuery{Agency: agency, AsOf: firstDay.Add(time.Duration(days[last])*day + time.Hour), KnownAt: known, Longest: 3}
				for _, n := range days[:last+1] {
					at := firstDay.Add(time.Duration(n)*day + time.Hour)
					if last%4 == 1 { // more moments than are kept
						at = at.Add(-time.Duration(last) * time.Minute)
					}
					q.Trend = append(q.Trend, at)
				}
				got, err := r.Backlog(t.Context(), q)
				if err != nil {
					t.Fatal(err)
				}
				compareBacklog(t, got, b)
				list, err := r.WorkList(t.Context(), WorkQuery{Agency: agency, AsOf: q.AsOf, KnownAt: known, Limit: 50})
				if err != nil {
					t.Fatal(err)
				}
				if want := b.obligations(WorkQuery{Agency: agency, AsOf: q.AsOf, KnownAt: known}); list.Total != len(want) {
					t.Fatalf("%d are owed on day %d, the ledger says %d: %+v", list.Total, days[last], len(want), want)
				}
			}
		}
	}
}

// TestStretchesAreOfTheirLaw: what a block's cases owe is found once, under rules
// that say the same of its time and contests, and anew under others.
func TestStretchesAreOfTheirLaw(t *testing.T) {
	b := restBook(t, func(on func(day int, kind ledger.Kind, source ledger.AgencyID, payload any)) {
		on(2, ledger.CaseRegisteredKind, ledger.Bawaslu, ledger.CaseRegistered{Register: "1"})
		on(30, ledger.CaseForwardedKind, ledger.Bawaslu, ledger.CaseForwarded{Letter: letters[0], To: ledger.KASN})
	})
	url := testkit.DB(t)
	reader := openColumnReader(t, url, 1000, 4000)
	project(t, url, b.feed(3))
	awaitColumns(t, reader)
	s := reader.columns.now.Load()
	rules := b.rules(ledger.Position(len(b.records)))
	debtor := func(change func(*ledger.Rules)) *debtor {
		r := rules
		r.Regimes = append([]ledger.Regime{}, rules.Regimes...)
		change(&r)
		return &debtor{rulebook: s.rulebook(r, "", &reader.columns.rules)}
	}
	block := s.blocks[0].block
	bounds := s.bounded(block)
	first := debtor(func(*ledger.Rules) {}).rested(block, bounds)
	for _, c := range []struct {
		name   string
		change func(*ledger.Rules)
		same   bool
	}{
		{"the same", func(*ledger.Rules) {}, true},
		{"another contest", func(r *ledger.Rules) { r.Contests = map[string]ledger.Contest{"x": {ID: "x", Kind: "pilkada"}} }, true},
		{"a regime of later", func(r *ledger.Rules) { r.Regimes = append(r.Regimes, ledger.Regime{ID: "later", From: "2030-01-01"}) }, true},
		{"a regime of the block's", func(r *ledger.Rules) { r.Regimes = append(r.Regimes, ledger.Regime{ID: "other", From: "2020-09-02"}) }, false},
		{"a deadline of another code", func(r *ledger.Rules) {
			r.Regimes[0].Deadlines = []ledger.Deadline{{Code: "x", From: "opened", OwedBy: "bawaslu"}}
		}, false},
	} {
		if got := debtor(c.change).rested(block, bounds); (got == first) != c.same {
			t.Errorf("%s: the stretches are the same: %t, want %t", c.name, got == first, c.same)
		}
	}
	if n := len(first.last.from) + len(first.earlier.from); n < len(block.ids)+2 || slices.Contains(first.last.from, restless) || slices.Contains(first.earlier.odd, true) {
		t.Errorf("%d cases have %d stretches: %+v", len(block.ids), n, first)
	}
}
