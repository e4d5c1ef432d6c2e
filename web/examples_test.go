package web

import (
	"bytes"
	"crypto/ed25519"
	"encoding/json"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/berkas-ledger/berkas/internal/testkit"
	"github.com/berkas-ledger/berkas/ledger"
)

// writeExamples makes the examples of the description anew.
func writeExamples(t *testing.T) {
	t.Helper()
	w := testkit.NewWorld()
	for range 5000 { // far from the ids that a test draws
		w.NewID()
	}
	id, other := w.NewID(), w.NewID()
	opened := w.Say(ledger.Bawaslu, ledger.CaseOpenedKind, id, today.Add(-time.Hour), testkit.Opened(1))
	early := w.Say(ledger.BKN, ledger.DecisionRecordedKind, id, today.Add(-time.Minute), ledger.DecisionRecorded{
		Decree:      ledger.Letter{Number: "CONTOH-SK/1", Date: "2020-06-14"},
		Respondents: []ledger.DecidedRespondent{{ID: "r1", Outcome: ledger.OutcomeNotProven}},
	})
	second := w.Say(ledger.Bawaslu, ledger.CaseOpenedKind, other, today.Add(-time.Hour), testkit.Opened(2))
	registered := w.Say(ledger.Bawaslu, ledger.CaseRegisteredKind, other, today.Add(-time.Minute), ledger.CaseRegistered{Register: "CONTOH-REG/2"})
	keys, err := json.Marshal(keyRequest{w.Origin, w.NewID(), []string{"r1", "reporter"}, today.Format(time.RFC3339), "00112233445566778899aabbccddeeff"})
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"case":                         id,
		exampleAdmitted + ".json":      string(opened.Body),
		exampleAdmitted + ".signature": opened.Signatures[0].String(),
		exampleRefused + ".json":       string(early.Body),
		exampleRefused + ".signature":  early.Signatures[0].String(),
		"bulk.ndjson":                  strings.TrimSuffix(lineOf(second)+lineOf(registered), "\n"),
		"keys.json":                    string(keys),
		"keys.signature":               signKeys(w, testkit.EventKey(ledger.Bawaslu), keys),
	} {
		if err := os.WriteFile(filepath.Join("examples", name), []byte(text+"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// signKeys signs a request for data keys.
func signKeys(w *testkit.World, key ledger.KeyID, body []byte) string {
	s := ledger.Signature{Key: key}
	copy(s.Value[:], ed25519.Sign(w.Private(key), keyPAE(body)))
	return s.String()
}

// described is the published description as an outsider reads it.
type described struct {
	t        *testing.T
	raw      any
	Paths    map[string]map[string]opDoc
	compiler *jsonschema.Compiler
}

type opDoc struct {
	OperationID string
	Summary     string
	Tags        []string
	Parameters  []paramDoc
	RequestBody *struct{ Content map[string]mediaDoc }
	Responses   map[string]struct {
		Description string
		Content     map[string]mediaDoc
	}
}

type paramDoc struct {
	Name, In, Description string
	Required              bool
	Example               any
	Examples              map[string]exampleDoc
}

type mediaDoc struct {
	Example  json.RawMessage
	Examples map[string]exampleDoc
}

type exampleDoc struct {
	Value  json.RawMessage
	Status int `json:"x-status"`
}

const published = "../schemas/openapi.json"

func readDescription(t *testing.T) *described {
	t.Helper()
	text, err := os.ReadFile(published)
	if err != nil {
		t.Fatal(err)
	}
	d := &described{t: t, compiler: jsonschema.NewCompiler()}
	if err := json.Unmarshal(text, d); err != nil {
		t.Fatal(err)
	}
	if d.raw, err = jsonschema.UnmarshalJSON(bytes.NewReader(text)); err != nil {
		t.Fatal(err)
	}
	if err := d.compiler.AddResource("https://berkas.example/openapi.json", d.raw); err != nil {
		t.Fatal(err)
	}
	return d
}

// schema compiles the schema at a JSON pointer of the description.
func (d *described) schema(parts ...string) *jsonschema.Schema {
	d.t.Helper()
	at := ""
	for _, p := range parts {
		at += "/" + url.PathEscape(strings.NewReplacer("~", "~0", "/", "~1").Replace(p))
	}
	s, err := d.compiler.Compile("https://berkas.example/openapi.json#" + at)
	if err != nil {
		d.t.Fatal(err)
	}
	return s
}

// TestDescriptionIsSound lints the published description: it is OpenAPI 3.1, its
// schemas are JSON Schema, and every operation says what a stranger needs.
func TestDescriptionIsSound(t *testing.T) {
	d := readDescription(t)
	raw, err := os.ReadFile("testdata/openapi-3.1.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	official, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("https://berkas.example/oas", official); err != nil {
		t.Fatal(err)
	}
	oas, err := c.Compile("https://berkas.example/oas")
	if err != nil {
		t.Fatal(err)
	}
	if err := oas.Validate(d.raw); err != nil {
		t.Errorf("not OpenAPI 3.1: %v", err)
	}
	ids := map[string]bool{}
	for path, item := range d.Paths {
		for method, op := range item {
			at := method + " " + path
			if op.OperationID == "" || op.Summary == "" || len(op.Tags) != 1 || ids[op.OperationID] {
				t.Errorf("%s: an id of its own, a summary or its one tag is missing", at)
			}
			ids[op.OperationID] = true
			d.lintParams(at, path, op)
			good := 0
			for status, r := range op.Responses {
				if r.Description == "" {
					t.Errorf("%s %s: no description", at, status)
				}
				for media := range r.Content {
					d.schema("paths", path, method, "responses", status, "content", media, "schema")
				}
				if strings.HasPrefix(status, "2") {
					good++
				}
			}
			if _, ok := op.Responses["default"]; !ok || good == 0 {
				t.Errorf("%s: what is answered when all is well, or when not, is missing", at)
			}
			if (method == "post") != (op.RequestBody != nil) {
				t.Errorf("%s: a body for POST and for nothing else", at)
			}
		}
	}
}

func (d *described) lintParams(at, path string, op opDoc) {
	d.t.Helper()
	var inPath []string
	for _, part := range strings.Split(path, "/") {
		if name, ok := strings.CutPrefix(part, "{"); ok {
			inPath = append(inPath, strings.TrimSuffix(name, "}"))
		}
	}
	for _, p := range op.Parameters {
		if p.Description == "" {
			d.t.Errorf("%s: parameter %s has no description", at, p.Name)
		}
		if p.In == "path" {
			i := slices.Index(inPath, p.Name)
			if i < 0 || !p.Required {
				d.t.Errorf("%s: parameter %s is not in the path, or not required", at, p.Name)
				continue
			}
			inPath = slices.Delete(inPath, i, i+1)
		}
	}
	if len(inPath) > 0 {
		d.t.Errorf("%s: %v is in the path and not described", at, inPath)
	}
}

// TestExamples sends every example of the published description to a running
// server: each is answered with the status it names, and the answer fits the
// schema that is described.
func TestExamples(t *testing.T) {
	if *update {
		writeExamples(t)
	}
	n, d := newNode(t), readDescription(t)
	paths := make([]string, 0, len(d.Paths))
	for p := range d.Paths {
		paths = append(paths, p)
	}
	slices.Sort(paths)
	sent := 0
	for _, method := range []string{"post", "get"} { // what is asked for has to be there
		for _, path := range paths {
			op, ok := d.Paths[path][method]
			if !ok {
				continue
			}
			for _, name := range op.examples() {
				sent++
				t.Run(op.OperationID+"/"+name, func(t *testing.T) { n.tryExample(t, d, method, path, op, name) })
			}
			n.settled()
		}
	}
	if sent < 9 {
		t.Errorf("only %d examples were sent", sent)
	}
}

// examples lists the names of an operation's examples; "" is the one without.
func (op opDoc) examples() []string {
	if op.RequestBody != nil {
		for _, m := range op.RequestBody.Content {
			if len(m.Examples) > 0 {
				names := make([]string, 0, len(m.Examples))
				for name := range m.Examples {
					names = append(names, name)
				}
				slices.Sort(names)
				return names
			}
		}
	}
	return []string{""}
}

func (n *node) tryExample(t *testing.T, d *described, method, path string, op opDoc, name string) {
	header, query, want := http.Header{}, url.Values{}, http.StatusOK
	for _, p := range op.Parameters {
		value := p.Example
		if e, ok := p.Examples[name]; ok {
			if err := json.Unmarshal(e.Value, &value); err != nil {
				t.Fatal(err)
			}
		}
		values, isList := value.([]any)
		if !isList {
			values = []any{value}
		}
		for _, v := range values {
			text, ok := v.(string)
			switch {
			case !ok && p.Required:
				t.Fatalf("parameter %s has no example", p.Name)
			case !ok:
			case p.In == "path":
				path = strings.Replace(path, "{"+p.Name+"}", url.PathEscape(text), 1)
			case p.In == "query":
				query.Add(p.Name, text)
			default:
				header.Add(p.Name, text)
			}
		}
	}
	var body []byte
	if op.RequestBody != nil {
		for media, m := range op.RequestBody.Content {
			header.Set("Content-Type", media)
			value := m.Example
			if e, ok := m.Examples[name]; ok {
				value, want = e.Value, e.Status
			}
			body = exampleBody(t, media, value)
		}
	}
	r := n.do(strings.ToUpper(method), path+"?"+query.Encode(), header, body)
	if r.status != want {
		t.Fatalf("answered %d, described %d: %s", r.status, want, r.body)
	}
	d.fits(t, method, op, r)
}

// exampleBody gives the bytes that an example stands for: JSON without the
// spaces of the document, text as it is.
func exampleBody(t *testing.T, media string, value json.RawMessage) []byte {
	t.Helper()
	if media == bulkType {
		var text string
		if err := json.Unmarshal(value, &text); err != nil {
			t.Fatal(err)
		}
		return []byte(text)
	}
	var out bytes.Buffer
	if err := json.Compact(&out, value); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// fits checks an answer against its description.
func (d *described) fits(t *testing.T, method string, op opDoc, r reply) {
	t.Helper()
	path := ""
	for p, item := range d.Paths {
		if item[method].OperationID == op.OperationID {
			path = p
		}
	}
	status := strconv.Itoa(r.status)
	if _, ok := op.Responses[status]; !ok {
		status = "default"
	}
	media, _, _ := strings.Cut(r.header.Get("Content-Type"), ";")
	if _, ok := op.Responses[status].Content[media]; !ok {
		t.Fatalf("answered %s as %s, which is not described", status, media)
	}
	schema := d.schema("paths", path, method, "responses", status, "content", media, "schema")
	values := []string{r.body}
	if media == bulkType {
		values = slices.Collect(strings.Lines(r.body)) // the schema is that of one line
	}
	for _, text := range values {
		var value any = text
		if strings.HasSuffix(media, "json") {
			var err error
			if value, err = jsonschema.UnmarshalJSON(strings.NewReader(text)); err != nil {
				t.Fatal(err)
			}
		}
		if err := schema.Validate(value); err != nil {
			t.Errorf("the answer is not as described: %v\n%s", err, text)
		}
	}
}
