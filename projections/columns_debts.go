package projections

import (
	"cmp"
	"math"
	"slices"

	"github.com/berkas-ledger/berkas/ledger"
)

// debt is a ledger.Obligation of one respondent, in numbers of a rulebook. There are
// many of them, so it is small.
type debt struct {
	term                 *term // nil: the next step
	since                int64 // noTime: nothing says it
	met                  int64 // noTime: it was not
	due                  int32 // noDay: there is none
	stage                uint32
	owes                 uint32  // the party before any succession
	owedBy               uint32  // and after it
	watched              uint32  // after it
	authority            uint32  // a word of attrPPK; 0: none
	name                 uint32  // of the respondent
	also                 [4]int8 // codes, noCode after the last
	code                 int8
	over                 overState
	unsure               bool // it began anew by a reopening
	processed            bool
	provisional, overdue bool
}

// noCode is no code's number.
const noCode = -1

// alone is also of what is nothing else, too.
var alone = [4]int8{noCode, noCode, noCode, noCode}

// overState is how a debt came to be pending no more.
type overState uint8

const (
	stillPending overState = iota
	overMet
	overLapsed
	overEnded
)

// Ranks of what is owed, in the order of a list.
const (
	rankOverdue = iota
	rankDated
	rankUndated
	rankOver
)

func (d *debt) rank() uint8 {
	switch {
	case d.over != stillPending:
		return rankOver
	case d.overdue:
		return rankOverdue
	case d.due != noDay:
		return rankDated
	default:
		return rankUndated
	}
}

// dueKey is by what a debt is put in order among those of its rank: of what is over,
// that without a day stands first.
func (d *debt) dueKey() int32 { return dueKeyOf(d.rank(), d.due) }

func dueKeyOf(rank uint8, due int32) int32 {
	if rank == rankOver && due == noDay {
		return math.MinInt32
	}
	return due
}

func (d *debt) state() ledger.ObligationState {
	switch {
	case d.over == overMet:
		return ledger.ObligationMet
	case d.over == overLapsed:
		return ledger.ObligationLapsed
	case d.over == overEnded:
		return ledger.ObligationEnded
	case d.overdue:
		return ledger.ObligationOverdue
	default:
		return ledger.ObligationOpen
	}
}

func (d *debt) right() bool { return d.term != nil && d.term.Right }

func (d *debt) awaits() int {
	if d.term == nil {
		return -1
	}
	return d.term.awaits
}

func (d *debt) doubt() ledger.Doubt {
	if d.term == nil || d.unsure {
		return ledger.DoubtUnsure
	}
	return d.term.Doubt
}

// decree is that an authority owed a decision that was met, or ended otherwise.
type decree struct {
	authority uint32
	met       bool
}

// debtor finds what rows owe. Each goroutine has its own.
type debtor struct {
	*rulebook
	at      int64
	today   int32 // what falls due before it is overdue
	duties  bool  // leave out rights
	over    bool  // find what is over, too, and no decrees
	apart   bool  // leave apart what ledger's rule of the earliest makes one
	heirs   heirs // nil with moved: nobody has taken anybody's place
	times   [ledger.MilestoneCount]int64
	debts   []debt // found, of all rows since they were cleared
	decrees []decree
	keep    func(*debt) bool // leaves out others before what is alike is made one; nil: none
	odd     bool             // something was found that only the definition can tell
}

func (e *debtor) clear() { e.debts, e.decrees, e.odd = e.debts[:0], e.decrees[:0], false }

// time gives when a row reached a milestone that it has reached.
func (e *debtor) time(b *block, r int, in *sayings, place int, sh *shape, m int) int64 {
	return b.moment(r, in.times[place]+uint32(before(sh.began, beganBits)+before(sh.reached, m)))
}

// owes reports whether a row may owe something that is pending.
func (e *debtor) owes(b *block, r int, in *sayings, place int) bool {
	st, sh := &e.shapes[in.shape[place]], &e.snapshot.shapes[in.shape[place]]
	if e.stages[st.stage] != nil {
		return true
	}
	for i := range st.checks {
		c := &st.checks[i]
		if c.right && e.duties {
			continue
		}
		if began, open := e.open(c, b, r, in, place, sh); open && (c.lapsed == 0 || began > e.at-c.lapsed) {
			return true
		}
	}
	return false
}

// open reports whether a period was not ended by what it waits for, and when it
// began, or began anew, if it may lapse.
func (e *debtor) open(c *check, b *block, r int, in *sayings, place int, sh *shape) (began int64, open bool) {
	began = e.time(b, r, in, place, sh, c.from)
	for m := range bitsOf(c.to) {
		if e.time(b, r, in, place, sh, m) >= began {
			return began, false
		}
	}
	if c.lapsed > 0 && sh.reached>>reopenedAt&1 != 0 {
		began = max(began, e.time(b, r, in, place, sh, reopenedAt))
	}
	return began, true
}

