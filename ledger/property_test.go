package ledger_test

import (
	"fmt"
	"reflect"
	"slices"
	"sort"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"pgregory.net/rapid"

	"github.com/berkas-ledger/berkas/ledger"
)

// snapshot writes all of a value, through its pointers and slices.
func snapshot(t rapid.TB, v any) string {
	t.Helper()
	data, err := json.Marshal(v, json.Deterministic(true))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// TestFoldIsTotal: whatever stands on a ledger folds, twice to the same, and
// can be asked about.
func TestFoldIsTotal(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		history := drawAnything(t)
		before := snapshot(t, history)
		c := ledger.Fold(history)
		if a, b := snapshot(t, c), snapshot(t, ledger.Fold(history)); a != b {
			t.Errorf("folds to %s, then to %s", a, b)
		}
		if a, b := ledger.History(history), ledger.History(history); !slices.EqualFunc(a, b, func(a, b ledger.Row) bool { return a.Equal(b) }) {
			t.Error("the rows differ from one time to the next")
		}
		if e := drawEvent(t); e.Payload != nil {
			_ = ledger.Check(c, e, ledger.Law{Regime: ledger.Regime{ReprimandBeforeBlock: true}})
			_ = ledger.CheckVersion(c, e)
			_ = ledger.CheckScope(c, e, []ledger.Grant{{Scope: ledger.ScopePredecessor}, {Scope: ledger.ScopeOwnRecommendations}})
			_, _ = ledger.Place(history, ledger.CaseEvent{Position: 1000, Event: e}, drawLaw(t))
		}
		if snapshot(t, history) != before {
			t.Error("folding or placing changed the history")
		}
	})
}

// TestApplyLeavesItsCaseAlone: of a tree of cases that grew from one another,
// every one is still what it was when it was made.
func TestApplyLeavesItsCaseAlone(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		type kept struct {
			c    ledger.Case
			text string
		}
		first := ledger.Case{}.Apply(placed(1, opening(t)))
		tree := []kept{{first, snapshot(t, first)}}
		for i := range rapid.IntRange(1, 30).Draw(t, "size") {
			from := tree[rapid.IntRange(0, len(tree)-1).Draw(t, "from")].c
			e := drawEvent(t)
			if rapid.Bool().Draw(t, "steered") {
				steer(t, from, &e)
			}
			next := from.Apply(placed(ledger.Position(i+2), e))
			tree = append(tree, kept{next, snapshot(t, next)})
		}
		for i, k := range tree {
			if now := snapshot(t, k.c); now != k.text {
				t.Fatalf("case %d was %s\nand is now %s", i, k.text, now)
			}
		}
	})
}

// TestOrderOfArrival: the place of an event is given by its time and position,
// not by when it was inserted.
func TestOrderOfArrival(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		events := drawAnything(t)
		var shuffled []ledger.CaseEvent
		for _, e := range rapid.Permutation(events).Draw(t, "order") {
			shuffled = ledger.Insert(shuffled, e)
		}
		if a, b := snapshot(t, events), snapshot(t, shuffled); a != b {
			t.Fatalf("in order of arrival %s\nin another %s", a, b)
		}
		sorted := slices.Clone(events)
		sort.SliceStable(sorted, func(i, j int) bool {
			a, b := sorted[i], sorted[j]
			return a.Time.Before(b.Time) || a.Time.Equal(b.Time) && a.Position < b.Position
		})
		if snapshot(t, sorted) != snapshot(t, events) {
			t.Error("a history is not in order of time, then position")
		}
	})
}

// stepByStep is Place as the design words it: sort, fold, and check everything
// from the draft on.
func stepByStep(history []ledger.CaseEvent, draft ledger.CaseEvent, lawAt func(time.Time) ledger.Law) bool {
	all := append(slices.Clone(history), draft)
	sort.Slice(all, func(i, j int) bool {
		a, b := all[i], all[j]
		return a.Time.Before(b.Time) || a.Time.Equal(b.Time) && a.Position < b.Position
	})
	from := draft.Position
	if p, ok := draft.Payload.(*ledger.EventCorrected); ok {
		if from = named(history, draft, p, lawAt); from == 0 {
			return false
		}
	}
	effective := ledger.Effective(all)
	start := slices.IndexFunc(effective, func(e ledger.CaseEvent) bool { return e.Position == from })
	for i, e := range effective[start:] {
		info, known := ledger.LookupKind(e.Kind, 1)
		if !known || e.Payload == nil || e.Void || (info.NoVersion || e.Kind == ledger.EventCorrectedKind) && e.Position != draft.Position {
			continue
		}
		if e.Position == draft.Position && e.Kind == ledger.EventCorrectedKind {
			continue
		}
		if ledger.Check(ledger.Fold(effective[:start+i]), e.Event, lawAt(e.Time)) != nil {
			return false
		}
	}
	return true
}

