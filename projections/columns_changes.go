package projections

import (
	"context"
	"runtime"
	"slices"
	"strings"

	"github.com/berkas-ledger/berkas/ledger"
)

// Changes from columns: what counts at each of three moments is noted a bit a
// moment, of each case or respondent where it stands, of each letter by its number.
// Only how many changed in each block is remembered, or which letters did; a page
// is found from that.

// Places of the moments on the way.
const (
	atFrom = iota
	atOver
	atTo
	moments
)

// changeSort is one of four: entered or left, on the first step of the way or the
// second.
type changeSort int

const (
	enteredFirst changeSort = iota
	enteredSecond
	leftFirst
	leftSecond
	changeSorts
	noChange changeSort = -1
)

// sortOf says what the bits of the moments at which something counts mean.
var sortOf = [1 << moments]changeSort{
	0: noChange, 1<<atFrom | 1<<atTo: noChange, 1 << atOver: noChange, 1<<atFrom | 1<<atOver | 1<<atTo: noChange,
	1<<atOver | 1<<atTo: enteredFirst, 1 << atTo: enteredSecond, 1 << atFrom: leftFirst, 1<<atFrom | 1<<atOver: leftSecond,
}

// shownAt is the moment at which a change of a sort is shown: over which the way
// leads if it counts there.
var shownAt = [changeSorts]int{enteredFirst: atOver, enteredSecond: atTo, leftFirst: atFrom, leftSecond: atOver}

func (k changeSort) entered() bool { return k == enteredFirst || k == enteredSecond }

// way leads a figure over three moments.
type way struct {
	at [moments]plan
}

func (s *snapshot) way(q ledger.Query, from, over, to Moment) *way {
	var w way
	whole := s.plan(q, q.Measures)
	for i, m := range []Moment{from, over, to} {
		w.at[i] = *whole
		w.at[i].at, w.at[i].known = columnTime(m.AsOf), uint32(m.KnownAt)
	}
	return &w
}

// wayRows are the rows of a block at the three moments; nil: none.
type wayRows struct {
	in      [moments]*sayings
	scratch [moments]sayings
}

// rows finds them; ok is false where nothing can have changed.
func (w *way) rows(b *placed, rows *wayRows) (ok bool) {
	late := true // all three moments see the last rows
	for i := range w.at {
		p := &w.at[i]
		late = late && b.settled(p.known) && b.final <= p.at
	}
	if late {
		return false
	}
	for i := range w.at {
		p := &w.at[i]
		if rows.in[i] = nil; !b.empty(p.at, p.known) {
			rows.in[i] = b.held(p.at, p.known, b.dead, &rows.scratch[i])
			ok = true
		}
	}
	return ok
}

// counts reports whether a respondent counts at a moment, and under which key if
// letters count.
func (w *way) counts(b *block, rows *wayRows, moment, r int) (key uint32, ok bool) {
	in, p := rows.in[moment], &w.at[moment]
	if in == nil || in.shape[r] == 0 || p.counts(b, in, r, r)&p.wanted == 0 {
		return 0, false
	}
	if p.keys == nil {
		return 0, true
	}
	key = p.keys[b.abouts[in.about[r]].letter]
	return key, key != 0
}

// standing tells, of a block, what changed; units are cases or respondents. r is
// the respondent by whom it is shown.
func (w *way) standing(b *placed, rows *wayRows, yield func(c, r int, k changeSort)) {
	if !w.rows(b, rows) {
		return
	}
	together := w.at[atFrom].unit == ledger.UnitCase
	for c := range b.ids {
		var mask uint8
		first := [moments]int{-1, -1, -1}
		for r := int(b.respondents[c]); r < int(b.respondents[c+1]); r++ {
			if !together {
				mask, first = 0, [moments]int{r, r, r}
			}
			for m := range moments {
				if _, ok := w.counts(b.block, rows, m, r); ok {
					if mask |= 1 << m; first[m] < 0 {
						first[m] = r
					}
				}
			}
			if k := sortOf[mask]; !together && k != noChange {
				yield(c, r, k)
			}
		}
		if k := sortOf[mask]; together && k != noChange {
			yield(c, first[shownAt[k]], k)
		}
	}
}

// crossing is what entered and left on a way, ready to be paged.
type crossing struct {
	*way
	counts [changeSorts]uint64
	// blocks has, for entered and left, how many changes each block has.
	blocks [2][]int
	// letters has, for entered and left, which changed; sorts says how. nil for
	// other units.
	letters [2][]uint32
	sorts   []changeSort
}

// cross counts what changed.
func (w *way) cross(ctx context.Context) (*crossing, error) {
	if w.at[atFrom].keys != nil {
		return w.crossLetters(ctx)
	}
	s := w.at[atFrom].snapshot
	x := &crossing{way: w, blocks: [2][]int{make([]int, len(s.blocks)), make([]int, len(s.blocks))}}
	number := s.numbers()
	parts := make([]struct {
		rows   wayRows
		counts [changeSorts]uint64
	}, runtime.GOMAXPROCS(0))
	err := s.each(ctx, func(worker int, b *placed) {
		part, n := &parts[worker], number[b.block]
		w.standing(b, &part.rows, func(_, _ int, k changeSort) {
			part.counts[k]++
			x.blocks[btoi(!k.entered())][n]++
		})
	})
	for i := range parts {
		for k, n := range parts[i].counts {
			x.counts[k] += n
		}
	}
	return x, err
}

