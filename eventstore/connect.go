package eventstore

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nkeys"
)

// Login is how a process reaches NATS and who it is there.
type Login struct {
	URL         string // nats://host:port, several separated by commas
	Seed        string // nkey seed ("SU..."); or
	Credentials string // path of a credentials file; neither: an open server
	RootCA      string // path of a PEM file, for TLS with a private authority
	Name        string // shown in the server's list of connections
}

// link is a connection that says when it breaks.
type link struct {
	*nats.Conn

	mu     sync.Mutex
	broken chan struct{}
	also   func() // called when it breaks
}

// lost gives a channel that is closed when the connection breaks the next time.
func (l *link) lost() <-chan struct{} {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.broken
}

func (l *link) onLost(also func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.also = also
}

func (l *link) breaks() {
	l.mu.Lock()
	close(l.broken)
	l.broken = make(chan struct{})
	also := l.also
	l.mu.Unlock()
	if also != nil {
		also()
	}
}

// connect dials as a user. Nothing is buffered while the connection is down: a
// record or a receipt that leaves minutes later, out of a buffer, would be said
// by somebody who may no longer be the one to say it.
func (l Login) connect(ctx context.Context, u User, log *slog.Logger) (*link, error) {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	if l.URL == "" {
		return nil, errors.New("connect to NATS: no URL given")
	}
	out := &link{broken: make(chan struct{})}
	options := []nats.Option{
		nats.Name(l.Name),
		nats.CustomInboxPrefix(InboxPrefix(u)),
		nats.ReconnectBufSize(-1),
		nats.MaxReconnects(-1),
		nats.ReconnectWait(200 * time.Millisecond),
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) {
			log.Error("NATS", "error", err)
		}),
		nats.DisconnectErrHandler(func(_ *nats.Conn, err error) {
			if err != nil {
				log.Warn("lost the connection to NATS", "error", err)
			}
			out.breaks()
		}),
		nats.ReconnectHandler(func(c *nats.Conn) {
			log.Info("connected to NATS again", "server", c.ConnectedServerName())
		}),
	}
	auth, err := l.auth()
	if err != nil {
		return nil, err
	}
	options = append(options, auth...)
	if deadline, ok := ctx.Deadline(); ok {
		options = append(options, nats.Timeout(min(max(time.Until(deadline), time.Millisecond), 5*time.Second)))
	}
	c, err := nats.Connect(l.URL, options...)
	if err != nil {
		return nil, fmt.Errorf("connect to NATS at %s: %w", l.URL, err)
	}
	out.Conn = c
	return out, nil
}

func (l Login) auth() ([]nats.Option, error) {
	var options []nats.Option
	if l.RootCA != "" {
		options = append(options, nats.RootCAs(l.RootCA))
	}
	switch {
	case l.Seed != "" && l.Credentials != "":
		return nil, errors.New("connect to NATS: a seed and a credentials file are given; give one")
	case l.Credentials != "":
		options = append(options, nats.UserCredentials(l.Credentials))
	case l.Seed != "":
		pair, err := nkeys.FromSeed([]byte(l.Seed))
		if err != nil {
			return nil, fmt.Errorf("connect to NATS: the seed is none: %w", err)
		}
		public, err := pair.PublicKey()
		if err != nil {
			return nil, err
		}
		options = append(options, nats.Nkey(public, pair.Sign))
	}
	return options, nil
}

// flush waits until the server has read all that was sent.
func flush(ctx context.Context, c *nats.Conn) error {
	if _, ok := ctx.Deadline(); ok {
		return c.FlushWithContext(ctx)
	}
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	return c.FlushWithContext(ctx)
}

// requestTimeout bounds one question to a server.
const requestTimeout = 5 * time.Second
