package projections

import (
	"math"
	"slices"
	"testing"
	"time"

	"github.com/berkas-ledger/berkas/internal/testkit"
	"github.com/berkas-ledger/berkas/ledger"
)

// reconciled is a ledger in which every reason for a difference occurs. In 2020,
// Bawaslu opens on 2 September two findings that look the same, on 3 September
// one with two respondents and on 5 September one of another institution; BKN
// is sent the first. A finding of 4 September is recorded ten days late.
func reconciled() *book {
	b := newBook(firstDay)
	b.genesis(3)
	open := func(n int, day ledger.Date, institutions ...ledger.Institution) {
		p := ledger.CaseOpened{
			Channel: ledger.ChannelOffice, Origin: ledger.OriginFinding, Contest: "pilkada-2020", Catalogue: ledger.CatalogueSKB2022,
			Act: ledger.Act{Date: "2020-09-01", Region: "73.71"}, Items: []string{"ethics-1"},
		}
		for i, in := range institutions {
			p.Respondents = append(p.Respondents, ledger.NewRespondent{ID: []string{"r1", "r2"}[i], Employment: "pns", Class: "pelaksana", Institution: in})
		}
		at := day.Start().Add(time.Hour)
		if at.After(b.recorded) {
			b.recorded = at
		}
		b.add(ledger.CaseOpenedKind, 1, ledger.Bawaslu, caseNumber(n), at, p)
	}
	open(1, "2020-09-02", institution[0])
	open(2, "2020-09-02", institution[0])
	open(3, "2020-09-03", institution[1], institution[2])
	b.add(ledger.CaseForwardedKind, 1, ledger.Bawaslu, caseNumber(1), b.recorded, ledger.CaseForwarded{To: ledger.BKN, Letter: letters[0]})
	open(4, "2020-09-05", institution[2])
	b.recorded = ledger.Date("2020-09-14").Start()
	open(5, "2020-09-04", institution[2])
	return b
}

func TestReconcileGivesReasons(t *testing.T) {
	url := testkit.DB(t)
	project(t, url, reconciled().feed(10))
	for name, r := range bothReaders(t, url) {
		t.Run(name, func(t *testing.T) { checkReasons(t, r) })
	}
}

