package projections

import (
	"cmp"
	"context"
	"math/bits"
	"runtime"
	"slices"
	"time"

	"github.com/berkas-ledger/berkas/ledger"
)

// A trend takes one pass over the rows: what changes from one row of a respondent
// to the next is noted at the first moment that sees it, and summed up in the end.

// course is what one worker notes.
type course struct {
	*plan
	*calendar
	steps   [][]int64 // for each bit, what changes at each moment
	letters []uint64  // steps of keys, see noteKey
	spans   []during  // of the respondent at hand
	turns   []turned  // of the case at hand
	masks   []uint32  // of its respondents
}

// turned is that a respondent of a case counts for other bits from a moment on.
type turned struct {
	moment, respondent int
	bits               uint32
}

// trend counts measures at moments, which ascend.
func (p *plan) trend(ctx context.Context, moments []int64) ([][]int64, error) {
	courses, dates := make([]*course, runtime.GOMAXPROCS(0)), newCalendar(moments)
	for i := range courses {
		courses[i] = newCourse(p, dates)
	}
	if err := p.each(ctx, func(worker int, b *placed) { courses[worker].block(b) }); err != nil {
		return nil, err
	}
	whole := courses[0]
	for _, c := range courses[1:] {
		for bit, list := range c.steps {
			for i, n := range list {
				whole.steps[bit][i] += n
			}
		}
		whole.letters = append(whole.letters, c.letters...)
	}
	whole.sumKeys()
	whole.sumUp()
	return whole.steps, nil
}

func newCourse(p *plan, dates *calendar) *course {
	c := &course{plan: p, calendar: dates, steps: make([][]int64, shapeBits)}
	for bit := range c.steps {
		if p.wanted>>bit&1 != 0 {
			c.steps[bit] = make([]int64, len(dates.moments)+1)
		}
	}
	return c
}

// sumUp makes counts of what changes.
func (c *course) sumUp() {
	for _, list := range c.steps {
		for i := 1; i < len(list); i++ {
			list[i] += list[i-1]
		}
	}
}

// calendar finds moments. It cuts the time from the first to the last of them
// into equal parts, and knows the first moment of each.
type calendar struct {
	moments []int64 // ascending
	width   int64   // of a part
	parts   []int32
}

const calendarParts = 4096

func newCalendar(moments []int64) *calendar {
	c := &calendar{moments: moments, parts: make([]int32, calendarParts)}
	if len(moments) == 0 {
		return c
	}
	c.width = (moments[len(moments)-1]-moments[0])/calendarParts + 1
	for i := range c.parts {
		n, _ := slices.BinarySearch(moments, moments[0]+int64(i)*c.width)
		c.parts[i] = int32(n)
	}
	return c
}

// sees is the first moment that is not before another; their number if there is
// none.
func (c *calendar) sees(at int64) int {
	first := c.moments[0]
	if at <= first {
		return 0
	}
	part := (at - first) / c.width
	if part >= calendarParts {
		return len(c.moments)
	}
	i := int(c.parts[part])
	for i < len(c.moments) && c.moments[i] < at {
		i++
	}
	return i
}

// step notes that bits begin or end.
func (c *course) step(moment int, before, after uint32) {
	for left := after &^ before; left != 0; left &= left - 1 {
		c.steps[bits.TrailingZeros32(left)][moment]++
	}
	for left := before &^ after; left != 0; left &= left - 1 {
		c.steps[bits.TrailingZeros32(left)][moment]--
	}
}

func (c *course) block(b *placed) {
	if len(c.moments) == 0 || b.empty(c.moments[len(c.moments)-1], c.known) {
		return
	}
	for n := range b.ids {
		if !isDead(b.dead, n) {
			c.aCase(b.block, n)
		}
	}
}

// aCase notes what changes for a case.
func (c *course) aCase(b *block, n int) {
	from, to := int(b.respondents[n]), int(b.respondents[n+1])
	switch {
	case c.keys != nil:
		for r := from; r < to; r++ {
			c.respondent(b, r, c.noteKey())
		}
	case c.unit == ledger.UnitCase && to-from > 1:
		c.together(b, from, to)
	default:
		for r := from; r < to; r++ {
			c.respondent(b, r, func(moment int, before, after, _ uint32) { c.step(moment, before, after) })
		}
	}
}

// respondent tells what changes for one, with the key of the letter of the row
// after the change.
func (c *course) respondent(b *block, r int, note func(moment int, before, after, key uint32)) {
	if b.settled(c.known) {
		c.present(b, r, note)
		return
	}
	c.spans = b.spans(r, c.known, c.spans)
	mask, key, end := uint32(0), uint32(0), int64(0)
	for _, s := range c.spans {
		if mask != 0 && end < s.from { // a gap
			note(c.sees(end), mask, 0, 0)
			mask, key = 0, 0
		}
		now, nowKey := c.counts(b, s.in, s.place, r)&c.wanted, c.keyOf(b, s.in, s.place)
		if now != mask || nowKey != key {
			note(c.sees(s.from), mask, now, nowKey)
			mask, key = now, nowKey
		}
		end = s.to
	}
	if mask != 0 && end < infinity {
		note(c.sees(end), mask, 0, 0)
	}
}

