package ledger

import (
	"bytes"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"
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
	Data                                jsontext.Value // the bytes of the data member, not a copy of them
	// Payload is the pointer DecodePayload gives; nil for a kind that this code
	// does not know and for an event whose data does not fit.
	Payload any

	sealed []sealedAt
}

type sealedAt struct{ pointer, value string }

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
	sealed, personal, bad := scanData(raw[attrData])
	if bad != nil {
		return Event{}, nil, bad
	}
	e, bad = envelope(&raw)
	e.sealed = sealed
	return e, personal, bad
}

// envelope checks each attribute's form.
func envelope(raw *rawEvent) (Event, *Refusal) {
	e := Event{Data: raw[attrData]}
	var a texts
	for i, v := range raw {
		if v == nil || i == attrData || i == attrCaseVersion {
			continue
		}
		if v.Kind() != '"' {
			return e, Refuse(CodeBadEnvelope, "/"+attributes[i], "the attribute has to be a string")
		}
		s, ok := unquoted(v)
		if !ok || len(s) > 256 {
			return e, Refuse(CodeBadEnvelope, "/"+attributes[i], "the attribute is longer than 256 bytes")
		}
		a[i] = s
	}
	for _, check := range []func(*texts) *Refusal{e.identity, e.what, e.when} {
		if bad := check(&a); bad != nil {
			return e, bad
		}
	}
	if bad := e.optional(raw, &a); bad != nil {
		return e, bad
	}
	if v := raw[attrCaseVersion]; v != nil {
		n, err := strconv.ParseUint(string(v), 10, 31)
		if err != nil || strconv.FormatUint(n, 10) != string(v) {
			return e, Refuse(CodeBadEnvelope, "/caseversion", "caseversion is a whole number")
		}
		e.CaseVersion = &n
	}
	return e, nil
}

// texts are the attributes that are strings.
type texts [len(attributes)]string

func unquoted(v jsontext.Value) (string, bool) {
	if bytes.IndexByte(v, '\\') < 0 {
		return string(v[1 : len(v)-1]), true
	}
	s, err := jsontext.AppendUnquote(nil, v)
	return string(s), err == nil
}

func (e *Event) identity(a *texts) *Refusal {
	if a[attrSpecVersion] != "1.0" {
		return Refuse(CodeBadEnvelope, "/specversion", "specversion has to be 1.0")
	}
	if !isUUIDv7(a[attrID]) {
		return Refuse(CodeBadEnvelope, "/id", "id is a UUID of version 7 in lower case")
	}
	e.ID = a[attrID]
	agency, ok := strings.CutPrefix(a[attrSource], "/agencies/")
	switch {
	case a[attrSource] == "/registrar":
		e.Source = Registrar
	case ok && AgencyID(agency).Valid() && AgencyID(agency) != Registrar:
		e.Source = AgencyID(agency)
	default:
		return Refuse(CodeBadEnvelope, "/source", "source is /agencies/<agency>")
	}
	e.Ledger = a[attrLedger]
	if !ValidOrigin(e.Ledger) {
		return Refuse(CodeBadEnvelope, "/ledger", "ledger is the origin of a ledger, such as berkas.example/pilkada-2020")
	}
	return nil
}

func (e *Event) what(a *texts) *Refusal {
	info, known := LookupType(a[attrType])
	e.Kind, e.Version = info.Kind, info.Version
	if !known {
		var ok bool
		if e.Kind, e.Version, ok = parseType(a[attrType]); !ok {
			return Refuse(CodeBadEnvelope, "/type", "type is id.berkas.<kind>.v<n>")
		}
	}
	// Both end in the kind and its version.
	if kind, ok := strings.CutPrefix(a[attrDataSchema], schemaPrefix); !ok || kind != a[attrType][len(typePrefix):] {
		return Refuse(CodeBadEnvelope, "/dataschema", "dataschema has to be %s", "urn:berkas:schema:<kind>.v<n> of the type")
	}
	if a[attrContentType] != "application/json" {
		return Refuse(CodeBadEnvelope, "/datacontenttype", "datacontenttype has to be application/json")
	}
	e.Subject = a[attrSubject]
	switch {
	case e.Subject == "":
		return Refuse(CodeBadEnvelope, "/subject", "subject is empty")
	case known && info.Stream == StreamCase && !isUUIDv7(e.Subject):
		return Refuse(CodeBadEnvelope, "/subject", "subject of a case's event is the case id, a UUID of version 7")
	case known && info.Stream != StreamCase && !isCode(e.Subject):
		return Refuse(CodeBadEnvelope, "/subject", "subject is what the event is about, [a-z0-9-]{1,64}")
	}
	return nil
}

func (e *Event) when(a *texts) *Refusal {
	t, err := parseTime(a[attrTime])
	if err != nil {
		return Refuse(CodeBadEnvelope, "/time", "time is RFC 3339 with at most six decimals")
	}
	e.Time = t
	return nil
}

// optional takes attributes that may be absent; one that is there and empty is
// not absent.
func (e *Event) optional(raw *rawEvent, a *texts) *Refusal {
	for _, i := range []int{attrCorrelation, attrCausation} {
		if raw[i] != nil && !isUUID(a[i]) {
			return Refuse(CodeBadEnvelope, "/"+attributes[i], "%s is a UUID in lower case", attributes[i])
		}
	}
	if raw[attrTraceParent] != nil && !tracePattern.MatchString(a[attrTraceParent]) {
		return Refuse(CodeBadEnvelope, "/traceparent", "traceparent has the form of W3C Trace Context, version 00")
	}
	e.Correlation, e.Causation, e.TraceParent = a[attrCorrelation], a[attrCausation], a[attrTraceParent]
	return nil
}

// ValidOrigin reports whether a string may be a ledger's origin: a schema-less
// URL in lower case, as C2SP tlog-checkpoint recommends.
func ValidOrigin(s string) bool { return isOrigin(s) }

// DecodeRecord decodes a record's event and payload. A kind this code does not
// know is no error: Payload is nil, and the record is hashed, counted and shown
// as unknown. Direct identifiers are not looked for again.
func DecodeRecord(r Record) (Event, error) {
	bad := checkBytes(r.Body)
	var e Event
	var raw rawEvent
	if bad == nil {
		raw, bad = scan(r.Body)
	}
	if bad == nil {
		// What data may hold was judged when the event was admitted. Whoever reads
		// millions of records would spend a third of the time on it again.
		e, bad = envelope(&raw)
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
