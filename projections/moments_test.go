package projections

import (
	"context"

	"pgregory.net/rapid"

	"github.com/berkas-ledger/berkas/ledger"
)

// checkMoments: for random questions and pairs of moments in any order, what
// entered and left is the difference of what the ledger's own fold counts at both,
// split at the moment between them; and the record that is said to have done it
// did.
func checkMoments(t *rapid.T, r *Reader, b *book) {
	values := dimensionValues(b.rows(ledger.Position(len(b.records))))
	for range 5 {
		q := drawQuery(t, b, values)
		q.Measures = q.Measures[:1]
		other := drawQuery(t, b, values)
		checkChanges(t, r, b, q, Moment{q.AsOf, q.KnownAt}, Moment{other.AsOf, other.KnownAt})
	}
}

// keysAt are the keys that count at a moment, and the parts of cases by which they
// do.
func keysAt(b *book, q ledger.Query, m Moment) (keys, parts map[string]bool) {
	keys, parts = map[string]bool{}, map[string]bool{}
	q.AsOf, q.KnownAt = m.AsOf, m.KnownAt
	for _, row := range b.rows(m.KnownAt) {
		if ledger.Count([]ledger.Row{row}, q) == 0 {
			continue
		}
		key := map[ledger.Unit]string{
			ledger.UnitCase: row.Case, ledger.UnitRespondent: row.Case + " " + row.Respondent,
			ledger.UnitRecommendation: row.Recommendation, ledger.UnitPPK: row.PPK,
		}[q.Unit]
		keys[key], parts[row.Case+" "+row.Respondent+" "+key] = true, true
	}
	return keys, parts
}

func checkChanges(t *rapid.T, r *Reader, b *book, q ledger.Query, from, to Moment) {
	ctx := context.Background()
	got, err := r.Changes(ctx, q, from, to, 0, 1000)
	if err != nil {
		t.Fatal(err)
	}
	over := Over(from, to)
	before, _ := keysAt(b, q, from)
	between, _ := keysAt(b, q, over)
	after, _ := keysAt(b, q, to)
	if got.From.Value != uint64(len(before)) || got.Over.Value != uint64(len(between)) || got.To.Value != uint64(len(after)) {
		t.Fatalf("%s, %v to %v: %d, %d, %d, not %d, %d, %d", describe(q), from, to, got.From.Value, got.Over.Value, got.To.Value, len(before), len(between), len(after))
	}
	if int64(got.To.Value)-int64(got.From.Value) != int64(got.Entered[TurnHappened]+got.Entered[TurnRecorded])-int64(got.Left[TurnHappened]+got.Left[TurnRecorded]) {
		t.Fatalf("%s: the changes do not add up: %+v", describe(q), got)
	}
	want := map[string]bool{}
	for key := range before {
		if !after[key] {
			want[key] = true
		}
	}
	for key := range after {
		if !before[key] {
			want[key] = true
		}
	}
	counted := uint64(0)
	for _, c := range got.List {
		if !want[c.Key] || after[c.Key] != c.Entered {
			t.Fatalf("%s, %v to %v: %+v is no change", describe(q), from, to, c)
		}
		delete(want, c.Key)
		counted++
		firstStep := between[c.Key] == c.Entered
		if (c.Turn == TurnRecorded) != (firstStep == (from.KnownAt <= to.KnownAt)) {
			t.Fatalf("%s, %v to %v: %+v has another turn", describe(q), from, to, c)
		}
		checkDid(t, b, q, over, from, to, c)
	}
	if len(want) > 0 || counted != got.Total() {
		t.Fatalf("%s, %v to %v: %d lines of %d, and not %v", describe(q), from, to, counted, got.Total(), want)
	}
	checkStretch(t, r, q, from, to, got)
}

// checkDid: just before the record that did it the part does not count, or does,
// and with it the other way round.
func checkDid(t *rapid.T, b *book, q ledger.Query, over, from, to Moment, c Change) {
	if c.Did.Position == 0 {
		t.Fatalf("%s: nobody did %+v", describe(q), c)
	}
	record := b.records[c.Did.Position-1]
	e, err := ledger.DecodeRecord(record)
	if err != nil || record.CaseID() != c.Case || e.Kind != c.Did.Kind || e.Source != c.Did.Agency {
		t.Fatalf("%s: the record of %+v is %+v", describe(q), c, e)
	}
	part := c.part()
	before, with, back := over, over, false
	if c.Turn == TurnRecorded {
		before.KnownAt, with.KnownAt, back = c.Did.Position-1, c.Did.Position, from.KnownAt > to.KnownAt
	} else {
		before.AsOf, with.AsOf, back = e.Time.Add(-1000), e.Time, from.AsOf.After(to.AsOf)
	}
	_, was := keysAt(b, q, before)
	_, is := keysAt(b, q, with)
	if was[part] == is[part] || is[part] != (c.Entered != back) {
		t.Fatalf("%s, %v to %v: %+v: before it %v, with it %v", describe(q), from, to, c, was[part], is[part])
	}
}

// checkStretch: a list in stretches is the list.
func checkStretch(t *rapid.T, r *Reader, q ledger.Query, from, to Moment, whole Changes) {
	offset := rapid.IntRange(0, len(whole.List)+1).Draw(t, "offset")
	part, err := r.Changes(context.Background(), q, from, to, offset, 2)
	if err != nil {
		t.Fatal(err)
	}
	rest := whole.List[min(offset, len(whole.List)):]
	if len(part.List) != min(2, len(rest)) || part.Total() != whole.Total() {
		t.Fatalf("%d lines behind %d of %d", len(part.List), offset, len(whole.List))
	}
	for i := range part.List {
		if part.List[i] != rest[i] {
			t.Fatalf("line %d is %+v, not %+v", i, part.List[i], rest[i])
		}
	}
}
