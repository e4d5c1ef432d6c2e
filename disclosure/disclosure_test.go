package disclosure

import (
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// attacker computes what can be known of every single count and every sum by
// trying all tables that fit what is published. He shares nothing with the
// network.
type attacker struct {
	truth Counts
	s     sums
	show  Shown
	cells [][2]int // that are not empty
	left  []uint64 // of the rows, as far as published; else the whole total
	col   []uint64
	try   Counts
	low   map[[2]int]uint64 // by row and column; -1 is a sum
	high  map[[2]int]uint64
}

func attack(c Counts, show Shown) *attacker {
	a := &attacker{truth: c, s: newSums(c), show: show, low: map[[2]int]uint64{}, high: map[[2]int]uint64{}}
	for i, row := range c {
		a.try = append(a.try, make([]uint64, len(row)))
		for j, n := range row {
			if n > 0 {
				a.cells = append(a.cells, [2]int{i, j})
			}
		}
	}
	a.left, a.col = slices.Clone(a.s.rows), slices.Clone(a.s.columns)
	for i, shown := range show.Rows {
		if !shown {
			a.left[i] = a.s.total
		}
	}
	for j, shown := range show.Columns {
		if !shown {
			a.col[j] = a.s.total
		}
	}
	a.fill(0, a.s.total)
	return a
}

// fill tries all values of the cells from k on that add up to what is left.
func (a *attacker) fill(k int, left uint64) {
	if k == len(a.cells) {
		if left == 0 {
			a.note()
		}
		return
	}
	i, j := a.cells[k][0], a.cells[k][1]
	for v := uint64(0); v <= min(left, a.left[i], a.col[j]); v++ {
		a.try[i][j] = v
		a.left[i], a.col[j] = a.left[i]-v, a.col[j]-v
		a.fill(k+1, left-v)
		a.left[i], a.col[j] = a.left[i]+v, a.col[j]+v
	}
	a.try[i][j] = 0
}

func (a *attacker) note() {
	t := newSums(a.try)
	for i, shown := range a.show.Rows {
		if shown && t.rows[i] != a.s.rows[i] {
			return
		}
	}
	for j, shown := range a.show.Columns {
		if shown && t.columns[j] != a.s.columns[j] {
			return
		}
	}
	// Sums of 0 are published, so what is withheld is none, unless all are.
	if slices.Contains(a.show.Rows, true) || slices.Contains(a.show.Columns, true) {
		for i, shown := range a.show.Rows {
			if !shown && t.rows[i] == 0 {
				return
			}
		}
		for j, shown := range a.show.Columns {
			if !shown && t.columns[j] == 0 {
				return
			}
		}
	}
	see := func(i, j int, v uint64) {
		key := [2]int{i, j}
		if low, seen := a.low[key]; !seen || v < low {
			a.low[key] = v
		}
		a.high[key] = max(a.high[key], v)
	}
	for i, row := range a.try {
		see(i, -1, t.rows[i])
		for j, v := range row {
			see(i, j, v)
		}
	}
	for j, v := range t.columns {
		see(-1, j, v)
	}
}

// pinned lists small counts and sums of which the attacker knows too much.
func (a *attacker) pinned(least uint64) [][2]int {
	var out [][2]int
	look := func(i, j int, truth uint64) {
		key := [2]int{i, j}
		if truth > 0 && truth < least && a.high[key]-a.low[key] < least {
			out = append(out, key)
		}
	}
	for i, row := range a.truth {
		look(i, -1, a.s.rows[i])
		for j, n := range row {
			look(i, j, n)
		}
	}
	for j, n := range a.s.columns {
		look(-1, j, n)
	}
	return out
}

// TestAttack: whatever the table, whoever tries all tables that fit what is
// published cannot pin a small count.
func TestAttack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rows, columns := rapid.IntRange(1, 4).Draw(t, "rows"), rapid.IntRange(1, 3).Draw(t, "columns")
		least := rapid.Uint64Range(2, 4).Draw(t, "least")
		c := make(Counts, rows)
		left := uint64(16) // the attacker tries all of them
		for i := range c {
			c[i] = make([]uint64, columns)
			for j := range c[i] {
				if rapid.IntRange(0, 2).Draw(t, "empty") > 0 {
					c[i][j] = rapid.Uint64Range(0, min(left, 7)).Draw(t, "count")
					left -= c[i][j]
				}
			}
		}
		show := Suppress(c, least)
		s := newSums(c)
		if show.Total != (s.total == 0 || s.total >= least) {
			t.Fatalf("the total %d is shown: %v", s.total, show.Total)
		}
		for i, n := range s.rows {
			if show.Rows[i] && n > 0 && n < least {
				t.Fatalf("row %d shows %d", i, n)
			}
		}
		if !show.Total {
			if slices.Contains(show.Rows, true) || slices.Contains(show.Columns, true) {
				t.Fatal("of a small total something is shown")
			}
			return
		}
		if found := attack(c, show).pinned(least); len(found) > 0 {
			t.Fatalf("%v with %+v: pinned %v", c, show, found)
		}
	})
}

