package web

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/berkas-ledger/berkas/ledger"
	"github.com/berkas-ledger/berkas/projections"
)

// How many obligations an answer lists.
const (
	listedWork    = 500
	maxListedWork = 5000
	maxOffset     = 1_000_000_000
)

// workRequest is what a reader asks of the work list, as its address says it.
type workRequest struct {
	Query projections.WorkQuery
	Known string // known-at as it was written
}

// parseWork reads the parameters of the work list. Errors are *Problem, and quote
// nothing.
func parseWork(raw string) (workRequest, error) {
	var q workRequest
	values, err := parseValues(raw, append([]string{"agency", "as-of", "known-at", "all", "limit", "offset", "lang"}, workFilters...)...)
	if err != nil {
		return q, err
	}
	q.Known = values.Get("known-at")
	if err := parseWorkQuery(values, &q.Query); err != nil {
		return q, err
	}
	if q.Query.Offset, err = numberIn(values, "offset", 0, 0, maxOffset, "it is how many to pass over"); err != nil {
		return q, err
	}
	q.Query.Limit, err = numberIn(values, "limit", listedWork, 1, maxListedWork, "it is a number from 1 to "+strconv.Itoa(maxListedWork))
	return q, err
}

// parseWorkQuery reads what every work list is asked: agency, as-of, all, filters.
func parseWorkQuery(values url.Values, q *projections.WorkQuery) (err error) {
	if q.Agency = ledger.AgencyID(values.Get("agency")); q.Agency != "" && !q.Agency.Valid() {
		return badQuery("agency", "it is an agency of /v1/codes/agencies")
	}
	if q.AsOf, err = momentIn(values, "as-of"); err != nil {
		return err
	}
	switch values.Get("all") {
	case "", "false":
	case "true":
		q.All = true
	default:
		return badQuery("all", "it is true or false")
	}
	q.Filter, err = parseWorkFilter(values)
	return err
}

// workAnswer is the answer of /v1/worklist.
type workAnswer struct {
	Agency      ledger.AgencyID `json:"agency" doc:"Who has to act or to watch; empty: everybody"`
	AsOf        time.Time       `json:"as_of" doc:"How it stood then"`
	KnownAt     uint64          `json:"known_at" doc:"Using only the records up to this position, regimes and holidays too"`
	Recorded    time.Time       `json:"known_at_recorded" doc:"When the record at that position was recorded"`
	All         bool            `json:"all" doc:"Also what was done, lapsed or ended"`
	Settled     settledAnswer   `json:"settled"`
	Total       int             `json:"total" doc:"How many there are, also before the offset and beyond the limit"`
	Overdue     int             `json:"overdue"`
	Cases       int             `json:"cases" doc:"How many cases they are about"`
	Regimes     int             `json:"regimes" doc:"How many regimes are published"`
	Holidays    []int           `json:"holidays_published" nullable:"false" doc:"Years whose holidays are published"`
	Obligations []obligation    `json:"obligations" nullable:"false"`
}

// obligation is a ledger.Obligation with what follows from the moment asked about.
type obligation struct {
	UID         string             `json:"uid" doc:"Names the obligation for ever"`
	Case        string             `json:"case"`
	Respondents []string           `json:"respondents" nullable:"false"`
	Code        string             `json:"code" doc:"Of the deadline; next-step where none is published"`
	Also        []string           `json:"also" nullable:"false" doc:"Other deadlines that await the same and do not fall due earlier"`
	Stage       ledger.Stage       `json:"stage"`
	OwedBy      string             `json:"owed_by" doc:"An agency, or appointing-authority, respondent, task-force, bpasn"`
	Authority   string             `json:"authority" doc:"The appointing authority that owes, by office; else empty"`
	InsteadOf   ledger.AgencyID    `json:"instead_of" doc:"The agency whose place the one that owes has taken; else empty"`
	WatchedBy   ledger.AgencyID    `json:"watched_by" doc:"Who looks after it; empty: nobody is named"`
	To          []ledger.Milestone `json:"to" nullable:"false" doc:"What is awaited: one of these"`
	Since       time.Time          `json:"since" doc:"When the period began; that day does not count"`
	Due         *ledger.Date       `json:"due" doc:"The last day, in Jakarta; null: no length is published"`
	AtMost      *ledger.Date       `json:"at_most" doc:"The last day if the time is extended"`
	InForce     *ledger.Date       `json:"in_force" doc:"When what is awaited takes effect"`
	DaysOver    *int               `json:"days_over" doc:"Calendar days since the due day; negative: that are left"`
	Provisional bool               `json:"provisional" doc:"Holidays that are published later may still move a day"`
	Right       bool               `json:"right" doc:"May be done and need not"`
	State       string             `json:"state" enum:"open,overdue,met,lapsed,ended"`
	Met         *time.Time         `json:"met" doc:"When it was done"`
	Regime      string             `json:"regime" doc:"Empty: none was in force when the period began"`
	Basis       string             `json:"basis"`
	Doubt       ledger.Doubt       `json:"doubt" doc:"How firm the sources are: none, unsure, conflict"`
}

