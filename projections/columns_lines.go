package projections

import (
	"bytes"
	"cmp"
	"context"
	"math"
	"math/bits"
	"runtime"
	"slices"
	"sort"
	"sync/atomic"

	"github.com/berkas-ledger/berkas/ledger"
)

// Lines behind figures, compared in one pass over the rows.

// reading is a plan with the bit of each of its question's measures.
type reading struct {
	*plan
	bits   []int
	moment int // which of the moments that are looked at
}

func (s *snapshot) reading(q ledger.Query) reading {
	r := reading{plan: s.plan(q, q.Measures)}
	for _, m := range q.Measures {
		r.bits = append(r.bits, measureBit(m, q.Unit))
	}
	return r
}

// lineMask has a bit for each of the question's measures for which a row is a line.
func (r *reading) lineMask(b *block, in *sayings, i, respondent int) (mask uint32) {
	if in == nil || in.shape[i] == 0 {
		return 0
	}
	w := r.counts(b, in, i, respondent) & r.wanted
	if w == 0 || r.keys != nil && r.keys[b.abouts[in.about[i]].letter] == 0 {
		return 0
	}
	for n, bit := range r.bits {
		mask |= w >> bit & 1 << n
	}
	return mask
}

// lineHit is a line for the nth measure of its question.
type lineHit struct {
	hit
	nth int
}

func compareNth(a, b lineHit) int {
	return cmp.Or(cmp.Compare(a.nth, b.nth), compareLines(a.hit, b.hit))
}

// firstLines counts lines and keeps the first.
type firstLines struct {
	n    int
	list []lineHit
}

func (f *firstLines) add(h lineHit) {
	f.n++
	f.offer(h)
}

func (f *firstLines) offer(h lineHit) {
	if n := len(f.list); n == listed && compareNth(h, f.list[n-1]) >= 0 {
		return
	}
	at, _ := slices.BinarySearchFunc(f.list, h, compareNth)
	f.list = slices.Insert(f.list, at, h)
	f.list = f.list[:min(listed, len(f.list))]
}

// merge adds what another worker found.
func (f *firstLines) merge(o *firstLines) {
	f.n += o.n
	for _, h := range o.list {
		f.offer(h)
	}
}

// counted says what the kept lines count.
func (r *reading) counted(f *firstLines, q ledger.Query) (out []Counted) {
	for i := range f.list {
		h := &f.list[i]
		h.bit = r.bits[h.nth]
		if r.keys != nil {
			in, at := h.holding(h.r, r.at, r.known)
			h.key = r.words[r.letterAttribute()][r.keys[h.abouts[in.about[at]].letter]]
		}
		one, _, _ := r.plan.counted(&h.hit, q)
		out = append(out, one)
	}
	return out
}

// apart compares a question's lines with those of others, all in one pass.
func (c *columns) apart(ctx context.Context, s *snapshot, q ledger.Query, others []ledger.Query) ([]apart, error) {
	if len(others) == 0 {
		return nil, nil
	}
	more := []any{"apart", s.load, q.Measures}
	for _, o := range others {
		more = append(more, asks(o, o.Measures))
	}
	value, err := c.memo.answer(ctx, asks(q, more...), c.scans, func(ctx context.Context) (any, int, error) {
		out, err := s.apart(ctx, q, others)
		return out, 2 * listed * len(others) * obligationWords, err
	})
	if err != nil {
		return nil, err
	}
	return value.([]apart), nil
}

func (s *snapshot) apart(ctx context.Context, q ledger.Query, others []ledger.Query) ([]apart, error) {
	ours, list := s.reading(q), make([]reading, len(others))
	moments := []*plan{ours.plan}
	for i, o := range others {
		list[i] = s.reading(o)
		p := list[i].plan
		list[i].moment = slices.IndexFunc(moments, func(m *plan) bool { return m.at == p.at && m.known == p.known })
		if list[i].moment < 0 {
			list[i].moment, moments = len(moments), append(moments, p)
		}
	}
	type part struct {
		in      []*sayings
		scratch []sayings
		sides   [][2]firstLines
	}
	parts := make([]part, runtime.GOMAXPROCS(0))
	for i := range parts {
		parts[i] = part{make([]*sayings, len(moments)), make([]sayings, len(moments)), make([][2]firstLines, len(others))}
	}
	if err := s.each(ctx, func(worker int, b *placed) {
		w := &parts[worker]
		for i, m := range moments {
			if w.in[i] = nil; !b.empty(m.at, m.known) {
				w.in[i] = b.held(m.at, m.known, b.dead, &w.scratch[i])
			}
		}
		for c := range b.ids {
			for r := int(b.respondents[c]); r < int(b.respondents[c+1]); r++ {
				mask := ours.lineMask(b.block, w.in[0], r, r)
				for i := range list {
					other := list[i].lineMask(b.block, w.in[list[i].moment], r, r)
					for left := mask ^ other; left != 0; left &= left - 1 {
						nth := bits.TrailingZeros32(left)
						w.sides[i][btoi(mask>>nth&1 == 0)].add(lineHit{hit{block: b.block, c: c, r: r}, nth})
					}
				}
			}
		}
	}); err != nil {
		return nil, err
	}
	out := make([]apart, len(others))
	for i := range out {
		sides := &parts[0].sides[i]
		for _, p := range parts[1:] {
			sides[0].merge(&p.sides[i][0])
			sides[1].merge(&p.sides[i][1])
		}
		out[i] = apart{sides[0].n, sides[1].n, ours.counted(&sides[0], q), list[i].counted(&sides[1], others[i])}
	}
	return out, nil
}

