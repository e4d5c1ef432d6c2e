package projections

import (
	"cmp"
	"encoding/json"
	"fmt"
	"time"

	"github.com/berkas-ledger/berkas/ledger"
)

// Model published_figure: totals as agencies published them.

const figureTable = "published_figure"

var figureColumns = []string{
	"position", "ordinal", "event_id", "publication", "publisher", "seen_by", "as_of", "since", "unit",
	"measure", "filter", "value", "sources", "doubt", "restates",
}

func putFigures(b []byte, d *decoded, p *ledger.FiguresPublished) ([]byte, error) {
	for i, f := range p.Figures {
		filter, err := json.Marshal(f.Filter) // encoding/json sorts the names
		if err != nil {
			return b, fmt.Errorf("filter of figure %d at position %d: %w", i+1, d.record.Position, err)
		}
		if f.Filter == nil {
			filter = []byte("{}")
		}
		b = putTuple(b, len(figureColumns))
		b = putInt8(b, int64(d.record.Position))
		b = putInt4(b, int32(i+1))
		b = putUUID(b, d.eventID)
		b = putText(b, p.Table)
		b = putText(b, string(p.Publisher))
		b = putText(b, string(cmp.Or(f.SeenBy, p.Publisher)))
		b = putText(b, string(f.AsOf))
		b = putTextOrNull(b, string(f.Since))
		b = putText(b, string(f.Unit))
		b = putText(b, f.Measure)
		b = putBytes(b, filter)
		b = putNumeric(b, f.Value)
		b = putTexts(b, p.Sources)
		b = putText(b, string(p.Doubt))
		b = putTextOrNull(b, p.Restates)
	}
	return b, nil
}

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

	Event     string          // id of the event that published it; "" from a file
	Position  ledger.Position // of that event; 0 from a file
	Ordinal   int             // of the figure in the event, from 1; 0 from a file
	Published time.Time       // when that happened; zero from a file
	Recorded  time.Time       // when it was recorded; zero from a file
}

// Query is the question that the figure answers, known at a position (0: now).
// Days are whole days in Asia/Jakarta: as-of is the end of one, since counts
// what began after the end of one.
func (f PublishedFigure) Query(known ledger.Position) (ledger.Query, error) {
	q := ledger.Query{Unit: f.Unit, Filter: f.Filter, SeenBy: cmp.Or(f.SeenBy, f.Publisher), KnownAt: known}
	var err error
	if q.Measures, err = ledger.ParseMeasures(f.Measure); err != nil {
		return q, err
	}
	if !f.AsOf.Valid() {
		return q, fmt.Errorf("as-of %q is no day of the calendar", f.AsOf)
	}
	q.AsOf = f.AsOf.End()
	if f.Since != "" {
		if !f.Since.Valid() {
			return q, fmt.Errorf("since %q is no day of the calendar", f.Since)
		}
		q.Since = f.Since.End()
	}
	return q, q.Validate()
}
