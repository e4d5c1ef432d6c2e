package main

import (
	"context"
	"errors"

	"github.com/berkas-ledger/berkas/eventstore"
	"github.com/berkas-ledger/berkas/ledger"
	"github.com/berkas-ledger/berkas/registrar"
	"github.com/berkas-ledger/berkas/roster"
	"github.com/berkas-ledger/berkas/schemas"
)

// view reads a ledger from wherever it is: a running one over NATS, a stopped
// one from the journal in the data directory.
type view struct {
	origin   string
	follower *eventstore.Follower
	journal  *eventstore.Journal
}

// view opens the ledger for reading.
func (o *options) view(ctx context.Context) (*view, error) {
	h, err := o.home()
	if err != nil {
		return nil, err
	}
	if o.nats != "" {
		login := eventstore.Login{URL: o.nats, Credentials: o.creds, Name: "berkas command"}
		if o.seed != "" {
			if login.Seed, err = readSecret(o.seed); err != nil {
				return nil, err
			}
		}
		return follow(ctx, login, "")
	}
	if r, ok := h.found(); ok {
		login, err := h.login(r.NATS, eventstore.User{Role: eventstore.RoleFollower, Name: followerCommands})
		if err != nil {
			return nil, err
		}
		return follow(ctx, login, r.Origin)
	}
	if !h.exists() {
		return nil, &codedError{exitNotFound, errors.New("no ledger in " + h.dir), "Name its directory with --data, or make one with 'berkas dev' or 'berkas init'."}
	}
	j, err := eventstore.OpenJournal(ctx, h.journal(), "", eventstore.JournalOptions{Log: o.log()})
	if err != nil {
		return nil, err
	}
	return &view{origin: j.Origin(), journal: j}, nil
}

func follow(ctx context.Context, login eventstore.Login, origin string) (*view, error) {
	f, err := eventstore.Follow(ctx, eventstore.FollowConfig{Login: login, Follower: followerCommands, Origin: origin})
	if err != nil {
		return nil, unreachable("", "follow the ledger at %s: %w", login.URL, err)
	}
	return &view{origin: origin, follower: f}, nil
}

func (v *view) close() {
	if v.follower != nil {
		_ = v.follower.Close() // reading only
	}
	if v.journal != nil {
		_ = v.journal.Close()
	}
}

// errEnough ends a feed that has no end.
var errEnough = errors.New("enough")

// feed yields what the ledger holds now, then ends.
func (v *view) feed(ctx context.Context) (ledger.Feed, error) {
	if v.journal != nil {
		return v.journal.Feed(), nil
	}
	head, err := v.follower.Head(ctx)
	if err != nil {
		return nil, err
	}
	live := v.follower.Feed()
	return func(ctx context.Context, after ledger.Position, yield func([]ledger.Record) error) error {
		if after >= head {
			return nil
		}
		err := live(ctx, after, func(records []ledger.Record) error {
			for i, r := range records {
				if r.Position >= head {
					if err := yield(records[:i+1]); err != nil {
						return err
					}
					return errEnough
				}
			}
			return yield(records)
		})
		if errors.Is(err, errEnough) {
			return nil
		}
		return err
	}, nil
}

// live yields what the ledger holds and then what comes.
func (v *view) live() ledger.Feed {
	if v.journal != nil {
		return v.journal.Feed()
	}
	return v.follower.Feed()
}

// subject yields the records of one subject that are there now.
func (v *view) subject(subject string) ledger.Feed {
	if v.follower != nil {
		return v.follower.Subject(subject)
	}
	return func(ctx context.Context, after ledger.Position, yield func([]ledger.Record) error) error {
		return v.journal.Feed()(ctx, after, func(records []ledger.Record) error {
			var own []ledger.Record
			for _, r := range records {
				if r.Subject == subject {
					own = append(own, r)
				}
			}
			if len(own) == 0 {
				return nil
			}
			return yield(own)
		})
	}
}

// judge folds the whole ledger, for dry runs. The records it may need again are
// kept in memory.
func (v *view) judge(ctx context.Context) (*registrar.Judge, error) {
	validator, err := schemas.New()
	if err != nil {
		return nil, err
	}
	feed, err := v.feed(ctx)
	if err != nil {
		return nil, err
	}
	var kept []ledger.Record
	read := func(p ledger.Position) (ledger.Record, error) { return kept[p-1], nil }
	j := registrar.NewJudge(validator, func(ledger.Kind, int) bool { return true }, read)
	err = j.Replay(ctx, func(ctx context.Context, after ledger.Position, yield func([]ledger.Record) error) error {
		return feed(ctx, after, func(records []ledger.Record) error {
			kept = append(kept, records...)
			return yield(records)
		})
	})
	return j, err
}

// rosterOf folds the roster's records of a feed that starts at genesis.
func rosterOf(ctx context.Context, feed ledger.Feed) (*roster.Roster, error) {
	var out *roster.Roster
	err := feed(ctx, 0, func(records []ledger.Record) error {
		for _, r := range records {
			if r.Subject != ledger.SubjectRoster {
				continue
			}
			e, err := ledger.DecodeRecord(r)
			if err != nil {
				return err
			}
			if r.Position == 1 {
				out, err = roster.Start(r)
			} else if out != nil {
				out, err = out.Apply(r.Position, e)
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err == nil && out == nil {
		err = errors.New("the ledger has no genesis record")
	}
	return out, err
}

func participants(list []roster.Institution) []ledger.AgencyID {
	out := make([]ledger.AgencyID, len(list))
	for i, p := range list {
		out[i] = p.ID
	}
	return out
}

func agenciesOf(ctx context.Context, feed ledger.Feed) ([]ledger.AgencyID, error) {
	r, err := rosterOf(ctx, feed)
	if err != nil {
		return nil, err
	}
	return participants(r.Institutions()), nil
}
