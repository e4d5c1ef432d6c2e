package projections

import (
	"context"
	"reflect"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/berkas-ledger/berkas/internal/testkit"
	"github.com/berkas-ledger/berkas/ledger"
)

// publications are rules that tests publish somewhere in a ledger.
var publications = []struct {
	kind    ledger.Kind
	subject string
	payload any
}{
	{ledger.RegimePublishedKind, "long", ledger.Regime{ID: "long", Deadlines: deadlines(14)}},
	{ledger.RegimePublishedKind, "short", ledger.Regime{ID: "short", From: "2020-09-05", Deadlines: deadlines(3)}},
	{ledger.RegimePublishedKind, "gap", ledger.Regime{ID: "gap", From: "2020-09-10", Until: "2020-09-12", Deadlines: deadlines(1)[:2]}},
	{ledger.ContestPublishedKind, "pilkada-2020", ledger.Contest{ID: "pilkada-2020", Kind: "pilkada"}},
	{ledger.ContestPublishedKind, "pemilu-2024", ledger.Contest{ID: "pemilu-2024", Kind: "pemilu"}},
	{ledger.HolidaysPublishedKind, "holidays-2020", ledger.Holidays{Year: 2020, Days: []ledger.Date{"2020-09-07", "2020-09-08", "2020-10-02"}}},
	{ledger.HolidaysPublishedKind, "holidays-2020", ledger.Holidays{Year: 2020, Days: []ledger.Date{"2020-09-08"}}},
	{ledger.MandateGrantedKind, "bkn", ledger.MandateGranted{Grant: ledger.Grant{
		Agency: ledger.BKN, Mandate: ledger.MandateRecommendation, From: "2020-09-08", Scope: ledger.ScopeNotPredecessor, Predecessor: ledger.KASN,
	}}},
	{ledger.MandateGrantedKind, "kemendagri", ledger.MandateGranted{Grant: ledger.Grant{
		Agency: ledger.Kemendagri, Mandate: ledger.MandateRecommendation, Scope: ledger.ScopePredecessor, Predecessor: ledger.KASN,
	}}},
	{ledger.MandateEndedKind, "kemendagri", ledger.MandateEnded{Agency: ledger.Kemendagri, Mandate: ledger.MandateRecommendation, Until: "2020-09-12"}},
	{ledger.HolidaysPublishedKind, "holidays-2021", ledger.Holidays{Year: 2021, Days: []ledger.Date{"2021-01-01"}}},
}

// deadlines cover everything that rules can say.
func deadlines(n int) []ledger.Deadline {
	days, working := &ledger.Length{Days: n}, &ledger.Length{Days: n, Working: true}
	to := func(m ...ledger.Milestone) []ledger.Milestone { return m }
	return []ledger.Deadline{
		{Code: "completeness", From: "opened", To: to("checked", "registered"), OwedBy: "bawaslu", Length: days},
		{Code: "handling", From: "registered", To: to("assessed"), OwedBy: "bawaslu", Contest: "pilkada", Length: working, AtMost: days},
		{Code: "handling", From: "registered", To: to("assessed"), OwedBy: "bawaslu", Contest: "pemilu"},
		{Code: "verification", From: "reported", To: to("verified"), OwedBy: "task-force", WatchedBy: ledger.BKN, Length: days},
		{Code: "recommendation", From: "received", To: to("recommended"), OwedBy: "holder"},
		{Code: "decision", From: "sent", To: to("decided"), OwedBy: "appointing-authority", WatchedBy: ledger.BKN, Length: working},
		{Code: "admonition", From: "admonished", To: to("decided"), OwedBy: "appointing-authority", WatchedBy: ledger.Kemendagri, Length: days},
		{Code: "delivery", From: "decreed", To: to("delivered"), OwedBy: "appointing-authority", WatchedBy: ledger.BKN, Length: working, InForce: days},
		{Code: "objection", From: "sanction-delivered", To: to("objection-filed"), OwedBy: "respondent", Length: working, Right: true},
		{Code: "objection-decision", From: "objection-filed", To: to("objection-decided"), OwedBy: "appointing-authority", Length: days},
		{Code: "anew", From: "annulled", To: to("decided"), OwedBy: "appointing-authority"},
		// A right that lapses uncovers the other.
		{Code: "withdrawal", From: "opened", To: to("ended"), OwedBy: "respondent", Length: days, Right: true},
		{Code: "late-withdrawal", From: "opened", To: to("ended"), OwedBy: "respondent", Length: &ledger.Length{Days: 9, Working: true}, Right: true},
		{Code: "court", From: "appeal-filed", To: to("appeal-decided"), OwedBy: "bpasn", Right: true},
	}
}

