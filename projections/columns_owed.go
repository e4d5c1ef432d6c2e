package projections

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"math"
	"runtime"
	"slices"

	"github.com/google/uuid"

	"github.com/berkas-ledger/berkas/ledger"
)

// A page of the work list: what is owed is found and put in order in numbers, and
// the definition is asked for the obligations of the page. Nothing ever holds the
// whole list: the order is counted in slots of a day, and only those slots that a
// page needs, and some more for the next pages, are listed; the first ones while they
// are counted.

// owedPlace is where an obligation stands in the order of the list, but for those of
// one case that share all of it.
type owedPlace struct {
	id    uuid.UUID
	since int64
	due   int32 // as dueKeyOf has it
	rank  uint8
}

func (p *owedPlace) compare(o *owedPlace) int {
	return cmp.Or(cmp.Compare(p.rank, o.rank), cmp.Compare(p.due, o.due), cmp.Compare(p.since, o.since), bytes.Compare(p.id[:], o.id[:]))
}

// owedSections are the parts of the order that are counted by days: what is overdue
// and what is due by its due day, what has none by when it began; of what is over
// that without a due day first.
const owedSections = 5

// slot is the place's day in its section. What shares a slot is put in order when it
// is listed.
func (p *owedPlace) slot() int {
	section, day := int(p.rank), p.due
	switch {
	case p.rank == rankOver && p.due != math.MinInt32:
		section++
	case p.rank >= rankUndated && p.since == noTime:
		day = math.MinInt32
	case p.rank >= rankUndated:
		day = dayOfColumn(p.since)
	}
	return section*tableDays + int(min(max(int64(day)-tableFrom, 0), tableDays-1))
}

// owedOrder is the order of a list.
type owedOrder struct {
	slots                 []int32 // how many places each has
	total, overdue, cases int
	places                []owedPlace // the first ones, all of them if they are few
}

// fewOwed is how many places are kept together at most, but for those of one day.
const fewOwed = 1 << 17

// owedWords is how many words of memory a place takes.
const owedWords = 4

// owedWindow is a stretch of the order, of whole slots.
type owedWindow struct {
	lo, hi int // slots
	first  int // which of all places is its first
	places []owedPlace
}

// window says in which stretch a place stands, of no more than a few but of one slot.
func (o *owedOrder) window(place, few int) (w owedWindow) {
	n := 0
	for i, in := range o.slots {
		if n > 0 && n+int(in) > few {
			if place < w.first+n {
				return w
			}
			w.lo, w.first, n = i, w.first+n, 0
		}
		n += int(in)
		w.hi = i + 1
	}
	return w
}

// owedAsked is a question about what is owed, in a snapshot.
type owedAsked struct {
	*snapshot
	q     WorkQuery
	rules ledger.Rules
	memo  *rulesMemo
	few   int // how many places are kept together
}

// owedPage fills in a page of the list. ok is false where only the definition can
// tell the order.
func (c *columns) owedPage(ctx context.Context, s *snapshot, out *WorkList, rules ledger.Rules) (ok bool, err error) {
	q := out.Query
	a := owedAsked{s, q, rules, &c.rules, c.few}
	a.q.Offset, a.q.Limit = 0, 0
	key := fmt.Sprintf("order %d %d %d %+v", s.load, q.AsOf.UnixMicro(), q.KnownAt, a.q)
	value, err := c.memo.answer(ctx, key, c.works, func(ctx context.Context) (any, int, error) {
		o, err := a.order(ctx)
		if o == nil || err != nil {
			return o, 0, err
		}
		return o, owedWords*len(o.places) + len(o.slots)/2, nil
	})
	if err != nil {
		return false, err
	}
	o := value.(*owedOrder)
	if o == nil {
		return false, nil
	}
	out.Total, out.Overdue, out.Cases, out.Obligations = o.total, o.overdue, o.cases, nil
	end := o.total
	if q.Limit > 0 {
		end = min(end, q.Offset+q.Limit)
	}
	for at := q.Offset; at < end; {
		w := owedWindow{places: o.places}
		if at >= len(o.places) {
			if w, err = c.owedWindow(ctx, &a, o, at, key); err != nil {
				return false, err
			}
		}
		page, err := a.namePage(ctx, &w, at, min(end, w.first+len(w.places)))
		switch {
		case ctx.Err() != nil:
			return false, ctx.Err()
		case err != nil:
			c.log.ErrorContext(ctx, "a page of the work list is left to the definition", "error", err.Error())
			return false, nil
		}
		at += len(page)
		out.Obligations = append(out.Obligations, page...)
	}
	return true, nil
}

