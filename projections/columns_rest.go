package projections

import (
	"context"
	"math"
	"slices"
	"sync"

	"github.com/berkas-ledger/berkas/ledger"
)

// What a case owes changes with its rows, and between two of them with the question
// alone: with the day, as due days pass and rights lapse, with hand-overs, and with
// who asks. So the time of a case is cut into stretches, and what its present rows
// make it owe in each is found once for a block and a law (columns_law.go); a
// question puts the rest in and does not look at rows. What is owed stays
// ledger.Row.Obligations, as debtor finds it; a stretch that does not fit here is
// left to rows.

// blockMemo is what was found out about a block.
type blockMemo struct {
	mu     sync.Mutex
	bounds *bounds
	rests  [restLaws]*rests // the one used last in front
	counts []countAt        // by slots of countSlots
}

// restLaws is of how many laws a block knows what is owed.
const restLaws = 3

// bounds are those of each case: no row of it began before first or was recorded
// before oldest, and none was recorded or replaced after newest. Of all of them, no
// row speaks of a moment after last, or of another contest.
type bounds struct {
	first          []int64
	oldest, newest []uint32
	last           int64
	contests       []uint32 // words, ascending
}

// rests say what a law makes of a block's present rows. The last stretches of cases
// stand apart, for most questions need no others.
type rests struct {
	law uint64
	// last has one for each case, restless where rows have to be looked at.
	last    stretchList
	earlier stretchList
	of      []uint32 // where each case's begin in earlier, one more than cases
}

// stretchList has spans of the time of cases.
type stretchList struct {
	from []int64 // since when a stretch lasts, until the next one of its case or for ever
	odd  []bool  // rows have to be looked at
	// Where each stretch's debts and decrees begin, one more than stretches.
	owed, decreed []uint32
	debts         []restDebt
	decrees       []restDecree
}

// restless is after all moments.
const restless int64 = math.MaxInt64

// mostStretched bounds how many rows are looked at to cut the time of a case, of
// which hostile hands may make many respondents with many rows. What was owed
// before the last of them is left to rows.
const mostStretched = 4096

// at gives what a case owes at a moment, and the decrees it owed; ok is false where
// its rows have to say. Before its first stretch it owes nothing.
func (x *rests) at(c int, at int64) (debts []restDebt, decrees []restDecree, ok bool) {
	if at >= x.last.from[c] {
		debts, decrees = x.last.in(c)
		return debts, decrees, true
	}
	for i := int(x.of[c+1]) - 1; i >= int(x.of[c]); i-- {
		if x.earlier.from[i] <= at {
			debts, decrees = x.earlier.in(i)
			return debts, decrees, !x.earlier.odd[i]
		}
	}
	return nil, nil, true
}

// in gives the debts and decrees of a stretch.
func (s *stretchList) in(i int) ([]restDebt, []restDecree) {
	return s.debts[s.owed[i]:s.owed[i+1]], s.decrees[s.decreed[i]:s.decreed[i+1]]
}

// begin begins a stretch; odd: rows have to be looked at.
func (s *stretchList) begin(at int64, odd bool, debts []restDebt, decrees []restDecree) {
	if len(s.owed) == 0 {
		s.owed, s.decreed = append(s.owed, 0), append(s.decreed, 0)
	}
	s.from, s.odd = append(s.from, at), append(s.odd, odd)
	s.debts, s.decrees = append(s.debts, debts...), append(s.decrees, decrees...)
	s.owed, s.decreed = append(s.owed, uint32(len(s.debts))), append(s.decreed, uint32(len(s.decrees)))
}

// clear empties them and keeps their room.
func (s *stretchList) clear() {
	s.from, s.odd, s.owed, s.decreed, s.debts, s.decrees = s.from[:0], s.odd[:0], s.owed[:0], s.decreed[:0], s.debts[:0], s.decrees[:0]
}

func (s *stretchList) fit() {
	s.from, s.odd, s.owed, s.decreed = fitted(s.from), fitted(s.odd), fitted(s.owed), fitted(s.decreed)
	s.debts, s.decrees = fitted(s.debts), fitted(s.decrees)
}

func (s *stretchList) bytes() int { return 17*len(s.from) + 24*len(s.debts) + 12*len(s.decrees) }

// restDebt is a debt without what a question puts in.
type restDebt struct {
	since     int64
	owes      uint32 // word of the holder, or number of the addressees' set, where the term says so
	authority uint32
	term      uint16 // its number in the law, or goesOn
	stage     uint16 // word
	first     bool   // of its respondent
	addressed bool   // owes is a set
	unsure    bool
	processed bool
}

