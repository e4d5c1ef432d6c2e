package ledger

import (
	"bytes"
	"errors"
	"io"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/go-json-experiment/json/jsontext"
)

const maxDepth = 16

// attributes of an event, in the order in which they are reported missing.
var attributes = [...]string{
	"specversion", "id", "source", "type", "subject", "time", "dataschema", "datacontenttype",
	"ledger", "data", "caseversion", "correlationid", "causationid", "traceparent",
}

// Indexes into attributes.
const (
	attrSpecVersion = iota
	attrID
	attrSource
	attrType
	attrSubject
	attrTime
	attrDataSchema
	attrContentType
	attrLedger
	attrData
	attrCaseVersion
	attrCorrelation
	attrCausation
	attrTraceParent
)

const requiredAttributes = attrCaseVersion // all before it

// rawEvent holds the bytes of each attribute, nil for one that is absent. They
// are those of the body and not a copy.
type rawEvent [len(attributes)]jsontext.Value

// reader is a JSON decoder that is used again: making one costs as much as
// reading an event with it.
type reader struct {
	input bytes.Buffer // what jsontext reads in place, and never writes to
	*jsontext.Decoder
}

var readers = sync.Pool{New: func() any {
	r := new(reader)
	r.Decoder = jsontext.NewDecoder(&r.input)
	return r
}}

func newReader(b []byte) *reader {
	r := readers.Get().(*reader)
	r.input = *bytes.NewBuffer(b)
	r.Reset(&r.input)
	return r
}

// done gives the reader back; nothing that it returned by reference is used
// afterwards, save what are bytes of the input.
func (r *reader) done() {
	r.input = bytes.Buffer{}
	r.Reset(&r.input)
	readers.Put(r)
}

// scan reads the one object: it finds duplicates and unknown attributes, and
// returns the raw attributes.
func scan(body []byte) (raw rawEvent, bad *Refusal) {
	d := newReader(body)
	defer d.done()
	if d.PeekKind() != '{' {
		return raw, Refuse(CodeNotJSON, "", "")
	}
	if _, err := d.ReadToken(); err != nil {
		return raw, d.syntax(err)
	}
	for d.PeekKind() == '"' {
		name, err := d.ReadValue()
		if err != nil {
			return raw, d.syntax(err)
		}
		at := attributeOf(name)
		if at < 0 {
			return raw, Refuse(CodeUnknownAttribute, "", "the envelope takes %s", strings.Join(attributes[:], ", "))
		}
		if raw[at], err = d.ReadValue(); err != nil {
			return raw, d.syntax(err)
		}
	}
	if _, err := d.ReadToken(); err != nil {
		return raw, d.syntax(err)
	}
	if _, err := d.ReadToken(); !errors.Is(err, io.EOF) {
		return raw, Refuse(CodeNotJSON, "", "something follows the object")
	}
	for i, name := range attributes[:requiredAttributes] {
		if raw[i] == nil {
			return raw, Refuse(CodeBadEnvelope, "/"+name, "the attribute is missing")
		}
	}
	return raw, nil
}

// attributeOf finds an attribute by its name as it stands in the JSON text; -1
// if there is none.
func attributeOf(name jsontext.Value) int {
	if bytes.IndexByte(name, '\\') >= 0 {
		plain, err := jsontext.AppendUnquote(nil, name)
		if err != nil {
			return -1
		}
		return slices.Index(attributes[:], string(plain))
	}
	for i, a := range attributes {
		if string(name[1:len(name)-1]) == a {
			return i
		}
	}
	return -1
}

// scanData looks at the data member: depth, sealed values, and the first string,
// number or member name that looks like a direct identifier.
func scanData(data jsontext.Value) (sealed []sealedAt, personal, bad *Refusal) {
	if data.Kind() != '{' {
		return nil, nil, Refuse(CodeBadEnvelope, "/data", "data has to be an object")
	}
	if harmless(data) {
		return nil, nil, nil
	}
	return walkData(data)
}

// harmless reports whether nothing in a JSON value can be what walkData looks
// for: most events hold no sealed value, no at sign, few brackets, and no ten
// digits in a row or over single separators.
func harmless(data jsontext.Value) bool {
	depth, run := 0, 0
	for i, c := range data {
		switch {
		case c == '{', c == '[':
			depth++ // at most: brackets in strings and those that were closed count, too
			run = 0
		case digitClass[c]:
			run++
		case c == ' ', c == '.', c == '-', c == '/':
			// They may stand between the digits of a number.
		case c == '@', c == '\\':
			return false
		case c == 'e' && bytes.HasPrefix(data[i:], []byte("eyJ")):
			return false
		default:
			run = 0
		}
		if run >= leastDigits || depth > maxDepth {
			return false
		}
	}
	return true
}

func walkData(data jsontext.Value) (sealed []sealedAt, personal, bad *Refusal) {
	d := newReader(data)
	defer d.done()
	for {
		tok, err := d.ReadToken()
		if err != nil {
			return sealed, personal, nil // the end: the value was read without error before
		}
		if d.StackDepth() > maxDepth {
			return nil, nil, Refuse(CodeBadEnvelope, "/data", "data is nested deeper than %d levels", maxDepth)
		}
		if k := tok.Kind(); k != '"' && k != '0' {
			continue
		}
		text := tok.String()
		if looksSealed(text) {
			sealed = append(sealed, sealedAt{"/data" + string(d.StackPointer()), text})
		} else if personal == nil && directIdentifier(text) {
			personal = Refuse(CodePersonalData, SafePointer("/data"+string(d.StackPointer())), "")
		}
	}
}

func (r *reader) syntax(err error) *Refusal {
	var at *jsontext.SyntacticError
	if !errors.As(err, &at) { // the input ended
		return Refuse(CodeNotJSON, "", "the error stands at byte %d", r.InputOffset())
	}
	if errors.Is(err, jsontext.ErrDuplicateName) {
		return Refuse(CodeDuplicateKey, SafePointer(string(at.JSONPointer)), "")
	}
	return Refuse(CodeNotJSON, "", "the error stands at byte %d", at.ByteOffset)
}

// maxSteps bounds a pointer, as the schema of submission.refused does.
const maxSteps = 16

var indexPattern = regexp.MustCompile(`^(0|[1-9][0-9]{0,2})$`)

// SafePointer cuts a JSON pointer before the first step that is neither an index
// nor a member name of the envelope or of a payload, and after 16 steps: names
// that a sender made up may say anything and have no place on the ledger.
func SafePointer(p string) string {
	steps := strings.Split(p, "/")
	for i, s := range steps[1:] {
		if i == maxSteps || !memberNames[s] && !indexPattern.MatchString(s) {
			return strings.Join(steps[:i+1], "/")
		}
	}
	return p
}