// crossLetters does so for units that count letters.
func (w *way) crossLetters(ctx context.Context) (*crossing, error) {
	p := &w.at[atFrom]
	words := len(p.words[p.letterAttribute()])
	parts := make([]struct {
		rows wayRows
		seen []uint8 // of each letter, a bit for each moment
	}, runtime.GOMAXPROCS(0))
	for i := range parts {
		parts[i].seen = make([]uint8, words)
	}
	if err := p.each(ctx, func(worker int, b *placed) {
		part := &parts[worker]
		w.lettersOf(b, &part.rows, func(m, _, _ int, key uint32) { part.seen[key] |= 1 << m })
	}); err != nil {
		return nil, err
	}
	x := &crossing{way: w, sorts: make([]changeSort, words)}
	for key := range words {
		var mask uint8
		for i := range parts {
			mask |= parts[i].seen[key]
		}
		k := sortOf[mask]
		if x.sorts[key] = k; k == noChange {
			continue
		}
		x.counts[k]++
		side := &x.letters[btoi(!k.entered())]
		*side = append(*side, uint32(key))
	}
	return x, nil
}

// lettersOf tells the letters that count at each moment.
func (w *way) lettersOf(b *placed, rows *wayRows, yield func(m, c, r int, key uint32)) {
	// What did not change in a block may have changed by another, so all blocks are
	// looked at that have anything.
	for m := range w.at {
		p := &w.at[m]
		if rows.in[m] = nil; !b.empty(p.at, p.known) {
			rows.in[m] = b.held(p.at, p.known, b.dead, &rows.scratch[m])
		}
	}
	for c := range b.ids {
		for r := int(b.respondents[c]); r < int(b.respondents[c+1]); r++ {
			for m := range moments {
				if key, ok := w.counts(b.block, rows, m, r); ok {
					yield(m, c, r, key)
				}
			}
		}
	}
}

// changeHit is a change and where it is shown.
type changeHit struct {
	hit
	sort changeSort
}

// stretch gives some changes: what entered first, each by key.
func (x *crossing) stretch(ctx context.Context, offset, limit int) (out []changeHit, err error) {
	for side := range x.blocks {
		n := int(x.counts[enteredFirst] + x.counts[enteredSecond])
		if side == 1 {
			n = int(x.counts[leftFirst] + x.counts[leftSecond])
		}
		if offset >= n {
			offset -= n
			continue
		}
		take := min(limit-len(out), n-offset)
		var part []changeHit
		if x.sorts != nil {
			part, err = x.byLetter(ctx, x.letters[side], offset, take)
		} else {
			part = x.byCase(side, offset, take)
		}
		if out = append(out, part...); err != nil || len(out) >= limit {
			break
		}
		offset = 0
	}
	return out, err
}

func (x *crossing) byCase(side, offset, limit int) []changeHit {
	var rows wayRows
	hits := x.at[atFrom].stretchByCase(x.blocks[side], offset, limit, func(b *placed, out []hit) []hit {
		x.standing(b, &rows, func(c, r int, k changeSort) {
			if btoi(!k.entered()) == side {
				out = append(out, hit{block: b.block, c: c, r: r, bit: int(k)})
			}
		})
		return out
	})
	out := make([]changeHit, len(hits))
	for i, h := range hits {
		out[i] = changeHit{h, changeSort(h.bit)}
	}
	return out
}

// byLetter finds the letters of a page, and then the first respondent of each.
func (x *crossing) byLetter(ctx context.Context, letters []uint32, offset, limit int) ([]changeHit, error) {
	p := &x.at[atFrom]
	words := p.words[p.letterAttribute()]
	page := stretchOf(slices.Clone(letters), offset, limit, func(a, b uint32) int { return strings.Compare(words[a], words[b]) })
	nth := make([]int32, len(words)) // from 1
	for i, key := range page {
		nth[key] = int32(i + 1)
	}
	parts := make([]struct {
		rows  wayRows
		first []hit
	}, runtime.GOMAXPROCS(0))
	for i := range parts {
		parts[i].first = make([]hit, len(page))
	}
	keep := func(first *hit, h hit) {
		if first.block == nil || compareLines(h, *first) < 0 {
			*first = h
		}
	}
	if err := p.each(ctx, func(worker int, b *placed) {
		part := &parts[worker]
		x.lettersOf(b, &part.rows, func(m, c, r int, key uint32) {
			if i := nth[key]; i > 0 && m == shownAt[x.sorts[key]] {
				keep(&part.first[i-1], hit{block: b.block, c: c, r: r, key: words[key]})
			}
		})
	}); err != nil {
		return nil, err
	}
	out := make([]changeHit, len(page))
	for i, key := range page {
		out[i].sort = x.sorts[key]
		for j := range parts {
			if h := parts[j].first[i]; h.block != nil {
				keep(&out[i].hit, h)
			}
		}
	}
	return out, nil
}

