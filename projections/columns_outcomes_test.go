package projections

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/berkas-ledger/berkas/internal/testkit"
	"github.com/berkas-ledger/berkas/ledger"
)

// askedSteps are one of each kind: one that a decree leaves behind, one that comes
// after it, one whose end is known by its day alone, and one that few begin.
var askedSteps = []Step{
	{ledger.MilestoneOpened, ledger.MilestoneChecked},
	{ledger.MilestoneOpened, ledger.MilestoneDelivered},
	{ledger.MilestoneRecommended, ledger.MilestoneSent},
	{ledger.MilestoneSent, ledger.MilestoneDecreed},
	{ledger.MilestoneOpened, ledger.MilestoneReopened},
	{ledger.MilestoneReceived, ledger.MilestoneRecommended},
}

// sameWaits compares what a reader says of steps with what the ledger's rows do.
func sameWaits(t *testing.T, r *Reader, rows []ledger.Row, q ledger.Query, steps []Step, by string) [][]Duration {
	t.Helper()
	_, got, err := r.Durations(t.Context(), q, steps, by)
	if err != nil {
		t.Fatal(err)
	}
	for i, step := range steps {
		if want := waits(rows, q, step, by); fmt.Sprint(got[i]) != fmt.Sprint(want) {
			t.Fatalf("%s from %s to %s by %q: %v, the ledger says %v", describe(q), step.From, step.To, by, got[i], want)
		}
	}
	return got
}

// TestOutcomesOfManyMoments: what blocks keep of steps holds at all later moments,
// but for those who wait, who wait a day longer each day, and is not used where
// another row holds, be it at an earlier moment or as known before.
func TestOutcomesOfManyMoments(t *testing.T) {
	url := testkit.DB(t)
	b := year(40)
	for n := range 3 { // of several items each, and open
		b.add(ledger.CaseOpenedKind, 1, ledger.Bawaslu, caseNumber(90+n), b.recorded.AddDate(0, -n, 0), ledger.CaseOpened{
			Channel: ledger.ChannelOffice, Origin: ledger.OriginFinding, Contest: "pilkada-2020", Catalogue: ledger.CatalogueSKB2020,
			Act: ledger.Act{Date: "2020-01-01", Region: "73.71"}, Items: []string{"social-media", "ethics-1"},
			Respondents: []ledger.NewRespondent{{ID: "r1", Employment: "pns", Class: "pelaksana", Institution: institution[0]}},
		})
	}
	project(t, url, b.feed(100))
	r := openColumnReader(t, url, 100, 60)
	awaitColumns(t, r)
	first, last := b.records[0].Recorded, b.records[len(b.records)-1].Recorded
	_, before := r.ColumnsSize()
	for _, known := range []ledger.Position{ledger.Position(len(b.records)), ledger.Position(len(b.records) / 2)} {
		rows := b.rows(known)
		for i := range 30 {
			q := ledger.Query{Unit: ledger.UnitRespondent, AsOf: last.Add(-last.Sub(first) / 30 * time.Duration(i)), KnownAt: known}
			sameWaits(t, r, rows, q, askedSteps, []string{"item", "", "holder"}[i%3])
			// Since a moment on a day on which steps began.
			q.Since = rows[i%len(rows)].Reached.At(ledger.MilestoneOpened)
			sameWaits(t, r, rows, q, askedSteps, "")
			q.Filter = map[string]string{"holder": string(ledger.BKN)}
			sameWaits(t, r, rows, q, askedSteps, "province")
		}
	}
	if _, after := r.ColumnsSize(); after <= before {
		t.Errorf("outcomes take %d bytes", after-before)
	}
	// Those who wait have waited a day longer a day later.
	longest := func(at time.Time) int {
		q := ledger.Query{Unit: ledger.UnitRespondent, AsOf: at, KnownAt: ledger.Position(len(b.records))}
		return len(sameWaits(t, r, b.rows(q.KnownAt), q, askedSteps[1:2], "")[0][0].Open)
	}
	if now, before := longest(last), longest(last.AddDate(0, 0, -1)); now != before+1 {
		t.Errorf("who waits longest has waited %d days, and %d a day before", now-1, before-1)
	}
}

// TestOutcomesOfManySteps: as many steps as there are get their answer, and blocks
// keep as much as they may.
func TestOutcomesOfManySteps(t *testing.T) {
	url := testkit.DB(t)
	b := year(12)
	project(t, url, b.feed(100))
	r := openColumnReader(t, url, 100, 60)
	awaitColumns(t, r)
	q := ledger.Query{Unit: ledger.UnitRespondent, AsOf: b.records[len(b.records)-1].Recorded, KnownAt: ledger.Position(len(b.records))}
	rows := b.rows(q.KnownAt)
	for _, from := range ledger.Milestones {
		var steps []Step
		for _, to := range ledger.Milestones[len(ledger.Milestones)/2:] {
			steps = append(steps, Step{from, to})
		}
		sameWaits(t, r, rows, q, append(steps, steps[0]), "")
	}
	for _, p := range r.columns.now.Load().blocks {
		if o := p.outcomes.Load(); o == nil || len(o.steps) == 0 || len(o.steps) > keptSteps {
			t.Fatalf("a block keeps %+v", o)
		}
	}
}