// owedWindow lists the stretch in which a place stands.
func (c *columns) owedWindow(ctx context.Context, a *owedAsked, o *owedOrder, place int, key string) (owedWindow, error) {
	w := o.window(place, a.few)
	value, err := c.memo.answer(ctx, fmt.Sprint("window ", w.lo, " of ", key), c.works, func(ctx context.Context) (any, int, error) {
		b := a.rulebook(a.rules, a.q.Agency, a.memo)
		parts, err := a.find(ctx, b, w.lo, w.hi, math.MaxInt)
		if err != nil {
			return nil, 0, err
		}
		places := mergedPlaces(parts)
		return places, owedWords * len(places), nil
	})
	if err != nil {
		return w, err
	}
	w.places = value.([]owedPlace)
	return w, nil
}

// order counts all places; nil: some are for the definition to find.
func (a *owedAsked) order(ctx context.Context) (*owedOrder, error) {
	b := a.rulebook(a.rules, a.q.Agency, a.memo)
	if !b.fits {
		return nil, nil
	}
	parts, err := a.find(ctx, b, 0, owedSections*tableDays, max(1, a.few/4)) // nearly everybody reads the first pages
	if err != nil {
		return nil, err
	}
	o := &owedOrder{slots: parts[0].slots}
	listed := parts[0].hi
	for i := range parts {
		f := &parts[i]
		if f.anyOdd {
			return nil, nil
		}
		listed = min(listed, f.hi)
		o.total, o.overdue, o.cases = o.total+f.total, o.overdue+f.overdue, o.cases+f.cases
		for slot, n := range f.slots {
			if i > 0 {
				o.slots[slot] += n
			}
		}
	}
	first, n := 0, 0
	for ; first < listed && (n == 0 || n+int(o.slots[first]) <= a.few); first++ {
		n += int(o.slots[first])
	}
	for i := range parts {
		parts[i].cut(first)
	}
	o.places = mergedPlaces(parts)
	return o, nil
}

// find looks for places on all processors, and lists those of some slots, each
// worker in their order; one that would list more than most lists fewer slots.
func (a *owedAsked) find(ctx context.Context, b *rulebook, lo, hi, most int) ([]owedFinder, error) {
	heirs := b.heirsAt(a.q.AsOf)
	parts := make([]owedFinder, runtime.GOMAXPROCS(0))
	for i := range parts {
		parts[i] = owedFinder{
			debtor: debtor{rulebook: b, at: columnTime(a.q.AsOf), today: lateDay(a.q.AsOf), heirs: heirs, over: !a.q.pending(), keep: b.keeps(a.q)},
			known:  uint32(a.q.KnownAt), slots: make([]int32, owedSections*tableDays), lo: lo, hi: hi, most: most,
		}
	}
	if err := a.each(ctx, func(worker int, p *placed) { parts[worker].block(p) }); err != nil {
		return nil, err
	}
	return parts, abreast(ctx, len(parts), func(_ context.Context, i int) {
		slices.SortFunc(parts[i].places, func(a, b owedPlace) int { return a.compare(&b) })
	})
}

// mergedPlaces merges what workers have in order; it is never nil.
func mergedPlaces(parts []owedFinder) []owedPlace {
	out := []owedPlace{}
	for i := range parts {
		out = mergePlaces(out, parts[i].places)
	}
	return out
}

// mergePlaces merges two lists that are in order.
func mergePlaces(a, b []owedPlace) []owedPlace {
	if len(b) == 0 {
		return a
	}
	out := make([]owedPlace, 0, len(a)+len(b))
	for len(a) > 0 && len(b) > 0 {
		if a[0].compare(&b[0]) <= 0 {
			out, a = append(out, a[0]), a[1:]
		} else {
			out, b = append(out, b[0]), b[1:]
		}
	}
	return append(append(out, a...), b...)
}

// keeps gives what a list wants of debts; nil: all of them.
func (b *rulebook) keeps(q WorkQuery) func(*debt) bool {
	if q.Filter == (WorkFilter{}) {
		return nil
	}
	f := &q.Filter
	days := f.DueFrom != "" || f.DueTo != ""
	return func(d *debt) bool {
		o := ledger.Obligation{
			Code: b.codes[d.code], OwedBy: b.parties.values[d.owedBy], Authority: b.words[attrPPK][d.authority],
			State: d.state(), Doubt: d.doubt(),
		}
		if f.Code != "" && f.Code != o.Code || f.OwedBy != "" && f.OwedBy != o.OwedBy {
			return false
		}
		if d.since != noTime {
			o.Since = fromColumn(d.since)
		}
		if d.term != nil {
			o.To, o.Right, o.Regime = d.term.To, d.term.Right, d.term.regime
		}
		if days && d.due != noDay {
			o.Due = dateOfNumber(d.due)
		} else if d.due != noDay {
			o.Due = firstDay70 // there is one
		}
		return f.wants(&o, q.AsOf)
	}
}

// owedFinder finds a part of the places.
type owedFinder struct {
	debtor
	known                 uint32
	slots                 []int32 // how many places each has
	total, overdue, cases int
	anyOdd                bool
	// Places of the slots from lo to before hi are listed. Where they are more than
	// most, hi moves.
	lo, hi, most int
	places       []owedPlace
}

