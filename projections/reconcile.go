package projections

import (
	"context"
	"errors"

	"github.com/berkas-ledger/berkas/ledger"
)

// Reason says why a published figure and the ledger differ, as far as that can
// be known.
type Reason string

// Reasons.
const (
	ReasonEqual   Reason = "equal"
	ReasonWindow  Reason = "window"   // equal on a neighbouring day
	ReasonObserve Reason = "observer" // equal as somebody else saw it
	ReasonUnit    Reason = "unit"     // equal in another unit
	// ReasonLate: equal with what was recorded by the end of the figure's day;
	// the rest was recorded later.
	ReasonLate Reason = "late-recording"
	// ReasonDuplicate: equal when cases that agree in everything the ledger
	// shows count once.
	ReasonDuplicate Reason = "duplicate"
	// ReasonScope: the ledger holds nothing of the agency's in that window, or
	// it is equal without a filter.
	ReasonScope      Reason = "out-of-scope"
	ReasonUnknown    Reason = "unknown"
	ReasonNotSettled Reason = "not-settled" // later than the last applied record
)

// Line is a published figure beside the ledger's.
type Line struct {
	Figure PublishedFigure
	Answer Answer
	// Difference is the ledger's value minus the published one.
	Difference int64
	Reason     Reason
	// Of a difference only: what counts in ours (the first of them), and other
	// readings of the question that would give the published number.
	Cases      []Counted
	Candidates []Candidate
}

// Candidate is another reading of a figure's question that gives the published
// number, with what counts on one side only (the first of them).
type Candidate struct {
	Reason          Reason
	Change          string // in words, for instance "as-of 2020-11-27"
	Query           ledger.Query
	Value           uint64
	OnlyOurs, Other []Counted
}

// Reconcile compares published figures with the ledger, known at a position (0:
// now). Nothing is forced to agree.
func (r *Reader) Reconcile(ctx context.Context, figures []PublishedFigure, known ledger.Position) ([]Line, error) {
	return nil, errors.ErrUnsupported
}
