package web

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/danielgtaylor/huma/v2"

	"github.com/berkas-ledger/berkas/ledger"
	"github.com/berkas-ledger/berkas/projections"
)

// question is what a reader asks of the national view, as its address says it.
// The pages and the API read it the same way.
type question struct {
	Measure string // "" for all
	By      string // a filter's name, "" for no breakdown
	Query   ledger.Query
	Known   string // known-at as it was written
	// answered are the two times of the answer, once there is one.
	answered projections.Moment
}

// questionNames are the parameters of a question, each at most once but filter.
var questionNames = []string{"measure", "unit", "filter", "seen-by", "since", "as-of", "known-at", "by", "lang"}

// maxQuery bounds the text of a question, in bytes.
const maxQuery = 4 << 10

// parseQuestion reads the parameters of a query string; "lang" is for pages.
// Others are refused: a misspelt filter must not answer another question.
// Errors are *Problem, and quote nothing.
func parseQuestion(raw string) (question, error) {
	values, err := parseValues(raw, questionNames...)
	if err != nil {
		return question{}, err
	}
	return questionOf(values)
}

// questionOf reads a question and nothing else from the parameters of a page.
func questionOf(values url.Values) (question, error) {
	q := question{Query: ledger.Query{Unit: ledger.UnitRespondent, Filter: map[string]string{}}}
	if err := checkValues(values, questionNames...); err != nil {
		return q, err
	}
	q.Measure, q.By, q.Known = values.Get("measure"), values.Get("by"), values.Get("known-at")
	if u := values.Get("unit"); u != "" {
		q.Query.Unit = ledger.Unit(u)
	}
	q.Query.SeenBy = ledger.AgencyID(values.Get("seen-by"))
	var err error
	if q.Query.AsOf, err = momentIn(values, "as-of"); err != nil {
		return q, err
	}
	if q.Query.Since, err = momentIn(values, "since"); err != nil {
		return q, err
	}
	for _, f := range values["filter"] {
		name, value, ok := strings.Cut(f, "=")
		if _, twice := q.Query.Filter[name]; !ok || twice {
			return q, badQuery("filter", "it is name=value, each name once")
		}
		q.Query.Filter[name] = value
	}
	return q, q.check()
}

// parseValues reads a query string that may have these parameters, each at most
// once but filter.
func parseValues(raw string, names ...string) (url.Values, error) {
	if len(raw) > maxQuery {
		return nil, badQuery("", "the query is longer than 4 KiB")
	}
	values, err := url.ParseQuery(raw)
	if err != nil {
		return nil, badQuery("", "the query is not written as in an address")
	}
	return values, checkValues(values, names...)
}

// checkValues refuses parameters other than these, and what no parameter is.
func checkValues(values url.Values, names ...string) error {
	for name, list := range values {
		switch {
		case !slices.Contains(names, name):
			return badQuery("", "there is a parameter other than "+joined(names))
		case len(list) > 1 && name != "filter":
			return badQuery(name, "it stands more than once")
		case slices.ContainsFunc(list, unwritten):
			return badQuery(name, "it has bytes that are no text")
		}
	}
	return nil
}

// unwritten reports whether a value has what no filter has and PostgreSQL takes
// no text with.
func unwritten(value string) bool {
	return !utf8.ValidString(value) || strings.ContainsFunc(value, unicode.IsControl)
}

// check finds what no figure is asked by. The ledger's own errors quote the
// question, so they are not shown.
func (q *question) check() error {
	q.Query.Measures = []ledger.Measure{ledger.Opened}
	if q.Measure != "" {
		list, err := ledger.ParseMeasures(q.Measure)
		if err != nil {
			return badQuery("measure", "it is a measure of /v1/codes/measures, or a sum a+b of different ones")
		}
		q.Query.Measures = list
	}
	if !slices.Contains(ledger.Units, q.Query.Unit) {
		return badQuery("unit", "it is one of "+joined(ledger.Units))
	}
	if q.By != "" && !slices.Contains(ledger.Filters, q.By) {
		return badQuery("by", "it is one of "+joined(ledger.Filters))
	}
	if q.Query.SeenBy != "" && !q.Query.SeenBy.Valid() {
		return badQuery("seen-by", "it is an agency of /v1/codes/agencies")
	}
	if err := q.Query.Validate(); err != nil {
		return badQuery("filter", "a name or value is none of /v1/codes/filters and the tables it names")
	}
	return nil
}

func joined[S ~string](list []S) string {
	out := make([]string, len(list))
	for i, s := range list {
		out[i] = string(s)
	}
	return strings.Join(out, ", ")
}

func badQuery(name, why string) *Problem {
	p := problem(http.StatusBadRequest, "bad-query", text{"Pertanyaan tidak terbaca.", "The question cannot be read: " + why + "."})
	if name != "" {
		p.DetailIndonesian = "Parameter " + name + " tidak terbaca."
		p.Detail = "Parameter " + name + ": " + why + "."
	}
	return p
}

// settle finds the position that known-at means.
func (s *Server) settle(ctx context.Context, q *question) error {
	if q.Known == "" {
		return nil
	}
	if p, err := strconv.ParseUint(q.Known, 10, 64); err == nil {
		if p == 0 {
			return badQuery("known-at", "positions count from 1")
		}
		q.Query.KnownAt = ledger.Position(p)
		return nil
	}
	t, err := ledger.ParseMoment(q.Known)
	if err != nil {
		return badQuery("known-at", "it is a position, a date or a time with its zone")
	}
	if q.Query.KnownAt, err = s.Figures.PositionAt(ctx, t); err != nil {
		return figureError(err)
	}
	if q.Query.KnownAt == 0 {
		return problem(http.StatusNotFound, "nothing-recorded", text{"Belum ada yang tercatat pada waktu itu.", "Nothing had been recorded by then."})
	}
	return nil
}