// TestAttackerSees: what the attacker is for: primary suppression alone does not
// stop him, nor do two tables that are each sound by themselves.
func TestAttackerSees(t *testing.T) {
	alone := Counts{{3}, {20}, {30}}
	naive := Shown{Total: true, Rows: []bool{false, true, true}, Columns: []bool{true}}
	if len(attack(alone, naive).pinned(5)) == 0 {
		t.Error("53 - 20 - 30 is not computed")
	}
	// Two provinces, and an office that serves the second and one person of the
	// first: each table has no small sum.
	linked := Counts{{20, 1}, {0, 30}}
	both := Shown{Total: true, Rows: []bool{true, true}, Columns: []bool{true, true}}
	if len(attack(linked, both).pinned(5)) == 0 {
		t.Error("31 - 30 is not computed")
	}
	if show := Suppress(linked, 5); len(attack(linked, show).pinned(5)) > 0 {
		t.Errorf("%+v does not protect", show)
	}
}

// TestSuppressLittle: nothing is hidden without need, and of a need no more than
// it takes.
func TestSuppressLittle(t *testing.T) {
	count := func(list []bool) (hidden int) {
		for _, shown := range list {
			if !shown {
				hidden++
			}
		}
		return hidden
	}
	for name, c := range map[string]struct {
		counts        Counts
		rows, columns int
	}{
		"nothing small":     {Counts{{10}, {0}, {30}}, 0, 0},
		"one small":         {Counts{{3}, {20}, {30}, {9}}, 2, 0},
		"two small are few": {Counts{{1}, {1}, {30}, {9}}, 3, 0},
		"two small":         {Counts{{4}, {4}, {30}, {9}}, 2, 0},
		"empty":             {Counts{{0}, {0}}, 0, 0},
		"only one":          {Counts{{9}, {0}}, 0, 0},
	} {
		show := Suppress(c.counts, 5)
		if count(show.Rows) != c.rows || count(show.Columns) != c.columns || !show.Total {
			t.Errorf("%s: %+v", name, show)
		}
	}
	// Five in five rows, beside rows of 0: whoever sees which are 0 knows the rest.
	few := Counts{{1}, {1}, {1}, {1}, {1}, {0}}
	naive := Shown{Total: true, Rows: []bool{false, false, false, false, false, true}, Columns: []bool{true}}
	if len(attack(few, naive).pinned(5)) != 10 {
		t.Error("that five withheld rows of five have one each is not seen")
	}
	if show := Suppress(few, 5); !show.Total || count(show.Rows) != 6 || count(show.Columns) != 1 {
		t.Errorf("of five in five rows: %+v", show)
	}
	if show := Suppress(nil, 5); !show.Total || show.Rows == nil && len(show.Rows) != 0 {
		t.Errorf("of nothing: %+v", show)
	}
	if show := Suppress(Counts{{2}, {0}}, 5); show.Total || show.Rows[1] {
		t.Errorf("of two: %+v", show)
	}
}

// TestSuppressAtSize: a country: 39 rows, 16 columns, quickly and always the same.
func TestSuppressAtSize(t *testing.T) {
	var c Counts
	state := uint64(7)
	for i := range 39 {
		row := make([]uint64, 16)
		for range 2 {
			state = state*6364136223846793005 + 1442695040888963407
			row[(i/3+int(state>>62))%16] = state >> 33 % 40
		}
		c = append(c, row)
	}
	first := Suppress(c, 5)
	if again := Suppress(c, 5); !slices.Equal(first.Rows, again.Rows) || !slices.Equal(first.Columns, again.Columns) {
		t.Error("the same counts, other decisions")
	}
	n := newNetwork(c, newSums(c), 5)
	n.hold(first)
	if arc, width := n.weakest(); arc >= 0 {
		t.Errorf("arc %d spans %d", arc, width)
	}
	if !slices.Contains(first.Rows, true) {
		t.Error("no row is left")
	}
}

func BenchmarkSuppress(b *testing.B) {
	var c Counts
	for i := range 39 {
		row := make([]uint64, 16)
		row[i/3], row[(i/3+1)%16] = uint64(i%9), uint64(i%4)
		c = append(c, row)
	}
	for b.Loop() {
		Suppress(c, 5)
	}
}

// FuzzSuppress: whatever the counts, small ones are protected as the network
// sees it.
func FuzzSuppress(f *testing.F) {
	f.Add([]byte{3, 20, 30, 9}, uint8(1), uint8(5))
	f.Add([]byte{20, 1, 0, 30}, uint8(2), uint8(5))
	f.Add([]byte{}, uint8(0), uint8(0))
	f.Fuzz(func(t *testing.T, counts []byte, columns, least uint8) {
		width := int(columns%6) + 1
		var c Counts
		for row := range slices.Chunk(counts[:min(len(counts), 60)], width) {
			line := make([]uint64, width)
			for j, n := range row {
				line[j] = uint64(n)
			}
			c = append(c, line)
		}
		show := Suppress(c, uint64(least))
		if !show.Total {
			return
		}
		n := newNetwork(c, newSums(c), uint64(least))
		n.hold(show)
		if arc, width := n.weakest(); arc >= 0 {
			t.Fatalf("%v: arc %d spans %d of %d", c, arc, width, least)
		}
	})
}