// decisions tells the decisions that a row owed and that are not pending, whomever
// they concern.
func (e *debtor) decisions(b *block, r int, in *sayings, place int, yield func(restDecree)) {
	st, sh := &e.shapes[in.shape[place]], &e.snapshot.shapes[in.shape[place]]
	for from := range bitsOf(st.decisions) {
		began := e.time(b, r, in, place, sh, from)
		g := e.regimeOf(began)
		if g == nil {
			continue
		}
		for _, t := range g.by[from] {
			if !t.decision || !e.applies(t, b, in, place) {
				continue
			}
			met := false
			for m := range bitsOf(t.to & sh.reached) {
				met = met || e.time(b, r, in, place, sh, m) >= began
			}
			if !met && !st.end {
				continue // it is pending
			}
			yield(restDecree{e.letters[b.abouts[in.about[place]].letter].ppk, t.number, sh.reached>>processedAt&1 != 0, met})
		}
	}
}

// decides reports whether an authority owes a term's decision, and whether that
// concerns the agency that is asked about.
func (e *debtor) decides(t *term, processed bool) bool {
	owes := e.heir(t.owedBy, processed)
	return t.decision && owes == t.owedBy && (e.agency == "" || owes == e.asked || e.heir(t.watched, processed) == e.asked)
}

func (e *debtor) heir(party uint32, processed bool) uint32 {
	if e.heirs == nil {
		return party
	}
	return e.heirs[btoi(processed)][party]
}

func (e *debtor) applies(t *term, b *block, in *sayings, place int) bool {
	return t.Contest == "" || e.contests[e.natures[b.abouts[in.about[place]].nature].contest] == t.Contest
}

// row finds what a row owes: debts, and decrees.
func (e *debtor) row(b *block, r int, in *sayings, place int) {
	st, sh := &e.shapes[in.shape[place]], &e.snapshot.shapes[in.shape[place]]
	entry := in.times[place] + uint32(before(sh.began, beganBits))
	for m := range bitsOf(sh.reached) {
		e.times[m] = b.moment(r, entry)
		entry++
	}
	first := len(e.debts)
	base := debt{stage: sh.stage, name: b.names[r], processed: sh.reached>>processedAt&1 != 0, also: alone, met: noTime}
	ppk := e.letters[b.abouts[in.about[place]].letter].ppk
	duty := false
	for from := range bitsOf(st.froms) {
		g := e.regimeOf(e.times[from])
		if g == nil {
			continue
		}
		for _, t := range g.by[from] {
			if !e.applies(t, b, in, place) {
				continue
			}
			d := base
			d.term, d.code = t, t.code
			met, pending := e.period(t, &d, sh, st.end)
			e.party(t.owedBy, &d, sh, ppk)
			if !pending {
				e.past(t, &d, ppk, met, st.end)
				continue
			}
			if duty = duty || !t.Right; t.Right && e.duties {
				continue
			}
			if e.apart {
				e.debts = append(e.debts, d)
			} else {
				e.earliest(first, &d)
			}
		}
	}
	if next := e.stages[st.stage]; next != nil && !duty {
		e.goOn(next, base, sh, ppk)
	}
}

// past puts in what is over, or the decree that it was owed.
func (e *debtor) past(t *term, d *debt, ppk uint32, met, end bool) {
	switch {
	case e.over:
		e.debts = append(e.debts, *d)
	case (met || end) && e.decides(t, d.processed):
		e.decrees = append(e.decrees, decree{ppk, met})
	}
}

// goOn puts in the next step.
func (e *debtor) goOn(next *nextTerm, d debt, sh *shape, ppk uint32) {
	d.code, d.due, d.since = e.nextCode, noDay, noTime
	for m := range bitsOf(next.since & sh.reached) {
		d.since = max(d.since, e.times[m])
	}
	e.party(next.owedBy, &d, sh, ppk)
	e.debts = append(e.debts, d)
}

// period finds how a term's period stands. Of what is over it says more only if
// that is looked for.
func (e *debtor) period(t *term, d *debt, sh *shape, end bool) (met, pending bool) {
	d.since = e.times[t.from]
	for m := range bitsOf(t.to & sh.reached) {
		if at := e.times[m]; at >= d.since && (!met || at < d.met) {
			met, d.met = true, at
		}
	}
	if (met || end) && !e.over {
		return met, false
	}
	if !met && sh.reached>>reopenedAt&1 != 0 && e.times[reopenedAt] > d.since {
		d.since, d.unsure = e.times[reopenedAt], true
	}
	e.reckon(t, d)
	late := d.due < e.today
	switch {
	case met:
		d.over = overMet
	case end:
		d.over = overEnded
	case late && t.Right:
		d.over = overLapsed
	default:
		d.overdue = late
		return false, true
	}
	return met, false
}