// figureError says why there is no figure.
func figureError(err error) error {
	var settled *projections.ErrNotSettled
	switch {
	case errors.As(err, &settled):
		return problem(http.StatusConflict, "not-settled", text{
			fmt.Sprintf("Jawaban masih dapat berubah: catatan terakhir yang diolah pada posisi %s, %s.", indonesian.number(settled.Position), indonesian.moment(settled.Recorded)),
			fmt.Sprintf("The answer could still change: %s lies after the last applied record, at position %s, %s.", settled.What, english.number(settled.Position), english.moment(settled.Recorded)),
		}).again(2)
	case errors.Is(err, projections.ErrNoTables):
		return errUnavailable
	}
	return err
}

// figureAnswer is the answer of /v1/national. It repeats the whole question, so
// that no number travels without it.
type figureAnswer struct {
	Question questionAnswer `json:"question"`
	Settled  settledAnswer  `json:"settled"`
	Figures  []figure       `json:"figures"`
}

type questionAnswer struct {
	Measure  string            `json:"measure" doc:"A measure, a sum a+b, or empty for all"`
	Unit     ledger.Unit       `json:"unit"`
	Filter   map[string]string `json:"filter" nullable:"false"`
	SeenBy   ledger.AgencyID   `json:"seen_by" doc:"Empty: every case"`
	Since    *time.Time        `json:"since" doc:"Null: from the beginning"`
	AsOf     time.Time         `json:"as_of" doc:"What had happened by then"`
	KnownAt  uint64            `json:"known_at" doc:"Using only the records up to this position"`
	Recorded time.Time         `json:"known_at_recorded" doc:"When the record at that position was recorded"`
	By       string            `json:"by" doc:"Empty: not broken down"`
}

type settledAnswer struct {
	Position uint64    `json:"position" doc:"The last record that has been applied"`
	Recorded time.Time `json:"recorded"`
}

type figure struct {
	Measure string  `json:"measure"`
	Value   uint64  `json:"value"`
	Groups  []group `json:"groups,omitempty"`
}

type group struct {
	Value string `json:"value" doc:"Empty for what has no value here"`
	Count uint64 `json:"count"`
}

func (s *Server) describeNational() {
	s.operation(operation{
		Operation: huma.Operation{
			OperationID: "national", Method: http.MethodGet, Path: "/v1/national", Tags: []string{"read"},
			Summary:     "National figures, for any two times",
			Description: "What had happened by as-of, using only what was recorded by known-at. A bare date is the end of that day in Jakarta.",
			Parameters: []*huma.Param{
				inQuery("measure", "A measure or a sum a+b; all without", "opened"),
				inQuery("unit", "What is counted: case, respondent (default), recommendation or ppk", "case"),
				{
					Name: "filter", In: "query", Description: "name=value; may be repeated, each name once",
					Schema: &huma.Schema{Type: "array", Items: &huma.Schema{Type: "string"}}, Example: []string{"origin=finding"},
				},
				inQuery("seen-by", "Only cases that this agency opened, was sent or acted on", "bawaslu"),
				inQuery("since", "Only what began after then", nil),
				inQuery("as-of", "A date or a time with its zone; without: when the last record was recorded", nil),
				inQuery("known-at", "A position, date or time; without: the last record", nil),
				inQuery("by", "Break down by a filter", "office"),
			},
		},
		Needs:   needFigures,
		Answers: map[int]answerKind{200: {Says: "The figures, with all that says what they count", Body: figureAnswer{}}},
	}, s.getNational)
}

func (s *Server) getNational(w http.ResponseWriter, r *http.Request) error {
	q, err := parseQuestion(r.URL.RawQuery)
	if err != nil {
		return err
	}
	a, err := s.national(r.Context(), q)
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusOK, a)
}

// national answers a question.
func (s *Server) national(ctx context.Context, q question) (figureAnswer, error) {
	var out figureAnswer
	if s.Figures == nil {
		return out, errUnavailable
	}
	if err := s.settle(ctx, &q); err != nil {
		return out, err
	}
	names, queries := []string{q.Measure}, []ledger.Query{q.Query}
	if q.Measure == "" {
		names, queries = nil, nil
		for _, m := range ledger.MeasureTable {
			one := q.Query
			one.Measures = []ledger.Measure{m.Measure}
			names, queries = append(names, m.Name), append(queries, one)
		}
	}
	answers, err := s.Figures.Figures(ctx, queries)
	if err != nil {
		return out, figureError(err)
	}
	first := answers[0]
	out.Settled = settledAnswer{uint64(first.Settled.Position), first.Settled.Recorded}
	out.Question = q.askedAs(first)
	for i, a := range answers {
		f := figure{Measure: names[i], Value: a.Value}
		if q.By != "" {
			// Asked with the two times of the first answer, whatever came since.
			_, groups, err := s.Figures.FiguresBy(ctx, a.Query, q.By)
			if err != nil {
				return out, figureError(err)
			}
			for _, g := range groups {
				f.Groups = append(f.Groups, group{g.Value, g.Count})
			}
		}
		out.Figures = append(out.Figures, f)
	}
	return out, nil
}
