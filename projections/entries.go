package projections

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/berkas-ledger/berkas/ledger"
)

// maxEntries bounds the records that are read at a time.
const maxEntries = 1000

// Records lists the records from one position to another, both included, in
// order, at most 1,000. Positions that have not been applied yet are left out.
func (r *Reader) Records(ctx context.Context, first, last ledger.Position) ([]Entry, error) {
	if last >= first && last-first >= maxEntries {
		return nil, fmt.Errorf("%d records at a time, at most %d", last-first+1, maxEntries)
	}
	rows, err := r.pool.Query(ctx, `
		SELECT position, recorded, happened, event_id, case_id, version, known, late,
			coalesce(subject, ''), agency, kind, keys, leaf, data
		FROM projection.record WHERE position BETWEEN $1 AND $2 ORDER BY position`, int64(first), int64(last))
	if err != nil {
		return nil, asking("records", err)
	}
	list, err := pgx.CollectRows(rows, scanEntry)
	if err != nil {
		return nil, asking("records", err)
	}
	return list, nil
}