// named gives the position of the event that a correction may correct, 0 if it
// may not.
func named(history []ledger.CaseEvent, draft ledger.CaseEvent, p *ledger.EventCorrected, lawAt func(time.Time) ledger.Law) ledger.Position {
	for _, e := range history {
		if e.ID != p.Event {
			continue
		}
		right := e.Kind == p.Kind && e.Payload != nil && ledger.Correctable(e.Kind, 1) && !draft.Time.Before(e.Time)
		heir := slices.ContainsFunc(lawAt(draft.Time).Heirs, func(g ledger.Grant) bool {
			return g.Agency == draft.Source && g.Predecessor == e.Source && ledger.CheckScope(withNobody(ledger.Fold(history)), draft.Event, []ledger.Grant{g}) == nil
		})
		info, _ := ledger.LookupKind(e.Kind, 1)
		same := p.Replacement() == nil || info.MandateFor(p.Replacement()) == info.MandateFor(e.Payload)
		if right && same && (e.Source == draft.Source || heir) {
			return e.Position
		}
		return 0
	}
	return 0
}

// withNobody is a case that is with no predecessor: only its scope is asked for.
func withNobody(c ledger.Case) ledger.Case {
	c.Holder, c.Addressee = "nobody", ""
	return c
}

func TestPlaceIsStepByStep(t *testing.T) {
	admitted, refused := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		lawAt := drawLaw(t)
		history := drawAdmitted(t, lawAt)
		e := drawEvent(t)
		if rapid.Bool().Draw(t, "steered") {
			if c := ledger.Fold(prefix(ledger.Effective(history), e.Time)); len(c.Respondents) > 0 {
				steer(t, c, &e)
			}
		}
		if e.Payload == nil {
			return
		}
		if rapid.IntRange(0, 2).Draw(t, "correction") == 0 {
			wrong := pick(t, "corrected", history...)
			if wrong.Payload == nil {
				return
			}
			e.Kind, e.Source, e.Time = ledger.EventCorrectedKind, wrong.Source, wrong.Time.AddDate(0, 0, rapid.IntRange(-1, 100).Draw(t, "later"))
			e.Payload = correctionOf(t, wrong.Event)
		}
		e.ID = eventID(1000)
		draft := ledger.CaseEvent{Position: 1000, Event: e}
		after, bad := ledger.Place(history, draft, lawAt)
		if want := stepByStep(history, draft, lawAt); want != (bad == nil) {
			t.Fatalf("Place: %v; step by step: %v", bad, want)
		}
		if bad != nil {
			refused++
			return
		}
		admitted++
		if a, b := snapshot(t, after), snapshot(t, ledger.Fold(ledger.Insert(history, draft))); a != b {
			t.Errorf("Place gives %s, folded it is %s", a, b)
		}
	})
	if admitted == 0 || refused == 0 {
		t.Errorf("%d admitted, %d refused: the histories try only one side", admitted, refused)
	}
}

// TestRowsTileTime: for each respondent the rows run from the opening on, each
// to where the next begins, the last without end; and what a row says is what
// the events up to then fold to.
func TestRowsTileTime(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		history := drawAdmitted(t, drawLaw(t))
		if rapid.Bool().Draw(t, "anything") {
			history = drawAnything(t)
		}
		rows := ledger.History(history)
		c := ledger.Fold(history)
		for _, r := range c.Respondents {
			checkTiles(t, c, rowsOf(rows, r.ID))
		}
		for _, e := range history {
			now := ledger.Fold(prefix(ledger.Effective(history), e.Time))
			for i, r := range now.Respondents {
				checkRow(t, now, i, rowAt(rowsOf(rows, r.ID), e.Time))
			}
		}
	})
}

