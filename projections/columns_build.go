package projections

import (
	"encoding/binary"
	"math"
	"slices"

	"github.com/google/uuid"
)

// blockRows is from how many rows on a block is full.
const blockRows = 4096

// blockBuilder makes a block, case by case.
type blockBuilder struct {
	b block
	// Of the respondent being added.
	open  bool
	name  uint32
	rows  []stateRow
	at    []int64
	spent map[string]uint32 // his entries of index, which rows share

	abouts map[about]uint32
}

// about numbers what a row is about.
func (w *blockBuilder) about(a about) uint32 {
	if w.abouts == nil {
		w.abouts = make(map[about]uint32)
	}
	if len(w.b.abouts) == 0 {
		w.b.abouts, w.abouts[about{}] = append(w.b.abouts, about{}), 0
	}
	n, ok := w.abouts[a]
	if !ok {
		n = uint32(len(w.b.abouts))
		w.b.abouts, w.abouts[a] = append(w.b.abouts, a), n
	}
	return n
}

// begin starts a case.
func (w *blockBuilder) begin(id uuid.UUID) {
	w.flush()
	w.b.ids = append(w.b.ids, id)
	w.b.respondents = append(w.b.respondents, uint32(len(w.b.names)))
}

// respondent starts one of the case; his rows follow in the order of happened
// and recorded time.
func (w *blockBuilder) respondent(name uint32) {
	w.flush()
	w.open, w.name, w.rows = true, name, w.rows[:0]
}

// grow makes room for a row of the open respondent, to be filled in.
func (w *blockBuilder) grow() *stateRow {
	if n := len(w.rows); n < cap(w.rows) {
		w.rows = w.rows[:n+1] // with the room that its times had
	} else {
		w.rows = append(w.rows, stateRow{})
	}
	return &w.rows[len(w.rows)-1]
}

// size is how many rows there are.
func (w *blockBuilder) size() int { return len(w.b.from) + len(w.b.pastFrom) + len(w.rows) }

// flush writes the open respondent.
func (w *blockBuilder) flush() {
	if !w.open {
		return
	}
	w.open = false
	b := &w.b
	b.names = append(b.names, w.name)
	b.present, b.past = append(b.present, uint32(len(b.from))), append(b.past, uint32(len(b.pastFrom)))
	w.at = w.at[:0]
	for i := range w.rows {
		w.at = append(w.at, w.rows[i].times...)
	}
	slices.Sort(w.at)
	w.at = slices.Compact(w.at)
	if len(w.at) > math.MaxUint8+1 {
		w.widen()
	}
	b.moments, b.entries = append(b.moments, uint32(len(b.at))), append(b.entries, w.indexed())
	b.at = append(b.at, w.at...)
	if w.spent == nil {
		w.spent = make(map[string]uint32)
	}
	clear(w.spent)
	end := int64(math.MinInt64) // of the present rows so far
	for i := range w.rows {
		r := &w.rows[i]
		if r.recordedTo == forever {
			if end != math.MinInt64 && end < r.from {
				w.present(&stateRow{from: end}, 0)
			}
			w.present(r, w.entries(r.times))
			end = r.to
			continue
		}
		b.pastFrom, b.pastTo = append(b.pastFrom, r.from), append(b.pastTo, r.to)
		b.recordedFrom, b.replaced = append(b.recordedFrom, uint32(r.recordedFrom)), append(b.replaced, uint32(r.recordedTo))
		b.was.add(r.shape, w.about(r.about), w.entries(r.times))
	}
	if end != math.MinInt64 && end < infinity {
		w.present(&stateRow{from: end}, 0)
	}
	if n := uint32(len(b.from)); n > b.present[len(b.present)-1] {
		b.last.add(b.now.shape[n-1], b.now.about[n-1], b.now.times[n-1])
	} else {
		b.last.add(0, w.about(about{}), 0)
	}
}

func (w *blockBuilder) present(r *stateRow, times uint32) {
	w.b.from, w.b.recorded = append(w.b.from, r.from), append(w.b.recorded, uint32(r.recordedFrom))
	w.b.now.add(r.shape, w.about(r.about), times)
}

// indexed counts the entries of index.
func (w *blockBuilder) indexed() uint32 {
	if w.b.wide {
		return uint32(len(w.b.index) / 4)
	}
	return uint32(len(w.b.index))
}

// entries writes which of the respondent's moments a row means, once for all
// rows that mean the same, and says where, counted from his first.
func (w *blockBuilder) entries(times []int64) uint32 {
	var room [256]byte
	list := room[:0]
	for _, t := range times {
		i, _ := slices.BinarySearch(w.at, t)
		if w.b.wide {
			list = binary.LittleEndian.AppendUint32(list, uint32(i))
		} else {
			list = append(list, byte(i))
		}
	}
	if at, ok := w.spent[string(list)]; ok {
		return at
	}
	at := w.indexed() - w.b.entries[len(w.b.entries)-1]
	w.spent[string(list)] = at
	w.b.index = append(w.b.index, list...)
	return at
}

// widen gives the entries written so far four bytes each.
func (w *blockBuilder) widen() {
	if w.b.wide {
		return
	}
	w.b.wide, w.b.index = true, widened(nil, w.b.index)
}

func widened(out, narrow []byte) []byte {
	for _, i := range narrow {
		out = binary.LittleEndian.AppendUint32(out, uint32(i))
	}
	return out
}

