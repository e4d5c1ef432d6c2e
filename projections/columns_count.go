package projections

import (
	"cmp"
	"context"
	"math/bits"
	"runtime"
	"slices"
	"strings"

	"github.com/berkas-ledger/berkas/ledger"
)

// tally is what one worker counted.
type tally struct {
	*plan
	by     *dimensionOf // nil: no groups
	counts []uint64     // for each bit, or for each value and bit
	// keys has what counts for each key of a letter, for units that count
	// letters; pairs has it for each value and key.
	seen    []uint32
	pairs   []pair
	scratch sayings
	inCase  []pair // values of the case at hand
}

// pair is a key within a value with the bits that count for it.
type pair struct {
	value, key uint32
	bits       uint32
}

// shapeBits is how many bits a shape has at most.
const shapeBits = 32

func (p *plan) tally(by *dimensionOf) *tally {
	t := &tally{plan: p, by: by}
	groups := 1
	if by != nil {
		groups = len(by.words)
	}
	t.counts = make([]uint64, groups*shapeBits)
	if p.keys != nil && by == nil {
		a := attrRecommendation
		if p.unit == ledger.UnitPPK {
			a = attrPPK
		}
		t.seen = make([]uint32, len(p.words[a]))
	}
	return t
}

// count counts, and gives for each value (one without groups) how often each bit
// is set.
func (p *plan) count(ctx context.Context, by *dimensionOf) ([]uint64, error) {
	tallies := make([]*tally, runtime.GOMAXPROCS(0))
	for i := range tallies {
		tallies[i] = p.tally(by)
	}
	if err := p.each(ctx, func(worker int, b *placed) { tallies[worker].block(b) }); err != nil {
		return nil, err
	}
	whole := tallies[0]
	for _, t := range tallies[1:] {
		for i, n := range t.counts {
			whole.counts[i] += n
		}
		for i, n := range t.seen {
			whole.seen[i] |= n
		}
		whole.pairs = append(whole.pairs, t.pairs...)
	}
	for _, w := range whole.seen {
		whole.bump(0, w)
	}
	whole.sumPairs()
	return whole.counts, nil
}

// sumPairs counts each key once for its value.
func (t *tally) sumPairs() {
	slices.SortFunc(t.pairs, func(a, b pair) int { return cmp.Or(cmp.Compare(a.value, b.value), cmp.Compare(a.key, b.key)) })
	for i := 0; i < len(t.pairs); {
		first, w := t.pairs[i], uint32(0)
		for ; i < len(t.pairs) && t.pairs[i].value == first.value && t.pairs[i].key == first.key; i++ {
			w |= t.pairs[i].bits
		}
		t.bump(first.value, w)
	}
}

// bump counts the bits of a mask for a value.
func (t *tally) bump(value, w uint32) {
	counts := t.counts[value*shapeBits : (value+1)*shapeBits]
	for ; w != 0; w &= w - 1 {
		counts[bits.TrailingZeros32(w)]++
	}
}

// block counts the rows of a block that hold.
func (t *tally) block(b *placed) {
	if b.empty(t.at, t.known) {
		return
	}
	in := b.held(t.at, t.known, b.dead, &t.scratch)
	for c := range b.ids {
		t.countCase(b.block, in, c)
	}
}

// countCase counts what the rows of a case say.
func (t *tally) countCase(b *block, in *sayings, c int) {
	from, to := int(b.respondents[c]), int(b.respondents[c+1])
	switch {
	case t.unit == ledger.UnitCase && t.by == nil:
		var w uint32
		for r := from; r < to; r++ {
			w |= t.plan.counts(b, in, r, r)
		}
		t.bump(0, w&t.wanted)
	case t.unit == ledger.UnitCase:
		t.caseBy(b, in, from, to)
	case t.unit == ledger.UnitRespondent:
		t.respondents(b, in, from, to)
	default:
		t.letters(b, in, from, to)
	}
}

func (t *tally) caseBy(b *block, in *sayings, from, to int) {
	var one [1]uint32
	t.inCase = t.inCase[:0]
	for r := from; r < to; r++ {
		w := t.plan.counts(b, in, r, r) & t.wanted
		if w == 0 {
			continue
		}
		for _, v := range t.by.values(b, in, r, &one) {
			i := slices.IndexFunc(t.inCase, func(p pair) bool { return p.value == v })
			if i < 0 {
				i, t.inCase = len(t.inCase), append(t.inCase, pair{value: v})
			}
			t.inCase[i].bits |= w
		}
	}
	for _, p := range t.inCase {
		t.bump(p.value, p.bits)
	}
}

