package web

import (
	"embed"
	"encoding/json"
	"reflect"
	"strings"

	"github.com/danielgtaylor/huma/v2"
)

// Examples of the description: real submissions of an invented ledger, whose
// keys the tests have (TestExamples writes them with -update and sends them to a
// running server).
//
//go:embed examples
var exampleFiles embed.FS

// exampleCase is the case that the examples are about.
const exampleCase = "01726df4-2380-7000-8000-000000000009"

func exampleText(name string) string {
	raw, err := exampleFiles.ReadFile("examples/" + name)
	if err != nil {
		return "" // the test of the description shows that it is missing
	}
	return strings.TrimSuffix(string(raw), "\n")
}

// exampleEvent keeps the order of its members: without spaces it is the very
// bytes that the example's signature covers.
func exampleEvent() json.RawMessage { return json.RawMessage(exampleText("event.json")) }

func exampleSignature() string { return exampleText("signature.txt") }

func exampleBulk() string { return exampleText("bulk.ndjson") + "\n" }

// schemaOf describes a type.
func (s *Server) schemaOf(v any) *huma.Schema {
	return s.description.Components.Schemas.Schema(reflect.TypeOf(v), true, "")
}
