package projections

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/berkas-ledger/berkas/ledger"
)

// soonDays is how many days count as soon, as-of's day being the first.
const soonDays = 7

// counter adds up a backlog, case by case.
type counter struct {
	out         Backlog
	today, soon ledger.Date
	heaps       map[heapKey]*Tally
	authorities map[string]*AuthorityTally
	ages        map[int]*AgeCount
	due         map[dueKey]*DueCount
}

type heapKey struct {
	owedBy, code, regime, basis string
	doubt                       ledger.Doubt
	right                       bool
}

type dueKey struct {
	day  ledger.Date
	code string
}

func newCounter(q BacklogQuery) *counter {
	c := &counter{
		out: Backlog{Query: q, Trend: make([]TrendCount, len(q.Trend))}, today: ledger.DayOf(q.AsOf),
		soon:  ledger.DayOf(q.AsOf.AddDate(0, 0, soonDays-1)),
		heaps: map[heapKey]*Tally{}, authorities: map[string]*AuthorityTally{}, ages: map[int]*AgeCount{}, due: map[dueKey]*DueCount{},
	}
	for i, t := range q.Trend {
		c.out.Trend[i].At = t
	}
	return c
}

// of gives the entry of a key, a new one if there is none.
func of[K comparable, V any](m map[K]*V, key K, fresh V) *V {
	v, ok := m[key]
	if !ok {
		v = &fresh
		m[key] = v
	}
	return v
}

// add counts one case: rows that hold at as-of or held before it.
func (c *counter) add(rows []ledger.Row) {
	c.stands(rows)
	c.trend(rows)
}

// stands counts what a case owes at as-of.
func (c *counter) stands(rows []ledger.Row) {
	var now []ledger.Obligation
	for i := range rows {
		if row := &rows[i]; holds(row, c.out.Query.AsOf) {
			now = c.owed(now, row, c.out.Query.AsOf)
		}
	}
	now = ledger.MergeObligations(now)
	for i := range now {
		if o := &now[i]; o.State.Pending() {
			c.pending(o)
		}
	}
	c.decisions(now)
}

func holds(row *ledger.Row, at time.Time) bool {
	return !row.From.After(at) && (row.To.IsZero() || row.To.After(at))
}

// owed appends what concerns the agency that is asked about.
func (c *counter) owed(list []ledger.Obligation, row *ledger.Row, at time.Time) []ledger.Obligation {
	for _, o := range row.Obligations(c.out.Rules, at) {
		if a := c.out.Query.Agency; a == "" || o.Concerns(a) {
			list = append(list, o)
		}
	}
	return list
}

func (c *counter) pending(o *ledger.Obligation) {
	key := heapKey{o.OwedBy, o.Code, o.Regime, o.Basis, o.Doubt, o.Right}
	c.tally(of(c.heaps, key, Tally{}), o)
	if o.Right {
		c.out.Rights++
		return
	}
	c.tally(&c.out.All, o)
	overdue := btoi(o.State == ledger.ObligationOverdue)
	if days, ok := Age(o, c.out.Query.AsOf); ok {
		a := of(c.ages, days, AgeCount{Days: days})
		a.Pending, a.Overdue, a.Undated = a.Pending+1, a.Overdue+overdue, a.Undated+btoi(o.Due == "")
	} else {
		c.out.Unaged++
	}
	if o.Due != "" {
		d := of(c.due, dueKey{o.Due, o.Code}, DueCount{Day: o.Due, Code: o.Code})
		d.Pending, d.Overdue, d.Provisional = d.Pending+1, d.Overdue+overdue, d.Provisional || o.Provisional
	}
	c.wait(o)
}

func (c *counter) tally(t *Tally, o *ledger.Obligation) {
	t.Pending++
	t.Undated += btoi(o.Due == "")
	t.Provisional += btoi(o.Provisional)
	t.Soon += btoi(o.Due >= c.today && o.Due <= c.soon && o.Due != "")
	if !o.Since.IsZero() && (t.Oldest.IsZero() || o.Since.Before(t.Oldest)) {
		t.Oldest = o.Since
	}
	if o.State == ledger.ObligationOverdue {
		t.Overdue++
		t.OldestDue = earlier(t.OldestDue, o.Due)
	}
}

// earlier is the earlier of two days, of which none may be there.
func earlier(a, b ledger.Date) ledger.Date {
	if b == "" || a != "" && a < b {
		return a
	}
	return b
}

// wait keeps those that began first.
func (c *counter) wait(o *ledger.Obligation) {
	n := c.out.Query.Longest
	if n <= 0 || o.Since.IsZero() {
		return
	}
	at, _ := slices.BinarySearchFunc(c.out.Longest, *o, compareWaits)
	if at >= n {
		return
	}
	c.out.Longest = slices.Insert(c.out.Longest, at, *o)
	c.out.Longest = c.out.Longest[:min(n, len(c.out.Longest))]
}

func compareWaits(a, b ledger.Obligation) int {
	return cmp.Or(a.Since.Compare(b.Since), cmp.Compare(a.Case, b.Case), cmp.Compare(a.Code, b.Code), cmp.Compare(a.OwedBy, b.OwedBy),
		cmp.Compare(a.Authority, b.Authority), slices.Compare(a.Respondents, b.Respondents))
}