// sameEntry is what the ledger shows of an entry, with its place.
type sameEntry struct {
	name, nature, items uint32
	day                 int32
	block               int32
	r                   int32
}

func (a *sameEntry) compare(b *sameEntry) int {
	return cmp.Or(cmp.Compare(a.nature, b.nature), cmp.Compare(a.day, b.day), cmp.Compare(a.items, b.items), cmp.Compare(a.name, b.name))
}

// digest tells entries apart that do not agree, mostly.
func (a *sameEntry) digest() uint32 {
	h := a.nature*0x9e3779b1 ^ uint32(a.day)*0x85ebca6b ^ a.items*0xc2b2ae35 ^ a.name*0x27d4eb2f
	h = (h ^ h>>15) * 0x2c1b3c6d
	return h ^ h>>13
}

// entryHeaps is how many heaps entries that may agree are spread over, each of which
// is put in order on its own.
const entryHeaps = 64

// sightings say of digests whether an entry was seen that has it, a second one, and
// one that is a line. Many goroutines may set them.
type sightings struct {
	mask                 uint32
	once, again, counted []atomic.Uint32
}

// newSightings has some 16 digests for each of so many entries.
func newSightings(entries int) *sightings {
	n := 1 << max(5, bits.Len(uint(16*entries)))
	return &sightings{uint32(n - 1), make([]atomic.Uint32, n/32), make([]atomic.Uint32, n/32), make([]atomic.Uint32, n/32)}
}

func (s *sightings) see(digest uint32, counts bool) {
	at, bit := digest&s.mask/32, uint32(1)<<(digest&s.mask%32)
	if s.once[at].Or(bit)&bit != 0 {
		s.again[at].Or(bit)
	}
	if counts {
		s.counted[at].Or(bit)
	}
}

// doubtful reports whether several entries have a digest of which one is a line.
func (s *sightings) doubtful(digest uint32) bool {
	at, bit := digest&s.mask/32, uint32(1)<<(digest&s.mask%32)
	return s.again[at].Load()&s.counted[at].Load()&bit != 0
}

// alike finds lines that look like earlier ones.
func (c *columns) alike(ctx context.Context, s *snapshot, a Answer) (doubles, error) {
	value, err := c.memo.answer(ctx, asks(a.Query, "alike", s.load, a.Query.Measures), c.scans, func(ctx context.Context) (any, int, error) {
		out, err := s.alike(ctx, a)
		return out, listed * obligationWords, err
	})
	if err != nil {
		return doubles{}, err
	}
	return value.(doubles), nil
}

func (s *snapshot) alike(ctx context.Context, a Answer) (doubles, error) {
	ours := s.reading(a.Query)
	heaps, err := s.entries(ctx, &ours)
	if err != nil {
		return doubles{}, err
	}
	found := make([][]lineHit, runtime.GOMAXPROCS(0))
	if err := abreast(ctx, len(found), func(ctx context.Context, w int) {
		for h := w; h < entryHeaps && ctx.Err() == nil; h += len(found) {
			list := heaps[h]
			slices.SortFunc(list, func(a, b sameEntry) int { return a.compare(&b) })
			for i := 0; i < len(list); {
				j := i + 1
				for j < len(list) && list[i].compare(&list[j]) == 0 {
					j++
				}
				if j > i+1 {
					found[w] = s.doublesOf(&ours, list[i:j], found[w])
				}
				i = j
			}
		}
	}); err != nil {
		return doubles{}, err
	}
	list := slices.Concat(found...)
	slices.SortFunc(list, compareNth)
	out := doubles{lines: len(list), left: a.Value - uint64(len(list))}
	if a.Query.Unit == ledger.UnitCase { // a case counts as long as one of its lines does
		out.left = a.Value - s.wholly(&ours, list)
	}
	out.first = ours.counted(&firstLines{list: list[:min(listed, len(list))]}, a.Query)
	return out, nil
}

