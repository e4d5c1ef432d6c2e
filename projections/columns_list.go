package projections

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"math/bits"
	"runtime"
	"slices"
	"sort"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/berkas-ledger/berkas/ledger"
)

// Lists behind numbers: columns say which rows stand on a page, and PostgreSQL
// gives these rows by their primary key.

// hit is a row that counts.
type hit struct {
	*block
	c, r int // case and respondent in the block
	bit  int
	key  string // of a letter; "" for other units
}

// toc tells where the lines of a question stand, so that a page can be found
// without listing those before it.
type toc struct {
	*plan
	// counts has, for each bit and block, how many lines the block has.
	counts map[int][]int
	// keys has, for each bit, the keys of letters in their order, and how many
	// lines each has.
	keys map[int][]keyLines
}

type keyLines struct {
	key   uint32
	lines int
}

// toc counts the lines of a question.
func (p *plan) toc(ctx context.Context) (*toc, error) {
	t := &toc{plan: p, counts: make(map[int][]int), keys: make(map[int][]keyLines)}
	type part struct {
		scratch sayings
		keys    map[int]map[uint32]int
	}
	parts := make([]part, runtime.GOMAXPROCS(0))
	for left := p.wanted; left != 0; left &= left - 1 {
		bit := bits.TrailingZeros32(left)
		t.counts[bit] = make([]int, len(p.blocks))
		for i := range parts {
			if parts[i].keys == nil {
				parts[i].keys = make(map[int]map[uint32]int)
			}
			parts[i].keys[bit] = make(map[uint32]int)
		}
	}
	number := p.numbers()
	err := p.each(ctx, func(worker int, b *placed) {
		part, n := &parts[worker], number[b.block]
		p.lines(b, &part.scratch, func(r, bit int, key uint32) {
			t.counts[bit][n]++
			if p.keys != nil {
				part.keys[bit][key]++
			}
		})
	})
	if p.keys == nil || err != nil {
		return t, err
	}
	words := p.words[p.letterAttribute()]
	for bit := range t.counts {
		whole := make(map[uint32]int)
		for i := range parts {
			for key, n := range parts[i].keys[bit] {
				whole[key] += n
			}
		}
		list := make([]keyLines, 0, len(whole))
		for key, n := range whole {
			list = append(list, keyLines{key, n})
		}
		slices.SortFunc(list, func(a, b keyLines) int { return strings.Compare(words[a.key], words[b.key]) })
		t.keys[bit] = list
	}
	return t, nil
}

// numbers says which of the snapshot's blocks a block is.
func (s *snapshot) numbers() map[*block]int {
	number := make(map[*block]int, len(s.blocks))
	for i := range s.blocks {
		number[s.blocks[i].block] = i
	}
	return number
}

func (p *plan) letterAttribute() attribute {
	if p.unit == ledger.UnitPPK {
		return attrPPK
	}
	return attrRecommendation
}

// lines tells the rows of a block that count, for each bit that they count for.
func (p *plan) lines(b *placed, scratch *sayings, yield func(r, bit int, key uint32)) {
	if b.empty(p.at, p.known) {
		return
	}
	in := b.held(p.at, p.known, b.dead, scratch)
	for r := range b.names {
		w := p.counts(b.block, in, r, r) & p.wanted
		if w == 0 {
			continue
		}
		var key uint32
		if p.keys != nil {
			if key = p.keys[b.abouts[in.about[r]].letter]; key == 0 {
				continue
			}
		}
		for ; w != 0; w &= w - 1 {
			yield(r, bits.TrailingZeros32(w), key)
		}
	}
}

// total counts all lines of the bits in their order.
func (t *toc) total(order []int) (n int) {
	for _, bit := range order {
		for _, count := range t.counts[bit] {
			n += count
		}
	}
	return n
}

// stretch gives some lines of the bits in their order: by key where there are
// keys and byKey is set, then by case and respondent.
func (t *toc) stretch(order []int, offset, limit int, byKey bool) (out []hit) {
	for _, bit := range order {
		n := t.total([]int{bit})
		if offset >= n {
			offset -= n
			continue
		}
		take := min(limit-len(out), n-offset)
		if t.plan.keys != nil && byKey {
			out = append(out, t.byKey(bit, offset, take)...)
		} else {
			out = append(out, t.byCase(bit, offset, take)...)
		}
		if offset = 0; len(out) == limit {
			break
		}
	}
	return out
}

// collect lists the lines of a block for a bit, of some keys if there are any.
func (t *toc) collect(b *placed, bit int, keys map[uint32]bool, scratch *sayings, out []hit) []hit {
	c := 0
	words := t.words[t.letterAttribute()]
	t.lines(b, scratch, func(r, at int, key uint32) {
		if at != bit || keys != nil && !keys[key] {
			return
		}
		for int(b.respondents[c+1]) <= r {
			c++
		}
		out = append(out, hit{b.block, c, r, bit, words[key]})
	})
	return out
}

