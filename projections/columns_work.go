package projections

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"time"

	"github.com/berkas-ledger/berkas/ledger"
)

// What is owed follows from rows and rules by ledger.Row.Obligations alone;
// columns only give it the rows, on all processors, and remember what came out.

// workRows says which rows are wanted: those that held at a moment between first
// and at, as known at a position, of no duplicate. Ends are left out but at at
// itself, unless pending is set, then there too.
type workRows struct {
	at, first int64
	known     uint32
	// pending leaves out what s.pending of SQL does: ends, and decrees after which
	// no period is open; nil: nothing.
	pending   func(stage ledger.Stage, reached *ledger.Reached) bool
	authority string // of the letter; "": any
}

// rowMaker makes rows of columns again, as far as obligations follow from them.
// They are valid until the next case.
type rowMaker struct {
	*snapshot
	workRows
	ends      []bool // of each word of a stage
	forwarded [][]ledger.AgencyID
	ppk       uint32 // of authority; 0: any
	rows      []ledger.Row
	reached   []*ledger.Reached
	spans     []during
}

func (s *snapshot) rowMaker(w workRows) *rowMaker {
	m := &rowMaker{snapshot: s, workRows: w, ends: make([]bool, len(s.words[attrStage])), forwarded: make([][]ledger.AgencyID, len(s.members[setForwardedTo]))}
	for i, stage := range s.words[attrStage] {
		m.ends[i] = ledger.Stage(stage).End()
	}
	for i, members := range s.members[setForwardedTo] {
		for _, word := range members {
			m.forwarded[i] = append(m.forwarded[i], ledger.AgencyID(s.words[attrForwardedTo][word]))
		}
	}
	return m
}

// workCases tells the wanted rows of each case, in several goroutines at once:
// worker says which.
func (s *snapshot) workCases(ctx context.Context, w workRows, yield func(worker int, rows []ledger.Row)) error {
	var ppk uint32
	if w.authority != "" {
		known := false
		if ppk, known = s.number(attrPPK, w.authority); !known {
			return nil
		}
	}
	makers := make([]*rowMaker, runtime.GOMAXPROCS(0))
	for i := range makers {
		makers[i] = s.rowMaker(w)
		makers[i].ppk = ppk
	}
	return s.each(ctx, func(worker int, b *placed) {
		if b.empty(w.at, w.known) {
			return
		}
		m := makers[worker]
		for c := range b.ids {
			if isDead(b.dead, c) {
				continue
			}
			m.rows = m.rows[:0]
			for r := int(b.respondents[c]); r < int(b.respondents[c+1]); r++ {
				m.respondent(b.block, c, r)
			}
			if len(m.rows) > 0 {
				yield(worker, m.rows)
			}
		}
	})
}

// respondent makes the wanted rows of one.
func (m *rowMaker) respondent(b *block, c, r int) {
	if m.first == m.at {
		in, i := &b.last, r
		if !b.settled(m.known) || m.at < b.final {
			if in, i = b.holding(r, m.at, m.known); in == nil {
				return
			}
		}
		m.make(b, c, r, &during{0, infinity, in, i})
		return
	}
	m.spans = b.spans(r, m.known, m.spans)
	for i := range m.spans {
		if s := &m.spans[i]; s.from <= m.at && s.to > m.first {
			m.make(b, c, r, s)
		}
	}
}

