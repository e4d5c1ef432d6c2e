package projections

import (
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/berkas-ledger/berkas/internal/testkit"
	"github.com/berkas-ledger/berkas/ledger"
)

// TestCorrectedFigures: a figure counts what is known now, and with an earlier
// known-at what was known then; a duplicate counts until it is linked.
func TestCorrectedFigures(t *testing.T) {
	url := testkit.DB(t)
	b := newBook(firstDay.Add(100 * day))
	on := func(n int) time.Time { return firstDay.Add(time.Duration(n) * day) }
	open := ledger.CaseOpened{
		Channel: ledger.ChannelOffice, Origin: ledger.OriginFinding, Contest: "pilkada-2020", Catalogue: ledger.CatalogueSKB2022,
		Act: ledger.Act{Date: "2020-09-01", Region: "73.71"}, Items: items[:1],
		Respondents: []ledger.NewRespondent{{ID: "r1", Employment: "pns", Class: "pelaksana", Institution: institution[0]}},
	}
	assessed := func(outcome string) ledger.CaseAssessed {
		return ledger.CaseAssessed{Catalogue: ledger.CatalogueSKB2022, Respondents: []ledger.AssessedRespondent{{ID: "r1", Outcome: outcome}}}
	}
	correct := func(kind ledger.Kind, event string, payload any) ledger.EventCorrected {
		p := ledger.EventCorrected{Event: event, Kind: kind, Version: 1, Action: ledger.ActionVoid, Reason: "wrong-data"}
		if payload != nil {
			data, err := json.Marshal(payload)
			if err != nil {
				t.Fatal(err)
			}
			p.Action, p.Data = ledger.ActionReplace, data
		}
		return p
	}
	for _, id := range []string{caseNumber(1), caseNumber(2)} {
		b.add(ledger.CaseOpenedKind, 1, ledger.Bawaslu, id, on(0), open)
		b.add(ledger.CaseRegisteredKind, 1, ledger.Bawaslu, id, on(1), ledger.CaseRegistered{Register: "1"})
	}
	b.add(ledger.CaseAssessedKind, 1, ledger.Bawaslu, caseNumber(1), on(2), assessed(ledger.OutcomeViolation)) // position 5
	b.add(ledger.EventCorrectedKind, 1, ledger.Bawaslu, caseNumber(1), on(9),
		correct(ledger.CaseAssessedKind, testUUID(2, 5), assessed(ledger.OutcomeNotAViolation))) // 6
	b.add(ledger.CaseLinkedKind, 1, ledger.Bawaslu, caseNumber(2), on(10), ledger.CaseLinked{Link: ledger.LinkDuplicate, Case: caseNumber(1)}) // 7
	b.add(ledger.EventCorrectedKind, 1, ledger.Bawaslu, caseNumber(1), on(11), correct(ledger.CaseAssessedKind, testUUID(2, 5), nil))          // 8

	project(t, url, b.feed(3))
	reader := openReader(t, url)
	for _, tt := range []struct {
		measure ledger.Measure
		asOf    int // day
		known   ledger.Position
		want    uint64
	}{
		{ledger.Violation, 20, 5, 1},
		{ledger.NotViolation, 20, 5, 0},
		{ledger.Violation, 20, 6, 0},
		// The correction speaks of the day on which it happened.
		{ledger.NotViolation, 3, 6, 1},
		{ledger.NotViolation, 20, 7, 1},
		{ledger.NotViolation, 20, 8, 0},
		{ledger.InProcess, 20, 8, 1},
		{ledger.Opened, 20, 6, 2},
		{ledger.Opened, 20, 7, 1},
		{ledger.Opened, 9, 7, 2},
		{ledger.Opened, 20, 8, 1},
	} {
		a, err := reader.Figure(t.Context(), ledger.Query{
			Measures: []ledger.Measure{tt.measure}, Unit: ledger.UnitCase, AsOf: on(tt.asOf), KnownAt: tt.known,
		})
		if err != nil {
			t.Fatal(err)
		}
		if a.Value != tt.want {
			t.Errorf("%s as of day %d, known at %d: %d, want %d", tt.measure, tt.asOf, tt.known, a.Value, tt.want)
		}
	}
	out, err := Rebuild(t.Context(), Config{URL: url, CacheEvents: 1}, b.feed(1), RebuildOptions{Compare: true})
	if err != nil || !out.Compared || len(out.Differences) > 0 {
		t.Fatalf("rebuilt: %+v, %v", out, err)
	}
}
