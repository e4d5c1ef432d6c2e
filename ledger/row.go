package ledger

import (
	"fmt"
	"slices"
	"time"
)

// Row is one state of one respondent over a span of time, flattened for
// counting: the dimensions that filters ask for, and since when each measure
// has been true. Projections store rows as they are; the rules that make them
// stand here.
type Row struct {
	Case       string
	Respondent string
	// From is when the state began, To when it ended; a zero To says that it
	// has not.
	From, To time.Time

	Stage    Stage
	Control  Control
	Remedy   string // none, filed, or the last one's outcome
	Criminal Criminal
	Holder   AgencyID
	// SeenBy lists the agencies that had opened, been sent or acted on the case.
	SeenBy      []AgencyID
	Origin      string
	Contest     string
	ForwardedTo []AgencyID
	Family      string // discipline if any item is of discipline, else ethics
	Sanction    string // as it stands after remedies, else as recommended
	Office      string
	PPKKind     string
	PPK         string // Authority.Key
	// Recommendation is agency and letter number.
	Recommendation  string
	ProvinceOfAct   string
	Province        string // of the institution; "" for central ones
	Institution     string
	InstitutionKind string
	Class           string
	Items           []string
	// DuplicateOf is the case that the row's case repeats; such a row counts for
	// no measure.
	DuplicateOf string
	// Reached is when milestones were reached, from which deadlines run.
	Reached *Reached

	// Began holds, for each measure, the moment since when it is true; zero if
	// it is not.
	Began [MeasureCount]time.Time
	// BeganAll is the same of the whole case, for measures that count a case
	// only when they are true of all its respondents.
	BeganAll [MeasureCount]time.Time
}

// History turns a case's ordered events, corrections heeded, into rows, one for
// each state of each respondent. States of no duration leave no row.
func History(events []CaseEvent) []Row {
	var t Track
	var done []Row
	for _, e := range Effective(events) {
		_, ended := t.Add(e)
		done = append(done, ended...)
	}
	return append(done, t.h.open...)
}

// Track is a History that is told event by event, each not before the last in
// the order of a case, for those who follow many cases. Its zero value stands
// before the first event. A correction says something else of what was told
// before, so after one the whole case is told again, as Effective gives it.
type Track struct {
	c Case
	h history
}

// Add tells the next event. It returns the rows that begin with it, open, and
// those that it ended. A respondent's open row that another begins after is
// either ended or, when it had no duration, gone. Both are valid until the next
// call.
func (t *Track) Add(e CaseEvent) (begun []*Row, ended []Row) {
	before := t.c
	t.c = t.c.Apply(e)
	t.h.reached = reach(t.h.reached, &before, &t.c, e)
	t.h.done, t.h.begun = t.h.done[:0], t.h.begun[:0]
	t.h.observe(&t.c, e.Time)
	for _, i := range t.h.begun {
		begun = append(begun, &t.h.open[i])
	}
	return begun, t.h.done
}

type history struct {
	done  []Row
	open  []Row // one per respondent, in their order
	begun []int // which of open are new
	// reached has what each respondent has reached, in their order.
	reached []*Reached
}

func (h *history) observe(c *Case, at time.Time) {
	all := c.allMeasures()
	for i := range c.Respondents {
		next := c.row(i)
		next.From, next.Reached = at, h.reached[i]
		truth := c.measures(i)
		var prev *Row
		if i < len(h.open) {
			prev = &h.open[i]
		}
		next.begin(truth, all, prev, at)
		if prev == nil && i > 0 { // who joins later: what is true of the case is as old as it is
			next.BeganAll = h.open[0].BeganAll
		}
		if truth[Unblocked] {
			next.Began[Unblocked] = c.Respondents[i].Unblocked
		}
		switch {
		case prev == nil:
			h.open = append(h.open, next)
			h.begun = append(h.begun, i)
		case !prev.sameState(next):
			if prev.From.Before(at) {
				prev.To = at
				h.done = append(h.done, *prev)
			}
			h.open[i] = next
			h.begun = append(h.begun, i)
		}
	}
}

// begin dates each measure: one that was true before keeps its moment.
func (r *Row) begin(truth, all [MeasureCount]bool, prev *Row, at time.Time) {
	for m := range MeasureCount {
		if truth[m] {
			r.Began[m] = at
			if prev != nil && !prev.Began[m].IsZero() {
				r.Began[m] = prev.Began[m]
			}
		}
		if all[m] {
			r.BeganAll[m] = at
			if prev != nil && !prev.BeganAll[m].IsZero() {
				r.BeganAll[m] = prev.BeganAll[m]
			}
		}
	}
}