// TestTrackIsHistory: who follows event by event and keeps what begins and what
// ends has the same rows in the end.
func TestTrackIsHistory(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		history := drawAdmitted(t, drawLaw(t))
		if rapid.Bool().Draw(t, "anything") {
			history = drawAnything(t)
		}
		var track ledger.Track
		open := map[string]ledger.Row{}
		var ended []ledger.Row
		for _, e := range ledger.Effective(history) {
			begun, done := track.Add(e)
			ended = append(ended, done...)
			for _, r := range begun {
				if !r.To.IsZero() || !r.From.Equal(e.Time) {
					t.Errorf("at %v a row from %v to %v begins", e.Time, r.From, r.To)
				}
				open[r.Respondent] = *r
			}
		}
		want := ledger.History(history)
		if len(want) != len(ended)+len(open) {
			t.Fatalf("%d rows ended and %d are open, of %d", len(ended), len(open), len(want))
		}
		for i, r := range want {
			switch {
			case i < len(ended) && r.Equal(ended[i]):
			case i >= len(ended) && r.Equal(open[r.Respondent]):
			default:
				t.Errorf("row %d is %+v in the history and not in the track", i, r)
			}
		}
	})
}

func rowsOf(rows []ledger.Row, respondent string) []ledger.Row {
	var out []ledger.Row
	for _, r := range rows {
		if r.Respondent == respondent {
			out = append(out, r)
		}
	}
	sort.Slice(out, func(i, j int) bool { return out[i].From.Before(out[j].From) })
	return out
}

func rowAt(rows []ledger.Row, at time.Time) *ledger.Row {
	for i, r := range rows {
		if !r.From.After(at) && (r.To.IsZero() || r.To.After(at)) {
			return &rows[i]
		}
	}
	return nil
}

func checkTiles(t *rapid.T, c ledger.Case, rows []ledger.Row) {
	if len(rows) == 0 || rows[0].From.Before(c.Opened) || rows[0].Respondent == "r1" && !rows[0].From.Equal(c.Opened) || !rows[len(rows)-1].To.IsZero() {
		t.Fatalf("rows %+v do not run from %v without end", rows, c.Opened)
	}
	for i := 1; i < len(rows); i++ {
		prev, r := rows[i-1], rows[i]
		if !prev.To.Equal(r.From) || !prev.From.Before(prev.To) {
			t.Errorf("a row from %v to %v is followed by one from %v", prev.From, prev.To, r.From)
		}
		for m := range ledger.MeasureCount {
			checkBegan(t, ledger.Measure(m), prev, r)
		}
	}
}

// lasting are the measures that, once true, stay true.
var lasting = []ledger.Measure{ledger.Registered, ledger.Forwarded, ledger.Recommended, ledger.Admonished, ledger.Unblocked}

func checkBegan(t *rapid.T, m ledger.Measure, prev, r ledger.Row) {
	was, is := prev.Began[m], r.Began[m]
	switch {
	case is.IsZero() && !was.IsZero() && slices.Contains(lasting, m) && r.DuplicateOf == "":
		t.Errorf("%s was true from %v and is no more", m, was)
	case is.IsZero(), is.Equal(r.From), is.Equal(was):
	default:
		t.Errorf("%s is true since %v, in rows from %v and %v, before since %v", m, is, prev.From, r.From, was)
	}
	if was.IsZero() && !is.IsZero() && !is.Equal(r.From) {
		t.Errorf("%s became true at %v in a row from %v", m, is, r.From)
	}
}

