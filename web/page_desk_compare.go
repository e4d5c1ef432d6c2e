package web

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/berkas-ledger/berkas/ledger"
	"github.com/berkas-ledger/berkas/projections"
)

// Two moments beside each other, each with an as-of and a known-at: every measure
// at both, and the cases and records that make the difference.

// The first moment has the names that a question's times have everywhere, so that
// any address of a figure can be compared with another by adding to it.
const (
	thenAsOf  = "then-as-of"
	thenKnown = "then-known-at"
)

// compareQuestion is a question of two moments.
type compareQuestion struct {
	question // with the first moment
	then     momentText
	page     int
}

// momentText is a moment as an address writes it.
type momentText struct {
	asOf  time.Time
	known string
}

type comparePage struct {
	First, Second comparedMoment
	Asked         asked // of both, but for their times
	Sections      []comparedSection
	Form          questionForm
	Then          momentField
	ThenKnown     string
	Chosen        *comparedList
	Swap          string // the same, the other way round
}

// comparedMoment is one of the two, as it was answered.
type comparedMoment struct {
	AsOf     time.Time
	KnownAt  ledger.Position
	Recorded time.Time
	National string
}

type comparedSection struct {
	Title text
	Lines []comparedLine
}

// comparedLine is a measure at both moments. Recorded and Happened add up to the
// difference.
type comparedLine struct {
	Name               string
	First, Second      uint64
	FirstAt, SecondAt  string // lists behind them
	Recorded, Happened int64
	Href               string // what entered and left
	Chosen             bool
}

// Difference is for templates.
func (l comparedLine) Difference() int64 { return l.Recorded + l.Happened }

// comparedList is what entered and left one measure.
type comparedList struct {
	Measure  ledger.MeasureInfo
	Counts   []comparedCount
	Lines    []comparedChange
	Total    uint64
	From, To int
	Before   string
	After    string
	Keyed    bool
}

type comparedCount struct {
	Says text
	N    uint64
}

type comparedChange struct {
	projections.Change
	Before, After string // the case at both moments
	KeyWord       text
	Says          text
}

// compareLines is how many changes a page lists.
const compareLines = 50

func parseCompare(values url.Values) (compareQuestion, error) {
	var c compareQuestion
	own, err := takeOwn(values, thenAsOf, thenKnown)
	if err != nil {
		return c, err
	}
	if c.then.asOf, err = momentIn(url.Values{thenAsOf: {own[thenAsOf]}}, thenAsOf); err != nil {
		return c, err
	}
	c.then.known = own[thenKnown]
	if c.question, c.page, err = listQuestion(values); err != nil {
		return c, err
	}
	if c.By != "" {
		return c, badQuery("by", "two moments are not broken down")
	}
	if len(c.Query.Measures) > 1 {
		return c, badQuery("measure", "what entered and left is told of one measure at a time")
	}
	return c, nil
}

// second is the same question at the second moment.
func (c *compareQuestion) second() question {
	q := c.question
	q.Query.AsOf, q.Known, q.Query.KnownAt = c.then.asOf, c.then.known, 0
	return q
}

// to writes the address of the comparison, with changes.
func (c *compareQuestion) to(changes ...string) string {
	own := []string{thenAsOf, writeMoment(c.then.asOf), thenKnown, c.then.known}
	return c.address(comparePath, append(own, changes...)...)
}

func (s *Server) showCompare(w http.ResponseWriter, r *http.Request) error {
	v := view{Template: "desk-compare", Title: text{"Bandingkan dua saat", "Compare two moments"}}
	return s.answer(w, r, v, func(values url.Values) (filling, error) {
		c, err := parseCompare(values)
		return func(ctx context.Context) (any, error) { return s.comparePage(ctx, c) }, err
	})
}

func (s *Server) comparePage(ctx context.Context, c compareQuestion) (comparePage, error) {
	extent, err := s.extent(ctx)
	if err != nil {
		return comparePage{}, err
	}
	if c.Query.AsOf.IsZero() && c.Known == "" && c.then == (momentText{}) && !extent.Last.IsZero() {
		// Nothing was asked for yet: a month before the end, and the end.
		c.Query.AsOf = ledger.DayOf(extent.Last.AddDate(0, -1, 0)).End()
	}
	page := comparePage{
		Form: s.form(&c.question, comparePath, s.Now()), Then: fieldOf(thenAsOf, c.then.asOf, string(ledger.DayOf(s.Now()))), ThenKnown: c.then.known,
	}
	first, second := c.question, c.second()
	for _, q := range []*question{&first, &second} {
		if err := s.settle(ctx, q); err != nil {
			return page, err
		}
	}
	from, to := projections.Moment{AsOf: first.Query.AsOf, KnownAt: first.Query.KnownAt}, projections.Moment{AsOf: second.Query.AsOf, KnownAt: second.Query.KnownAt}
	answers, err := s.threeMoments(ctx, &first.Query, from, to)
	if err != nil {
		return page, err
	}
	a, b := answers[0], answers[2]
	page.Asked = c.askedOf(comparePath, a[0], extent)
	then := c.second()
	c.answered, then.answered = momentOf(a[0].Query), momentOf(b[0].Query)
	page.First = comparedMoment{a[0].Query.AsOf, a[0].Query.KnownAt, a[0].Known, c.pinned().address(nationalPath, "measure", "")}
	page.Second = comparedMoment{b[0].Query.AsOf, b[0].Query.KnownAt, b[0].Known, then.pinned().address(nationalPath, "measure", "")}
	page.Swap = c.swapped()
	chosen := page.fill(&c, &then, answers)
	list, err := s.comparedList(ctx, c, chosen, c.answered, then.answered)
	page.Chosen = list
	return page, err
}

