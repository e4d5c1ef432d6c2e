package projections

import (
	"context"
	"errors"
	"io"

	"github.com/berkas-ledger/berkas/ledger"
)

// PublishedFigure is one number as an agency published it.
type PublishedFigure struct {
	Table     string // short code of the publication, for instance bkn20
	Publisher ledger.AgencyID
	SeenBy    ledger.AgencyID // whose view it is; the publisher unless it said otherwise
	AsOf      ledger.Date
	Since     ledger.Date // "": from the beginning
	Unit      ledger.Unit
	Measure   string // a measure, or a sum a+b
	Filter    map[string]string
	Value     uint64
	Source    string
	Doubt     ledger.Doubt
	Restates  string // the publication it replaces, "" if none

	Event    string          // id of the event that published it; "" from a file
	Position ledger.Position // of that event; 0 from a file
}

// Query is the question that the figure answers, known at a position (0: now).
func (f PublishedFigure) Query(known ledger.Position) (ledger.Query, error) {
	return ledger.Query{}, errors.ErrUnsupported
}

// PublishedFigures lists the figures published on the ledger, in its order.
func (r *Reader) PublishedFigures(ctx context.Context) ([]PublishedFigure, error) {
	return nil, errors.ErrUnsupported
}

// ParsePublished reads tab-separated figures: a header line with the columns id,
// as_of, since, agency, unit, measure, filter (k=v, several joined with ";"),
// value, source; then a figure a line. It is strict, and errors name line and
// column.
func ParsePublished(in io.Reader) ([]PublishedFigure, error) { return nil, errors.ErrUnsupported }
