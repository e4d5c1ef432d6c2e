package web

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/berkas-ledger/berkas/ledger"
	"github.com/berkas-ledger/berkas/projections"
	"github.com/berkas-ledger/berkas/rates"
)

// The backlog: who has to act on what since when, counted. Every number opens the
// work list that it counts.

const backlogPath = "/backlog"

const (
	shownAuthorities = 20 // before all are asked for
	shownLongest     = 10
	fewOwed          = 10 // below it a share says little, and is said to
	confidence       = 0.95
)

// backlogQuestion is what the page is asked. Its list is the work list of the same
// agency and times.
type backlogQuestion struct {
	list  workPageQuestion
	month string // of the calendar, 2020-11; "": chosen
	all   bool   // list every authority
	// answered are the two times of the answer, once there is one.
	answered projections.Moment
}

func parseBacklogQuestion(values url.Values) (backlogQuestion, error) {
	if err := checkValues(values, "agency", "as-of", "known-at", "month", "authorities", "lang"); err != nil {
		return backlogQuestion{}, err
	}
	q := backlogQuestion{month: values.Get("month"), all: values.Get("authorities") == "all"}
	switch {
	case q.month != "" && !isMonth(q.month):
		return q, badQuery("month", "it is a month such as 2020-11")
	case values.Get("authorities") != "" && !q.all:
		return q, badQuery("authorities", "it is all")
	}
	for _, name := range []string{"month", "authorities"} {
		values.Del(name)
	}
	var err error
	q.list, err = parseWorkPageQuestion(values)
	return q, err
}

// address is this page, with changes as in workPageQuestion.address.
func (q *backlogQuestion) address(changes ...string) string {
	own := []string{"month", q.month}
	if q.all {
		own = append(own, "authorities", "all")
	}
	return q.list.address(backlogPath, append(own, changes...)...)
}

// listed is the list behind a number of the answer: duties that wait, narrowed
// further.
func (q *backlogQuestion) listed(changes ...string) string {
	return q.atAnswer(worklistPath, append([]string{"kind", kindDuty}, changes...)...)
}

// atAnswer is an address that asks the same, at the two times of the answer.
func (q *backlogQuestion) atAnswer(path string, changes ...string) string {
	at := []string{"as-of", writeMoment(q.answered.AsOf), "known-at", strconv.FormatUint(uint64(q.answered.KnownAt), 10)}
	return q.list.address(path, append(at, changes...)...)
}

type backlogPage struct {
	Form       workForm
	Asked      asked // the two times
	Agency     ledger.AgencyID
	Backlog    projections.Backlog
	Steps      []sliderStep
	Extent     projections.Extent
	Pending    count
	Overdue    count
	Undated    count
	Soon       count
	Provision  int
	Rights     count
	MedianAge  int
	Owers      []owerRow
	Deadlines  []deadlineRow
	Ages       ageChart
	Trend      trendChart
	Authority  []authorityRow
	Others     int // authorities that are not listed
	AllOthers  string
	Authorized authorityRow // all of them together
	Longest    []workLine
	NoCases    bool // the reader may see no cases
	Month      monthView
	Calendar   string      // as ICS
	Plain      bool        // no agency is asked for
	Export     exportLinks // by deadline and party
	OfPPKs     exportLinks
	OverTime   exportLinks
}

// count is a number with the list behind it; none behind 0.
type count struct {
	N    int
	Href string
}

func (q *backlogQuestion) count(n int, changes ...string) count {
	if n == 0 {
		return count{}
	}
	return count{n, q.listed(changes...)}
}

// owerRow is what one party has to do.
type owerRow struct {
	Who                             text
	Pending, Overdue, Undated, Soon count
	Oldest                          time.Time
	OldestAge                       int
	Share                           string // of all that is pending, for a bar
	LateShare                       string
}

// deadlineRow is one deadline of one regime with its basis and its doubt.
type deadlineRow struct {
	What                      text
	Who                       text
	Regime, Basis             string
	Doubt                     ledger.Doubt
	Length, AtMost            text // "": not said
	Pending, Overdue, Undated count
	Provisional               int
	Right                     bool
}

// authorityRow is how an authority stands with the decisions that it owed.
type authorityRow struct {
	Who                     text
	Owed, Overdue           count   // cases
	Rate, Low, High         float64 // overdue of owed
	Few                     bool
	OldestDue               ledger.Date
	OldestOver              int
	BarLow, BarWidth, BarAt string
}

func (s *Server) showBacklog(w http.ResponseWriter, r *http.Request) error {
	return s.answer(w, r, view{Template: "backlog", Title: text{"Tunggakan dan tenggat", "Backlog and deadlines"}}, func(values url.Values) (filling, error) {
		q, err := parseBacklogQuestion(values)
		return func(context.Context) (any, error) { return s.backlogPage(r, &q) }, err
	})
}

