package local

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats-server/v2/server"
)

const (
	// defaultMaxPayload is 64 KiB and room for headers.
	defaultMaxPayload = 64<<10 + 4<<10
	// natsPatience is how long the server may take to listen, which with a
	// million stored messages is about two seconds.
	natsPatience = 60 * time.Second
)

// NATSConfig says where an embedded NATS server lives and who may do what.
type NATSConfig struct {
	// Dir keeps JetStream's files between runs. It is made if it is missing.
	Dir string
	// Port on 127.0.0.1; 0: a free one, another at each start.
	Port int
	// Accounts are all who may connect and what they may do: the blocks
	// "accounts" and "system_account" as text of a NATS configuration. Without
	// it, Open must be set.
	Accounts string
	// Open lets every program on this machine do anything. For tests only.
	Open bool
	// MaxPayload is the largest message in bytes, headers included; 0: 68 KiB.
	MaxPayload int32
	// SyncAlways makes JetStream fsync every message before it acknowledges
	// it. Without, it does so every two minutes.
	SyncAlways bool
	// Log gets the server's messages; nil drops them.
	Log *slog.Logger
}

// NATS is a running server inside this process.
type NATS struct {
	srv  *server.Server
	lock io.Closer
	stop func() error
	log  *natsLog

	opts     *server.Options // without accounts
	mu       sync.Mutex
	accounts map[string]bool // as from setAccounts; nil: open to all
}

// StartNATS starts the server over cfg.Dir and returns when it listens and
// JetStream answers.
func StartNATS(cfg NATSConfig) (*NATS, error) {
	n, err := startNATS(cfg, nil)
	if err != nil {
		return nil, fmt.Errorf("embedded NATS: %w", err)
	}
	return n, nil
}

// startNATS is StartNATS with a place in a cluster, if there is one.
func startNATS(cfg NATSConfig, place func(*server.Options)) (_ *NATS, err error) {
	opts, err := natsOptions(cfg)
	if err != nil {
		return nil, err
	}
	if place != nil {
		place(opts)
	}
	// The server writes into the options and accounts that it is given, so it
	// gets its own.
	given := opts.Clone()
	var accounts map[string]bool
	if !cfg.Open {
		if accounts, err = setAccounts(given, cfg.Accounts); err != nil {
			return nil, err
		}
	}
	lock, err := lockDir(cfg.Dir, 0o700)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, lock.Close())
		}
	}()
	srv, err := server.NewServer(given)
	if err != nil {
		return nil, err
	}
	forgetAccounts(given)
	log := &natsLog{log: logger(cfg.Log), fatal: make(chan string, 1), failed: make(chan error, 1)}
	srv.SetLoggerV2(log, false, false, false)
	srv.Start()
	n := &NATS{srv: srv, lock: lock, log: log, opts: opts, accounts: accounts}
	n.stop = sync.OnceValue(n.stopNow)
	if err := n.await(log.fatal); err != nil {
		srv.Shutdown()
		srv.WaitForShutdown()
		return nil, err
	}
	return n, nil
}

// await waits until the server listens, or says why it never will.
func (n *NATS) await(fatal <-chan string) error {
	for end := time.Now().Add(natsPatience); !n.srv.ReadyForConnections(100 * time.Millisecond); {
		select {
		case why := <-fatal:
			return errors.New(why)
		default:
		}
		if time.Now().After(end) {
			return fmt.Errorf("does not listen after %v", natsPatience)
		}
	}
	if !n.srv.JetStreamEnabled() {
		return errors.New("runs without JetStream")
	}
	return nil
}

// ClientURL is where clients connect.
func (n *NATS) ClientURL() string { return n.srv.ClientURL() }

// Failed gives an error when JetStream could not write to a stream, as on a full
// disk. The server (2.15.2) takes nothing for that stream any more, also when
// there is room again, until it is started anew.
func (n *NATS) Failed() <-chan error { return n.log.failed }

// Reload puts accounts, text as in NATSConfig, in the place of those there were.
// Who is no longer a user or has moved to another account is disconnected; who
// has other rights has them at once; the others stay connected, and streams
// keep what they have. Text that is refused changes nothing. An account that
// has JetStream must keep it, because without it its streams would be shut.
//
// While it reloads, within milliseconds, the server may tell somebody that
// nobody answers (nats.ErrNoResponders) a JetStream request or a service of
// another account: who asks has to ask again.
func (n *NATS) Reload(accounts string) error {
	if err := n.reload(accounts); err != nil {
		return fmt.Errorf("reload embedded NATS: %w", err)
	}
	return nil
}

