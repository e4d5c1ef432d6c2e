package web

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/berkas-ledger/berkas/disclosure"
	"github.com/berkas-ledger/berkas/ledger"
	"github.com/berkas-ledger/berkas/projections"
	"github.com/berkas-ledger/berkas/rates"
)

// What is published of a quarter, and how it is made (docs/adr/0019). It follows
// from the ledger up to one position and from nothing else.

const (
	// leastPublic is the smallest count that is published, apart from 0.
	leastPublic = 5
	// leastMedian is how many have to have finished a stage in the quarter for its
	// median to be published.
	leastMedian = 20
	// restatedFor is how many later tables restate the national counts of a quarter.
	restatedFor = 4
)

// publicMeasures are the stages of the national funnel. Each counts respondents
// for whom it became true in the quarter, so quarters have nobody in common, and
// none of them is a part of another of the same quarter.
var publicMeasures = []ledger.Measure{ledger.Opened, ledger.Recommended, ledger.FollowedUp}

// sanctionOf is the measure that is also broken down by the level of sanction.
const sanctionOf = ledger.FollowedUp

// release is everything that is published of a quarter.
type release struct {
	Quarter  quarter
	Preview  bool // of a rehearsal: before its day, and not for ever
	Position ledger.Position
	Recorded time.Time    // of the record at Position
	Root     *ledger.Hash // of the log's first Position records; nil in a preview without a log
	Total    []publicCell // of publicMeasures
	Tables   []publicTable
	Medians  []publicMedian
	Restated []restatement
}

// publicCell is a count, or that it is withheld.
type publicCell struct {
	Measure ledger.Measure
	Value   uint64 // 0 where it is withheld
	Shown   bool
}

// publicTable has a row for each value of a dimension.
type publicTable struct {
	By       string
	Measures []ledger.Measure
	Rows     []publicRow
}

type publicRow struct {
	Value string
	Cells []publicCell
}

// Told reports whether a page has to show the row: not that nobody is without a
// value.
func (r publicRow) Told() bool {
	return r.Value != "" || slices.ContainsFunc(r.Cells, func(c publicCell) bool { return !c.Shown || c.Value > 0 })
}

// publicMedian is the median of a stage that began in the quarter.
type publicMedian struct {
	Slug   string
	Title  text
	Says   text
	Shown  bool // enough have finished
	Median rates.Quantile
}

// restatement is a count of an earlier quarter that is another one now.
type restatement struct {
	Quarter quarter
	Measure ledger.Measure
	Was     publicCell // as it was first published
	Now     uint64
}

// valuesOf are the values of a dimension that a public table lists, whether
// anybody is there or not.
func valuesOf(by string) []string {
	var out []string
	switch by {
	case "province":
		for _, p := range ledger.Provinces() {
			out = append(out, p.Code)
		}
	case "office":
		out = slices.Clone(ledger.Offices)
	case "family":
		out = []string{ledger.FamilyEthics, ledger.FamilyDiscipline}
	case "sanction":
		out = slices.Clone(ledger.Sanctions)
	}
	return append(out, "")
}

// publicPair is two dimensions whose tables are published side by side and
// therefore judged together: who knows which offices serve which provinces can
// take one table from the other.
var publicPairs = [][2]string{{"province", "office"}, {"sanction", "family"}}

// makeRelease makes what is published of a quarter from the records up to a
// position.
func (s *Server) makeRelease(ctx context.Context, q quarter, known ledger.Position) (*release, error) {
	p := &release{Quarter: q, Position: known}
	base := ledger.Query{Unit: ledger.UnitRespondent, Since: q.since(), AsOf: q.asOf(), KnownAt: known}
	totals, err := s.publicTotals(ctx, base)
	if err != nil {
		return nil, err
	}
	p.Recorded = totals[0].Known
	for i, m := range publicMeasures {
		n := totals[i].Value
		p.Total = append(p.Total, publicCell{m, n, n == 0 || n >= leastPublic}.withheld())
	}
	for _, pair := range publicPairs {
		tables, err := s.publicPair(ctx, base, totals, pair)
		if err != nil {
			return nil, err
		}
		p.Tables = append(p.Tables, tables[:]...)
	}
	p.Medians, err = s.publicMedians(ctx, base)
	return p, err
}

// withheld forgets a value that is not shown, so that nothing after it can tell.
func (c publicCell) withheld() publicCell {
	if !c.Shown {
		c.Value = 0
	}
	return c
}

func (s *Server) publicTotals(ctx context.Context, base ledger.Query) ([]projections.Answer, error) {
	var queries []ledger.Query
	for _, m := range publicMeasures {
		one := base
		one.Measures = []ledger.Measure{m}
		queries = append(queries, one)
	}
	return s.patientFigures(ctx, queries)
}

// patientFigures waits for the columns first: without them work of many figures
// would keep PostgreSQL busy for an hour. A reader that keeps none asks SQL.
func (s *Server) patientFigures(ctx context.Context, queries []ledger.Query) ([]projections.Answer, error) {
	if err := s.Figures.WaitColumns(ctx); err != nil && ctx.Err() != nil {
		return nil, err
	}
	answers, err := s.Figures.Figures(ctx, queries)
	return answers, figureError(err)
}

