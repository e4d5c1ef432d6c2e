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
)

// The work list: who has to act on what since when, overdue first. Numbers of the
// backlog lead here.

const worklistPath = "/worklist"

type worklistPage struct {
	Form     workForm
	Asked    asked // the two times
	Agency   ledger.AgencyID
	Filters  []workFilterShown
	List     projections.WorkList
	Lines    []workLine
	From, To int
	Before   string
	After    string
	Calendar string // address of the list as a calendar
	Export   exportLinks
}

// workForm asks for another list.
type workForm struct {
	Agencies, States, Owers, Codes []option
	Authority                      string
	Duties                         bool
	Field                          momentField
	Known                          string
	Kept                           [][2]string // filters that the form does not show
}

// workFilterShown is a filter in words.
type workFilterShown struct {
	Name    string
	Value   text
	Without string // address of the list without it
}

type workLine struct {
	ledger.Obligation
	Who  text
	What text
	Also []text
	Over int // days after the due day; negative: days that are left
	Age  int // days since it began
	Href string
}

// workPageQuestion is what the work list is asked.
type workPageQuestion struct {
	query  projections.WorkQuery
	known  string
	page   int
	filter url.Values // as it was written
}

func parseWorkPageQuestion(values url.Values) (workPageQuestion, error) {
	q := workPageQuestion{filter: url.Values{}}
	if err := checkValues(values, append([]string{"agency", "as-of", "known-at", "all", "page", "lang"}, workFilters...)...); err != nil {
		return q, err
	}
	var err error
	if q.page, err = pageIn(values); err != nil {
		return q, err
	}
	if err := parseWorkQuery(values, &q.query); err != nil {
		return q, err
	}
	if q.query.All {
		q.filter.Set("all", "true")
	}
	for _, name := range workFilters {
		if v := values.Get(name); v != "" {
			q.filter.Set(name, v)
		}
	}
	q.known = values.Get("known-at")
	return q, nil
}

// address writes the question, with changes: name and new value in turn, "" to
// leave one out.
func (q *workPageQuestion) address(path string, changes ...string) string {
	own := []string{"agency", string(q.query.Agency), "as-of", writeMoment(q.query.AsOf), "known-at", q.known}
	return addressWith(path, q.filter, append(own, changes...)...)
}

// pageAddress is a page of the list.
func (q *workPageQuestion) pageAddress(page int) string {
	return q.address(worklistPath, "page", pageText(page))
}

func (s *Server) showWorklist(w http.ResponseWriter, r *http.Request) error {
	return s.answer(w, r, view{Template: "worklist", Title: text{"Daftar kerja", "Work list"}}, func(values url.Values) (filling, error) {
		q, err := parseWorkPageQuestion(values)
		return func(ctx context.Context) (any, error) { return s.worklistPage(ctx, &q) }, err
	})
}

func (s *Server) worklistPage(ctx context.Context, q *workPageQuestion) (worklistPage, error) {
	page := worklistPage{Form: s.workForm(q, s.Now()), Agency: q.query.Agency, Filters: q.shown(), Calendar: q.address(calendarPath)}
	asked := workRequest{Query: q.query, Known: q.known}
	asked.Query.Offset, asked.Query.Limit = (q.page-1)*listLines, listLines
	list, err := s.work(ctx, asked)
	if err != nil {
		return page, err
	}
	if q.page > 1 && len(list.Obligations) == 0 {
		return page, errNotFound
	}
	page.Form, page.List = s.workForm(q, list.Settled.Recorded), list
	page.Asked = timesOf(list.Query.AsOf, list.Query.KnownAt, list.Known, list.Settled, q.query.AsOf.IsZero())
	page.From, page.To = asked.Query.Offset+1, asked.Query.Offset+len(list.Obligations)
	page.Export = exportsOf(q.address(exportPath+"/worklist", "as-of", writeMoment(list.Query.AsOf), "known-at", strconv.FormatUint(uint64(list.Query.KnownAt), 10)))
	if q.page > 1 {
		page.Before = q.pageAddress(q.page - 1)
	}
	if page.To < list.Total {
		page.After = q.pageAddress(q.page + 1)
	}
	point := question{Known: q.known, Query: ledger.Query{AsOf: q.query.AsOf}}
	if q.known != "" {
		point.Query.KnownAt = list.Query.KnownAt
	}
	for _, o := range list.Obligations {
		page.Lines = append(page.Lines, workLineOf(o, list.Query.AsOf, point.caseAddress(o.Case)))
	}
	return page, nil
}

