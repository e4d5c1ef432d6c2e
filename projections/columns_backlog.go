package projections

import (
	"bytes"
	"cmp"
	"context"
	"math"
	"runtime"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/berkas-ledger/berkas/ledger"
)

// The backlog counted in numbers: of each case what its rows owe (columns_debts.go),
// made one where it is alike. Names and days are put in again at the end, for what
// was counted and not for what was looked at.

// tallier counts a part of the cases.
type tallier struct {
	debtor
	whole       *counter // of cases that only the definition can tell
	maker       *rowMaker
	first, soon int32 // as-of's day, and the last of those that are soon
	heaps       map[heapRef]*heapTally
	ages        []AgeCount // by days
	due         map[dueRef]*DueCount
	authorities []authorityTally // of each word of attrPPK
	stands      []decisionStand  // of a case
	waits       []waiter         // those that began first, in order
	longest     int
	counted     [2][]bool // of each term, whether its decision counts
	trend       trendCounter
}

type heapRef struct {
	term   *term
	owedBy uint32
	unsure bool
}

type heapTally struct {
	Tally
	oldest int64
	late   int32
}

// dueRef is a day and a code.
type dueRef int64

func dueRefOf(day int32, code int8) dueRef { return dueRef(day)<<8 | dueRef(code) }

func (r dueRef) day() int32 { return int32(r >> 8) }

func (r dueRef) code() int { return int(r & 0xff) }

type authorityTally struct {
	counts [4]int // by precedence
	late   int32  // noDay: none
}

// decisionStand is how an authority's decision stands in a case.
type decisionStand struct {
	authority  uint32
	precedence int
	late       int32
}

// waiter is a case in which something began at a moment.
type waiter struct {
	since int64
	id    uuid.UUID
	block *block
	c     int
}

func (b *rulebook) tallier(q BacklogQuery) *tallier {
	t := &tallier{
		debtor: debtor{rulebook: b, at: columnTime(q.AsOf), today: lateDay(q.AsOf), heirs: b.heirsAt(q.AsOf)},
		heaps:  map[heapRef]*heapTally{}, due: map[dueRef]*DueCount{},
		authorities: slices.Repeat([]authorityTally{{late: noDay}}, len(b.words[attrPPK])), longest: q.Longest,
	}
	t.whole = newCounter(q)
	t.whole.out.Rules = b.rules
	t.first, t.soon = dayNumberOf(t.whole.today), dayNumberOf(t.whole.soon)
	w := workRows{at: t.at, first: t.at, known: uint32(q.KnownAt)}
	t.maker = b.rowMaker(w)
	t.trend = b.trendCounter(q)
	for processed := range t.counted {
		for _, term := range b.terms {
			t.counted[processed] = append(t.counted[processed], t.decides(term, processed == 1))
		}
	}
	return t
}

// lateDay is the day of a moment: what fell due before it is overdue. A day ends
// with its last microsecond.
func lateDay(at time.Time) int32 {
	if at.Nanosecond()%1000 > 0 {
		at = at.Add(time.Microsecond)
	}
	return dayOfColumn(columnTime(at))
}

// block counts the cases of a block.
func (t *tallier) block(b *placed) {
	known := t.maker.known
	if b.empty(t.at, known) {
		return
	}
	bounds, late := t.bounded(b.block), b.late(t.at, known)
	rests := t.rested(b.block, bounds)
	for c := range b.ids {
		if isDead(b.dead, c) || bounds.later(c, t.at, known) {
			continue
		}
		if bounds.newest[c] <= known {
			if debts, decrees, ok := rests.at(c, t.at); ok && t.rest(b.block, c, debts, decrees) {
				continue
			}
		}
		t.one(b.block, c, late)
	}
}

// one counts a case that may owe something.
func (t *tallier) one(b *block, c int, late bool) {
	t.clear()
	for r := int(b.respondents[c]); r < int(b.respondents[c+1]); r++ {
		in, i := b.row(r, t.at, t.maker.known, late)
		if in == nil {
			continue
		}
		if st := &t.shapes[in.shape[i]]; st.stage != 0 || st.froms != 0 {
			t.row(b, r, in, i) // without asking first: what is looked at mostly owes something
		}
	}
	switch {
	case t.odd:
		t.whole.stands(t.rows(b, c))
	case len(t.debts)+len(t.decrees) > 0:
		t.stands = t.stands[:0]
		for i := range t.decrees {
			t.stand(t.decrees[i].authority, 3-btoi(t.decrees[i].met), noDay)
		}
		t.count(t.settle(t.debts), b, c)
	}
}