func checkRow(t *rapid.T, c ledger.Case, i int, row *ledger.Row) {
	r := c.Respondents[i]
	if row == nil {
		t.Fatalf("no row of %s", r.ID)
	}
	if row.Remedy != r.Remedy() || row.Criminal != r.Criminal || row.DuplicateOf != c.DuplicateOf {
		t.Errorf("%s is %+v of %+v, the row says %+v", r.ID, r, c, *row)
	}
	if c.DuplicateOf != "" {
		if row.Began != ([ledger.MeasureCount]time.Time{}) || row.BeganAll != ([ledger.MeasureCount]time.Time{}) {
			t.Errorf("%s of a duplicate counts: %+v", r.ID, *row)
		}
		return
	}
	if row.Stage != r.Stage || row.Control != r.Control || row.Holder != c.Holder || row.Case != c.ID ||
		!slices.Equal(row.SeenBy, c.Participants) || !slices.Equal(row.ForwardedTo, r.ForwardedTo) || !slices.Equal(row.Items, r.Items) {
		t.Errorf("%s is %+v, the row says %+v", r.ID, r, *row)
	}
	if (r.Recommendation != nil) != !row.Began[ledger.Recommended].IsZero() {
		t.Errorf("%s: recommendation %v, the row says since %v", r.ID, r.Recommendation, row.Began[ledger.Recommended])
	}
	if row.Began[ledger.Concluded].IsZero() == row.Began[ledger.InProcess].IsZero() {
		t.Errorf("%s is concluded since %v and in process since %v", r.ID, row.Began[ledger.Concluded], row.Began[ledger.InProcess])
	}
}

// TestCounts: what holds of every figure.
func TestCounts(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rows := drawCases(t)
		at := ledger.Date("2020-09-01").Start().Add(time.Duration(rapid.IntRange(0, 70).Draw(t, "day")) * 24 * time.Hour)
		people, cases := standing(rows, at)
		count := func(unit ledger.Unit, measures ...ledger.Measure) uint64 {
			return ledger.Count(rows, ledger.Query{Measures: measures, Unit: unit, AsOf: at})
		}
		if a := count(ledger.UnitRespondent, ledger.Concluded) + count(ledger.UnitRespondent, ledger.InProcess); a != people {
			t.Errorf("%d respondents are concluded or in process, of %d", a, people)
		}
		if a := count(ledger.UnitCase, ledger.Concluded) + count(ledger.UnitCase, ledger.InProcess); a != cases {
			t.Errorf("%d cases are concluded or in process, of %d", a, cases)
		}
		m1, m2 := drawMeasure(t), drawMeasure(t)
		for _, unit := range ledger.Units {
			if m1 != m2 && count(unit, m1, m2) != count(unit, m1)+count(unit, m2) {
				t.Errorf("%s: %s+%s is %d, not %d and %d", unit, m1, m2, count(unit, m1, m2), count(unit, m1), count(unit, m2))
			}
			q := ledger.Query{Measures: []ledger.Measure{m1}, Unit: unit, AsOf: at, Since: at.AddDate(0, 0, -rapid.IntRange(0, 30).Draw(t, "since"))}
			if ledger.Count(rows, q) > count(unit, m1) {
				t.Errorf("%s of %s: more since %v than ever", unit, m1, q.Since)
			}
		}
		if count(ledger.UnitCase, m1) > count(ledger.UnitRespondent, m1) {
			t.Errorf("more cases than respondents are %s", m1)
		}
		var byHolder, byOffice uint64
		for _, a := range drawnAgencies {
			byHolder += ledger.Count(rows, ledger.Query{Measures: []ledger.Measure{m1}, Unit: ledger.UnitRespondent, AsOf: at, Filter: map[string]string{"holder": string(a)}})
		}
		for _, o := range ledger.Offices {
			byOffice += ledger.Count(rows, ledger.Query{Measures: []ledger.Measure{m1}, Unit: ledger.UnitRespondent, AsOf: at, Filter: map[string]string{"office": o}})
		}
		if all := count(ledger.UnitRespondent, m1); byHolder != all || byOffice != all {
			t.Errorf("%s: %d by holder, %d by office, %d in all", m1, byHolder, byOffice, all)
		}
		for _, sum := range [][3]ledger.Measure{
			{ledger.Sanctioned, ledger.DecidedNotProven, ledger.FollowedUp},
		} {
			// A remedy may have left no sanction: the authority has acted all the same.
			if a, b := count(ledger.UnitRespondent, sum[0], sum[1]), count(ledger.UnitRespondent, sum[2]); a > b {
				t.Errorf("%s and %s are %d, %s is %d", sum[0], sum[1], a, sum[2], b)
			}
		}
	})
}

func drawMeasure(t *rapid.T) ledger.Measure {
	return ledger.Measure(rapid.IntRange(0, ledger.MeasureCount-1).Draw(t, "measure"))
}