func (t *tally) respondents(b *block, in *sayings, from, to int) {
	var one [1]uint32
	for r := from; r < to; r++ {
		w := t.plan.counts(b, in, r, r) & t.wanted
		switch {
		case w == 0:
		case t.by == nil:
			t.bump(0, w)
		default:
			for _, v := range t.by.values(b, in, r, &one) {
				t.bump(v, w)
			}
		}
	}
}

func (t *tally) letters(b *block, in *sayings, from, to int) {
	var one [1]uint32
	for r := from; r < to; r++ {
		key := t.keys[b.abouts[in.about[r]].letter]
		if in.shape[r] == 0 || key == 0 {
			continue
		}
		w := t.plan.counts(b, in, r, r) & t.wanted
		switch {
		case w == 0:
		case t.by == nil:
			t.seen[key] |= w
		default:
			for _, v := range t.by.values(b, in, r, &one) {
				t.pairs = append(t.pairs, pair{v, key, w})
			}
		}
	}
}

// counted works a plan out once for all who ask it.
func (c *columns) counted(ctx context.Context, s *snapshot, q ledger.Query, measures []ledger.Measure, by string) ([]uint64, error) {
	if by == "" && q.Unit != "" {
		measures = allMeasures // so that all figures of a question are one scan
	}
	value, err := c.memo.answer(ctx, asks(q, "count", s.load, measures, by), c.scans, func(ctx context.Context) (any, int, error) {
		var d *dimensionOf
		if by != "" {
			d = s.dimension(by)
		}
		p := s.plan(q, measures)
		if days := c.days.Load().part(s, q, by); days != nil {
			if counts := days.count(ctx, p, d); counts != nil {
				return counts, len(counts), nil
			}
		}
		counts, err := p.count(ctx, d)
		return counts, len(counts), err
	})
	if err != nil {
		return nil, err
	}
	return value.([]uint64), nil
}

var allMeasures = func() (out []ledger.Measure) {
	for _, m := range ledger.MeasureTable {
		out = append(out, m.Measure)
	}
	return out
}()

// sum adds up the counts of a question's measures for a value.
func sum(counts []uint64, q ledger.Query, value int) (n uint64) {
	for _, m := range q.Measures {
		n += counts[value*shapeBits+measureBit(m, q.Unit)]
	}
	return n
}

// figures fills in values.
func (c *columns) figures(ctx context.Context, s *snapshot, answers []Answer) error {
	for i := range answers {
		counts, err := c.counted(ctx, s, answers[i].Query, nil, "")
		if err != nil {
			return err
		}
		answers[i].Value = sum(counts, answers[i].Query, 0)
	}
	return nil
}

// groups is breakdown of one question.
func (c *columns) groups(ctx context.Context, s *snapshot, q ledger.Query, by string) ([]Group, error) {
	rows, err := c.breakdown(ctx, s, []ledger.Query{q}, by)
	var out []Group
	for _, row := range rows {
		out = append(out, Group{row.Value, row.Counts[0]})
	}
	return out, err
}

// breakdown counts answers, which are of one moment, by a dimension.
func (c *columns) breakdown(ctx context.Context, s *snapshot, queries []ledger.Query, by string) ([]Row, error) {
	words := s.words[slices.Index(ledger.Filters, by)]
	var rows []Row
	of := make(map[uint32]int)
	for i, q := range queries {
		counts, err := c.counted(ctx, s, q, measuresLike(queries, q), by)
		if err != nil {
			return nil, err
		}
		for v := range len(counts) / shapeBits {
			n := sum(counts, q, v)
			if n == 0 {
				continue
			}
			at, ok := of[uint32(v)]
			if !ok {
				at, rows = len(rows), append(rows, Row{words[v], make([]uint64, len(queries))})
				of[uint32(v)] = at
			}
			rows[at].Counts[i] = n
		}
	}
	slices.SortFunc(rows, func(a, b Row) int {
		return cmp.Or(-cmp.Compare(a.Counts[0], b.Counts[0]), strings.Compare(a.Value, b.Value))
	})
	return rows, nil
}

// measuresLike are those of all queries that differ from one in their measures
// alone, so that they are one scan.
func measuresLike(queries []ledger.Query, q ledger.Query) (out []ledger.Measure) {
	same := asks(q)
	for _, other := range queries {
		if asks(other) != same {
			continue
		}
		for _, m := range other.Measures {
			if !slices.Contains(out, m) {
				out = append(out, m)
			}
		}
	}
	slices.Sort(out)
	return out
}