// rest counts a case in a stretch of it; ok is false where that is for its rows to
// say.
func (t *tallier) rest(b *block, c int, debts []restDebt, decrees []restDecree) (ok bool) {
	if len(debts)+len(decrees) == 0 {
		return true
	}
	if t.recall(debts); t.odd {
		return false
	}
	t.stands = t.stands[:0]
	for _, d := range decrees {
		if t.counted[btoi(d.processed)][d.term] {
			t.stand(d.authority, 3-btoi(d.met), noDay)
		}
	}
	t.count(t.debts, b, c)
	return true
}

// rows gives those of a case to the definition.
func (t *tallier) rows(b *block, c int) []ledger.Row {
	m := t.maker
	m.rows = m.rows[:0]
	for r := int(b.respondents[c]); r < int(b.respondents[c+1]); r++ {
		m.respondent(b, c, r)
	}
	return m.rows
}

// count counts what a case owes, beside the decrees that stand already.
func (t *tallier) count(debts []debt, b *block, c int) {
	for i := range debts {
		d := &debts[i]
		t.tally(d)
		if d.right() {
			continue
		}
		t.sides(d)
		if d.term != nil && d.term.decision && d.owedBy == d.term.owedBy {
			late := int32(noDay)
			if d.overdue {
				late = d.due
			}
			t.stand(d.authority, 1-btoi(d.overdue), late)
		}
		if d.since != noTime {
			t.wait(d.since, b, c)
		}
	}
	for _, s := range t.stands {
		a := &t.authorities[s.authority]
		a.counts[s.precedence]++
		if s.precedence == 0 {
			a.late = min(a.late, s.late)
		}
	}
}

func (t *tallier) stand(authority uint32, precedence int, late int32) {
	for i := range t.stands {
		if s := &t.stands[i]; s.authority == authority {
			s.precedence, s.late = min(s.precedence, precedence), min(s.late, late)
			return
		}
	}
	t.stands = append(t.stands, decisionStand{authority, precedence, late})
}

// tally counts a debt in its heap.
func (t *tallier) tally(d *debt) {
	h := of(t.heaps, heapRef{d.term, d.owedBy, d.unsure}, heapTally{oldest: math.MaxInt64, late: noDay})
	h.Pending++
	h.Undated += btoi(d.due == noDay)
	h.Provisional += btoi(d.provisional)
	h.Soon += btoi(d.due >= t.first && d.due <= t.soon)
	if d.since != noTime {
		h.oldest = min(h.oldest, d.since)
	}
	if d.overdue {
		h.Overdue++
		h.late = min(h.late, d.due)
	}
}

// sides counts a duty by age and by due day.
func (t *tallier) sides(d *debt) {
	overdue := btoi(d.overdue)
	if d.since == noTime {
		t.whole.out.Unaged++
	} else {
		days := int(max(0, t.first-dayOfColumn(d.since)))
		a := t.age(days)
		a.Pending, a.Overdue, a.Undated = a.Pending+1, a.Overdue+overdue, a.Undated+btoi(d.due == noDay)
	}
	if d.due != noDay {
		s := of(t.due, dueRefOf(d.due, d.code), DueCount{})
		s.Pending, s.Overdue, s.Provisional = s.Pending+1, s.Overdue+overdue, s.Provisional || d.provisional
	}
}

// tabledAges is of how many days ages are counted in a table.
const tabledAges = 20_000

// age is where an age is counted.
func (t *tallier) age(days int) *AgeCount {
	if days >= tabledAges {
		return of(t.whole.ages, days, AgeCount{Days: days})
	}
	if days >= len(t.ages) {
		t.ages = append(t.ages, make([]AgeCount, days+1-len(t.ages))...)
	}
	return &t.ages[days]
}

// wait keeps the cases of what began first, one for each debt.
func (t *tallier) wait(since int64, b *block, c int) {
	n := len(t.waits)
	if t.longest <= 0 || n >= t.longest && since > t.waits[n-1].since {
		return
	}
	one := waiter{since, b.ids[c], b, c}
	at, _ := slices.BinarySearchFunc(t.waits, one, func(a, b waiter) int {
		return cmp.Or(cmp.Compare(a.since, b.since), bytes.Compare(a.id[:], b.id[:]))
	})
	t.waits = slices.Insert(t.waits, at, one)
	t.waits = t.waits[:min(t.longest, n+1)]
}

