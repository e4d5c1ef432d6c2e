package projections

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/berkas-ledger/berkas/ledger"
)

// Two moments compared: what entered a figure and what left it on the way from one
// pair of times to another, and which record did it.
//
// The way leads over a third moment, which has the as-of of the moment that knows
// less and the known-at of the one that knows more: what changes up to there was
// recorded later, or corrected; what changes after it happened between the two.

// Moment is a pair of times: what had happened by AsOf, using only the records up
// to KnownAt.
type Moment struct {
	AsOf    time.Time
	KnownAt ledger.Position
}

// Turn says which of the two times made the difference.
type Turn string

// Turns.
const (
	TurnHappened Turn = "happened" // between the two as-ofs
	TurnRecorded Turn = "recorded" // between the two known-ats, of what had happened before
)

// Change is something that counts at one of two moments and not at the other.
// Counted names a respondent's part of a case by which it does, and since when.
type Change struct {
	Counted
	Entered bool // counts at the second moment; else it left
	Turn    Turn
	// Did is the record that did it; its Position is 0 where the tables do not
	// say which.
	Did LastRecord
}

// Changes are the differences of a figure between two moments.
type Changes struct {
	From, Over, To Answer
	// Entered and Left count all changes by their turn, List is a part of them:
	// what entered first, each by key.
	Entered, Left map[Turn]uint64
	List          []Change
}

// Total is how many changes there are.
func (c *Changes) Total() (n uint64) {
	for _, by := range []map[Turn]uint64{c.Entered, c.Left} {
		for _, one := range by {
			n += one
		}
	}
	return n
}

// Over gives the moment over which the way from one to another leads.
func Over(from, to Moment) Moment {
	if from.KnownAt <= to.KnownAt {
		return Moment{from.AsOf, to.KnownAt}
	}
	return Moment{to.AsOf, from.KnownAt}
}

// Changes compares a figure at two moments and lists what changed, at most limit
// lines behind the first offset. The query has one measure; its two times are
// ignored. A zero time of a moment means the last applied record, as in Figure.
func (r *Reader) Changes(ctx context.Context, q ledger.Query, from, to Moment, offset, limit int) (Changes, error) {
	if len(q.Measures) != 1 {
		return Changes{}, errors.New("changes are asked for of one measure")
	}
	at := func(m Moment) ledger.Query {
		one := q
		one.AsOf, one.KnownAt = m.AsOf, m.KnownAt
		return one
	}
	ends, err := r.open(ctx, []ledger.Query{at(from), at(to)})
	if err != nil {
		return Changes{}, err
	}
	from, to = momentOf(ends[0].Query), momentOf(ends[1].Query)
	answers, err := r.Figures(ctx, []ledger.Query{at(from), at(Over(from, to)), at(to)})
	if err != nil {
		return Changes{}, err
	}
	out := Changes{From: answers[0], Over: answers[1], To: answers[2]}
	var recorded, happened map[string][]lasting
	if _, columns, err := r.stand(ctx); err != nil {
		return Changes{}, err
	} else if columns != nil && columns.answers(out.From.Query, out.Over.Query, out.To.Query) {
		recorded, happened, err = r.columns.changed(ctx, columns, &out, offset, limit)
		if err != nil {
			return Changes{}, err
		}
		return out, r.did(ctx, &out, recorded, happened)
	}
	if err := r.changed(ctx, &out, offset, limit); err != nil || len(out.List) == 0 {
		return out, err
	}
	if recorded, happened, err = r.spans(ctx, &out); err != nil {
		return Changes{}, err
	}
	return out, r.did(ctx, &out, recorded, happened)
}

// steps are the turns of the way: where the knowledge grows, the first step is the
// recording, else it is the happening.
func (c *Changes) steps() (first, second Turn) {
	if c.From.Query.KnownAt > c.To.Query.KnownAt {
		return TurnHappened, TurnRecorded
	}
	return TurnRecorded, TurnHappened
}

func momentOf(q ledger.Query) Moment { return Moment{q.AsOf, q.KnownAt} }