// shown says the filters in words.
func (q *workPageQuestion) shown() []workFilterShown {
	var out []workFilterShown
	if q.query.All {
		out = append(out, workFilterShown{"state", text{"juga yang sudah selesai, gugur, atau berakhir", "also what was met, lapsed or ended"}, q.address(worklistPath, "all", "")})
	}
	for _, name := range workFilters {
		if v := q.filter.Get(name); v != "" {
			out = append(out, workFilterShown{name, workFilterValue(name, v), q.address(worklistPath, name, "")})
		}
	}
	return out
}

// workForm makes the form of a list. The agencies are those of the roster.
func (s *Server) workForm(q *workPageQuestion, settled time.Time) workForm {
	f := workForm{
		Field: fieldOf("as-of", q.query.AsOf, string(ledger.DayOf(settled.AddDate(0, 0, -1)))), Known: q.known,
		Authority: q.filter.Get("authority"), Duties: q.query.Filter.Duties,
		Agencies: []option{{"", text{"semua lembaga", "every agency"}, q.query.Agency == ""}},
		States:   []option{{"", text{"yang menunggu", "what is pending"}, q.filter.Get("state") == ""}},
		Owers:    []option{{"", text{"siapa pun", "anybody"}, q.filter.Get("owed-by") == ""}},
		Codes:    []option{{"", text{"semua", "all"}, q.filter.Get("code") == ""}},
	}
	for _, a := range s.agencies() {
		f.Agencies = append(f.Agencies, option{string(a), word("agency", string(a)), a == q.query.Agency})
		f.Owers = append(f.Owers, option{string(a), word("agency", string(a)), string(a) == q.filter.Get("owed-by")})
	}
	for _, party := range []string{ledger.OwedByAuthority, ledger.OwedByTaskForce, ledger.OwedByBoard, ledger.OwedByRespond} {
		f.Owers = append(f.Owers, option{party, partyWord(party), party == q.filter.Get("owed-by")})
	}
	for _, state := range workStates {
		f.States = append(f.States, option{state, word("obligation", state), state == q.filter.Get("state")})
	}
	codes := []string{}
	for code := range dataWords["deadline"] {
		codes = append(codes, code)
	}
	if code := q.filter.Get("code"); code != "" && !slices.Contains(codes, code) {
		codes = append(codes, code)
	}
	slices.Sort(codes)
	for _, code := range codes {
		f.Codes = append(f.Codes, option{code, word("deadline", code), code == q.filter.Get("code")})
	}
	for _, name := range append([]string{"all"}, workFilters...) {
		if v := q.filter.Get(name); v != "" && !slices.Contains([]string{"state", "owed-by", "authority", "code", "kind"}, name) {
			f.Kept = append(f.Kept, [2]string{name, v})
		}
	}
	return f
}

func workLineOf(o ledger.Obligation, at time.Time, href string) workLine {
	l := workLine{Obligation: o, Who: partyWord(o.OwedBy), What: word("deadline", o.Code), Href: href}
	if o.Authority != "" {
		l.Who = authorityWord(o.Authority)
	}
	for _, code := range o.Also {
		l.Also = append(l.Also, word("deadline", code))
	}
	slices.SortFunc(l.Also, func(a, b text) int { return slices.Compare([]string{a.ID}, []string{b.ID}) })
	l.Over, _ = o.DaysOver(at)
	l.Age, _ = projections.Age(&o, at)
	return l
}
