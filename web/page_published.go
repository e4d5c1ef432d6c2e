package web

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"time"

	"github.com/berkas-ledger/berkas/ledger"
	"github.com/berkas-ledger/berkas/projections"
)

// Published figures beside the ledger's.

type publishedPage struct {
	Tables         []publication
	Equal, Differ  int
	Settled        projections.Settled
	Extent         projections.Extent
	Reconciliation bool // there is anything to compare
	Export         exportLinks
}

// publication is one table as an agency published it.
type publication struct {
	Table     string
	Publisher ledger.AgencyID
	Doubt     ledger.Doubt
	Source    string
	Restates  string
	Position  ledger.Position
	Lines     []publishedLine
	Equal     int
}

type publishedLine struct {
	Name       text
	Figure     projections.PublishedFigure
	Filters    []askedFilter
	AsOf       time.Time
	Since      time.Time
	Asked      bool // the ledger has a number
	Ledger     uint64
	Difference int64
	Reason     projections.Reason
	Problem    string
	Others     []projections.Candidate
	Href       string // the list behind the ledger's number
}

func (s *Server) showPublished(r *http.Request) (view, error) {
	if _, err := parseValues(r.URL.RawQuery, "lang"); err != nil {
		return view{}, err
	}
	if s.Figures == nil {
		return view{}, errUnavailable
	}
	ctx := r.Context()
	extent, err := s.extent(ctx)
	if err != nil {
		return view{}, err
	}
	figures, err := s.Figures.PublishedFigures(ctx)
	if err != nil {
		return view{}, figureError(err)
	}
	lines, err := s.Figures.Reconcile(ctx, figures, 0)
	if err != nil {
		return view{}, figureError(err)
	}
	page := publishedPage{Extent: extent, Reconciliation: len(lines) > 0, Export: exportsOf(exportPath + "/published")}
	for _, l := range lines {
		page.add(l)
	}
	return view{Template: "published", Title: text{"Angka terbitan", "Published figures"}, Data: page}, nil
}

func (p *publishedPage) add(l projections.Line) {
	f := l.Figure
	i := slices.IndexFunc(p.Tables, func(t publication) bool { return t.Table == f.Table && t.Position == f.Position })
	if i < 0 {
		i = len(p.Tables)
		p.Tables = append(p.Tables, publication{
			Table: f.Table, Publisher: f.Publisher, Doubt: f.Doubt, Source: f.Source, Restates: f.Restates, Position: f.Position,
		})
	}
	line := publishedLine{
		Name: measureWords(f.Measure), Figure: f, AsOf: f.AsOf.End(), Since: f.Since.End(), Reason: l.Reason, Problem: l.Problem, Others: l.Candidates,
	}
	for _, name := range slices.Sorted(maps.Keys(f.Filter)) {
		line.Filters = append(line.Filters, askedFilter{Name: name, Value: f.Filter[name]})
	}
	if l.Problem == "" {
		line.Asked, line.Ledger, line.Difference = true, l.Answer.Value, l.Difference
		q := question{Measure: f.Measure, Query: l.Answer.Query, Known: fmt.Sprint(l.Answer.Query.KnownAt)}
		line.Href = q.address(casesPath)
		p.Settled = l.Answer.Settled
	}
	if l.Reason == projections.ReasonEqual {
		p.Equal++
		p.Tables[i].Equal++
	} else {
		p.Differ++
	}
	p.Tables[i].Lines = append(p.Tables[i].Lines, line)
}
