package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/spf13/pflag"
	"golang.org/x/mod/sumdb/note"

	"github.com/berkas-ledger/berkas/eventstore"
	"github.com/berkas-ledger/berkas/internal/simulate"
	"github.com/berkas-ledger/berkas/ledger"
	"github.com/berkas-ledger/berkas/projections"
	"github.com/berkas-ledger/berkas/roster"
	"github.com/berkas-ledger/berkas/vault"
	"github.com/berkas-ledger/berkas/web"
)

const defaultHTTP = "127.0.0.1:8080"

// httpConfig says where the pages and the API are and who may read them.
type httpConfig struct {
	addr   string // host:port; "": no HTTP
	orAny  bool   // take any free port when that one is taken
	tokens string // file of credentials
	demo   string // mark of a ledger that is no real one
	// container: the port is published on loopback only by whoever runs the
	// container, so it may listen on all addresses without identities.
	container bool
	proxied   bool   // a proxy in front speaks TLS
	open      bool   // everybody may read
	audits    string // directory of auditors' reports; "": none
}

func (c *httpConfig) register(f *pflag.FlagSet) {
	f.StringVar(&c.addr, "http", defaultHTTP, "address of the pages and the API, host:port; \"off\" for none")
	f.StringVar(&c.audits, "audits", "", "directory with reports that auditors wrote (berkas audit --report), one file [a-z0-9-]{1,32}.json of an institution each, shown at /desk/audits; for berkas dev the one in --data")
	f.StringVar(&c.tokens, "tokens", "", "file of credentials for reading, made by 'berkas tokens new'")
}

// onLoopback completes the addresses of a server that listens nowhere else.
func (c *httpConfig) onLoopback() error {
	if host, _, err := net.SplitHostPort(c.addr); err == nil && !loopback(host) {
		return usage("berkas dev listens on loopback only, not on %s", c.addr)
	}
	return c.complete()
}

// complete refuses what would show cases to strangers.
func (c *httpConfig) complete() error {
	if c.addr == "off" {
		c.addr = ""
	}
	if c.addr == "" {
		return nil
	}
	host, _, err := net.SplitHostPort(c.addr)
	if err != nil {
		return usage("--http is host:port or off, not %q", c.addr)
	}
	switch {
	case loopback(host), c.container:
		return nil
	case c.tokens == "":
		return usage("--http %s is not on loopback: name the credentials of its readers with --tokens", c.addr)
	case !c.proxied:
		return usage("--http %s is not on loopback, and tokens and data keys would cross the network in clear: put a proxy that speaks TLS in front of it and say --behind-tls", c.addr)
	}
	return nil
}

