package eventstore

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/nats-io/nats.go"

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
	conn  *nats.Conn
}

// Ack removes the message from INTAKE. Call it when the outcome is durable; a
// message that is not acknowledged, or whose acknowledgement is lost, comes
// again.
func (m Message) Ack() {
	_ = m.conn.Publish(m.reply, nil) // lost without a connection: the message comes again
}

// intakeBytes bounds what is held of one agency's submissions, twice: what
// waits here, and what one request may add.
const intakeBytes = 8 << 20

// Intake takes submissions from the INTAKE streams of the agencies in turn.
type Intake struct {
	store  *Store
	ctx    context.Context // ends the workers
	cancel context.CancelFunc
	work   sync.WaitGroup

	mu     sync.Mutex
	lines  []*line // in order of joining
	first  int     // whose turn it is
	closed bool
	some   chan struct{} // something waits
}

// line is one agency's submissions that wait in memory, in order.
type line struct {
	agency ledger.AgencyID
	in     *Intake

	waiting []Message // guarded by in.mu
	bytes   int
	room    chan struct{} // something was taken
}

// Intake begins to take in. What another process, or this one before a crash,
// took and did not acknowledge comes again at once.
func (s *Store) Intake(ctx context.Context, agencies ...ledger.AgencyID) (*Intake, error) {
	in := &Intake{store: s, some: make(chan struct{}, 1)}
	in.ctx, in.cancel = context.WithCancel(context.WithoutCancel(ctx))
	for _, a := range agencies {
		if err := in.AddAgency(ctx, a); err != nil {
			return nil, errors.Join(err, in.Close())
		}
	}
	return in, nil
}

// AddAgency takes in from one more agency from now on. Its stream has to be
// provisioned: ErrNotProvisioned otherwise. An agency that is there already is
// left as it is. For one goroutine.
func (in *Intake) AddAgency(ctx context.Context, agency ledger.AgencyID) error {
	if !agency.Valid() {
		return fmt.Errorf("take in: %q is no agency", agency)
	}
	if in.has(agency) {
		return nil
	}
	err := ask(ctx, in.store.conn.Conn, "CONSUMER.INFO."+streamIntake(agency)+"."+consumerRegistrar, nil, nil)
	if err == nil {
		_, err = resetConsumer(ctx, in.store.conn.Conn, streamIntake(agency), consumerRegistrar, 0)
	}
	if absent(err) {
		return fmt.Errorf("take in from %s: %w: %w", agency, ErrNotProvisioned, err)
	}
	if err != nil {
		return fmt.Errorf("take in from %s: %w", agency, err)
	}
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.closed {
		return ErrClosed
	}
	l := &line{agency: agency, in: in, room: make(chan struct{}, 1)}
	in.lines = append(in.lines, l)
	in.work.Go(l.run)
	return nil
}

func (in *Intake) has(agency ledger.AgencyID) bool {
	in.mu.Lock()
	defer in.mu.Unlock()
	return slices.ContainsFunc(in.lines, func(l *line) bool { return l.agency == agency })
}

// Next returns what waits, at most limit messages, and blocks until there is at
// least one. While several agencies wait each gets an equal share of the batch;
// within an agency order is kept.
func (in *Intake) Next(ctx context.Context, limit int) ([]Message, error) {
	for {
		in.mu.Lock()
		out, closed := in.share(limit), in.closed
		in.mu.Unlock()
		if len(out) > 0 {
			return out, nil
		}
		if closed {
			return nil, ErrClosed
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-in.ctx.Done():
			return nil, ErrClosed
		case <-in.some:
		}
	}
}

// share takes from the lines in turn, starting with another one each time. What
// one does not use of its share the others get. Call it with mu held.
func (in *Intake) share(limit int) []Message {
	total, lines := 0, 0
	for _, l := range in.lines {
		if n := len(l.waiting); n > 0 {
			total += n
			lines++
		}
	}
	left := min(limit, total)
	if left <= 0 {
		return nil
	}
	out := make([]Message, 0, left)
	in.first = (in.first + 1) % len(in.lines)
	for left > 0 {
		share := max(1, left/lines)
		lines = 0
		for i := range in.lines {
			l := in.lines[(in.first+i)%len(in.lines)]
			got := l.take(min(share, left))
			out = append(out, got...)
			left -= len(got)
			if len(l.waiting) > 0 {
				lines++
			}
		}
		lines = max(1, lines)
	}
	if total > len(out) {
		in.signal()
	}
	return out
}