// backlog answers the question, and says so in it.
func (s *Server) backlog(ctx context.Context, q *backlogQuestion) (projections.Backlog, projections.Extent, error) {
	extent, err := s.extent(ctx)
	if err != nil {
		return projections.Backlog{}, extent, err
	}
	known := question{Known: q.list.known}
	if err := s.settle(ctx, &known); err != nil {
		return projections.Backlog{}, extent, err
	}
	b, err := s.Figures.Backlog(ctx, projections.BacklogQuery{
		Agency: q.list.query.Agency, AsOf: q.list.query.AsOf, KnownAt: known.Query.KnownAt, Longest: shownLongest,
		TrendOf: func(asOf time.Time) []time.Time { return trendMoments(extent, asOf) },
	})
	q.answered = projections.Moment{AsOf: b.Query.AsOf, KnownAt: b.Query.KnownAt}
	return b, extent, figureError(err)
}

func (s *Server) backlogPage(r *http.Request, q *backlogQuestion) (backlogPage, error) {
	b, extent, err := s.backlog(r.Context(), q)
	if err != nil {
		return backlogPage{Form: s.workForm(&q.list, s.Now())}, err
	}
	c, err := s.callerOf(r)
	if err != nil {
		return backlogPage{}, err
	}
	page := backlogPage{
		Form: s.workForm(&q.list, b.Settled.Recorded), Agency: q.list.query.Agency, Backlog: b, Extent: extent,
		Asked:   timesOf(b.Query.AsOf, b.Query.KnownAt, b.Known, b.Settled, q.list.query.AsOf.IsZero()),
		Pending: q.count(b.All.Pending), Overdue: q.count(b.All.Overdue, "state", string(ledger.ObligationOverdue)), Undated: q.count(b.All.Undated, "due", dueNone),
		Soon: q.soon(b.All.Soon, b.Query.AsOf), Provision: b.All.Provisional, Owers: q.owers(&b), Deadlines: q.deadlines(&b),
		Ages: q.ages(&b), Trend: q.trend(b.Trend), NoCases: !c.open && c.token.Reader == ReaderDashboard,
		Calendar: q.list.address(calendarPath), Month: q.monthOf(&b), Steps: q.steps(extent), Plain: q.list.query.Agency == "",
		Export: exportsOf(q.file("backlog")), OfPPKs: exportsOf(q.file("backlog-authorities")), OverTime: exportsOf(q.file("backlog-trend")),
	}
	page.MedianAge = medianAge(b.Ages)
	page.setAuthorities(q, &b)
	point := question{Query: ledger.Query{AsOf: q.answered.AsOf, KnownAt: q.answered.KnownAt}}
	if page.Asked.Latest && q.list.known == "" {
		point = question{} // a case as it is now
	}
	for _, o := range b.Longest {
		page.Longest = append(page.Longest, workLineOf(o, b.Query.AsOf, point.caseAddress(o.Case)))
	}
	return page, nil
}

// steps move as-of within what the ledger speaks of, without a script.
func (q *backlogQuestion) steps(e projections.Extent) []sliderStep {
	if e.First.IsZero() {
		return nil
	}
	at := q.list.query.AsOf
	from := at
	if at.IsZero() {
		from = e.Last
	}
	return daySteps(from, ledger.DayOf(e.First), ledger.DayOf(e.Last), !at.IsZero(), func(day string) string {
		return q.address("as-of", day, "month", "")
	})
}

func (q *backlogQuestion) soon(n int, asOf time.Time) count {
	return q.count(n, "due-from", string(ledger.DayOf(asOf)), "due-to", string(ledger.DayOf(asOf.AddDate(0, 0, 6))))
}

// owers adds heaps up by who owes; rights are left out.
func (q *backlogQuestion) owers(b *projections.Backlog) []owerRow {
	sums, order := map[string]*projections.Tally{}, []string{}
	for _, h := range b.Heaps {
		if h.Right {
			continue
		}
		t, ok := sums[h.OwedBy]
		if !ok {
			t = &projections.Tally{}
			sums[h.OwedBy], order = t, append(order, h.OwedBy)
		}
		t.Add(&h.Tally)
	}
	slices.SortStableFunc(order, func(x, y string) int {
		return slices.Compare([]int{sums[y].Overdue, sums[y].Pending}, []int{sums[x].Overdue, sums[x].Pending})
	})
	most := 1
	for _, t := range sums {
		most = max(most, t.Pending)
	}
	var out []owerRow
	for _, owedBy := range order {
		t := sums[owedBy]
		row := owerRow{
			Who: partyWord(owedBy), Oldest: t.Oldest, Share: percent(float64(t.Pending), float64(most)), LateShare: percent(float64(t.Overdue), float64(most)),
			OldestAge: ledger.DaysBetween(ledger.DayOf(t.Oldest), ledger.DayOf(b.Query.AsOf)),
			Pending:   q.count(t.Pending, "owed-by", owedBy), Overdue: q.count(t.Overdue, "owed-by", owedBy, "state", string(ledger.ObligationOverdue)),
			Undated: q.count(t.Undated, "owed-by", owedBy, "due", dueNone),
			Soon:    q.count(t.Soon, "owed-by", owedBy, "due-from", string(ledger.DayOf(b.Query.AsOf)), "due-to", string(ledger.DayOf(b.Query.AsOf.AddDate(0, 0, 6)))),
		}
		if owedBy == "" { // no filter asks for nobody
			row.Pending.Href, row.Overdue.Href, row.Undated.Href, row.Soon.Href = "", "", "", ""
		}
		out = append(out, row)
	}
	return out
}

