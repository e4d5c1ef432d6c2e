package projections

import (
	"context"
	"errors"
	"time"

	"github.com/berkas-ledger/berkas/ledger"
)

// CatchUp is a measurement of catching up against COPY.
type CatchUp struct {
	Records uint64
	Rows    uint64        // of all tables, as they ended up
	Project time.Duration // projecting the feed into empty tables
	Copy    time.Duration // COPY of the same rows into the same empty, indexed tables
}

// Ratio is the speed of projecting as a part of the speed of COPY.
func (c CatchUp) Ratio() float64 { return c.Copy.Seconds() / c.Project.Seconds() }

// MeasureCatchUp projects a feed up to a position into tables of its own, then
// copies the same rows into the same empty tables, and drops both. The read
// models themselves are not touched.
func MeasureCatchUp(ctx context.Context, c Config, feed ledger.Feed, upTo ledger.Position) (CatchUp, error) {
	return CatchUp{}, errors.ErrUnsupported
}