// TestOutcomesOfChangedCases: cases that are read again count as they are now, and
// no more as they were.
func TestOutcomesOfChangedCases(t *testing.T) {
	url := testkit.DB(t)
	b := year(40)
	r := openColumnReader(t, url, 100, 200)
	for _, end := range []int{len(b.records) / 2, len(b.records)/2 + 3, len(b.records)/2 + 20, len(b.records)} {
		part := &book{records: b.records[:end], recorded: b.recorded, events: b.events}
		project(t, url, part.feed(100))
		awaitColumns(t, r)
		for _, known := range []int{end, end * 2 / 3} {
			q := ledger.Query{Unit: ledger.UnitRespondent, AsOf: part.records[end-1].Recorded, KnownAt: ledger.Position(known)}
			sameWaits(t, r, part.rows(q.KnownAt), q, askedSteps, "office")
		}
	}
}

// TestOutcomesOfWhoIsGone: of whom the last row holds nothing any more, one that
// was replaced may, as known before.
func TestOutcomesOfWhoIsGone(t *testing.T) {
	sh := shape{reached: 1}
	var maker blockBuilder
	maker.begin(uuid.Nil)
	maker.respondent(0)
	*maker.grow() = stateRow{from: 10, to: 20, recordedFrom: 3, recordedTo: forever, shape: 1, times: []int64{10}}
	*maker.grow() = stateRow{from: 20, to: infinity, recordedFrom: 3, recordedTo: 9, shape: 1, times: []int64{10}}
	b := maker.finish()
	for known, want := range map[uint32]int{2: 0, 3: 1, 8: 1, 9: 0} {
		s := &snapshot{lexicon: lexicon{shapes: []shape{{}, sh}}}
		w := &pace{plan: &plan{snapshot: s, at: 30, known: known, shapes: []uint32{0, passes}}, steps: []stepPlan{{from: 0, to: 1}}, since: noTime, ends: []bool{false}, decided: 9}
		w.groups = [][]spells{make([]spells, 2)}
		for range 2 { // before outcomes are kept, and after
			w.block(&placed{block: b})
		}
		if got := w.groups[0][1][2]; len(got) != want || want > 0 && got[0] != 2 {
			t.Errorf("known at %d: %v", known, got)
		}
	}
}

// TestOutcomeHasAPlace: what 32 bits cannot hold is marked to be worked out.
func TestOutcomeHasAPlace(t *testing.T) {
	w := &pace{ends: []bool{false, true}, decided: 9, since: noTime}
	step := &stepPlan{from: 0, to: 1, early: true}
	row := func(sh shape, at ...int64) *rowReached {
		r := &rowReached{shape: &sh}
		copy(r.at[:], at)
		return r
	}
	ended := row(shape{reached: 1 | 1<<endedMilestone, stage: 1}, 0)
	ended.at[endedMilestone] = 3 * dayMicros
	for name, c := range map[string]struct {
		row        *rowReached
		last, days int64
		kind       int
		epoch      int64
	}{
		"done":                      {row(shape{reached: 3}, 0, 5*dayMicros), 5 * dayMicros, 5, doneAfter, 0},
		"done after very long":      {row(shape{reached: 3}, 0, 90_000*dayMicros), 0, MaxDays, doneAfter, 0},
		"open":                      {row(shape{reached: 1}, 7*dayMicros), 7 * dayMicros, 7, openSince, 0},
		"begun too late to hold":    {row(shape{reached: 1}, (outcomeFrom+1)*dayMicros), 0, 0, unpacked, 0},
		"begun just early enough":   {row(shape{reached: 1}, outcomeFrom*dayMicros), 0, outcomeFrom, openSince, 0},
		"counted from another day":  {row(shape{reached: 1}, outcomeFrom*dayMicros), 0, outcomeFrom - 9, openSince, 9},
		"ended":                     {ended, 3 * dayMicros, 3, endedAfter, 0},
		"ended after the row began": {ended, 2 * dayMicros, 0, unpacked, 0},
	} {
		packed, began := w.packed(c.row, step, c.last, c.epoch)
		o := outcome{0, packed}
		if !began || o.kind() != c.kind || o.days() != int(c.days) || o.kind() != unpacked && int64(o.from()) != jakartaDay(c.row.at[0])-c.epoch {
			t.Errorf("%s: kind %d, since day %d, %d days, %v", name, o.kind(), o.from(), o.days(), began)
		}
	}
	if _, began := w.packed(row(shape{reached: 2}, 0, 1), step, 0, 0); began {
		t.Error("a step that did not begin has an outcome")
	}
	if _, began := w.packed(row(shape{reached: 3, duplicate: true}, 0, 1), step, 0, 0); began {
		t.Error("a duplicate has an outcome")
	}
}
