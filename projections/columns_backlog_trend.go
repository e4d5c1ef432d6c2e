package projections

import "slices"

// trendCounter counts what was pending at several moments, in one pass. What
// duties a row has does not depend on the moment while it holds; only whether a
// due day is over, and who has taken whose place.
type trendCounter struct {
	debtor
	whole   *counter
	maker   *rowMaker
	known   uint32
	moments []trendMoment
	first   int64
	last    int64
	counts  []TrendCount
	spans   []during
	held    []heldDebts // of a case
	list    []debt
}

type trendMoment struct {
	at    int64
	today int32
	heirs heirs
}

// heldDebts are those of a row, by their places, over the time in which it held.
type heldDebts struct {
	from, to    int64
	first, past int
}

func (b *rulebook) trendCounter(q BacklogQuery) trendCounter {
	t := trendCounter{debtor: debtor{rulebook: b, duties: true}, known: uint32(q.KnownAt), counts: make([]TrendCount, len(q.Trend))}
	for i, at := range q.Trend {
		m := trendMoment{columnTime(at), lateDay(at), b.heirsAt(at)}
		if i == 0 {
			t.first, t.last = m.at, m.at
		}
		t.first, t.last = min(t.first, m.at), max(t.last, m.at)
		t.moments = append(t.moments, m)
	}
	t.whole = newCounter(q)
	t.whole.out.Rules = b.rules
	t.maker = b.rowMaker(workRows{at: t.last, first: t.first, known: t.known})
	return t
}

func (t *trendCounter) block(b *placed) {
	if b.empty(t.last, t.known) {
		return
	}
	for c := range b.ids {
		if isDead(b.dead, c) {
			continue
		}
		t.clear()
		t.held = t.held[:0]
		for r := int(b.respondents[c]); r < int(b.respondents[c+1]); r++ {
			t.respondent(b.block, r)
		}
		if t.odd {
			t.leave(b.block, c)
			continue
		}
		if len(t.held) > 0 {
			t.count()
		}
	}
}

// respondent finds what his rows owed that held at one of the moments.
func (t *trendCounter) respondent(b *block, r int) {
	if !b.settled(t.known) {
		t.spans = b.spans(r, t.known, t.spans)
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
	if st.next == nil && len(st.checks) == 0 || s.to <= t.first {
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
		t.heirs = m.heirs
		n := &t.counts[i]
		for _, d := range t.settle(t.list) {
			n.Pending++
			n.Overdue += btoi(d.overdue)
		}
	}
}

// leave leaves a case to the definition.
func (t *trendCounter) leave(b *block, c int) {
	m := t.maker
	m.rows = m.rows[:0]
	for r := int(b.respondents[c]); r < int(b.respondents[c+1]); r++ {
		t.spans = b.spans(r, t.known, t.spans)
		for i := range t.spans {
			if s := &t.spans[i]; s.from <= t.last && s.to > t.first {
				m.make(b, c, r, s)
			}
		}
	}
	if len(m.rows) > 0 {
		t.whole.trend(m.rows)
	}
}
