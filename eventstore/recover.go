package eventstore

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/berkas-ledger/berkas/ledger"
)

// Recover compares the journal with LEDGER, record by record, and completes the
// one that follows. In a cluster records that another registrar wrote, or that
// an ErrUnknown left in doubt, are in Feed afterwards. While NATS cannot be
// reached it waits.
//
// A *ledger.ErrBroken means that the two contradict one another: stop, nothing
// may be decided until somebody has looked.
func (s *Store) Recover(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended != nil {
		return s.ended
	}
	_ = s.settle(ctx) // what it says is looked at below
	began := time.Now()
	wait := 50 * time.Millisecond
	for {
		err := s.recoverOnce(ctx)
		var behind *ledger.ErrBroken
		if errors.Is(err, errLagging) && errors.As(err, &behind) && time.Since(began) > s.PublishTimeout {
			return fmt.Errorf("recover the ledger: %w", behind)
		}
		if err == nil {
			s.doubt = nil
			return nil
		}
		if !transient(err) || ctx.Err() != nil {
			return fmt.Errorf("recover the ledger: %w", err)
		}
		s.Log.Warn("the ledger is not recovered yet", "error", err)
		select {
		case <-ctx.Done():
			return fmt.Errorf("recover the ledger: %w", err)
		case <-time.After(wait):
		}
		wait = min(2*wait, 2*time.Second)
	}
}

// errLagging is a LEDGER that may not show yet all that was committed: a leader
// is new, or a replica is slow.
var errLagging = errors.New("LEDGER may not show all its records yet")

// transient reports whether a server may answer differently in a moment. A
// conflict does while it is this process's own records that still arrive, from
// a commit that was given up; a stranger's are found by comparing again.
func transient(err error) bool {
	for _, e := range []error{
		ErrConflict, ErrUnknown, errLagging, errRestart, nats.ErrNoResponders, nats.ErrDisconnected, nats.ErrReconnectBufExceeded,
		nats.ErrTimeout, nats.ErrNoServers, context.DeadlineExceeded,
	} {
		if errors.Is(err, e) {
			return true
		}
	}
	var api *apiError
	return errors.As(err, &api) && api.Code == 503 // no leader, shutting down, starting
}

func (s *Store) recoverOnce(ctx context.Context) error {
	info, err := s.ledgerInfo(ctx)
	if isCode(err, codeStreamNotFound) && !s.Cluster {
		return s.recreate(ctx, "LEDGER is gone", nil)
	}
	if err != nil {
		return err
	}
	if s.Cluster {
		return s.followLedger(ctx, info)
	}
	if err := s.haveReader(ctx); err != nil {
		return err
	}
	return s.completeLedger(ctx, info)
}

// haveReader checks that there is the consumer to read LEDGER by.
func (s *Store) haveReader(ctx context.Context) error {
	err := ask(ctx, s.conn.Conn, "CONSUMER.INFO."+streamLedger+"."+consumerRegistrar, nil, nil)
	if !absent(err) {
		return err
	}
	if s.Provision == nil {
		return fmt.Errorf("LEDGER has no consumer %s: %w", consumerRegistrar, ErrNotProvisioned)
	}
	c, err := s.Provision.connect(ctx, User{Role: RoleProvision}, s.Log)
	if err != nil {
		return err
	}
	defer c.Close()
	return haveConsumer(ctx, c.Conn, streamLedger, readConsumer(consumerRegistrar, 1))
}

// ledgerInfo asks LEDGER's leader about it, and checks that it is this ledger's
// and set up as it has to be.
func (s *Store) ledgerInfo(ctx context.Context) (streamInfo, error) {
	var info streamInfo
	if err := ask(ctx, s.conn.Conn, "STREAM.INFO."+streamLedger, nil, &info); err != nil {
		return info, err
	}
	have := info.Config
	if id, origin := have.Metadata[metaJournal], have.Metadata[metaOrigin]; id != s.journal.ID() || origin != s.Origin {
		return info, fmt.Errorf("LEDGER belongs to journal %q of %q, %s holds %q: %w", id, origin, s.Dir, s.journal.ID(), ErrWrongJournal)
	}
	switch {
	case s.Cluster && have.Replicas < 3:
		return info, fmt.Errorf("LEDGER has %d replicas, a cluster needs at least 3: %w", have.Replicas, ErrNotProvisioned)
	case !s.Cluster && have.Replicas > 1:
		return info, fmt.Errorf("LEDGER has %d replicas; open it as a cluster's: %w", have.Replicas, ErrNotProvisioned)
	}
	want := ledgerStream(s.journal.ID(), s.Origin, have.Replicas)
	have.Metadata, want.Metadata = nil, nil
	return info, differs("stream "+streamLedger, have, want)
}

