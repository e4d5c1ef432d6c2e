package projections

import (
	"context"
	"fmt"
	"slices"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/berkas-ledger/berkas/ledger"
)

// lines answers what is asked of the lines behind a figure: the first of them, how
// they differ from those of other questions, which look alike. Columns answer where
// there are any that can, else SQL.
type lines struct {
	*Reader
	Answer
	held *snapshot // nil: SQL answers
}

// linesBehind prepares it for a figure and the questions that it is compared with.
func (r *Reader) linesBehind(ctx context.Context, a Answer, others ...ledger.Query) (*lines, error) {
	_, columns, err := r.stand(ctx)
	if columns != nil && (!columns.answers(a.Query) || !columns.answers(others...)) {
		columns = nil
	}
	return &lines{r, a, columns}, err
}

// first gives the first lines by measure, case and respondent.
func (l *lines) first(ctx context.Context) ([]Counted, error) {
	if l.held != nil {
		return l.columns.behind(ctx, l.held, l.Query, listed)
	}
	return l.behind(ctx, l.Query, listed)
}

// apart is how the lines of two questions differ: how many, and the first of them.
type apart struct {
	ours, other         int
	onlyOurs, onlyOther []Counted
}

// apartFrom compares the lines with those of other questions of as many measures.
func (l *lines) apartFrom(ctx context.Context, others []ledger.Query) ([]apart, error) {
	if l.held != nil {
		return l.columns.apart(ctx, l.held, l.Query, others)
	}
	out := make([]apart, len(others))
	for i, q := range others {
		var err error
		if out[i], err = l.compareLines(ctx, l.Query, q); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// behindParts selects the lines behind a settled query, each with the number of its
// measure.
func (s *question) behindParts(q ledger.Query) string {
	return "SELECT * FROM (" + s.linesOf(q) + ") b WHERE key IS NOT NULL"
}

// compareLines finds the lines on one side only, in SQL.
func (r *Reader) compareLines(ctx context.Context, q, other ledger.Query) (out apart, err error) {
	var s question
	ours, theirs := s.behindParts(q), s.behindParts(other)
	side := func(n int, one, not string) string {
		return fmt.Sprintf(`SELECT %d AS side, a.*, count(*) OVER () AS total, row_number() OVER (ORDER BY measure, case_id, respondent) AS n
			FROM %s a WHERE NOT EXISTS (SELECT FROM %s b WHERE b.measure = a.measure AND b.case_id = a.case_id AND b.respondent = a.respondent)`, n, one, not)
	}
	rows, err := r.scan(ctx, fmt.Sprintf(`WITH ours AS (%s), theirs AS (%s)
		SELECT side, measure, case_id, respondent, key, since, total FROM (%s UNION ALL %s) x WHERE n <= %s ORDER BY side, n`,
		ours, theirs, side(0, "ours", "theirs"), side(1, "theirs", "ours"), s.arg(listed)), s.args...)
	if err != nil {
		return out, asking("what another reading counts", err)
	}
	var where, measure, total int
	var id uuid.UUID
	var c Counted
	if _, err = pgx.ForEachRow(rows, []any{&where, &measure, &id, &c.Respondent, &c.Key, &c.Since, &total}, func() error {
		line := c
		line.Case, line.Measure, line.Since = id.String(), q.Measures[measure].String(), c.Since.UTC()
		if where == 0 {
			out.ours, out.onlyOurs = total, append(out.onlyOurs, line)
		} else {
			out.other, out.onlyOther = total, append(out.onlyOther, line)
		}
		return nil
	}); err != nil {
		return out, asking("what another reading counts", err)
	}
	return out, nil
}

// doubles are lines that stand in for an earlier entry that counts too: how many,
// the first of them, and the figure without them.
type doubles struct {
	lines int
	first []Counted
	left  uint64
}

// alike finds them among cases that agree in everything the ledger shows of them -
// origin, contest, act, institution, class, items, day of opening; none for units
// that are neither case nor respondent.
func (l *lines) alike(ctx context.Context) (doubles, error) {
	switch {
	case l.Query.Unit != ledger.UnitCase && l.Query.Unit != ledger.UnitRespondent:
		return doubles{}, nil
	case l.held != nil:
		return l.columns.alike(ctx, l.held, l.Answer)
	}
	ours, err := l.behind(ctx, l.Query, 0)
	if err != nil {
		return doubles{}, err
	}
	return l.alikeOf(ctx, l.Query, ours)
}

// alikeOf does so in SQL.
func (r *Reader) alikeOf(ctx context.Context, q ledger.Query, ours []Counted) (out doubles, err error) {
	var s question
	rows, err := r.scan(ctx, `
		SELECT case_id, respondent, min(case_id::text) OVER (PARTITION BY
			respondent, origin, contest, province_of_act, institution, class, items, (opened AT TIME ZONE INTERVAL '7 hours')::date)
		FROM projection.respondent_history WHERE `+s.held(q.AsOf, q.KnownAt), s.args...)
	if err != nil {
		return out, asking("duplicates", err)
	}
	original := make(map[Counted]string) // by case and respondent: the first case that agrees
	var id uuid.UUID
	var respondent, one string
	if _, err := pgx.ForEachRow(rows, []any{&id, &respondent, &one}, func() error {
		original[Counted{Case: id.String(), Respondent: respondent}] = one
		return nil
	}); err != nil {
		return out, asking("duplicates", err)
	}
	counted := make(map[Counted]bool, len(ours))
	for _, c := range ours {
		counted[Counted{Case: c.Case, Respondent: c.Respondent, Measure: c.Measure}] = true
	}
	keys := make(map[string]bool)
	for _, c := range ours {
		one := original[Counted{Case: c.Case, Respondent: c.Respondent}]
		if one == c.Case || !counted[Counted{Case: one, Respondent: c.Respondent, Measure: c.Measure}] {
			keys[c.Measure+" "+c.Key] = true
			continue
		}
		if out.lines++; out.lines <= listed {
			out.first = append(out.first, c)
		}
	}
	out.left = uint64(len(keys))
	return out, nil
}

// corrected counts the lines whose case has a correction that was known, and gives
// the first of them.
func (l *lines) corrected(ctx context.Context) (n int, list []Counted, err error) {
	if l.held != nil {
		if a, err := l.columns.noted(ctx, l.held); err != nil {
			return 0, nil, err
		} else if a != nil {
			return l.held.correctedLines(ctx, l.Query, a)
		}
	}
	var s question
	q := l.Query
	rows, err := l.scan(ctx, fmt.Sprintf(`
		SELECT measure, case_id, respondent, key, since, count(*) OVER () FROM (%s) c
		WHERE EXISTS (SELECT FROM projection.record r WHERE r.case_id = c.case_id AND r.kind = %s AND r.position <= %s)
		ORDER BY measure, case_id, respondent LIMIT %s`,
		s.behindParts(q), s.arg(string(ledger.EventCorrectedKind)), s.arg(int64(q.KnownAt)), s.arg(listed)), s.args...)
	if err != nil {
		return 0, nil, asking("corrections", err)
	}
	var measure int
	var id uuid.UUID
	var c Counted
	if _, err := pgx.ForEachRow(rows, []any{&measure, &id, &c.Respondent, &c.Key, &c.Since, &n}, func() error {
		line := c
		line.Case, line.Measure, line.Since = id.String(), q.Measures[measure].String(), c.Since.UTC()
		list = append(list, line)
		return nil
	}); err != nil {
		return 0, nil, asking("corrections", err)
	}
	return n, list, nil
}

// disputed finds the cases behind the figure in which several agencies recorded a
// decree; it may leave out those in which they agree.
func (l *lines) disputed(ctx context.Context) ([]uuid.UUID, error) {
	if l.held != nil {
		if a, err := l.columns.noted(ctx, l.held); err != nil {
			return nil, err
		} else if a != nil {
			return l.held.disputedCases(ctx, l.Query, a)
		}
	}
	var s question
	rows, err := l.scan(ctx, fmt.Sprintf(`
		SELECT case_id FROM projection.record
		WHERE case_id IN (SELECT case_id FROM (%s) c) AND position <= %s AND kind = %s
		GROUP BY case_id HAVING count(DISTINCT agency) > 1 ORDER BY case_id`,
		s.behindParts(l.Query), s.arg(int64(l.Query.KnownAt)), s.arg(string(ledger.DecisionRecordedKind))), s.args...)
	if err != nil {
		return nil, asking("records of decrees", err)
	}
	ids, err := pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
	if err != nil {
		return nil, asking("records of decrees", err)
	}
	return ids, nil
}

// disputes finds the decrees behind the figure on which agencies do not agree, at
// its pair of times.
func (l *lines) disputes(ctx context.Context) ([]Dispute, error) {
	several, err := l.disputed(ctx)
	if err != nil || len(several) == 0 {
		return nil, err
	}
	conn, err := l.pool.Acquire(ctx)
	if err != nil {
		return nil, asking("records of decrees", err)
	}
	defer conn.Release()
	var out []Dispute
	for ids := range slices.Chunk(several, 1000) {
		histories, err := loadCases(ctx, conn.Conn(), schemaCurrent, ids, l.Query.KnownAt)
		if err != nil {
			return nil, err
		}
		for _, id := range ids {
			happened := slices.DeleteFunc(slices.Clone(ledger.Effective(histories[id])), func(e ledger.CaseEvent) bool { return e.Time.After(l.Query.AsOf) })
			c := ledger.Fold(happened)
			for _, one := range c.Respondents {
				if d := one.Decision; d != nil && len(d.Disputed) > 0 {
					out = append(out, Dispute{id.String(), one.ID, d.Decree, d.Records})
				}
			}
		}
	}
	return out, nil
}
