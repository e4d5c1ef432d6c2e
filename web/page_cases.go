package web

import (
	"context"
	"net/http"
	"net/url"
	"strconv"

	"github.com/berkas-ledger/berkas/ledger"
	"github.com/berkas-ledger/berkas/projections"
)

// The list of cases behind a number.

// listLines is how many lines a page of the list has.
const listLines = 50

type casesPage struct {
	Export   exportLinks
	Asked    asked
	Name     text // of the measure or sum
	Measures []ledger.MeasureInfo
	Value    uint64 // the number that the list stands behind
	Lines    []caseLine
	Total    int // lines in all
	From, To int // of this page, counted from 1
	Before   string
	After    string
	National string // the figures of the same question
	Form     questionForm
	Keyed    bool // the unit is neither case nor respondent
	Summed   bool
}

// caseLine is a respondent's part of a case as the list shows it.
type caseLine struct {
	projections.Listed
	Href string
	Key  text // what is counted, where that is no case
}

func (s *Server) showCases(w http.ResponseWriter, r *http.Request) error {
	return s.answer(w, r, view{Template: "cases", Title: text{"Kasus di balik angka", "Cases behind the number"}}, func(values url.Values) (filling, error) {
		q, number, err := listQuestion(values)
		return func(ctx context.Context) (any, error) { return s.casesPage(ctx, q, number) }, err
	})
}

func (s *Server) casesPage(ctx context.Context, q question, number int) (casesPage, error) {
	if q.Measure == "" {
		q.Measure = ledger.Opened.String()
	}
	extent, err := s.extent(ctx)
	if err != nil {
		return casesPage{}, err
	}
	page := casesPage{Form: s.form(&q, casesPath, s.Now()), Name: measureWords(q.Measure), National: q.address(nationalPath, "measure", "")}
	settled := q
	if err := s.settle(ctx, &settled); err != nil {
		return page, err
	}
	a, err := s.Figures.Figure(ctx, settled.Query)
	if err != nil {
		return page, figureError(err)
	}
	list, total, err := s.Figures.List(ctx, a.Query, (number-1)*listLines, listLines)
	if err != nil {
		return casesPage{}, figureError(err)
	}
	if number > 1 && len(list) == 0 {
		return casesPage{}, errNotFound
	}
	q.answered = momentOf(a.Query)
	page.Export = exportsOf(q.pinned().address(exportPath+"/cases", "by", ""))
	page.Asked, page.Value, page.Total = q.askedOf(casesPath, a, extent), a.Value, total
	page.From, page.To = (number-1)*listLines+1, (number-1)*listLines+len(list)
	page.Keyed, page.Summed = a.Query.Unit == ledger.UnitRecommendation || a.Query.Unit == ledger.UnitPPK, len(a.Query.Measures) > 1
	page.Form = s.form(&q, casesPath, a.Settled.Recorded)
	for _, m := range a.Query.Measures {
		page.Measures = append(page.Measures, ledger.MeasureTable[m])
	}
	if number > 1 {
		page.Before = q.address(casesPath, "page", pageText(number-1))
	}
	if page.To < total {
		page.After = q.address(casesPath, "page", pageText(number+1))
	}
	for _, l := range list {
		page.Lines = append(page.Lines, caseLine{l, settled.caseAddress(l.Case), keyWord(a.Query.Unit, l.Key)})
	}
	return page, nil
}

// caseAddress is the page of a case at the two times of the question.
func (q *question) caseAddress(id string) string {
	point := question{Known: q.Known, Query: ledger.Query{Unit: ledger.UnitRespondent, AsOf: q.Query.AsOf}}
	if q.Query.KnownAt != 0 { // a case is known at a position
		point.Known = strconv.FormatUint(uint64(q.Query.KnownAt), 10)
	}
	return point.address(casesPath + "/" + id)
}

func keyWord(u ledger.Unit, key string) text {
	if u == ledger.UnitPPK {
		return authorityWord(key)
	}
	return text{key, key}
}
