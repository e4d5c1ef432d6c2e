package web

import (
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
	Agency   ledger.AgencyID
	Filters  []workFilterShown
	List     projections.WorkList
	Lines    []workLine
	From, To int
	Before   string
	After    string
	Latest   bool
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
	q := workPageQuestion{page: 1, filter: url.Values{}}
	values, err := parseValues(values.Encode(), append([]string{"agency", "as-of", "known-at", "all", "page", "lang"}, workFilters...)...)
	if err != nil {
		return q, err
	}
	if text := values.Get("page"); text != "" {
		if q.page, err = strconv.Atoi(text); err != nil || q.page < 1 || q.page > 1_000_000 {
			return q, badQuery("page", "it is the number of a page, counted from 1")
		}
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
	v := url.Values{}
	for name, list := range q.filter {
		v[name] = slices.Clone(list)
	}
	changes = append([]string{"agency", string(q.query.Agency), "as-of", writeMoment(q.query.AsOf), "known-at", q.known}, changes...)
	for i := 0; i+1 < len(changes); i += 2 {
		if v.Del(changes[i]); changes[i+1] != "" {
			v.Set(changes[i], changes[i+1])
		}
	}
	return (&url.URL{Path: path, RawQuery: v.Encode()}).String()
}

// pageAddress is a page of the list.
func (q *workPageQuestion) pageAddress(page int) string {
	if page <= 1 {
		return q.address(worklistPath)
	}
	return q.address(worklistPath, "page", strconv.Itoa(page))
}

func (s *Server) showWorklist(w http.ResponseWriter, r *http.Request) error {
	values, changed, err := tidy(r.URL.RawQuery)
	if err != nil {
		return err
	}
	q, err := parseWorkPageQuestion(values)
	if err != nil || redirected(w, r, values, changed) {
		return err
	}
	if s.Figures == nil {
		return errUnavailable
	}
	known := question{Known: q.known}
	if err := s.settle(r.Context(), &known); err != nil {
		return err
	}
	asked := q.query
	asked.KnownAt, asked.Offset, asked.Limit = known.Query.KnownAt, (q.page-1)*listLines, listLines
	list, err := s.Figures.WorkList(r.Context(), asked)
	if err != nil {
		return figureError(err)
	}
	if q.page > 1 && len(list.Obligations) == 0 {
		return errNotFound
	}
	page := worklistPage{
		Form: s.workForm(&q, list.Settled), Agency: q.query.Agency, Filters: q.shown(),
		List: list, From: asked.Offset + 1, To: asked.Offset + len(list.Obligations), Latest: q.query.AsOf.IsZero(),
		Calendar: q.address(calendarPath), Export: exportsOf(q.address(exportPath + "/worklist")),
	}
	if q.page > 1 {
		page.Before = q.pageAddress(q.page - 1)
	}
	if page.To < list.Total {
		page.After = q.pageAddress(q.page + 1)
	}
	point := question{Known: q.known, Query: ledger.Query{AsOf: q.query.AsOf, KnownAt: known.Query.KnownAt}}
	for _, o := range list.Obligations {
		page.Lines = append(page.Lines, workLineOf(o, list.Query.AsOf, point.caseAddress(o.Case)))
	}
	return s.render(w, r, view{Template: "worklist", Title: text{"Daftar kerja", "Work list"}, Data: page})
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
func (s *Server) workForm(q *workPageQuestion, settled projections.Settled) workForm {
	f := workForm{
		Field: fieldOf("as-of", q.query.AsOf, string(ledger.DayOf(settled.Recorded.AddDate(0, 0, -1)))), Known: q.known,
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