// make makes a row, if it is wanted.
func (m *rowMaker) make(b *block, c, r int, s *during) {
	sh, a := &m.shapes[s.in.shape[s.place]], &b.abouts[s.in.about[s.place]]
	letter := &m.letters[a.letter]
	if s.in.shape[s.place] == 0 || sh.duplicate || m.ends[sh.stage] && (m.pending != nil || s.to <= m.at) || m.ppk != 0 && letter.ppk != m.ppk {
		return
	}
	n := len(m.rows)
	if n == len(m.reached) {
		m.reached = append(m.reached, new(ledger.Reached))
	}
	reached := m.reached[n]
	*reached = ledger.Reached{}
	entry := s.in.times[s.place] + uint32(before(sh.began, beganBits))
	for i := range reached {
		if sh.reached>>i&1 != 0 {
			reached[i] = fromColumn(b.moment(r, entry))
			entry++
		}
	}
	stage := ledger.Stage(m.words[attrStage][sh.stage])
	if m.pending != nil && !m.pending(stage, reached) {
		return
	}
	m.rows = append(m.rows, ledger.Row{
		Case: b.ids[c].String(), Respondent: m.words[attrRespondent][b.names[r]], From: fromColumn(s.from),
		Stage: stage, Holder: ledger.AgencyID(m.words[attrHolder][sh.holder]), Contest: m.words[attrContest][m.natures[a.nature].contest],
		PPK: m.words[attrPPK][letter.ppk], ForwardedTo: m.forwarded[sh.forwardedTo], Reached: reached,
	})
	if s.to < infinity {
		m.rows[n].To = fromColumn(s.to)
	}
}

// mayPend is what question.pending says in SQL of a row that is no end: it may
// keep more than is pending.
func mayPend(rules ledger.Rules, asOf time.Time) func(ledger.Stage, *ledger.Reached) bool {
	type open struct {
		from   int // places in ledger.Milestones
		to     []int
		lapsed time.Duration
	}
	var list []open
	seen := make(map[period]bool)
	for _, g := range rules.Regimes {
		for _, d := range g.Deadlines {
			p := period{d.From, fmt.Sprint(d.To), 0}
			if d.Right && d.Length != nil {
				p.lapsed = lapsedAfter(d.Length.Days)
			}
			one := open{slices.Index(ledger.Milestones, d.From), nil, p.lapsed}
			if seen[p] || one.from < 0 { // what is no milestone is never reached
				continue
			}
			for _, m := range d.To {
				if i := slices.Index(ledger.Milestones, m); i >= 0 {
					one.to = append(one.to, i)
				}
			}
			seen[p], list = true, append(list, one)
		}
	}
	return func(stage ledger.Stage, reached *ledger.Reached) bool {
		return stage != ledger.StageDecided || slices.ContainsFunc(list, func(o open) bool {
			from := reached[o.from]
			if from.IsZero() || slices.ContainsFunc(o.to, func(m int) bool { return !reached[m].Before(from) }) {
				return false
			}
			if reopened := reached.At(ledger.MilestoneReopened); o.lapsed > 0 && reopened.After(from) {
				from = reopened
			}
			return o.lapsed == 0 || from.After(asOf.Add(-o.lapsed))
		})
	}
}

// owed lists what WorkList does before it cuts a page.
func (c *columns) owed(ctx context.Context, s *snapshot, q WorkQuery, rules ledger.Rules) ([]ledger.Obligation, error) {
	q.Offset, q.Limit = 0, 0
	value, err := c.memo.answer(ctx, fmt.Sprintf("owed %d %d %d %+v", s.load, q.AsOf.UnixMicro(), q.KnownAt, q), c.works, func(ctx context.Context) (any, int, error) {
		at := columnTime(q.AsOf)
		w := workRows{at: at, first: at, known: uint32(q.KnownAt), authority: q.Filter.Authority}
		if q.pending() {
			w.pending = mayPend(rules, q.AsOf)
		}
		parts := make([][]ledger.Obligation, runtime.GOMAXPROCS(0))
		err := s.workCases(ctx, w, func(worker int, rows []ledger.Row) {
			for i := range rows {
				for _, o := range rows[i].Obligations(rules, q.AsOf) {
					if q.wants(&o) {
						parts[worker] = append(parts[worker], o)
					}
				}
			}
		})
		list := ledger.MergeObligations(slices.Concat(parts...))
		return list, len(list) * obligationWords, err
	})
	if err != nil {
		return nil, err
	}
	return value.([]ledger.Obligation), nil
}

// obligationWords is about how much memory an obligation takes, in words.
const obligationWords = 64

