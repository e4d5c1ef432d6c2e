package projections

import (
	"context"
	"errors"
	"time"

	"github.com/berkas-ledger/berkas/ledger"
)

// Answer is a figure with everything that says what it counts.
type Answer struct {
	Value uint64
	// Query as answered: a zero AsOf became Settled.Recorded, a zero KnownAt
	// Settled.Position.
	Query ledger.Query
	// Known is when the record at Query.KnownAt was recorded.
	Known time.Time
	// Settled is the last applied record.
	Settled Settled
}

// Settled is the last applied record: nothing later can be asked for.
type Settled struct {
	Position ledger.Position
	Recorded time.Time
}

// Group is a figure for one value of a dimension; Value is "" for those that
// have none.
type Group struct {
	Value string
	Count uint64
}

// Counted is one thing behind a number.
type Counted struct {
	Case       string
	Respondent string
	Measure    string
	Key        string    // what is counted: case, "case respondent", "agency letter", authority
	Since      time.Time // since when the measure is true
}

// Figure answers one query, as ledger.Count over ledger.History of the records
// known then would. A zero AsOf means the last applied record's recorded time,
// a zero KnownAt its position; a moment beyond them is an *ErrNotSettled.
func (r *Reader) Figure(ctx context.Context, q ledger.Query) (Answer, error) {
	return Answer{}, errors.ErrUnsupported
}

// Figures answers many queries, those of the same two times in one scan.
func (r *Reader) Figures(ctx context.Context, queries []ledger.Query) ([]Answer, error) {
	return nil, errors.ErrUnsupported
}

// FiguresBy breaks a figure down by a dimension, one of ledger.Filters. Where a
// dimension may have several values (forwarded-to, item) or a case several
// respondents, the groups may add up to more than the whole, which Answer
// gives.
func (r *Reader) FiguresBy(ctx context.Context, q ledger.Query, dimension string) (Answer, []Group, error) {
	return Answer{}, nil, errors.ErrUnsupported
}

// CasesBehind lists what a figure counts, ordered by case and respondent, at
// most limit of them (0: all). Under units above the respondent a key may stand
// on several lines, one for each respondent that makes it count.
func (r *Reader) CasesBehind(ctx context.Context, q ledger.Query, limit int) ([]Counted, error) {
	return nil, errors.ErrUnsupported
}
