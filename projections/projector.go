package projections

import (
	"context"
	"errors"

	"github.com/berkas-ledger/berkas/ledger"
)

// Projector writes the read models of one database. Several may run against
// one database, in one process or many: one writes, the others stand by.
type Projector struct {
	config Config
}

// NewProjector makes a projector; it opens nothing before Run.
func NewProjector(c Config) *Projector { return &Projector{config: c} }

// Run follows the feed from the position the tables stand at until the context
// ends (nil), the feed ends (nil) or something stands that a retry would not
// mend: a *ledger.ErrBroken, which it also writes down so that readers see that
// and why the projections stopped; ErrNewer; an error of the feed. Tables that
// are missing are made; tables of an older version are rebuilt first. While
// PostgreSQL is away it waits and goes on where it stood.
func (p *Projector) Run(ctx context.Context, feed ledger.Feed) error { return errors.ErrUnsupported }
