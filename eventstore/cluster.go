package eventstore

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/berkas-ledger/berkas/ledger"
)

// followLedger: in a cluster LEDGER is right and the journal may be behind.
func (s *Store) followLedger(ctx context.Context, info streamInfo) error {
	last, have := ledger.Position(info.State.Last), s.journal.Len()
	if s.First && last == 0 && have == 1 {
		return s.complete(ctx, 1) // the genesis record, which berkas init wrote
	}
	if last < have {
		return fmt.Errorf("%w: %w", errLagging, &ledger.ErrBroken{
			Position: last + 1,
			Problem:  fmt.Sprintf("the journal goes to position %d, LEDGER, which is written first, to %d", have, last),
		})
	}
	return readWhole(ctx, s.conn.Conn, last, func(messages []*positioned) error {
		n := 0
		for n < len(messages) && messages[n].position <= have {
			n++
		}
		if n > 0 {
			if err := s.same(ctx, messages[:n]); err != nil {
				return err
			}
		}
		return s.take(messages[n:])
	})
}

// readWhole reads LEDGER from its beginning to a position that its leader named,
// from any replica. It uses no consumer: a registrar that stands by must not
// disturb the one that works.
func readWhole(ctx context.Context, c *nats.Conn, last ledger.Position, yield func([]*positioned) error) error {
	for next := ledger.Position(1); next <= last; {
		list, err := direct(ctx, c, directRequest{From: next, Batch: directBatch, Bytes: directBytes})
		if err != nil {
			return err
		}
		if len(list) == 0 {
			return fmt.Errorf("%w: a replica has nothing after position %d, the leader is at %d", errLagging, next-1, last)
		}
		for i, m := range list {
			if m.position > last { // committed meanwhile, by another
				list = list[:i]
				break
			}
			if m.position != next {
				return &ledger.ErrBroken{Position: next, Problem: fmt.Sprintf("LEDGER goes on with position %d", m.position)}
			}
			next++
		}
		if err := yield(list); err != nil {
			return err
		}
	}
	return nil
}

// Join makes the journal of a second registrar machine of a cluster, with the
// first record that LEDGER has; the rest follows when the store is opened. The
// login is in the role of the registrar.
func Join(ctx context.Context, dir, origin string, login Login) error {
	c, err := login.connect(ctx, User{Role: RoleRegistrar}, nil)
	if err != nil {
		return err
	}
	defer c.Close()
	var info streamInfo
	if err := ask(ctx, c.Conn, "STREAM.INFO."+streamLedger, nil, &info); err != nil {
		return err
	}
	a := about{journalFormat, info.Config.Metadata[metaJournal], info.Config.Metadata[metaOrigin]}
	if a.Origin != origin || info.Config.Replicas < 3 {
		return fmt.Errorf("join %s: LEDGER is that of %q, with %d replicas: %w", origin, a.Origin, info.Config.Replicas, ErrWrongJournal)
	}
	var genesis ledger.Record
	err = readWhole(ctx, c.Conn, 1, func(list []*positioned) error {
		var err error
		genesis, err = recordOf(list[0].position, list[0].subject, list[0].Msg)
		return err
	})
	if err != nil {
		return err
	}
	return createJournal(dir, a, genesis)
}

// take appends records of LEDGER to the journal.
func (s *Store) take(messages []*positioned) error {
	for part := range slices.Chunk(messages, MaxBatch) {
		leaves := make([][]byte, len(part))
		for i, m := range part {
			record, err := recordOf(m.position, m.subject, m.Msg)
			if err != nil {
				return &ledger.ErrBroken{Position: m.position, Problem: "LEDGER: " + err.Error()}
			}
			leaves[i] = record.Leaf()
		}
		if err := s.journal.Append(leaves); err != nil {
			return err
		}
	}
	return nil
}

// checkSync asks the cluster's servers whether they sync every message before
// they acknowledge it; the default is every two minutes, and then a receipt
// would promise what a power cut takes.
func (s *Store) checkSync(ctx context.Context) error {
	if s.System == nil {
		if s.TrustSync {
			return nil
		}
		return errors.New("open the store: nobody says that the cluster's servers run with sync_interval: always; give a login of the system account to ask them, or say that you have looked")
	}
	c, err := s.System.connect(ctx, User{Role: RoleSystem}, s.Log)
	if err != nil {
		return err
	}
	defer c.Close()
	answers, err := askAll(ctx, c.Conn, "$SYS.REQ.SERVER.PING.VARZ")
	if err != nil {
		return err
	}
	var lazy []string
	keeping := 0
	for _, m := range answers {
		var v struct {
			Server struct {
				Name string `json:"name"`
			} `json:"server"`
			Data struct {
				JetStream struct {
					Config *struct {
						SyncAlways bool `json:"sync_always"`
					} `json:"config"`
				} `json:"jetstream"`
			} `json:"data"`
		}
		if err := json.Unmarshal(m.Data, &v); err != nil {
			return fmt.Errorf("ask the servers how they sync: %w", err)
		}
		if v.Data.JetStream.Config == nil {
			continue // keeps nothing
		}
		keeping++
		if !v.Data.JetStream.Config.SyncAlways {
			lazy = append(lazy, v.Server.Name)
		}
	}
	if len(lazy) > 0 {
		return fmt.Errorf("open the store: set sync_interval: always on %s; without it a receipt promises what a power cut takes", strings.Join(lazy, ", "))
	}
	if keeping < 2 { // fewer than a majority of three
		return fmt.Errorf("open the store: %d of the cluster's servers answered how they sync", keeping)
	}
	return nil
}

// askAll sends a request that every server answers, and waits until no more
// answers come for a moment.
func askAll(ctx context.Context, c *nats.Conn, subject string) ([]*nats.Msg, error) {
	inbox := c.NewInbox()
	sub, err := c.SubscribeSync(inbox)
	if err != nil {
		return nil, err
	}
	defer func() { _ = sub.Unsubscribe() }()
	if err := c.PublishRequest(subject, inbox, nil); err != nil {
		return nil, err
	}
	var out []*nats.Msg
	for patience := requestTimeout; ; patience = 500 * time.Millisecond {
		wait, cancel := context.WithTimeout(ctx, patience)
		m, err := sub.NextMsgWithContext(wait)
		cancel()
		switch {
		case err == nil:
			out = append(out, m)
		case ctx.Err() != nil:
			return nil, ctx.Err()
		case len(out) == 0:
			return nil, fmt.Errorf("ask %s: %w", subject, err)
		default:
			return out, nil
		}
	}
}
