// Package disclosure decides which counts of a table may be published. Of few
// people a count is no statistic but a statement about them, so small counts are
// withheld, and as many others as it takes that nobody can compute them from
// what is published. It is pure: counts in, decisions out.
//
// The method is cell suppression with interval protection (Willenborg and de
// Waal, Elements of Statistical Disclosure Control, 2001, chapter 4): primary
// suppression by a threshold, secondary suppression until what an attacker can
// compute of a small count spans at least the threshold. For sums over two
// classifications what he can compute is exact: it is a flow in a network.
package disclosure

import (
	"cmp"
	"slices"
)

// Counts are counts of things by two classifications at once: row and column.
// All rows are of one length. What is published are the sums of rows, of columns
// and of all, never the counts themselves.
type Counts [][]uint64

// Shown says which sums are published.
type Shown struct {
	Total         bool
	Rows, Columns []bool
}

// Suppress chooses the sums to publish so that of every sum and every single
// count from 1 to least-1 the best informed attacker can tell no more than an
// interval that spans at least least, and so none that lies below it. He is
// taken to know every published sum, that no withheld sum is 0, that counts are
// not negative, and which pairs of row and column are empty.
//
// Sums of 0 are published: that nobody is there says nothing about anybody. Only
// where they would, because few are spread over many, is nothing but the total.
// Of a total below least nothing is published at all.
func Suppress(c Counts, least uint64) Shown {
	s := newSums(c)
	show := Shown{Total: true, Rows: make([]bool, len(s.rows)), Columns: make([]bool, len(s.columns))}
	if s.total > 0 && s.total < least {
		show.Total = false
		return show
	}
	small := func(n uint64) bool { return n > 0 && n < least }
	for i, n := range s.rows {
		show.Rows[i] = !small(n)
	}
	for j, n := range s.columns {
		show.Columns[j] = !small(n)
	}
	n := newNetwork(c, s, least)
	n.hold(show)
	var hidden []sum // by us, not for being small
	for {
		arc, width := n.weakest()
		if arc < 0 {
			break
		}
		next, ok := n.best(show, s, arc, width)
		if !ok {
			// Every sum that is not 0 is hidden, and still those of 0 tell too much of
			// them: of five in five rows each has one. So these go, too.
			return Shown{Total: true, Rows: make([]bool, len(s.rows)), Columns: make([]bool, len(s.columns))}
		}
		next.set(&show, false)
		n.hold(show)
		hidden = append(hidden, next)
	}
	n.showAgain(&show, hidden)
	return show
}

// sums are what may be published of counts.
type sums struct {
	total         uint64
	rows, columns []uint64
}

func newSums(c Counts) sums {
	s := sums{rows: make([]uint64, len(c))}
	if len(c) > 0 {
		s.columns = make([]uint64, len(c[0]))
	}
	for i, row := range c {
		for j, n := range row {
			s.rows[i] += n
			s.columns[j] += n
			s.total += n
		}
	}
	return s
}

// sum is one of the sums of rows and columns.
type sum struct {
	column bool
	index  int
	value  uint64
}

func (s sum) set(show *Shown, shown bool) {
	if s.column {
		show.Columns[s.index] = shown
	} else {
		show.Rows[s.index] = shown
	}
}

// candidates are the sums that are shown and could be hidden, the smallest first.
func (s sums) candidates(show Shown) []sum {
	var out []sum
	for i, n := range s.rows {
		if show.Rows[i] && n > 0 {
			out = append(out, sum{false, i, n})
		}
	}
	for j, n := range s.columns {
		if show.Columns[j] && n > 0 {
			out = append(out, sum{true, j, n})
		}
	}
	slices.SortStableFunc(out, func(a, b sum) int { return cmp.Compare(a.value, b.value) })
	return out
}

// best is the smallest sum whose hiding protects an arc, or else protects it
// most, or else the smallest: two may have to go before either helps.
func (n *network) best(show Shown, s sums, arc int, width uint64) (sum, bool) {
	list := s.candidates(show)
	if len(list) == 0 {
		return sum{}, false
	}
	best := list[0]
	for _, c := range list {
		c.set(&show, false)
		n.hold(show)
		w := n.width(arc)
		c.set(&show, true)
		if w > width {
			best, width = c, w
		}
		if w >= n.least {
			break
		}
	}
	n.hold(show)
	return best, true
}

// showAgain shows what was hidden in vain: the largest first, as long as all is
// protected.
func (n *network) showAgain(show *Shown, hidden []sum) {
	slices.SortStableFunc(hidden, func(a, b sum) int { return cmp.Compare(b.value, a.value) })
	for _, h := range hidden {
		h.set(show, true)
		n.hold(*show)
		if arc, _ := n.weakest(); arc >= 0 {
			h.set(show, false)
			n.hold(*show)
		}
	}
}
