package web

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/berkas-ledger/berkas/ledger"
	"github.com/berkas-ledger/berkas/projections"
)

// The page of national figures. Its numbers are those of /v1/national and of
// berkas national: the same questions, asked in the same way.

const nationalPath, casesPath = "/national", "/cases"

type nationalPage struct {
	Export   exportLinks
	Past     bool // another moment than the latest is shown
	Head     ledger.Position
	Asked    asked
	Times    times
	Units    []sliderStep // the same page in other units; no address: this one
	Form     questionForm
	Headline headline
	Funnel   []funnelStep
	Aside    []figureLine
	Spans    []stageTime
	Trend    trendView
	Map      provinceMap
	Table    breakdown
	Sections []figureSection
}

// headline is what the page says first, in a sentence.
type headline struct {
	Unit    ledger.Unit
	Figures map[string]figureLine // by measure
	Means   []figureLine          // those of the sentence, in its order
}

// headlineMeasures are those of the sentence.
var headlineMeasures = []ledger.Measure{ledger.Opened, ledger.Recommended, ledger.Sanctioned, ledger.NotFollowedUp, ledger.Blocked}

type figureSection struct {
	Title text
	Lines []figureLine
}

// figureLine is one number with what it is.
type figureLine struct {
	Measure ledger.MeasureInfo
	Value   uint64
	Href    string // the list behind it
	Share   string // of the largest number on the page, in per cent, for its bar
}

// sections group the measures as the procedure goes. A test holds them to the
// measure table.
var sections = []struct {
	Title    text
	Measures []ledger.Measure
}{
	{text{"Masuk", "Coming in"}, []ledger.Measure{ledger.Opened, ledger.WaitingVerification, ledger.Rejected, ledger.Registered, ledger.NotRegistered}},
	{text{"Kajian", "Assessment"}, []ledger.Measure{ledger.Violation, ledger.NotViolation, ledger.Forwarded, ledger.InProcess, ledger.Concluded}},
	{text{"Klarifikasi dan rekomendasi", "Clarification and recommendation"}, []ledger.Measure{ledger.NotProven, ledger.Incomplete, ledger.Recommended}},
	{text{"Tindak lanjut PPK", "Follow-up by the appointing authority (PPK)"}, []ledger.Measure{ledger.FollowedUp, ledger.Sanctioned, ledger.DecidedNotProven, ledger.NotFollowedUp, ledger.PPKInProcess}},
	{text{"Pengendalian", "Control"}, []ledger.Measure{ledger.Admonished, ledger.Blocked, ledger.Unblocked}},
	{text{"Berakhir karena lain", "Ended otherwise"}, []ledger.Measure{ledger.Cancelled, ledger.LeftServiceMeasure}},
}

// tableMeasures are the columns of a breakdown, after the measure that is chosen.
var tableMeasures = []ledger.Measure{ledger.Opened, ledger.Recommended, ledger.FollowedUp, ledger.NotFollowedUp, ledger.Blocked, ledger.Sanctioned}

// defaultBy is the dimension of the table when none is chosen.
const defaultBy = "office"

// breakdown is a table of figures by the values of a dimension.
type breakdown struct {
	By      string
	Columns []text
	Rows    []breakdownRow
	Total   []figureCell
	More    int          // rows left out
	Overlap bool         // the rows add up to more than the whole
	Others  []sliderStep // the same by other dimensions
}

type breakdownRow struct {
	Value string
	Cells []figureCell
}

type figureCell struct {
	Column text
	Value  uint64
	Href   string // "" where no filter says it
}

// tableRows bounds the rows of a table on the page.
const tableRows = 120

func (s *Server) showNational(w http.ResponseWriter, r *http.Request) error {
	return s.answer(w, r, view{Template: "national", Title: text{"Angka nasional", "National figures"}}, func(values url.Values) (filling, error) {
		q, err := questionOf(values)
		return func(ctx context.Context) (any, error) { return s.nationalPage(ctx, q) }, err
	})
}

func (s *Server) nationalPage(ctx context.Context, q question) (nationalPage, error) {
	if q.By == "" {
		q.By = defaultBy
	}
	extent, err := s.extent(ctx)
	if err != nil {
		return nationalPage{}, err
	}
	progress, err := s.Figures.Progress(ctx)
	if err != nil {
		return nationalPage{}, figureError(err)
	}
	page := nationalPage{
		Head: progress.Position,
		Past: !q.Query.AsOf.IsZero() || q.Known != "",
		Form: s.form(&q, nationalPath, progress.Recorded), Times: q.times(extent, progress, 0, time.Time{}),
	}
	if q.Known != "" {
		page.Times.Known.Now = text{q.Known, q.Known} // until it is known what that is
	}
	asked := q
	if err := s.settle(ctx, &asked); err != nil {
		return page, err
	}
	return page, s.fillNational(ctx, &page, &q, &asked, extent, progress)
}