func checkReasons(t *testing.T, r *Reader) {
	figure := func(agency ledger.AgencyID, asOf ledger.Date, unit ledger.Unit, value uint64) PublishedFigure {
		return PublishedFigure{Table: "t", Publisher: agency, AsOf: asOf, Unit: unit, Measure: "opened", Value: value}
	}
	filtered := figure(ledger.Bawaslu, "2020-09-08", ledger.UnitRespondent, 6)
	filtered.Filter = map[string]string{"office": "IV"}
	since := figure(ledger.Bawaslu, "2020-09-03", ledger.UnitCase, 3)
	since.Since = "2020-09-02"
	strange := figure(ledger.Bawaslu, "2020-09-31", ledger.UnitCase, 1)
	for _, c := range []struct {
		name          string
		figure        PublishedFigure
		ledger        uint64
		reasons       []Reason // of the candidates, in order
		ours, theirs  []string // cases on one side only, of the first candidate
		reason        Reason
		withoutAnswer bool
	}{
		{name: "equal", figure: figure(ledger.Bawaslu, "2020-09-02", ledger.UnitCase, 2), ledger: 2, reason: ReasonEqual},
		{name: "several readings", figure: figure(ledger.Bawaslu, "2020-09-05", ledger.UnitRespondent, 5), ledger: 6, reason: ReasonLate, reasons: []Reason{ReasonLate, ReasonWindow, ReasonUnit, ReasonDuplicate}, ours: []string{caseNumber(5)}},
		{name: "late", figure: figure(ledger.Bawaslu, "2020-09-04", ledger.UnitCase, 3), ledger: 4, reason: ReasonLate, reasons: []Reason{ReasonLate, ReasonWindow, ReasonDuplicate}, ours: []string{caseNumber(5)}},
		{name: "a day later", figure: figure(ledger.Bawaslu, "2020-09-01", ledger.UnitCase, 2), ledger: 0, reason: ReasonWindow, reasons: []Reason{ReasonWindow, ReasonScope}, theirs: []string{caseNumber(1), caseNumber(2)}},
		{name: "since a day earlier", figure: since, ledger: 1, reason: ReasonWindow, reasons: []Reason{ReasonWindow}, theirs: []string{caseNumber(1), caseNumber(2)}},
		{name: "observer", figure: figure(ledger.BKN, "2020-09-03", ledger.UnitCase, 3), ledger: 1, reason: ReasonObserver, reasons: []Reason{ReasonObserver}, theirs: []string{caseNumber(2), caseNumber(3), caseNumber(3)}},
		{name: "unit", figure: figure(ledger.Bawaslu, "2020-09-03", ledger.UnitCase, 4), ledger: 3, reason: ReasonWindow, reasons: []Reason{ReasonWindow, ReasonUnit}, theirs: []string{caseNumber(5)}},
		{name: "duplicate", figure: figure(ledger.Bawaslu, "2020-09-02", ledger.UnitCase, 1), ledger: 2, reason: ReasonDuplicate, reasons: []Reason{ReasonDuplicate}, ours: []string{caseNumber(2)}},
		{name: "without the filter", figure: filtered, ledger: 2, reason: ReasonScope, reasons: []Reason{ReasonScope}, theirs: []string{caseNumber(3), caseNumber(3), caseNumber(4), caseNumber(5)}},
		{name: "nothing of the agency's", figure: figure(ledger.KASN, "2020-09-08", ledger.UnitCase, 40), ledger: 0, reason: ReasonScope, reasons: []Reason{ReasonScope}},
		{name: "unknown", figure: figure(ledger.Bawaslu, "2020-09-08", ledger.UnitCase, math.MaxUint32), ledger: 5, reason: ReasonUnknown},
		{name: "not settled", figure: figure(ledger.Bawaslu, "2021-09-08", ledger.UnitCase, 5), reason: ReasonNotSettled, withoutAnswer: true},
		{name: "no such day", figure: strange, reason: ReasonUnknown, withoutAnswer: true},
	} {
		t.Run(c.name, func(t *testing.T) {
			lines, err := r.Reconcile(t.Context(), []PublishedFigure{c.figure}, 0)
			if err != nil {
				t.Fatal(err)
			}
			l := lines[0]
			if l.Reason != c.reason || l.Answer.Value != c.ledger || (l.Problem != "") != c.withoutAnswer {
				t.Fatalf("line %+v, want %d and reason %s", l, c.ledger, c.reason)
			}
			if want := int64(c.ledger) - int64(c.figure.Value); !c.withoutAnswer && l.Difference != want {
				t.Fatalf("difference %d, want %d", l.Difference, want)
			}
			var reasons []Reason
			for _, candidate := range l.Candidates {
				reasons = append(reasons, candidate.Reason)
			}
			if !slices.Equal(reasons, c.reasons) {
				t.Fatalf("candidates %+v, want %v", l.Candidates, c.reasons)
			}
			if len(reasons) > 0 {
				if ours, theirs := caseIDs(l.Candidates[0].OnlyOurs), caseIDs(l.Candidates[0].OnlyOther); !slices.Equal(ours, c.ours) || !slices.Equal(theirs, c.theirs) {
					t.Fatalf("only ours %v, only other %v; want %v and %v", ours, theirs, c.ours, c.theirs)
				}
			}
		})
	}
}

func caseIDs(list []Counted) (out []string) {
	for _, c := range list {
		out = append(out, c.Case)
	}
	return out
}

