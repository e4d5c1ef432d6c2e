package rates

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

func near(t *testing.T, what string, got, want, off float64) {
	t.Helper()
	if math.IsNaN(got) || math.Abs(got-want) > off {
		t.Errorf("%s: %v, want %v", what, got, want)
	}
}

// TestWilsonAsPublished: Newcombe, Stat. Med. 17 (1998) 857, table I, method 3.
func TestWilsonAsPublished(t *testing.T) {
	for _, c := range []struct {
		k, n      uint64
		low, high float64
	}{{81, 263, .2553, .3662}, {15, 148, .0624, .1605}, {0, 20, 0, .1611}, {1, 29, .0061, .1718}} {
		i := Wilson(c.k, c.n, .95)
		near(t, "low", i.Low, c.low, .00005)
		near(t, "high", i.High, c.high, .00005)
	}
	if got := Wilson(0, 0, .95); got != (Interval{0, 1}) {
		t.Errorf("of nothing: %v", got)
	}
	if got := Wilson(9, 9, .95); got.High != 1 || got.Low > .75 || got.Low < .6 {
		t.Errorf("9 of 9: %v", got)
	}
	if got := Wilson(5, 3, .95); got != Wilson(3, 3, .95) {
		t.Errorf("more than all: %v", got)
	}
}

func TestWilsonProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.Uint64Range(1, 1<<40).Draw(t, "n")
		k := rapid.Uint64Range(0, n).Draw(t, "k")
		i := Wilson(k, n, .95)
		if !(0 <= i.Low && i.Low < i.High && i.High <= 1) || !i.Contains(float64(k)/float64(n)) {
			t.Fatalf("%d of %d: %v", k, n, i)
		}
		if wide := Wilson(k, n, .99); wide.Low > i.Low || wide.High < i.High {
			t.Fatalf("more confidence, less width: %v %v", i, wide)
		}
		if k < n {
			if next := Wilson(k+1, n, .95); next.Low < i.Low || next.High < i.High {
				t.Fatalf("one more of %d lowers %v to %v", n, i, next)
			}
		}
		if more := Wilson(k*2, n*2, .95); more.High-more.Low > i.High-i.Low {
			t.Fatalf("twice as many know less: %v %v", i, more)
		}
		mirror := Wilson(n-k, n, .95)
		if math.Abs(mirror.Low-(1-i.High)) > 1e-9 {
			t.Fatalf("not the mirror: %v %v", i, mirror)
		}
	})
}

// TestWilsonCovers: computed, not drawn; the mean coverage is that promised.
func TestWilsonCovers(t *testing.T) {
	for _, n := range []uint64{10, 30, 200} {
		sum, steps := 0.0, 0
		for p := .02; p < .99; p += .01 {
			c := Binomial(n, p)
			for k := range n + 1 {
				if Wilson(k, n, .95).Contains(p) {
					sum += math.Exp(c.logP(k))
				}
			}
			steps++
		}
		near(t, "coverage", sum/float64(steps), .95, .01)
	}
}

// TestTailsAsPublished: the lady tasting tea (Fisher, The Design of Experiments,
// 1935, chapter 2: all four right by chance once in 70, three or more 17 times),
// and a table of the binomial distribution for 20 and 0.5.
func TestTailsAsPublished(t *testing.T) {
	tea := Dealt(4, 4, 8)
	near(t, "four cups", tea.AtLeast(4), 1./70, 1e-12)
	near(t, "three cups", tea.AtLeast(3), 17./70, 1e-12)
	near(t, "at most one", tea.AtMost(1), 17./70, 1e-12)
	coins := Binomial(20, .5)
	near(t, "5 of 20", coins.AtMost(5), .0207, .00005)
	near(t, "6 of 20", coins.AtMost(6), .0577, .00005)
	near(t, "P of 5", coins.P(5), .0414, .00005)
	if low, high := coins.within(.05); low != 6 || high != 14 {
		t.Errorf("20 coins within %d to %d, not 6 to 14", low, high)
	}
	near(t, "outside", coins.Outside(.05), .0414, .00005)
}

func TestChanceWithoutChoice(t *testing.T) {
	for name, c := range map[string]Chance{
		"nobody": Binomial(0, .4), "no group": Dealt(0, 5, 9), "nothing": Dealt(0, 0, 0), "never": Binomial(7, 0), "all are the group": Dealt(9, 5, 9),
		"always": Binomial(7, 1), "nothing to deal": Dealt(4, 0, 9), "for everybody": Dealt(4, 9, 9),
	} {
		if got := c.P(c.low); got != 1 {
			t.Errorf("%s: the only outcome has probability %v", name, got)
		}
		if got := c.Outside(.05); got != 0 {
			t.Errorf("%s: outside with %v", name, got)
		}
	}
}