// publicPair makes the tables of two dimensions from the counts of both at once.
func (s *Server) publicPair(ctx context.Context, base ledger.Query, totals []projections.Answer, pair [2]string) ([2]publicTable, error) {
	rows, columns := valuesOf(pair[0]), valuesOf(pair[1])
	answers := slices.Clone(totals)
	for _, m := range publicMeasures {
		for _, value := range columns[:len(columns)-1] { // the last is who has none
			one := base
			one.Measures, one.Filter = []ledger.Measure{m}, map[string]string{pair[1]: value}
			answers = append(answers, projections.Answer{Query: one})
		}
	}
	list, err := s.Figures.Breakdown(ctx, answers, pair[0])
	if err != nil {
		return [2]publicTable{}, figureError(err)
	}
	for _, r := range list { // what this program does not list is told, not lost
		if !slices.Contains(rows, r.Value) {
			rows = append(rows, r.Value)
		}
	}
	slices.Sort(rows[len(valuesOf(pair[0])):])
	byRow, byColumn := newPublicTable(pair[0], rows), newPublicTable(pair[1], columns)
	for i, m := range publicMeasures {
		counts, err := crossed(list, rows, len(columns), i)
		if err != nil {
			return [2]publicTable{}, err
		}
		if pair[0] == "sanction" && m != sanctionOf {
			counts = collapsed(counts) // its rows are not published
		}
		show := disclosure.Suppress(counts, leastPublic)
		if len(counts) == len(rows) {
			byRow.add(m, show.Rows, sumRows(counts))
		}
		byColumn.add(m, show.Columns, sumColumns(counts))
	}
	return [2]publicTable{byRow, byColumn}, nil
}

func newPublicTable(by string, values []string) publicTable {
	t := publicTable{By: by}
	for _, v := range values {
		t.Rows = append(t.Rows, publicRow{Value: v})
	}
	return t
}

func (t *publicTable) add(m ledger.Measure, show []bool, values []uint64) {
	t.Measures = append(t.Measures, m)
	for i := range t.Rows {
		t.Rows[i].Cells = append(t.Rows[i].Cells, publicCell{m, values[i], show[i]}.withheld())
	}
}

// crossed reads the counts of one measure by both dimensions. Each row of list
// has the whole of every measure and then, for every measure, a count for each
// column but the last.
func crossed(list []projections.Row, rows []string, columns, measure int) (disclosure.Counts, error) {
	out := make(disclosure.Counts, len(rows))
	for i := range out {
		out[i] = make([]uint64, columns)
	}
	for _, r := range list {
		rest := r.Counts[measure]
		row := out[slices.Index(rows, r.Value)]
		first := len(publicMeasures) + measure*(columns-1)
		for j, n := range r.Counts[first : first+columns-1] {
			if n > rest {
				return nil, fmt.Errorf("public table: of %s in %q more than all are in one column", publicMeasures[measure], r.Value)
			}
			row[j], rest = n, rest-n
		}
		row[columns-1] = rest
	}
	return out, nil
}

// collapsed puts all rows into one.
func collapsed(c disclosure.Counts) disclosure.Counts { return disclosure.Counts{sumColumns(c)} }

func sumRows(c disclosure.Counts) []uint64 {
	out := make([]uint64, len(c))
	for i, row := range c {
		for _, n := range row {
			out[i] += n
		}
	}
	return out
}

func sumColumns(c disclosure.Counts) []uint64 {
	out := make([]uint64, len(c[0]))
	for _, row := range c {
		for j, n := range row {
			out[j] += n
		}
	}
	return out
}

// publicMedians are those of the whole country. How many they are of is not
// published: beside the counts of the tables it could tell of single ones.
func (s *Server) publicMedians(ctx context.Context, base ledger.Query) ([]publicMedian, error) {
	var steps []projections.Step
	for _, w := range treatmentWaits {
		steps = append(steps, w.Step)
	}
	base.Measures = nil
	_, groups, err := s.Figures.Durations(ctx, base, steps, "")
	if err != nil {
		return nil, figureError(err)
	}
	var out []publicMedian
	for i, w := range treatmentWaits {
		m := publicMedian{Slug: strings.TrimPrefix(w.Slug, "wait-"), Title: w.Title, Says: w.Says}
		if g := waitOf(groups[i][0]).estimated(); g.Done >= leastMedian && g.Median.Known {
			m.Shown, m.Median = true, g.Median
		}
		out = append(out, m)
	}
	return out, nil
}

// restate follows the national counts of an earlier quarter through the tables
// published since, each with its own totals of that quarter, the first of them
// the quarter's own. A count is stated anew only when it differs by at least
// leastPublic from the one that was stated last: a smaller change would be a
// small count of its own. Small ones that were withheld are stated when they are
// large enough that this tells nothing of what was withheld.
func restate(q quarter, totals [][]uint64) []restatement {
	var out []restatement
	if len(totals) == 0 {
		return out
	}
	for i, m := range publicMeasures {
		first := totals[0][i]
		was := publicCell{m, first, first == 0 || first >= leastPublic}.withheld()
		stated, ever := was.Value, was.Shown
		for _, later := range totals[1:] {
			now := later[i]
			switch change := max(now, stated) - min(now, stated); {
			case ever && change >= leastPublic && (now == 0 || now >= leastPublic), !ever && now >= 2*leastPublic:
				stated, ever = now, true
			}
		}
		if ever && (stated != was.Value || !was.Shown) {
			out = append(out, restatement{q, m, was, stated})
		}
	}
	return out
}