// standing counts the respondents and the cases that hold at a moment and are no
// duplicates.
func standing(rows []ledger.Row, at time.Time) (people, cases uint64) {
	seen := map[string]bool{}
	for i, r := range rows {
		if r.DuplicateOf != "" || rowAt(rows[i:i+1], at) == nil {
			continue
		}
		people++
		if !seen[r.Case] {
			seen[r.Case] = true
			cases++
		}
	}
	return people, cases
}

// drawCases gives the rows of some cases.
func drawCases(t *rapid.T) (rows []ledger.Row) {
	for n := range rapid.IntRange(1, 4).Draw(t, "cases") {
		history := drawAdmitted(t, drawLaw(t))
		for i := range history {
			history[i].Subject = eventID(n)
		}
		rows = append(rows, ledger.History(history)...)
	}
	return rows
}

// TestCasesAgreeOnThemselves: what is true of a case as a whole is the same in
// the rows of all its respondents at a moment.
func TestCasesAgreeOnThemselves(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		history := drawAdmitted(t, drawLaw(t))
		rows := ledger.History(history)
		c := ledger.Fold(history)
		for _, e := range history {
			first := rowAt(rowsOf(rows, "r1"), e.Time)
			for _, r := range c.Respondents {
				row := rowAt(rowsOf(rows, r.ID), e.Time)
				if row == nil || first == nil {
					continue // who joins later
				}
				if row.BeganAll != first.BeganAll {
					t.Errorf("at %v %s says %v, r1 says %v", e.Time, r.ID, row.BeganAll, first.BeganAll)
				}
			}
		}
	})
}

// TestRowEqual: no field of a row is forgotten in the comparison.
func TestRowEqual(t *testing.T) {
	var a ledger.Row
	typ := reflect.TypeOf(a)
	for i := range typ.NumField() {
		b := a
		f := reflect.ValueOf(&b).Elem().Field(i)
		switch f.Interface().(type) {
		case time.Time:
			f.Set(reflect.ValueOf(time.Unix(1, 0)))
		case [ledger.MeasureCount]time.Time:
			f.Index(ledger.MeasureCount - 1).Set(reflect.ValueOf(time.Unix(1, 0)))
		case []string:
			f.Set(reflect.ValueOf([]string{"x"}))
		case []ledger.AgencyID:
			f.Set(reflect.ValueOf([]ledger.AgencyID{"x"}))
		case *ledger.Reached:
			f.Set(reflect.ValueOf(&ledger.Reached{1: time.Unix(1, 0)}))
		default:
			f.SetString("x")
		}
		if a.Equal(b) || !b.Equal(b) {
			t.Errorf("rows that differ in %s compare equal", typ.Field(i).Name)
		}
	}
	here, there := time.Unix(1, 0), time.Unix(1, 0).In(ledger.Jakarta)
	if one, two := (ledger.Row{From: here}), (ledger.Row{From: there}); !one.Equal(two) {
		t.Error("one moment in two zones compares different")
	}
}

// TestDrawnHistoriesGoFar: the generators reach every stage and kind, so the
// properties are about more than beginnings.
func TestDrawnHistoriesGoFar(t *testing.T) {
	reached := map[string]int{}
	histories := rapid.Custom(func(t *rapid.T) []ledger.CaseEvent { return drawAdmitted(t, drawLaw(t)) })
	for seed := range 500 { // the same ones every time
		history := histories.Example(seed)
		for _, e := range history {
			reached[string(e.Kind)]++
		}
		for _, r := range ledger.Fold(history).Respondents {
			reached[string(r.Stage)]++
			reached[string(r.Control)]++
			reached[r.Remedy()]++
			if d := r.Decision; d != nil {
				reached[fmt.Sprintf("confirmed %v", len(d.Confirmed) > 0)]++
			}
		}
	}
	for _, s := range []string{
		"decided", "not_proven", "examined", "left_service", "blocked", "case.cancelled", "control.unblocked", "ppk.admonished", "case.praised", "confirmed true",
		"event.corrected", "case.reopened", "remedy.filed", "remedy.decided", "decision.annulled", "decision.delivered", "case.linked",
		"respondent.added", "criminal.referred", "filed",
	} {
		if reached[s] == 0 {
			t.Errorf("no history reaches %s", s)
		}
	}
}