func (f *owedFinder) block(b *placed) {
	if b.empty(f.at, f.known) {
		return
	}
	bounds, late := f.bounded(b.block), b.late(f.at, f.known)
	rests := f.rested(b.block, bounds)
	for c := range b.ids {
		if isDead(b.dead, c) || bounds.later(c, f.at, f.known) {
			continue
		}
		if !f.over && bounds.newest[c] <= f.known {
			if debts, _, ok := rests.at(c, f.at); ok {
				if len(debts) == 0 {
					continue
				}
				if f.recall(debts); !f.odd {
					f.list(b.ids[c], f.debts)
					continue
				}
			}
		}
		f.one(b.block, c, late)
	}
}

// one looks at the rows of a case.
func (f *owedFinder) one(b *block, c int, late bool) {
	f.clear()
	for r := int(b.respondents[c]); r < int(b.respondents[c+1]); r++ {
		in, i := b.row(r, f.at, f.known, late)
		if in == nil {
			continue
		}
		if st := &f.shapes[in.shape[i]]; st.stage != 0 || st.froms != 0 {
			f.row(b, r, in, i)
		}
	}
	if f.anyOdd = f.anyOdd || f.odd; len(f.debts) > 0 {
		f.list(b.ids[c], f.settle(f.debts))
	}
}

// list gives the debts of a case their places.
func (f *owedFinder) list(id uuid.UUID, debts []debt) {
	f.cases += btoi(len(debts) > 0)
	for i := range debts {
		d := &debts[i]
		f.overdue += btoi(d.overdue)
		f.place(owedPlace{id, d.since, d.dueKey(), d.rank()})
	}
}

// place counts a place, and lists it if it is wanted.
func (f *owedFinder) place(p owedPlace) {
	slot := p.slot()
	f.total++
	f.slots[slot]++
	if slot < f.lo || slot >= f.hi {
		return
	}
	if f.places = append(f.places, p); len(f.places) > f.most {
		f.fewer()
	}
}

// fewer keeps half as many places as a worker may list, but at least those of one
// slot, however many they are.
func (f *owedFinder) fewer() {
	hi, n := f.lo, 0
	for ; hi < f.hi && (n == 0 || n+int(f.slots[hi]) <= f.most/2); hi++ {
		n += int(f.slots[hi])
	}
	f.cut(hi)
	if f.hi = hi; len(f.places) > f.most {
		f.most = math.MaxInt // they are of one slot
	}
}

// cut keeps the places before a slot.
func (f *owedFinder) cut(hi int) {
	f.places = slices.DeleteFunc(f.places, func(p owedPlace) bool { return p.slot() >= hi })
}

// namePage asks the definition for the obligations from one place to before another.
func (a *owedAsked) namePage(ctx context.Context, w *owedWindow, from, to int) ([]ledger.Obligation, error) {
	at := columnTime(a.q.AsOf)
	m := a.rowMaker(workRows{at: at, first: at, known: uint32(a.q.KnownAt)})
	named := make(map[uuid.UUID][]ledger.Obligation)
	out := make([]ledger.Obligation, 0, to-from)
	for i := from - w.first; i < to-w.first; i++ {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		p := &w.places[i]
		list, ok := named[p.id]
		if !ok {
			list = m.owed(p.id, a.q, a.rules)
			named[p.id] = list
		}
		nth := 0 // of those that share the place
		for j := i - 1; j >= 0 && w.places[j] == *p; j-- {
			nth++
		}
		found := false
		for k := range list {
			if placeOf(p.id, &list[k]) != *p {
				continue
			}
			if found = nth == 0; found {
				out = append(out, list[k])
				break
			}
			nth--
		}
		if !found {
			return nil, fmt.Errorf("case %s owes something else than was counted", p.id)
		}
	}
	return out, nil
}

// owed lists what a case owes.
func (m *rowMaker) owed(id uuid.UUID, q WorkQuery, rules ledger.Rules) (list []ledger.Obligation) {
	i, c, ok := m.find(id)
	if !ok {
		return nil
	}
	b := m.blocks[i].block
	m.rows = m.rows[:0]
	for r := int(b.respondents[c]); r < int(b.respondents[c+1]); r++ {
		m.respondent(b, c, r)
	}
	for k := range m.rows {
		for _, o := range m.rows[k].Obligations(rules, q.AsOf) {
			if q.wants(&o) {
				list = append(list, o)
			}
		}
	}
	return ledger.MergeObligations(list)
}

func placeOf(id uuid.UUID, o *ledger.Obligation) owedPlace {
	d := debt{due: noDay, overdue: o.State == ledger.ObligationOverdue}
	if o.Due != "" {
		d.due = dayNumberOf(o.Due)
	}
	if !o.State.Pending() {
		d.over = overEnded // however it ended
	}
	p := owedPlace{id, noTime, d.dueKey(), d.rank()}
	if !o.Since.IsZero() {
		p.since = columnTime(o.Since)
	}
	return p
}
