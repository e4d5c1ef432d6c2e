package projections

import (
	"cmp"
	"fmt"
	"math"
	"math/bits"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/berkas-ledger/berkas/ledger"
)

// What is owed follows from rules by ledger.Row.Obligations. That definition makes
// words and lists of every row; a backlog asks it of a million. A rulebook has the
// same rules in numbers, for rows as columns have them. Tests hold what comes out
// to the definition; what does not fit is asked of the definition itself.

// rulebook holds published rules in the words of a snapshot, for one question.
type rulebook struct {
	*snapshot
	rules  ledger.Rules
	agency ledger.AgencyID // who is asked about; "": everybody

	memo *rulesMemo
	// holidays is what the calendar says, in words.
	holidays string

	regimes []regimeTerms // the one that counts for a moment is the last that holds it
	// laws name what the first regimes say, as many as their place; kinds what kind
	// each contest is of.
	laws, kinds []uint64
	codes       []string // of terms, ascending
	nextCode    int8     // that of ledger.NextStep
	parties     numbered[string]
	resolved    []uint8     // how each party is, see byRow
	asked       uint32      // agency as a party
	names       []uint32    // the party of each word of attrHolder
	sentTo      []uint32    // of each set of addressees, noWord without any
	contests    []string    // the kind of each contest
	stages      []*nextTerm // of each word of attrStage; nil: nothing follows
	terms       []*term
	shapes      []shapeTerms
	// checks are those of all terms by the milestone they begin at; decisions has a
	// bit for each at which a period for a decision begins.
	checks    [ledger.MilestoneCount][]check
	decisions uint32
	fits      bool // codes fit a set of bits and their numbers, and terms theirs
}

// noWord stands for a word that is not there.
const noWord = math.MaxUint32

// term is a deadline of a regime.
type term struct {
	*ledger.Deadline
	regime          string
	from            int    // places in ledger.Milestones
	to              uint32 // a bit for each
	awaits          int    // number of the list To
	code            int8   // if all fit
	number          uint16 // in the law
	owedBy, watched uint32 // parties; owedBy before it is resolved
	decision        bool   // a duty that a decision ends
	lapsed          int64  // microseconds after which a right has lapsed for sure; 0: never
	lengths         [3]reckoning
}

// regimeTerms are a regime's terms by the milestone they begin at.
type regimeTerms struct {
	from, until int64
	by          [ledger.MilestoneCount][]*term
}

// shapeTerms say what a shape's rows may owe, whenever they held. They follow from
// the law alone, and hold no number of a rulebook.
type shapeTerms struct {
	end   bool
	stage uint32 // at which the next step is awaited, if nothing else is; 0: none
	froms uint32 // milestones reached at which a period may begin
	// checks are the periods that may be open.
	checks    []check
	decisions uint32 // milestones reached at which a period for a decision may begin
}

// check is what of a term decides whether it can be pending: it is not if one of
// the milestones to was reached since from, or if it surely has lapsed.
type check struct {
	from   int
	to     uint32
	lapsed int64
	right  bool
}

// nextTerm is a stage's next step.
type nextTerm struct {
	owedBy uint32 // party, before it is resolved
	since  uint32 // a bit for each milestone, of which the latest counts
}

func (s *snapshot) rulebook(rules ledger.Rules, agency ledger.AgencyID, memo *rulesMemo) *rulebook {
	b := &rulebook{snapshot: s, rules: rules, agency: agency, memo: memo, holidays: fmt.Sprint(rules.Calendar), parties: newNumbered[string]()}
	for _, g := range rules.Regimes {
		for _, d := range g.Deadlines {
			b.codes = append(b.codes, d.Code)
		}
	}
	b.codes = append(b.codes, ledger.NextStep)
	slices.Sort(b.codes)
	b.codes = slices.Compact(b.codes)
	b.nextCode = int8(slices.Index(b.codes, ledger.NextStep))
	b.regimes = make([]regimeTerms, len(rules.Regimes))
	order := slices.Clone(rules.Regimes)
	slices.SortStableFunc(order, func(a, b ledger.Regime) int { return cmp.Compare(a.From, b.From) })
	var awaited [][]ledger.Milestone
	for i := range order {
		g := &order[i]
		b.regimes[i].from, b.regimes[i].until = columnTime(g.From.Start()), math.MaxInt64
		if end := g.Until.Start(); !end.IsZero() {
			b.regimes[i].until = columnTime(end)
		}
		for j := range g.Deadlines {
			t := b.term(&g.Deadlines[j], g.ID, &memo.due)
			if t.from < 0 {
				continue // what is no milestone is never reached
			}
			if t.awaits = slices.IndexFunc(awaited, func(to []ledger.Milestone) bool { return slices.Equal(to, t.To) }); t.awaits < 0 {
				t.awaits, awaited = len(awaited), append(awaited, t.To)
			}
			t.number = uint16(len(b.terms))
			b.terms = append(b.terms, t)
			b.regimes[i].by[t.from] = append(b.regimes[i].by[t.from], t)
			if c := (check{t.from, t.to, t.lapsed, t.Right}); !slices.Contains(b.checks[t.from], c) {
				b.checks[t.from] = append(b.checks[t.from], c)
			}
			b.decisions |= uint32(btoi(t.decision)) << t.from
		}
	}
	b.fits = len(b.codes) <= 64 && len(b.terms) <= goesOn
	b.number()
	for _, stage := range s.words[attrStage] {
		b.stages = append(b.stages, b.next(ledger.Stage(stage)))
	}
	for _, p := range b.parties.values {
		b.resolved = append(b.resolved, byRow[p])
	}
	memo.lay(b, order)
	return b
}