func (l *line) take(n int) []Message {
	n = min(n, len(l.waiting))
	if n == 0 {
		return nil
	}
	got := l.waiting[:n]
	for _, m := range got {
		l.bytes -= len(m.Body)
	}
	if l.waiting = l.waiting[n:]; len(l.waiting) == 0 {
		l.waiting = nil // not to hold on to what was taken
	}
	select {
	case l.room <- struct{}{}:
	default:
	}
	return got
}

// signal says that something waits.
func (in *Intake) signal() {
	select {
	case in.some <- struct{}{}:
	default:
	}
}

// Close ends the taking in. Messages not acknowledged come again later.
func (in *Intake) Close() error {
	in.mu.Lock()
	in.closed = true
	in.mu.Unlock()
	in.cancel()
	in.work.Wait()
	return nil
}

// run asks for messages as long as there is room for them. The consumer was
// reset when the agency was added, and is again when something went wrong.
func (l *line) run() {
	wait := 50 * time.Millisecond
	for {
		began := time.Now()
		err := l.session()
		if l.in.ctx.Err() != nil {
			return
		}
		if time.Since(began) > time.Minute {
			wait = 50 * time.Millisecond
		}
		l.in.store.Log.Warn("taking in again", "agency", l.agency, "because", err)
		for {
			select {
			case <-l.in.ctx.Done():
				return
			case <-time.After(wait):
			}
			wait = min(2*wait, time.Second)
			if _, err = resetConsumer(l.in.ctx, l.in.store.conn.Conn, streamIntake(l.agency), consumerRegistrar, 0); err == nil {
				break
			}
		}
	}
}

// session makes one request after the other until something goes wrong.
func (l *line) session() error {
	c := l.in.store.conn
	lost := c.lost()
	inbox := c.NewInbox()
	var pull puller
	sub, err := c.Subscribe(inbox+".*", func(m *nats.Msg) { l.hear(&pull, m) })
	if err != nil {
		return err
	}
	defer func() { _ = sub.Unsubscribe() }()
	if err := sub.SetPendingLimits(-1, -1); err != nil { // bounded by what is asked for
		return err
	}
	request := pullRequest{Batch: MaxBatch, Bytes: intakeBytes, Expires: pullExpires, Heartbeat: heartbeat}
	for n := 1; ; n++ {
		if err := l.waitForRoom(); err != nil {
			return err
		}
		ended := pull.begin(request.Batch)
		if err := request.send(c.Conn, streamIntake(l.agency), consumerRegistrar, inbox+"."+strconv.Itoa(n)); err != nil {
			return err
		}
		if err := pull.wait(l.in.ctx, ended, lost); err != nil {
			return err
		}
	}
}

func (l *line) waitForRoom() error {
	for {
		l.in.mu.Lock()
		full := len(l.waiting) >= MaxBatch || l.bytes >= intakeBytes
		l.in.mu.Unlock()
		if !full {
			return nil
		}
		select {
		case <-l.in.ctx.Done():
			return l.in.ctx.Err()
		case <-l.room:
		}
	}
}

// hear takes a message of the current request, or its end.
func (l *line) hear(pull *puller, m *nats.Msg) {
	if m.Reply == "" {
		spent, err := statusError(m)
		pull.heard(0, spent, err)
		return
	}
	in := l.in
	in.mu.Lock()
	l.waiting = append(l.waiting, Message{Agency: l.agency, Header: m.Header, Body: m.Data, reply: m.Reply, conn: in.store.conn.Conn})
	l.bytes += len(m.Data)
	in.mu.Unlock()
	in.signal()
	pull.heard(1, false, nil)
}

// puller counts what one request for messages brings: a request that was
// answered in full ends without a word.
type puller struct {
	mu    sync.Mutex
	left  int
	last  time.Time
	ended chan error
}

func (p *puller) begin(n int) <-chan error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.left, p.last, p.ended = n, time.Now(), make(chan error, 1)
	return p.ended
}

func (p *puller) heard(messages int, spent bool, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.last = time.Now()
	p.left -= messages
	if p.ended == nil || (p.left > 0 && !spent && err == nil) {
		return
	}
	p.ended <- err
	p.ended = nil
}

// wait waits for the end of a request, for a silence that heartbeats should have
// broken, or for the connection to break.
func (p *puller) wait(ctx context.Context, ended <-chan error, lost <-chan struct{}) error {
	tick := time.NewTicker(silence)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case err := <-ended:
			return err
		case <-lost:
			return errLost
		case now := <-tick.C:
			p.mu.Lock()
			quiet := now.Sub(p.last)
			p.mu.Unlock()
			if quiet >= silence {
				return fmt.Errorf("nothing was heard for %v", quiet)
			}
		}
	}
}
