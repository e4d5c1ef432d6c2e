package ledger

import (
	"bytes"
	"errors"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"
)

// Event is a decoded CloudEvent. Decode gives it its form; whether it is true,
// signed or allowed is for others to say.
type Event struct {
	ID          string
	Source      AgencyID // "registrar" for the registrar's own
	Kind        Kind
	Version     int // of the kind
	Subject     string
	Time        time.Time // when it happened: UTC, microseconds
	Ledger      string    // origin of the ledger it was made for
	CaseVersion *uint64   // the version of the case that the agency saw
	// Correlation, Causation and TraceParent are kept in the bytes for readers;
	// no rule looks at them.
	Correlation, Causation, TraceParent string
	Data                                jsontext.Value // the bytes of the data member
	// Payload is the pointer DecodePayload gives; nil for a kind that this code
	// does not know and for an event whose data does not fit.
	Payload any

	sealed []sealedAt
}

type sealedAt struct{ pointer, value string }

const maxDepth = 16

var attributes = []string{
	"specversion", "id", "source", "type", "subject", "time", "dataschema", "datacontenttype",
	"ledger", "data", "caseversion", "correlationid", "causationid", "traceparent",
}

const requiredAttributes = 10 // the first of attributes

var tracePattern = regexp.MustCompile(`^00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$`)

// Decode reads the bytes of an event strictly: one JSON object in valid UTF-8,
// no member twice at any depth, only the attributes of design, each in its one
// form. It also looks for direct identifiers in clear (promise P7). The payload
// is not decoded: DecodePayload does that once the schema has been checked.
func Decode(body []byte) (Event, *Refusal) {
	e, personal, err := decode(body)
	if err == nil {
		err = personal
	}
	return e, err
}

// decode is Decode, with what looks like a direct identifier told apart: those
// rules may grow, and a record is not refused for a rule that is newer than it.
func decode(body []byte) (e Event, personal, bad *Refusal) {
	if bad = checkBytes(body); bad != nil {
		return Event{}, nil, bad
	}
	raw, bad := scan(body)
	if bad != nil {
		return Event{}, nil, bad
	}
	sealed, personal, bad := scanData(raw["data"])
	if bad != nil {
		return Event{}, nil, bad
	}
	e, bad = envelope(raw)
	e.sealed = sealed
	return e, personal, bad
}

// scan reads the one object: it finds duplicates and unknown attributes, and
// returns the raw attributes.
func scan(body []byte) (map[string]jsontext.Value, *Refusal) {
	raw := make(map[string]jsontext.Value, len(attributes))
	d := jsontext.NewDecoder(bytes.NewReader(body))
	if d.PeekKind() != '{' {
		return nil, Refuse(CodeNotJSON, "", "")
	}
	if _, err := d.ReadToken(); err != nil {
		return nil, syntax(d, err)
	}
	for d.PeekKind() == '"' {
		tok, err := d.ReadToken()
		if err != nil {
			return nil, syntax(d, err)
		}
		name := tok.String()
		if !slices.Contains(attributes, name) {
			return nil, Refuse(CodeUnknownAttribute, "", "the envelope takes %s", strings.Join(attributes, ", "))
		}
		value, err := d.ReadValue()
		if err != nil {
			return nil, syntax(d, err)
		}
		raw[name] = value.Clone()
	}
	if _, err := d.ReadToken(); err != nil {
		return nil, syntax(d, err)
	}
	if _, err := d.ReadToken(); !errors.Is(err, io.EOF) {
		return nil, Refuse(CodeNotJSON, "", "something follows the object")
	}
	for _, name := range attributes[:requiredAttributes] {
		if _, ok := raw[name]; !ok {
			return nil, Refuse(CodeBadEnvelope, "/"+name, "the attribute is missing")
		}
	}
	return raw, nil
}

// scanData walks the data member: depth, sealed values, and the first string,
// number or member name that looks like a direct identifier.
func scanData(data jsontext.Value) (sealed []sealedAt, personal, bad *Refusal) {
	d := jsontext.NewDecoder(bytes.NewReader(data))
	if d.PeekKind() != '{' {
		return nil, nil, Refuse(CodeBadEnvelope, "/data", "data has to be an object")
	}
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
		text, at := tok.String(), "/data"+string(d.StackPointer())
		if looksSealed(text) {
			sealed = append(sealed, sealedAt{at, text})
		} else if personal == nil && directIdentifier(text) {
			personal = Refuse(CodePersonalData, SafePointer(at), "")
		}
	}
}

