package agencies

import (
	"fmt"
	"time"

	"github.com/go-json-experiment/json"
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

// Compose writes an event of version 1 of a kind, as ledger.Event.Encode does.
// The time is cut to microseconds and written in UTC. Nothing is checked but
// that the kind is known; the constructors of the institutions check the result.
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
	d.Body, err = ledger.Event{
		ID: d.ID, Source: by, Kind: kind, Version: info.Version, Subject: subject, Time: d.Time, Ledger: origin,
		CaseVersion: x.caseVersion, Correlation: x.correlation, Causation: x.causation, TraceParent: x.tracing, Data: data,
	}.Encode()
	if err != nil {
		return Draft{}, err
	}
	return d, nil
}
