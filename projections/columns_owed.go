package projections

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"runtime"
	"slices"

	"github.com/google/uuid"

	"github.com/berkas-ledger/berkas/ledger"
)

// A page of the work list: what is pending is found and put in order in numbers,
// and the definition is asked for the obligations of the page.

// owedPlace is where a pending obligation stands in the order of the list, but for
// those of one case that share all of it.
type owedPlace struct {
	id      uuid.UUID
	since   int64
	due     int32
	overdue bool
}

func (a *owedPlace) compare(b *owedPlace) int {
	return cmp.Or(cmp.Compare(btoi(b.overdue), btoi(a.overdue)), cmp.Compare(a.due, b.due), cmp.Compare(a.since, b.since),
		bytes.Compare(a.id[:], b.id[:]))
}

// owedOrder is the order of a list.
type owedOrder struct {
	places         []owedPlace
	overdue, cases int
}

// owedWords is how many words of memory a place takes.
const owedWords = 4

// pageRows is from how many obligations on a page is no page.
const pageRows = 2000

// ordered reports whether a page of the list is found by owedOrder.
func (q *WorkQuery) ordered() bool { return q.pending() && q.Limit > 0 && q.Limit <= pageRows }

// owedPage fills in a page of the list. ok is false where only the definition can
// tell the order.
func (c *columns) owedPage(ctx context.Context, s *snapshot, out *WorkList, rules ledger.Rules) (ok bool, err error) {
	q := out.Query
	asked := q
	asked.Offset, asked.Limit = 0, 0
	key := fmt.Sprintf("order %d %d %d %+v", s.load, q.AsOf.UnixMicro(), q.KnownAt, asked)
	value, err := c.memo.answer(ctx, key, c.works, func(ctx context.Context) (any, int, error) {
		o, err := s.order(ctx, asked, rules, &c.due)
		if o == nil || err != nil {
			return o, 0, err
		}
		return o, owedWords * len(o.places), nil
	})
	if err != nil {
		return false, err
	}
	o := value.(*owedOrder)
	if o == nil {
		return false, nil
	}
	page, err := s.namePage(o, q, rules)
	if err != nil {
		c.log.ErrorContext(ctx, "a page of the work list is left to the definition", "error", err.Error())
		return false, nil
	}
	out.Total, out.Overdue, out.Cases, out.Obligations = len(o.places), o.overdue, o.cases, page
	return true, nil
}

// order finds all places; nil: some are for the definition to find.
func (s *snapshot) order(ctx context.Context, q WorkQuery, rules ledger.Rules, due *dueDays) (*owedOrder, error) {
	b := s.rulebook(rules, q.Agency, due)
	if !b.fits {
		return nil, nil
	}
	heirs := b.heirsAt(q.AsOf)
	parts := make([]owedFinder, runtime.GOMAXPROCS(0))
	for i := range parts {
		parts[i] = owedFinder{debtor: debtor{rulebook: b, at: columnTime(q.AsOf), today: lateDay(q.AsOf), heirs: heirs}, known: uint32(q.KnownAt)}
		parts[i].keep = b.keeps(q)
	}
	if err := s.each(ctx, func(worker int, p *placed) { parts[worker].block(p) }); err != nil {
		return nil, err
	}
	if err := abreast(ctx, len(parts), func(_ context.Context, i int) {
		slices.SortFunc(parts[i].places, func(a, b owedPlace) int { return a.compare(&b) })
	}); err != nil {
		return nil, err
	}
	var out owedOrder
	for i := range parts {
		if parts[i].anyOdd {
			return nil, nil
		}
		out.places = mergePlaces(out.places, parts[i].places)
		out.overdue, out.cases = out.overdue+parts[i].overdue, out.cases+parts[i].cases
	}
	return &out, nil
}

// mergePlaces merges two lists that are in order.
func mergePlaces(a, b []owedPlace) []owedPlace {
	if len(a) == 0 {
		return b
	}
	out := make([]owedPlace, 0, len(a)+len(b))
	for len(a) > 0 && len(b) > 0 {
		if a[0].compare(&b[0]) <= 0 {
			out, a = append(out, a[0]), a[1:]
		} else {
			out, b = append(out, b[0]), b[1:]
		}
	}
	return append(append(out, a...), b...)
}

