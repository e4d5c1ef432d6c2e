// Package schemas is the public contract of event payloads: a JSON Schema
// (draft 2020-12) and examples for every kind and version, and the check of an
// event's data against them.
//
// The files are written for programmers of any language. A schema closes its
// objects, limits every string, array and number, and leaves no room for clear
// free text (promise P7). What a schema cannot say, for instance that a
// respondent is named once or that a mandate was held, is checked by package
// ledger.
package schemas

import (
	"bytes"
	"embed"
	"fmt"
	"io/fs"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/berkas-ledger/berkas/ledger"
)

//go:embed *.json FROZEN examples
var files embed.FS

// urn is what the $id of every schema begins with.
const urn = "urn:berkas:schema:"

// Validator checks the data of events. It is safe for concurrent use.
type Validator struct {
	compiled map[name]*jsonschema.Schema
	frozen   map[string]ledger.Hash
}

// name is a kind and its version.
type name struct {
	kind    ledger.Kind
	version int
}

func (n name) String() string { return string(n.kind) + ".v" + strconv.Itoa(n.version) }

// New compiles the schema of every kind in ledger.Kinds. That takes some
// milliseconds; a program needs one Validator. It fails when a file was altered
// after its version was frozen.
func New() (*Validator, error) {
	frozen, err := readFrozen()
	if err != nil {
		return nil, err
	}
	c := jsonschema.NewCompiler()
	c.DefaultDraft(jsonschema.Draft2020)
	c.AssertFormat() // a date has to exist; 2020-12 only notes formats otherwise
	c.UseLoader(embedded{})
	v := &Validator{compiled: make(map[name]*jsonschema.Schema, len(ledger.Kinds)), frozen: frozen}
	for _, k := range ledger.Kinds {
		s, err := c.Compile(k.Schema())
		if err != nil {
			return nil, fmt.Errorf("schema of %s: %w", k.Type(), err)
		}
		v.compiled[name{k.Kind, k.Version}] = s
	}
	return v, nil
}

// embedded loads schemas from the binary and nothing from disk or network.
type embedded struct{}

func (embedded) Load(url string) (any, error) {
	n, ok := strings.CutPrefix(url, urn)
	if !ok {
		return nil, fmt.Errorf("%s is not one of the schemas", url)
	}
	raw, err := File(n)
	if err != nil {
		return nil, err
	}
	return jsonschema.UnmarshalJSON(bytes.NewReader(raw))
}

// File gives the bytes of a schema as they are published. The name is the last
// part of the $id, for instance "case.opened.v1" or "common.v1". The error wraps
// fs.ErrNotExist for a name that is not in Names.
func File(name string) ([]byte, error) {
	if strings.ContainsAny(name, "/\\") {
		return nil, fmt.Errorf("schema: %w", fs.ErrNotExist)
	}
	raw, err := files.ReadFile(name + ".json")
	if err != nil {
		return nil, fmt.Errorf("schema: %w", err)
	}
	return raw, nil
}

// versioned are the files that are schemas; the descriptions of the interfaces
// lie beside them.
var versioned = regexp.MustCompile(`^(.+\.v[0-9]+)\.json$`)

// Names lists the schemas that File can give, sorted.
func Names() []string {
	entries, err := files.ReadDir(".")
	if err != nil {
		return nil // cannot be: the folder is in the binary
	}
	var out []string
	for _, e := range entries {
		if m := versioned.FindStringSubmatch(e.Name()); m != nil {
			out = append(out, m[1])
		}
	}
	slices.Sort(out)
	return out
}

// Validate checks the data member of an event of a kind and version. It returns
// at most ledger.MaxPointers problems, sorted and without doubles; none means
// that the data fits. A kind or version without a schema is one problem of the
// keyword "unknown", and bytes that are not one JSON value, that name a member
// twice or that are not UTF-8 are one of the keyword "json".
func (v *Validator) Validate(kind ledger.Kind, version int, data []byte) []Problem {
	s, ok := v.compiled[name{kind, version}]
	if !ok {
		return []Problem{{Keyword: "unknown"}}
	}
	value, err := decode(data)
	if err != nil {
		return []Problem{{Keyword: "json"}}
	}
	return problems(s.Validate(value))
}

// Refusal is nil for data that fits, else the refusal of an event, its pointers
// beginning with /data.
func (v *Validator) Refusal(kind ledger.Kind, version int, data []byte) *ledger.Refusal {
	found := v.Validate(kind, version, data)
	if len(found) == 0 {
		return nil
	}
	if found[0].Keyword == "unknown" {
		return ledger.Refuse(ledger.CodeUnknownKind, "/type", "")
	}
	r := ledger.Refuse(ledger.CodeSchema, "", "%s: %s", name{kind, version}, describe(found))
	for _, p := range found {
		// Sorted by pointer, so the same place twice stands side by side.
		if at := "/data" + p.Pointer; len(r.Pointers) == 0 || r.Pointers[len(r.Pointers)-1] != at {
			r.Pointers = append(r.Pointers, at)
		}
	}
	return r
}
