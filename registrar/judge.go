package registrar

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/berkas-ledger/berkas/ledger"
	"github.com/berkas-ledger/berkas/roster"
	"github.com/berkas-ledger/berkas/schemas"
)

// Judge is the ledger as it stands, in memory: the roster, every case, which
// ids were used for which bytes. It is rebuilt from the records at the start.
// It is not safe for concurrent use, except Roster's results, which are values.
type Judge struct {
	schemas *schemas.Validator
	// open says which kinds and versions are taken.
	open func(ledger.Kind, int) bool
	// read gives a record of the ledger by its position.
	read func(ledger.Position) (ledger.Record, error)

	chain  ledger.Chain
	last   time.Time // recorded time of the last record
	roster *roster.Roster
	cases  map[string]*caseState
	ids    map[string]entry // ids outside cases: "<subject> <event id>"
	// repeats says of how many cases each case is a duplicate; of none, it is
	// not there.
	repeats map[string]int

	rehearsal *tx // what Rehearse would have admitted; nil before it is called
}

// caseState is a case at the tip of the ledger. It is replaced, not changed, so
// that an undone batch leaves no trace. Entries are appended to in place.
type caseState struct {
	folded ledger.Case
	// entries stand in order of (time, position), as they were folded.
	entries []entry
}

// entry is what is kept of an event for ever: enough to recognise its bytes.
type entry struct {
	id       string
	time     time.Time
	position ledger.Position
	sum      ledger.Hash
	agency   ledger.AgencyID
}

// NewJudge makes a judge of an empty ledger; Replay brings it up. open says
// which kinds and versions are taken: a rehearsal takes all that are known,
// production those that are frozen. read gives the record at a position, for
// cases whose history has to be folded anew.
func NewJudge(v *schemas.Validator, open func(ledger.Kind, int) bool, read func(ledger.Position) (ledger.Record, error)) *Judge {
	return &Judge{schemas: v, open: open, read: read, cases: map[string]*caseState{}, ids: map[string]entry{}, repeats: map[string]int{}}
}

// Replay folds the records of a feed that come after those already folded. The
// last of these is read again and compared (promise P3). A feed that the context
// ended early is an error: what was not read may say something else.
func (j *Judge) Replay(ctx context.Context, feed ledger.Feed) error {
	seen := j.chain.Position == 0
	err := feed(ctx, j.chain.Resume(), func(records []ledger.Record) error {
		seen = seen || len(records) > 0 && records[0].Position == j.chain.Position
		return j.fold(records)
	})
	if err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	if !seen {
		return &ledger.ErrBroken{Position: j.chain.Position, Problem: "the record seen before is gone"}
	}
	return nil
}

// fold takes records in, all or, when it fails, none.
func (j *Judge) fold(records []ledger.Record) error {
	type decoded struct {
		event ledger.Event
		err   error
		sum   ledger.Hash
	}
	list := make([]decoded, len(records))
	parallel(len(records), func(i int) {
		e, err := ledger.DecodeRecord(records[i])
		list[i] = decoded{e, err, ledger.Submission{Body: records[i].Body}.Sum()}
	})
	tx := j.begin()
	for i, r := range records {
		before := tx.chain.Position
		leaf, err := tx.chain.Next(r)
		if err != nil {
			return err
		}
		if r.Position == before {
			continue
		}
		if r.Recorded.Before(tx.last) {
			return &ledger.ErrBroken{Position: r.Position, Problem: "it was recorded before the record before it"}
		}
		if err := list[i].err; err != nil {
			return err
		}
		if r.Position == 1 {
			if tx.roster, err = roster.Start(r); err != nil {
				return err
			}
		}
		if err := tx.admit(r, leaf, list[i].event, list[i].sum); err != nil {
			return err
		}
	}
	tx.keep()
	return nil
}

// Roster gives the roster at the tip.
func (j *Judge) Roster() *roster.Roster { return j.roster }

// Chain gives the position and leaf hash of the last record.
func (j *Judge) Chain() ledger.Chain { return j.chain }

// Case gives a case as it stands; ok is false if none of that id was opened.
func (j *Judge) Case(id string) (ledger.Case, bool) {
	c, ok := j.cases[id]
	if !ok {
		return ledger.Case{}, false
	}
	return c.folded, true
}

// History reads a case's events in order of (time, position).
func (j *Judge) History(id string) ([]ledger.CaseEvent, error) {
	t := j.begin()
	return t.history(id)
}

// tx is a batch being decided: what it changes stands beside the state until
// keep. Reads see the batch's own changes.
type tx struct {
	j      *Judge
	chain  ledger.Chain
	last   time.Time
	roster *roster.Roster
	cases  map[string]*caseState
	ids    map[string]entry
	// records are those of this batch, which cannot be read back yet.
	records map[ledger.Position]ledger.Record
	// told are histories that were read for this batch, and stay true in it: who
	// corrects a long case many times makes everybody wait for one reading only.
	told map[string][]ledger.CaseEvent
	// repeats is what the batch changes of the judge's.
	repeats map[string]int
}

// maxTold is of how many cases a batch keeps the histories.
const maxTold = 64

