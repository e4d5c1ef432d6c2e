package projections

import (
	"cmp"
	"slices"
	"sort"
	"sync/atomic"
)

// What became of a step follows from the row of a respondent that holds, and once
// his last one does it stays as it is, but for the days of those who still wait.
// Blocks keep it for the steps that are asked for. A block never changes, so
// neither does this.

// Kinds of outcomes.
const (
	unpacked = iota // has no place in an outcome: it is worked out from the row each time
	doneAfter
	openSince
	endedAfter // waits no more, and has not reached To
	outcomeKinds
	neverBegan = -1
)

// outcome is what became of a step for a respondent for whom it began, as his last
// row tells it.
type outcome struct {
	place uint32 // in stepOutcomes
	// packed has in two bits the kind, in 14 the day of From, counted from the first
	// day, and in 16 the days that it took, or for who waits the day of From again.
	packed uint32
}

const (
	outcomeDays = 1<<16 - 1
	outcomeFrom = 1<<14 - 1
)

func (o outcome) kind() int { return int(o.packed >> 30) }
func (o outcome) from() int { return int(o.packed >> 16 & outcomeFrom) }
func (o outcome) days() int { return int(o.packed & outcomeDays) }

// keptOutcomes has a block's outcomes, nil until they are asked for.
type keptOutcomes struct{ atomic.Pointer[stepOutcomes] }

// keptSteps bounds the steps of which outcomes are kept, with eight bytes
// for each respondent for whom one began. Pages ask for 11.
const keptSteps = 16

// stepOutcomes are those of a block's respondents, in the order in which their last
// rows begin: at any moment those whose last row holds stand before all others.
type stepOutcomes struct {
	order []uint32    // the respondents
	from  []int64     // when the last row begins, infinity if it says nothing
	epoch int64       // first day of any moment
	steps []uint16    // their numbers
	of    [][]outcome // of each step, by place
}

// bytes is how much memory outcomes take.
func (k *keptOutcomes) bytes() uint64 {
	o := k.Load()
	if o == nil {
		return 0
	}
	n := 256 + 12*len(o.order)
	for _, of := range o.of {
		n += 64 + 8*cap(of)
	}
	return uint64(n)
}

// outcomes gives those of a block, with w.of of the steps that are asked for.
// What is new of them is kept, as far as there is room.
func (w *pace) outcomes(b *block) *stepOutcomes {
	kept := b.outcomes.Load()
	o := kept
	if o == nil {
		o = b.inOrder()
	}
	if !w.find(o) {
		o = w.with(b, o)
		w.find(o)
		if len(o.steps) <= keptSteps {
			b.outcomes.CompareAndSwap(kept, o) // if another was faster, whoever asks next adds what is not there
		}
	}
	return o
}

// find finds what is asked for; false: not all is there.
func (w *pace) find(o *stepOutcomes) bool {
	w.of = w.of[:0]
	for i := range w.steps {
		at := slices.Index(o.steps, w.steps[i].number)
		if at < 0 {
			return false
		}
		w.of = append(w.of, o.of[at])
	}
	return true
}

// inOrder puts a block's respondents in order.
func (b *block) inOrder() *stepOutcomes {
	n := len(b.names)
	o := &stepOutcomes{order: make([]uint32, n), from: make([]int64, n)}
	for r := range o.order {
		o.order[r] = uint32(r)
	}
	slices.SortFunc(o.order, func(x, y uint32) int { return cmp.Or(cmp.Compare(b.lastFrom[x], b.lastFrom[y]), cmp.Compare(x, y)) })
	for i, r := range o.order {
		o.from[i] = b.lastFrom[r]
	}
	if len(b.at) > 0 {
		o.epoch = jakartaDay(slices.Min(b.at))
	}
	return o
}

// until counts the respondents whose last rows have begun by a moment.
func (o *stepOutcomes) until(at int64) int {
	return sort.Search(len(o.from), func(i int) bool { return o.from[i] > at })
}

// with adds those of steps that are not there.
func (w *pace) with(b *block, o *stepOutcomes) *stepOutcomes {
	more := *o
	more.steps, more.of = slices.Clip(o.steps), slices.Clip(o.of)
	var steps []*stepPlan
	for i := range w.steps {
		if s := &w.steps[i]; !slices.Contains(more.steps, s.number) {
			steps, more.steps, more.of = append(steps, s), append(more.steps, s.number), append(more.of, nil)
		}
	}
	of := more.of[len(o.of):]
	for i, r := range o.order {
		w.rows = w.rows[:0]
		row := w.reads(b, &b.last, int(r), int(r))
		for j, s := range steps {
			if packed, began := w.packed(row, s, o.from[i], o.epoch); began {
				of[j] = append(of[j], outcome{uint32(i), packed})
			}
		}
	}
	for j := range of {
		of[j] = fitted(of[j])
	}
	return &more
}

// packed works an outcome out; began: there is one. last is when the respondent's
// last row begins.
func (w *pace) packed(row *rowReached, s *stepPlan, last, epoch int64) (packed uint32, began bool) {
	kind, from, to := w.told(row, s)
	if kind == neverBegan {
		return 0, false
	}
	on := jakartaDay(from) - epoch
	if on > outcomeFrom || kind == endedAfter && to > last { // which depends on when it is asked
		return unpacked, true
	}
	days := on
	if kind != openSince {
		days = int64(waited(from, to))
	}
	return uint32(kind)<<30 | uint32(on)<<16 | uint32(days), true
}
