package projections

import (
	"math"
	"slices"
	"sync"
)

// trendCounter counts what was pending at several moments, in one pass. What
// duties a row has does not depend on the moment while it holds; only whether a
// due day is over, and who has taken whose place.
//
// Questions ask for the same moments again and again: the ends of months. What a
// block's present rows owed then never changes, so the block keeps it. Of cases
// that stand elsewhere now, and of those of which something was recorded later
// than is asked about, it is taken away again.
type trendCounter struct {
	debtor
	whole  *counter
	maker  *rowMaker
	known  uint32 // as it is asked
	all    []trendMoment
	latest int64
	slots  []slot // of all moments; nil: nothing is kept
	counts []momentCount
	heirAt []func() heirs

	// Of the pass at hand.
	moments     []trendMoment
	first, last int64
	as          uint32 // known then
	into        []momentCount
	sign        int32
	kept        []momentCount
	late        []trendMoment
	spans       []during
	held        []heldDebts // of a case
	list        []debt
}

type trendMoment struct {
	at    int64
	today int32
	n     int // its place in the question
}

// momentCount counts what was pending at a moment.
type momentCount struct{ pending, overdue int32 }

// heldDebts are those of a row, by their places, over the time in which it held.
type heldDebts struct {
	from, to    int64
	first, past int
}

// presently is a position after all others: present rows are what is known then.
const presently = math.MaxUint32

// trendCounter counts at the moments of a question but as-of, of which the tally
// tells the same.
func (b *rulebook) trendCounter(q BacklogQuery) trendCounter {
	t := trendCounter{
		debtor: debtor{rulebook: b, duties: true}, known: uint32(q.KnownAt), latest: math.MinInt64,
		counts: make([]momentCount, len(q.Trend)), kept: make([]momentCount, len(q.Trend)), whole: newCounter(q),
	}
	t.whole.out.Rules = b.rules
	for i, at := range q.Trend {
		t.heirAt = append(t.heirAt, sync.OnceValue(func() heirs { return b.heirsAt(at) }))
		if !at.Equal(q.AsOf) {
			m := trendMoment{columnTime(at), lateDay(at), i}
			t.all, t.latest = append(t.all, m), max(t.latest, m.at)
		}
	}
	t.maker = b.rowMaker(workRows{at: t.latest, known: t.known})
	t.slots = b.memo.slotsOf(b, t.all)
	return t
}

// pass begins one over some of the moments.
func (t *trendCounter) pass(moments []trendMoment, as uint32, into []momentCount, sign int32) {
	t.moments, t.as, t.into, t.sign = moments, as, into, sign
	t.first, t.last = math.MaxInt64, math.MinInt64
	for i := range moments {
		t.first, t.last = min(t.first, moments[i].at), max(t.last, moments[i].at)
	}
}

// block counts the cases of a block.
func (t *trendCounter) block(b *placed) {
	if len(t.all) == 0 || b.empty(t.latest, t.known) {
		return
	}
	bounds := t.bounded(b.block)
	rests := t.rested(b.block, bounds)
	others, begun := t.others(b, bounds)
	t.pass(t.all, t.known, t.counts, 1)
	if t.slots == nil || 2*others > begun || begun == 0 {
		for c := range b.ids {
			if !isDead(b.dead, c) {
				t.one(b.block, c, bounds, rests)
			}
		}
		return
	}
	if t.keep(b, bounds, rests); others == 0 {
		return
	}
	for c := range b.ids {
		dead := isDead(b.dead, c)
		if !dead && bounds.newest[c] <= t.known {
			continue
		}
		t.as, t.sign = presently, -1
		t.one(b.block, c, bounds, rests)
		if t.as, t.sign = t.known, 1; !dead {
			t.one(b.block, c, bounds, rests)
		}
	}
}

// others counts the cases of which something else holds than present rows say,
// among those that had begun.
func (t *trendCounter) others(b *placed, bounds *bounds) (others, begun int) {
	if b.dead == nil && b.settled(t.known) {
		return 0, len(b.ids)
	}
	for c := range b.ids {
		if bounds.first[c] <= t.latest {
			begun++
			others += btoi(isDead(b.dead, c) || bounds.newest[c] > t.known)
		}
	}
	return others, begun
}

// keep adds what a block keeps, and finds out what it does not keep yet: of all its
// cases, wherever they stand now, what its present rows say.
func (t *trendCounter) keep(b *placed, bounds *bounds, rests *rests) {
	t.late = t.late[:0]
	b.memo.mu.Lock()
	for i, s := range t.slots {
		if s.place < len(b.memo.counts) && b.memo.counts[s.place].stamp == s.stamp {
			kept := &b.memo.counts[s.place]
			n := &t.counts[t.all[i].n]
			n.pending, n.overdue = n.pending+kept.pending, n.overdue+kept.overdue
		} else {
			t.late = append(t.late, t.all[i])
		}
	}
	b.memo.mu.Unlock()
	if len(t.late) == 0 {
		return
	}
	clear(t.kept)
	t.pass(t.late, presently, t.kept, 1)
	for c := range b.ids {
		t.one(b.block, c, bounds, rests)
	}
	b.memo.mu.Lock()
	for i, s := range t.slots {
		m := &t.all[i]
		if !slices.Contains(t.late, *m) {
			continue
		}
		if s.place >= len(b.memo.counts) {
			b.memo.counts = append(b.memo.counts, make([]countAt, s.place+1-len(b.memo.counts))...)
		}
		kept, n := t.kept[m.n], &t.counts[m.n]
		b.memo.counts[s.place] = countAt{s.stamp, kept.pending, kept.overdue}
		n.pending, n.overdue = n.pending+kept.pending, n.overdue+kept.overdue
	}
	b.memo.mu.Unlock()
	t.pass(t.all, t.known, t.counts, 1)
}

