package web

import (
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/berkas-ledger/berkas/ledger"
	"github.com/berkas-ledger/berkas/projections"
)

// The page of national figures. Its numbers are those of /v1/national and of
// berkas national: the same questions, asked in the same way.

const nationalPath, casesPath = "/national", "/cases"

type nationalPage struct {
	Problem  *Problem // why there are no figures; the form stands nevertheless
	Latest   string   // address of the same question without its two times
	Asked    asked
	Slider   slider
	Form     questionForm
	Sections []figureSection
	Table    breakdown
}

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

// tableMeasures are the columns of a breakdown when no measure is chosen.
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
	values, changed, err := tidy(r.URL.RawQuery)
	if err != nil {
		return err
	}
	q, err := parseQuestion(values.Encode())
	if err != nil || redirected(w, r, values, changed) {
		return err
	}
	if s.Figures == nil {
		return errUnavailable
	}
	v := view{Template: "national", Title: text{"Angka nasional", "National figures"}}
	page, err := s.nationalPage(r, q)
	var p *Problem
	if errors.As(err, &p) && (p.Code == "not-settled" || p.Code == "nothing-recorded") {
		page.Problem, v.Status, err = p, p.Status, nil
		trailOf(r.Context()).code = p.Code
	}
	if err != nil {
		return err
	}
	v.Data = page
	return s.render(w, r, v)
}

func (s *Server) nationalPage(r *http.Request, q question) (nationalPage, error) {
	ctx := r.Context()
	if q.By == "" {
		q.By = defaultBy
	}
	extent, err := s.extent(ctx)
	if err != nil {
		return nationalPage{}, err
	}
	page := nationalPage{
		Latest: q.address(nationalPath, "as-of", "", "known-at", "", "since", ""),
		Form:   s.form(&q, nationalPath, s.Now()), Slider: q.slider(extent),
	}
	asked := q
	if err := s.settle(ctx, &asked); err != nil {
		return page, err
	}
	columns, queries := asked.queries()
	answers, err := s.Figures.Figures(ctx, queries)
	if err != nil {
		return page, figureError(err)
	}
	all, table := answers[:len(ledger.MeasureTable)], answers[len(ledger.MeasureTable):]
	rows, err := s.Figures.Breakdown(ctx, table, q.By)
	if err != nil {
		return page, figureError(err)
	}
	page.Form = s.form(&q, nationalPath, all[0].Settled.Recorded)
	page.Asked = q.askedOf(nationalPath, all[0], extent)
	page.Sections = q.sections(all)
	page.Table = q.table(columns, table, rows)
	return page, nil
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
		one(q.Query.Measures...)
		return []string{q.Measure}, out
	}
	for _, m := range tableMeasures {
		columns = append(columns, m.String())
		one(m)
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
				Measure: ledger.MeasureTable[m], Value: n, Href: q.address(casesPath, "measure", m.String(), "by", ""),
				Share: strconv.FormatFloat(float64(n)*100/float64(most), 'f', 2, 64) + "%",
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
				cell.Href = q.address(casesPath, "measure", columns[i], "by", "", fieldPrefix+q.By, row.Value)
			}
			line.Cells = append(line.Cells, cell)
		}
		if n < tableRows {
			t.Rows = append(t.Rows, line)
		}
	}
	for i, a := range whole {
		t.Overlap = t.Overlap || sums[i] > a.Value
		t.Total = append(t.Total, figureCell{t.Columns[i], a.Value, q.address(casesPath, "measure", columns[i], "by", "")})
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

// slider moves as-of by days. Its last place, after the last day on which
// something happened, is the latest.
type slider struct {
	Days  int // places before the latest
	At    int
	AsOf  time.Time // zero: the latest
	First ledger.Date
	Last  ledger.Date
	Steps []sliderStep // the same without a script
}

type sliderStep struct {
	Label text
	Href  string
}

func (q *question) slider(e projections.Extent) slider {
	if e.First.IsZero() {
		return slider{}
	}
	first, last := dayOf(e.First), dayOf(e.Last)
	at := q.Query.AsOf
	out := slider{Days: days(first, last) + 1, First: first, Last: last}
	out.At, out.AsOf = out.Days, at
	if !at.IsZero() {
		out.At = min(max(0, days(first, dayOf(at))), out.Days)
	}
	from := at
	if at.IsZero() {
		from = last.End()
	}
	step := func(label text, to time.Time) {
		day := dayOf(to)
		if day < first || day > last {
			return
		}
		out.Steps = append(out.Steps, sliderStep{label, q.address(nationalPath, "as-of", string(day))})
	}
	step(text{"− 1 tahun", "− 1 year"}, from.AddDate(-1, 0, 0))
	step(text{"− 1 bulan", "− 1 month"}, from.AddDate(0, -1, 0))
	step(text{"− 1 hari", "− 1 day"}, from.AddDate(0, 0, -1))
	if !at.IsZero() {
		step(text{"+ 1 hari", "+ 1 day"}, from.AddDate(0, 0, 1))
		step(text{"+ 1 bulan", "+ 1 month"}, from.AddDate(0, 1, 0))
		step(text{"+ 1 tahun", "+ 1 year"}, from.AddDate(1, 0, 0))
		out.Steps = append(out.Steps, sliderStep{text{"terbaru", "the latest"}, q.address(nationalPath, "as-of", "")})
	}
	return out
}

// days counts the days from one to another.
func days(from, to ledger.Date) int {
	return int(to.Start().Sub(from.Start()).Hours() / 24)
}