// byCase finds lines by case.
func (t *toc) byCase(bit, offset, limit int) []hit {
	var scratch sayings
	return t.stretchByCase(t.counts[bit], offset, limit, func(b *placed, out []hit) []hit {
		return t.collect(b, bit, nil, &scratch, out)
	})
}

// stretchByCase gives some hits by case, of which each block has a number, in their
// order within a block. Blocks of the base come by id; what stands in later ones
// falls between and is sorted in.
func (s *snapshot) stretchByCase(counts []int, offset, limit int, collect func(b *placed, out []hit) []hit) []hit {
	var later []hit
	for i := s.base; i < len(s.blocks); i++ {
		if counts[i] > 0 {
			later = collect(&s.blocks[i], later)
		}
	}
	slices.SortStableFunc(later, compareLines)
	var out []hit
	for i := range max(1, s.base) {
		// The part of later that comes before the next block of the base.
		mixed := later
		if i+1 < s.base {
			next := s.blocks[i+1].ids[0]
			n := sort.Search(len(later), func(j int) bool { id := later[j].id(); return bytes.Compare(id[:], next[:]) >= 0 })
			mixed = later[:n]
		}
		later = later[len(mixed):]
		n := len(mixed)
		if i < s.base {
			n += counts[i]
		}
		if offset >= n {
			offset -= n
			continue
		}
		if i < s.base && counts[i] > 0 {
			mixed = collect(&s.blocks[i], slices.Clone(mixed))
			slices.SortStableFunc(mixed, compareLines)
		}
		out = append(out, mixed[offset:min(n, offset+limit-len(out))]...)
		if offset = 0; len(out) == limit {
			break
		}
	}
	return out
}

// byKey finds lines by key.
func (t *toc) byKey(bit, offset, limit int) []hit {
	wanted := make(map[uint32]bool)
	have := 0
	for _, k := range t.keys[bit] {
		if have == 0 && offset >= k.lines {
			offset -= k.lines
			continue
		}
		wanted[k.key] = true
		if have += k.lines; have >= offset+limit {
			break
		}
	}
	var scratch sayings
	var list []hit
	for i := range t.blocks {
		if t.counts[bit][i] > 0 {
			list = t.collect(&t.blocks[i], bit, wanted, &scratch, list)
		}
	}
	slices.SortStableFunc(list, func(a, b hit) int { return cmp.Or(strings.Compare(a.key, b.key), compareLines(a, b)) })
	return list[offset:min(len(list), offset+limit)]
}

func (l *hit) id() uuid.UUID { return l.ids[l.c] }

// compareLines orders by case and, within one, as respondents stand in blocks: by
// name.
func compareLines(a, b hit) int {
	x, y := a.id(), b.id()
	return cmp.Or(bytes.Compare(x[:], y[:]), cmp.Compare(a.r, b.r))
}

// tocOf counts the lines of a question once for all its pages.
func (c *columns) tocOf(ctx context.Context, s *snapshot, q ledger.Query) (*toc, []int, error) {
	order := make([]int, len(q.Measures))
	for i, m := range q.Measures {
		order[i] = measureBit(m, q.Unit)
	}
	value, err := c.memo.answerOf(ctx, asks(q, "lines", s.load, s.position, q.Measures), s, c.scans, func(ctx context.Context) (any, int, error) {
		t, err := s.plan(q, q.Measures).toc(ctx)
		words := 1000 + len(t.shapes) + len(t.natures)/8 + len(t.plan.keys)/2
		for bit := range t.counts {
			words += len(t.counts[bit]) + 2*len(t.keys[bit])
		}
		return t, words, err
	})
	if err != nil {
		return nil, nil, err
	}
	return value.(*toc), order, nil
}

// counted says what a line counts.
func (p *plan) counted(l *hit, q ledger.Query) (out Counted, from int64, recorded uint32) {
	in, i := l.holding(l.r, p.at, p.known)
	sh := &p.snapshot.shapes[in.shape[i]]
	id := l.id()
	out = Counted{
		Case: id.String(), Respondent: p.words[attrRespondent][l.names[l.r]],
		Since: fromColumn(l.moment(l.r, in.times[i]+uint32(before(sh.began, l.bit)))),
	}
	for _, m := range q.Measures {
		if measureBit(m, q.Unit) == l.bit {
			out.Measure = m.String()
		}
	}
	switch q.Unit {
	case ledger.UnitCase:
		out.Key = out.Case
	case ledger.UnitRespondent:
		out.Key = out.Case + " " + out.Respondent
	default:
		out.Key = l.key
	}
	switch in {
	case &l.last:
		return out, l.lastFrom[i], l.lastKnown[i]
	case &l.now:
		return out, l.from[i], l.recorded[i]
	default:
		return out, l.pastFrom[i], l.recordedFrom[i]
	}
}

