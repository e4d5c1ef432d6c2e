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
	ages        map[int32]*AgeCount
	due         map[dueRef]*DueCount
	authorities []authorityTally // of each word of attrPPK
	stands      []decisionStand  // of a case
	waits       []waiter         // those that began first, in order
	longest     int
	trend       trendCounter
	scratch     sayings
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

type dueRef struct {
	day  int32
	code int
}

type authorityTally struct {
	counts [4]int // by precedence
	late   int32
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
		heaps:  map[heapRef]*heapTally{}, ages: map[int32]*AgeCount{}, due: map[dueRef]*DueCount{},
		authorities: make([]authorityTally, len(b.words[attrPPK])), longest: q.Longest,
	}
	t.whole = newCounter(q)
	t.whole.out.Rules = b.rules
	t.first, t.soon = dayNumberOf(t.whole.today), dayNumberOf(t.whole.soon)
	w := workRows{at: t.at, first: t.at, known: uint32(q.KnownAt)}
	t.maker = b.rowMaker(w)
	t.trend = b.trendCounter(q)
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
	if b.empty(t.at, t.maker.known) {
		return
	}
	held := b.held(t.at, t.maker.known, b.dead, &t.scratch)
	for c := range b.ids {
		t.clear()
		for r := int(b.respondents[c]); r < int(b.respondents[c+1]); r++ {
			if held.shape[r] == 0 {
				continue
			}
			switch st := &t.shapes[held.shape[r]]; {
			case st.next == nil && st.froms == 0:
			case t.owes(b.block, r, held, r):
				t.row(b.block, r, held, r)
			case st.decisions != 0:
				t.decided(b.block, r, held, r)
			}
		}
		switch {
		case t.odd:
			t.whole.stands(t.rows(b.block, c))
		case len(t.debts)+len(t.decrees) > 0:
			t.count(b.block, c)
		}
	}
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

// count counts what a case owes.
func (t *tallier) count(b *block, c int) {
	debts := t.settle(t.debts)
	t.stands = t.stands[:0]
	for i := range t.decrees {
		t.stand(t.decrees[i].authority, 3-btoi(t.decrees[i].met), noDay)
	}
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
			a.late = earliestOf(a.late, s.late)
		}
	}
}

// earliestOf is the earlier of a day, 0 for none so far, and another.
func earliestOf(a, b int32) int32 {
	if a == 0 {
		return b
	}
	return min(a, b)
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
		days := max(0, t.first-dayOfColumn(d.since))
		a := of(t.ages, days, AgeCount{Days: int(days)})
		a.Pending, a.Overdue, a.Undated = a.Pending+1, a.Overdue+overdue, a.Undated+btoi(d.due == noDay)
	}
	if d.due != noDay {
		s := of(t.due, dueRef{d.due, d.code}, DueCount{})
		s.Pending, s.Overdue, s.Provisional = s.Pending+1, s.Overdue+overdue, s.Provisional || d.provisional
	}
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
	for days, a := range t.ages {
		sum := of(c.ages, int(days), AgeCount{Days: int(days)})
		sum.Pending, sum.Overdue, sum.Undated = sum.Pending+a.Pending, sum.Overdue+a.Overdue, sum.Undated+a.Undated
	}
	for key, d := range t.due {
		k := dueKey{dateOfNumber(key.day), t.codes[key.code]}
		sum := of(c.due, k, DueCount{Day: k.day, Code: k.code})
		sum.Pending, sum.Overdue, sum.Provisional = sum.Pending+d.Pending, sum.Overdue+d.Overdue, sum.Provisional || d.Provisional
	}
	t.finishAuthorities(c)
	for i, n := range t.trend.counts {
		c.out.Trend[i].Pending += n.Pending + t.trend.whole.out.Trend[i].Pending
		c.out.Trend[i].Overdue += n.Overdue + t.trend.whole.out.Trend[i].Overdue
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
		if a.late != 0 {
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
		t := parts[worker]
		t.block(p)
		if len(q.Trend) > 0 {
			t.trend.block(p)
		}
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
