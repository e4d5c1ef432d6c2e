package projections

import (
	"cmp"
	"context"
	"maps"
	"math"
	"math/bits"
	"runtime"
	"slices"
	"sync/atomic"

	"github.com/berkas-ledger/berkas/ledger"
)

// Most questions are of the end of a day, of all cases or of those with one word
// (a province, an observer). What these count is kept for every day, as the base
// blocks of a snapshot say it by everything that was known; a question then looks
// at cases only of which something was recorded after what it knows, or that have
// been read again since.

// daily is what counts at the end of each day on which something changed.
type daily struct {
	load   uint64
	blocks []placed // counted, but for the cases that were dead
	number map[*block]int
	newest [][]uint32 // of each case of each block, the last position that says something of it
	first  [][]int64  // of each, when its first row begins, replaced ones too
	days   []int64    // in Jakarta, ascending
	cut    bool       // there were more before them, which are counted in the first
	latest int64      // nothing changes after it
	of     []*dailyCounts
	cases  int
}

// dailyCounts are those by the words of an attribute.
type dailyCounts struct {
	attribute
	by     *dimensionOf // nil: attrNothing
	values int
	// cells has, for each unit, for each word and day, how often each bit counts.
	cells [dailyUnits][]uint32
}

// Places of units in dailyCounts.
const (
	dailyCases = iota
	dailyRespondents
	dailyUnits
)

// attrNothing stands for no attribute: all cases have one word of it.
const attrNothing = attributes

// dailyBits is how many bits rows count for.
var dailyBits = ledger.MeasureCount + len(allOf)

// dailyWords bounds the words for which days are kept, over all attributes: 250 kB
// and unit each, for seven years of days.
const dailyWords = 300

// mostDays bounds the days that are kept: whoever reports acts of a thousand years may
// take memory from nobody.
const mostDays = 3653

// dailyCounter counts the days of one worker's blocks. What it adds to is shared.
type dailyCounter struct {
	*daily
	s     *snapshot
	turns []dailyTurn  // of the case at hand
	held  []int        // the place of each respondent's row then, -1: none
	refs  [][]dailyRef // of the case, for each attribute
}

// dailyTurn is that a respondent has another row from a moment on.
type dailyTurn struct {
	from  int64
	r     int // counted from the case's first
	place int
}

// dailyRef counts a case's respondents who have a word and count for a bit.
type dailyRef struct {
	word uint32
	n    [shapeBits]uint32
}

// daily counts a snapshot's days, the last ones if there are too many.
func (s *snapshot) daily(ctx context.Context, most int) (d *daily, err error) {
	defer recovered(&err)
	d = &daily{
		load: s.load, blocks: s.blocks, number: make(map[*block]int, len(s.blocks)), latest: math.MinInt64,
		newest: make([][]uint32, len(s.blocks)), first: make([][]int64, len(s.blocks)), of: s.dailyDimensions(),
	}
	for i := range s.blocks {
		d.number[s.blocks[i].block] = i
	}
	changed := make([]map[int64]bool, runtime.GOMAXPROCS(0))
	for i := range changed {
		changed[i] = make(map[int64]bool)
	}
	if err := s.each(ctx, func(worker int, p *placed) {
		i := d.number[p.block]
		d.newest[i], d.first[i] = p.lastSaid(changed[worker])
	}); err != nil {
		return nil, err
	}
	all := changed[0]
	for _, days := range changed[1:] {
		maps.Copy(all, days)
	}
	for i := range s.blocks {
		d.latest = max(d.latest, s.blocks[i].final)
		d.cases += s.blocks[i].living()
	}
	for day := range all {
		d.days = append(d.days, day)
	}
	slices.Sort(d.days)
	if more := len(d.days) - most; more > 0 {
		d.days, d.cut = d.days[more:], true
	}
	for _, of := range d.of {
		for u := range of.cells {
			of.cells[u] = make([]uint32, of.values*len(d.days)*dailyBits)
		}
	}
	counters := make([]*dailyCounter, runtime.GOMAXPROCS(0))
	for i := range counters {
		counters[i] = &dailyCounter{daily: d, s: s, refs: make([][]dailyRef, len(d.of))}
	}
	if err := s.each(ctx, func(worker int, p *placed) { counters[worker].block(p) }); err != nil {
		return nil, err
	}
	for _, of := range d.of {
		for u := range of.cells {
			d.sumUp(of.cells[u])
		}
	}
	return d, nil
}