// sameState compares everything but the span.
func (r *Row) sameState(o Row) bool {
	o.From, o.To = r.From, r.To
	return r.Equal(o)
}

// Equal compares two rows wholly.
func (r *Row) Equal(o Row) bool {
	return r.From.Equal(o.From) && r.To.Equal(o.To) && r.sameStanding(&o) && r.sameNature(&o) && r.Reached.same(o.Reached) &&
		sameTimes(&r.Began, &o.Began) && sameTimes(&r.BeganAll, &o.BeganAll)
}

// sameStanding compares what events move.
func (r *Row) sameStanding(o *Row) bool {
	return r.Stage == o.Stage && r.Control == o.Control && r.Remedy == o.Remedy && r.Criminal == o.Criminal && r.DuplicateOf == o.DuplicateOf &&
		r.Holder == o.Holder && r.Family == o.Family &&
		r.Sanction == o.Sanction && r.PPKKind == o.PPKKind && r.PPK == o.PPK && r.Recommendation == o.Recommendation &&
		slices.Equal(r.SeenBy, o.SeenBy) && slices.Equal(r.ForwardedTo, o.ForwardedTo) && slices.Equal(r.Items, o.Items)
}

// sameNature compares what stays as it was when the case was opened.
func (r *Row) sameNature(o *Row) bool {
	return r.Case == o.Case && r.Respondent == o.Respondent && r.Origin == o.Origin && r.Contest == o.Contest &&
		r.Office == o.Office && r.ProvinceOfAct == o.ProvinceOfAct && r.Province == o.Province &&
		r.Institution == o.Institution && r.InstitutionKind == o.InstitutionKind && r.Class == o.Class
}

func sameTimes(a, b *[MeasureCount]time.Time) bool {
	for i := range a {
		if !a[i].Equal(b[i]) {
			return false
		}
	}
	return true
}

// row flattens one respondent's dimensions.
func (c *Case) row(i int) Row {
	r := &c.Respondents[i]
	out := Row{
		Case: c.ID, Respondent: r.ID, Stage: r.Stage, Control: r.Control, Remedy: r.Remedy(), Criminal: r.Criminal, Holder: c.Holder,
		SeenBy: c.Participants, Origin: c.Origin, Contest: c.Contest, ForwardedTo: r.ForwardedTo,
		Family: familyOf(r.Items), Office: r.Institution.Office, ProvinceOfAct: province(c.Act.Region),
		Province: province(r.Institution.Region), Institution: r.Institution.Key(),
		InstitutionKind: r.Institution.Kind, Class: r.Class, Items: r.Items, DuplicateOf: c.DuplicateOf,
	}
	if rec := r.Recommendation; rec != nil {
		out.PPKKind, out.PPK, out.Recommendation, out.Sanction = rec.Authority.Kind, rec.Authority.Key(), rec.Key(), rec.Sanction
		if out.Family == "" {
			out.Family = rec.Family
		}
	}
	if d := r.Decision; d != nil && r.Stage == StageDecided {
		standing, _ := d.Standing()
		out.Sanction = standing.Level
	}
	return out
}

func province(region string) string {
	if len(region) < 2 {
		return ""
	}
	return region[:2]
}

// reached reports whether the agency that holds the case has reached its
// outcome: it passed the case on, recommended, or ended it.
func (s Stage) reached() bool {
	switch s {
	case StageReceived, StageRegistered, StageAssessment, StageClarification:
		return false
	default:
		return true
	}
}