func (n *NATS) reload(accounts string) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.accounts == nil {
		return errors.New("it was started open to all")
	}
	opts := n.opts.Clone()
	now, err := setAccounts(opts, accounts)
	if err != nil {
		return err
	}
	for name, streams := range n.accounts {
		if streams && !now[name] {
			return fmt.Errorf("accounts: %q has JetStream and would lose it", name)
		}
	}
	if err := n.load(opts); err != nil {
		return err
	}
	old := n.accounts
	n.accounts = now
	for name := range now {
		if _, ok := old[name]; !ok {
			return n.loadAgain(accounts)
		}
	}
	return nil
}

func (n *NATS) load(opts *server.Options) error {
	defer forgetAccounts(opts)
	return n.srv.ReloadOptions(opts)
}

// loadAgain opens the services that new accounts import: the server (2.15.2)
// does that when it starts and for accounts that it has, but not for those that
// a reload brings.
func (n *NATS) loadAgain(accounts string) error {
	opts := n.opts.Clone()
	if _, err := setAccounts(opts, accounts); err != nil {
		return err
	}
	return n.load(opts)
}

// Stop disconnects all clients, writes JetStream's state and waits for the
// end. Calling it again returns the first result.
func (n *NATS) Stop() error { return n.stop() }

func (n *NATS) stopNow() error {
	n.srv.Shutdown()
	n.srv.WaitForShutdown()
	return n.lock.Close()
}

func natsOptions(cfg NATSConfig) (*server.Options, error) {
	if cfg.Dir == "" {
		return nil, errors.New("no directory given")
	}
	if cfg.Open == (cfg.Accounts != "") {
		return nil, errors.New("either accounts or Open must be given, and not both")
	}
	if cfg.MaxPayload < 0 {
		return nil, fmt.Errorf("a largest message of %d bytes", cfg.MaxPayload)
	}
	dir, err := filepath.Abs(cfg.Dir)
	if err != nil {
		return nil, err
	}
	port := cfg.Port
	if port == 0 {
		port = server.RANDOM_PORT
	}
	return &server.Options{
		ServerName: "berkas",
		Host:       "127.0.0.1",
		Port:       port,
		MaxPayload: cmp.Or(cfg.MaxPayload, defaultMaxPayload),
		JetStream:  true,
		StoreDir:   dir,
		SyncAlways: cfg.SyncAlways,
		// Signals belong to the program, not to a part of it.
		NoSigs:                 true,
		DisableJetStreamBanner: true,
	}, nil
}

// natsLog hands the server's messages to slog. What the server calls notices
// is its small talk.
type natsLog struct {
	log   *slog.Logger
	fatal chan string // the first reason why it cannot run

	failed chan error // the first reason why a stream takes nothing more
}

func (l *natsLog) Noticef(format string, v ...any) { l.write(slog.LevelDebug, format, v) }
func (l *natsLog) Warnf(format string, v ...any)   { l.write(slog.LevelWarn, format, v) }
func (l *natsLog) Errorf(format string, v ...any)  { l.write(slog.LevelError, format, v) }
func (l *natsLog) Debugf(format string, v ...any)  { l.write(slog.LevelDebug, format, v) }
func (l *natsLog) Tracef(format string, v ...any)  { l.write(slog.LevelDebug, format, v) }

// Fatalf must return: a program that embeds the server decides itself whether
// to end.
func (l *natsLog) Fatalf(format string, v ...any) {
	select {
	case l.fatal <- fmt.Sprintf(format, v...):
	default:
	}
	l.write(slog.LevelError, format, v)
}

func (l *natsLog) write(level slog.Level, format string, v []any) {
	text := fmt.Sprintf(format, v...)
	l.log.Log(context.Background(), level, "nats", "says", text)
	if level == slog.LevelError && strings.Contains(text, "ritical write error") { // there is no other sign of it
		select {
		case l.failed <- errors.New(text):
		default:
		}
	}
}