// reckon finds the due day, and whether it may still move.
func (e *debtor) reckon(t *term, d *debt) {
	d.due = noDay
	day := dayOfColumn(d.since)
	for i := range t.lengths {
		if t.lengths[i].calendar == nil {
			continue
		}
		due, provisional, ok := t.lengths[i].due(day)
		if d.provisional = d.provisional || provisional; i == 0 {
			d.due = due
		}
		e.odd = e.odd || !ok
	}
}

// party resolves who owes, before any succession.
func (e *debtor) party(owedBy uint32, d *debt, sh *shape, ppk uint32) {
	d.owes = owedBy
	switch e.resolved[owedBy] {
	case theHolder:
		d.owes = e.names[sh.holder]
	case theAddressee:
		if d.owes = e.sentTo[sh.forwardedTo]; d.owes == noWord {
			d.owes = e.names[sh.holder]
		}
	case theAuthority:
		d.authority = ppk
	default: // itself
	}
}

// earliest puts in a debt as ledger's rule of the earliest does.
func (e *debtor) earliest(first int, d *debt) {
	for i := first; i < len(e.debts); i++ {
		p := &e.debts[i]
		if p.over != stillPending || p.owes != d.owes || p.right() != d.right() || p.awaits() != d.awaits() {
			continue
		}
		one, two := *p, *d
		if two.due < one.due {
			one, two = two, one
		}
		n := slices.Index(one.also[:], noCode)
		for _, code := range append([]int8{two.code}, two.also[:]...) {
			if code == noCode {
				break
			}
			if n < 0 || n == len(one.also) {
				e.odd = true
				return
			}
			one.also[n] = code
			n++
		}
		*p = one
		return
	}
	e.debts = append(e.debts, *d)
}

// settle puts those who have taken others' places in them, leaves out what does
// not concern the agency that is asked about, and makes one of what is alike, in
// the order of ledger.MergeObligations.
func (e *debtor) settle(debts []debt) []debt {
	kept := e.concerning(debts)
	if !e.mayMerge(kept) {
		return kept
	}
	slices.SortStableFunc(kept, e.compare)
	out := kept[:0]
	for _, d := range kept {
		if n := len(out); n == 0 || !alike(&out[n-1], &d) {
			out = append(out, d)
		}
	}
	return out
}

// concerning puts heirs in, and leaves out what is not asked about.
func (e *debtor) concerning(debts []debt) []debt {
	kept := debts[:0]
	for i := range debts {
		d := &debts[i]
		d.owedBy, d.watched = d.owes, 0 // the party ""
		if d.term != nil {
			d.watched = d.term.watched
		}
		if e.heirs != nil {
			of := e.heirs[btoi(d.processed)]
			d.owedBy, d.watched = of[d.owes], of[d.watched]
		}
		if (e.agency == "" || d.owedBy == e.asked || d.watched == e.asked) && (e.keep == nil || e.keep(d)) {
			kept = append(kept, *d)
		}
	}
	return kept
}

func (e *debtor) mayMerge(debts []debt) bool {
	var seen uint64
	for i := range debts {
		bit := uint64(1) << debts[i].code
		if seen&bit != 0 {
			return true
		}
		seen |= bit
	}
	return false
}

// compare orders debts of one case as ledger.MergeObligations does.
func (e *debtor) compare(a, b debt) int {
	if c := cmp.Or(cmp.Compare(a.rank(), b.rank()), cmp.Compare(a.dueKey(), b.dueKey()), cmp.Compare(a.since, b.since), cmp.Compare(a.code, b.code)); c != 0 {
		return c
	}
	name, other := e.words[attrRespondent][a.name], e.words[attrRespondent][b.name]
	return cmp.Or(cmp.Compare(e.parties.values[a.owedBy], e.parties.values[b.owedBy]),
		cmp.Compare(e.words[attrPPK][a.authority], e.words[attrPPK][b.authority]),
		cmp.Compare(a.met, b.met), cmp.Compare(e.words[attrStage][a.stage], e.words[attrStage][b.stage]), slices.Compare(a.also[:], b.also[:]),
		cmp.Compare(len(name), len(other)), cmp.Compare(name, other))
}

// alike is that of ledger's obligations.
func alike(a, b *debt) bool {
	return a.code == b.code && a.stage == b.stage && a.owedBy == b.owedBy && a.authority == b.authority &&
		a.owes == b.owes && a.since == b.since && a.due == b.due &&
		a.overdue == b.overdue && a.over == b.over && a.met == b.met && a.doubt() == b.doubt() && a.also == b.also
}