// present does it for rows of which none was replaced.
func (c *course) present(b *block, r int, note func(moment int, before, after, key uint32)) {
	mask, key := uint32(0), uint32(0)
	for i := int(b.present[r]); i < int(b.present[r+1]); i++ {
		now, nowKey := c.counts(b, &b.now, i, r)&c.wanted, c.keyOf(b, &b.now, i)
		if now == mask && nowKey == key {
			continue
		}
		moment := c.sees(b.from[i])
		if moment == len(c.moments) {
			return
		}
		note(moment, mask, now, nowKey)
		mask, key = now, nowKey
	}
}

func (c *course) keyOf(b *block, in *sayings, i int) uint32 {
	if c.keys == nil {
		return 0
	}
	return c.keys[b.abouts[in.about[i]].letter]
}

// together notes what changes for a case of several respondents: a bit that one
// of them has.
func (c *course) together(b *block, from, to int) {
	c.turns, c.masks = c.turns[:0], append(c.masks[:0], make([]uint32, to-from)...)
	for r := from; r < to; r++ {
		c.respondent(b, r, func(moment int, _, after, _ uint32) {
			c.turns = append(c.turns, turned{moment, r - from, after})
		})
	}
	slices.SortStableFunc(c.turns, func(a, b turned) int { return cmp.Compare(a.moment, b.moment) })
	var all uint32
	for i := 0; i < len(c.turns); {
		moment := c.turns[i].moment
		for ; i < len(c.turns) && c.turns[i].moment == moment; i++ {
			c.masks[c.turns[i].respondent] = c.turns[i].bits
		}
		var now uint32
		for _, m := range c.masks {
			now |= m
		}
		c.step(moment, all, now)
		all = now
	}
}

// A step of a key in a number that sorts by key, bit and moment: key, 5 bits of
// bit, 20 of moment, 1 for a beginning.
const momentBits = 20

// noteKey notes the steps of one respondent's key.
func (c *course) noteKey() func(moment int, before, after, key uint32) {
	var old uint32
	note := func(key, mask uint32, moment int, begins uint64) {
		for left := mask; left != 0 && key != 0; left &= left - 1 {
			bit := uint64(bits.TrailingZeros32(left))
			c.letters = append(c.letters, uint64(key)<<(momentBits+6)|bit<<(momentBits+1)|uint64(moment)<<1|begins)
		}
	}
	return func(moment int, before, after, key uint32) {
		if key == old {
			note(key, before&^after, moment, 0)
			note(key, after&^before, moment, 1)
		} else {
			note(old, before, moment, 0)
			note(key, after, moment, 1)
		}
		old = key
	}
}

// sumKeys counts a key for a bit from when one of its rows has it to when none
// has it any more.
func (c *course) sumKeys() {
	slices.Sort(c.letters)
	held, last := 0, uint64(0)
	for i := 0; i < len(c.letters); {
		at := c.letters[i] >> 1
		if of := at >> momentBits; of != last {
			held, last = 0, of
		}
		had := held > 0
		for ; i < len(c.letters) && c.letters[i]>>1 == at; i++ {
			held += int(c.letters[i]&1)*2 - 1
		}
		if has := held > 0; has != had {
			bit, moment := at>>momentBits&31, at&(1<<momentBits-1)
			if has {
				c.steps[bit][moment]++
			} else {
				c.steps[bit][moment]--
			}
		}
	}
}

// trend fills in counts.
func (c *columns) trend(ctx context.Context, s *snapshot, t *Trend) error {
	moments := make([]int64, len(t.At))
	for i, at := range t.At {
		moments[i] = columnTime(at)
	}
	sorted := slices.Clone(moments)
	slices.Sort(sorted)
	sorted = slices.Compact(sorted)
	q := t.Query
	q.AsOf = time.Time{} // which does not matter
	value, err := c.memo.answer(ctx, asks(q, "trend", s.load, q.Measures, sorted), c.scans, func(ctx context.Context) (any, int, error) {
		p := s.plan(t.Query, q.Measures)
		if days := c.days.Load().part(s, t.Query, ""); days != nil {
			if steps := days.trend(ctx, p, sorted); steps != nil {
				return steps, len(q.Measures) * len(sorted), nil
			}
		}
		steps, err := p.trend(ctx, sorted)
		return steps, len(q.Measures) * len(sorted), err
	})
	if err != nil {
		return err
	}
	steps := value.([][]int64)
	for i, m := range q.Measures {
		of := steps[measureBit(m, q.Unit)]
		for j, at := range moments {
			k, _ := slices.BinarySearch(sorted, at)
			t.Counts[i][j] = uint64(of[k])
		}
	}
	return nil
}