// behind is CasesBehind; limit 0: all.
func (c *columns) behind(ctx context.Context, s *snapshot, q ledger.Query, limit int) ([]Counted, error) {
	t, order, err := c.tocOf(ctx, s, q)
	if err != nil {
		return nil, err
	}
	if limit == 0 {
		limit = t.total(order)
	}
	out := make([]Counted, 0, min(limit, t.total(order)))
	for _, l := range t.stretch(order, 0, limit, false) {
		one, _, _ := t.counted(&l, q)
		out = append(out, one)
	}
	return out, nil
}

// listColumns is List: the rows' other words and the cases' last records come from the
// tables.
func (r *Reader) listColumns(ctx context.Context, s *snapshot, q ledger.Query, offset, limit int) ([]Listed, int, error) {
	t, order, err := r.columns.tocOf(ctx, s, q)
	if err != nil {
		return nil, 0, err
	}
	total := t.total(order)
	if offset >= total || limit <= 0 {
		return nil, 0, nil
	}
	lines := t.stretch(order, offset, limit, true)
	list := make([]Listed, len(lines))
	var at linePlaces
	for i := range lines {
		one, from, recorded := t.counted(&lines[i], q)
		list[i].Counted = one
		at.ids, at.names = append(at.ids, lines[i].id()), append(at.names, one.Respondent)
		at.from, at.recorded = append(at.from, fromColumn(from)), append(at.recorded, int64(recorded))
	}
	return list, total, r.fillLines(ctx, q, list, at)
}

// linesSQL finds rows by their primary key, and the last record of each case.
const linesSQL = `
	SELECT n, stage, control, remedy, coalesce(holder, ''), coalesce(institution, ''), coalesce(office, ''), l.*
	FROM unnest($1::uuid[], $2::text[], $3::timestamptz[], $4::bigint[]) WITH ORDINALITY AS c (id, name, happened, recorded, n)
	CROSS JOIN LATERAL (
		SELECT * FROM projection.respondent_history
		WHERE case_id = c.id AND respondent = c.name AND happened_from = c.happened AND recorded_from = c.recorded
		OFFSET 0) h
	CROSS JOIN LATERAL (
		SELECT position, kind, version, agency, happened, recorded FROM projection.record
		WHERE case_id = c.id AND position <= $5 AND happened <= $6
		ORDER BY happened DESC, position DESC LIMIT 1) l`

// fillLines reads what columns do not have. What is known at a position does not
// change, so each row must be there.
func (r *Reader) fillLines(ctx context.Context, q ledger.Query, list []Listed, at linePlaces) error {
	rows, err := r.pool.Query(ctx, linesSQL, at.ids, at.names, at.from, at.recorded, int64(q.KnownAt), q.AsOf)
	if err != nil {
		return asking("the list behind a figure", err)
	}
	filled := 0
	var n int64
	var one Listed
	last := &one.Last
	if _, err := pgx.ForEachRow(rows, []any{
		&n, &one.Stage, &one.Control, &one.Remedy, &one.Holder, &one.Institution, &one.Office,
		&last.Position, &last.Kind, &last.Version, &last.Agency, &last.Happened, &last.Recorded,
	}, func() error {
		one.Counted = list[n-1].Counted
		last.Happened, last.Recorded = last.Happened.UTC(), last.Recorded.UTC()
		list[n-1] = one
		filled++
		return nil
	}); err != nil {
		return asking("the list behind a figure", err)
	}
	if filled != len(list) {
		return fmt.Errorf("%d of %d listed rows stand in %s: the tables were replaced; ask again", filled, len(list), historyTable)
	}
	return nil
}

// linePlaces are primary keys of rows.
type linePlaces struct {
	ids      []uuid.UUID
	names    []string
	from     []time.Time
	recorded []int64
}

// extentOf is Extent.
func (r *Reader) extentOf(ctx context.Context, s *snapshot) (Extent, error) {
	first, last := int64(math.MaxInt64), int64(math.MinInt64)
	for _, p := range s.blocks {
		first, last = min(first, p.first), max(last, p.latest)
	}
	var e Extent
	if first <= last {
		e.First, e.Last = fromColumn(first), fromColumn(last)
	}
	if err := r.pool.QueryRow(ctx, "SELECT recorded FROM projection.record WHERE position = 1").Scan(&e.Recorded); errors.Is(err, pgx.ErrNoRows) {
		return e, nil
	} else if err != nil {
		return e, asking("the extent", err)
	}
	e.Recorded = e.Recorded.UTC()
	return e, nil
}
