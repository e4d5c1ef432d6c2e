package eventstore

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/berkas-ledger/berkas/ledger"
)

// FollowConfig says who follows LEDGER.
type FollowConfig struct {
	Login Login
	// Follower is the name that the consumer of this process was provisioned
	// under, for instance "projections". Two processes need two names.
	Follower string
	// Origin, when set, is the ledger's: another's LEDGER is refused.
	Origin string
	Log    *slog.Logger

	// rewindPatience is how long LEDGER may be shorter than what was read of it
	// before, while recovery makes it anew; zero is a minute.
	rewindPatience time.Duration
}

// Follower reads LEDGER from anywhere, in the role of a follower.
type Follower struct {
	FollowConfig
	conn *link

	feeding sync.Mutex // held by a running Feed: there is one consumer
}

// Follow connects a follower.
func Follow(ctx context.Context, c FollowConfig) (*Follower, error) {
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.rewindPatience == 0 {
		c.rewindPatience = time.Minute
	}
	u := User{Role: RoleFollower, Name: c.Follower}
	if _, err := RightsOf(u); err != nil {
		return nil, fmt.Errorf("follow LEDGER: %w", err)
	}
	conn, err := c.Login.connect(ctx, u, c.Log)
	if err != nil {
		return nil, err
	}
	return &Follower{FollowConfig: c, conn: conn}, nil
}

// Feed yields the records of LEDGER after a position and then those that come,
// until the context ends. Lost connections, and a LEDGER that is made anew, are
// survived. A hole, a message that is not a record, or a LEDGER that stays
// shorter than the position, is a *ledger.ErrBroken.
//
// Feeds of one Follower run one after the other.
func (f *Follower) Feed() ledger.Feed {
	return func(ctx context.Context, after ledger.Position, yield func([]ledger.Record) error) error {
		f.feeding.Lock()
		defer f.feeding.Unlock()
		next := after + 1
		r := reader{f.conn, f.Follower, f.Log, f.atStart()}
		return r.read(ctx, after, 0, func(messages []*positioned) error {
			records := make([]ledger.Record, len(messages))
			for i, m := range messages {
				if m.position != next {
					return &ledger.ErrBroken{Position: next, Problem: fmt.Sprintf("LEDGER goes on with position %d", m.position)}
				}
				var err error
				if records[i], err = recordOf(m.position, m.subject, m.Msg); err != nil {
					return &ledger.ErrBroken{Position: next, Problem: "LEDGER: " + err.Error()}
				}
				next++
			}
			return yield(records)
		})
	}
}

// atStart makes a check for the start of each session: LEDGER must be the right
// ledger's, and not shorter than what was read of it, but for the time that
// recovery needs to make it anew.
func (f *Follower) atStart() func(context.Context, ledger.Position) error {
	var short time.Time
	return func(ctx context.Context, next ledger.Position) error {
		head, err := f.Head(ctx)
		if err != nil {
			return restart(err)
		}
		if head >= 1 {
			if err := f.checkOrigin(ctx); err != nil {
				return err
			}
		}
		if head >= next-1 {
			short = time.Time{}
			return nil
		}
		if short.IsZero() {
			short = time.Now()
		}
		broken := rewound(next-1, head)
		if time.Since(short) < f.rewindPatience {
			return restart(broken)
		}
		return broken
	}
}

// checkOrigin reads whose ledger it is off the first record. A follower has no
// right to read LEDGER's metadata, and the record is what counts.
func (f *Follower) checkOrigin(ctx context.Context) error {
	if f.Origin == "" {
		return nil
	}
	first, err := direct(ctx, f.conn.Conn, directRequest{From: 1})
	if err != nil {
		return restart(err)
	}
	var genesis struct {
		Ledger string `json:"ledger"`
	}
	if len(first) == 0 || json.Unmarshal(first[0].Data, &genesis) != nil || genesis.Ledger != f.Origin {
		return fmt.Errorf("follow LEDGER: its first record is not of %s: %w", f.Origin, ErrWrongJournal)
	}
	return nil
}

// Head is the position of LEDGER's last record.
func (f *Follower) Head(ctx context.Context) (ledger.Position, error) {
	last, err := direct(ctx, f.conn.Conn, directRequest{LastFor: ledger.SubjectsLedger})
	if err != nil || len(last) == 0 {
		return 0, err
	}
	return last[0].position, nil
}

// Reach waits until LEDGER has a position. On one machine LEDGER follows the
// journal, and so a receipt, by some milliseconds; whoever acts on a receipt asks
// for its position first.
func (f *Follower) Reach(ctx context.Context, p ledger.Position) error {
	for wait := time.Millisecond; ; wait = min(2*wait, 100*time.Millisecond) {
		head, err := f.Head(ctx)
		if err != nil || head >= p {
			return err
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(wait):
		}
	}
}

// Subject yields the records of one subject of LEDGER (ledger.SubjectCase and
// its like) that are there at the moment of the call, then ends. Positions rise
// but do not run on.
func (f *Follower) Subject(subject string) ledger.Feed {
	return func(ctx context.Context, after ledger.Position, yield func([]ledger.Record) error) error {
		head, err := f.Head(ctx)
		for err == nil && after < head {
			var list []*positioned
			list, err = direct(ctx, f.conn.Conn, directRequest{From: after + 1, NextFor: subject, Batch: directBatch, Bytes: directBytes})
			if err != nil || len(list) == 0 {
				break
			}
			records := make([]ledger.Record, 0, len(list))
			for _, m := range list {
				after = m.position
				if after > head {
					break
				}
				r, err := recordOf(m.position, m.subject, m.Msg)
				if err != nil {
					return &ledger.ErrBroken{Position: m.position, Problem: "LEDGER: " + err.Error()}
				}
				records = append(records, r)
			}
			if len(records) > 0 {
				err = yield(records)
			}
		}
		if ctx.Err() != nil {
			err = nil // the end that was asked for
		}
		return err
	}
}

// Close ends the connection.
func (f *Follower) Close() error {
	f.conn.Close()
	return nil
}