// publish puts rules into a book at random places.
func publish(t *rapid.T, b *book) {
	for _, p := range publications {
		if rapid.IntRange(0, 3).Draw(t, "publishes") == 0 {
			continue
		}
		publishAt(b, rapid.IntRange(1, len(b.records)).Draw(t, "where"), p.kind, p.subject, p.payload)
	}
}

// publishAt puts a rule into a book after so many records.
func publishAt(b *book, at int, kind ledger.Kind, subject string, payload any) {
	r := b.add(kind, 1, ledger.KemenPANRB, subject, firstDay.Add(-time.Hour), payload)
	r.Recorded = b.records[at-1].Recorded
	b.records = slices.Insert(b.records[:len(b.records)-1], at, r)
	for i := range b.records {
		b.records[i].Position = ledger.Position(i + 1)
	}
}

// rules are those published up to a position.
func (b *book) rules(known ledger.Position) ledger.Rules {
	var payloads []any
	for _, r := range b.records[:known] {
		e, err := ledger.DecodeRecord(r)
		if err != nil {
			panic(err)
		}
		payloads = append(payloads, e.Payload)
	}
	return ledger.Publish(payloads)
}

// checkWorkList is the oracle of obligations: the list of any pair of times is what
// ledger.Obligations says of each case's records known then under the rules known
// then.
func checkWorkList(t *rapid.T, r *Reader, b *book) {
	for range rapid.IntRange(3, 15).Draw(t, "questions") {
		q := WorkQuery{
			Agency: pick(t, "agency", "", "", ledger.Bawaslu, ledger.KASN, ledger.BKN, ledger.Kemendagri),
			AsOf:   drawMoment(t, b), KnownAt: ledger.Position(rapid.IntRange(1, len(b.records)).Draw(t, "known at")),
			All: rapid.Bool().Draw(t, "all"), Limit: pick(t, "limit", 0, 0, 1, 3), Offset: pick(t, "offset", 0, 0, 1, 5),
		}
		var keeps func(*ledger.Obligation, time.Time) bool
		q.Filter, keeps = drawFilter(t)
		if rapid.Bool().Draw(t, "as of the end") {
			q.AsOf = b.records[len(b.records)-1].Recorded
		}
		if rapid.Bool().Draw(t, "known at the end") {
			q.KnownAt = ledger.Position(len(b.records))
		}
		got, err := r.WorkList(context.Background(), q)
		if err != nil {
			t.Fatal(err)
		}
		asked := q
		asked.All = q.All || q.Filter.State != ""
		want := slices.DeleteFunc(b.obligations(asked), func(o ledger.Obligation) bool { return !keeps(&o, q.AsOf) })
		overdue, cases := 0, map[string]bool{}
		for _, o := range want {
			cases[o.Case] = true
			if o.State == ledger.ObligationOverdue {
				overdue++
			}
		}
		if got.Total != len(want) || got.Overdue != overdue || got.Cases != len(cases) {
			t.Fatalf("%+v: %d obligations, %d overdue; the ledger says %d and %d", q, got.Total, got.Overdue, len(want), overdue)
		}
		want = want[min(q.Offset, len(want)):]
		if q.Limit > 0 {
			want = want[:min(q.Limit, len(want))]
		}
		if len(got.Obligations) != len(want) {
			t.Fatalf("%+v: %d are listed, want %d", q, len(got.Obligations), len(want))
		}
		for i := range want {
			if !reflect.DeepEqual(got.Obligations[i], want[i]) {
				t.Fatalf("%+v: obligation %d is\n%+v\nand for the ledger\n%+v", q, i, got.Obligations[i], want[i])
			}
		}
	}
}

