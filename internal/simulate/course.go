package simulate

import (
	"container/heap"
	"fmt"
	"iter"
	"slices"
	"time"

	"github.com/berkas-ledger/berkas/ledger"
)

// Course is a history of any number of cases from January 2020 to a day, in the
// order in which a ledger that had been there would have recorded it. The same
// values give the same history. docs/simulate.md says what of it is invented,
// which is all but the procedure.
type Course struct {
	Cases int
	Seed  uint64
	Until ledger.Date // the last day; at the earliest EarliestEnd
}

// Limits of a course.
const (
	EarliestEnd ledger.Date = "2020-03-31"
	LatestEnd   ledger.Date = "2035-12-31"
	MaxCases                = 100_000_000
)

// Check says what is wrong with a course.
func (c Course) Check() error {
	switch {
	case c.Cases < 1 || c.Cases > MaxCases:
		return fmt.Errorf("a course has 1 to %d cases, not %d", MaxCases, c.Cases)
	case !c.Until.Valid() || c.Until < EarliestEnd || c.Until > LatestEnd:
		return fmt.Errorf("a course ends on a day from %s to %s", EarliestEnd, LatestEnd)
	}
	return nil
}

// entry is one event with the moment at which it is recorded.
type entry struct {
	saying
	subject string
	keys    []ledger.KeyID // that sign it, if not the agency's own for events
	second  bool           // the agency signs with its second key
}

// course is a Course that is being told.
type course struct {
	cases     int
	seed      uint64
	end       instant // nothing is recorded then or later
	season    season
	terrain   terrain
	catalogue map[ledger.When][]string

	until   ledger.Date
	ids     draw
	scratch []saying // of tell
}

func newCourse(c Course) *course {
	return &course{
		cases: c.Cases, seed: c.Seed, until: c.Until, end: on(c.Until, daily), season: newSeason(courseBegins, c.Until),
		terrain: newTerrain(c.Seed), catalogue: itemsBySide(), ids: newDraw(c.Seed, 3),
	}
}

// going is a case that goes on. Where nothing happens for long its events are
// forgotten and entry anew in time: so memory holds what is under way only.
type going struct {
	number, next int
	opened, at   instant // at: when the next is recorded
	id           string
	says         []saying
}

// asleep is how long nothing has to happen for a case to be forgotten.
const asleep = 45 * daily

// queue is a heap of cases by what they record next; the older case goes first.
type queue []*going

func (q queue) Len() int { return len(q) }
func (q queue) Less(i, j int) bool {
	return q[i].at < q[j].at || q[i].at == q[j].at && q[i].number < q[j].number
}
func (q queue) Swap(i, j int) { q[i], q[j] = q[j], q[i] }
func (q *queue) Push(x any)   { *q = append(*q, x.(*going)) }
func (q *queue) Pop() any {
	old := *q
	x := old[len(old)-1]
	old[len(old)-1] = nil
	*q = old[:len(old)-1]
	return x
}

// run yields everything in order of recording. fixed are events of the roster, in
// order.
func (c *course) run(fixed []entry, yield func(entry) bool) {
	m := &merge{
		course: c, fixed: fixed, tables: issues(newDraw(c.seed, 11), c.until), figures: newDraw(c.seed, 13), upcoming: c.start(1),
	}
	for e, ok := m.next(); ok && yield(e); e, ok = m.next() {
		continue
	}
}

// merge puts what goes on side by side into one order.
type merge struct {
	*course
	fixed    []entry
	tables   []issue
	issued   int
	figures  draw
	done     counts
	active   queue
	upcoming *going // the next case to begin
}

// next gives what is recorded next; ok is false at the end.
func (m *merge) next() (e entry, ok bool) {
	for m.upcoming != nil && (len(m.active) == 0 || m.active[0].at >= m.upcoming.opened) {
		heap.Push(&m.active, m.upcoming)
		m.upcoming = m.start(m.upcoming.number + 1)
	}
	due, table, rule := m.end, m.end, m.end
	if len(m.active) > 0 {
		due = m.active[0].at
	}
	if len(m.tables) > 0 {
		table = m.tables[0].at
	}
	if len(m.fixed) > 0 {
		rule = m.fixed[0].recorded
	}
	switch {
	case min(due, table, rule) >= m.end:
		return entry{}, false
	case rule <= min(due, table):
		e, m.fixed = m.fixed[0], m.fixed[1:]
	case table <= due:
		m.issued++
		e = m.published(m.tables[0], m.figures, &m.done, m.issued)
		m.tables = m.tables[1:]
	default:
		e = m.step(&m.active)
		for _, x := range e.marks {
			m.done.add(x)
		}
	}
	return e, true
}

