package projections

import (
	"context"
	"errors"
	"time"

	"github.com/berkas-ledger/berkas/ledger"
)

// Entry is a record as the timeline shows it.
type Entry struct {
	Position ledger.Position
	Recorded time.Time
	Happened time.Time
	Case     string // "" for a record that belongs to no case
	Subject  string // what it is about, where that is not a case
	Agency   ledger.AgencyID
	Kind     ledger.Kind
	Version  int
	Known    bool // the projector knew the kind
	Event    string
	Keys     []ledger.KeyID
	Leaf     ledger.Hash
	// Late: recorded longer after it happened than the genesis allows without a
	// mandate for late recording.
	Late bool
	Data []byte // the event's data member, JSON
}

// Timeline lists the records of a case in the order in which they happened, as
// known at a position (0: now). ErrNotFound when there is none.
func (r *Reader) Timeline(ctx context.Context, caseID string, known ledger.Position) ([]Entry, error) {
	return nil, errors.ErrUnsupported
}

// KindCount is how many records of a kind there are.
type KindCount struct {
	Kind    ledger.Kind
	Version int
	Known   bool
	Records uint64
}

// Kinds counts the applied records by kind, unknown ones too.
func (r *Reader) Kinds(ctx context.Context) ([]KindCount, error) { return nil, errors.ErrUnsupported }
