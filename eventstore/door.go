package eventstore

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"golang.org/x/mod/sumdb/note"

	"github.com/berkas-ledger/berkas/ledger"
)

var (
	// ErrIntakeFull says that more waits for the registrar than may wait. The
	// submission was not taken in; send the same bytes again in a while.
	ErrIntakeFull = errors.New("the intake is full")
	// ErrNoIntake says that nothing takes in an agency's submissions: it has no
	// intake, or JetStream or the connection is down.
	ErrNoIntake = errors.New("nothing takes in the agency's submissions")
)

// Codes of JetStream for a message that a stream could not store; full says so
// in words.
const codeNotStored = 10077

// DoorConfig says how the HTTP server reaches INTAKE.
type DoorConfig struct {
	Login    Login // in the door role
	Origin   string
	Receipts note.Verifier // the registrar's receipt key
	// Patience is how long a receipt may take before the same bytes are put into
	// INTAKE again; each further time it doubles. Zero is 5 s.
	Patience time.Duration
	Log      *slog.Logger
}

// Door puts submissions of any agency into INTAKE and hears their receipts. It
// is safe for concurrent use. Whoever calls Submit has made sure who the sender
// is.
type Door struct {
	DoorConfig
	conn  *link
	inbox string

	mu      sync.Mutex
	hears   map[ledger.AgencyID]bool // whose receipts are subscribed to
	waiting map[ledger.Hash][]*caller
	tokens  map[string]*caller // by the last part of their reply subject
	last    uint64
}

// caller is one submission that waits for its receipt.
type caller struct {
	token  string
	notes  chan []byte // receipts for the bytes, not verified
	turned chan error  // INTAKE did not take it
}

// OpenDoor connects.
func OpenDoor(ctx context.Context, c DoorConfig) (*Door, error) {
	if c.Receipts == nil || !ledger.ValidOrigin(c.Origin) {
		return nil, errors.New("door: the receipt key and the ledger's origin are needed")
	}
	if c.Patience <= 0 {
		c.Patience = 5 * time.Second
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	d := &Door{DoorConfig: c, hears: map[ledger.AgencyID]bool{}, waiting: map[ledger.Hash][]*caller{}, tokens: map[string]*caller{}}
	var err error
	if d.conn, err = c.Login.connect(ctx, User{Role: RoleDoor}, c.Log); err != nil {
		return nil, err
	}
	d.inbox = d.conn.NewInbox() + "."
	if err := d.listen(d.inbox+"*", d.onAnswer); err != nil {
		d.conn.Close()
		return nil, err
	}
	if err := flush(ctx, d.conn.Conn); err != nil {
		d.conn.Close()
		return nil, err
	}
	return d, nil
}

// listen subscribes without a limit on what waits: with thousands in flight a
// receipt that is dropped costs its sender the whole patience.
func (d *Door) listen(subject string, heard nats.MsgHandler) error {
	sub, err := d.conn.Subscribe(subject, heard)
	if err == nil {
		err = sub.SetPendingLimits(-1, -1)
	}
	return err
}

// Close ends the connection. Submissions that wait see their context end, no
// receipt.
func (d *Door) Close() error {
	d.conn.Close()
	return nil
}

// Submit puts a submission into INTAKE and waits for the registrar's receipt; it
// returns the receipt and the signed note that says it. Until then the same
// bytes are sent again when the patience is over or the connection was lost,
// which does no harm.
//
// Errors: ErrIntakeFull, ErrNoIntake when the submission was turned away; the
// context's when it ended first, and then the submission may be on the ledger.
func (d *Door) Submit(ctx context.Context, s ledger.Submission) (ledger.Receipt, []byte, error) {
	c, err := d.register(s)
	if err != nil {
		return ledger.Receipt{}, nil, err
	}
	sum := s.Sum()
	defer d.forget(c, sum)
	patience := d.Patience
	timer := time.NewTimer(0)
	defer timer.Stop()
	sent := 0
	for {
		lost := d.conn.lost()
		select {
		case signed := <-c.notes:
			r, err := d.open(signed, s.Agency, sum)
			if err != nil {
				d.Log.Warn("ignored a receipt", "agency", s.Agency, "error", err)
				continue
			}
			return r, signed, nil
		case err := <-c.turned:
			if sent > 1 {
				continue // one that was sent before may have been taken in
			}
			return ledger.Receipt{}, nil, err
		case <-lost:
			timer.Reset(d.Patience / 10) // what was under way may be lost
		case <-timer.C:
			err := d.publish(c, s)
			switch {
			case err == nil:
				sent++
				timer.Reset(patience)
				patience *= 2
			case sent == 0:
				return ledger.Receipt{}, nil, fmt.Errorf("%w: %w", ErrNoIntake, err)
			default: // the connection is being looked for
				timer.Reset(d.Patience / 10)
			}
		case <-ctx.Done():
			return ledger.Receipt{}, nil, context.Cause(ctx)
		}
	}
}

func (d *Door) publish(c *caller, s ledger.Submission) error {
	return d.conn.PublishMsg(&nats.Msg{
		Subject: prefixIntake + string(s.Agency), Reply: d.inbox + c.token, Header: s.Header(), Data: s.Body,
	})
}

// open verifies that a note is the registrar's word on these bytes.
func (d *Door) open(signed []byte, agency ledger.AgencyID, sum ledger.Hash) (ledger.Receipt, error) {
	r, err := ledger.OpenReceipt(signed, d.Receipts)
	if err == nil && (r.Origin != d.Origin || r.Agency != agency || r.Sum != sum) {
		err = errors.New("it is for another ledger, agency or bytes")
	}
	return r, err
}

// register begins to wait, and to hear an agency's receipts with its first
// submission: the server reads a connection's commands in order, so it is
// subscribed before anything is published.
func (d *Door) register(s ledger.Submission) (*caller, error) {
	if _, err := RightsOf(User{Role: RoleAgency, Name: string(s.Agency)}); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNoIntake, err)
	}
	c := &caller{notes: make(chan []byte, 4), turned: make(chan error, 1)}
	sum := s.Sum()
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.hears[s.Agency] {
		if err := d.listen(prefixReceipt+string(s.Agency)+".*", d.onReceipt); err != nil {
			return nil, fmt.Errorf("%w: %w", ErrNoIntake, err)
		}
		d.hears[s.Agency] = true
	}
	d.last++
	c.token = strconv.FormatUint(d.last, 36)
	d.tokens[c.token] = c
	d.waiting[sum] = append(d.waiting[sum], c)
	return c, nil
}