// TestTails: whatever the group, tails and limits fit together.
func TestTails(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		N := rapid.Uint64Range(1, 3000).Draw(t, "all")
		K := rapid.Uint64Range(0, N).Draw(t, "with")
		n := rapid.Uint64Range(1, N).Draw(t, "group")
		c := Dealt(n, K, N)
		if rapid.Bool().Draw(t, "binomial") {
			c = Binomial(n, float64(K)/float64(N))
		}
		alpha := rapid.Float64Range(.001, .2).Draw(t, "alpha")
		k := rapid.Uint64Range(c.low, c.high).Draw(t, "k")
		if one := c.AtMost(k) + c.AtLeast(k) - math.Exp(c.logP(k)); math.Abs(one-1) > 1e-9 {
			t.Fatalf("the tails at %d make %v", k, one)
		}
		least, greatest := c.within(alpha)
		if inside := k >= least && k <= greatest; inside != (c.P(k) > alpha) {
			t.Fatalf("%d lies within %d to %d, P %v", k, least, greatest, c.P(k))
		}
		want := 0.0
		for k := c.low; k <= c.high; k++ {
			if k < least || k > greatest {
				want += math.Exp(c.logP(k))
			}
		}
		if out := c.Outside(alpha); out > alpha+1e-9 || math.Abs(out-want) > 1e-9 {
			t.Fatalf("chance is outside with %v, not %v", out, want)
		}
		limits := c.Limits(alpha)
		if limits.Low > float64(least)/float64(n)+1e-12 || limits.High < float64(greatest)/float64(n)-1e-12 || limits.Low < 0 || limits.High > 1 {
			t.Fatalf("limits %v of %d to %d of %d", limits, least, greatest, n)
		}
		if tight := c.Limits(alpha / 2); tight.Low > limits.Low+1e-12 || tight.High < limits.High-1e-12 {
			t.Fatalf("a smaller alpha is narrower: %v %v", tight, limits)
		}
	})
}

// TestLargeGroups: ten million are no slower and no less right.
func TestLargeGroups(t *testing.T) {
	const n = 10_000_000
	limits := Binomial(n, .3).Limits(.05)
	sd := math.Sqrt(.3 * .7 / n)
	near(t, "low", limits.Low, .3-1.96*sd, 2e-6)
	near(t, "high", limits.High, .3+1.96*sd, 2e-6)
	near(t, "the middle", Dealt(n/2, n/5, n).P(n/10), 1, 1e-3)
}

func BenchmarkLimits(b *testing.B) {
	for b.Loop() {
		Dealt(400_000, 300_000, 1_000_000).Limits(.001)
	}
}

func BenchmarkOutside(b *testing.B) {
	for b.Loop() {
		c := Dealt(1700, 300_000, 1_000_000)
		c.P(560)
		c.Outside(.05)
	}
}

// TestFunnelNarrows: the larger the group, the narrower the limits, and at last
// the group is all.
func TestFunnelNarrows(t *testing.T) {
	width := 2.0
	for _, n := range []uint64{1, 5, 20, 100, 500, 1000} {
		l := Dealt(n, 300, 1000).Limits(.05)
		if l.High-l.Low >= width || !l.Contains(.3) {
			t.Errorf("at %d: %v", n, l)
		}
		width = l.High - l.Low
	}
	near(t, "width of all", width, 0, 1e-12)
}

// TestHolmAsPublished: the worked example of the article on the Holm-Bonferroni
// method in Wikipedia: of 0.01, 0.04, 0.03 and 0.005 the first and last stay
// at 0.05.
func TestHolmAsPublished(t *testing.T) {
	p := []float64{.01, .04, .03, .005}
	for i, want := range []float64{.03, .06, .06, .02} {
		near(t, "corrected", Holm(p)[i], want, 1e-12)
	}
	if len(Holm(nil)) != 0 || Holm([]float64{.2})[0] != .2 || Holm([]float64{.9, .8})[0] != 1 {
		t.Error("few")
	}
}

// TestHolmMarksSeldom: outcomes dealt out at random among 40 groups, a thousand
// times over: a mark anywhere comes in at most 5 of 100.
func TestHolmMarksSeldom(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	const groups, times = 40, 1000
	of := make([]int, 0, 2000)
	for g := range groups {
		for range 5 + g*2 {
			of = append(of, g)
		}
	}
	sizes := make([]uint64, groups)
	for _, g := range of {
		sizes[g]++
	}
	all := uint64(len(of))
	with := all / 4
	marked := 0
	for range times {
		r.Shuffle(len(of), func(i, j int) { of[i], of[j] = of[j], of[i] })
		counts := make([]uint64, groups)
		for _, g := range of[:with] {
			counts[g]++
		}
		p := make([]float64, groups)
		for g := range p {
			p[g] = Dealt(sizes[g], with, all).P(counts[g])
		}
		if slices.Min(Holm(p)) <= .05 {
			marked++
		}
	}
	if marked > 65 { // 50 plus twice the standard deviation
		t.Errorf("chance alone was marked %d times in %d", marked, times)
	}
}