// decisions counts a case once for each authority that owed a decision in it.
func (c *counter) decisions(list []ledger.Obligation) {
	stands := map[string]ledger.ObligationState{}
	oldest := map[string]ledger.Date{}
	for i := range list {
		o := &list[i]
		if o.OwedBy != ledger.OwedByAuthority || o.Right || !slices.Contains(o.To, ledger.MilestoneDecided) {
			continue
		}
		if old, seen := stands[o.Authority]; !seen || precedence(o.State) < precedence(old) {
			stands[o.Authority] = o.State
		}
		if o.State == ledger.ObligationOverdue {
			oldest[o.Authority] = earlier(oldest[o.Authority], o.Due)
		}
	}
	for authority, state := range stands {
		t := of(c.authorities, authority, AuthorityTally{Authority: authority})
		t.Owed++
		switch state {
		case ledger.ObligationOverdue:
			t.Overdue++
			t.OldestDue = earlier(t.OldestDue, oldest[authority])
		case ledger.ObligationOpen:
			t.Open++
		case ledger.ObligationMet:
			t.Decided++
		default:
			t.Ended++
		}
	}
}

// precedence orders states: a case is counted under the first that it has.
func precedence(s ledger.ObligationState) int {
	switch s {
	case ledger.ObligationOverdue:
		return 0
	case ledger.ObligationOpen:
		return 1
	case ledger.ObligationMet:
		return 2
	default:
		return 3
	}
}

// busyRow is a row that owes a duty, with when its duties become late; zero: never.
type busyRow struct {
	*ledger.Row
	late []time.Time
}

// trend counts what was pending at each moment. A row that owes nothing when it
// begins owes nothing later: time makes an obligation late, and none new.
func (c *counter) trend(rows []ledger.Row) {
	if len(c.out.Trend) == 0 {
		return
	}
	var busy []busyRow
	alone := c.out.Query.Agency == "" // nothing is merged, and who owes does not matter
	for i := range rows {
		one := busyRow{Row: &rows[i]}
		codes := map[string]bool{}
		for _, o := range rows[i].Obligations(c.out.Rules, rows[i].From) {
			if !o.State.Pending() || o.Right {
				continue
			}
			end := time.Time{}
			if o.Due != "" {
				end = o.Due.End()
			}
			one.late, alone, codes[o.Code] = append(one.late, end), alone && !codes[o.Code], true
		}
		if len(one.late) > 0 {
			busy = append(busy, one)
			alone = alone && one.Respondent == busy[0].Respondent
		}
	}
	for i := range c.out.Trend {
		if t := &c.out.Trend[i]; alone {
			t.count(busy)
		} else {
			c.trendOf(t, busy)
		}
	}
}

// count adds what rows of one respondent owe: no two of them hold at a moment.
func (t *TrendCount) count(busy []busyRow) {
	for i := range busy {
		if !holds(busy[i].Row, t.At) {
			continue
		}
		for _, end := range busy[i].late {
			t.Pending++
			t.Overdue += btoi(!end.IsZero() && t.At.After(end))
		}
	}
}

// trendOf adds what rows of a case owe, as the work list counts it.
func (c *counter) trendOf(t *TrendCount, busy []busyRow) {
	var list []ledger.Obligation
	for i := range busy {
		if holds(busy[i].Row, t.At) {
			list = c.owed(list, busy[i].Row, t.At)
		}
	}
	for _, o := range ledger.MergeObligations(list) {
		if o.State.Pending() && !o.Right {
			t.Pending++
			t.Overdue += btoi(o.State == ledger.ObligationOverdue)
		}
	}
}

func (c *counter) finish() Backlog {
	b := c.out
	for k, t := range c.heaps {
		b.Heaps = append(b.Heaps, Heap{k.owedBy, k.code, k.regime, k.basis, k.doubt, k.right, *t})
	}
	slices.SortFunc(b.Heaps, func(x, y Heap) int {
		return cmp.Or(cmp.Compare(y.Tally.Overdue, x.Tally.Overdue), cmp.Compare(y.Tally.Pending, x.Tally.Pending), cmp.Compare(x.OwedBy, y.OwedBy),
			cmp.Compare(x.Code, y.Code), cmp.Compare(x.Regime, y.Regime), cmp.Compare(x.Basis, y.Basis), cmp.Compare(x.Doubt, y.Doubt))
	})
	for _, t := range c.authorities {
		b.Authorities = append(b.Authorities, *t)
	}
	slices.SortFunc(b.Authorities, func(x, y AuthorityTally) int {
		return cmp.Or(cmp.Compare(y.Overdue, x.Overdue), cmp.Compare(x.Owed, y.Owed), cmp.Compare(x.Authority, y.Authority))
	})
	for _, days := range slices.Sorted(maps.Keys(c.ages)) {
		b.Ages = append(b.Ages, *c.ages[days])
	}
	for _, d := range c.due {
		b.Due = append(b.Due, *d)
	}
	slices.SortFunc(b.Due, func(x, y DueCount) int {
		return cmp.Or(cmp.Compare(x.Day, y.Day), cmp.Compare(y.Pending, x.Pending), cmp.Compare(x.Code, y.Code))
	})
	return b
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}