// keeps gives what a list wants of debts; nil: all of them.
func (b *rulebook) keeps(q WorkQuery) func(*debt) bool {
	if q.Filter == (WorkFilter{}) {
		return nil
	}
	f := &q.Filter
	days := f.DueFrom != "" || f.DueTo != ""
	return func(d *debt) bool {
		o := ledger.Obligation{
			Code: b.codes[d.code], OwedBy: b.parties.values[d.owedBy], Authority: b.words[attrPPK][d.authority],
			State: ledger.ObligationOpen, Doubt: d.doubt(),
		}
		if f.Code != "" && f.Code != o.Code || f.OwedBy != "" && f.OwedBy != o.OwedBy {
			return false
		}
		if d.overdue {
			o.State = ledger.ObligationOverdue
		}
		if d.since != noTime {
			o.Since = fromColumn(d.since)
		}
		if d.term != nil {
			o.To, o.Right, o.Regime = d.term.To, d.term.Right, d.term.regime
		}
		if days && d.due != noDay {
			o.Due = dateOfNumber(d.due)
		} else if d.due != noDay {
			o.Due = firstDay70 // there is one
		}
		return f.wants(&o, q.AsOf)
	}
}

// owedFinder finds a part of the places.
type owedFinder struct {
	debtor
	known          uint32
	places         []owedPlace
	overdue, cases int
	anyOdd         bool
	scratch        sayings
}

func (f *owedFinder) block(b *placed) {
	if b.empty(f.at, f.known) {
		return
	}
	held := b.held(f.at, f.known, b.dead, &f.scratch)
	for c := range b.ids {
		f.clear()
		for r := int(b.respondents[c]); r < int(b.respondents[c+1]); r++ {
			st := &f.shapes[held.shape[r]]
			if (st.next != nil || len(st.checks) > 0) && f.owes(b.block, r, held, r) {
				f.row(b.block, r, held, r)
			}
		}
		if f.anyOdd = f.anyOdd || f.odd; len(f.debts) == 0 {
			continue
		}
		debts := f.settle(f.debts)
		f.cases += btoi(len(debts) > 0)
		for i := range debts {
			f.overdue += btoi(debts[i].overdue)
			f.places = append(f.places, owedPlace{b.ids[c], debts[i].since, debts[i].due, debts[i].overdue})
		}
	}
}

// namePage asks the definition for the obligations of a page.
func (s *snapshot) namePage(o *owedOrder, q WorkQuery, rules ledger.Rules) ([]ledger.Obligation, error) {
	at := columnTime(q.AsOf)
	m := s.rowMaker(workRows{at: at, first: at, known: uint32(q.KnownAt)})
	named := make(map[uuid.UUID][]ledger.Obligation)
	first := min(q.Offset, len(o.places))
	page := o.places[first:min(first+q.Limit, len(o.places))]
	out := make([]ledger.Obligation, 0, len(page))
	for i := range page {
		p := &page[i]
		list, ok := named[p.id]
		if !ok {
			list = m.owed(p.id, q, rules)
			named[p.id] = list
		}
		nth := 0 // of those that share the place
		for j := first + i - 1; j >= 0 && o.places[j] == *p; j-- {
			nth++
		}
		found := false
		for k := range list {
			if placeOf(p.id, &list[k]) != *p {
				continue
			}
			if found = nth == 0; found {
				out = append(out, list[k])
				break
			}
			nth--
		}
		if !found {
			return nil, fmt.Errorf("case %s owes something else than was counted", p.id)
		}
	}
	return out, nil
}

// owed lists what a case owes.
func (m *rowMaker) owed(id uuid.UUID, q WorkQuery, rules ledger.Rules) (list []ledger.Obligation) {
	i, c, ok := m.find(id)
	if !ok {
		return nil
	}
	b := m.blocks[i].block
	m.rows = m.rows[:0]
	for r := int(b.respondents[c]); r < int(b.respondents[c+1]); r++ {
		m.respondent(b, c, r)
	}
	for k := range m.rows {
		for _, o := range m.rows[k].Obligations(rules, q.AsOf) {
			if q.wants(&o) {
				list = append(list, o)
			}
		}
	}
	return ledger.MergeObligations(list)
}

func placeOf(id uuid.UUID, o *ledger.Obligation) owedPlace {
	p := owedPlace{id, noTime, noDay, o.State == ledger.ObligationOverdue}
	if !o.Since.IsZero() {
		p.since = columnTime(o.Since)
	}
	if o.Due != "" {
		p.due = dayNumberOf(o.Due)
	}
	return p
}
