package projections

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/berkas-ledger/berkas/ledger"
)

// decoded is a record with its event: all that can be found out without knowing
// the records before it.
type decoded struct {
	record  ledger.Record
	event   ledger.Event
	eventID uuid.UUID
	caseID  uuid.UUID // zero for a record of no case
}

// decode reads a record. A record that is no event, or that stands on another
// subject than its event belongs to, is a *ledger.ErrBroken.
func decode(r ledger.Record) (decoded, error) {
	e, err := ledger.DecodeRecord(r)
	if err != nil {
		return decoded{}, err
	}
	d := decoded{record: r, event: e}
	if d.eventID, err = uuid.Parse(e.ID); err != nil {
		return decoded{}, &ledger.ErrBroken{Position: r.Position, Problem: "the event's id is no UUID"}
	}
	if s := r.CaseID(); s != "" {
		// Only an event of an unknown kind may name a case that is no UUID;
		// nothing is folded from it then.
		if id, err := uuid.Parse(s); err == nil && id.String() == s {
			d.caseID = id
		}
	}
	return d, nil
}

// state is where the tables stand, and what of the records before is needed to
// go on.
type state struct {
	chain    ledger.Chain
	recorded time.Time // of the record at the chain's position
	// lateAfter is how long after it happened an event may be recorded without
	// being late; negative before the genesis.
	lateAfter time.Duration
	unknown   uint64
}

const day = 24 * time.Hour

// late reports whether an event was recorded late.
func (s *state) late(happened, recorded time.Time) bool {
	return s.lateAfter >= 0 && recorded.Sub(happened) > s.lateAfter
}

// advance moves the state over one record; seen says that it is the record the
// tables already stand at.
func (s *state) advance(d *decoded) (leaf ledger.Hash, seen bool, err error) {
	r := &d.record
	seen = s.chain.Position != 0 && r.Position == s.chain.Position
	if !seen && r.Recorded.Before(s.recorded) {
		return leaf, false, &ledger.ErrBroken{Position: r.Position, Problem: "it was recorded before the record before it"}
	}
	if leaf, err = s.chain.Next(*r); err != nil || seen {
		return leaf, seen, err
	}
	s.recorded = r.Recorded
	if g, ok := d.event.Payload.(*ledger.Genesis); ok && r.Position == 1 {
		s.lateAfter = time.Duration(g.LateAfterDays) * day
	}
	if d.event.Payload == nil {
		s.unknown++
	}
	return leaf, false, nil
}

// batch is what one transaction writes.
type batch struct {
	number        uint64
	before, after state
	applied       int  // records beyond the one the tables stood at
	checked       bool // that one was read again and is the same

	// Tuples of the tables.
	records  []byte
	history  []byte
	refusals []byte
	figures  []byte
	sought   []byte
	inserted int // rows of history
	replaced []replaced

	owed     []byte     // tuples of obligations
	disowned []replaced // whose obligations end
	rules    ledger.Rules
	// ruling, if set, is what the batch's only record says of the rules. It is
	// worked out while the batch is written, for every row there is.
	ruling *ruling

	scratch []byte
}

// buffers are the large ones of a batch. Making and growing them anew costs a
// tenth of the time of catching up.
type buffers struct{ records, history, owed, sought []byte }

// large is from how many records on a batch's buffers are kept.
const large = 1000

// folder turns records into batches. It keeps the state after the last batch it
// made, which the writer may not have committed yet.
type folder struct {
	state state
	cases *caseCache
	// rules are those in force, by what was published, in its order.
	rules     ledger.Rules
	published []any
	// rows: there are cases of which rules may move what is owed.
	rows    bool
	batches uint64
	checked bool // the record the tables stood at was read again; true if there is none
	// buffers are those of the last two large batches. A batch is handed on when
	// the one before it stands in the tables, so the next may use the buffers of
	// the one before.
	buffers [2]buffers
	// load reads the events of cases up to a position from the tables.
	load func(context.Context, []uuid.UUID, ledger.Position) (map[uuid.UUID][]ledger.CaseEvent, error)
}

// fold makes the batch of the next records. committed is the number of the last
// batch that stands in the tables. With an error comes the batch of the records
// before the one that it is about, nil if it is about none.
func (f *folder) fold(ctx context.Context, pieces []*piece, committed uint64) (*batch, error) {
	f.batches++
	b := &batch{number: f.batches, before: f.state, rules: f.rules}
	kept := &f.buffers[f.batches%2]
	b.records, b.history, b.owed, b.sought = kept.records[:0], kept.history[:0], kept.owed[:0], kept.sought[:0]
	*kept = buffers{}
	if err := f.fetch(ctx, pieces); err != nil {
		return nil, err
	}
	for d := range recordsOf(pieces) {
		if at := f.state.chain.Position; !f.checked && d.record.Position != at {
			return nil, &ledger.ErrBroken{Position: at, Problem: fmt.Sprintf("found position %d instead", d.record.Position)}
		}
		leaf, seen, err := f.state.advance(d)
		if err != nil {
			return f.complete(b), err
		}
		if seen {
			b.checked, f.checked = true, true
			continue
		}
		b.applied++
		b.records = putRecord(b.records, d, leaf, f.state.late(d.event.Time, d.record.Recorded))
		if err := f.apply(b, d); err != nil {
			return nil, err
		}
	}
	b = f.complete(b)
	f.cases.trim(committed)
	return b, nil
}

