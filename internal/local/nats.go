package local

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"path/filepath"
	"sync"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nkeys"
)

const (
	// maxPayload is the largest message, headers included: 64 KiB and room for
	// the headers.
	maxPayload = 64<<10 + 4<<10
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
	// Users are all who may connect. Without any, Open must be set.
	Users []NATSUser
	// Open lets every program on this machine do anything. For tests only.
	Open bool
	// SyncAlways makes JetStream fsync every message before it acknowledges
	// it. Without, it does so every two minutes.
	SyncAlways bool
	// Log gets the server's messages; nil drops them.
	Log *slog.Logger
}

// NATSUser is one who may connect, by the proof of holding an NKey.
type NATSUser struct {
	Name      string // shown in errors only
	NKey      string // public key, "U..."
	Publish   Subjects
	Subscribe Subjects
}

// Subjects are patterns of NATS subjects. What is not allowed is denied, so
// the zero value allows nothing; Deny takes from what Allow gives.
type Subjects struct {
	Allow, Deny []string
}

// NATS is a running server inside this process.
type NATS struct {
	srv  *server.Server
	lock io.Closer
	stop func() error

	mu   sync.Mutex
	opts *server.Options // what was last loaded
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
	lock, err := lockDir(cfg.Dir, 0o700)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, lock.Close())
		}
	}()
	// The server writes defaults into the options it is given, so it gets its
	// own copy.
	srv, err := server.NewServer(opts.Clone())
	if err != nil {
		return nil, err
	}
	log := &natsLog{log: logger(cfg.Log), fatal: make(chan string, 1)}
	srv.SetLoggerV2(log, false, false, false)
	srv.Start()
	n := &NATS{srv: srv, lock: lock, opts: opts}
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

// Reload puts users in the place of all who might connect until now. Who is no
// longer among them is disconnected; who has other rights now has them at
// once; the others notice nothing.
func (n *NATS) Reload(users []NATSUser) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.opts.Nkeys == nil {
		return errors.New("reload NATS users: the server was started open to all")
	}
	if len(users) == 0 {
		return errors.New("reload NATS users: none given, which would open the server to all")
	}
	list, err := nkeyUsers(users)
	if err != nil {
		return fmt.Errorf("reload NATS users: %w", err)
	}
	opts := n.opts.Clone()
	opts.Nkeys = list
	if err := n.srv.ReloadOptions(opts.Clone()); err != nil {
		return fmt.Errorf("reload NATS users: %w", err)
	}
	n.opts = opts
	return nil
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
	if cfg.Open == (len(cfg.Users) > 0) {
		return nil, errors.New("either users or Open must be given, and not both")
	}
	dir, err := filepath.Abs(cfg.Dir)
	if err != nil {
		return nil, err
	}
	users, err := nkeyUsers(cfg.Users)
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
		Nkeys:      users,
		MaxPayload: maxPayload,
		JetStream:  true,
		StoreDir:   dir,
		SyncAlways: cfg.SyncAlways,
		// Signals belong to the program, not to a part of it.
		NoSigs:                 true,
		DisableJetStreamBanner: true,
	}, nil
}

// nkeyUsers says the same in the server's terms. The server takes an empty
// list of allowed subjects for all subjects and only logs a bad pattern, so
// both are dealt with here.
func nkeyUsers(users []NATSUser) ([]*server.NkeyUser, error) {
	var list []*server.NkeyUser
	seen := map[string]string{}
	for _, u := range users {
		if !nkeys.IsValidPublicUserKey(u.NKey) {
			return nil, fmt.Errorf("user %q: %q is no public user NKey", u.Name, u.NKey)
		}
		if other, ok := seen[u.NKey]; ok {
			return nil, fmt.Errorf("users %q and %q have the same NKey", other, u.Name)
		}
		seen[u.NKey] = u.Name
		pub, err := u.Publish.permission()
		if err != nil {
			return nil, fmt.Errorf("user %q may publish: %w", u.Name, err)
		}
		sub, err := u.Subscribe.permission()
		if err != nil {
			return nil, fmt.Errorf("user %q may subscribe: %w", u.Name, err)
		}
		list = append(list, &server.NkeyUser{
			Nkey:        u.NKey,
			Permissions: &server.Permissions{Publish: pub, Subscribe: sub},
		})
	}
	return list, nil
}

func (s Subjects) permission() (*server.SubjectPermission, error) {
	for _, list := range [][]string{s.Allow, s.Deny} {
		for _, subject := range list {
			if !server.IsValidSubject(subject) {
				return nil, fmt.Errorf("%q is no subject", subject)
			}
		}
	}
	if len(s.Allow) == 0 {
		return &server.SubjectPermission{Deny: []string{">"}}, nil
	}
	return &server.SubjectPermission{Allow: s.Allow, Deny: s.Deny}, nil
}

// natsLog hands the server's messages to slog. What the server calls notices
// is its small talk.
type natsLog struct {
	log   *slog.Logger
	fatal chan string // the first reason why it cannot run
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
	l.log.Log(context.Background(), level, "nats", "says", fmt.Sprintf(format, v...))
}
