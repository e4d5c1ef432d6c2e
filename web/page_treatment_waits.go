package web

import (
	"cmp"
	"slices"

	"github.com/berkas-ledger/berkas/ledger"
	"github.com/berkas-ledger/berkas/projections"
	"github.com/berkas-ledger/berkas/rates"
)

// waitGroup is a waiting time of one value of a dimension.
type waitGroup struct {
	comparison
	Value      string
	Done, Open uint64
	Median     rates.Quantile
	Quarter    rates.Quantile // by then a quarter had done it; without its interval
	Most       rates.Quantile // by then three quarters; without its interval
	Href       string         // a list of the group
	waits      rates.Waits
}

// Len is how many waited or wait.
func (g waitGroup) Len() uint64 { return g.Done + g.Open }

// Tiny says that there are too few for a median, Small that there are few.
func (g waitGroup) Tiny() bool  { return g.Len() < tinyGroup }
func (g waitGroup) Small() bool { return !g.Tiny() && g.Len() < smallGroup }

func waitOf(d projections.Duration) waitGroup {
	g := waitGroup{Value: d.Value, waits: rates.Waits{Done: d.Done, Open: d.Open}}
	g.Done, g.Open = g.waits.Len()
	return g
}

// estimated works out the medians, which only what is drawn needs.
func (g waitGroup) estimated() waitGroup {
	c := rates.KaplanMeier(g.waits)
	g.Median = c.Quantile(.5, sureness)
	g.Quarter.Days, g.Quarter.Known = c.Reached(.25)
	g.Most.Days, g.Most.Known = c.Reached(.75)
	return g
}

func waitsOf(whole, groups []projections.Duration) waitsBy {
	var out waitsBy
	if len(whole) == 0 {
		return out
	}
	out.All = waitOf(whole[0])
	for _, d := range groups {
		g := waitOf(d)
		found := rates.LogRank(g.waits, out.All.waits)
		others := float64(out.All.Done) - found.Expected
		if !g.Tiny() && found.Expected >= fewEnds && others >= fewEnds {
			// Fewer ends than expected is a longer wait.
			g.Looked, g.P, g.Chance, g.above = true, found.P, chanceLevel, found.Seen < found.Expected
		}
		out.Groups = append(out.Groups, g)
	}
	return out
}

// together sums the groups of each step, of which every respondent is in one.
func together(steps [][]projections.Duration) [][]projections.Duration {
	out := make([][]projections.Duration, len(steps))
	for i, groups := range steps {
		var whole projections.Duration
		for _, g := range groups {
			whole.Done, whole.Open = summed(whole.Done, g.Done), summed(whole.Open, g.Open)
		}
		out[i] = []projections.Duration{whole}
	}
	return out
}

func summed(sum, more []uint32) []uint32 {
	if missing := len(more) - len(sum); missing > 0 {
		sum = append(sum, make([]uint32, missing)...)
	}
	for i, n := range more {
		sum[i] += n
	}
	return sum
}

func (w waitsBy) marks() []comparison {
	out := make([]comparison, len(w.Groups))
	for i, g := range w.Groups {
		out[i] = g.comparison
	}
	return out
}

// waitPicture is a waiting time as the page draws it.
type waitPicture struct {
	All   waitGroup
	Rows  []waitRow
	Tiny  []waitGroup
	More  int
	Scale dotScale
}

// waitRow is a group with its places, in per cent of the width. What is not
// known reaches to the end of the scale.
type waitRow struct {
	waitGroup
	Low, At, High float64
	From, To      float64 // the middle half of the waits
}

// dayEnds are round numbers of days at which a scale may end.
var dayEnds = []float64{5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 20_000, 50_000}

func waitScale(rows []waitGroup, all waitGroup) dotScale {
	most := 1
	for _, g := range append([]waitGroup{all}, rows...) {
		for _, v := range []rates.Quantile{g.Median, g.Most} {
			if v.Known {
				most = max(most, v.Days)
			}
		}
		if g.Median.LowKnown {
			most = max(most, g.Median.Low)
		}
		if g.Median.HighKnown {
			most = max(most, g.Median.High)
		}
	}
	s := dotScale{Most: dayEnds[len(dayEnds)-1]}
	for _, end := range dayEnds {
		if float64(most) <= end {
			s.Most = end
			break
		}
	}
	for i := range 6 {
		s.Ticks = append(s.Ticks, dotTick{float64(i) * 20, s.Most * float64(i) / 5})
	}
	s.Ref = -1
	if all.Median.Known {
		s.Ref = s.place(float64(all.Median.Days))
	}
	return s
}

func (t *treatment) waitPicture(q *question, i int) *waitPicture {
	info, by := treatmentWaits[i], t.waits[i]
	by.All.Href = q.list(info.Measure.String())
	by.All = by.All.estimated()
	p := &waitPicture{All: by.All}
	var drawn []waitGroup
	for _, g := range by.Groups {
		if g.Value != "" {
			g.Href = q.list(info.Measure.String(), fieldPrefix+q.By, g.Value)
		}
		if g.Tiny() {
			p.Tiny = append(p.Tiny, g)
		} else {
			drawn = append(drawn, g)
		}
	}
	slices.SortStableFunc(drawn, func(a, b waitGroup) int {
		return cmp.Or(cmp.Compare(b.Mark*b.Mark, a.Mark*a.Mark), cmp.Compare(b.Len(), a.Len()), cmp.Compare(a.Value, b.Value))
	})
	p.More = max(0, len(drawn)-treatmentRows)
	drawn = drawn[:len(drawn)-p.More]
	for i, g := range drawn {
		drawn[i] = g.estimated()
	}
	slices.SortStableFunc(drawn, longestFirst)
	slices.SortStableFunc(p.Tiny, func(a, b waitGroup) int {
		return cmp.Or(cmp.Compare(b.Len(), a.Len()), cmp.Compare(a.Value, b.Value))
	})
	p.Scale = waitScale(drawn, by.All)
	for _, g := range drawn {
		p.Rows = append(p.Rows, p.Scale.row(g))
	}
	return p
}

// longestFirst puts those of whom less than half have done it before all others.
func longestFirst(a, b waitGroup) int {
	days := func(g waitGroup) int {
		if !g.Median.Known {
			return projections.MaxDays + 1
		}
		return g.Median.Days
	}
	return cmp.Or(cmp.Compare(days(b), days(a)), cmp.Compare(b.Len(), a.Len()))
}

func (s dotScale) row(g waitGroup) waitRow {
	place := func(days int, known bool) float64 {
		if !known {
			return 100
		}
		return s.place(float64(days))
	}
	return waitRow{
		g, place(g.Median.Low, g.Median.LowKnown), place(g.Median.Days, g.Median.Known), place(g.Median.High, g.Median.HighKnown),
		place(g.Quarter.Days, g.Quarter.Known), place(g.Most.Days, g.Most.Known),
	}
}

// sumName writes measures as a question sums them.
func sumName(list []ledger.Measure) string {
	out := ""
	for i, m := range list {
		if i > 0 {
			out += "+"
		}
		out += m.String()
	}
	return out
}
