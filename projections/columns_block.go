package projections

import (
	"bytes"
	"encoding/binary"
	"math"
	"slices"
	"sort"

	"github.com/google/uuid"
)

// block holds the rows of some hundred cases, of all times, in columns. It never
// changes. Moments are microseconds since PostgreSQL's epoch.
//
// Of each respondent the rows that no record has replaced stand apart: they
// follow one another without a gap (what is missing is filled with the zero
// shape), so each ends where the next begins. Questions of what is known now
// need no others.
type block struct {
	ids         []uuid.UUID // of the cases, ascending
	respondents []uint32    // where each case's respondents begin; one more than cases
	names       []uint32    // of each respondent
	present     []uint32    // where each respondent's rows begin; one more than respondents
	past        []uint32    // the same of replaced rows
	moments     []uint32    // the same of the moments that his rows speak of
	entries     []uint32    // the same of his part of index, counted in entries
	at          []int64     // those moments
	// index tells, of rows, which of their respondent's moments they mean: first
	// since when each measure of the shape is true, then when each milestone was
	// reached. An entry has one byte, or four if wide.
	index []byte
	wide  bool
	// abouts are what rows are about; the first is nothing.
	abouts []about

	from     []int64  // of present rows, when the state began
	recorded []uint32 // since which position
	now      sayings
	// Of replaced rows.
	pastFrom, pastTo       []int64
	recordedFrom, replaced []uint32
	was                    sayings

	// Each respondent's last present row once more: what it says, when it began
	// (infinity if it says nothing), and since which position; and when the first of
	// all his rows began. Most questions need no other rows.
	last      sayings
	lastFrom  []int64
	lastKnown []uint32
	begun     []int64

	outcomes *keptOutcomes // see columns_outcomes.go

	// Bounds: no row begins before first, no present one after final, no row was
	// recorded before oldest, none recorded or replaced after newest.
	first, final, latest int64
	oldest, newest       uint32

	memo *blockMemo // what was found out about it
}

// about is what of a row seldom changes; a block has each once.
type about struct{ nature, items, letter uint32 }

// sayings are what rows say, one in each place.
type sayings struct {
	shape []uint32
	about []uint32 // which of the block's
	times []uint32 // where a row's entries begin in its respondent's
}

func (s *sayings) add(shape, about, times uint32) {
	s.shape, s.about, s.times = append(s.shape, shape), append(s.about, about), append(s.times, times)
}

// sized makes room for n.
func (s *sayings) sized(n int) {
	for _, list := range []*[]uint32{&s.shape, &s.about, &s.times} {
		*list = slices.Grow((*list)[:0], n)[:n]
	}
}

func (s *sayings) set(i int, o *sayings, j int) {
	s.shape[i], s.about[i], s.times[i] = o.shape[j], o.about[j], o.times[j]
}

// fit gives the lists no more room than they need.
func (s *sayings) fit() {
	s.shape, s.about, s.times = fitted(s.shape), fitted(s.about), fitted(s.times)
}

func fitted[T any](list []T) []T { return append(make([]T, 0, len(list)), list...) }

// stateRow is one row on its way into a block.
type stateRow struct {
	from, to                 int64
	recordedFrom, recordedTo int64
	shape                    uint32
	about                    about
	times                    []int64 // as index has them
}

// rows counts them, fillers not.
func (b *block) rows() (n int) {
	for _, s := range b.now.shape {
		if s != 0 {
			n++
		}
	}
	return n + len(b.was.shape)
}

// bytes is how much memory the block takes.
func (b *block) bytes() uint64 {
	n := 16*len(b.ids) + 8*len(b.at) + len(b.index) + 4*(len(b.respondents)+5*len(b.names))
	n += 12*len(b.from) + 24*len(b.pastFrom) + 20*len(b.names)
	n += 12 * (len(b.abouts) + len(b.now.shape) + len(b.was.shape) + len(b.last.shape))
	return uint64(n) + 1024 + b.outcomes.bytes() + b.memo.bytes()
}

