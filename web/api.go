package web

import (
	"bytes"
	"encoding/json"
	"net/http"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
)

// operation is one operation of the API with what the description says of it.
type operation struct {
	huma.Operation
	Needs   need
	Limit   time.Duration      // 0: that of an ordinary answer
	Answers map[int]answerKind // besides problems, which every operation may answer
}

// answerKind is what an answer of a status holds.
type answerKind struct {
	Says  string // when it is given
	Media string // "": application/json
	Body  any    // a value of the type that is marshalled; nil: none; a string: text
}

const openAPIType = "application/vnd.oai.openapi+json;version=3.1"

// newDescription begins the OpenAPI document that operations add themselves to.
func newDescription() *huma.OpenAPI {
	return &huma.OpenAPI{
		OpenAPI: "3.1.0",
		Info: &huma.Info{
			Title:   "Berkas",
			Version: "1",
			Description: "The HTTP door of a ledger of civil-service neutrality cases: agencies submit signed events and get signed receipts; " +
				"readers ask for cases, national figures and codes. docs/http.md explains limits, credentials and what to do when an answer is lost.",
		},
		Servers: []*huma.Server{{URL: "/", Description: "the server that gave this description"}},
		Components: &huma.Components{
			Schemas: huma.NewMapRegistry("#/components/schemas/", schemaName),
			SecuritySchemes: map[string]*huma.SecurityScheme{
				"token": {Type: "http", Scheme: "bearer", Description: "A token that 'berkas tokens new' made. Role agency or auditor: everything; role dashboard: figures only; role calendar: the calendar of deadlines at the address that holds it, and nothing else."},
				"signature": {
					Type: "apiKey", In: "header", Name: "Berkas-Signature",
					Description: "'<key-id> <88 characters of base64>': Ed25519 over the DSSE pre-authentication encoding of media type and body. May be repeated.",
				},
			},
		},
		Tags: []*huma.Tag{
			{Name: "submit", Description: "What an agency's program does"},
			{Name: "read", Description: "What readers ask"},
			{Name: "contract", Description: "Codes and schemas, for everybody"},
		},
	}
}

// schemaName names the types of answers as Go does, with a capital.
func schemaName(t reflect.Type, hint string) string {
	name := huma.DefaultSchemaNamer(t, hint)
	return strings.ToUpper(name[:1]) + name[1:]
}

// operation registers an operation and describes it.
func (s *Server) operation(o operation, handle func(http.ResponseWriter, *http.Request) error) {
	s.describe(&o)
	if o.Limit == 0 {
		o.Limit = s.Limits.Request
	}
	s.serveWithin(o.Limit, o.Method+" "+o.Path, o.Needs, handle)
}

func (s *Server) describe(o *operation) {
	schemas := s.description.Components.Schemas
	o.Responses = map[string]*huma.Response{
		"default": {
			Description: "A problem (RFC 9457), with a stable code",
			Content:     map[string]*huma.MediaType{problemType: {Schema: schemas.Schema(reflect.TypeFor[Problem](), true, "")}},
		},
	}
	for status, a := range o.Answers {
		r := &huma.Response{Description: a.Says}
		if a.Body != nil {
			media := a.Media
			if media == "" {
				media = "application/json"
			}
			r.Content = map[string]*huma.MediaType{media: {Schema: schemas.Schema(reflect.TypeOf(a.Body), true, o.OperationID)}}
		}
		o.Responses[strconv.Itoa(status)] = r
	}
	if o.Needs != needNothing {
		o.Security = append(o.Security, map[string][]string{"token": {}})
	}
	s.description.AddOperation(&o.Operation)
}

// OpenAPI is the description of the API, indented JSON.
func (s *Server) OpenAPI() ([]byte, error) {
	raw, err := json.Marshal(s.description)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	if err := json.Indent(&out, raw, "", "  "); err != nil {
		return nil, err
	}
	out.WriteByte('\n')
	return out.Bytes(), nil
}

func (s *Server) serveOpenAPI(w http.ResponseWriter, r *http.Request) error {
	s.content(w, r, openAPIType, tagOf(s.openAPI), s.openAPI)
	return nil
}

// inPath and inQuery describe parameters; the example is one that TestExamples
// asks with.
func inPath(name, says, example string) *huma.Param {
	return &huma.Param{Name: name, In: "path", Required: true, Description: says, Schema: &huma.Schema{Type: "string"}, Example: example}
}

func inQuery(name, says string, example any) *huma.Param {
	return &huma.Param{Name: name, In: "query", Description: says, Schema: &huma.Schema{Type: "string"}, Example: example}
}