// obligations is the answer by the ledger's own definition.
func (b *book) obligations(q WorkQuery) []ledger.Obligation {
	rules := b.rules(q.KnownAt)
	var list []ledger.Obligation
	for _, events := range b.history(q.KnownAt) {
		for _, o := range ledger.Obligations(events, rules, q.AsOf) {
			if (q.All || o.State.Pending()) && (q.Agency == "" || o.Concerns(q.Agency)) {
				list = append(list, o)
			}
		}
	}
	return ledger.MergeObligations(list)
}

// TestHolidaysPublishedLater: a list of holidays moves deadlines from its position
// on, a correction of it again, and what was shown before can still be asked for.
func TestHolidaysPublishedLater(t *testing.T) {
	url := testkit.DB(t)
	b := newBook(firstDay)
	b.genesis(5)
	b.add(ledger.RegimePublishedKind, 1, ledger.KemenPANRB, "long", b.recorded, ledger.Regime{ID: "long", Deadlines: deadlines(3)})
	b.add(ledger.ContestPublishedKind, 1, ledger.Bawaslu, "pilkada-2020", b.recorded, ledger.Contest{ID: "pilkada-2020", Kind: "pilkada"})
	opened := year(1)
	e, err := ledger.DecodeRecord(opened.records[1])
	if err != nil {
		t.Fatal(err)
	}
	friday := ledger.Date("2020-09-04").Start()
	b.add(e.Kind, 1, e.Source, caseNumber(1), friday, e.Payload)
	b.add(ledger.CaseRegisteredKind, 1, ledger.Bawaslu, caseNumber(1), friday, ledger.CaseRegistered{Register: "1"})
	for _, days := range [][]ledger.Date{{"2020-09-07", "2020-09-08"}, {"2020-09-08"}} {
		b.recorded = b.recorded.Add(24 * time.Hour)
		b.add(ledger.HolidaysPublishedKind, 1, ledger.KemenPANRB, "holidays-2020", b.recorded, ledger.Holidays{Year: 2020, Days: days})
	}
	b.recorded = b.recorded.Add(60 * 24 * time.Hour)
	b.add(ledger.ContestPublishedKind, 1, ledger.Bawaslu, "pemilu-2024", b.recorded, ledger.Contest{ID: "pemilu-2024", Kind: "pemilu"})
	project(t, url, b.feed(10))
	reader := openReader(t, url)
	for known, want := range map[ledger.Position]struct {
		due         ledger.Date
		provisional bool
		state       ledger.ObligationState
	}{
		5: {"2020-09-09", true, ledger.ObligationOverdue},
		6: {"2020-09-11", false, ledger.ObligationOpen},
		7: {"2020-09-10", false, ledger.ObligationOverdue},
		8: {"2020-09-10", false, ledger.ObligationOverdue},
	} {
		got, err := reader.WorkList(t.Context(), WorkQuery{Agency: ledger.Bawaslu, AsOf: ledger.Date("2020-09-11").End(), KnownAt: known})
		if err != nil {
			t.Fatal(err)
		}
		if len(got.Obligations) != 1 {
			t.Fatalf("known at %d: %+v", known, got.Obligations)
		}
		if o := got.Obligations[0]; o.Code != "handling" || o.Due != want.due || o.Provisional != want.provisional || o.State != want.state {
			t.Errorf("known at %d: %+v, want %+v", known, o, want)
		}
	}
}

