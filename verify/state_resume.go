package verify

import (
	"bytes"
	"errors"
	"fmt"
	"sync/atomic"

	"github.com/go-json-experiment/json"

	"github.com/berkas-ledger/berkas/ledger"
	"github.com/berkas-ledger/berkas/roster"
)

// resumeRoster folds the roster from its leaves, which were judged when they
// were taken.
func (a *Auditor) resumeRoster(s *stateReader, n int) error {
	for range n {
		b := placed{ledger.Position(s.number()), bytes.Clone(s.block())}
		if s.failed {
			return errShort
		}
		r, err := ledger.ParseLeaf(b.leaf)
		if err != nil {
			return err
		}
		if a.roster == nil {
			a.roster, err = roster.Start(r)
		} else {
			var e ledger.Event
			if e, err = ledger.DecodeRecord(r); err == nil {
				a.roster, err = a.roster.Apply(b.at, e)
			}
		}
		if err != nil {
			return err
		}
		a.basis = append(a.basis, b)
	}
	return nil
}

func (a *Auditor) resumeCases(s *stateReader, h stateHead) error {
	for range h.IDs {
		k := eventKey{subject: string(s.block())}
		copy(k.id[:], s.take(uint64(len(k.id))))
		a.ids[k] = ledger.Position(s.number())
		if s.failed {
			return errShort
		}
	}
	type raw struct {
		c      *caseState
		folded []byte
	}
	var list []raw
	for range h.Cases {
		id, folded, n := string(s.block()), s.block(), s.number()
		const size = 32 // of an entry
		if s.failed || n > uint64(len(s.rest))/size {
			return errShort
		}
		c := &caseState{entries: make([]entry, n)}
		for i := range c.entries {
			en := &c.entries[i]
			copy(en.id[:], s.take(uint64(len(en.id))))
			en.micro, en.position = int64(s.number()), ledger.Position(s.number())
		}
		a.cases[id] = c
		list = append(list, raw{c, folded})
	}
	if len(s.rest) > 0 || s.failed {
		return errors.New("it does not end where it should")
	}
	var failed atomic.Pointer[error]
	a.parallel(len(list), func(i int) {
		if err := json.Unmarshal(list[i].folded, &list[i].c.folded, json.RejectUnknownMembers(true)); err != nil {
			failed.Store(&err)
		}
	}).Wait()
	if err := failed.Load(); err != nil {
		return fmt.Errorf("one of its cases cannot be read: %w", *err)
	}
	return nil
}

// Last is the signed checkpoint by which the last finished run judged, nil if
// there was none.
func (a *Auditor) Last() []byte { return a.last }
