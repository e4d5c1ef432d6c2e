package eventstore

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/berkas-ledger/berkas/ledger"
)

// publisher puts records onto LEDGER, one flight after the other, and hears
// what became of them.
type publisher struct {
	conn    *link
	timeout time.Duration
	rig     *rig
	inbox   string
	answers *nats.Subscription

	mu      sync.Mutex
	flights uint64
	current *flight
}

// flight is a run of records on its way.
type flight struct {
	reply  string
	batch  string          // id of the atomic batch; "" for single messages
	next   ledger.Position // whose acknowledgement is due
	last   ledger.Position
	landed chan error // one value
}

func newPublisher(c *link, timeout time.Duration, r *rig) (*publisher, error) {
	p := &publisher{conn: c, timeout: timeout, rig: r, inbox: c.NewInbox()}
	var err error
	p.answers, err = c.Subscribe(p.inbox+".*", p.heard)
	c.onLost(p.lost)
	return p, err
}

func (p *publisher) close() error { return p.answers.Unsubscribe() }

// fly sends records as single messages, each expecting its predecessor to be
// LEDGER's last, and waits until all are acknowledged.
func (p *publisher) fly(ctx context.Context, records []ledger.Record) error {
	f := p.take(records, "")
	defer p.drop(f)
	for i, r := range records {
		if i == len(records)/2 {
			if err := p.rig.step(stepPublishing); err != nil {
				return err
			}
		}
		m := messageOf(r, f.reply)
		expect(m, r.Position-1)
		if err := p.conn.PublishMsg(m); err != nil {
			return unknown(err)
		}
	}
	return p.land(ctx, f)
}

// flyWhole sends records as one atomic batch: all of them are stored or none.
// The first one's expectation is the batch's.
func (p *publisher) flyWhole(ctx context.Context, records []ledger.Record) error {
	id := make([]byte, 16)
	rand.Read(id)
	f := p.take(records, hex.EncodeToString(id))
	defer p.drop(f)
	for i, r := range records {
		if i == len(records)/2 {
			if err := p.rig.step(stepPublishing); err != nil {
				return err
			}
		}
		m := messageOf(r, "")
		m.Header[headerBatchID] = []string{f.batch}
		m.Header[headerBatchSeq] = []string{strconv.Itoa(i + 1)}
		if i == 0 {
			expect(m, r.Position-1)
		}
		if i == len(records)-1 {
			m.Header[headerBatchCommit] = []string{"1"}
			m.Reply = f.reply
		}
		if err := p.conn.PublishMsg(m); err != nil {
			return unknown(err)
		}
	}
	return p.land(ctx, f)
}

func (p *publisher) take(records []ledger.Record, batch string) *flight {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.flights++
	f := &flight{
		reply: p.inbox + "." + strconv.FormatUint(p.flights, 10), batch: batch,
		next: records[0].Position, last: records[len(records)-1].Position, landed: make(chan error, 1),
	}
	if batch != "" {
		f.next = f.last // one answer for all
	}
	p.current = f
	return f
}

func (p *publisher) drop(f *flight) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.current == f {
		p.current = nil
	}
}

func (p *publisher) land(ctx context.Context, f *flight) error {
	timer := time.NewTimer(p.timeout)
	defer timer.Stop()
	select {
	case err := <-f.landed:
		return err
	case <-ctx.Done():
		return unknown(context.Cause(ctx))
	case <-timer.C:
		return unknown(fmt.Errorf("no answer within %v", p.timeout))
	}
}

// heard takes acknowledgements. They come in the order of the messages.
func (p *publisher) heard(m *nats.Msg) {
	p.mu.Lock()
	defer p.mu.Unlock()
	f := p.current
	if f == nil || m.Subject != f.reply {
		return // of a flight that was given up
	}
	a, err := readAck(m)
	switch {
	case isCode(err, codeWrongLastSequence, codeWrongLastConstant):
		err = fmt.Errorf("%w: %w", ErrConflict, err)
	case err != nil:
		err = unknown(err)
	case ledger.Position(a.Seq) != f.next || a.Batch != f.batch:
		err = unknown(fmt.Errorf("LEDGER acknowledged %d, due was %d", a.Seq, f.next))
	case f.next < f.last:
		f.next++
		return
	}
	p.finish(err)
}

// lost is called when the connection breaks: what is on its way may have
// arrived, and no answer will.
func (p *publisher) lost() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.finish(unknown(errors.New("the connection to NATS was lost")))
}

// finish ends the current flight. Call it with mu held.
func (p *publisher) finish(err error) {
	if p.current != nil {
		p.current.landed <- err
		p.current = nil
	}
}

func unknown(err error) error { return fmt.Errorf("%w: %w", ErrUnknown, err) }