// changed lists the keys that one end has and the other has not.
func (r *Reader) changed(ctx context.Context, c *Changes, offset, limit int) error {
	var s question
	m := c.From.Query.Measures[0]
	side := func(a Answer) string {
		q := a.Query
		held := s.held(q.AsOf, q.KnownAt)
		key := unitNames[q.Unit]
		return fmt.Sprintf(`SELECT DISTINCT ON (%[1]s) %[1]s AS key, case_id, respondent, %[2]s AS since
			FROM projection.respondent_history WHERE %[3]s AND %[4]s AND %[1]s IS NOT NULL
			ORDER BY %[1]s, case_id, respondent`, key, sinceColumn(m, q.Unit), held, s.counts(m, q))
	}
	first, second := c.steps()
	sql := fmt.Sprintf(`
		WITH f AS (%s), o AS (%s), t AS (%s),
		d AS (
			SELECT f.key IS NULL AS entered, (f.key IS NULL) = (o.key IS NOT NULL) AS first, key,
				CASE WHEN o.key IS NOT NULL THEN o.case_id WHEN f.key IS NOT NULL THEN f.case_id ELSE t.case_id END AS case_id,
				CASE WHEN o.key IS NOT NULL THEN o.respondent WHEN f.key IS NOT NULL THEN f.respondent ELSE t.respondent END AS respondent,
				CASE WHEN o.key IS NOT NULL THEN o.since WHEN f.key IS NOT NULL THEN f.since ELSE t.since END AS since
			FROM f FULL JOIN o USING (key) FULL JOIN t USING (key)
			WHERE (f.key IS NULL) <> (t.key IS NULL)),
		n AS (SELECT count(*) FILTER (WHERE entered AND first) AS a, count(*) FILTER (WHERE entered AND NOT first) AS b,
				count(*) FILTER (WHERE NOT entered AND first) AS c, count(*) FILTER (WHERE NOT entered AND NOT first) AS d FROM d)
		SELECT a, b, c, d, entered, first, key, case_id, respondent, since
		FROM n LEFT JOIN (SELECT * FROM d ORDER BY NOT entered, key COLLATE "C" LIMIT %s OFFSET %s) l ON true ORDER BY NOT entered, key COLLATE "C"`,
		side(c.From), side(c.Over), side(c.To), s.arg(limit), s.arg(offset))
	rows, err := r.scan(ctx, sql, s.args...)
	if err != nil {
		return asking("changes of a figure", err)
	}
	var counts [4]uint64
	var entered, isFirst *bool
	var key, respondent *string
	var id *uuid.UUID
	var since *time.Time
	if _, err := pgx.ForEachRow(rows, []any{&counts[0], &counts[1], &counts[2], &counts[3], &entered, &isFirst, &key, &id, &respondent, &since}, func() error {
		if key == nil {
			return nil // nothing changed, or the list is shorter
		}
		turn := second
		if *isFirst {
			turn = first
		}
		c.List = append(c.List, Change{
			Counted: Counted{Case: id.String(), Respondent: *respondent, Measure: m.String(), Key: *key, Since: since.UTC()},
			Entered: *entered, Turn: turn,
		})
		return nil
	}); err != nil {
		return asking("changes of a figure", err)
	}
	c.Entered = map[Turn]uint64{first: counts[0], second: counts[1]}
	c.Left = map[Turn]uint64{first: counts[2], second: counts[3]}
	return nil
}

// lasting is a state of a respondent: where it holds on one of the two axes, and
// whether it counts.
type lasting struct {
	from, to int64 // to is not in it
	counts   bool
}

// turning gives the place at or before hi, and after lo, from which on things are
// as they are at hi; 0 when they are so at lo already. Back looks the other way:
// the place nearest to lo from which on they are no more as at lo.
func turning(list []lasting, lo, hi int64, back bool) int64 {
	at := func(x int64) bool {
		return slices.ContainsFunc(list, func(s lasting) bool { return s.counts && s.from <= x && x < s.to })
	}
	var places []int64
	for _, s := range list {
		for _, x := range []int64{s.from, s.to} {
			if x > lo && x <= hi {
				places = append(places, x)
			}
		}
	}
	slices.Sort(places)
	var found int64
	was := at(lo)
	for _, x := range places {
		if now := at(x); now != was {
			if found = x; back {
				return found
			}
			was = now
		}
	}
	return found
}

// part names a respondent's part of a case as it counts under a key.
func (c *Change) part() string { return c.Case + " " + c.Respondent + " " + c.Key }

