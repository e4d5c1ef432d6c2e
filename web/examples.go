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

// exampleStatus is the extension by which an example says what it is answered;
// without, it is 200.
const exampleStatus = "x-status"

// Names of the examples of submissions.
const (
	exampleAdmitted = "admitted"
	exampleRefused  = "refused"
)

func exampleText(name string) string {
	raw, err := exampleFiles.ReadFile("examples/" + name)
	if err != nil {
		return "" // the test of the description shows that it is missing
	}
	return strings.TrimSuffix(string(raw), "\n")
}

// exampleEvents keep the order of their members: without spaces they are the
// very bytes that the examples' signatures cover.
func exampleEvents() map[string]*huma.Example {
	event := func(name, says string, status int) *huma.Example {
		return &huma.Example{Summary: says, Value: json.RawMessage(exampleText(name + ".json")), Extensions: map[string]any{exampleStatus: status}}
	}
	return map[string]*huma.Example{
		exampleAdmitted: event(exampleAdmitted, "Bawaslu opens a case. The bytes that are sent are this without spaces and line breaks", 201),
		exampleRefused:  event(exampleRefused, "A step that the case is not ready for", 409),
	}
}

func exampleSignatures() map[string]*huma.Example {
	out := map[string]*huma.Example{}
	for _, name := range []string{exampleAdmitted, exampleRefused} {
		out[name] = &huma.Example{Value: exampleText(name + ".signature")}
	}
	return out
}

func exampleBulk() string { return exampleText("bulk.ndjson") + "\n" }

// exampleCase is the case that the examples are about.
func exampleCase() string { return exampleText("case") }

// schemaOf describes a type.
func (s *Server) schemaOf(v any) *huma.Schema {
	return s.description.Components.Schemas.Schema(reflect.TypeOf(v), true, "")
}
