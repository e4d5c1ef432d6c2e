package web

import (
	"fmt"
	"math"
	"strings"

	"github.com/berkas-ledger/berkas/rates"
)

// funnel plots each group's rate over its size, with what chance explains at
// each size. Places are per cent of the plot, from its left and top.
type funnel struct {
	Dots   []funnelDot
	Ref    float64 // height of the rate of all
	X, Y   []dotTick
	One    string // outline of what chance explains of one group alone, in thousandths
	All    string // the same after correction for all that is compared
	Groups int
}

type funnelDot struct {
	Value string
	X, Y  float64
	Mark  int
	Named bool // its name is written beside it
	Left  bool // to its left
	K, N  uint64
}

const (
	funnelSteps = 36
	// funnelLabels bounds the names written into the plot.
	funnelLabels = 12
)

// funnel draws the plot. The axis of sizes is a square root: limits of half the
// width stand at four times the size, so small groups have room.
func (t *treatment) funnel(by ratesBy) funnel {
	var most uint64
	high := by.All.Rate
	for _, g := range by.Groups {
		most = max(most, g.N)
		if !g.Tiny() {
			high = max(high, g.Rate)
		}
	}
	if most < tinyGroup || by.All.N == 0 {
		return funnel{}
	}
	end := 1.0
	for _, e := range []float64{.05, .1, .2, .5} {
		if high <= e*.9 {
			end = e
			break
		}
	}
	x := func(n float64) float64 { return 96 * math.Sqrt(n/float64(most)) }
	y := func(rate float64) float64 { return 100 - 100*math.Min(1, rate/end) }
	f := funnel{Ref: y(by.All.Rate)}
	for i := range 6 {
		f.Y = append(f.Y, dotTick{y(end * float64(i) / 5), end * float64(i) / 5})
	}
	for _, n := range sizeTicks(most) {
		f.X = append(f.X, dotTick{x(float64(n)), float64(n)})
	}
	labels := 0
	for _, g := range by.Groups {
		if g.Tiny() {
			continue
		}
		d := funnelDot{Value: g.Value, X: x(float64(g.N)), Y: y(g.Rate), Mark: g.Mark, K: g.K, N: g.N}
		d.Left = d.X > 60
		if d.Named = g.Mark != 0 && labels < funnelLabels; d.Named {
			labels++
		}
		f.Dots = append(f.Dots, d)
	}
	f.Groups = len(f.Dots)
	f.One, f.All = outline(by.All, most, chanceLevel, x, y), outline(by.All, most, t.alpha, x, y)
	return f
}

// outline writes the limits of all sizes as the points of a polygon.
func outline(all rateGroup, most uint64, alpha float64, x, y func(float64) float64) string {
	var upper, lower []string
	last := uint64(0)
	for i := range funnelSteps + 1 {
		part := math.Sqrt(float64(tinyGroup) / float64(most)) // where the square root begins
		at := part + (1-part)*float64(i)/funnelSteps
		n := uint64(math.Round(at * at * float64(most)))
		if n <= last {
			continue
		}
		last = n
		limits := rates.Dealt(n, all.K, all.N).Limits(alpha)
		point := func(rate float64) string { return fmt.Sprintf("%.1f,%.1f", 10*x(float64(n)), 10*y(rate)) }
		upper = append(upper, point(limits.High))
		lower = append([]string{point(limits.Low)}, lower...)
	}
	return strings.Join(append(upper, lower...), " ")
}

// sizeTicks are round sizes that stand apart on a scale of square roots.
func sizeTicks(most uint64) []uint64 {
	var out []uint64
	last := math.Inf(-1)
	for unit := uint64(1); unit <= most; unit *= 10 {
		for _, n := range []uint64{unit, 2 * unit, 5 * unit} {
			at := 96 * math.Sqrt(float64(n)/float64(most))
			if n >= tinyGroup && n <= most && at-last >= 12 {
				out, last = append(out, n), at
			}
		}
		if unit > math.MaxUint64/10 {
			break
		}
	}
	return out
}