// goesOn stands for the next step in place of a term.
const goesOn = math.MaxUint16

// restDecree is a decree that was owed and is not pending.
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
			n += 4*len(r.of) + r.last.bytes() + r.earlier.bytes()
		}
	}
	return uint64(n)
}

// bounded gives the bounds of a block's cases.
func (s *snapshot) bounded(b *block) *bounds {
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
	x.last = math.MinInt64
	for _, at := range b.at {
		x.last = max(x.last, at)
	}
	for i := range b.abouts {
		x.contests = append(x.contests, s.natures[b.abouts[i].nature].contest)
	}
	slices.Sort(x.contests)
	x.contests = slices.Clone(slices.Compact(x.contests))
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
func (e *debtor) rested(b *block, bounds *bounds) *rests {
	law, m := e.lawOf(bounds), b.memo
	m.mu.Lock()
	defer m.mu.Unlock()
	i := slices.IndexFunc(m.rests[:], func(r *rests) bool { return r != nil && r.law == law })
	if i < 0 {
		i = len(m.rests) - 1
		m.rests[i] = e.rest(b)
		m.rests[i].law = law
	}
	found := m.rests[i]
	copy(m.rests[1:i+1], m.rests[:i])
	m.rests[0] = found
	return found
}

// restAll finds out what cases owe under the rules that are published, before anybody
// asks. Where it fails, whoever asks finds it.
func (c *columns) restAll(ctx context.Context, s *snapshot) {
	if err := s.restAll(ctx, c.pool, &c.rules); err != nil && ctx.Err() == nil {
		c.log.ErrorContext(ctx, "what cases owe could not be found out; each question does", "error", err.Error())
	}
}

func (s *snapshot) restAll(ctx context.Context, db querier, memo *rulesMemo) (err error) {
	defer recovered(&err)
	payloads, err := publishedRules(ctx, db, schemaCurrent, s.position)
	if err != nil {
		return err
	}
	b := s.rulebook(ledger.Publish(payloads), "", memo)
	if !b.fits {
		return nil
	}
	return s.each(ctx, func(_ int, p *placed) {
		e := debtor{rulebook: b}
		e.rested(p.block, s.bounded(p.block))
	})
}

// rest finds out what cases owe in their stretches.
func (e *debtor) rest(b *block) *rests {
	f := restFinder{debtor: debtor{rulebook: e.rulebook, apart: true}, b: b}
	x := &rests{of: make([]uint32, 0, len(b.ids)+1)}
	for c := range b.ids {
		x.of = append(x.of, uint32(len(x.earlier.from)))
		f.one(c)
		found := len(f.out.from)
		if found > 0 && !f.out.odd[found-1] {
			found--
			debts, decrees := f.out.in(found)
			x.last.begin(f.out.from[found], false, debts, decrees)
		} else {
			x.last.begin(restless, false, nil, nil)
		}
		for i := range found {
			debts, decrees := f.out.in(i)
			x.earlier.begin(f.out.from[i], f.out.odd[i], debts, decrees)
		}
	}
	x.of = append(x.of, uint32(len(x.earlier.from)))
	x.last.fit()
	x.earlier.fit()
	return x
}

// restFinder cuts the time of cases.
type restFinder struct {
	debtor
	b       *block
	out     stretchList // of the case at hand
	turns   []int64     // when a row begins
	held    []int       // of each respondent, the place of the row that holds, or before the first
	found   []restDebt
	decreed []restDecree
}

// one cuts the time of a case.
func (f *restFinder) one(c int) {
	b := f.b
	from, to := int(b.respondents[c]), int(b.respondents[c+1])
	f.out.clear()
	f.turns, f.held = f.turns[:0], f.held[:0]
	for r := from; r < to; r++ {
		f.turns = append(f.turns, b.from[b.present[r]:b.present[r+1]]...)
		f.held = append(f.held, int(b.present[r])-1)
	}
	slices.Sort(f.turns)
	f.turns = slices.Compact(f.turns)
	if n := len(f.turns); n > 1 && n*(to-from) > mostStretched {
		f.out.begin(f.turns[0], true, nil, nil)
		f.turns = f.turns[n-1:]
	}
	f.today = math.MinInt32 // nothing is late yet
	for _, at := range f.turns {
		f.turn(c, at)
	}
	n := len(f.out.from)
	if n == 0 {
		return
	}
	if last, _ := f.out.in(n - 1); f.out.odd[n-1] || f.mayLapse(last) {
		f.today = noDay - 1 // all rights with a day have lapsed
		f.turn(c, f.lapsed(c))
	}
}

// turn begins a stretch in which each respondent's row of a moment holds.
func (f *restFinder) turn(c int, at int64) {
	b, first := f.b, int(f.b.respondents[c])
	f.found, f.decreed = f.found[:0], f.decreed[:0]
	for i := range f.held {
		r := first + i
		for next := f.held[i] + 1; next < int(b.present[r+1]) && b.from[next] <= at; next++ {
			f.held[i] = next
		}
		if f.held[i] < int(b.present[r]) {
			continue
		}
		f.clear()
		if f.row(b, r, &b.now, f.held[i]); f.odd {
			f.out.begin(at, true, nil, nil)
			return
		}
		f.leaveDebts(&f.snapshot.shapes[b.now.shape[f.held[i]]])
		f.decisions(b, r, &b.now, f.held[i], func(d restDecree) {
			if !slices.Contains(f.decreed, d) {
				f.decreed = append(f.decreed, d)
			}
		})
	}
	if n := len(f.out.from); n > 0 && !f.out.odd[n-1] {
		debts, decrees := f.out.in(n - 1)
		if slices.Equal(debts, f.found) && slices.Equal(decrees, f.decreed) {
			return // the stretch before goes on
		}
	}
	f.out.begin(at, false, f.found, f.decreed)
}

// mayLapse reports whether there are rights with a day among debts.
func (f *restFinder) mayLapse(debts []restDebt) bool {
	return slices.ContainsFunc(debts, func(d restDebt) bool { return d.term != goesOn && f.terms[d.term].Right })
}

// lapsed is from when on all rights that a case's last rows began have surely
// lapsed.
func (f *restFinder) lapsed(c int) int64 {
	at := f.out.from[len(f.out.from)-1]
	for r := int(f.b.respondents[c]); r < int(f.b.respondents[c+1]); r++ {
		if f.b.present[r] < f.b.present[r+1] {
			at = max(at, f.lapses(f.b, r))
		}
	}
	return at
}

// leaveDebts adds a respondent's debts, unless another of the stretch owes the same:
// a question makes one of them. Which of his debts falls due first is for its
// calendar to say.
func (f *restFinder) leaveDebts(sh *shape) {
	first := len(f.found)
	for i := range f.debts {
		d := &f.debts[i]
		one := restDebt{
			since: d.since, authority: d.authority, term: goesOn, stage: uint16(d.stage), first: i == 0, unsure: d.unsure, processed: d.processed,
		}
		if d.term != nil {
			one.term = d.term.number
		}
		switch kind := f.resolved[f.owedBy(&one)]; {
		case kind == theAddressee && f.sentTo[sh.forwardedTo] != noWord:
			one.owes, one.addressed = sh.forwardedTo, true
		case kind == theHolder || kind == theAddressee:
			one.owes = sh.holder
		}
		f.found = append(f.found, one)
	}
	for i := 0; i < first; {
		past := i + 1
		for past < first && !f.found[past].first {
			past++
		}
		if slices.Equal(f.found[i:past], f.found[first:]) {
			f.found = f.found[:first]
			return
		}
		i = past
	}
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

// recall finds what a case owes in a stretch. What is odd is for whoever looks at
// its rows.
func (e *debtor) recall(list []restDebt) {
	e.clear()
	first := 0
	for i := range list {
		s := &list[i]
		if s.first {
			first = len(e.debts)
		}
		d := debt{
			stage: uint32(s.stage), since: s.since, due: noDay, unsure: s.unsure, processed: s.processed, code: e.nextCode,
			authority: s.authority, also: alone, met: noTime,
		}
		if s.term != goesOn {
			t := e.terms[s.term]
			if t.Right && e.duties {
				continue
			}
			d.term, d.code = t, t.code
			e.reckon(t, &d)
			if d.overdue = d.due < e.today; d.overdue && t.Right {
				continue // it has lapsed
			}
		}
		d.owes = e.owedBy(s)
		switch kind := e.resolved[d.owes]; {
		case s.addressed:
			d.owes = e.sentTo[s.owes]
		case kind == theHolder || kind == theAddressee:
			d.owes = e.names[s.owes]
		}
		if d.term == nil {
			e.debts = append(e.debts, d)
		} else {
			e.earliest(first, &d)
		}
	}
	e.debts = e.settle(e.debts)
}

// owedBy gives the party that owes, before a row resolves it.
func (e *debtor) owedBy(s *restDebt) uint32 {
	if s.term == goesOn {
		return e.stages[s.stage].owedBy
	}
	return e.terms[s.term].owedBy
}
