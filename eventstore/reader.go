package eventstore

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"sync"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/berkas-ledger/berkas/ledger"
)

const (
	// pullBytes is what one request for messages asks for; two are under way.
	pullBytes = 8 << 20
	// pullMessages never ends a request before pullBytes does.
	pullMessages = 1 << 20
	pullExpires  = 30 * time.Second
	heartbeat    = time.Second
	// silence is how long a consumer that sends heartbeats may be quiet before
	// it is taken for gone.
	silence = 3 * heartbeat
	// readBatch bounds the records that are handed over at once.
	readBatch = 4096
)

// errRestart ends a session that has to be begun again: the connection or the
// consumer's leader changed, or messages were lost on the way.
var errRestart = errors.New("the consumer has to be reset")

// reader reads LEDGER through a consumer that nobody else uses. Whatever goes
// wrong on the way, the consumer is reset to the record that is due; only what
// it then delivers in its own order is believed to be LEDGER.
type reader struct {
	conn     *link
	consumer string
	log      *slog.Logger
	// check, if any, is asked before the consumer is reset to a position.
	check func(context.Context, ledger.Position) error
}

// read hands over the messages of LEDGER that follow a position, as LEDGER has
// them: if it has holes, positions jump. With last 0 it goes on until the
// context ends, which is no error; otherwise until it has read the message at
// last, or has come to LEDGER's end before that.
func (r reader) read(ctx context.Context, after, last ledger.Position, yield func([]*positioned) error) error {
	next := after + 1
	const shortest = 20 * time.Millisecond
	wait, failures := shortest, 0
	for last == 0 || next <= last {
		before := next
		err := r.run(ctx, &next, last, yield)
		if ctx.Err() != nil {
			err = nil // the end that was asked for
		}
		if err == nil {
			return nil
		}
		if next > before {
			wait, failures = shortest, 0
		}
		if failures++; !errors.Is(err, errRestart) || last > 0 && failures > 3 {
			return err
		}
		r.log.Warn("reading LEDGER again", "from", next, "because", err)
		if errors.Is(err, errElsewhere) {
			wait = readExpires
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(wait):
		}
		wait = min(2*wait, time.Second)
	}
	return nil
}

// errElsewhere says that a request that was left behind, by a process before this one
// or by a session, took a message: where requests come through another account the
// server does not see that nobody waits for them any more. They are over when they expire.
var errElsewhere = errors.New("went elsewhere")

// readExpires is how long a request of a reader waits: as long, and no longer, others
// may have to wait for a reader that ended.
const readExpires = 4 * time.Second

// positioned is a message with its place on LEDGER.
type positioned struct {
	*nats.Msg
	position ledger.Position
	subject  string
}

// run resets the consumer and reads until something is wrong with it.
func (r reader) run(ctx context.Context, next *ledger.Position, last ledger.Position, yield func([]*positioned) error) error {
	box := newMailbox()
	inbox := r.conn.NewInbox()
	sub, err := r.conn.Subscribe(inbox+".*", box.put)
	if err != nil {
		return restart(err)
	}
	defer func() { _ = sub.Unsubscribe() }()
	if err := sub.SetPendingLimits(-1, -1); err != nil { // bounded by what is asked for
		return restart(err)
	}
	if r.check != nil {
		if err := r.check(ctx, *next); err != nil {
			return err
		}
	}
	lost := r.conn.lost()
	pending, err := resetConsumer(ctx, r.conn.Conn, streamLedger, r.consumer, uint64(*next))
	if err != nil {
		return restart(err)
	}
	if last > 0 && pending == 0 {
		return nil
	}
	return r.session(ctx, box, inbox, lost, &session{next: next, last: last, yield: yield})
}

// session asks for messages and hands them over until something is wrong.
func (r reader) session(ctx context.Context, box *mailbox, inbox string, lost <-chan struct{}, s *session) error {
	request := pullRequest{Batch: pullMessages, Bytes: pullBytes, Expires: readExpires, Heartbeat: heartbeat}
	pulls := 0
	pull := func() error {
		pulls++
		return request.send(r.conn.Conn, streamLedger, r.consumer, inbox+"."+strconv.Itoa(pulls))
	}
	if err := errors.Join(pull(), pull()); err != nil {
		return restart(err)
	}
	for {
		messages, err := box.take(ctx, silence, lost)
		if err != nil {
			return err
		}
		used, end := s.sort(messages)
		if done, err := s.handOver(); done || err != nil {
			return err
		}
		if end != nil {
			return end
		}
		for range used {
			if err := pull(); err != nil {
				return restart(err)
			}
		}
	}
}

