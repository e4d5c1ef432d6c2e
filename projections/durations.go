package projections

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/berkas-ledger/berkas/ledger"
)

// Step is the way from one milestone to another.
type Step struct{ From, To ledger.Milestone }

// Duration is how long a step took the respondents of one group, by whole days
// as calendars in Jakarta count them: the next day is one day. Done[d] reached
// To d days after From. Open[d] have not reached it, and had waited d days at
// as-of or when they came to an end otherwise. Each ends with its last number
// that is not 0.
type Duration struct {
	Value      string
	Done, Open []uint32
}

// MaxDays is the longest wait that is told from longer ones, in days.
const MaxDays = 36_525

// byDay are milestones that are known by their day alone, whose first moment
// stands for it.
var byDay = []ledger.Milestone{ledger.MilestoneSent, ledger.MilestoneDecreed}

// afterDecree are milestones that may follow a decree. Whoever has one waits for
// no other any more.
var afterDecree = []ledger.Milestone{
	ledger.MilestoneDecided, ledger.MilestoneDecreed, ledger.MilestoneDelivered, ledger.MilestonePunished, ledger.MilestoneAnnulled,
	ledger.MilestoneObjectionFiled, ledger.MilestoneObjectionDecided, ledger.MilestoneAppealFiled, ledger.MilestoneAppealDecided,
	ledger.MilestoneReopened, ledger.MilestoneEnded,
}

// Durations counts how long steps took: of rows that hold at the two times, pass
// the query's filters, are no duplicates, and have reached From (after q.Since).
// A milestone reached before From was reached last counts as not reached, as
// with deadlines; one that is known by its day alone counts on the day of From.
// A wait ends when the respondent's part of the case does, and with the decree
// if a decree leaves To behind. by is one of ledger.Filters, or "" for all in
// one group of Value ""; groups come largest first, then by value, and one that
// counts nothing is left out. The unit is the respondent; q.Measures is ignored.
// There is one slice of groups for each step. Others may be given the same lists
// of days: they are not to be changed.
func (r *Reader) Durations(ctx context.Context, q ledger.Query, steps []Step, by string) (Answer, [][]Duration, error) {
	if _, ok := dimensions[by]; !ok && by != "" {
		return Answer{}, nil, fmt.Errorf("unknown dimension %q: one of %s", by, strings.Join(ledger.Filters, ", "))
	}
	for _, s := range steps {
		if !slices.Contains(ledger.Milestones, s.From) || !slices.Contains(ledger.Milestones, s.To) {
			return Answer{}, nil, fmt.Errorf("no step from milestone %q to %q", s.From, s.To)
		}
	}
	if q.Unit != ledger.UnitRespondent {
		return Answer{}, nil, fmt.Errorf("durations are of respondents, not of unit %q", q.Unit)
	}
	q.Measures = []ledger.Measure{ledger.Opened} // any, for queries have one
	answers, columns, err := r.openColumns(ctx, []ledger.Query{q})
	if err != nil {
		return Answer{}, nil, err
	}
	a := answers[0]
	a.Query.Measures = nil
	if columns != nil {
		out, err := r.columns.durations(ctx, columns, a.Query, steps, by)
		return a, out, err
	}
	out := make([][]Duration, len(steps))
	for i, s := range steps {
		if out[i], err = r.duration(ctx, a.Query, s, by); err != nil {
			return a, nil, err
		}
	}
	return a, out, nil
}

// durationOf gives groups a place to count in.
type durationOf map[string]*Duration

func (g durationOf) add(value string, done bool, days int, n uint32) {
	d := g[value]
	if d == nil {
		d = &Duration{Value: value}
		g[value] = d
	}
	d.add(done, days, n)
}

func (d *Duration) add(done bool, days int, n uint32) {
	list := &d.Open
	if done {
		list = &d.Done
	}
	if missing := days + 1 - len(*list); missing > 0 {
		*list = append(*list, make([]uint32, missing)...)
	}
	(*list)[days] += n
}

// ordered lists the groups, see inOrder.
func (g durationOf) ordered(by string) []Duration {
	var out []Duration
	for _, d := range g {
		out = append(out, *d)
	}
	return inOrder(out, by)
}

// inOrder puts groups in order, the largest first. All in one group are there
// even if nobody is.
func inOrder(groups []Duration, by string) []Duration {
	if by == "" && len(groups) == 0 {
		return []Duration{{}}
	}
	size := make(map[string]int, len(groups))
	for _, d := range groups {
		n := 0
		for _, list := range [2][]uint32{d.Done, d.Open} {
			for _, on := range list {
				n += int(on)
			}
		}
		size[d.Value] = n
	}
	slices.SortFunc(groups, func(a, b Duration) int {
		return cmp.Or(-cmp.Compare(size[a.Value], size[b.Value]), strings.Compare(a.Value, b.Value))
	})
	return groups
}

// duration counts one step over the table.
func (r *Reader) duration(ctx context.Context, q ledger.Query, step Step, by string) ([]Duration, error) {
	var s question
	held, asOf := s.held(q.AsOf, q.KnownAt), s.arg(q.AsOf)
	from, to := reachedColumn(step.From), reachedColumn(step.To)
	where := held + " AND duplicate_of IS NULL AND " + from + " IS NOT NULL" + s.filters(q)
	if !q.Since.IsZero() {
		where += " AND " + from + " > " + s.arg(q.Since)
	}
	done := fmt.Sprintf("coalesce(%s >= %s, false)", to, from)
	if slices.Contains(byDay, step.To) {
		done = fmt.Sprintf("coalesce(%s >= %s, false)", dayIn(to), dayIn(from))
	}
	var ends []string
	for _, stage := range ledger.Stages {
		if stage.End() {
			ends = append(ends, string(stage))
		}
	}
	end := fmt.Sprintf("CASE WHEN %s THEN %s WHEN stage = ANY (%s) THEN least(%s, reached_ended)", done, to, s.arg(ends), asOf)
	if !slices.Contains(afterDecree, step.To) {
		end += fmt.Sprintf(" WHEN stage = 'decided' THEN least(%s, reached_decided)", asOf)
	}
	value, lateral := "''", ""
	if by != "" {
		value, lateral = "value", " CROSS JOIN LATERAL ("+dimensions[by].values()+") v"
	}
	rows, err := r.scan(ctx, fmt.Sprintf(`
		SELECT value, done, days, count(*) FROM (
			SELECT %s AS value, %s AS done, greatest(0, least(%d, %s - %s)) AS days
			FROM projection.respondent_history%s WHERE %s) d
		GROUP BY value, done, days`,
		value, done, MaxDays, dayIn("("+end+" ELSE "+asOf+" END)"), dayIn(from), lateral, where), s.args...)
	if err != nil {
		return nil, asking("durations", err)
	}
	groups := make(durationOf)
	var at string
	var reached bool
	var days, n int64
	if _, err := pgx.ForEachRow(rows, []any{&at, &reached, &days, &n}, func() error {
		groups.add(at, reached, int(days), uint32(n))
		return nil
	}); err != nil {
		return nil, asking("durations", err)
	}
	return groups.ordered(by), nil
}

// dayIn is the day in Jakarta on which a moment falls, in SQL.
func dayIn(moment string) string {
	return "(" + moment + " AT TIME ZONE interval '7 hours')::date"
}
