package ledger

import (
	"fmt"
	"strconv"

	"github.com/go-json-experiment/json/jsontext"
)

// timeFormat is RFC 3339 in UTC with at most microseconds, without needless
// zeros.
const timeFormat = "2006-01-02T15:04:05.999999Z"

// Encode writes the event as structured JSON: attributes in a fixed order, data
// last. Every event that Berkas itself makes is written so; the events of
// others keep the bytes they came in. Data has to be a JSON value. Nothing else
// is checked: Decode does that.
func (e Event) Encode() ([]byte, error) {
	if !e.Data.IsValid() {
		return nil, fmt.Errorf("%s: data is not a JSON value", e.Kind)
	}
	source := "/agencies/" + string(e.Source)
	if e.Source == Registrar {
		source = "/registrar"
	}
	out := make([]byte, 0, len(e.Data)+512)
	out = append(out, `{"specversion":"1.0"`...)
	for _, a := range []struct{ name, value string }{
		{"id", e.ID},
		{"source", source},
		{"type", typeOf(e.Kind, e.Version)},
		{"subject", e.Subject},
		{"time", e.Time.UTC().Format(timeFormat)},
		{"dataschema", schemaOf(e.Kind, e.Version)},
		{"datacontenttype", "application/json"},
		{"ledger", e.Ledger},
		{"correlationid", e.Correlation},
		{"causationid", e.Causation},
		{"traceparent", e.TraceParent},
	} {
		if a.value == "" {
			continue
		}
		out = append(append(append(out, `,"`...), a.name...), `":`...)
		var err error
		if out, err = jsontext.AppendQuote(out, a.value); err != nil {
			return nil, fmt.Errorf("%s: write %s: %w", e.Kind, a.name, err)
		}
	}
	if e.CaseVersion != nil {
		out = strconv.AppendUint(append(out, `,"caseversion":`...), *e.CaseVersion, 10)
	}
	out = append(out, `,"data":`...)
	out = append(out, e.Data...)
	return append(out, '}'), nil
}
