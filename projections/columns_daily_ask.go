package projections

import (
	"context"
	"math"
	"slices"

	"github.com/berkas-ledger/berkas/ledger"
)

// Questions that days answer.

// dailyPart is the part of the days that a question asks for.
type dailyPart struct {
	*daily
	of   *dailyCounts
	unit int
	word int // -1: all
}

// part finds the days of a question; nil: it has to be counted.
func (d *daily) part(s *snapshot, q ledger.Query, by string) *dailyPart {
	if d == nil || d.load != s.load || !q.Since.IsZero() || len(d.days) == 0 {
		return nil
	}
	p := &dailyPart{daily: d}
	switch q.Unit {
	case ledger.UnitCase:
		p.unit = dailyCases
	case ledger.UnitRespondent:
		p.unit = dailyRespondents
	default:
		return nil
	}
	asked, word, ok := narrowed(q, by)
	if !ok {
		return nil
	}
	switch {
	case by != "":
		p.word = -1
	case asked != attrNothing:
		n, known := s.number(asked, word)
		if p.word = int(n); !known {
			return nil
		}
	default: // its only word
	}
	i := slices.IndexFunc(d.of, func(of *dailyCounts) bool { return of.attribute == asked })
	if i < 0 || p.word >= d.of[i].values {
		return nil
	}
	p.of = d.of[i]
	return p
}

// narrowed gives the only attribute by which a question is narrowed or broken down,
// and its word; ok is false if there are several.
func narrowed(q ledger.Query, by string) (a attribute, word string, ok bool) {
	a = attrNothing
	for name, value := range q.Filter {
		a, word = attribute(slices.Index(ledger.Filters, name)), value
	}
	if q.SeenBy != "" {
		a, word = attrSeenBy, string(q.SeenBy)
	}
	if by != "" {
		a = attribute(slices.Index(ledger.Filters, by))
		return a, "", len(q.Filter) == 0 && q.SeenBy == ""
	}
	n := len(q.Filter) + btoi(q.SeenBy != "")
	return a, word, n == 0 || n == 1 && word != ""
}

// fewCases is how large a part of all cases, one in so many, may be looked at
// beside days; beyond it, counting is no slower.
const fewCases = 6

// beside is what days do not tell of a question: what new blocks say is added, what
// is not alive any more taken away, and a case of which something was recorded after
// known-at is told anew.
type beside struct {
	*daily
	at        int64
	known     uint32
	add, less func(b *placed, c int)
	left      int // cases that may still be looked at
}

// aside goes through it. It stops, and reports false, when that becomes too much.
func (d *daily) aside(ctx context.Context, s *snapshot, o beside) (ok bool) {
	o.daily, o.left = d, max(64, d.cases/fewCases)
	there := make([]bool, len(d.blocks))
	for i := range s.blocks {
		if o.left < 0 || ctx.Err() != nil {
			return false
		}
		p := &s.blocks[i]
		if n, counted := d.number[p.block]; counted {
			there[n] = true
			o.counted(p, n)
		} else if !p.empty(o.at, o.known) {
			o.left -= p.living()
			eachLiving(p, func(c int) { o.add(p, c) })
		}
	}
	for n, was := range there {
		if p := &d.blocks[n]; !was && p.first <= o.at {
			o.left -= p.living()
			eachLiving(p, func(c int) { o.less(p, c) })
		}
	}
	return o.left >= 0
}

// counted goes through a block that days have counted, as it now stands.
func (o *beside) counted(p *placed, n int) {
	then := &o.blocks[n]
	if p.first > o.at || p.settled(o.known) && p.buried == then.buried {
		return
	}
	eachLiving(then, func(c int) {
		dead := isDead(p.dead, c)
		if o.first[n][c] > o.at || !dead && o.newest[n][c] <= o.known {
			return
		}
		o.left--
		o.less(then, c)
		if !dead {
			o.add(p, c)
		}
	})
}

func eachLiving(p *placed, visit func(c int)) {
	for c := range p.ids {
		if !isDead(p.dead, c) {
			visit(c)
		}
	}
}

// everything is a position after all.
const everything = math.MaxUint32

// count is plan.count by days; nil: they do not tell.
func (d *dailyPart) count(ctx context.Context, p *plan, by *dimensionOf) []uint64 {
	day, ok := d.day(p.at)
	if !ok {
		return nil
	}
	latest := *p
	latest.known = everything
	more, less := p.tally(by), latest.tally(by)
	if !d.aside(ctx, p.snapshot, beside{
		at: p.at, known: p.known,
		add:  func(b *placed, c int) { more.oneCase(b.block, c) },
		less: func(b *placed, c int) { less.oneCase(b.block, c) },
	}) {
		return nil
	}
	out := more.counts
	for i, n := range less.counts {
		out[i] -= n
	}
	if day < 0 {
		return out
	}
	first, words := max(0, d.word), 1
	if d.word < 0 {
		words = d.of.values
	}
	for w := range words {
		for bit, n := range d.cell(d.of, d.unit, first+w, day) {
			if p.wanted>>bit&1 != 0 {
				out[w*shapeBits+bit] += uint64(n)
			}
		}
	}
	return out
}

// oneCase counts what a case's rows say at the plan's times.
func (t *tally) oneCase(b *block, c int) {
	t.scratch.sized(len(b.names))
	for r := int(b.respondents[c]); r < int(b.respondents[c+1]); r++ {
		if in, i := b.holding(r, t.at, t.known); in != nil {
			t.scratch.set(r, in, i)
		} else {
			t.scratch.shape[r], t.scratch.about[r], t.scratch.times[r] = 0, 0, 0
		}
	}
	t.countCase(b, &t.scratch, c)
}

// trend is plan.trend by days; nil: they do not tell.
func (d *dailyPart) trend(ctx context.Context, p *plan, moments []int64) [][]int64 {
	days := make([]int, len(moments))
	for i, at := range moments {
		day, ok := d.day(at)
		if !ok {
			return nil
		}
		days[i] = day
	}
	if len(moments) == 0 {
		return nil
	}
	latest := *p
	latest.known = everything
	dates := newCalendar(moments)
	more, less := newCourse(p, dates), newCourse(&latest, dates)
	if !d.aside(ctx, p.snapshot, beside{
		at: moments[len(moments)-1], known: p.known,
		add:  func(b *placed, c int) { more.aCase(b.block, c) },
		less: func(b *placed, c int) { less.aCase(b.block, c) },
	}) {
		return nil
	}
	more.sumUp()
	less.sumUp()
	for bit, list := range more.steps {
		for i := range list {
			list[i] -= less.steps[bit][i]
			if bit < dailyBits && i < len(days) && days[i] >= 0 {
				list[i] += int64(d.cell(d.of, d.unit, max(0, d.word), days[i])[bit])
			}
		}
	}
	return more.steps
}
