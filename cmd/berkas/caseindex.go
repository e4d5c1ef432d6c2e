package main

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"github.com/google/uuid"

	"github.com/berkas-ledger/berkas/eventstore"
	"github.com/berkas-ledger/berkas/ledger"
)

// caseIndex says where in the journal each case's records stand, and the roster's,
// so that a case is read at its length's cost and not the ledger's: to look for a
// subject in LEDGER takes longer the more messages there are. It follows from the
// journal alone, sees it go by at the start, and is brought up before every answer,
// so who holds a receipt finds its record. It takes about 30 bytes a record: the
// registrar's own state has several times as much.
type caseIndex struct {
	mu sync.Mutex
	at ledger.Position // what was seen
	// last is each case's last record; the roster's is that of uuid.Nil.
	last map[uuid.UUID]ledger.Position
	// before has for each record, by position less one, the record of the same case
	// before it; 0 for none.
	before []ledger.Position
}

func newCaseIndex() *caseIndex { return &caseIndex{last: map[uuid.UUID]ledger.Position{}} }

// watch gives a feed whose records the index sees as they go by.
func (x *caseIndex) watch(feed ledger.Feed) ledger.Feed {
	return func(ctx context.Context, after ledger.Position, yield func([]ledger.Record) error) error {
		return feed(ctx, after, func(records []ledger.Record) error {
			x.mu.Lock()
			err := x.add(records)
			x.mu.Unlock()
			if err != nil {
				return err
			}
			return yield(records)
		})
	}
}

// add notes records that come after those that were seen; x.mu is held.
func (x *caseIndex) add(records []ledger.Record) error {
	for i := range records {
		r := &records[i]
		if r.Position <= x.at {
			continue
		}
		if r.Position != x.at+1 {
			return &ledger.ErrBroken{Position: x.at + 1, Problem: fmt.Sprintf("found position %d instead", r.Position)}
		}
		x.at = r.Position
		key, ok := keyOfCase(r.CaseID())
		if !ok && r.Subject != ledger.SubjectRoster {
			x.before = append(x.before, 0) // nobody asks for it
			continue
		}
		x.before = append(x.before, x.last[key])
		x.last[key] = r.Position
	}
	return nil
}

// keyOfCase reads a case's id; ok is false for what is none, and for uuid.Nil,
// which stands for the roster.
func keyOfCase(id string) (uuid.UUID, bool) {
	if len(id) != 36 {
		return uuid.Nil, false
	}
	key, err := uuid.Parse(id)
	return key, err == nil && key != uuid.Nil && key.String() == id
}

// of gives the positions of a case's records in order, as the journal now has them.
func (x *caseIndex) of(ctx context.Context, j *eventstore.Journal, key uuid.UUID) ([]ledger.Position, error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.at < j.Len() {
		if err := j.Feed()(ctx, x.at, x.add); err != nil {
			return nil, err
		}
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	var out []ledger.Position
	for p := x.last[key]; p != 0; p = x.before[p-1] {
		out = append(out, p)
	}
	slices.Reverse(out)
	return out, nil
}

// recordsIn reads a case's records, or the roster's, off the journal: those of
// every receipt that was sent, since what a receipt says is in the journal before.
func (n *node) recordsIn(ctx context.Context, key uuid.UUID, subject string) ([]ledger.Record, error) {
	positions, err := n.cases.of(ctx, n.store.Journal(), key)
	if err != nil {
		return nil, err
	}
	out := make([]ledger.Record, 0, len(positions))
	for _, p := range positions {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		r, err := n.record(p)
		switch {
		case err != nil:
			return nil, err
		case r.Position != p || r.Subject != subject:
			return nil, &ledger.ErrBroken{Position: p, Problem: "the record is not the one that was there before"}
		}
		out = append(out, r)
	}
	return out, nil
}

func (n *node) caseRecords(ctx context.Context, id string) ([]ledger.Record, error) {
	key, ok := keyOfCase(id)
	if !ok {
		return nil, nil // no case has that id
	}
	return n.recordsIn(ctx, key, ledger.SubjectCase(id))
}

func (n *node) rosterRecords(ctx context.Context) ([]ledger.Record, error) {
	return n.recordsIn(ctx, uuid.Nil, ledger.SubjectRoster)
}

// followCases keeps the index near the journal's end while nobody asks, so that who
// does need not wait for what came meanwhile. What goes wrong shows to who asks.
func (n *node) followCases(ctx context.Context) error {
	n.cases.mu.Lock()
	after := n.cases.at
	n.cases.mu.Unlock()
	err := n.cases.watch(n.store.Journal().Follow())(ctx, after, func([]ledger.Record) error { return nil })
	if err != nil && ctx.Err() == nil {
		n.log.Error("the index of cases does not go on; cases are read with what was there, or not at all", "error", err)
		<-ctx.Done()
	}
	return nil
}