func (f *folder) complete(b *batch) *batch {
	b.after = f.state
	if b.applied >= large {
		f.buffers[b.number%2] = buffers{b.records, b.history, b.owed, b.sought}
	}
	return b
}

// recordsOf goes through the decoded records of pieces.
func recordsOf(pieces []*piece) iter.Seq[*decoded] {
	return func(yield func(*decoded) bool) {
		for _, p := range pieces {
			for i := range p.decoded {
				if !yield(&p.decoded[i]) {
					return
				}
			}
		}
	}
}

// fetch brings the cases of records into memory.
func (f *folder) fetch(ctx context.Context, pieces []*piece) error {
	var missing []uuid.UUID
	asked := make(map[uuid.UUID]bool)
	for d := range recordsOf(pieces) {
		if d.caseID == uuid.Nil || asked[d.caseID] || f.cases.has(d.caseID) {
			continue
		}
		asked[d.caseID] = true
		missing = append(missing, d.caseID)
	}
	if len(missing) == 0 || f.state.chain.Position == 0 {
		return nil
	}
	events, err := f.load(ctx, missing, f.state.chain.Position)
	if err != nil {
		return err
	}
	for id, list := range events {
		f.cases.put(&heldCase{id: id, events: list, rows: standingRows(id, list)})
	}
	return nil
}

// apply puts a record into the models it belongs to.
func (f *folder) apply(b *batch, d *decoded) error {
	switch p := d.event.Payload.(type) {
	case *ledger.SubmissionRefused:
		b.refusals = putRefusal(b.refusals, d, p)
	case *ledger.FiguresPublished:
		var err error
		if b.figures, err = putFigures(b.figures, d, p); err != nil {
			return err
		}
	}
	if isRule(d) {
		f.publish(b, d)
	}
	if d.caseID == uuid.Nil {
		return nil
	}
	f.rows = true
	b.sought = putSought(b.sought, d)
	c, e := f.cases.get(d.caseID), caseEvent(d)
	c.batch = b.number
	f.cases.grown(1)
	n := len(c.events)
	if last := n == 0 || !e.Time.Before(c.events[n-1].Time); last && e.Kind != ledger.EventCorrectedKind { // the usual case
		c.events = append(c.events, e)
		c.rows.extend(b, c.id, e)
		return nil
	}
	before := slices.Clone(c.events)
	c.events = ledger.Insert(c.events, e)
	c.rows.revise(b, c.id, before, c.events, e.Position)
	return nil
}

// publish puts a rule into force.
func (f *folder) publish(b *batch, d *decoded) {
	before := f.rules
	f.published = append(f.published, d.event.Payload)
	f.rules = ledger.Publish(f.published)
	b.rules = f.rules
	if f.rows && moves(before, f.rules, d.event.Payload) {
		b.ruling = newRuling(before, f.rules, f.published, d.record.Position)
	}
}

// moves reports whether a rule would change what is owed, were it published next.
func (f *folder) moves(payload any) bool {
	return moves(f.rules, ledger.Publish(append(slices.Clip(f.published), payload)), payload)
}

// cut gives what the next batch is made of, and the rest. A record that moves
// what is owed is a batch of its own, for all rows are looked at then: they have
// to stand in the tables.
func (f *folder) cut(pieces []*piece) (now, rest []*piece) {
	rows, published := f.rows, false // published: rules that f.rules has not got yet
	for i, p := range pieces {
		for j := range p.decoded {
			d := &p.decoded[j]
			rows = rows || d.caseID != uuid.Nil
			if !isRule(d) {
				continue
			}
			if !rows || !published && !f.moves(d.event.Payload) {
				published = true
				continue
			}
			if i == 0 && j == 0 {
				j = 1
			}
			now = append(slices.Clone(pieces[:i]), &piece{decoded: p.decoded[:j]})
			return now, append([]*piece{{decoded: p.decoded[j:]}}, pieces[i+1:]...)
		}
	}
	return pieces, nil
}

// caseEvent keeps of an event what folding needs, so that the bytes it was read
// from can be forgotten.
func caseEvent(d *decoded) ledger.CaseEvent {
	e := &d.event
	return ledger.CaseEvent{
		Position: d.record.Position,
		Recorded: d.record.Recorded,
		Event: ledger.Event{
			ID: e.ID, Source: e.Source, Kind: e.Kind, Version: e.Version, Subject: e.Subject, Time: e.Time, Payload: e.Payload,
		},
	}
}
