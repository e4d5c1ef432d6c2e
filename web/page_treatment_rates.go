package web

import (
	"cmp"
	"math"
	"slices"

	"github.com/berkas-ledger/berkas/projections"
	"github.com/berkas-ledger/berkas/rates"
)

// rateGroup is a rate of one value of a dimension.
type rateGroup struct {
	comparison
	Value string
	K, N  uint64
	Rate  float64 // between 0 and 1; not of tiny groups
	rates.Interval
	KHref, NHref string // the lists behind; "" where no filter says it
}

// Tiny says that there are too few for a rate, Small that there are few.
func (g rateGroup) Tiny() bool  { return g.N < tinyGroup }
func (g rateGroup) Small() bool { return g.N >= tinyGroup && g.N < smallGroup }

func rateOf(value string, k, n uint64) rateGroup {
	g := rateGroup{Value: value, K: k, N: n, Interval: rates.Wilson(k, n, sureness)}
	if n > 0 {
		g.Rate = float64(k) / float64(n)
	}
	return g
}

// ratesOf pairs the counts of each rate and compares each group with the others.
func ratesOf(answers []projections.Answer, rows []projections.Row) []ratesBy {
	out := make([]ratesBy, len(treatmentRates))
	for i := range out {
		all := rateOf("", answers[2*i].Value, answers[2*i+1].Value)
		out[i].All = all
		for _, row := range rows {
			g := rateOf(row.Value, row.Counts[2*i], row.Counts[2*i+1])
			if g.N == 0 {
				continue
			}
			if !g.Tiny() && g.N < all.N {
				c := rates.Dealt(g.N, all.K, all.N)
				g.Looked, g.P, g.Chance, g.above = true, c.P(g.K), c.Outside(chanceLevel), g.Rate > all.Rate
			}
			out[i].Groups = append(out[i].Groups, g)
		}
	}
	return out
}

func (r ratesBy) marks() []comparison {
	out := make([]comparison, len(r.Groups))
	for i, g := range r.Groups {
		out[i] = g.comparison
	}
	return out
}

// ratePicture is a rate as the page draws it. Places are per cent of the
// picture's width, or height.
type ratePicture struct {
	All    rateGroup
	Rows   []rateRow
	Tiny   []rateGroup
	More   int // groups left out of the rows; the funnel has them
	Scale  dotScale
	Funnel funnel
}

// rateRow is a group with the places of its dot and whiskers.
type rateRow struct {
	rateGroup
	Low, At, High float64
}

// dotScale is an axis with its ticks.
type dotScale struct {
	Most  float64 // at the right end
	Days  bool    // of days, not of shares
	Ref   float64 // place of the value of all
	Ticks []dotTick
}

type dotTick struct {
	At    float64 // place
	Value float64
}

func (s dotScale) place(v float64) float64 { return math.Max(0, math.Min(100, 100*v/s.Most)) }

// rateScale ends at the least round share that holds every interval.
func rateScale(rows []rateGroup, all rateGroup) dotScale {
	most := all.High
	for _, g := range rows {
		most = max(most, g.High)
	}
	s := dotScale{Most: 1}
	for _, end := range []float64{.05, .1, .2, .5} {
		if most <= end {
			s.Most = end
			break
		}
	}
	for i := range 6 {
		s.Ticks = append(s.Ticks, dotTick{float64(i) * 20, s.Most * float64(i) / 5})
	}
	s.Ref = s.place(all.Rate)
	return s
}

func (t *treatment) ratePicture(q *question, i int) *ratePicture {
	info, by := treatmentRates[i], t.rates[i]
	of, all := info.Of.String(), sumName(info.all())
	link := func(g *rateGroup, changes ...string) {
		g.KHref, g.NHref = q.list(of, changes...), q.list(all, changes...)
	}
	link(&by.All)
	p := &ratePicture{All: by.All}
	var drawn []rateGroup
	for _, g := range by.Groups {
		if g.Value != "" {
			link(&g, fieldPrefix+q.By, g.Value)
		}
		if g.Tiny() {
			p.Tiny = append(p.Tiny, g)
		} else {
			drawn = append(drawn, g)
		}
	}
	p.Funnel = t.funnel(by)
	// The marked and then the largest stay, in the order of their rates.
	slices.SortStableFunc(drawn, func(a, b rateGroup) int {
		return cmp.Or(cmp.Compare(b.Mark*b.Mark, a.Mark*a.Mark), cmp.Compare(b.N, a.N), cmp.Compare(a.Value, b.Value))
	})
	p.More = max(0, len(drawn)-treatmentRows)
	drawn = drawn[:len(drawn)-p.More]
	slices.SortStableFunc(drawn, func(a, b rateGroup) int { return cmp.Or(cmp.Compare(b.Rate, a.Rate), cmp.Compare(b.N, a.N)) })
	slices.SortStableFunc(p.Tiny, func(a, b rateGroup) int { return cmp.Or(cmp.Compare(b.N, a.N), cmp.Compare(a.Value, b.Value)) })
	p.Scale = rateScale(drawn, by.All)
	for _, g := range drawn {
		p.Rows = append(p.Rows, rateRow{g, p.Scale.place(g.Low), p.Scale.place(g.Rate), p.Scale.place(g.High)})
	}
	return p
}