// did finds the record behind each listed change, by when what changed counted on
// both axes.
func (r *Reader) did(ctx context.Context, c *Changes, recorded, happened map[string][]lasting) (err error) {
	if len(c.List) == 0 {
		return nil
	}
	from, to := momentOf(c.From.Query), momentOf(c.To.Query)
	lo, hi := from.KnownAt, to.KnownAt
	first, last := from.AsOf.UnixMicro(), to.AsOf.UnixMicro()
	known := int64(max(lo, hi))
	ids, positions, moments := make([]uuid.UUID, len(c.List)), make([]*int64, len(c.List)), make([]*time.Time, len(c.List))
	for i := range c.List {
		change := &c.List[i]
		if ids[i], err = uuid.Parse(change.Case); err != nil {
			return err
		}
		key := change.part()
		if change.Turn == TurnRecorded {
			if p := turning(recorded[key], int64(min(lo, hi)), known, lo > hi); p != 0 {
				positions[i] = &p
			}
		} else if t := turning(happened[key], min(first, last), max(first, last), first > last); t != 0 {
			at := time.UnixMicro(t)
			moments[i] = &at
		}
	}
	rows, err := r.pool.Query(ctx, `
		SELECT n, d.position, d.kind, d.version, d.agency, d.happened, d.recorded
		FROM unnest($1::uuid[], $2::bigint[], $3::timestamptz[]) WITH ORDINALITY AS w (id, position, happened, n)
		CROSS JOIN LATERAL (
			SELECT * FROM (SELECT * FROM projection.record WHERE case_id = w.id OFFSET 0) r -- by the index of cases
			WHERE r.position <= $4 AND (r.position = w.position OR r.happened = w.happened)
			ORDER BY r.position DESC LIMIT 1) d`, ids, positions, moments, known)
	if err != nil {
		return asking("records behind changes", err)
	}
	var n int64
	var did LastRecord
	_, err = pgx.ForEachRow(rows, []any{&n, &did.Position, &did.Kind, &did.Version, &did.Agency, &did.Happened, &did.Recorded}, func() error {
		did.Happened, did.Recorded = did.Happened.UTC(), did.Recorded.UTC()
		c.List[n-1].Did = did
		return nil
	})
	if err != nil {
		return asking("records behind changes", err)
	}
	return nil
}

// spans reads the states of those who changed, along both axes: by positions, as
// of the moment over which the way leads; by microseconds, as known there.
func (r *Reader) spans(ctx context.Context, c *Changes) (recorded, happened map[string][]lasting, err error) {
	var s question
	q := c.Over.Query
	counts := s.counts(q.Measures[0], q)
	var ids []uuid.UUID
	var respondents, keys []string
	for i := range c.List {
		id, err := uuid.Parse(c.List[i].Case)
		if err != nil {
			return nil, nil, err
		}
		ids, respondents, keys = append(ids, id), append(respondents, c.List[i].Respondent), append(keys, c.List[i].Key)
	}
	asOf, known := s.arg(q.AsOf), s.arg(int64(q.KnownAt))
	rows, err := r.scan(ctx, fmt.Sprintf(`
		SELECT case_id, respondent, key, recorded_from, recorded_to, happened_from,
			CASE WHEN happened_to = 'infinity' THEN NULL ELSE happened_to END,
			coalesce(%[1]s AND %[6]s = key, false), happened_from <= %[2]s AND happened_to > %[2]s, recorded_from <= %[3]s AND recorded_to > %[3]s
		FROM projection.respondent_history
		JOIN unnest(%[4]s::uuid[], %[5]s::text[], %[7]s::text[]) AS w (id, who, key) ON case_id = id AND respondent = who COLLATE "C"`,
		counts, asOf, known, s.arg(ids), s.arg(respondents), unitNames[q.Unit], s.arg(keys)), s.args...)
	if err != nil {
		return nil, nil, asking("states of what changed", err)
	}
	recorded, happened = map[string][]lasting{}, map[string][]lasting{}
	var id uuid.UUID
	var respondent, key string
	var from, to int64
	var began time.Time
	var ended *time.Time
	var does, holds, isKnown bool
	_, err = pgx.ForEachRow(rows, []any{&id, &respondent, &key, &from, &to, &began, &ended, &does, &holds, &isKnown}, func() error {
		part := id.String() + " " + respondent + " " + key
		if holds {
			recorded[part] = append(recorded[part], lasting{from, to, does})
		}
		if isKnown {
			end := int64(forever)
			if ended != nil {
				end = ended.UnixMicro()
			}
			happened[part] = append(happened[part], lasting{began.UnixMicro(), end, does})
		}
		return nil
	})
	if err != nil {
		return nil, nil, asking("states of what changed", err)
	}
	return recorded, happened, nil
}