// finish puts names and days in again.
func (t *tallier) finish() *counter {
	c := t.whole
	for key, h := range t.heaps {
		sum := h.Tally
		if h.oldest != math.MaxInt64 {
			sum.Oldest = fromColumn(h.oldest)
		}
		if h.late != noDay {
			sum.OldestDue = dateOfNumber(h.late)
		}
		k := heapKey{owedBy: t.parties.values[key.owedBy], code: ledger.NextStep, doubt: ledger.DoubtUnsure}
		if key.term != nil {
			k.code, k.regime, k.basis, k.right = key.term.Code, key.term.regime, key.term.Basis, key.term.Right
			if !key.unsure {
				k.doubt = key.term.Doubt
			}
		}
		if of(c.heaps, k, Tally{}).Add(&sum); k.right {
			c.out.Rights += sum.Pending
		} else {
			c.out.All.Add(&sum)
		}
	}
	for days := range t.ages {
		a := &t.ages[days]
		if a.Pending == 0 {
			continue
		}
		sum := of(c.ages, days, AgeCount{Days: days})
		sum.Pending, sum.Overdue, sum.Undated = sum.Pending+a.Pending, sum.Overdue+a.Overdue, sum.Undated+a.Undated
	}
	for key, d := range t.due {
		k := dueKey{dateOfNumber(key.day()), t.codes[key.code()]}
		sum := of(c.due, k, DueCount{Day: k.day, Code: k.code})
		sum.Pending, sum.Overdue, sum.Provisional = sum.Pending+d.Pending, sum.Overdue+d.Overdue, sum.Provisional || d.Provisional
	}
	t.finishAuthorities(c)
	for i, n := range t.trend.counts {
		c.out.Trend[i].Pending += int(n.pending)
		c.out.Trend[i].Overdue += int(n.overdue)
	}
	return c
}

func (t *tallier) finishAuthorities(c *counter) {
	for i := range t.authorities {
		a := &t.authorities[i]
		owed := a.counts[0] + a.counts[1] + a.counts[2] + a.counts[3]
		if owed == 0 {
			continue
		}
		key := t.words[attrPPK][i]
		sum := of(c.authorities, key, AuthorityTally{Authority: key})
		sum.Owed, sum.Overdue, sum.Open = sum.Owed+owed, sum.Overdue+a.counts[0], sum.Open+a.counts[1]
		sum.Decided, sum.Ended = sum.Decided+a.counts[2], sum.Ended+a.counts[3]
		if a.late != noDay {
			sum.OldestDue = earlier(sum.OldestDue, dateOfNumber(a.late))
		}
	}
}

// tally counts a backlog.
func (b *rulebook) tally(ctx context.Context, q BacklogQuery) (*counter, error) {
	parts := make([]*tallier, runtime.GOMAXPROCS(0))
	for i := range parts {
		parts[i] = b.tallier(q)
	}
	err := b.each(ctx, func(worker int, p *placed) {
		parts[worker].block(p)
		parts[worker].trend.block(p)
	})
	if err != nil {
		return nil, err
	}
	var waits []waiter
	for _, t := range parts {
		waits = append(waits, t.waits...)
	}
	whole := parts[0].finish()
	for _, t := range parts[1:] {
		whole.merge(t.finish())
	}
	for i, at := range q.Trend {
		if at.Equal(q.AsOf) {
			whole.out.Trend[i].Pending, whole.out.Trend[i].Overdue = whole.out.All.Pending, whole.out.All.Overdue
		}
	}
	slices.SortFunc(waits, func(a, b waiter) int {
		return cmp.Or(cmp.Compare(a.since, b.since), bytes.Compare(a.id[:], b.id[:]))
	})
	parts[0].name(whole, waits[:min(q.Longest, len(waits))])
	return whole, nil
}

// name asks the definition for those that wait longest: they are in the cases
// that were kept for it.
func (t *tallier) name(c *counter, waits []waiter) {
	seen := make(map[uuid.UUID]bool)
	for _, w := range waits {
		if seen[w.id] {
			continue
		}
		seen[w.id] = true
		var list []ledger.Obligation
		for _, row := range t.rows(w.block, w.c) {
			list = c.owed(list, &row, c.out.Query.AsOf)
		}
		for _, o := range ledger.MergeObligations(list) {
			if o.State.Pending() && !o.Right {
				c.wait(&o)
			}
		}
	}
}
