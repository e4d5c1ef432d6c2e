package projections

import (
	"context"
	"fmt"
	"slices"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/berkas-ledger/berkas/ledger"
)

// Dispute is a decree of which agencies recorded different outcomes: each of
// them may have counted by its own.
type Dispute struct {
	Case       string
	Respondent string
	Decree     ledger.Letter
	Records    []ledger.DecreeRecord // the first by position leads
}

// disputes finds the disputes among cases that count in a question, at its pair of
// times.
func (r *Reader) disputes(ctx context.Context, q ledger.Query, counted []Counted) ([]Dispute, error) {
	var ids []uuid.UUID
	for _, c := range counted {
		id, err := uuid.Parse(c.Case)
		if err != nil {
			return nil, fmt.Errorf("case behind a figure: %w", err)
		}
		ids = append(ids, id)
	}
	slices.SortFunc(ids, func(a, b uuid.UUID) int { return slices.Compare(a[:], b[:]) })
	rows, err := r.pool.Query(ctx, `
		SELECT case_id FROM projection.record
		WHERE case_id = ANY ($1) AND position <= $2 AND kind = $3
		GROUP BY case_id HAVING count(DISTINCT agency) > 1 ORDER BY case_id`,
		slices.Compact(ids), int64(q.KnownAt), string(ledger.DecisionRecordedKind))
	if err != nil {
		return nil, asking("records of decrees", err)
	}
	several, err := pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
	switch {
	case err != nil:
		return nil, asking("records of decrees", err)
	case len(several) == 0:
		return nil, nil
	}
	conn, err := r.pool.Acquire(ctx)
	if err != nil {
		return nil, asking("records of decrees", err)
	}
	defer conn.Release()
	histories, err := loadCases(ctx, conn.Conn(), schemaCurrent, several, q.KnownAt)
	if err != nil {
		return nil, err
	}
	var out []Dispute
	for _, id := range several {
		happened := slices.DeleteFunc(slices.Clone(ledger.Effective(histories[id])), func(e ledger.CaseEvent) bool { return e.Time.After(q.AsOf) })
		c := ledger.Fold(happened)
		for _, one := range c.Respondents {
			if d := one.Decision; d != nil && len(d.Disputed) > 0 {
				out = append(out, Dispute{id.String(), one.ID, d.Decree, d.Records})
			}
		}
	}
	return out, nil
}