// Parties that a row makes others of.
const (
	itself = iota
	theHolder
	theAddressee
	theAuthority
)

var byRow = map[string]uint8{
	ledger.OwedByHolder: theHolder, ledger.OwedByAddressee: theAddressee, ledger.OwedByAuthority: theAuthority,
}

func (b *rulebook) term(d *ledger.Deadline, regime string, due *dueDays) *term {
	t := &term{
		Deadline: d, regime: regime, from: slices.Index(ledger.Milestones, d.From), code: int8(slices.Index(b.codes, d.Code)),
		owedBy: b.parties.number(d.OwedBy), watched: b.parties.number(string(d.WatchedBy)),
		decision: d.OwedBy == ledger.OwedByAuthority && !d.Right && slices.Contains(d.To, ledger.MilestoneDecided),
	}
	for _, m := range d.To {
		if i := slices.Index(ledger.Milestones, m); i >= 0 {
			t.to |= 1 << i
		}
	}
	if d.Right && d.Length != nil {
		t.lapsed = lapsedAfter(d.Length.Days).Microseconds()
	}
	for i, l := range []*ledger.Length{d.Length, d.AtMost, d.InForce} {
		if l != nil {
			t.lengths[i] = due.reckoning(&b.rules.Calendar, b.holidays, *l)
		}
	}
	return t
}

// number gives parties and contests of the snapshot their numbers.
func (b *rulebook) number() {
	for _, word := range b.words[attrHolder] {
		b.names = append(b.names, b.parties.number(word))
	}
	for _, members := range b.members[setForwardedTo] {
		to := uint32(noWord)
		if n := len(members); n > 0 {
			to = b.parties.number(b.words[attrForwardedTo][members[n-1]])
		}
		b.sentTo = append(b.sentTo, to)
	}
	for _, id := range b.words[attrContest] {
		b.contests = append(b.contests, b.rules.Contests[id].Kind)
	}
	for _, p := range ledger.Parties {
		b.parties.number(p)
	}
	b.asked = b.parties.number(string(b.agency))
	for _, g := range b.rules.Grants { // heirs are parties too
		b.parties.number(string(g.Agency))
	}
}

// shape looks at a shape once for all its rows.
func (b *rulebook) shape(sh *shape) (s shapeTerms) {
	if sh.duplicate || sh.stage == 0 {
		return s
	}
	stage := ledger.Stage(b.words[attrStage][sh.stage])
	if s.end = stage.End(); !s.end {
		s.stage = sh.stage
	}
	for from := range bitsOf(sh.reached) {
		list := b.checks[from]
		if len(list) == 0 {
			continue
		}
		s.froms |= 1 << from
		if b.decisions>>from&1 != 0 {
			s.decisions |= 1 << from
		}
		if s.end {
			continue
		}
		for _, c := range list {
			if c.to &= sh.reached; !slices.Contains(s.checks, c) {
				s.checks = append(s.checks, c)
			}
		}
	}
	return s
}

// next asks the definition for a stage's next step: who owes it, and the latest of
// which milestones it counts from.
func (b *rulebook) next(stage ledger.Stage) *nextTerm {
	const holder, addressee = "holder of a probe", "addressee of a probe"
	ask := func(reached ledger.Reached) []ledger.Obligation {
		row := ledger.Row{Stage: stage, Holder: holder, ForwardedTo: []ledger.AgencyID{addressee}, Reached: &reached}
		return row.Obligations(ledger.Rules{}, time.Unix(0, 0))
	}
	list := ask(ledger.Reached{})
	if len(list) != 1 {
		return nil
	}
	n := &nextTerm{}
	switch list[0].OwedBy {
	case holder:
		n.owedBy = b.parties.number(ledger.OwedByHolder)
	case addressee:
		n.owedBy = b.parties.number(ledger.OwedByAddressee)
	default:
		n.owedBy = b.parties.number(list[0].OwedBy)
	}
	for i := range ledger.Milestones {
		var reached ledger.Reached
		reached[i] = time.Unix(1, 0)
		if list := ask(reached); len(list) == 1 && !list[0].Since.IsZero() {
			n.since |= 1 << i
		}
	}
	return n
}