func TestReconcileWhatTheLedgerPublished(t *testing.T) {
	url := testkit.DB(t)
	r := openReader(t, url)
	b := reconciled()
	b.add(ledger.FiguresPublishedKind, 1, ledger.Bawaslu, "t20", b.recorded, ledger.FiguresPublished{
		Table: "t20", Publisher: ledger.Bawaslu, Doubt: ledger.DoubtUnsure, Sources: []string{"paper/1", "paper/2"}, Restates: "t19",
		Figures: []ledger.FigureV1{
			{AsOf: "2020-09-03", Unit: ledger.UnitCase, Measure: "opened+blocked", Value: 3},
			{AsOf: "2020-09-03", Since: "2020-09-02", SeenBy: ledger.BKN, Unit: ledger.UnitRespondent, Measure: "forwarded", Filter: map[string]string{"office": "IV", "forwarded-to": "bkn"}, Value: 1},
			{AsOf: "2020-09-03", Unit: ledger.UnitPPK, Measure: "opened", Value: math.MaxUint64},
		},
	})
	project(t, url, b.feed(10))
	figures, err := r.PublishedFigures(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if len(figures) != 3 || figures[0].SeenBy != ledger.Bawaslu || figures[0].Source != "paper/1; paper/2" || figures[0].Restates != "t19" ||
		figures[1].SeenBy != ledger.BKN || figures[1].Since != "2020-09-02" || figures[1].Filter["forwarded-to"] != "bkn" || len(figures[0].Filter) != 0 ||
		figures[2].Value != math.MaxUint64 || figures[2].Position != ledger.Position(len(b.records)) || figures[2].Event == "" {
		t.Fatalf("published figures %+v", figures)
	}
	lines, err := r.Reconcile(t.Context(), figures, 0)
	if err != nil {
		t.Fatal(err)
	}
	if lines[0].Reason != ReasonEqual || lines[1].Reason != ReasonEqual || lines[2].Reason == ReasonEqual || lines[2].Difference != -math.MaxInt64 {
		t.Fatalf("lines %+v", lines)
	}
	// As known before the last case was recorded.
	if lines, err = r.Reconcile(t.Context(), figures[:1], 5); err != nil || lines[0].Reason != ReasonEqual || lines[0].Answer.Query.KnownAt != 5 {
		t.Fatalf("as known at 5: %+v, %v", lines, err)
	}
}

// TestReconcileShowsDisputes: beside a difference stand the decrees on which
// agencies do not agree, as far as known and happened then.
func TestReconcileShowsDisputes(t *testing.T) {
	url := testkit.DB(t)
	b := newBook(firstDay.Add(100 * day))
	on := func(n int) time.Time { return firstDay.Add(time.Duration(n) * day) }
	p := ledger.CaseOpened{
		Channel: ledger.ChannelOffice, Origin: ledger.OriginFinding, Contest: "pilkada-2020", Catalogue: ledger.CatalogueSKB2022,
		Act: ledger.Act{Date: "2020-09-01", Region: "73.71"}, Items: items[:1],
		Respondents: []ledger.NewRespondent{{ID: "r1", Employment: "pns", Class: "pelaksana", Institution: institution[0]}},
	}
	decided := func(level string) ledger.DecisionRecorded {
		return ledger.DecisionRecorded{Decree: letters[0], Respondents: []ledger.DecidedRespondent{{ID: "r1", Outcome: ledger.OutcomeSanctioned, Level: level}}}
	}
	b.add(ledger.CaseOpenedKind, 1, ledger.Bawaslu, caseNumber(1), on(0), p)
	b.add(ledger.DecisionRecordedKind, 1, ledger.BKN, caseNumber(1), on(10), decided("medium"))
	b.add(ledger.DecisionRecordedKind, 1, ledger.KASN, caseNumber(1), on(5), decided("light"))
	project(t, url, b.feed(10))
	for name, r := range bothReaders(t, url) {
		t.Run(name, func(t *testing.T) { checkDisputes(t, r) })
	}
}

func checkDisputes(t *testing.T, r *Reader) {
	figure := PublishedFigure{Table: "t", Publisher: ledger.Bawaslu, SeenBy: ledger.Bawaslu, AsOf: "2020-10-01", Unit: ledger.UnitCase, Measure: "sanctioned", Value: 7}
	for known, want := range map[ledger.Position]int{2: 0, 3: 1} {
		lines, err := r.Reconcile(t.Context(), []PublishedFigure{figure}, known)
		if err != nil {
			t.Fatal(err)
		}
		if got := lines[0].Disputes; len(got) != want || want > 0 && (got[0].Respondent != "r1" || len(got[0].Records) != 2 || got[0].Records[0].By != ledger.BKN) {
			t.Errorf("known at %d: disputes %+v, want %d", known, got, want)
		}
	}
	// Only one of the two had happened.
	figure.AsOf = "2020-09-07"
	if lines, err := r.Reconcile(t.Context(), []PublishedFigure{figure}, 0); err != nil || len(lines[0].Disputes) > 0 {
		t.Errorf("before the second record: %+v, %v", lines[0].Disputes, err)
	}
}