func (j *Judge) begin() *tx {
	return &tx{
		j: j, chain: j.chain, last: j.last, roster: j.roster,
		cases: map[string]*caseState{}, ids: map[string]entry{}, records: map[ledger.Position]ledger.Record{},
		told: map[string][]ledger.CaseEvent{}, repeats: map[string]int{},
	}
}

// keep makes the batch part of the state: to be called once it is durable.
func (t *tx) keep() {
	t.j.chain, t.j.last, t.j.roster = t.chain, t.last, t.roster
	for id, c := range t.cases {
		t.j.cases[id] = c
	}
	for id, e := range t.ids {
		t.j.ids[id] = e
	}
	for id, n := range t.repeats {
		if t.j.repeats[id] += n; t.j.repeats[id] == 0 {
			delete(t.j.repeats, id)
		}
	}
}

func (t *tx) caseOf(id string) *caseState {
	if c, ok := t.cases[id]; ok {
		return c
	}
	if c, ok := t.j.cases[id]; ok {
		return c
	}
	return &caseState{}
}

// find looks an event id up where it has to be unique: in its case, or among
// the records of its subject.
func (t *tx) find(e ledger.Event, info ledger.KindInfo) (entry, bool) {
	if info.Stream == ledger.StreamCase {
		for _, en := range t.caseOf(e.Subject).entries {
			if en.id == e.ID {
				return en, true
			}
		}
		return entry{}, false
	}
	key := ledger.SubjectOf(e, info) + " " + e.ID
	if en, ok := t.ids[key]; ok {
		return en, true
	}
	en, ok := t.j.ids[key]
	return en, ok
}

// admit adds a record with its leaf hash to the batch's state. It trusts that the
// record was judged: replay calls it for what is on the ledger.
func (t *tx) admit(r ledger.Record, leaf ledger.Hash, e ledger.Event, sum ledger.Hash) error {
	t.chain = ledger.Chain{Position: r.Position, Leaf: leaf}
	t.last = r.Recorded
	t.records[r.Position] = r
	en := entry{id: e.ID, time: e.Time, position: r.Position, sum: sum, agency: e.Source}
	if id := r.CaseID(); id != "" {
		return t.admitCase(id, r, e, en)
	}
	if e.Source == ledger.Registrar {
		// Nobody can hand these in, so their ids need not be kept: strangers
		// could fill the memory with refusals.
		return nil
	}
	t.ids[r.Subject+" "+e.ID] = en
	next, err := t.roster.Apply(r.Position, e)
	if err != nil {
		return err
	}
	t.roster = next
	return nil
}

func (t *tx) admitCase(id string, r ledger.Record, e ledger.Event, en entry) error {
	old := t.caseOf(id)
	placed := ledger.CaseEvent{Position: r.Position, Recorded: r.Recorded, Event: e}
	if old.endsBefore(e.Time) && e.Kind != ledger.EventCorrectedKind {
		// What an undone batch appended lies beyond the length of the state
		// that stands, and the next batch writes over it.
		next := &caseState{entries: append(old.entries, en), folded: old.folded.Apply(placed)}
		t.repeat(old.folded.DuplicateOf, next.folded.DuplicateOf)
		t.cases[id] = next
		if history, ok := t.told[id]; ok {
			t.told[id] = append(history, placed)
		}
		return nil
	}
	history, err := t.history(id)
	if err != nil {
		return err
	}
	history = ledger.Insert(history, placed)
	t.told[id] = history
	next := &caseState{entries: old.insert(en), folded: ledger.Fold(history)}
	t.repeat(old.folded.DuplicateOf, next.folded.DuplicateOf)
	t.cases[id] = next
	return nil
}

// endsBefore reports whether an event of this time, recorded now, comes last.
func (c *caseState) endsBefore(at time.Time) bool {
	n := len(c.entries)
	return n == 0 || !at.Before(c.entries[n-1].time)
}

// insert gives the entries with one more in its place in time. It is the last by
// position.
func (c *caseState) insert(en entry) []entry {
	i := len(c.entries)
	for i > 0 && en.time.Before(c.entries[i-1].time) {
		i--
	}
	return slices.Insert(slices.Clone(c.entries), i, en)
}

// record gives a record of the ledger or of this batch.
func (t *tx) record(p ledger.Position) (ledger.Record, error) {
	if r, ok := t.records[p]; ok {
		return r, nil
	}
	r, err := t.j.read(p)
	if err != nil {
		return r, fmt.Errorf("read position %d: %w", p, err)
	}
	return r, nil
}

// history reads a case's events in order of (time, position). They are valid
// until the next event of the case is admitted.
func (t *tx) history(id string) ([]ledger.CaseEvent, error) {
	if history, ok := t.told[id]; ok {
		return history, nil
	}
	c := t.caseOf(id)
	out := make([]ledger.CaseEvent, 0, len(c.entries)+1)
	for _, en := range c.entries {
		r, err := t.record(en.position)
		if err != nil {
			return nil, err
		}
		e, err := ledger.DecodeRecord(r)
		if err != nil {
			return nil, err
		}
		out = append(out, ledger.CaseEvent{Position: r.Position, Recorded: r.Recorded, Event: e})
	}
	if len(t.told) >= maxTold {
		clear(t.told)
	}
	t.told[id] = out
	return out, nil
}