// one counts a case.
func (t *trendCounter) one(b *block, c int, bounds *bounds, rests *rests) {
	if bounds.later(c, t.last, t.as) {
		return
	}
	settled := bounds.newest[c] <= t.as
	if settled && t.first >= rests.last.from[c] {
		if debts, _ := rests.last.in(c); t.rest(debts) {
			return
		}
	}
	t.clear()
	t.held = t.held[:0]
	for r := int(b.respondents[c]); r < int(b.respondents[c+1]); r++ {
		t.respondent(b, r, settled)
	}
	if t.odd {
		t.leave(b, c)
	} else if len(t.held) > 0 {
		t.count()
	}
}

// rest counts a case of which one stretch holds at all moments; ok is false where that is for
// its rows to say.
func (t *trendCounter) rest(debts []restDebt) (ok bool) {
	if len(debts) == 0 {
		return true
	}
	t.heirs = t.heirAt[t.moments[0].n]()
	if t.recall(debts); t.odd {
		return false
	}
	for i := range t.moments {
		m := &t.moments[i]
		if t.heirs != nil && i > 0 {
			t.heirs = t.heirAt[m.n]()
			t.recall(debts)
		}
		n := &t.into[m.n]
		n.pending += t.sign * int32(len(t.debts))
		for j := range t.debts {
			n.overdue += t.sign * int32(btoi(t.debts[j].due < m.today))
		}
	}
	return true
}

// respondent finds what his rows owed that held at one of the moments.
func (t *trendCounter) respondent(b *block, r int, settled bool) {
	if !settled {
		t.spans = b.spans(r, t.as, t.spans)
		for i := range t.spans {
			t.span(b, r, &t.spans[i])
		}
		return
	}
	to := int64(infinity)
	for i := int(b.present[r+1]) - 1; i >= int(b.present[r]); i-- {
		from := b.from[i]
		if from <= t.last {
			t.span(b, r, &during{from, to, &b.now, i})
		}
		if from <= t.first {
			return
		}
		to = from
	}
}

func (t *trendCounter) span(b *block, r int, s *during) {
	st := &t.shapes[s.in.shape[s.place]]
	if t.stages[st.stage] == nil && len(st.checks) == 0 || s.to <= t.first {
		return
	}
	if !slices.ContainsFunc(t.moments, func(m trendMoment) bool { return s.from <= m.at && m.at < s.to }) || !t.owes(b, r, s.in, s.place) {
		return
	}
	first := len(t.debts)
	if t.row(b, r, s.in, s.place); len(t.debts) > first {
		t.held = append(t.held, heldDebts{s.from, s.to, first, len(t.debts)})
	}
}

// count counts a case at each moment.
func (t *trendCounter) count() {
	for i := range t.moments {
		m := &t.moments[i]
		t.list = t.list[:0]
		for _, h := range t.held {
			if h.from <= m.at && m.at < h.to {
				t.list = append(t.list, t.debts[h.first:h.past]...)
			}
		}
		if len(t.list) == 0 {
			continue
		}
		for j := range t.list {
			t.list[j].overdue = t.list[j].due < m.today
		}
		t.heirs = t.heirAt[m.n]()
		n := &t.into[m.n]
		for _, d := range t.settle(t.list) {
			n.pending += t.sign
			n.overdue += t.sign * int32(btoi(d.overdue))
		}
	}
}

// leave leaves a case to the definition.
func (t *trendCounter) leave(b *block, c int) {
	m := t.maker
	m.rows = m.rows[:0]
	for r := int(b.respondents[c]); r < int(b.respondents[c+1]); r++ {
		t.spans = b.spans(r, t.as, t.spans)
		for i := range t.spans {
			if s := &t.spans[i]; s.from <= t.last && s.to > t.first {
				m.make(b, c, r, s)
			}
		}
	}
	if len(m.rows) == 0 {
		return
	}
	counts := t.whole.out.Trend
	t.whole.trend(m.rows)
	for i := range t.moments {
		n, counted := &t.into[t.moments[i].n], &counts[t.moments[i].n]
		n.pending, n.overdue = n.pending+t.sign*int32(counted.Pending), n.overdue+t.sign*int32(counted.Overdue)
	}
	for i := range counts {
		counts[i].Pending, counts[i].Overdue = 0, 0
	}
}
