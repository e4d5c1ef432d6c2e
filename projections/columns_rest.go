package projections

import (
	"math"
	"slices"
	"sync"
)

// Of nearly all cases of a large ledger the last rows hold, and what these owe is
// the same at every later moment, often nothing: a duty stays until a record ends
// it, and a right has lapsed. Such a case is at rest. Since when, and what it owes
// from then on, is found once for a block and a law (columns_law.go), and a question
// that is not of before does not look at rows. Due days, hand-overs and who asks are
// put in by the question. What is owed stays ledger.Row.Obligations, as debtor finds
// it; a case that does not fit here is never at rest.

// blockMemo is what was found out about a block.
type blockMemo struct {
	mu     sync.Mutex
	bounds *bounds
	rests  [restLaws]*rests // the one used last in front
	counts []countAt        // by slots of countSlots
}

// restLaws is of how many laws a block knows what is at rest.
const restLaws = 2

// bounds are those of each case: no row of it began before first or was recorded
// before oldest, and none was recorded or replaced after newest.
type bounds struct {
	first          []int64
	oldest, newest []uint32
}

// rests say what a law makes of a block's present rows.
type rests struct {
	law uint64
	// from is since when a case is at rest, never (restless) for some.
	from []int64
	// Where each case's debts and decrees begin, one more than cases; none where it
	// is never at rest.
	owed, decreed []uint32
	debts         []restDebt
	decrees       []restDecree
}

// restDebt is a debt that only a record can end, without what a question puts in.
type restDebt struct {
	since     int64
	shape     uint32 // of the row
	authority uint32
	term      uint16 // its number in the law, or goesOn
	unsure    bool
}

// goesOn stands for the next step in place of a term.
const goesOn = math.MaxUint16

// restless is after all moments.
const restless int64 = math.MaxInt64

// restDecree is a decree that no later moment changes.
type restDecree struct {
	authority uint32
	term      uint16 // its number in the law
	processed bool
	met       bool
}

// bytes is how much memory it takes.
func (m *blockMemo) bytes() uint64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	n := 12 * len(m.counts)
	if m.bounds != nil {
		n += 16 * len(m.bounds.first)
	}
	for _, r := range m.rests {
		if r != nil {
			n += 16*len(r.from) + 24*len(r.debts) + 8*len(r.decrees)
		}
	}
	return uint64(n)
}

// bounded gives the bounds of a block's cases.
func (b *block) bounded() *bounds {
	m := b.memo
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.bounds != nil {
		return m.bounds
	}
	n := len(b.ids)
	x := &bounds{first: make([]int64, n), oldest: make([]uint32, n), newest: make([]uint32, n)}
	for c := range b.ids {
		first, oldest, newest := int64(math.MaxInt64), uint32(math.MaxUint32), uint32(0)
		from, to := b.respondents[c], b.respondents[c+1]
		for i := b.present[from]; i < b.present[to]; i++ {
			if b.now.shape[i] != 0 {
				first, oldest, newest = min(first, b.from[i]), min(oldest, b.recorded[i]), max(newest, b.recorded[i])
			}
		}
		for i := b.past[from]; i < b.past[to]; i++ {
			first, oldest, newest = min(first, b.pastFrom[i]), min(oldest, b.recordedFrom[i]), max(newest, b.replaced[i])
		}
		x.first[c], x.oldest[c], x.newest[c] = first, oldest, newest
	}
	m.bounds = x
	return x
}

// later reports that nothing of a case had begun at a moment, or was known at a
// position.
func (x *bounds) later(c int, at int64, known uint32) bool {
	return x.first[c] > at || x.oldest[c] > known
}

// late reports that each respondent's last row holds at a pair of times.
func (b *block) late(at int64, known uint32) bool { return at >= b.final && b.settled(known) }

// row finds the row of a respondent that holds at a pair of times, nil without one;
// late is what that reports.
func (b *block) row(r int, at int64, known uint32, late bool) (in *sayings, place int) {
	if late {
		return &b.last, r
	}
	return b.holding(r, at, known)
}

// rested gives what is at rest in a block under the rules.
func (e *debtor) rested(b *block) *rests {
	m := b.memo
	m.mu.Lock()
	defer m.mu.Unlock()
	i := slices.IndexFunc(m.rests[:], func(r *rests) bool { return r != nil && r.law == e.law })
	if i < 0 {
		i = len(m.rests) - 1
		m.rests[i] = e.rest(b)
	}
	found := m.rests[i]
	copy(m.rests[1:i+1], m.rests[:i])
	m.rests[0] = found
	return found
}