// regimeOf gives the terms that count for a period that began at a moment.
func (b *rulebook) regimeOf(began int64) *regimeTerms {
	for i := len(b.regimes) - 1; i >= 0; i-- {
		if g := &b.regimes[i]; began >= g.from && began < g.until {
			return g
		}
	}
	return nil
}

// heirs are the parties that have taken others' places by a moment: of cases that
// nobody has processed, and of others. nil: nobody has.
type heirs *[2][]uint32

func (b *rulebook) heirsAt(at time.Time) heirs {
	if !handOver(b.rules.Grants) {
		return nil
	}
	var out [2][]uint32
	for processed := range out {
		for _, name := range b.parties.values {
			heir := ledger.Heir(ledger.AgencyID(name), b.rules.Grants, processed == 1, at)
			out[processed] = append(out[processed], uint32(slices.Index(b.parties.values, string(heir))))
		}
	}
	return &out
}

// Places in ledger.Milestones.
var (
	processedAt = slices.Index(ledger.Milestones, ledger.MilestoneProcessed)
	reopenedAt  = slices.Index(ledger.Milestones, ledger.MilestoneReopened)
)

// Days are counted from 1 January 1970, as ledger.DaysBetween does.
const (
	firstDay70 = ledger.Date("1970-01-01")
	// noDay is after all days.
	noDay = math.MaxInt32
	// Days of which a table is kept: of 1990 to 2050.
	tableFrom, tableDays = 7305, 22000
	// Other days than those of 1900 to 5000 are left to the definition.
	earliestDayKept, latestDayKept = -25567, 1106000
)

// dayOfColumn is ledger.DayOf as a number.
func dayOfColumn(at int64) int32 {
	const micros = int64(24 * time.Hour / time.Microsecond)
	at += epoch + int64(7*time.Hour/time.Microsecond)
	d := at / micros
	if at%micros < 0 {
		d--
	}
	return int32(d)
}

func dayNumberOf(d ledger.Date) int32 { return int32(ledger.DaysBetween(firstDay70, d)) }

func dateOfNumber(n int32) ledger.Date {
	return ledger.Date(time.Unix(int64(n)*86400, 0).UTC().Format(time.DateOnly))
}

// reckoning counts a length from a day on, as ledger.Calendar does, and remembers.
type reckoning struct {
	calendar *ledger.Calendar // nil: nothing is counted
	length   ledger.Length
	table    []atomic.Int64 // 0: not asked yet
}

// dueDays keeps tables of what was reckoned, which all questions under the same
// holidays share.
type dueDays struct {
	mu sync.Mutex
	by map[string][]atomic.Int64
}

// dueTables is how many tables are kept at most.
const dueTables = 256

func (d *dueDays) reckoning(c *ledger.Calendar, says string, l ledger.Length) reckoning {
	r := reckoning{calendar: c, length: l}
	if !l.Working {
		return r
	}
	key := fmt.Sprint(l.Days, says)
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.by == nil || len(d.by) >= dueTables && d.by[key] == nil {
		d.by = make(map[string][]atomic.Int64)
	}
	if d.by[key] == nil {
		d.by[key] = make([]atomic.Int64, tableDays)
	}
	r.table = d.by[key]
	return r
}

// due gives the last day of a period that began on a day; ok is false where days
// are beyond what is kept.
func (r *reckoning) due(began int32) (due int32, provisional, ok bool) {
	if began < earliestDayKept || began > latestDayKept {
		return 0, false, false
	}
	at := int(began) - tableFrom
	if r.table != nil && at >= 0 && at < len(r.table) {
		if v := r.table[at].Load(); v != 0 {
			return int32(v >> 2), v>>1&1 != 0, true
		}
	}
	if !r.length.Working {
		n := int64(began) + int64(r.length.Days)
		return int32(n), false, n >= earliestDayKept && n <= latestDayKept
	}
	day, provisional := r.calendar.Due(dateOfNumber(began), r.length)
	n := dayNumberOf(day)
	if len(day) != len(firstDay70) || n < earliestDayKept || n > latestDayKept {
		return 0, false, false
	}
	if r.table != nil && at >= 0 && at < len(r.table) {
		r.table[at].Store(int64(n)<<2 | int64(btoi(provisional))<<1 | 1)
	}
	return n, provisional, true
}

// bitsOf yields the places of a mask's bits.
func bitsOf(mask uint32) func(func(int) bool) {
	return func(yield func(int) bool) {
		for ; mask != 0; mask &= mask - 1 {
			if !yield(bits.TrailingZeros32(mask)) {
				return
			}
		}
	}
}