// backlog counts what Backlog does.
func (c *columns) backlog(ctx context.Context, s *snapshot, q BacklogQuery, rules ledger.Rules) (*counter, error) {
	value, err := c.memo.answer(ctx, fmt.Sprintf("backlog %d %d %d %+v", s.load, q.AsOf.UnixMicro(), q.KnownAt, q), c.works, func(ctx context.Context) (any, int, error) {
		whole, err := s.tally(ctx, q, rules, &c.rules)
		if err != nil {
			return nil, 0, err
		}
		return whole, 16 * (len(whole.authorities) + len(whole.ages) + len(whole.due) + len(whole.out.Trend) + obligationWords*len(whole.out.Longest)), nil
	})
	if err != nil {
		return nil, err
	}
	return value.(*counter), nil
}

// tally counts a backlog in numbers, or by the definition if rules have too many
// codes for that.
func (s *snapshot) tally(ctx context.Context, q BacklogQuery, rules ledger.Rules, memo *rulesMemo) (*counter, error) {
	if b := s.rulebook(rules, q.Agency, memo); b.fits {
		return b.tally(ctx, q)
	}
	w := workRows{at: columnTime(q.AsOf), known: uint32(q.KnownAt)}
	w.first = w.at
	for _, t := range q.Trend {
		w.first = min(w.first, columnTime(t))
	}
	parts := make([]*counter, runtime.GOMAXPROCS(0))
	for i := range parts {
		parts[i] = newCounter(q)
		parts[i].out.Rules = rules
	}
	if err := s.workCases(ctx, w, func(worker int, rows []ledger.Row) { parts[worker].add(rows) }); err != nil {
		return nil, err
	}
	for _, part := range parts[1:] {
		parts[0].merge(part)
	}
	return parts[0], nil
}

// count takes over what another counter, which may be shared, counted.
func (c *counter) count(o *counter) {
	c.heaps, c.authorities, c.ages, c.due = o.heaps, o.authorities, o.ages, o.due
	out := o.out
	out.Known, out.Settled, out.Rules, out.Holidays = c.out.Known, c.out.Settled, c.out.Rules, c.out.Holidays
	out.Longest, out.Trend = slices.Clone(out.Longest), slices.Clone(out.Trend)
	c.out = out
}

// merge adds what another counter counted of other cases.
func (c *counter) merge(o *counter) {
	c.out.All.Add(&o.out.All)
	c.out.Rights, c.out.Unaged = c.out.Rights+o.out.Rights, c.out.Unaged+o.out.Unaged
	for key, t := range o.heaps {
		of(c.heaps, key, Tally{}).Add(t)
	}
	for key, t := range o.authorities {
		sum := of(c.authorities, key, AuthorityTally{Authority: key})
		sum.Owed, sum.Overdue, sum.Open = sum.Owed+t.Owed, sum.Overdue+t.Overdue, sum.Open+t.Open
		sum.Decided, sum.Ended = sum.Decided+t.Decided, sum.Ended+t.Ended
		sum.OldestDue = earlier(sum.OldestDue, t.OldestDue)
	}
	for days, a := range o.ages {
		sum := of(c.ages, days, AgeCount{Days: days})
		sum.Pending, sum.Overdue, sum.Undated = sum.Pending+a.Pending, sum.Overdue+a.Overdue, sum.Undated+a.Undated
	}
	for key, d := range o.due {
		sum := of(c.due, key, DueCount{Day: key.day, Code: key.code})
		sum.Pending, sum.Overdue, sum.Provisional = sum.Pending+d.Pending, sum.Overdue+d.Overdue, sum.Provisional || d.Provisional
	}
	for i := range o.out.Longest {
		c.wait(&o.out.Longest[i])
	}
	for i, t := range o.out.Trend {
		c.out.Trend[i].Pending += t.Pending
		c.out.Trend[i].Overdue += t.Overdue
	}
}

// Add counts what another tally has counted, too.
func (t *Tally) Add(o *Tally) {
	t.Pending, t.Overdue, t.Undated = t.Pending+o.Pending, t.Overdue+o.Overdue, t.Undated+o.Undated
	t.Soon, t.Provisional = t.Soon+o.Soon, t.Provisional+o.Provisional
	if !o.Oldest.IsZero() && (t.Oldest.IsZero() || o.Oldest.Before(t.Oldest)) {
		t.Oldest = o.Oldest
	}
	t.OldestDue = earlier(t.OldestDue, o.OldestDue)
}
