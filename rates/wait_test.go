package rates

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

func waits(done, open []int) Waits {
	size := 1 + slices.Max(append(slices.Concat(done, open), 0))
	w := Waits{make([]uint32, size), make([]uint32, size)}
	for _, d := range done {
		w.Done[d]++
	}
	for _, d := range open {
		w.Open[d]++
	}
	return w
}

// The remission of leukaemia in weeks, 6-MP and placebo: Freireich et al., Blood
// 21 (1963) 699, the example of most textbooks.
var (
	mp      = waits([]int{6, 6, 6, 7, 10, 13, 16, 22, 23}, []int{6, 9, 10, 11, 17, 19, 20, 25, 32, 32, 34, 35})
	placebo = waits([]int{1, 1, 2, 2, 3, 4, 4, 5, 5, 8, 8, 8, 8, 11, 11, 12, 12, 15, 17, 22, 23}, nil)
)

// TestKaplanMeierAsPublished: Klein and Moeschberger, Survival Analysis, 2nd ed.
// 2003, tables 4.1A and 4.1B: at risk, estimate, standard error.
func TestKaplanMeierAsPublished(t *testing.T) {
	c := KaplanMeier(mp)
	for i, want := range []struct {
		day    int
		atRisk uint64
		left   float64
		error  float64
	}{
		{6, 21, .857, .0764},
		{7, 17, .807, .0869},
		{10, 15, .753, .0963},
		{13, 12, .690, .1068},
		{16, 11, .627, .1141},
		{22, 7, .538, .1282},
		{23, 6, .448, .1346},
	} {
		p := c[i]
		if p.Day != want.day || p.AtRisk != want.atRisk {
			t.Errorf("point %d: day %d, at risk %d", i, p.Day, p.AtRisk)
		}
		near(t, "left", p.Left, want.left, .0005)
		near(t, "standard error", p.Left*math.Sqrt(p.Spread), want.error, .00006)
	}
	// Medians of both groups: the same book, sections 1.2 and 4.5.
	if q := c.Quantile(.5, .95); q.Days != 23 || !q.Known || q.Low != 13 || !q.LowKnown || q.HighKnown {
		t.Errorf("median of 6-MP: %+v", q)
	}
	if q := KaplanMeier(placebo).Quantile(.5, .95); q.Days != 8 || q.Low != 4 || q.High != 11 || !q.HighKnown {
		t.Errorf("median of placebo: %+v", q)
	}
}

// TestLogRankAsPublished: of the same patients 9 of 19.25 expected, and 21 of
// 10.75; chi-squared 16.79 (Kleinbaum and Klein, Survival Analysis, 3rd ed.
// 2012, chapter 2).
func TestLogRankAsPublished(t *testing.T) {
	both := together(mp, placebo)
	d := LogRank(mp, both)
	near(t, "seen", d.Seen, 9, 0)
	near(t, "expected", d.Expected, 19.25, .005)
	z := math.Sqrt2 * math.Erfcinv(d.P)
	near(t, "chi-squared", z*z, 16.79, .005)
	other := LogRank(placebo, both)
	near(t, "the other way", other.P, d.P, 1e-12)
	near(t, "expected of placebo", other.Expected, 10.75, .005)
}

func TestWaitsOfNothing(t *testing.T) {
	for name, w := range map[string]Waits{"none": {}, "all open": waits(nil, []int{3, 4}), "zero": {Done: []uint32{0, 0}}} {
		if q := KaplanMeier(w).Quantile(.5, .95); q.Known || q.LowKnown || q.HighKnown {
			t.Errorf("%s: %+v", name, q)
		}
		if d := LogRank(w, w); d.P != 1 {
			t.Errorf("%s: %+v", name, d)
		}
	}
	one := KaplanMeier(waits([]int{5}, nil)).Quantile(.5, .95)
	if !one.Known || one.Days != 5 || one.HighKnown {
		t.Errorf("one wait: %+v", one)
	}
}

func drawWaits(t *rapid.T, name string) Waits {
	days := rapid.SliceOfN(rapid.Uint32Range(0, 9), 0, 40)
	return Waits{days.Draw(t, name+" done"), days.Draw(t, name+" open")}
}

func TestWaitProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := drawWaits(t, "waits")
		c := KaplanMeier(w)
		before := 1.0
		for _, p := range c {
			band := p.Band(.95)
			if p.Left < 0 || p.Left >= before || !band.Contains(p.Left) || band.Low < 0 || band.High > 1 {
				t.Fatalf("%+v after %v, band %v", p, before, band)
			}
			before = p.Left
		}
		last := Quantile{Known: true}
		for _, share := range []float64{.25, .5, .75} {
			q := c.Quantile(share, .95)
			if q.Known && (!last.Known || q.Days < last.Days || !q.LowKnown || q.Low > q.Days || q.HighKnown && q.High < q.Days) {
				t.Fatalf("%v: %+v after %+v", share, q, last)
			}
			last = q
		}
		if done, open := w.Len(); open == 0 && done > 0 {
			if q := c.Quantile(.5, .95); q.Days != plainMedian(w) {
				t.Fatalf("without open ones the median is %d, not %d", plainMedian(w), q.Days)
			}
		}
		others := drawWaits(t, "others")
		d, mirror := LogRank(w, together(w, others)), LogRank(others, together(w, others))
		if math.IsNaN(d.P) || d.P < 0 || d.P > 1 || d.Expected < 0 || math.Abs(d.P-mirror.P) > 1e-9 {
			t.Fatalf("%+v", d)
		}
	})
}

// plainMedian is the lower one of the sorted list.
func plainMedian(w Waits) int {
	done, _ := w.Len()
	var sum uint64
	for day, n := range w.Done {
		if sum += uint64(n); 2*sum >= done {
			return day
		}
	}
	return -1
}

// together puts two groups into one.
func together(a, b Waits) Waits {
	out := Waits{make([]uint32, max(a.days(), b.days())), make([]uint32, max(a.days(), b.days()))}
	for day := range out.Done {
		for _, w := range []Waits{a, b} {
			done, open := w.at(day)
			out.Done[day], out.Open[day] = out.Done[day]+uint32(done), out.Open[day]+uint32(open)
		}
	}
	return out
}

// TestMedianCovers: waits of a known median, a third of them cut off: the
// interval holds the median about as often as it says.
func TestMedianCovers(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	const times, n, median = 1500, 80, 693
	held := 0
	for range times {
		w := Waits{make([]uint32, 20_000), make([]uint32, 20_000)}
		for range n {
			wait, cut := r.ExpFloat64()*1000, r.ExpFloat64()*2000
			if wait <= cut {
				w.Done[min(19_999, int(wait))]++
			} else {
				w.Open[min(19_999, int(cut))]++
			}
		}
		q := KaplanMeier(w).Quantile(.5, .95)
		if q.LowKnown && q.Low <= median && (!q.HighKnown || q.High >= median) {
			held++
		}
	}
	if share := float64(held) / times; share < .93 || share > .975 {
		t.Errorf("the interval holds the median %v of the time", share)
	}
}

// FuzzWaits: whatever the counts, nothing is no number.
func FuzzWaits(f *testing.F) {
	f.Add([]byte{1, 2, 3}, []byte{0, 9})
	f.Add([]byte{}, []byte{})
	f.Add([]byte{255}, []byte{255, 255})
	f.Fuzz(func(t *testing.T, done, open []byte) {
		w := Waits{}
		for _, b := range done {
			w.Done = append(w.Done, uint32(b)<<24)
		}
		for _, b := range open {
			w.Open = append(w.Open, uint32(b))
		}
		c := KaplanMeier(w)
		for _, p := range c {
			if band := p.Band(.95); math.IsNaN(p.Left) || math.IsNaN(band.Low) || math.IsNaN(band.High) || !band.Contains(p.Left) {
				t.Fatalf("%+v %v", p, band)
			}
		}
		c.Quantile(.5, .95)
		if d := LogRank(Waits{Open: w.Open}, w); math.IsNaN(d.P) {
			t.Fatalf("%+v", d)
		}
	})
}