// deadlines names each deadline that is pending, with basis and doubt.
func (q *backlogQuestion) deadlines(b *projections.Backlog) []deadlineRow {
	var out []deadlineRow
	for _, h := range b.Heaps {
		row := deadlineRow{
			What: word("deadline", h.Code), Who: partyWord(h.OwedBy), Regime: h.Regime, Basis: h.Basis, Doubt: h.Doubt, Right: h.Right, Provisional: h.Tally.Provisional,
		}
		row.Length, row.AtMost = lengthOf(b.Rules.Regimes, h.Regime, h.Code)
		filters := []string{"owed-by", h.OwedBy, "code", h.Code, "doubt", string(h.Doubt)}
		if h.Regime != "" {
			filters = append(filters, "regime", h.Regime)
		}
		if h.Right {
			filters = append(filters, "kind", "")
		}
		row.Pending = q.count(h.Tally.Pending, filters...)
		row.Overdue = q.count(h.Tally.Overdue, append(slices.Clone(filters), "state", string(ledger.ObligationOverdue))...)
		row.Undated = q.count(h.Tally.Undated, append(slices.Clone(filters), "due", dueNone)...)
		out = append(out, row)
	}
	return out
}

// lengthOf finds how long a regime's deadline is; where it lists the code several
// times, each length is named.
func lengthOf(regimes []ledger.Regime, id, code string) (length, atMost text) {
	add := func(to *text, l *ledger.Length) {
		if l == nil {
			return
		}
		unit := text{"hari", english.days(l.Days)}
		if l.Working {
			unit = text{"hari kerja", "working " + english.days(l.Days)}
		}
		n := strconv.Itoa(l.Days)
		one := text{n + " " + unit.ID, n + " " + unit.EN}
		switch {
		case to.ID == "":
			*to = one
		case to.ID != one.ID:
			*to = text{to.ID + " / " + one.ID, to.EN + " / " + one.EN}
		}
	}
	for _, g := range regimes {
		if g.ID != id {
			continue
		}
		for _, d := range g.Deadlines {
			if d.Code == code {
				add(&length, d.Length)
				add(&atMost, d.AtMost)
			}
		}
	}
	return length, atMost
}

func (p *backlogPage) setAuthorities(q *backlogQuestion, b *projections.Backlog) {
	var sum projections.AuthorityTally
	for i, a := range b.Authorities {
		sum.Owed, sum.Overdue = sum.Owed+a.Owed, sum.Overdue+a.Overdue
		if i >= shownAuthorities && !q.all {
			p.Others++
			continue
		}
		p.Authority = append(p.Authority, q.authority(a, b.Query.AsOf))
	}
	p.Authorized = q.authority(sum, b.Query.AsOf)
	if p.AllOthers = q.address("authorities", "all") + "#ppk"; p.Others == 0 {
		p.AllOthers = ""
	}
}

// authority says a rate beside its count, with what chance alone allows.
func (q *backlogQuestion) authority(a projections.AuthorityTally, asOf time.Time) authorityRow {
	i := rates.Wilson(uint64(a.Overdue), uint64(a.Owed), confidence)
	owes := []string{"authority", a.Authority, "awaits", string(ledger.MilestoneDecided), "owed-by", ledger.OwedByAuthority}
	row := authorityRow{
		Who: authorityWord(a.Authority), Owed: count{N: a.Owed}, Overdue: count{N: a.Overdue},
		Rate: float64(a.Overdue) / float64(max(1, a.Owed)), Low: i.Low, High: i.High, Few: a.Owed < fewOwed, OldestDue: a.OldestDue,
	}
	if a.Authority != "" { // no filter asks for one that no record names
		row.Owed = q.count(a.Owed, append(slices.Clone(owes), "all", "true")...)
		row.Overdue = q.count(a.Overdue, append(slices.Clone(owes), "state", string(ledger.ObligationOverdue))...)
	}
	if a.OldestDue != "" {
		row.OldestOver = ledger.DaysBetween(a.OldestDue, ledger.DayOf(asOf))
	}
	row.BarLow, row.BarWidth, row.BarAt = percent(row.Low, 1), percent(row.High-row.Low, 1), percent(row.Rate, 1)
	return row
}