// completeLedger: the journal is right and LEDGER may be behind.
func (s *Store) completeLedger(ctx context.Context, info streamInfo) error {
	have := s.journal.Len()
	if last := ledger.Position(info.State.Last); last > have {
		return &ledger.ErrBroken{Position: have + 1, Problem: fmt.Sprintf("LEDGER goes to position %d, the journal, which is written first, to %d", last, have)}
	}
	next, hole, err := s.compare(ctx, info)
	if err != nil {
		return err
	}
	if hole != nil {
		return s.recreate(ctx, hole.Problem, &info)
	}
	return s.complete(ctx, next)
}

// compare reads LEDGER and holds every record against the journal's. It returns
// the position after the last one, or the first hole.
func (s *Store) compare(ctx context.Context, info streamInfo) (next ledger.Position, hole *ledger.ErrBroken, err error) {
	next = 1
	missing := func(p ledger.Position) {
		if hole == nil {
			hole = &ledger.ErrBroken{Position: next, Problem: fmt.Sprintf("LEDGER has no record from position %d to %d", next, p-1)}
		}
	}
	last := ledger.Position(info.State.Last)
	if last == 0 {
		return next, nil, nil
	}
	r := reader{conn: s.conn, consumer: consumerRegistrar, log: s.Log}
	err = r.read(ctx, 0, last, func(messages []*positioned) error {
		for len(messages) > 0 {
			n := 1
			for n < len(messages) && messages[n].position == messages[n-1].position+1 {
				n++
			}
			if p := messages[0].position; p != next {
				missing(p)
			}
			if err := s.same(ctx, messages[:n]); err != nil {
				return err
			}
			next = messages[n-1].position + 1
			messages = messages[n:]
		}
		return nil
	})
	if err == nil {
		err = ctx.Err()
	}
	if err == nil && next <= last {
		missing(last + 1)
	}
	return next, hole, err
}

// same compares a run of messages with the journal. Leaves determine records
// and leaf hashes leaves, so it compares leaves.
func (s *Store) same(ctx context.Context, run []*positioned) error {
	i := 0
	return s.journal.Leaves(ctx, run[0].position, run[len(run)-1].position, func(p ledger.Position, leaf []byte) error {
		m := run[i]
		i++
		r, err := recordOf(p, m.subject, m.Msg)
		if err != nil {
			return &ledger.ErrBroken{Position: p, Problem: "LEDGER: " + err.Error()}
		}
		if !bytes.Equal(r.Leaf(), leaf) {
			return &ledger.ErrBroken{Position: p, Problem: "LEDGER and journal hold different records"}
		}
		return nil
	})
}

// complete publishes the journal's records from a position on.
func (s *Store) complete(ctx context.Context, next ledger.Position) error {
	last := s.journal.Len()
	if next > last {
		return nil
	}
	s.Log.Info("completing LEDGER from the journal", "from", next, "to", last)
	_, err := s.journal.feed(ctx, next-1, last, func(records []ledger.Record) error {
		for len(records) > 0 {
			n := min(len(records), MaxBatch)
			if err := s.publisher.fly(ctx, records[:n]); err != nil {
				return err
			}
			records = records[n:]
		}
		return nil
	})
	return errors.Join(err, ctx.Err())
}

// recreate makes LEDGER anew from the journal, in the provisioning role, with
// the consumers it had.
func (s *Store) recreate(ctx context.Context, why string, old *streamInfo) error {
	if s.Provision == nil {
		return fmt.Errorf("%s, and this process may not make it anew: %w", why, ErrNotProvisioned)
	}
	s.Log.Warn("making LEDGER anew from the journal", "because", why, "records", s.journal.Len())
	c, err := s.Provision.connect(ctx, User{Role: RoleProvision}, s.Log)
	if err != nil {
		return err
	}
	defer c.Close()
	readers := append([]string{consumerRegistrar}, s.Followers...)
	if old != nil {
		var had struct {
			Consumers []string `json:"consumers"`
		}
		if err := ask(ctx, c.Conn, "CONSUMER.NAMES."+streamLedger, nil, &had); err != nil {
			return err
		}
		for _, name := range had.Consumers {
			if !slices.Contains(readers, name) {
				readers = append(readers, name)
			}
		}
		if err := ask(ctx, c.Conn, "STREAM.DELETE."+streamLedger, nil, nil); err != nil {
			return err
		}
	}
	if err := provisionLedger(ctx, c.Conn, ledgerStream(s.journal.ID(), s.Origin, 1), readers); err != nil {
		return err
	}
	return s.complete(ctx, 1)
}
