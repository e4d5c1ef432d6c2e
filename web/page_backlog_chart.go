package web

import (
	"strconv"
	"strings"
	"time"

	"github.com/berkas-ledger/berkas/ledger"
	"github.com/berkas-ledger/berkas/projections"
)

// Charts of the backlog: shapes in per cent of their width and in pixels of their
// height, so that words keep their size on any screen.

const (
	ageHeight   = 150 // pixels of the tallest bar
	trendHeight = 180
	mostTrend   = 36 // moments of a trend at most, beside the last
)

// trendMoments are the ends of months, of every so many where there are more than
// a chart shows, then as-of itself.
func trendMoments(e projections.Extent, asOf time.Time) []time.Time {
	if e.First.IsZero() || !e.First.Before(asOf) {
		return []time.Time{asOf}
	}
	first, last := e.First.In(ledger.Jakarta), asOf.In(ledger.Jakarta)
	months := (last.Year()-first.Year())*12 + int(last.Month()-first.Month())
	step := 1 + months/mostTrend
	var out []time.Time
	for i := step; i <= months; i += step {
		end := ledger.Date(time.Date(first.Year(), first.Month()+time.Month(i), 0, 0, 0, 0, 0, time.UTC).Format(time.DateOnly)).End()
		if end.Before(asOf) {
			out = append(out, end)
		}
	}
	return append(out, asOf)
}

// ageBins are the greatest numbers of days of the groups; the last has no end.
var ageBins = []int{7, 14, 30, 60, 90, 180, 365, 730, 0}

// ageChart shows how long ago what waits began.
type ageChart struct {
	Bins   []ageBin
	Most   int
	Height int
	Unaged int
}

type ageBin struct {
	Min, Max                        int // days; Max 0: no end
	Label                           string
	Overdue, Open, Undated, Pending count
	X, Mid, Width                   string
	Parts                           []agePart
	Top                             int // where the number stands
}

// agePart is one piece of a bar: late, open (a due day to come), undated.
type agePart struct {
	Class     string
	Y, Height int
}

func (q *backlogQuestion) ages(b *projections.Backlog) ageChart {
	c := ageChart{Most: 1, Height: ageHeight, Unaged: b.Unaged}
	width, least := 100/float64(len(ageBins)), 0
	for i, most := range ageBins {
		bin := ageBin{Min: least, Max: most, Label: "≤ " + strconv.Itoa(most)}
		if most == 0 {
			bin.Label = "> " + strconv.Itoa(least-1)
		}
		var pending, overdue, undated int
		for _, a := range b.Ages {
			if a.Days >= least && (most == 0 || a.Days <= most) {
				pending, overdue, undated = pending+a.Pending, overdue+a.Overdue, undated+a.Undated
			}
		}
		ages := []string{"age-from", strconv.Itoa(least)}
		if least == 0 {
			ages = nil
		}
		if most > 0 {
			ages = append(ages, "age-to", strconv.Itoa(most))
		}
		with := func(n int, more ...string) count { return q.count(n, append(append([]string{}, ages...), more...)...) }
		bin.Pending, bin.Overdue = with(pending), with(overdue, "state", string(ledger.ObligationOverdue))
		bin.Undated = with(undated, "due", dueNone)
		bin.Open = count{N: pending - overdue - undated}
		x := float64(i) * width
		bin.X, bin.Mid, bin.Width = percent(x+width*.08, 100), percent(x+width/2, 100), percent(width*.84, 100)
		c.Most = max(c.Most, pending)
		c.Bins = append(c.Bins, bin)
		least = most + 1
	}
	for i := range c.Bins {
		c.Bins[i].stack(c.Most)
	}
	return c
}

// stack piles the pieces of a bar up from the bottom.
func (b *ageBin) stack(most int) {
	const head = 18 // room for the number over the bar
	sum := 0
	y := func(n int) int { return head + ageHeight - n*ageHeight/most }
	for _, p := range []struct {
		class string
		n     int
	}{{"late", b.Overdue.N}, {"undated", b.Undated.N}, {"open", b.Open.N}} {
		if p.n > 0 {
			b.Parts = append(b.Parts, agePart{p.class, y(sum + p.n), max(1, y(sum)-y(sum+p.n))})
		}
		sum += p.n
	}
	b.Top = y(sum) - 5
}

// medianAge is the number of days that half of what waits has waited at most.
func medianAge(ages []projections.AgeCount) int {
	all := 0
	for _, a := range ages {
		all += a.Pending
	}
	seen := 0
	for _, a := range ages {
		if seen += a.Pending; 2*seen >= all {
			return a.Days
		}
	}
	return 0
}

// trendChart shows what was pending and overdue over time.
type trendChart struct {
	Points      []trendPoint // the last is as-of
	Most        int
	Height      int
	All, Late   string // areas, in thousandths of the picture
	Rules       []trendRule
	First, Last trendPoint
}

type trendPoint struct {
	At               time.Time
	Pending, Overdue count
}

// trendRule is a line across with its number.
type trendRule struct {
	N int
	Y int // pixels
}

func (q *backlogQuestion) trend(list []projections.TrendCount) trendChart {
	c := trendChart{Most: 1, Height: trendHeight}
	for _, t := range list {
		then := []string{"as-of", writeMoment(t.At)}
		c.Points = append(c.Points, trendPoint{t.At, q.count(t.Pending, then...), q.count(t.Overdue, append(then, "state", string(ledger.ObligationOverdue))...)})
		c.Most = max(c.Most, t.Pending)
	}
	if len(c.Points) == 0 {
		return c
	}
	c.Most = roundUp(c.Most)
	c.First, c.Last = c.Points[0], c.Points[len(c.Points)-1]
	from, span := c.First.At, c.Last.At.Sub(c.First.At)
	x := func(p trendPoint) int { return int(1000 * p.At.Sub(from).Seconds() / max(1, span.Seconds())) }
	y := func(n int) int { return 1000 - 1000*n/c.Most }
	area := func(of func(trendPoint) int) string {
		var b strings.Builder
		b.WriteString("M0 1000")
		for _, p := range c.Points {
			b.WriteString(" L" + strconv.Itoa(x(p)) + " " + strconv.Itoa(y(of(p))))
		}
		b.WriteString(" L" + strconv.Itoa(x(c.Last)) + " 1000 Z")
		return b.String()
	}
	c.All = area(func(p trendPoint) int { return p.Pending.N })
	c.Late = area(func(p trendPoint) int { return p.Overdue.N })
	for _, n := range []int{c.Most, c.Most / 2} {
		if n > 0 {
			c.Rules = append(c.Rules, trendRule{n, trendHeight - n*trendHeight/c.Most})
		}
	}
	return c
}

// roundUp gives the next number that an axis ends at: 1, 2 or 5 and zeros.
func roundUp(n int) int {
	for step := 1; ; step *= 10 {
		for _, of := range []int{1, 2, 5} {
			if step*of >= n && step*of%2 == 0 {
				return step * of
			}
		}
	}
}
