package verify

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/berkas-ledger/berkas/ledger"
)

// caseState is a case at the last settled position.
type caseState struct {
	folded ledger.Case
	// entries stand in order of (time, position), as they were folded.
	entries []entry
}

// entry is what is kept of a case's event: enough to find it again.
type entry struct {
	id       uuid.UUID
	micro    int64 // when it happened, microseconds since 1970
	position ledger.Position
}

// eventKey is an event's id where it has to be unique outside cases: among the
// records of a subject.
type eventKey struct {
	subject string
	id      uuid.UUID
}

func entryOf(p *prepared) entry {
	// The id's form was checked when the event was decoded.
	id, _ := uuid.Parse(p.event.ID)
	return entry{id, p.event.Time.UnixMicro(), p.at}
}

// endsBefore reports whether an event of this time, recorded now, comes last.
func (c *caseState) endsBefore(micro int64) bool {
	n := len(c.entries)
	return n == 0 || micro >= c.entries[n-1].micro
}

// insert puts an entry into its place in time. It is the last by position.
func (c *caseState) insert(en entry) {
	i := len(c.entries)
	for i > 0 && en.micro < c.entries[i-1].micro {
		i--
	}
	c.entries = slices.Insert(c.entries, i, en)
}

func (a *Auditor) caseOf(id string) *caseState {
	if c, ok := a.cases[id]; ok {
		return c
	}
	return &caseState{}
}

// usedAt finds where an event's id was used before, in its case or among the
// records of its subject; 0 if nowhere.
func (a *Auditor) usedAt(p *prepared, en entry) ledger.Position {
	id := p.record.CaseID()
	if id == "" {
		return a.ids[eventKey{p.record.Subject, en.id}]
	}
	for _, old := range a.caseOf(id).entries {
		if old.id == en.id {
			return old.position
		}
	}
	return 0
}

// take folds a record into its case, as everybody does who reads the ledger:
// also one that should not be there.
func (a *Auditor) take(id string, p *prepared, en entry) error {
	c, ok := a.cases[id]
	if !ok {
		c = &caseState{}
		a.cases[strings.Clone(id)] = c // not with the header that it is a part of
		a.stats.Cases++
	}
	was := c.folded.DuplicateOf
	event := ledger.CaseEvent{Position: p.at, Recorded: p.record.Recorded, Event: p.event}
	event.Data = nil // the payload has it all, and a history must not hold on to whole bundles
	if c.endsBefore(en.micro) && p.event.Kind != ledger.EventCorrectedKind {
		c.folded, c.entries = c.folded.Apply(event), append(c.entries, en)
		if history, ok := a.told[id]; ok {
			a.told[id] = append(history, event)
		}
	} else {
		history, err := a.history(id)
		if err != nil {
			return err
		}
		history = ledger.Insert(history, event)
		a.told[id] = history
		c.insert(en)
		c.folded = ledger.Fold(history)
	}
	a.repeat(was, c.folded.DuplicateOf)
	return nil
}

// repeat counts, for the case that another repeats, how often that is so.
func (a *Auditor) repeat(old, now string) {
	if old == now {
		return
	}
	if old != "" {
		if a.repeats[old]--; a.repeats[old] == 0 {
			delete(a.repeats, old)
		}
	}
	if now != "" {
		a.repeats[now]++
	}
}

// maxTold is of how many cases histories are kept at hand.
const maxTold = 64

// history reads a case's events in order of (time, position). They are valid
// until the next event of the case is taken.
func (a *Auditor) history(id string) ([]ledger.CaseEvent, error) {
	if history, ok := a.told[id]; ok {
		return history, nil
	}
	entries := a.caseOf(id).entries
	out := make([]ledger.CaseEvent, 0, len(entries)+1)
	for _, en := range entries {
		r, ok, err := a.read(en.position)
		if err != nil {
			return nil, err
		}
		if !ok {
			continue
		}
		e, err := ledger.DecodeRecord(r)
		if err != nil {
			continue // cannot be: it was decoded when it was taken in
		}
		e.Data = nil
		out = append(out, ledger.CaseEvent{Position: en.position, Recorded: r.Recorded, Event: e})
	}
	if len(a.told) >= maxTold {
		clear(a.told)
	}
	a.told[id] = out
	return out, nil
}

// read gives a record that was taken before. ok is false when another stands
// there now, which is a finding.
func (a *Auditor) read(p ledger.Position) (r ledger.Record, ok bool, err error) {
	leaf := a.kept[p]
	if a.config.Read != nil {
		if leaf, err = a.config.Read(p); err != nil {
			return r, false, fmt.Errorf("read position %d again: %w", p, err)
		}
		if a.differs(p, leaf) {
			return r, false, nil
		}
	}
	r, err = ledger.ParseLeaf(leaf)
	return r, err == nil, nil
}

// differs holds a leaf against the one that was taken at its position.
func (a *Auditor) differs(p ledger.Position, leaf []byte) bool {
	if a.config.Sparse || p > ledger.Position(len(a.tree.leaves)) {
		return false
	}
	was, now := a.tree.leaves[p-1], ledger.HashLeaf(leaf)
	if was == now {
		return false
	}
	a.add(Finding{Position: p, Code: CodeAltered, Expected: "leaf " + was.String(), Found: "leaf " + now.String()})
	return true
}

// until cuts an ordered history after the events of a moment.
func until(history []ledger.CaseEvent, at time.Time) []ledger.CaseEvent {
	i := len(history)
	for i > 0 && at.Before(history[i-1].Time) {
		i--
	}
	return history[:i]
}