func syntax(d *jsontext.Decoder, err error) *Refusal {
	var at *jsontext.SyntacticError
	if !errors.As(err, &at) { // the input ended
		return Refuse(CodeNotJSON, "", "the error stands at byte %d", d.InputOffset())
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

// envelope checks each attribute's form.
func envelope(raw map[string]jsontext.Value) (Event, *Refusal) {
	e := Event{Data: raw["data"]}
	text := make(map[string]string, len(raw))
	for _, name := range attributes {
		v, ok := raw[name]
		if !ok || name == "data" || name == "caseversion" {
			continue
		}
		if v.Kind() != '"' {
			return e, Refuse(CodeBadEnvelope, "/"+name, "the attribute has to be a string")
		}
		s, err := jsontext.AppendUnquote(nil, v)
		if err != nil || len(s) > 256 {
			return e, Refuse(CodeBadEnvelope, "/"+name, "the attribute is longer than 256 bytes")
		}
		text[name] = string(s)
	}
	for _, check := range []func(map[string]string) *Refusal{e.identity, e.what, e.when, e.optional} {
		if err := check(text); err != nil {
			return e, err
		}
	}
	if v, ok := raw["caseversion"]; ok {
		n, err := strconv.ParseUint(string(v), 10, 31)
		if err != nil || strconv.FormatUint(n, 10) != string(v) {
			return e, Refuse(CodeBadEnvelope, "/caseversion", "caseversion is a whole number")
		}
		e.CaseVersion = &n
	}
	return e, nil
}

func (e *Event) identity(a map[string]string) *Refusal {
	if a["specversion"] != "1.0" {
		return Refuse(CodeBadEnvelope, "/specversion", "specversion has to be 1.0")
	}
	if !validUUIDv7(a["id"]) {
		return Refuse(CodeBadEnvelope, "/id", "id is a UUID of version 7 in lower case")
	}
	e.ID = a["id"]
	agency, ok := strings.CutPrefix(a["source"], "/agencies/")
	switch {
	case a["source"] == "/registrar":
		e.Source = Registrar
	case ok && AgencyID(agency).Valid() && AgencyID(agency) != Registrar:
		e.Source = AgencyID(agency)
	default:
		return Refuse(CodeBadEnvelope, "/source", "source is /agencies/<agency>")
	}
	e.Ledger = a["ledger"]
	if !ValidOrigin(e.Ledger) {
		return Refuse(CodeBadEnvelope, "/ledger", "ledger is the origin of a ledger, such as berkas.example/pilkada-2020")
	}
	return nil
}

func (e *Event) what(a map[string]string) *Refusal {
	var ok bool
	if e.Kind, e.Version, ok = parseType(a["type"]); !ok {
		return Refuse(CodeBadEnvelope, "/type", "type is id.berkas.<kind>.v<n>")
	}
	if a["dataschema"] != schemaOf(e.Kind, e.Version) {
		return Refuse(CodeBadEnvelope, "/dataschema", "dataschema has to be %s", "urn:berkas:schema:<kind>.v<n> of the type")
	}
	if a["datacontenttype"] != "application/json" {
		return Refuse(CodeBadEnvelope, "/datacontenttype", "datacontenttype has to be application/json")
	}
	e.Subject = a["subject"]
	info, known := LookupKind(e.Kind, e.Version)
	switch {
	case e.Subject == "":
		return Refuse(CodeBadEnvelope, "/subject", "subject is empty")
	case known && info.Stream == StreamCase && !validUUIDv7(e.Subject):
		return Refuse(CodeBadEnvelope, "/subject", "subject of a case's event is the case id, a UUID of version 7")
	case known && info.Stream != StreamCase && !codePattern.MatchString(e.Subject):
		return Refuse(CodeBadEnvelope, "/subject", "subject is what the event is about, [a-z0-9-]{1,64}")
	}
	return nil
}

func (e *Event) when(a map[string]string) *Refusal {
	t, err := parseTime(a["time"])
	if err != nil {
		return Refuse(CodeBadEnvelope, "/time", "time is RFC 3339 with at most six decimals")
	}
	e.Time = t
	return nil
}

func (e *Event) optional(a map[string]string) *Refusal {
	for _, name := range []string{"correlationid", "causationid"} {
		s, ok := a[name]
		if !ok {
			continue
		}
		if u, err := uuid.Parse(s); err != nil || u.String() != s {
			return Refuse(CodeBadEnvelope, "/"+name, "%s is a UUID in lower case", name)
		}
	}
	if s, ok := a["traceparent"]; ok && !tracePattern.MatchString(s) {
		return Refuse(CodeBadEnvelope, "/traceparent", "traceparent has the form of W3C Trace Context, version 00")
	}
	e.Correlation, e.Causation, e.TraceParent = a["correlationid"], a["causationid"], a["traceparent"]
	return nil
}

var originPattern = regexp.MustCompile(`^[a-z0-9][a-z0-9.-]{0,62}(/[a-z0-9][a-z0-9.-]{0,62}){0,3}$`)

// ValidOrigin reports whether a string may be a ledger's origin: a schema-less
// URL in lower case, as C2SP tlog-checkpoint recommends.
func ValidOrigin(s string) bool { return originPattern.MatchString(s) }

// DecodeRecord decodes a record's event and payload. A kind this code does not
// know is no error: Payload is nil, and the record is hashed, counted and shown
// as unknown. Direct identifiers are not looked for again.
func DecodeRecord(r Record) (Event, error) {
	bad := checkBytes(r.Body)
	var e Event
	var raw map[string]jsontext.Value
	if bad == nil {
		raw, bad = scan(r.Body)
	}
	if bad == nil {
		// What data may hold was judged when the event was admitted. Whoever reads
		// millions of records would spend a third of the time on it again.
		e, bad = envelope(raw)
	}
	if bad != nil {
		return e, &ErrBroken{r.Position, "the record is not an event: " + bad.Error()}
	}
	info, known := LookupKind(e.Kind, e.Version)
	if !known {
		return e, nil
	}
	if r.Subject != SubjectOf(e, info) {
		return e, &ErrBroken{r.Position, "the record stands on another subject than its event"}
	}
	p, err := DecodePayload(e.Kind, e.Version, e.Data)
	if err != nil {
		return e, &ErrBroken{r.Position, "the payload does not fit its kind"}
	}
	e.Payload = p
	return e, nil
}

// SubjectOf gives the subject of LEDGER on which an event of the kind stands:
// that of its case, its source's figures, the roster, or the agency refused.
func SubjectOf(e Event, info KindInfo) string {
	switch info.Stream {
	case StreamFigures:
		return SubjectFigures(e.Source)
	case StreamRoster:
		return SubjectRoster
	case StreamRefusal:
		return SubjectRefusal(AgencyID(e.Subject))
	default:
		return SubjectCase(e.Subject)
	}
}
