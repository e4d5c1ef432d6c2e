package agencies

import (
	"context"
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

// Config says how an agency's program reaches the ledger. URL, Agency, Origin
// and Receipts are required.
type Config struct {
	URL string // nats://host:port, several separated by commas
	// SeedFile is the path of the agency's nkey seed; Credentials the path of a
	// NATS credentials file. With neither the server has to be open to all.
	SeedFile, Credentials string
	RootCA                string // path of a PEM file, for TLS with a private authority

	Agency   ledger.AgencyID
	Origin   string        // of the ledger
	Receipts note.Verifier // the registrar's receipt key, from the genesis record

	// Patience is how long a receipt may take before the same bytes are sent
	// again; each further time it doubles, up to a minute. Zero is 5 s.
	Patience time.Duration
	Log      *slog.Logger // nil drops everything
}

func (c Config) check() error {
	switch {
	case c.URL == "":
		return errors.New("no URL of a NATS server")
	case !c.Agency.Valid():
		return fmt.Errorf("agency %q is not [a-z0-9-]{1,32}", c.Agency)
	case !ledger.ValidOrigin(c.Origin):
		return fmt.Errorf("origin %q is not the name of a ledger", c.Origin)
	case c.Receipts == nil:
		return errors.New("no receipt key: without it nobody can tell a receipt from a forgery")
	case c.SeedFile != "" && c.Credentials != "":
		return errors.New("either a seed file or a credentials file, not both")
	}
	return nil
}

// Client submits for one agency. It is safe for concurrent use.
//
// What it needs of the server is little: to publish on intake.<agency>, and to
// subscribe to receipt.<agency>.> and _INBOX.<agency>.>.
type Client struct {
	config Config
	conn   *nats.Conn
	log    *slog.Logger
	inbox  string // prefix of the subjects on which INTAKE answers

	mu      sync.Mutex
	waiting map[ledger.Hash][]*wait // who waits for a receipt
	tokens  map[string]*wait        // who waits for an answer of INTAKE
	last    uint64                  // the last token given
	down    chan struct{}           // closed with the reason in why
	why     error
}

// Dial connects and begins to listen for receipts.
//
// Errors: ErrUnreachable, ErrDenied.
func Dial(ctx context.Context, config Config) (*Client, error) {
	if err := config.check(); err != nil {
		return nil, fmt.Errorf("connect to the ledger: %w", err)
	}
	if config.Patience <= 0 {
		config.Patience = 5 * time.Second
	}
	c := &Client{
		config:  config,
		log:     config.Log,
		waiting: map[ledger.Hash][]*wait{},
		tokens:  map[string]*wait{},
		down:    make(chan struct{}),
	}
	if c.log == nil {
		c.log = slog.New(slog.DiscardHandler)
	}
	options, err := c.options()
	if err != nil {
		return nil, fmt.Errorf("connect to the ledger: %w", err)
	}
	if c.conn, err = nats.Connect(config.URL, options...); err != nil {
		return nil, connectError(config.URL, err)
	}
	if err := c.listen(ctx); err != nil {
		c.conn.Close()
		return nil, fmt.Errorf("listen for receipts: %w", err)
	}
	return c, nil
}

func connectError(url string, err error) error {
	kind := ErrUnreachable
	if errors.Is(err, nats.ErrAuthorization) || strings.Contains(strings.ToLower(err.Error()), "authorization") {
		kind = ErrDenied
	}
	return fmt.Errorf("connect to %s: %w: %w", url, kind, err)
}

func (c *Client) options() ([]nats.Option, error) {
	options := []nats.Option{
		nats.Name("berkas agency " + string(c.config.Agency)),
		nats.CustomInboxPrefix("_INBOX." + string(c.config.Agency)),
		nats.MaxReconnects(-1),
		// What could not be sent is sent again when the connection is back; a
		// buffer beside that would only send it twice.
		nats.ReconnectBufSize(-1),
		nats.ErrorHandler(c.onError),
		nats.ReconnectHandler(func(*nats.Conn) { c.resend() }),
		nats.ClosedHandler(c.onClosed),
		nats.DisconnectErrHandler(func(_ *nats.Conn, err error) {
			c.log.Warn("connection lost, looking for the server", "agency", c.config.Agency, "error", err)
		}),
	}
	if c.config.RootCA != "" {
		options = append(options, nats.RootCAs(c.config.RootCA))
	}
	if c.config.Credentials != "" {
		options = append(options, nats.UserCredentials(c.config.Credentials))
	}
	if c.config.SeedFile != "" {
		o, err := nats.NkeyOptionFromSeed(c.config.SeedFile)
		if err != nil {
			return nil, fmt.Errorf("seed file: %w", err)
		}
		options = append(options, o)
	}
	return options, nil
}

// listen subscribes to receipts and to what INTAKE answers, and waits until the
// server has taken both subscriptions or denied them.
func (c *Client) listen(ctx context.Context) error {
	receipts, err := c.conn.Subscribe("receipt."+string(c.config.Agency)+".>", c.onReceipt)
	if err != nil {
		return err
	}
	c.inbox = c.conn.NewInbox() + "."
	answers, err := c.conn.Subscribe(c.inbox+"*", c.onAnswer)
	if err != nil {
		return err
	}
	for _, s := range []*nats.Subscription{receipts, answers} {
		// With thousands in flight more may wait than the default allows, and a
		// receipt that is dropped costs its sender the whole patience.
		if err := s.SetPendingLimits(-1, -1); err != nil {
			return err
		}
	}
	if err := flush(ctx, c.conn); err != nil {
		return err
	}
	if err := c.conn.LastError(); errors.Is(err, nats.ErrPermissionViolation) {
		return fmt.Errorf("%w: %w", ErrDenied, err)
	}
	return nil
}

// flush waits for the server to have read what was sent; nats.go wants a
// deadline for it.
func flush(ctx context.Context, conn *nats.Conn) error {
	if _, ok := ctx.Deadline(); !ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, 10*time.Second)
		defer cancel()
	}
	if err := conn.FlushWithContext(ctx); err != nil {
		return fmt.Errorf("%w: %w", ErrUnreachable, err)
	}
	return nil
}

