package eventstore

import (
	"context"
	"errors"

	"github.com/berkas-ledger/berkas/ledger"
)

// Message is a submission as it waits in an agency's INTAKE stream. The agency
// is the one whose stream it is, which only that agency and the door may
// publish to.
type Message struct {
	Agency ledger.AgencyID
	Header map[string][]string
	Body   []byte

	reply string
	ack   func(reply string)
}

// Ack removes the message from INTAKE. Call it when the outcome is durable; a
// message that is not acknowledged comes again. It is buffered: see Flush.
func (m Message) Ack() { m.ack(m.reply) }

// Intake takes submissions from the INTAKE streams of the agencies in turn.
type Intake struct{}

// Intake begins to take in. What another process, or this one before a crash,
// took and did not acknowledge comes again at once.
func (s *Store) Intake(ctx context.Context, agencies ...ledger.AgencyID) (*Intake, error) {
	return nil, errors.ErrUnsupported
}

// AddAgency takes in from one more agency from now on. Its stream has to be
// provisioned: ErrNotProvisioned otherwise. An agency that is there already is
// left as it is.
func (in *Intake) AddAgency(ctx context.Context, agency ledger.AgencyID) error {
	return errors.ErrUnsupported
}

// Next returns what waits, at most max messages, and blocks until there is at
// least one. While several agencies wait each gets an equal share of the batch;
// within an agency order is kept.
func (in *Intake) Next(ctx context.Context, max int) ([]Message, error) {
	return nil, errors.ErrUnsupported
}

// Close ends the taking in. Messages not acknowledged come again later.
func (in *Intake) Close() error { return errors.ErrUnsupported }