// copyCase adds a case of another block.
func (w *blockBuilder) copyCase(o *block, c int) {
	w.flush()
	if o.wide {
		w.widen()
	}
	w.begin(o.ids[c])
	b := &w.b
	for r := o.respondents[c]; r < o.respondents[c+1]; r++ {
		b.names = append(b.names, o.names[r])
		b.present, b.past = append(b.present, uint32(len(b.from))), append(b.past, uint32(len(b.pastFrom)))
		b.moments, b.entries = append(b.moments, uint32(len(b.at))), append(b.entries, w.indexed())
		b.at = append(b.at, o.at[o.moments[r]:o.moments[r+1]]...)
		switch from, to := o.entries[r], o.entries[r+1]; {
		case o.wide:
			b.index = append(b.index, o.index[4*from:4*to]...)
		case b.wide:
			b.index = widened(b.index, o.index[from:to])
		default:
			b.index = append(b.index, o.index[from:to]...)
		}
		from, to := o.present[r], o.present[r+1]
		b.from, b.recorded = append(b.from, o.from[from:to]...), append(b.recorded, o.recorded[from:to]...)
		w.copy(&b.now, o, &o.now, from, to)
		from, to = o.past[r], o.past[r+1]
		b.pastFrom, b.pastTo = append(b.pastFrom, o.pastFrom[from:to]...), append(b.pastTo, o.pastTo[from:to]...)
		b.recordedFrom, b.replaced = append(b.recordedFrom, o.recordedFrom[from:to]...), append(b.replaced, o.replaced[from:to]...)
		w.copy(&b.was, o, &o.was, from, to)
		w.copy(&b.last, o, &o.last, r, r+1)
	}
}

// copy adds a stretch of another block's sayings.
func (w *blockBuilder) copy(s *sayings, o *block, of *sayings, from, to uint32) {
	for i := from; i < to; i++ {
		s.add(of.shape[i], w.about(o.abouts[of.about[i]]), of.times[i])
	}
}

// finish gives the block, without spare room, and begins another. nil: it has no
// case.
func (w *blockBuilder) finish() *block {
	w.flush()
	o := &w.b
	if len(o.ids) == 0 {
		return nil
	}
	o.respondents = append(o.respondents, uint32(len(o.names)))
	o.present, o.past = append(o.present, uint32(len(o.from))), append(o.past, uint32(len(o.pastFrom)))
	o.moments, o.entries = append(o.moments, uint32(len(o.at))), append(o.entries, w.indexed())
	b := *o
	b.ids = fitted(b.ids)
	for _, list := range []*[]uint32{
		&b.respondents, &b.names, &b.present, &b.past, &b.moments, &b.entries, &b.recorded, &b.recordedFrom, &b.replaced,
	} {
		*list = fitted(*list)
	}
	for _, list := range []*[]int64{&b.at, &b.from, &b.pastFrom, &b.pastTo} {
		*list = fitted(*list)
	}
	b.index, b.abouts = fitted(b.index), fitted(b.abouts)
	clear(w.abouts)
	for _, s := range []*sayings{&b.now, &b.was, &b.last} {
		s.fit()
	}
	b.bound()
	b.outcomes = new(keptOutcomes)
	b.memo = new(blockMemo)
	o.reset()
	return &b
}

// bound finds the bounds.
func (b *block) bound() {
	b.first, b.final, b.latest, b.oldest = math.MaxInt64, math.MinInt64, math.MinInt64, math.MaxUint32
	for i, from := range b.from {
		b.final = max(b.final, from)
		if b.now.shape[i] == 0 {
			continue
		}
		b.first, b.latest = min(b.first, from), max(b.latest, from)
		b.oldest, b.newest = min(b.oldest, b.recorded[i]), max(b.newest, b.recorded[i])
	}
	for i, from := range b.pastFrom {
		b.first, b.latest = min(b.first, from), max(b.latest, from)
		b.oldest, b.newest = min(b.oldest, b.recordedFrom[i]), max(b.newest, b.replaced[i])
	}
	n := len(b.names)
	b.lastFrom, b.lastKnown, b.begun = make([]int64, n), make([]uint32, n), make([]int64, n)
	for r := range b.names {
		b.boundOf(r)
	}
}

// boundOf finds those of a respondent.
func (b *block) boundOf(r int) {
	b.lastFrom[r], b.begun[r] = infinity, infinity
	if from, to := b.present[r], b.present[r+1]; from < to {
		b.begun[r] = b.from[from]
		if b.last.shape[r] != 0 {
			b.lastFrom[r], b.lastKnown[r] = b.from[to-1], b.recorded[to-1]
		}
	}
	for _, from := range b.pastFrom[b.past[r]:b.past[r+1]] {
		b.begun[r] = min(b.begun[r], from)
	}
}

// reset empties a block and keeps its room.
func (b *block) reset() {
	b.ids, b.at, b.index, b.wide, b.abouts = b.ids[:0], b.at[:0], b.index[:0], false, b.abouts[:0]
	for _, list := range []*[]uint32{
		&b.respondents, &b.names, &b.present, &b.past, &b.moments, &b.entries, &b.recorded, &b.recordedFrom, &b.replaced,
	} {
		*list = (*list)[:0]
	}
	b.from, b.pastFrom, b.pastTo = b.from[:0], b.pastFrom[:0], b.pastTo[:0]
	for _, s := range []*sayings{&b.now, &b.was, &b.last} {
		s.sized(0)
	}
	b.newest = 0
}
