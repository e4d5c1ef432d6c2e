package eventstore

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/berkas-ledger/berkas/ledger"
)

// SegmentEntries is how many entries a full segment file holds.
const SegmentEntries = 65536

// JournalOptions says how a journal is opened. The zero value is fit for use.
type JournalOptions struct {
	// LockWait is how long to wait for another process to give the journal up;
	// zero fails at once with ErrLocked, a negative value waits for the context.
	LockWait time.Duration
	Log      *slog.Logger // nil drops everything
}

// Journal is the durable copy of the ledger: a directory of segment files that
// hold the leaves one after the other, each after its length in two bytes, and
// nothing else (C2SP tlog-tiles, entry bundles). Entry n of the log is the
// record at position n+1.
//
// One goroutine may append; any number may read.
type Journal struct{}

// CreateJournal makes the directory of a new journal with the genesis record as
// its first entry, whole or not at all. Only `berkas init` calls it. The record
// has position 1.
func CreateJournal(dir, origin string, genesis ledger.Record) error { return errors.ErrUnsupported }

// OpenJournal takes the journal's lock and reads all of it. Origin "" takes any.
//
// An unfinished tail is cut. An entry that cannot be read but is followed by
// one that can is a *ledger.ErrBroken. Other errors: ErrLocked, ErrNoJournal,
// ErrWrongJournal.
func OpenJournal(ctx context.Context, dir, origin string, o JournalOptions) (*Journal, error) {
	return nil, errors.ErrUnsupported
}

// ID is the journal's random id, 32 hexadecimal digits, which LEDGER's metadata
// names.
func (j *Journal) ID() string { return "" }

// Origin is the ledger's origin.
func (j *Journal) Origin() string { return "" }

// Dir is the journal's directory.
func (j *Journal) Dir() string { return "" }

// Len is the number of entries, which is the position of the last record.
func (j *Journal) Len() ledger.Position { return 0 }

// Append writes leaves and returns when they are on the disk. After ErrNoSpace
// the journal is as it was; after any other error it is poisoned.
func (j *Journal) Append(leaves [][]byte) error { return errors.ErrUnsupported }

// Leaf reads the leaf of one record.
func (j *Journal) Leaf(p ledger.Position) ([]byte, error) { return nil, errors.ErrUnsupported }

// Leaves hands over the leaves of the records from first to last, both
// included, in order; a leaf is valid during the call only.
func (j *Journal) Leaves(ctx context.Context, first, last ledger.Position, yield func(ledger.Position, []byte) error) error {
	return errors.ErrUnsupported
}

// Feed yields what the journal holds at the moment of the call, then ends.
func (j *Journal) Feed() ledger.Feed { return nil }

// Follow yields what the journal holds, then what is appended, until the
// context ends.
func (j *Journal) Follow() ledger.Feed { return nil }

// Close gives the journal up.
func (j *Journal) Close() error { return errors.ErrUnsupported }
