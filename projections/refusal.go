package projections

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/berkas-ledger/berkas/ledger"
)

// Model refusal: submissions that were refused, with the reason and never with
// their content.

const refusalTable = "refusal"

var refusalColumns = []string{"position", "recorded", "agency", "reason", "pointers", "digest", "first_position"}

func putRefusal(b []byte, d *decoded, p *ledger.SubmissionRefused) []byte {
	b = putTuple(b, len(refusalColumns))
	b = putInt8(b, int64(d.record.Position))
	b = putTime(b, d.record.Recorded)
	b = putText(b, string(p.Agency))
	b = putText(b, string(p.Reason))
	b = putTexts(b, p.Pointers)
	b = putText(b, p.Digest)
	if p.First == 0 {
		return putNull(b)
	}
	return putInt8(b, int64(p.First))
}

// Refusal is a refused submission as the registrar recorded it.
type Refusal struct {
	Position ledger.Position
	Recorded time.Time
	Agency   ledger.AgencyID
	Reason   ledger.Code
	Pointers []string
	Digest   string
	First    ledger.Position
}

// Refusals lists an agency's refusals (all for ""), latest first, at most limit.
func (r *Reader) Refusals(ctx context.Context, agency ledger.AgencyID, limit int) ([]Refusal, error) {
	rows, err := r.pool.Query(ctx, `
		SELECT position, recorded, agency, reason, pointers, digest, coalesce(first_position, 0)
		FROM projection.refusal WHERE $1 = '' OR agency = $1
		ORDER BY position DESC LIMIT $2`, string(agency), limit)
	if err != nil {
		return nil, asking("refusals", err)
	}
	list, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (Refusal, error) {
		f, err := pgx.RowToStructByPos[Refusal](row)
		f.Recorded = f.Recorded.UTC()
		return f, err
	})
	if err != nil {
		return nil, asking("refusals", err)
	}
	return list, nil
}
