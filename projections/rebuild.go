package projections

import (
	"context"
	"errors"

	"github.com/berkas-ledger/berkas/ledger"
)

// RebuildOptions narrow a rebuild.
type RebuildOptions struct {
	// UpTo is the position to fill to before the switch, usually the head of
	// the ledger. 0: to the feed's end, or to where the old generation stands,
	// whichever comes first.
	UpTo ledger.Position
	// Compare also compares old and new tables row by row before the switch;
	// writing waits meanwhile.
	Compare bool
	// Progress, if set, is told each position that is written.
	Progress func(ledger.Position)
}

// Rebuilt tells what a rebuild did.
type Rebuilt struct {
	Position    ledger.Position
	Compared    bool // false when there was nothing of the same version and position to compare with
	Differences []TableDifference
}

// TableDifference counts the rows of a table that only one generation has.
type TableDifference struct {
	Table            string
	OnlyOld, OnlyNew int64
}

// Rebuild fills a new generation of the tables from the feed, beside the one
// that is read, and switches in one transaction. It may be killed at any
// moment: the old generation stays in use, and the next rebuild begins again.
// A projector may run meanwhile. It returns ErrRebuilding when another rebuild
// is under way.
func Rebuild(ctx context.Context, c Config, feed ledger.Feed, o RebuildOptions) (Rebuilt, error) {
	return Rebuilt{}, errors.ErrUnsupported
}