// measures says which measures are true of a respondent: of a duplicate none.
func (c *Case) measures(i int) (t [MeasureCount]bool) {
	if c.DuplicateOf != "" {
		return t
	}
	r := &c.Respondents[i]
	decided := r.Stage == StageDecided && r.Decision != nil
	sanctioned := false
	if decided {
		_, sanctioned = r.Decision.Standing()
	}
	waiting := r.Recommendation != nil && (r.Stage == StageRecommended || r.Stage == StageExamined)
	t[Opened] = r.Stage != EndInitialInformation && r.Stage != EndRejected
	t[WaitingVerification] = c.Channel == ChannelSharedSystem && r.Stage == StageReceived
	t[Rejected] = r.Stage == EndRejected
	t[Registered] = r.Registered
	t[NotRegistered] = r.Stage == EndNotRegistered
	t[Violation] = r.Assessed == OutcomeViolation
	t[NotViolation] = r.Assessed == OutcomeNotAViolation
	t[Forwarded] = len(r.ForwardedTo) > 0
	t[InProcess] = !r.Stage.reached()
	t[Concluded] = r.Stage.reached()
	t[NotProven] = r.Stage == EndNotProven
	t[Incomplete] = r.Stage == EndIncomplete
	t[Recommended] = r.Recommendation != nil
	t[NotFollowedUp] = waiting
	t[PPKInProcess] = waiting && r.Stage == StageExamined && r.Control != ControlBlocked
	t[Admonished] = r.Admonished
	t[Blocked] = r.Control == ControlBlocked
	t[Unblocked] = !r.Unblocked.IsZero()
	t[FollowedUp] = r.Recommendation != nil && decided
	t[Sanctioned] = sanctioned
	t[DecidedNotProven] = decided && !sanctioned && r.Decision.Outcome == OutcomeNotProven
	t[Cancelled] = r.Stage == EndCancelled
	t[LeftServiceMeasure] = r.Stage == EndLeftService
	return t
}

// allMeasures says which measures are true of every respondent, for those that
// count a case only then.
func (c *Case) allMeasures() (t [MeasureCount]bool) {
	for _, m := range MeasureTable {
		t[m.Measure] = m.All && len(c.Respondents) > 0
	}
	for i := range c.Respondents {
		truth := c.measures(i)
		for m := range t {
			t[m] = t[m] && truth[m]
		}
	}
	return t
}

// Count answers a query from rows that hold at its KnownAt. It is the
// definition of every figure; projections answer the same in SQL and are tested
// against it.
func Count(rows []Row, q Query) uint64 {
	var sum uint64
	for _, m := range q.Measures {
		keys := make(map[string]bool)
		for i := range rows {
			if key := rows[i].counts(m, q); key != "" {
				keys[key] = true
			}
		}
		sum += uint64(len(keys))
	}
	return sum
}

// counts gives the key under which a row counts for a measure, "" if it does
// not.
func (r *Row) counts(m Measure, q Query) string {
	if !r.holdsAt(q.AsOf) {
		return ""
	}
	began := r.Began[m]
	if q.Unit == UnitCase && MeasureTable[m].All {
		began = r.BeganAll[m]
	}
	if began.IsZero() || (!q.Since.IsZero() && !began.After(q.Since)) {
		return ""
	}
	if q.SeenBy != "" && !slices.Contains(r.SeenBy, q.SeenBy) {
		return ""
	}
	for name, value := range q.Filter {
		if !slices.Contains(r.dimension(name), value) {
			return ""
		}
	}
	switch q.Unit {
	case UnitCase:
		return r.Case
	case UnitRecommendation:
		return r.Recommendation
	case UnitPPK:
		return r.PPK
	default:
		return r.Case + " " + r.Respondent
	}
}

// holdsAt reports whether a moment lies in the row's span: from its first one to
// before its last.
func (r *Row) holdsAt(t time.Time) bool {
	return !r.From.After(t) && (r.To.IsZero() || r.To.After(t))
}

// dimension gives the values of a row that a filter compares with.
func (r *Row) dimension(filter string) []string {
	switch filter {
	case "origin":
		return []string{r.Origin}
	case "forwarded-to":
		return agencyStrings(r.ForwardedTo)
	case "holder":
		return []string{string(r.Holder)}
	case "family":
		return []string{r.Family}
	case "sanction":
		return []string{r.Sanction}
	case "office":
		return []string{r.Office}
	case "ppk-kind":
		return []string{r.PPKKind}
	case "province-of-act":
		return []string{r.ProvinceOfAct}
	case "province":
		return []string{r.Province}
	case "institution":
		return []string{r.Institution}
	case "institution-kind":
		return []string{r.InstitutionKind}
	case "class":
		return []string{r.Class}
	case "item":
		return r.Items
	case "contest":
		return []string{r.Contest}
	default:
		panic(fmt.Sprintf("ledger: filter %q has no dimension", filter)) // Validate refuses it
	}
}

func agencyStrings(list []AgencyID) []string {
	out := make([]string, len(list))
	for i, a := range list {
		out[i] = string(a)
	}
	return out
}
