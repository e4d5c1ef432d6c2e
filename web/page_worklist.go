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

// The work list: who has to act on what since when, overdue first.

const worklistPath = "/worklist"

type worklistPage struct {
	Agencies []option
	Agency   ledger.AgencyID
	Field    momentField
	Known    string
	List     projections.WorkList
	Lines    []workLine
	From, To int
	Before   string
	After    string
	Latest   bool
}

type workLine struct {
	ledger.Obligation
	Who  text
	What text
	Also []text
	Over int // days after the due day; negative: days that are left
	Href string
}

// workPageQuestion is what the work list is asked.
type workPageQuestion struct {
	query projections.WorkQuery
	known string
	page  int
}

func parseWorkPageQuestion(values url.Values) (workPageQuestion, error) {
	q := workPageQuestion{page: 1}
	values, err := parseValues(values.Encode(), "agency", "as-of", "known-at", "page", "lang")
	if err != nil {
		return q, err
	}
	if q.query.Agency = ledger.AgencyID(values.Get("agency")); q.query.Agency != "" && !q.query.Agency.Valid() {
		return q, badQuery("agency", "it is an agency of /v1/codes/agencies")
	}
	if text := values.Get("as-of"); text != "" {
		if q.query.AsOf, err = ledger.ParseMoment(text); err != nil {
			return q, badQuery("as-of", "it is a date such as 2020-11-26 or a time with its zone")
		}
	}
	if text := values.Get("page"); text != "" {
		if q.page, err = strconv.Atoi(text); err != nil || q.page < 1 || q.page > 1_000_000 {
			return q, badQuery("page", "it is the number of a page, counted from 1")
		}
	}
	q.known = values.Get("known-at")
	return q, nil
}

func (q *workPageQuestion) address(page int) string {
	v := url.Values{}
	for name, value := range map[string]string{"agency": string(q.query.Agency), "as-of": writeMoment(q.query.AsOf), "known-at": q.known} {
		if value != "" {
			v.Set(name, value)
		}
	}
	if page > 1 {
		v.Set("page", strconv.Itoa(page))
	}
	return (&url.URL{Path: worklistPath, RawQuery: v.Encode()}).String()
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
	asked.KnownAt, asked.Limit = known.Query.KnownAt, q.page*listLines
	list, err := s.Figures.WorkList(r.Context(), asked)
	if err != nil {
		return figureError(err)
	}
	from := (q.page - 1) * listLines
	if from > 0 && from >= len(list.Obligations) {
		return errNotFound
	}
	page := worklistPage{
		Agency: q.query.Agency, Field: fieldOf("as-of", q.query.AsOf, string(dayOf(list.Settled.Recorded.AddDate(0, 0, -1)))), Known: q.known,
		List: list, From: from + 1, To: len(list.Obligations), Latest: q.query.AsOf.IsZero(),
		Agencies: []option{{"", text{"semua lembaga", "every agency"}, q.query.Agency == ""}},
	}
	for _, a := range s.agencies() {
		page.Agencies = append(page.Agencies, option{string(a), word("agency", string(a)), a == q.query.Agency})
	}
	if q.page > 1 {
		page.Before = q.address(q.page - 1)
	}
	if len(list.Obligations) < list.Total {
		page.After = q.address(q.page + 1)
	}
	point := question{Known: q.known, Query: ledger.Query{AsOf: q.query.AsOf, KnownAt: known.Query.KnownAt}}
	for _, o := range list.Obligations[from:] {
		page.Lines = append(page.Lines, workLineOf(o, list.Query.AsOf, point.caseAddress(o.Case)))
	}
	return s.render(w, r, view{Template: "worklist", Title: text{"Daftar kerja", "Work list"}, Data: page})
}

func workLineOf(o ledger.Obligation, at time.Time, href string) workLine {
	l := workLine{Obligation: o, Who: word("agency", o.OwedBy), What: word("deadline", o.Code), Href: href}
	if party, ok := dataWords["owed-by"][o.OwedBy]; ok {
		l.Who = party
	}
	if o.Authority != "" {
		l.Who = authorityWord(o.Authority)
	}
	for _, code := range o.Also {
		l.Also = append(l.Also, word("deadline", code))
	}
	slices.SortFunc(l.Also, func(a, b text) int { return slices.Compare([]string{a.ID}, []string{b.ID}) })
	l.Over, _ = o.DaysOver(at)
	return l
}