func loopback(host string) bool {
	if host == "localhost" {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}

// tip is what the HTTP server may know of the registrar's state, which is the
// registrar's alone.
type tip struct {
	roster atomic.Pointer[roster.Roster]
	head   atomic.Uint64
}

// showTip is called by the registrar's goroutine before a receipt leaves: who
// holds a receipt finds at the door what it says.
func (n *node) showTip() {
	if r := n.judge.Roster(); n.tip.roster.Load() != r {
		n.tip.roster.Store(r)
	}
	n.tip.head.Store(uint64(n.judge.Chain().Position))
}

// webServer is the HTTP server at work.
type webServer struct {
	server   *web.Server
	listener net.Listener
}

func (w *webServer) run(ctx context.Context) error { return w.server.Serve(ctx, w.listener) }

func (w *webServer) url() string {
	if w == nil {
		return ""
	}
	return "http://" + w.listener.Addr().String()
}

// startHTTP puts the server together and listens.
func (n *node) startHTTP(ctx context.Context, login *eventstore.Login) error {
	if n.http.addr == "" {
		return nil
	}
	if n.http.demo == "" && strings.HasPrefix(n.origin, simulate.OriginPrefix) {
		n.http.demo = "simulated" // whoever serves it
	}
	config := web.Config{
		Demo: n.http.demo, Open: n.http.open, SecureCookies: n.http.proxied,
		Roster: n.tip.roster.Load, Head: func() ledger.Position { return ledger.Position(n.tip.head.Load()) },
		Feed: n.store.Journal().Follow(), GiveKey: (&keyDesk{home: n.home}).give, Parts: n.parts, Log: n.log,
	}
	if n.http.tokens != "" {
		var err error
		if config.Tokens, err = readTokens(n.http.tokens); err != nil {
			return err
		}
		config.Open = false
	}
	if login != nil {
		door, err := n.openDoor(ctx, *login)
		if err != nil {
			return err
		}
		config.Submit = func(ctx context.Context, s ledger.Submission) (ledger.Receipt, []byte, error) {
			r, signed, err := door.Submit(ctx, s)
			return r, signed, doorError(err)
		}
	}
	config.Desk = n.desk()
	config.CaseRecords, config.RosterRecords = n.caseRecords, n.rosterRecords
	if n.evidence != nil {
		config.Files, config.Seal = n.evidence.Fetch, n.evidence.Seal
	}
	if n.follower != nil {
		reader, err := projections.OpenReader(ctx, n.database)
		if err != nil {
			return err
		}
		n.closers = append(n.closers, func() error {
			reader.Close()
			return nil
		})
		keepColumns(reader, n.log)
		n.figures, config.Figures = reader, reader
	}
	server, err := web.New(config)
	if err != nil {
		return err
	}
	listener, err := n.http.listen(ctx)
	if err != nil {
		return err
	}
	n.closers = append(n.closers, func() error {
		if err := listener.Close(); !errors.Is(err, net.ErrClosed) {
			return err
		}
		return nil
	})
	n.web = &webServer{server, listener}
	return nil
}

// keepColumns has a reader answer from memory. The program gets a thread more than
// processors, which hears of requests while all processors count: Go's scheduler
// looks at the network every ten milliseconds only while every thread is busy.
func keepColumns(reader *projections.Reader, log *slog.Logger) {
	reader.KeepColumns(log)
	if n := runtime.GOMAXPROCS(0); os.Getenv("GOMAXPROCS") == "" && n <= runtime.NumCPU() {
		runtime.GOMAXPROCS(n + 1)
	}
}

func (c httpConfig) listen(ctx context.Context) (net.Listener, error) {
	var config net.ListenConfig
	l, err := config.Listen(ctx, "tcp", c.addr)
	if errors.Is(err, syscall.EADDRINUSE) && c.orAny {
		host, _, _ := net.SplitHostPort(c.addr) // it was read before
		l, err = config.Listen(ctx, "tcp", net.JoinHostPort(host, "0"))
	}
	if err != nil {
		return nil, &codedError{exitFailure, fmt.Errorf("listen for HTTP: %w", err), "Choose another address with --http, or none with --http off."}
	}
	return l, nil
}

func (n *node) openDoor(ctx context.Context, login eventstore.Login) (*eventstore.Door, error) {
	verifier, err := note.NewVerifier(n.judge.Roster().Genesis().Receipt)
	if err != nil {
		return nil, err
	}
	door, err := eventstore.OpenDoor(ctx, eventstore.DoorConfig{Login: login, Origin: n.origin, Receipts: verifier, Log: n.log})
	if err != nil {
		return nil, err
	}
	n.closers = append(n.closers, door.Close)
	return door, nil
}

// doorError says in the words of package web what became of a submission.
func doorError(err error) error {
	switch {
	case errors.Is(err, eventstore.ErrIntakeFull):
		return fmt.Errorf("%w: %w", web.ErrBusy, err)
	case errors.Is(err, eventstore.ErrNoIntake):
		return fmt.Errorf("%w: %w", web.ErrAway, err)
	}
	return err
}

// parts says of each part whether it works, for /readyz.
func (n *node) parts(ctx context.Context) map[string]error {
	out := map[string]error{"registrar": nil, "log": n.logReady()}
	n.witnesses.parts(out)
	if trouble := n.webhooks.Trouble(); len(trouble) > 0 { // no reason to take the ledger for broken
		out["webhooks"] = fmt.Errorf("%w: %s", web.ErrMissing, strings.Join(trouble, "; "))
	}
	if n.follower == nil {
		return out
	}
	_, out["ledger"] = n.follower.Head(ctx)
	p, err := n.figures.Progress(ctx)
	if err == nil && p.Stopped != "" {
		err = errors.New(p.Stopped)
	}
	if ended := n.noProjections.Load(); err == nil && ended != nil {
		err = fmt.Errorf("the projections ended: %w", *ended) // of what they could not write down
	}
	out["projections"] = err
	return out
}

func readTokens(file string) (*web.Tokens, error) {
	f, err := os.Open(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, &codedError{exitNotFound, err, "Make it with 'berkas tokens new --file " + file + "'."}
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if info.Mode().Perm()&0o022 != 0 {
		return nil, fmt.Errorf("%s can be changed by others; run chmod 600 on it", file)
	}
	t, err := web.ParseTokens(f)
	if err == nil && t.Len() == 0 {
		err = errors.New(file + " holds no token")
	}
	return t, err
}

// keyDesk makes data keys in the vault's ring, which it holds only while it
// does: other programs of this machine seal and open too.
type keyDesk struct {
	home home
	mu   sync.Mutex
}

func (d *keyDesk) give(h vault.Holder, now time.Time) (_ web.DataKey, made bool, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	ring, err := d.home.openRing()
	if err != nil {
		return web.DataKey{}, false, err
	}
	defer func() { err = errors.Join(err, ring.Close()) }()
	key, made, err := ring.Give(h, now)
	return web.DataKey{ID: key.ID, Key: key.Bytes}, made, err
}

// describeHTTP says where people find the pages.
func (n *node) describeHTTP() string {
	if n.web == nil {
		return ""
	}
	who := "with a token of " + n.http.tokens
	if n.http.tokens == "" {
		who = "marked as a demonstration, open to this machine"
	}
	return fmt.Sprintf("  pages, API  %s (%s)\n", n.web.url(), who)
}