// dailyDimensions are the attributes for which days are kept, those of few words
// first.
func (s *snapshot) dailyDimensions() []*dailyCounts {
	list := []*dailyCounts{{attribute: attrNothing, values: 1}}
	order := []attribute{attrSeenBy}
	for _, name := range ledger.Filters {
		order = append(order, attribute(slices.Index(ledger.Filters, name)))
	}
	slices.SortStableFunc(order, func(a, b attribute) int { return len(s.words[a]) - len(s.words[b]) })
	for left := dailyWords; len(order) > 0; order = order[1:] {
		a := order[0]
		if left -= len(s.words[a]); left < 0 {
			break
		}
		list = append(list, &dailyCounts{attribute: a, by: s.dimensionOf(a), values: len(s.words[a])})
	}
	return list
}

// lastSaid tells of each case the last position that says something of it and when
// its first row begins, and adds the days on which present rows of the living begin.
func (p *placed) lastSaid(days map[int64]bool) (newest []uint32, first []int64) {
	newest, first = make([]uint32, len(p.ids)), make([]int64, len(p.ids))
	for c := range p.ids {
		first[c] = math.MaxInt64
		for r := p.respondents[c]; r < p.respondents[c+1]; r++ {
			for i := p.present[r]; i < p.present[r+1]; i++ {
				newest[c], first[c] = max(newest[c], p.recorded[i]), min(first[c], p.from[i])
				if !isDead(p.dead, c) {
					days[jakartaDay(p.from[i])] = true
				}
			}
			for i := p.past[r]; i < p.past[r+1]; i++ {
				newest[c], first[c] = max(newest[c], p.replaced[i], p.recordedFrom[i]), min(first[c], p.pastFrom[i])
			}
		}
	}
	return newest, first
}

// block counts the changes of a block's cases.
func (d *dailyCounter) block(p *placed) {
	for c := range p.ids {
		if !isDead(p.dead, c) {
			d.aCase(p.block, c)
		}
	}
}

func (d *dailyCounter) aCase(b *block, c int) {
	from, to := int(b.respondents[c]), int(b.respondents[c+1])
	d.turns, d.held = d.turns[:0], d.held[:0]
	for r := from; r < to; r++ {
		for i := int(b.present[r]); i < int(b.present[r+1]); i++ {
			d.turns = append(d.turns, dailyTurn{b.from[i], r - from, i})
		}
		d.held = append(d.held, -1)
	}
	if to-from > 1 {
		slices.SortStableFunc(d.turns, func(a, b dailyTurn) int { return cmp.Compare(a.from, b.from) })
		for a := range d.refs {
			d.refs[a] = d.refs[a][:0]
		}
	}
	for _, t := range d.turns {
		before := d.held[t.r]
		d.held[t.r] = t.place
		d.turn(b, &t, before)
	}
}

// turn notes that a respondent's row is another one.
func (d *dailyCounter) turn(b *block, t *dailyTurn, before int) {
	had, has := d.bits(b, before), d.bits(b, t.place)
	if had == 0 && has == 0 {
		return
	}
	day, _ := slices.BinarySearch(d.days, jakartaDay(t.from))
	var one, other [1]uint32
	for i, of := range d.of {
		n := dailyNote{i, day, len(d.held) == 1}
		old, now := of.words(b, before, had, &one), of.words(b, t.place, has, &other)
		if slices.Equal(old, now) {
			for _, word := range now {
				d.note(n, word, had&^has, false)
				d.note(n, word, has&^had, true)
			}
			continue
		}
		for _, word := range old {
			d.note(n, word, had, false)
		}
		for _, word := range now {
			d.note(n, word, has, true)
		}
	}
}

func (d *dailyCounter) bits(b *block, place int) uint32 {
	if place < 0 {
		return 0
	}
	return d.s.shapes[b.now.shape[place]].began & (1<<dailyBits - 1)
}

// words lists a present row's words, none if it counts for nothing.
func (of *dailyCounts) words(b *block, place int, mask uint32, one *[1]uint32) []uint32 {
	switch {
	case mask == 0:
		return nil
	case of.by == nil:
		return none
	default:
		return of.by.values(b, &b.now, place, one)
	}
}

// dailyNote says what is noted: of which attribute, on which day, of a respondent
// who is alone in his case or not.
type dailyNote struct {
	of, day int
	alone   bool
}