// Close ends the connection. Whoever still waits for a receipt gets ErrClosed.
func (c *Client) Close() {
	c.fail(ErrClosed)
	c.conn.Close()
}

// fail ends all waiting; the first reason stands.
func (c *Client) fail(why error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.why == nil {
		c.why = why
		close(c.down)
	}
}

func (c *Client) onError(_ *nats.Conn, _ *nats.Subscription, err error) {
	if errors.Is(err, nats.ErrPermissionViolation) {
		c.fail(fmt.Errorf("%w: %w", ErrDenied, err))
		return
	}
	c.log.Warn("connection to the ledger", "agency", c.config.Agency, "error", err)
}

// onClosed is called when the connection ends for good: by Close, or because
// the server no longer knows the credentials.
func (c *Client) onClosed(conn *nats.Conn) {
	if err := conn.LastError(); errors.Is(err, nats.ErrAuthorization) || errors.Is(err, nats.ErrAuthExpired) || errors.Is(err, nats.ErrAuthRevoked) {
		c.fail(fmt.Errorf("%w: %w", ErrDenied, err))
		return
	}
	c.fail(ErrClosed)
}

// onReceipt hands a receipt to those who wait for it. It is verified by them, so
// that many are verified at a time.
func (c *Client) onReceipt(m *nats.Msg) {
	_, digest, _ := strings.Cut(strings.TrimPrefix(m.Subject, "receipt."), ".")
	sum, err := ledger.ParseHash(digest)
	if err != nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, w := range c.waiting[sum] {
		select {
		case w.notes <- m.Data:
		default: // it has several to look at already, and will ask again
		}
	}
}

// onAnswer hands what INTAKE answers to a publish to the one who waits.
func (c *Client) onAnswer(m *nats.Msg) {
	c.mu.Lock()
	w := c.tokens[strings.TrimPrefix(m.Subject, c.inbox)]
	c.mu.Unlock()
	if w == nil {
		return
	}
	if err := answerError(m); err != nil {
		select {
		case w.turned <- err:
		default:
		}
	}
}

// resend makes everyone who waits send again: what was under way when the
// connection broke may be lost, the submission or its receipt.
func (c *Client) resend() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, w := range c.tokens {
		select {
		case w.again <- struct{}{}:
		default:
		}
	}
}

func (c *Client) register(sum ledger.Hash) *wait {
	w := &wait{sum: sum, notes: make(chan []byte, 4), turned: make(chan error, 1), again: make(chan struct{}, 1)}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.last++
	w.token = strconv.FormatUint(c.last, 36)
	c.tokens[w.token] = w
	c.waiting[sum] = append(c.waiting[sum], w)
	return w
}

func (c *Client) forget(w *wait) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.tokens, w.token)
	left := c.waiting[w.sum][:0]
	for _, o := range c.waiting[w.sum] {
		if o != w {
			left = append(left, o)
		}
	}
	if len(left) == 0 {
		delete(c.waiting, w.sum)
	} else {
		c.waiting[w.sum] = left
	}
}