// start makes the case of a number; nil when there are no more.
func (c *course) start(number int) *going {
	if number > c.cases {
		return nil
	}
	t := c.tell(number)
	return &going{number: number, opened: t.opened, at: t.says[0].recorded, id: t.outset.id, says: t.says}
}

// step takes the next event of the case that is due.
func (c *course) step(q *queue) entry {
	g := (*q)[0]
	if g.says == nil {
		g.says = c.tell(g.number).says
	}
	out := entry{saying: g.says[g.next], subject: g.id}
	g.says[g.next] = saying{}
	g.next++
	if g.next == len(g.says) || g.says[g.next].recorded >= c.end {
		heap.Pop(q)
		return out
	}
	g.at = g.says[g.next].recorded
	if g.at-out.recorded > asleep {
		g.says = nil
	}
	heap.Fix(q, 0)
	return out
}

func (c *course) published(t issue, d draw, done *counts, nth int) entry {
	p := t.table(d, done, nth)
	at := t.at - instant(d.between(60, 900))*second
	return entry{
		saying:  saying{at: at, recorded: t.at, by: t.by, kind: ledger.FiguresPublishedKind, id: d.id(at.time()), payload: p},
		subject: p.Table,
	}
}

// own yields what agencies say with their own keys, for whoever records it later:
// no events of root keys, nor those of the vault, which has no mandate to record
// what is long past.
func (c *course) own(yield func(entry) bool) {
	c.run(c.publishedRules(), func(e entry) bool { return e.by == ledger.Vault || yield(e) })
}

// publishedRules are the regimes, holidays and contests as they are published in
// the course: regimes a week before they hold, and not saying when they will end.
func (c *course) publishedRules() []entry {
	var out []entry
	say := func(day ledger.Date, by ledger.AgencyID, kind ledger.Kind, subject string, payload any) {
		at := max(on(day, officeOpens+hour), on(founded, 10*hour))
		out = append(out, entry{saying: saying{at: at, recorded: at + minute, by: by, kind: kind, payload: payload}, subject: subject})
	}
	for _, g := range Regimes() {
		day := founded
		if g.From != "" {
			day = (on(g.From, 0) - 7*daily).date()
		}
		g.Until = ""
		say(day, ledger.KemenPANRB, ledger.RegimePublishedKind, g.ID, g)
	}
	for _, h := range Holidays() {
		say(decreed[h.Year], ledger.KemenPANRB, ledger.HolidaysPublishedKind, h.Subject(), h)
	}
	for _, x := range contests() {
		say(x.on, ledger.Bawaslu, ledger.ContestPublishedKind, x.ID, x.Contest)
	}
	slices.SortStableFunc(out, func(a, b entry) int { return int((a.recorded - b.recorded) / second) })
	for i := range out {
		out[i].id = c.ids.id(out[i].at.time())
	}
	return slices.DeleteFunc(out, func(t entry) bool { return t.recorded >= c.end })
}

// founded is the day on which a course's ledger begins.
const founded ledger.Date = "2020-01-02"

type published struct {
	on ledger.Date
	ledger.Contest
}

// contests are the elections of the course, published when cases first speak of
// them. In June 2020 the one of that year was put off for the epidemic; its first
// days are UNSURE.
func contests() []published {
	return []published{
		{founded, ledger.Contest{ID: "pilkada-2020", Kind: "pilkada", Voting: "2020-09-23", Determination: "2020-07-08", Doubt: ledger.DoubtUnsure}},
		{"2020-06-12", ledger.Contest{ID: "pilkada-2020", Kind: "pilkada", Voting: "2020-12-09", Determination: "2020-09-23", Doubt: ledger.DoubtUnsure}},
		{"2022-06-09", ledger.Contest{ID: "pemilu-2024", Kind: "pemilu", Voting: "2024-02-14", Determination: "2023-11-13", Doubt: ledger.DoubtUnsure}},
		{"2024-01-29", ledger.Contest{ID: "pilkada-2024", Kind: "pilkada", Voting: "2024-11-27", Determination: "2024-09-22", Doubt: ledger.DoubtNone}},
	}
}

// Event is one event of a course, as an agency states it.
type Event struct {
	Agency   ledger.AgencyID
	Kind     ledger.Kind
	Subject  string
	ID       string
	Time     time.Time // when it happened
	Recorded time.Time // when a ledger would have recorded it
	Payload  any
}

// Events yields a course's events in order of recording, but for those that root
// keys, the registrar or the vault sign.
func (c Course) Events() iter.Seq[Event] {
	return func(yield func(Event) bool) {
		newCourse(c).own(func(t entry) bool {
			return yield(Event{t.by, t.kind, t.subject, t.id, t.at.time(), t.recorded.time(), t.payload})
		})
	}
}
