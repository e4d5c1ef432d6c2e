package projections

import (
	"bytes"
	"context"
	"errors"
	"net"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/berkas-ledger/berkas/ledger"
)

// tap is a ledger that grows while it is read.
type tap struct {
	mu      sync.Mutex
	records []ledger.Record
	grown   chan struct{} // closed and replaced whenever records come
}

func newTap() *tap { return &tap{grown: make(chan struct{})} }

func (p *tap) add(records ...ledger.Record) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.records = append(p.records, records...)
	close(p.grown)
	p.grown = make(chan struct{})
}

func (p *tap) after(at ledger.Position) ([]ledger.Record, <-chan struct{}) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.records[min(int(at), len(p.records)):], p.grown
}

// feed yields what there is and what comes, until the context ends.
func (p *tap) feed(ctx context.Context, after ledger.Position, yield func([]ledger.Record) error) error {
	for {
		records, grown := p.after(after)
		if len(records) > 0 {
			if err := yield(records); err != nil {
				return err
			}
			after = records[len(records)-1].Position
			continue
		}
		select {
		case <-grown:
		case <-ctx.Done():
			return nil
		}
	}
}

// running is a projector in the background.
type running struct {
	cancel context.CancelFunc
	done   chan error
}

func start(t testing.TB, c Config, feed ledger.Feed) *running {
	ctx, cancel := context.WithCancel(context.Background())
	r := &running{cancel: cancel, done: make(chan error, 1)}
	go func() { r.done <- NewProjector(c).Run(ctx, feed) }()
	t.Cleanup(func() { r.cancel() })
	return r
}

// stop ends the projector and gives what Run returned.
func (r *running) stop() error {
	r.cancel()
	return <-r.done
}

func waitFor(t testing.TB, r *Reader, p ledger.Position) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	if err := r.Wait(ctx, p); err != nil {
		t.Fatal(err)
	}
}

// checkRebuilt rebuilds from a feed and expects the same tables.
func checkRebuilt(t testing.TB, databaseURL string, feed ledger.Feed) {
	t.Helper()
	out, err := Rebuild(t.Context(), Config{URL: databaseURL}, feed, RebuildOptions{Compare: true})
	if err != nil {
		t.Fatal(err)
	}
	if !out.Compared || len(out.Differences) > 0 {
		t.Fatalf("a rebuild gives other tables: %+v", out)
	}
}

// wire stands between a projector and PostgreSQL and can be cut.
type wire struct {
	t        testing.TB
	server   string // address
	listener net.Listener
	mu       sync.Mutex
	conns    []net.Conn
	down     bool
	// swallow, when not nil, is closed once a commit has been carried out whose
	// answer was thrown away with the connection.
	swallow chan struct{}
}

func newWire(t testing.TB, databaseURL string) (*wire, string) {
	t.Helper()
	u, err := url.Parse(databaseURL)
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w := &wire{t: t, server: u.Host, listener: l}
	go w.accept()
	t.Cleanup(func() {
		_ = l.Close()
		w.cut()
	})
	u.Host = l.Addr().String()
	return w, u.String()
}

func (w *wire) accept() {
	for {
		client, err := w.listener.Accept()
		if err != nil {
			return
		}
		server, err := net.Dial("tcp", w.server)
		w.mu.Lock()
		if err != nil || w.down {
			_ = client.Close()
			if server != nil {
				_ = server.Close()
			}
			w.mu.Unlock()
			continue
		}
		w.conns = append(w.conns, client, server)
		w.mu.Unlock()
		c := &carried{wire: w}
		go c.carry(server, client, c.request)
		go c.carry(client, server, c.answer)
	}
}

// cut closes all connections and takes no new ones until mended.
func (w *wire) cut() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.down = true
	for _, c := range w.conns {
		_ = c.Close()
	}
	w.conns = nil
}

func (w *wire) mend() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.down = false
}

// swallowCommit throws away the answer to the next commit. The channel is closed
// when that has happened.
func (w *wire) swallowCommit() <-chan struct{} {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.swallow = make(chan struct{})
	return w.swallow
}

// carried is one connection.
type carried struct {
	wire       *wire
	mu         sync.Mutex
	committing chan struct{} // to be closed when the answer was thrown away
}

var errSwallowed = errors.New("the answer was thrown away")

func (c *carried) carry(to, from net.Conn, look func([]byte) error) {
	defer to.Close()
	defer from.Close()
	buf := make([]byte, 64<<10)
	for {
		n, err := from.Read(buf)
		if n > 0 {
			if look(buf[:n]) != nil {
				return
			}
			if _, err := to.Write(buf[:n]); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

func (c *carried) request(b []byte) error {
	if !bytes.Contains(b, []byte("commit\x00")) {
		return nil
	}
	c.wire.mu.Lock()
	defer c.wire.mu.Unlock()
	if c.wire.swallow != nil {
		c.mu.Lock()
		c.committing, c.wire.swallow = c.wire.swallow, nil
		c.mu.Unlock()
	}
	return nil
}

func (c *carried) answer([]byte) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.committing == nil {
		return nil
	}
	close(c.committing)
	c.committing = nil
	return errSwallowed
}