// entries gathers what holds at a question's times and may agree with a line.
func (s *snapshot) entries(ctx context.Context, ours *reading) (*[entryHeaps][]sameEntry, error) {
	shown := make([]uint32, len(s.natures)) // natures that agree in what counts here
	numbers := make(map[nature]uint32)
	for i, n := range s.natures {
		n.office, n.province, n.institutionKind = 0, 0, 0
		if _, ok := numbers[n]; !ok {
			numbers[n] = uint32(i)
		}
		shown[i] = numbers[n]
	}
	number := s.numbers()
	opened := measureBit(ledger.Opened, ledger.UnitRespondent)
	parts := make([]struct {
		scratch sayings
		heaps   [entryHeaps][]sameEntry
	}, runtime.GOMAXPROCS(0))
	look := func(yield func(worker int, b *block, in *sayings, r int, e *sameEntry)) error {
		return s.each(ctx, func(worker int, b *placed) {
			if b.empty(ours.at, ours.known) {
				return
			}
			in := b.held(ours.at, ours.known, b.dead, &parts[worker].scratch)
			e := sameEntry{block: int32(number[b.block])}
			for r := range b.names {
				if in.shape[r] == 0 {
					continue
				}
				about, began := &b.abouts[in.about[r]], s.shapes[in.shape[r]].began
				e.name, e.nature, e.items, e.day, e.r = b.names[r], shown[about.nature], about.items, math.MinInt32, int32(r)
				if began>>opened&1 != 0 {
					e.day = int32(jakartaDay(b.moment(r, in.times[r]+uint32(before(began, opened)))))
				}
				yield(worker, b.block, in, r, &e)
			}
		})
	}
	names := 0
	for i := range s.blocks {
		names += len(s.blocks[i].names)
	}
	seen := newSightings(names)
	if err := look(func(_ int, b *block, in *sayings, r int, e *sameEntry) {
		seen.see(e.digest(), ours.lineMask(b, in, r, r) != 0)
	}); err != nil {
		return nil, err
	}
	if err := look(func(worker int, _ *block, _ *sayings, _ int, e *sameEntry) {
		if d := e.digest(); seen.doubtful(d) {
			heap := &parts[worker].heaps[d%entryHeaps]
			*heap = append(*heap, *e)
		}
	}); err != nil {
		return nil, err
	}
	whole := &parts[0].heaps
	for i := range parts[1:] {
		for h := range whole {
			whole[h] = append(whole[h], parts[i+1].heaps[h]...)
		}
	}
	return whole, nil
}

// doublesOf adds the lines of entries that agree with the one of the first case,
// where that one is a line too.
func (s *snapshot) doublesOf(ours *reading, same []sameEntry, out []lineHit) []lineHit {
	at := func(e *sameEntry) (h hit, mask uint32) {
		b := s.blocks[e.block].block
		r := int(e.r)
		h = hit{block: b, c: sort.Search(len(b.ids), func(c int) bool { return int(b.respondents[c+1]) > r }), r: r}
		in, i := b.holding(r, ours.at, ours.known)
		return h, ours.lineMask(b, in, i, r)
	}
	first := 0
	original, has := at(&same[0])
	for i := 1; i < len(same); i++ {
		if h, mask := at(&same[i]); compareLines(h, original) < 0 {
			first, original, has = i, h, mask
		}
	}
	if has == 0 {
		return out
	}
	for i := range same {
		if i == first {
			continue
		}
		h, mask := at(&same[i])
		for left := mask & has; left != 0; left &= left - 1 {
			out = append(out, lineHit{h, bits.TrailingZeros32(left)})
		}
	}
	return out
}

// wholly counts the cases, once for each measure, of which all lines are listed.
func (s *snapshot) wholly(ours *reading, list []lineHit) (n uint64) {
	for i := 0; i < len(list); {
		h, j := &list[i], i
		for j < len(list) && list[j].nth == h.nth && bytes.Equal(list[j].ids[list[j].c][:], h.ids[h.c][:]) {
			j++
		}
		of := 0
		for r := int(h.respondents[h.c]); r < int(h.respondents[h.c+1]); r++ {
			if in, at := h.holding(r, ours.at, ours.known); in != nil {
				of += int(ours.lineMask(h.block, in, at, r) >> h.nth & 1)
			}
		}
		n += uint64(btoi(of == j-i))
		i = j
	}
	return n
}