func momentOf(q ledger.Query) projections.Moment {
	return projections.Moment{AsOf: q.AsOf, KnownAt: q.KnownAt}
}

// swapped is the address of the comparison the other way round.
func (c *compareQuestion) swapped() string {
	other := *c
	other.question = c.second()
	other.then = momentText{c.Query.AsOf, c.Known}
	return other.to()
}

// threeMoments asks for every measure at the first moment, over which the way
// leads, and at the second.
func (s *Server) threeMoments(ctx context.Context, q *ledger.Query, from, to projections.Moment) ([3][]projections.Answer, error) {
	var out [3][]projections.Answer
	one := func(m ledger.Measure, at projections.Moment) ledger.Query {
		query := *q
		query.Measures, query.AsOf, query.KnownAt = []ledger.Measure{m}, at.AsOf, at.KnownAt
		return query
	}
	// The ends are settled first: open times become those of the last record.
	ends, err := s.Figures.Figures(ctx, []ledger.Query{one(ledger.Opened, from), one(ledger.Opened, to)})
	if err != nil {
		return out, figureError(err)
	}
	from, to = momentOf(ends[0].Query), momentOf(ends[1].Query)
	var queries []ledger.Query
	for _, at := range []projections.Moment{from, projections.Over(from, to), to} {
		for _, m := range ledger.MeasureTable {
			queries = append(queries, one(m.Measure, at))
		}
	}
	answers, err := s.Figures.Figures(ctx, queries)
	if err != nil {
		return out, figureError(err)
	}
	n := len(ledger.MeasureTable)
	return [3][]projections.Answer{answers[:n], answers[n : 2*n], answers[2*n:]}, nil
}

// fill makes the table, and says which measure's changes are listed: the one asked
// for, or the first that differs.
func (p *comparePage) fill(c *compareQuestion, then *question, answers [3][]projections.Answer) ledger.Measure {
	chosen := ledger.Measure(-1)
	if c.Measure != "" {
		chosen = c.Query.Measures[0]
	}
	rising := answers[0][0].Query.KnownAt <= answers[2][0].Query.KnownAt
	for _, sec := range sections {
		one := comparedSection{Title: sec.Title}
		for _, m := range sec.Measures {
			a, over, b := answers[0][m].Value, answers[1][m].Value, answers[2][m].Value
			line := comparedLine{
				Name: m.String(), First: a, Second: b, Href: c.to("measure", m.String()) + "#changes",
				FirstAt: c.list(m.String()), SecondAt: then.list(m.String()),
				Recorded: int64(over) - int64(a), Happened: int64(b) - int64(over),
			}
			if !rising {
				line.Recorded, line.Happened = line.Happened, line.Recorded
			}
			if chosen < 0 && (line.Recorded != 0 || line.Happened != 0) {
				chosen = m
			}
			line.Chosen = chosen == m
			one.Lines = append(one.Lines, line)
		}
		p.Sections = append(p.Sections, one)
	}
	return max(0, chosen)
}

// changeWords say of a change what made it.
var changeWords = map[bool]map[projections.Turn]text{
	true: {
		projections.TurnHappened: {"masuk: terjadi di antara kedua saat", "came in: happened between the two moments"},
		projections.TurnRecorded: {"masuk: dicatat atau dikoreksi kemudian", "came in: recorded later, or corrected"},
	},
	false: {
		projections.TurnHappened: {"keluar: terjadi di antara kedua saat", "went out: happened between the two moments"},
		projections.TurnRecorded: {"keluar: dicatat atau dikoreksi kemudian", "went out: recorded later, or corrected"},
	},
}

func (s *Server) comparedList(ctx context.Context, c compareQuestion, m ledger.Measure, from, to projections.Moment) (*comparedList, error) {
	q := c.Query
	q.Measures = []ledger.Measure{m}
	changes, err := s.Figures.Changes(ctx, q, from, to, (c.page-1)*compareLines, compareLines)
	if err != nil {
		return nil, figureError(err)
	}
	if c.page > 1 && len(changes.List) == 0 {
		return nil, errNotFound
	}
	out := &comparedList{
		Measure: ledger.MeasureTable[m], Total: changes.Total(), From: (c.page-1)*compareLines + 1, To: (c.page-1)*compareLines + len(changes.List),
		Keyed: q.Unit == ledger.UnitRecommendation || q.Unit == ledger.UnitPPK,
	}
	for _, entered := range []bool{true, false} {
		for _, turn := range []projections.Turn{projections.TurnHappened, projections.TurnRecorded} {
			by := changes.Left
			if entered {
				by = changes.Entered
			}
			out.Counts = append(out.Counts, comparedCount{changeWords[entered][turn], by[turn]})
		}
	}
	point := func(m projections.Moment, id string) string {
		at := question{Known: strconv.FormatUint(uint64(m.KnownAt), 10), Query: ledger.Query{Unit: ledger.UnitRespondent, AsOf: m.AsOf}}
		return at.address(casesPath + "/" + id)
	}
	for _, one := range changes.List {
		out.Lines = append(out.Lines, comparedChange{
			Change: one, Before: point(from, one.Case), After: point(to, one.Case), KeyWord: keyWord(q.Unit, one.Key), Says: changeWords[one.Entered][one.Turn],
		})
	}
	if c.page > 1 {
		out.Before = c.to("measure", m.String(), "page", strconv.Itoa(c.page-1)) + "#changes"
	}
	if uint64(out.To) < out.Total {
		out.After = c.to("measure", m.String(), "page", strconv.Itoa(c.page+1)) + "#changes"
	}
	return out, nil
}
