package projections

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/berkas-ledger/berkas/ledger"
)

// Reader answers questions. It is safe for concurrent use.
type Reader struct {
	pool *pgxpool.Pool
}

// OpenReader connects lazily: a database that is away shows at the first
// question.
func OpenReader(ctx context.Context, url string) (*Reader, error) { return nil, errors.ErrUnsupported }

// Close ends the connections.
func (r *Reader) Close() {}

// Progress is how far the read models are.
type Progress struct {
	Position ledger.Position
	Recorded time.Time // of the record at Position
	Leaf     ledger.Hash
	// Stopped says why the projections stopped; "" while they go on. Somebody
	// has to look.
	Stopped string
	// Unknown counts records of kinds that the projector did not know.
	Unknown uint64
}

// Progress reads how far the read models are. ErrNoTables: nowhere yet.
func (r *Reader) Progress(ctx context.Context) (Progress, error) {
	return Progress{}, errors.ErrUnsupported
}

// Wait returns as soon as the read models have reached a position, or with an
// error when they have stopped.
func (r *Reader) Wait(ctx context.Context, p ledger.Position) error { return errors.ErrUnsupported }

// PositionAt gives the last position recorded at or before a moment, 0 if there
// is none. A moment after the last applied record is an *ErrNotSettled.
func (r *Reader) PositionAt(ctx context.Context, t time.Time) (ledger.Position, error) {
	return 0, errors.ErrUnsupported
}
