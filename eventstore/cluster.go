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
	if last < have {
		return fmt.Errorf("%w: %w", errLagging, &ledger.ErrBroken{Position: last + 1,
			Problem: fmt.Sprintf("the journal goes to position %d, LEDGER, which is written first, to %d", have, last)})
	}
	next := ledger.Position(1)
	r := reader{conn: s.conn, consumer: consumerRegistrar, log: s.Log}
	err := r.read(ctx, 0, last, func(messages []*positioned) error {
		for _, m := range messages {
			if m.position != next {
				return &ledger.ErrBroken{Position: next, Problem: fmt.Sprintf("LEDGER goes on with position %d", m.position)}
			}
			next++
		}
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
	if err := errors.Join(err, ctx.Err()); err != nil {
		return err
	}
	if next <= last {
		return fmt.Errorf("%w: read to position %d, its leader is at %d", errLagging, next-1, last)
	}
	return nil
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