// note adds to the cells of a word, for a respondent and, when he is the first or
// the last of his case, for the case.
func (d *dailyCounter) note(n dailyNote, word, mask uint32, begins bool) {
	if mask == 0 {
		return
	}
	var ref *dailyRef
	if !n.alone {
		ref = d.ref(n.of, word)
	}
	step, edge := uint32(1), uint32(1) // the first
	if !begins {
		step, edge = math.MaxUint32, 0 // one less; the last
	}
	of := d.of[n.of]
	cell := (int(word)*len(d.days) + n.day) * dailyBits
	for ; mask != 0; mask &= mask - 1 {
		bit := bits.TrailingZeros32(mask)
		atomic.AddUint32(&of.cells[dailyRespondents][cell+bit], step)
		if ref != nil {
			if ref.n[bit] += step; ref.n[bit] != edge {
				continue
			}
		}
		atomic.AddUint32(&of.cells[dailyCases][cell+bit], step)
	}
}

func (d *dailyCounter) ref(of int, word uint32) *dailyRef {
	list := d.refs[of]
	for i := range list {
		if list[i].word == word {
			return &list[i]
		}
	}
	d.refs[of] = append(list, dailyRef{word: word})
	return &d.refs[of][len(list)]
}

// sumUp makes counts of what changed.
func (d *daily) sumUp(cells []uint32) {
	word := len(d.days) * dailyBits
	for at := 0; at < len(cells); at += word {
		of := cells[at : at+word]
		for i := dailyBits; i < len(of); i++ {
			of[i] += of[i-dailyBits]
		}
	}
}

// day finds the last day that a moment sees whole, -1 if it is before the first;
// ok: no change of another day is seen, and none is forgotten.
func (d *daily) day(at int64) (day int, ok bool) {
	if at >= d.latest {
		return len(d.days) - 1, true
	}
	if jakartaDay(at+1) == jakartaDay(at) {
		return 0, false
	}
	n, found := slices.BinarySearch(d.days, jakartaDay(at))
	day = n - 1 + btoi(found)
	return day, day >= 0 || !d.cut
}

// cell has how often each bit counts for a word at the end of a day.
func (d *daily) cell(of *dailyCounts, unit, word, day int) []uint32 {
	at := (word*len(d.days) + day) * dailyBits
	return of.cells[unit][at : at+dailyBits]
}

// Of how many cases, or of one in how many, days may say what is no longer so
// before they are counted anew.
const (
	driftCases = 1000
	driftPart  = 50
)

// keepDays counts days where there are none, or where too much has changed since.
func (c *columns) keepDays(ctx context.Context) {
	s := c.now.Load()
	if s == nil {
		return
	}
	if d := c.days.Load(); d != nil && d.load == s.load && d.drift(s) <= max(driftCases, d.cases/driftPart) {
		return
	}
	d := c.countDays(c.memo.gate.pass(ctx, true), s)
	if d == nil {
		return
	}
	c.mu.Lock() // nothing is dropped meanwhile
	defer c.mu.Unlock()
	if now := c.now.Load(); now != nil && now.load == d.load {
		c.days.Store(d)
	}
}

// countDays counts the days of a snapshot; nil: they could not be counted, and each
// question is.
func (c *columns) countDays(ctx context.Context, s *snapshot) *daily {
	if len(s.blocks) == 0 {
		return nil
	}
	d, err := s.daily(ctx, mostDays)
	if err == nil {
		return d
	}
	if ctx.Err() == nil {
		c.log.ErrorContext(ctx, "days could not be counted; each question is", "error", err.Error())
	}
	return nil
}

// drift counts the cases of a later snapshot that stand elsewhere.
func (d *daily) drift(s *snapshot) (n int) {
	stands := 0
	for i := range s.blocks {
		p := &s.blocks[i]
		at, counted := d.number[p.block]
		if !counted {
			n += p.living()
			continue
		}
		n += p.buried - d.blocks[at].buried
		stands += d.blocks[at].living()
	}
	return n + d.cases - stands
}

// bytes is how much memory the days take.
func (d *daily) bytes() (n uint64) {
	for _, of := range d.of {
		for _, cells := range of.cells {
			n += 4 * uint64(len(cells))
		}
	}
	for i := range d.newest {
		n += 12 * uint64(len(d.newest[i]))
	}
	return n
}
