package registrar

import (
	"fmt"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"

	"github.com/berkas-ledger/berkas/ledger"
	"github.com/berkas-ledger/berkas/schemas"
)

// names are the member names that pointers on the ledger may have: those of the
// envelope and of the schemas. A name that a sender made up may say anything,
// and a refusal stands on the ledger for ever (promise P7).
type names map[string]bool

var envelopeNames = []string{
	"specversion", "id", "source", "type", "subject", "time", "dataschema", "datacontenttype",
	"ledger", "data", "caseversion", "correlationid", "causationid", "traceparent",
}

func knownNames() (names, error) {
	n := names{}
	for _, name := range envelopeNames {
		n[name] = true
	}
	for _, file := range schemas.Names() {
		raw, err := schemas.File(file)
		if err != nil {
			return nil, err
		}
		var schema any
		if err := json.Unmarshal(raw, &schema); err != nil {
			return nil, fmt.Errorf("schema %s: %w", file, err)
		}
		n.collect(schema)
	}
	return n, nil
}

// collect takes the names of the properties of a schema and of all that stand in
// it.
func (n names) collect(schema any) {
	switch v := schema.(type) {
	case map[string]any:
		if properties, ok := v["properties"].(map[string]any); ok {
			for name := range properties {
				n[name] = true
			}
		}
		for _, inner := range v {
			n.collect(inner)
		}
	case []any:
		for _, inner := range v {
			n.collect(inner)
		}
	}
}

// pointers gives the pointers of a refusal as they may stand on the ledger: each
// cut before the first step that is neither a known name nor an index, without
// doubles; nil where none is left.
func (n names) pointers(list []string) []string {
	var out []string
	for _, p := range list[:min(len(list), ledger.MaxPointers)] {
		if p = n.cut(p); p != "" && !slices.Contains(out, p) {
			out = append(out, p)
		}
	}
	return out
}

func (n names) cut(p string) string {
	steps := strings.Split(p, "/")
	for i, s := range steps {
		if i > 0 && !n[s] && !isIndex(s) {
			return strings.Join(steps[:i], "/")
		}
	}
	return p
}

// isIndex accepts what can be an index into an array of 48 KiB that means
// something, and is too short to be somebody's number.
func isIndex(s string) bool {
	return s != "" && len(s) <= 4 && strings.Trim(s, "0123456789") == ""
}