// fillNational asks for everything that the page shows; asked is the question
// with its times settled.
func (s *Server) fillNational(ctx context.Context, page *nationalPage, q, asked *question, extent projections.Extent, progress projections.Progress) error {
	columns, queries := asked.queries()
	answers, err := s.Figures.Figures(ctx, queries)
	if err != nil {
		return figureError(err)
	}
	all, table := answers[:len(ledger.MeasureTable)], answers[len(ledger.MeasureTable):]
	first := all[0]
	q.answered = momentOf(first.Query)
	page.Export = exportsOf(q.pinned().address(exportPath + "/national"))
	rows, err := s.Figures.Breakdown(ctx, table, q.By)
	if err != nil {
		return figureError(err)
	}
	provinces := rows
	if q.By != "province" {
		if provinces, err = s.Figures.Breakdown(ctx, table, "province"); err != nil {
			return figureError(err)
		}
	}
	page.Times = q.times(extent, progress, first.Query.KnownAt, first.Known)
	page.Asked, page.Units = q.askedOf(nationalPath, first, extent), q.units()
	page.Sections = q.sections(all)
	page.Headline = q.headline(all)
	page.Funnel, page.Aside = q.funnel(all), q.aside(all)
	page.Table = q.table(columns, table, rows)
	drawn := slices.Index(columns, q.drawn())
	page.Map = q.mapOf(columns[drawn], table[drawn].Value, provinces, drawn)
	page.Map.Fairness = s.serves(treatmentPath)

	settled := first.Query // at its two times, whatever was recorded meanwhile
	span := spanOf(extent, first.Settled.Recorded, q.Query.AsOf, q.Query.Since)
	trend, err := s.Figures.Trend(ctx, settled, trendMeasures, span.At)
	if err != nil {
		return figureError(err)
	}
	page.Trend = q.trendOf(trend, span, s.Roster().Contests())
	page.Trend.Export = exportsOf(q.course())
	settled.Unit = ledger.UnitRespondent
	_, spans, err := s.Figures.Durations(ctx, settled, stageSteps(), "")
	if err != nil {
		return figureError(err)
	}
	page.Spans = stageTimes(spans)
	return nil
}

func (q *question) units() []sliderStep {
	var out []sliderStep
	for _, u := range ledger.Units {
		step := sliderStep{Label: word("unit", string(u))}
		if u != q.Query.Unit {
			step.Href = q.address(nationalPath, "unit", string(u))
		}
		out = append(out, step)
	}
	return out
}

// drawn is the measure on the map.
func (q *question) drawn() string {
	if q.Measure != "" {
		return q.Measure
	}
	return ledger.Recommended.String()
}

func (q *question) headline(all []projections.Answer) headline {
	h := headline{Unit: q.Query.Unit, Figures: map[string]figureLine{}}
	for _, m := range headlineMeasures {
		line := figureLine{Measure: ledger.MeasureTable[m], Value: all[m].Value, Href: q.list(m.String())}
		h.Figures[m.String()] = line
		h.Means = append(h.Means, line)
	}
	return h
}

// queries are those of every measure, then those of the table's columns, which
// are named.
func (q *question) queries() (columns []string, out []ledger.Query) {
	one := func(list ...ledger.Measure) {
		query := q.Query
		query.Measures = list
		out = append(out, query)
	}
	for _, m := range ledger.MeasureTable {
		one(m.Measure)
	}
	if q.Measure != "" {
		columns = append(columns, q.Measure)
		one(q.Query.Measures...)
	}
	for _, m := range tableMeasures {
		if m.String() != q.Measure {
			columns = append(columns, m.String())
			one(m)
		}
	}
	return columns, out
}

func (q *question) sections(all []projections.Answer) []figureSection {
	var most uint64 = 1
	for _, a := range all {
		most = max(most, a.Value)
	}
	var out []figureSection
	for _, sec := range sections {
		one := figureSection{Title: sec.Title}
		for _, m := range sec.Measures {
			n := all[m].Value
			one.Lines = append(one.Lines, figureLine{
				Measure: ledger.MeasureTable[m], Value: n, Href: q.list(m.String()),
				Share: percent(float64(n), float64(most)),
			})
		}
		out = append(out, one)
	}
	return out
}

func (q *question) table(columns []string, whole []projections.Answer, rows []projections.Row) breakdown {
	t := breakdown{By: q.By, More: max(0, len(rows)-tableRows)}
	for _, name := range ledger.Filters {
		if name != q.By {
			t.Others = append(t.Others, sliderStep{word("filter", name), q.address(nationalPath, "by", name)})
		}
	}
	sums := make([]uint64, len(whole))
	for _, c := range columns {
		t.Columns = append(t.Columns, measureWords(c))
	}
	for n, row := range rows {
		line := breakdownRow{Value: row.Value}
		for i, count := range row.Counts {
			sums[i] += count
			cell := figureCell{Column: t.Columns[i], Value: count}
			if row.Value != "" {
				cell.Href = q.list(columns[i], fieldPrefix+q.By, row.Value)
			}
			line.Cells = append(line.Cells, cell)
		}
		if n < tableRows {
			t.Rows = append(t.Rows, line)
		}
	}
	for i, a := range whole {
		t.Overlap = t.Overlap || sums[i] > a.Value
		t.Total = append(t.Total, figureCell{t.Columns[i], a.Value, q.list(columns[i])})
	}
	return t
}

// measureWords names a measure or a sum.
func measureWords(sum string) text {
	list, err := ledger.ParseMeasures(sum)
	if err != nil {
		return text{sum, sum}
	}
	out := text{}
	for i, m := range list {
		t := word("measure", m.String())
		if i > 0 {
			out.ID, out.EN = out.ID+" + ", out.EN+" + "
		}
		out.ID, out.EN = out.ID+t.ID, out.EN+t.EN
	}
	return out
}