// TestLags compares the lags with what the records say.
func TestLags(t *testing.T) {
	url := testkit.DB(t)
	b := newBook(firstDay)
	b.genesis(5)
	opened := year(1)
	e, err := ledger.DecodeRecord(opened.records[1])
	if err != nil {
		t.Fatal(err)
	}
	var wrong string
	for n, late := range []int{1, 2, 3, 4, 10} {
		r := b.add(e.Kind, 1, e.Source, caseNumber(n), b.recorded.Add(-time.Duration(late)*day), e.Payload)
		if first, err := ledger.DecodeRecord(r); err == nil {
			wrong = first.ID
		}
	}
	b.recorded = b.recorded.Add(31 * day)
	b.add(ledger.EventCorrectedKind, 1, ledger.Bawaslu, caseNumber(4), b.recorded, ledger.EventCorrected{
		Event: wrong, Kind: ledger.CaseOpenedKind, Version: 1, Action: ledger.ActionVoid, Reason: "wrong-data",
	})
	b.add(ledger.CaseRegisteredKind, 1, ledger.BKN, caseNumber(1), b.recorded.Add(-time.Hour), ledger.CaseRegistered{Register: "1"})
	project(t, url, b.feed(3))
	reader := openReader(t, url)
	got, err := reader.Lags(t.Context(), "agency", 0)
	if err != nil {
		t.Fatal(err)
	}
	bawaslu := Lag{
		Group: "bawaslu", Events: 6, Median: 2*day + 12*time.Hour, P90: 7 * day, Max: 10 * day, Late: 1, Corrections: 1, Voids: 1,
	}
	bkn := Lag{Group: "bkn", Events: 1, Median: time.Hour, P90: time.Hour, Max: time.Hour}
	if !reflect.DeepEqual(got.Groups, []Lag{bawaslu, bkn}) || got.LateAfter != 5*day {
		t.Errorf("%+v", got)
	}
	if got.All.Events != 7 || got.All.Late != 1 || got.All.Voids != 1 || got.All.Group != "" {
		t.Errorf("all: %+v", got.All)
	}
	before, err := reader.Lags(t.Context(), "month", 6)
	if err != nil {
		t.Fatal(err)
	}
	if len(before.Groups) != 1 || before.Groups[0].Group != "2020-09" || before.All.Events != 5 || before.All.Corrections != 0 {
		t.Errorf("known at 6: %+v", before)
	}
	if byKind, err := reader.Lags(t.Context(), "kind", 0); err != nil || len(byKind.Groups) != 3 {
		t.Errorf("by kind: %+v, %v", byKind, err)
	}
	if _, err := reader.Lags(t.Context(), "weather", 0); err == nil {
		t.Error("lags by weather")
	}
	if none, err := reader.Lags(t.Context(), "agency", 1); err != nil || len(none.Groups) != 0 || none.All.Events != 0 {
		t.Errorf("nobody has recorded anything: %+v, %v", none, err)
	}
}

// BenchmarkWorkList asks for what one agency has to do in the middle of a year of
// cases, and for what anybody ever owed.
func BenchmarkWorkList(b *testing.B) {
	url := testkit.DB(b)
	book := year(5000)
	for _, p := range publications {
		book.add(p.kind, 1, ledger.KemenPANRB, p.subject, firstDay, p.payload)
	}
	project(b, url, book.feed(1000))
	reader := openReader(b, url)
	for name, q := range map[string]WorkQuery{
		"pending": {Agency: ledger.BKN, AsOf: ledger.Date("2020-07-01").End(), Limit: 100}, "all": {All: true},
	} {
		b.Run(name, func(b *testing.B) {
			n := 0
			for b.Loop() {
				list, err := reader.WorkList(b.Context(), q)
				if err != nil {
					b.Fatal(err)
				}
				n = list.Total
			}
			b.ReportMetric(float64(n), "obligations")
		})
	}
}