func (s *Server) describeWorklist() {
	s.operation(operation{
		Operation: huma.Operation{
			OperationID: "worklist", Method: http.MethodGet, Path: "/v1/worklist", Tags: []string{"read"},
			Summary:     "Who has to act on what since when, overdue first",
			Description: "A due day follows from the regime in force when the period began and from the holidays published by known-at; where no length is published there is none.",
			Parameters: append(workParams(),
				inQuery("offset", "How many to pass over", "0"),
				inQuery("limit", "How many to list at most, up to 5000; without: 500", "20"),
			),
		},
		Needs:   needCases,
		Answers: map[int]answerKind{200: {Says: "The list, with both times that it is of", Body: workAnswer{}}},
	}, s.getWorklist)
}

// workParams describe what work lists and their calendars are asked.
func workParams() []*huma.Param {
	out := []*huma.Param{
		inQuery("agency", "Only what this agency has to do or to watch", "bawaslu"),
		inQuery("as-of", "A date or a time with its zone; without: when the last record was recorded", nil),
		inQuery("known-at", "A position, date or time; without: the last record", nil),
		inQuery("all", "true: also what was done, lapsed or ended", "true"),
	}
	for _, name := range workFilters {
		out = append(out, inQuery(name, "Only what is so: "+workFilterSays[name], nil))
	}
	return out
}

func (s *Server) getWorklist(w http.ResponseWriter, r *http.Request) error {
	q, err := parseWork(r.URL.RawQuery)
	if err != nil {
		return err
	}
	list, err := s.work(r.Context(), q)
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusOK, workAnswerOf(list))
}

// work answers a question about the work list.
func (s *Server) work(ctx context.Context, q workRequest) (projections.WorkList, error) {
	if s.Figures == nil {
		return projections.WorkList{}, errUnavailable
	}
	at := question{Known: q.Known}
	if err := s.settle(ctx, &at); err != nil {
		return projections.WorkList{}, err
	}
	q.Query.KnownAt = at.Query.KnownAt
	list, err := s.Figures.WorkList(ctx, q.Query)
	if err != nil {
		return list, figureError(err)
	}
	return list, nil
}

func workAnswerOf(list projections.WorkList) workAnswer {
	a := workAnswer{
		Agency: list.Query.Agency, AsOf: list.Query.AsOf, KnownAt: uint64(list.Query.KnownAt), Recorded: list.Known, All: list.Query.All,
		Settled: settledAnswer{uint64(list.Settled.Position), list.Settled.Recorded},
		Total:   list.Total, Overdue: list.Overdue, Cases: list.Cases, Regimes: list.Regimes,
		Holidays: append([]int{}, list.Holidays...), Obligations: make([]obligation, len(list.Obligations)),
	}
	for i := range list.Obligations {
		a.Obligations[i] = obligationOf(&list.Obligations[i], list.Query.AsOf)
	}
	return a
}

func obligationOf(o *ledger.Obligation, at time.Time) obligation {
	out := obligation{
		UID: o.UID(), Case: o.Case, Respondents: o.Respondents, Code: o.Code, Also: append([]string{}, o.Also...), Stage: o.Stage,
		OwedBy: o.OwedBy, Authority: o.Authority, InsteadOf: o.InsteadOf, WatchedBy: o.WatchedBy, To: append([]ledger.Milestone{}, o.To...), Since: o.Since,
		Due: dateOrNull(o.Due), AtMost: dateOrNull(o.AtMost), InForce: dateOrNull(o.InForce), Provisional: o.Provisional, Right: o.Right,
		State: string(o.State), Regime: o.Regime, Basis: o.Basis, Doubt: o.Doubt,
	}
	if days, ok := o.DaysOver(at); ok {
		out.DaysOver = &days
	}
	if !o.Met.IsZero() {
		out.Met = &o.Met
	}
	return out
}

func dateOrNull(d ledger.Date) *ledger.Date {
	if d == "" {
		return nil
	}
	return &d
}
