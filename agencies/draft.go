package agencies

import (
	"fmt"
	"strconv"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"

	"github.com/berkas-ledger/berkas/ledger"
)

// Draft is an event as its agency states it, before it is signed. Body is the
// event for ever: it is signed, sent and kept as it stands.
type Draft struct {
	ID      string
	Kind    ledger.Kind
	Subject string // the case id, or what a roster event or figures are about
	Time    time.Time
	Body    []byte // CloudEvents 1.0, structured JSON
}

// Option says something about an event that most events do not need.
type Option func(*extra)

type extra struct {
	id                              string
	caseVersion                     *uint64
	correlation, causation, tracing string
}

// WithID gives the event an id that is known beforehand, as sealed values need
// it: they name the event they stand in. Without, the event gets a new one.
func WithID(id string) Option { return func(x *extra) { x.id = id } }

// WithCaseVersion states the version of the case that the agency saw: the
// registrar refuses the event if the case has moved on.
func WithCaseVersion(v uint64) Option { return func(x *extra) { x.caseVersion = &v } }

// WithCorrelation ties events together, for instance one letter about several
// cases. The id is a UUID in lower case.
func WithCorrelation(id string) Option { return func(x *extra) { x.correlation = id } }

// WithCausation names the event that gave rise to this one.
func WithCausation(id string) Option { return func(x *extra) { x.causation = id } }

// WithTrace sets the W3C trace context of the request that made the event.
func WithTrace(traceparent string) Option { return func(x *extra) { x.tracing = traceparent } }

// NewID gives an id for an event or a case: a UUID of version 7, of now.
func NewID() (string, error) {
	id, err := uuid.NewV7()
	if err != nil {
		return "", fmt.Errorf("new id: %w", err)
	}
	return id.String(), nil
}

// Compose writes an event: CloudEvents 1.0 as structured JSON, attributes in a
// fixed order, data last. time is cut to microseconds and written in UTC.
// Nothing is checked but that the kind is known; the constructors of the
// institutions check the result.
func Compose(origin string, by ledger.AgencyID, kind ledger.Kind, subject string, at time.Time, payload any, options ...Option) (Draft, error) {
	info, ok := ledger.LookupKind(kind, 1)
	if !ok {
		return Draft{}, fmt.Errorf("unknown kind %q", kind)
	}
	var x extra
	for _, o := range options {
		o(&x)
	}
	if x.id == "" {
		id, err := NewID()
		if err != nil {
			return Draft{}, err
		}
		x.id = id
	}
	data, err := json.Marshal(payload, json.Deterministic(true))
	if err != nil {
		return Draft{}, fmt.Errorf("%s: write data: %w", kind, err)
	}
	d := Draft{ID: x.id, Kind: kind, Subject: subject, Time: at.UTC().Truncate(time.Microsecond)}
	w := writer{out: make([]byte, 0, len(data)+512)}
	w.text("specversion", "1.0")
	w.text("id", d.ID)
	w.text("source", "/agencies/"+string(by))
	w.text("type", info.Type())
	w.text("subject", subject)
	w.text("time", d.Time.Format(timeFormat))
	w.text("dataschema", info.Schema())
	w.text("datacontenttype", "application/json")
	w.text("ledger", origin)
	if x.caseVersion != nil {
		w.raw("caseversion", strconv.AppendUint(nil, *x.caseVersion, 10))
	}
	w.optional("correlationid", x.correlation)
	w.optional("causationid", x.causation)
	w.optional("traceparent", x.tracing)
	w.raw("data", data)
	if w.err != nil {
		return Draft{}, fmt.Errorf("%s: write envelope: %w", kind, w.err)
	}
	d.Body = append(w.out, '}')
	return d, nil
}

const timeFormat = "2006-01-02T15:04:05.999999Z"

// writer writes one JSON object, member by member.
type writer struct {
	out []byte
	err error
}

func (w *writer) name(name string) {
	if len(w.out) == 0 {
		w.out = append(w.out, '{')
	} else {
		w.out = append(w.out, ',')
	}
	w.out = append(w.out, '"')
	w.out = append(w.out, name...)
	w.out = append(w.out, '"', ':')
}

func (w *writer) text(name, value string) {
	w.name(name)
	out, err := jsontext.AppendQuote(w.out, value)
	if err != nil && w.err == nil {
		w.err = fmt.Errorf("%s: %w", name, err)
	}
	w.out = out
}

func (w *writer) optional(name, value string) {
	if value != "" {
		w.text(name, value)
	}
}

func (w *writer) raw(name string, value []byte) {
	w.name(name)
	w.out = append(w.out, value...)
}