// session is what was read since the consumer was reset.
type session struct {
	next   *ledger.Position
	last   ledger.Position
	yield  func([]*positioned) error
	number uint64 // of the last delivery
	batch  []*positioned
	end    bool // LEDGER has no more
}

// sort tells messages from statuses; used is the number of requests that are
// used up.
func (s *session) sort(messages []*nats.Msg) (used int, end error) {
	s.batch = make([]*positioned, 0, len(messages))
	for _, m := range messages {
		if m.Reply == "" {
			spent, err := statusError(m)
			if err != nil {
				return used, restart(err)
			}
			// A heartbeat tells the last delivery. It may have gone to a request
			// that somebody left behind, a process before this one.
			if sent, err := strconv.ParseUint(m.Header.Get(headerDelivered), 10, 64); err == nil && sent > s.number {
				return used, restart(fmt.Errorf("delivery %d %w", s.number+1, errElsewhere))
			}
			if spent {
				used++
			}
			continue
		}
		d, err := deliveryOf(m.Reply)
		if err != nil {
			return used, err
		}
		if s.number++; d.number != s.number {
			return used, restart(fmt.Errorf("delivery %d came where %d was due", d.number, s.number))
		}
		s.end = d.pending == 0
		s.batch = append(s.batch, &positioned{m, d.position, m.Subject})
	}
	return used, nil
}

// handOver yields what was read in portions, and says whether the end was
// reached.
func (s *session) handOver() (done bool, err error) {
	for len(s.batch) > 0 {
		n := min(len(s.batch), readBatch)
		for s.last > 0 && n > 0 && s.batch[n-1].position > s.last {
			n--
		}
		if n == 0 {
			return true, nil
		}
		if err := s.yield(s.batch[:n:n]); err != nil {
			return false, err
		}
		*s.next = s.batch[n-1].position + 1
		s.batch = s.batch[n:]
	}
	return s.last > 0 && (*s.next > s.last || s.end), nil
}

func restart(err error) error { return fmt.Errorf("%w: %w", errRestart, err) }

// pullRequest asks a consumer for messages.
// Source: nats-server, server/consumer.go, JSApiConsumerGetNextRequest.
type pullRequest struct {
	Batch     int           `json:"batch"`
	Bytes     int           `json:"max_bytes,omitempty"`
	Expires   time.Duration `json:"expires"`
	Heartbeat time.Duration `json:"idle_heartbeat"`
}

func (p pullRequest) send(c *nats.Conn, stream, consumer, reply string) error {
	return c.PublishRequest("$JS.API.CONSUMER.MSG.NEXT."+stream+"."+consumer, reply, fmt.Appendf(nil,
		`{"batch":%d,"max_bytes":%d,"expires":%d,"idle_heartbeat":%d}`, p.Batch, p.Bytes, p.Expires, p.Heartbeat))
}

// statusError reads a status: the request is spent and another may be made, or
// the consumer has to be reset. A heartbeat is neither.
func statusError(m *nats.Msg) (spent bool, err error) {
	code, what := statusOf(m), m.Header.Get("Description")
	switch {
	case code == statusHeartbeat:
		return false, nil
	case code == statusExpired, code == statusConflict && (what == "Message Size Exceeds MaxBytes" || what == "Batch Completed"):
		return true, nil
	}
	return false, fmt.Errorf("the consumer says %d %s", code, what)
}

var errLost = errors.New("the connection to NATS was lost")

// mailbox holds what a subscription heard until somebody takes all of it.
type mailbox struct {
	mu    sync.Mutex
	heard []*nats.Msg
	some  chan struct{}
}

func newMailbox() *mailbox { return &mailbox{some: make(chan struct{}, 1)} }

func (b *mailbox) put(m *nats.Msg) {
	b.mu.Lock()
	b.heard = append(b.heard, m)
	b.mu.Unlock()
	select {
	case b.some <- struct{}{}:
	default:
	}
}

// take waits for messages; errRestart when none come for so long, or the
// connection breaks.
func (b *mailbox) take(ctx context.Context, patience time.Duration, lost <-chan struct{}) ([]*nats.Msg, error) {
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-timer.C:
		return nil, restart(fmt.Errorf("nothing was heard for %v", patience))
	case <-lost:
		return nil, restart(errLost)
	case <-b.some:
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	heard := b.heard
	b.heard = nil
	return heard, nil
}
