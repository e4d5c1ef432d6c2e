package web

import (
	"context"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/berkas-ledger/berkas/ledger"
	"github.com/berkas-ledger/berkas/projections"
)

// A published figure traced to the cases: which would be counted if the question
// were read otherwise.

type tracePage struct {
	Line      publishedLine
	Asked     asked
	Readings  []readingShown
	Fits      int
	Counted   []tracedCase
	Corrected int
	CorrectedCases,
	DisputedCases []tracedCase
	Disputed    int
	Back        string
	AsPublished bool
	Modes       []modeLink
	Table       string
}

// readingShown is another reading of the question, in words.
type readingShown struct {
	projections.Reading
	Change     text
	Apart      int64 // its number less the published one
	Href       string
	OursCases  []tracedCase
	OtherCases []tracedCase
}

// tracedCase is a case on one side.
type tracedCase struct {
	Case, Respondent string
	Key              text
	Href             string
}

// showTrace shows one figure by the position and number that it was published at.
func (s *Server) showTrace(w http.ResponseWriter, r *http.Request) error {
	return s.answer(w, r, view{Template: "trace", Title: text{"Telusuran angka terbitan", "A published figure, traced"}}, func(values url.Values) (filling, error) {
		q, err := parsePublishedQuestion(values)
		return func(context.Context) (any, error) { return s.tracePage(r, &q) }, err
	})
}

func (s *Server) tracePage(r *http.Request, q *publishedQuestion) (tracePage, error) {
	f, err := s.publishedFigure(r)
	if err != nil {
		return tracePage{}, err
	}
	page := q.trace(projections.Trace{Line: projections.Line{Figure: f, Reason: projections.ReasonNotSettled, Problem: "not settled"}}, projections.Extent{})
	known := question{Known: q.known}
	if q.known == knownPublished {
		known.Known = strconv.FormatUint(uint64(f.Position), 10)
	}
	if err := s.settle(r.Context(), &known); err != nil {
		return page, err
	}
	t, err := s.Figures.Trace(r.Context(), f, known.Query.KnownAt)
	if err != nil {
		return page, figureError(err)
	}
	extent, err := s.extent(r.Context())
	if err != nil {
		return page, err
	}
	return q.trace(t, extent), nil
}

// publishedFigure looks one figure up by the two numbers of its address.
func (s *Server) publishedFigure(r *http.Request) (projections.PublishedFigure, error) {
	position, err := strconv.ParseUint(r.PathValue("position"), 10, 63)
	if err != nil {
		return projections.PublishedFigure{}, errNotFound
	}
	ordinal, err := strconv.ParseUint(r.PathValue("ordinal"), 10, 31)
	if err != nil {
		return projections.PublishedFigure{}, errNotFound
	}
	f, ok, err := s.Figures.PublishedFigure(r.Context(), ledger.Position(position), int(ordinal))
	switch {
	case err != nil:
		return f, figureError(err)
	case !ok || tracePath(f) != r.URL.Path: // 007 is no number of an address
		return f, errNotFound
	}
	return f, nil
}

func (q *publishedQuestion) trace(t projections.Trace, e projections.Extent) tracePage {
	f := t.Figure
	p := tracePage{
		Line: q.lineOf(t.Line), Corrected: t.Corrected, Disputed: len(t.Disputes), AsPublished: q.known == knownPublished, Table: f.Table,
		Back: q.address(publishedPath, "table", f.Table, "page", "") + "#" + q.lineOf(t.Line).Anchor,
	}
	p.Modes = q.modes(tracePath(f))
	if t.Problem != "" {
		return p
	}
	base := question{Measure: f.Measure, Query: t.Answer.Query, Known: strconv.FormatUint(uint64(t.Answer.Query.KnownAt), 10)}
	p.Asked = base.askedOf(casesPath, t.Answer, e)
	p.Asked.Latest = false
	for i := range p.Asked.Filters {
		p.Asked.Filters[i].Without = ""
	}
	p.Counted, p.CorrectedCases = tracedOf(t.Answer.Query, t.Cases), tracedOf(t.Answer.Query, t.CorrectedList)
	for _, d := range t.Disputes {
		p.DisputedCases = append(p.DisputedCases, tracedOf(t.Answer.Query, []projections.Counted{{Case: d.Case, Respondent: d.Respondent, Key: d.Case}})...)
	}
	for _, reading := range t.Readings {
		shown := readingShown{
			Reading: reading, Change: readingWords(t.Answer.Query, reading), Apart: apart(reading.Value, f.Value),
			OursCases: tracedOf(t.Answer.Query, reading.OnlyOurs), OtherCases: tracedOf(reading.Query, reading.OnlyOther),
		}
		if reading.Reason != projections.ReasonDuplicate { // no list leaves out what looks alike
			shown.Href = listOf(f.Measure, reading.Query)
		}
		if reading.Fits {
			p.Fits++
		}
		p.Readings = append(p.Readings, shown)
	}
	slices.SortStableFunc(p.Readings, func(a, b readingShown) int { return boolFirst(a.Fits, b.Fits) })
	return p
}

// boolFirst puts what is true before what is not.
func boolFirst(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return -1
	default:
		return 1
	}
}

func tracedOf(q ledger.Query, list []projections.Counted) []tracedCase {
	point := question{Query: ledger.Query{AsOf: q.AsOf, KnownAt: q.KnownAt}}
	var out []tracedCase
	for _, c := range list {
		one := tracedCase{Case: c.Case, Respondent: c.Respondent, Href: point.caseAddress(c.Case)}
		if q.Unit == ledger.UnitRecommendation || q.Unit == ledger.UnitPPK {
			one.Key = keyWord(q.Unit, c.Key)
		}
		out = append(out, one)
	}
	return out
}

// readingWords says what tells a reading from the question.
func readingWords(q ledger.Query, r projections.Reading) text {
	var id, en []string
	add := func(t text) { id, en = append(id, t.ID), append(en, t.EN) }
	other := r.Query
	if r.Reason == projections.ReasonDuplicate {
		add(text{"kasus yang serupa dalam semua yang ditampilkan dihitung sekali", "cases that agree in all that is shown count once"})
	}
	if !other.AsOf.Equal(q.AsOf) {
		add(text{"keadaan per " + indonesian.dayOf(other.AsOf), "as of " + english.dayOf(other.AsOf)})
	}
	if !other.Since.Equal(q.Since) {
		add(text{"terjadi sejak " + indonesian.dayOf(other.Since), "since " + english.dayOf(other.Since)})
	}
	if other.KnownAt != q.KnownAt {
		add(text{"menurut yang tercatat s.d. posisi " + indonesian.number(other.KnownAt), "known at position " + english.number(other.KnownAt)})
	}
	if other.SeenBy != q.SeenBy {
		add(text{"siapa pun yang melihatnya", "whoever saw it"})
	}
	if other.Unit != q.Unit {
		u := word("unit", string(other.Unit))
		add(text{"satuan " + u.ID, "unit " + u.EN})
	}
	for _, name := range slices.Sorted(maps.Keys(q.Filter)) {
		if _, still := other.Filter[name]; !still {
			n := word("filter", name)
			add(text{"tanpa penyaring " + n.ID, "without the filter " + n.EN})
		}
	}
	return text{strings.Join(id, ", "), strings.Join(en, ", ")}
}