// stretchOf gives some of a list's elements in their order, of which it puts no
// more in order than it has to. The list is changed.
func stretchOf[T any](list []T, offset, limit int, compare func(a, b T) int) []T {
	end := min(offset+limit, len(list))
	lo, hi := 0, len(list) // what the stretch needs lies between
	for hi-lo > 2*(end-offset)+64 {
		pivot := list[lo+(hi-lo)/2]
		i, j := lo, hi-1
		for i <= j {
			for compare(list[i], pivot) < 0 {
				i++
			}
			for compare(list[j], pivot) > 0 {
				j--
			}
			if i <= j {
				list[i], list[j] = list[j], list[i]
				i, j = i+1, j-1
			}
		}
		switch {
		case end <= j+1:
			hi = j + 1
		case offset >= i:
			lo = i
		default: // the stretch spans the pivot
			slices.SortFunc(list[lo:hi], compare)
			return list[offset:end]
		}
	}
	slices.SortFunc(list[lo:hi], compare)
	return list[offset:end]
}

// crossingOf counts changes once for all pages.
func (c *columns) crossingOf(ctx context.Context, s *snapshot, changes *Changes) (*crossing, error) {
	q := changes.From.Query
	from, over, to := momentOf(q), momentOf(changes.Over.Query), momentOf(changes.To.Query)
	key := asks(q, "changes", s.load, s.position, q.Measures, over.AsOf.UnixMicro(), over.KnownAt, to.AsOf.UnixMicro(), to.KnownAt)
	value, err := c.memo.answerOf(ctx, key, s, c.scans, func(ctx context.Context) (any, int, error) {
		w := s.way(q, from, over, to)
		x, err := w.cross(ctx)
		if err != nil {
			return nil, 0, err
		}
		p := &w.at[atFrom]
		words := 1000 + len(p.shapes) + len(p.natures)/8 + len(p.keys)/2 + len(x.sorts)
		for side := range x.blocks {
			words += len(x.blocks[side]) + len(x.letters[side])/2
		}
		return x, words, nil
	})
	if err != nil {
		return nil, err
	}
	return value.(*crossing), nil
}

// changed is Reader.changed; it also says along both axes when what is listed
// counted.
func (c *columns) changed(ctx context.Context, s *snapshot, out *Changes, offset, limit int) (recorded, happened map[string][]lasting, err error) {
	x, err := c.crossingOf(ctx, s, out)
	if err != nil {
		return nil, nil, err
	}
	first, second := out.steps()
	out.Entered = map[Turn]uint64{first: x.counts[enteredFirst], second: x.counts[enteredSecond]}
	out.Left = map[Turn]uint64{first: x.counts[leftFirst], second: x.counts[leftSecond]}
	hits, err := x.stretch(ctx, offset, limit)
	if err != nil {
		return nil, nil, err
	}
	recorded, happened = map[string][]lasting{}, map[string][]lasting{}
	for i := range hits {
		h := &hits[i]
		h.bit = measureBit(out.From.Query.Measures[0], out.From.Query.Unit)
		one, _, _ := x.at[shownAt[h.sort]].counted(&h.hit, out.From.Query)
		change := Change{Counted: one, Entered: h.sort.entered(), Turn: second}
		if h.sort == enteredFirst || h.sort == leftFirst {
			change.Turn = first
		}
		out.List = append(out.List, change)
		part := change.part()
		recorded[part], happened[part] = x.at[atOver].lasts(&h.hit)
	}
	return recorded, happened, nil
}

// lasts tells the states of a respondent along both axes, and which of them count
// under the hit's key: by positions at the plan's as-of, by microseconds as known
// at its position.
func (p *plan) lasts(h *hit) (recorded, happened []lasting) {
	b := h.block
	add := func(in *sayings, i int, from, to, known, until int64) {
		counts := p.counts(b, in, i, h.r)&p.wanted != 0
		if counts && p.keys != nil {
			counts = p.words[p.letterAttribute()][p.keys[b.abouts[in.about[i]].letter]] == h.key
		}
		if from <= p.at && p.at < to {
			recorded = append(recorded, lasting{known, until, counts})
		}
		if known <= int64(p.known) && int64(p.known) < until {
			end := int64(forever)
			if to < infinity {
				end = to + epoch
			}
			happened = append(happened, lasting{from + epoch, end, counts})
		}
	}
	for i := b.present[h.r]; i < b.present[h.r+1]; i++ {
		to := int64(infinity)
		if i+1 < b.present[h.r+1] {
			to = b.from[i+1]
		}
		add(&b.now, int(i), b.from[i], to, int64(b.recorded[i]), forever)
	}
	for i := b.past[h.r]; i < b.past[h.r+1]; i++ {
		add(&b.was, int(i), b.pastFrom[i], b.pastTo[i], int64(b.recordedFrom[i]), int64(b.replaced[i]))
	}
	return recorded, happened
}
