package projections

import (
	"context"
	"errors"
	"time"

	"github.com/berkas-ledger/berkas/ledger"
)

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
	return nil, errors.ErrUnsupported
}