// rest finds out what is at rest.
func (e *debtor) rest(b *block) *rests {
	n := len(b.ids)
	x := &rests{law: e.law, from: make([]int64, n), owed: make([]uint32, 0, n+1), decreed: make([]uint32, 0, n+1)}
	f := debtor{rulebook: e.rulebook, today: noDay - 1} // when all rights with a day have lapsed
	for c := range b.ids {
		x.owed, x.decreed = append(x.owed, uint32(len(x.debts))), append(x.decreed, uint32(len(x.decrees)))
		if x.from[c] = f.restCase(b, c, x); x.from[c] == restless {
			x.debts, x.decrees = x.debts[:x.owed[c]], x.decrees[:x.decreed[c]]
		}
	}
	x.owed, x.decreed = append(x.owed, uint32(len(x.debts))), append(x.decreed, uint32(len(x.decrees)))
	x.debts, x.decrees = fitted(x.debts), fitted(x.decrees)
	return x
}

// restCase finds since when a case is at rest, and adds what it owes then.
func (e *debtor) restCase(b *block, c int, x *rests) (from int64) {
	from = math.MinInt64
	e.clear()
	decrees := len(x.decrees)
	for r := int(b.respondents[c]); r < int(b.respondents[c+1]); r++ {
		if b.present[r] == b.present[r+1] {
			continue // all that was said of him was taken back
		}
		from = max(from, b.from[b.present[r+1]-1], e.lapses(b, r))
		first := len(e.debts)
		e.row(b, r, &b.last, r)
		e.decisions(b, r, &b.last, r, func(d restDecree) {
			if !slices.Contains(x.decrees[decrees:], d) {
				x.decrees = append(x.decrees, d)
			}
		})
		if !e.leaveDebts(x, first, b.last.shape[r]) {
			return restless
		}
	}
	if e.odd {
		return restless
	}
	return from
}

// leaveDebts adds a respondent's debts, which stand from first on, but for those
// that another's are alike. ok is false where a question has to say whether they
// are, or which of them is the earliest.
func (e *debtor) leaveDebts(x *rests, first int, shape uint32) (ok bool) {
	found := e.debts[first:]
	e.debts = e.debts[:first]
	for i := range found {
		d := found[i]
		if d.also[0] >= 0 {
			return false // which of them falls due first is for a calendar to say
		}
		like := slices.IndexFunc(e.debts[:first], func(o debt) bool {
			return o.code == d.code && o.stage == d.stage && o.owes == d.owes && o.authority == d.authority && o.since == d.since && o.unsure == d.unsure
		})
		if like >= 0 {
			if e.debts[like].term != d.term || e.debts[like].processed != d.processed {
				return false
			}
			continue
		}
		one := restDebt{d.since, shape, d.authority, goesOn, d.unsure}
		if d.term != nil {
			one.term = d.term.number
		}
		x.debts, e.debts = append(x.debts, one), append(e.debts, d)
	}
	return true
}

// lapses is from when on all rights that a respondent's last row began have surely
// lapsed.
func (e *debtor) lapses(b *block, r int) int64 {
	st, sh := &e.shapes[b.last.shape[r]], &e.snapshot.shapes[b.last.shape[r]]
	at := int64(math.MinInt64)
	for i := range st.checks {
		if st.checks[i].lapsed > 0 {
			if began, open := e.open(&st.checks[i], b, r, &b.last, r, sh); open {
				at = max(at, began+st.checks[i].lapsed)
			}
		}
	}
	return at
}

// recall finds what a case at rest owes. What is odd is for whoever looks at its
// rows.
func (e *debtor) recall(list []restDebt) {
	e.clear()
	for i := range list {
		s := &list[i]
		sh := &e.snapshot.shapes[s.shape]
		d := debt{
			stage: sh.stage, since: s.since, due: noDay, unsure: s.unsure, processed: sh.reached>>processedAt&1 != 0,
			also: [4]int{-1, -1, -1, -1}, met: noTime,
		}
		if s.term == goesOn {
			d.code = e.nextCode
			e.party(e.stages[sh.stage].owedBy, &d, sh, s.authority)
		} else {
			t := e.terms[s.term]
			if t.Right && e.duties {
				continue
			}
			d.term, d.code = t, t.code
			e.reckon(t, &d)
			d.overdue = d.due < e.today
			e.party(t.owedBy, &d, sh, s.authority)
		}
		e.debts = append(e.debts, d)
	}
	e.debts = e.concerning(e.debts)
}