func (d *Door) forget(c *caller, sum ledger.Hash) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.tokens, c.token)
	var left []*caller
	for _, o := range d.waiting[sum] {
		if o != c {
			left = append(left, o)
		}
	}
	if len(left) == 0 {
		delete(d.waiting, sum)
		return
	}
	d.waiting[sum] = left
}

// onReceipt hands a receipt to those who wait for it.
func (d *Door) onReceipt(m *nats.Msg) {
	_, digest, _ := strings.Cut(strings.TrimPrefix(m.Subject, prefixReceipt), ".")
	sum, err := ledger.ParseHash(digest)
	if err != nil {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, c := range d.waiting[sum] {
		select {
		case c.notes <- m.Data:
		default: // it has several to look at
		}
	}
}

// onAnswer hears what INTAKE says to a publish: of interest is that it did not
// take it.
func (d *Door) onAnswer(m *nats.Msg) {
	d.mu.Lock()
	c := d.tokens[strings.TrimPrefix(m.Subject, d.inbox)]
	d.mu.Unlock()
	if c == nil {
		return
	}
	if err := turnedAway(m); err != nil {
		select {
		case c.turned <- err:
		default:
		}
	}
}

// turnedAway reads the answer to a publish; nil when it was taken in.
func turnedAway(m *nats.Msg) error {
	if statusOf(m) == 503 {
		return ErrNoIntake
	}
	var answer struct {
		Error *apiError `json:"error"`
	}
	if err := json.Unmarshal(m.Data, &answer); err != nil {
		return fmt.Errorf("%w: its answer is not JSON", ErrNoIntake)
	}
	switch {
	case answer.Error == nil:
		return nil
	case answer.Error.ErrCode == codeNotStored:
		return fmt.Errorf("%w: %w", ErrIntakeFull, answer.Error)
	default:
		return fmt.Errorf("%w: %w", ErrNoIntake, answer.Error)
	}
}