// moment gives the moment that one of a respondent's entries means.
func (b *block) moment(r int, entry uint32) int64 {
	entry += b.entries[r]
	if b.wide {
		return b.at[b.moments[r]+binary.LittleEndian.Uint32(b.index[4*entry:])]
	}
	return b.at[b.moments[r]+uint32(b.index[entry])]
}

// find gives a case's place.
func (b *block) find(id uuid.UUID) (int, bool) {
	return slices.BinarySearchFunc(b.ids, id, func(a, b uuid.UUID) int { return bytes.Compare(a[:], b[:]) })
}

// settled reports whether at a position the present rows, and no others, hold.
func (b *block) settled(known uint32) bool { return b.newest <= known }

// empty reports whether nothing can hold at a pair of times.
func (b *block) empty(at int64, known uint32) bool { return b.first > at || b.oldest > known }

// holding finds the row of a respondent that holds at a pair of times.
func (b *block) holding(r int, at int64, known uint32) (in *sayings, place int) {
	if b.begun[r] > at {
		return nil, 0
	}
	if b.lastFrom[r] <= at && b.lastKnown[r] <= known {
		return &b.last, r
	}
	lo, hi := int(b.present[r]), int(b.present[r+1])
	i := hi - 1
	for i >= lo && b.from[i] > at {
		i--
	}
	if i >= lo && b.recorded[i] <= known && b.now.shape[i] != 0 {
		return &b.now, i
	}
	if b.settled(known) {
		return nil, 0
	}
	for i := int(b.past[r]); i < int(b.past[r+1]); i++ {
		if b.pastFrom[i] <= at && at < b.pastTo[i] && b.recordedFrom[i] <= known && known < b.replaced[i] {
			return &b.was, i
		}
	}
	return nil, 0
}

// held gives what holds of each respondent at a pair of times, the zero shape
// where nothing does. It may use the room of scratch.
func (b *block) held(at int64, known uint32, dead []uint64, scratch *sayings) *sayings {
	if b.settled(known) && at >= b.final && dead == nil {
		return &b.last
	}
	scratch.sized(len(b.names))
	for r := range b.names {
		if b.settled(known) && at >= b.final {
			scratch.set(r, &b.last, r)
		} else if in, i := b.holding(r, at, known); in != nil {
			scratch.set(r, in, i)
		} else {
			scratch.shape[r], scratch.about[r], scratch.times[r] = 0, 0, 0
		}
	}
	if dead != nil {
		for c := range b.ids {
			if isDead(dead, c) {
				clear(scratch.shape[b.respondents[c]:b.respondents[c+1]])
			}
		}
	}
	return scratch
}

func isDead(dead []uint64, c int) bool { return dead != nil && dead[c/64]>>(c%64)&1 != 0 }

// during is a row over the time in which it held.
type during struct {
	from, to int64
	in       *sayings
	place    int
}

// spans lists a respondent's rows as known at a position, by time.
func (b *block) spans(r int, known uint32, out []during) []during {
	out = out[:0]
	for i := b.present[r]; i < b.present[r+1]; i++ {
		if b.recorded[i] > known || b.now.shape[i] == 0 {
			continue
		}
		to := int64(math.MaxInt64)
		if i+1 < b.present[r+1] {
			to = b.from[i+1]
		}
		out = append(out, during{b.from[i], to, &b.now, int(i)})
	}
	if b.settled(known) {
		return out
	}
	sorted := len(out)
	for i := b.past[r]; i < b.past[r+1]; i++ {
		if b.recordedFrom[i] <= known && known < b.replaced[i] {
			out = append(out, during{b.pastFrom[i], b.pastTo[i], &b.was, int(i)})
		}
	}
	if len(out) > sorted {
		sort.Slice(out, func(i, j int) bool { return out[i].from < out[j].from })
	}
	return out
}
