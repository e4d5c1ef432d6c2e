package simulate

import (
	"fmt"
	"slices"

	"github.com/berkas-ledger/berkas/ledger"
)

// Agencies publish tables every month. What they say is what the ledger, had it
// been asked at that moment, would have said; some of it they get wrong, and some
// of that they restate. Counting millions of cases anew for every table would take
// for ever, so the events carry marks.

// tally names what is counted for tables.
type tally byte

const (
	openedAtBawaslu tally = iota // unit case, as Bawaslu sees them
	reportedAtBawaslu
	forwardedByBawaslu
	recommendedAtBKN // unit respondent, as BKN sees them
	sanctionedAtBKN
	waitingAtBKN
	blockedAtBKN
	recommendedByKASN
	waitingAtKASN
	tallies
)

// mark says that from a moment on there is one more, or one fewer, of something.
type mark struct {
	what  tally
	delta int
	at    instant
}

// reversed takes marks back, at the moments from which they held.
func reversed(marks []mark) []mark {
	out := slices.Clone(marks)
	for i := range out {
		out[i].delta = -out[i].delta
	}
	return out
}

// counted is for what a respondent counts.
type counted struct{ recommended, waiting, sanctioned, blocked, byKASN bool }

// count moves a respondent from what it counted for to something else.
func (r *party) count(now counted, at instant) []mark {
	was := r.counted
	r.counted = now
	var out []mark
	change := func(what tally, before, after bool) {
		switch {
		case after && !before:
			out = append(out, mark{what, 1, at})
		case before && !after:
			out = append(out, mark{what, -1, at})
		}
	}
	change(recommendedAtBKN, was.recommended, now.recommended)
	change(sanctionedAtBKN, was.sanctioned, now.sanctioned)
	change(waitingAtBKN, was.waiting, now.waiting)
	change(blockedAtBKN, was.blocked, now.blocked)
	change(recommendedByKASN, was.recommended && was.byKASN, now.recommended && now.byKASN)
	change(waitingAtKASN, was.waiting && was.byKASN, now.waiting && now.byKASN)
	return out
}

// seenOpening marks a case as opened when Bawaslu comes to see it.
func (t *telling) seenOpening(by ledger.AgencyID) []mark {
	if by != ledger.Bawaslu {
		return nil
	}
	out := []mark{{openedAtBawaslu, 1, t.now}}
	if t.origin == ledger.OriginReport {
		out = append(out, mark{reportedAtBawaslu, 1, t.now})
	}
	return out
}

// uncounted takes a case back that counts no more from a moment on.
func (t *telling) uncounted(at instant) []mark {
	if t.says[0].by != ledger.Bawaslu {
		return nil // which has not seen it
	}
	out := reversed(t.seenOpening(ledger.Bawaslu))
	for i := range out {
		out[i].at = at
	}
	return out
}

// counts has the changes of each tally by month, from January 2020.
type counts [tallies][]int64

func monthOf(i instant) int {
	t := (i + east).time()
	return (t.Year()-2020)*12 + int(t.Month()) - 1
}

func (c *counts) add(m mark) {
	i := monthOf(m.at)
	for len(c[m.what]) <= i {
		c[m.what] = append(c[m.what], 0)
	}
	c[m.what][i] += int64(m.delta)
}

// asOf is how many there were at the end of a month.
func (c *counts) asOf(what tally, month int) uint64 {
	var n int64
	for i, d := range c[what] {
		if i <= month {
			n += d
		}
	}
	return uint64(max(n, 0))
}

// issue is one table that is due.
type issue struct {
	at    instant
	by    ledger.AgencyID
	month int
	// again: it was published before, and is restated with what is known by now.
	again bool
	// wrong: not what the ledger says.
	wrong bool
}

// line of a table: what the publisher calls it, and what is counted.
type tableLine struct {
	what    tally
	unit    ledger.Unit
	measure string
	filter  map[string]string
}

var tableLines = map[ledger.AgencyID][]tableLine{
	ledger.Bawaslu: {
		{openedAtBawaslu, ledger.UnitCase, "opened", nil},
		{reportedAtBawaslu, ledger.UnitCase, "opened", map[string]string{"origin": ledger.OriginReport}},
		{forwardedByBawaslu, ledger.UnitCase, "forwarded", nil},
	},
	ledger.BKN: {
		{recommendedAtBKN, ledger.UnitRespondent, "recommended", nil},
		{sanctionedAtBKN, ledger.UnitRespondent, "sanctioned", nil},
		{waitingAtBKN, ledger.UnitRespondent, "not_followed_up", nil},
		{blockedAtBKN, ledger.UnitRespondent, "blocked", nil},
	},
	ledger.KASN: {
		{recommendedByKASN, ledger.UnitRespondent, "recommended", nil},
		{waitingAtKASN, ledger.UnitRespondent, "not_followed_up", nil},
	},
}

// issues lists the tables in the order in which they are published: each month's
// in the first days of the next, and on the last day of the course the month
// before it anew, so that every course has a record of its last day. One table in
// twelve is wrong, and of these every second one is restated after two months; so
// is, with what was recorded late, every sixth that was right.
func issues(d draw, until ledger.Date) []issue {
	var out []issue
	end := on(until, officeOpens+7*hour)
	last := monthOf(end) - 1
	for month := range last + 1 {
		first := monthStart(month + 1)
		for i, by := range []ledger.AgencyID{ledger.Bawaslu, ledger.KASN, ledger.BKN} {
			if by == ledger.KASN && first+10*daily >= on(endOfKASN, 0) {
				continue
			}
			t := issue{at: d.atWork(first + instant(3+i)*daily + instant(d.IntN(20))*hour), by: by, month: month, wrong: d.IntN(12) == 0}
			if t.at < end {
				out = append(out, t)
			}
			again := d.IntN(6) == 0
			if t.wrong {
				again = d.chance(50)
			}
			a := issue{at: d.atWork(t.at + 61*daily), by: by, month: month, again: true}
			if again && a.at < end && (by != ledger.KASN || a.at < on(endOfKASN, 0)) {
				out = append(out, a)
			}
		}
	}
	out = append(out, issue{at: end, by: ledger.BKN, month: max(last, 0), again: true})
	slices.SortStableFunc(out, func(a, b issue) int { return int((a.at - b.at) / second) })
	return out
}

// monthStart is the first midnight of a month counted from January 2020.
func monthStart(month int) instant {
	return on(ledger.Date(fmt.Sprintf("%04d-%02d-01", 2020+month/12, month%12+1)), 0)
}

// table writes what is published.
func (t issue) table(d draw, c *counts, nth int) ledger.FiguresPublished {
	first := (monthStart(t.month) + daily).time()
	name := fmt.Sprintf("%s-%04d-%02d", t.by, first.Year(), first.Month())
	p := ledger.FiguresPublished{Table: name, Publisher: t.by, Doubt: ledger.DoubtNone, Sources: []string{"simulated.example/" + name}}
	if t.again {
		p.Restates = name
		p.Table = fmt.Sprintf("%s-r%d", name, nth)
	}
	asOf := (monthStart(t.month+1) - hour).date()
	for _, l := range tableLines[t.by] {
		value := c.asOf(l.what, t.month)
		if t.wrong {
			off := max(1, value*uint64(d.between(2, 15))/100)
			if value < 10 || d.chance(50) {
				value += off
			} else {
				value -= off
			}
		}
		p.Figures = append(p.Figures, ledger.FigureV1{AsOf: asOf, Unit: l.unit, Measure: l.measure, Filter: l.filter, Value: value})
	}
	return p
}
