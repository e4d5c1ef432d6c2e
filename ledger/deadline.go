package ledger

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Parties that may owe something besides an agency that is named. Any other word
// in Deadline.OwedBy is an agency's id.
const (
	OwedByHolder    = "holder"    // of the case
	OwedByAddressee = "addressee" // whom the case was forwarded to last
	OwedByAuthority = "appointing-authority"
	OwedByRespond   = "respondent"
	OwedByTaskForce = "task-force"
	OwedByBoard     = "bpasn" // the board of appeal
)

// Parties lists them.
var Parties = []string{OwedByHolder, OwedByAddressee, OwedByAuthority, OwedByRespond, OwedByTaskForce, OwedByBoard}

// NextStep is the code of an obligation for which no regime has a deadline: the
// next step is awaited, and nobody is invented a day for it.
const NextStep = "next-step"

// Rules are the published rules that deadlines follow, as the roster stands at
// some position. Publish makes them.
type Rules struct {
	Regimes  []Regime // in the order in which they were published
	Contests map[string]Contest
	Grants   []Grant // of mandates, in the order in which they were granted
	Calendar Calendar
	spans    []span // of the regimes
}

// Publish gives the rules of roster events' payloads in their order; what is no
// regime, contest, list of holidays or mandate is passed over.
func Publish(payloads []any) Rules {
	r := Rules{Contests: map[string]Contest{}}
	var holidays []Holidays
	for _, p := range payloads {
		switch v := p.(type) {
		case *Regime:
			r.Regimes = append(r.Regimes, *v)
		case *Contest:
			r.Contests[v.ID] = *v
		case *Holidays:
			holidays = append(holidays, *v)
		case *Genesis:
			r.Grants = slices.Clone(v.Mandates)
		case *MandateGranted:
			r.Grants = append(r.Grants, v.Grant)
		case *MandateEnded:
			v.End(r.Grants)
		}
	}
	r.Calendar, r.spans = NewCalendar(holidays), spansOf(r.Regimes)
	return r
}

// RegimeAt gives the rules in force at a moment: of the regimes whose days hold
// it, the one that began last; of those that began on one day the one published
// last. Without any, the zero regime demands nothing.
func RegimeAt(list []Regime, t time.Time) Regime {
	var best *Regime
	for i := range list {
		g := &list[i]
		if (best == nil || g.From >= best.From) && (Days{g.From, g.Until}).Hold(t) {
			best = g
		}
	}
	if best == nil {
		return Regime{}
	}
	return *best
}

// span is the time over which a regime holds; a zero until has no end.
type span struct{ from, until time.Time }

func spansOf(list []Regime) []span {
	out := make([]span, len(list))
	for i, g := range list {
		out[i] = span{g.From.Start(), g.Until.Start()}
	}
	return out
}

func regimeAt(list []Regime, spans []span, t time.Time) (best *Regime) {
	for i, s := range spans {
		holds := !t.Before(s.from) && (s.until.IsZero() || t.Before(s.until))
		if holds && (best == nil || list[i].From >= best.From) {
			best = &list[i]
		}
	}
	return best
}

// Obligation is what somebody has to do, or may do, in one case by a day.
type Obligation struct {
	Case        string   `json:"case"`
	Respondents []string `json:"respondents"` // whom it is about
	// Code is the deadline's, or NextStep. Also are those that await the same of
	// the same and do not fall due earlier.
	Code  string   `json:"code"`
	Also  []string `json:"also,omitempty"`
	Stage Stage    `json:"stage"` // of the respondents
	// OwedBy is an agency, or one of Parties but holder and addressee, which are
	// resolved. Authority names the appointing authority that owes.
	OwedBy    string `json:"owed_by"`
	Authority string `json:"authority,omitempty"`
	// InsteadOf is the agency whose place the one that owes has taken.
	InsteadOf AgencyID    `json:"instead_of,omitempty"`
	WatchedBy AgencyID    `json:"watched_by,omitempty"` // "" for none
	To        []Milestone `json:"to,omitempty"`         // what is awaited: one of these
	// Since is when the period began. A respondent's part that came to an end and
	// was reopened begins its open periods anew (no source says otherwise).
	Since time.Time `json:"since"`
	// Due is the last day, AtMost the last if the time is extended, InForce the day
	// on which what is awaited takes effect; "" where there is none.
	Due         Date            `json:"due,omitempty"`
	AtMost      Date            `json:"at_most,omitempty"`
	InForce     Date            `json:"in_force,omitempty"`
	Provisional bool            `json:"provisional"` // later published holidays may still move a day
	Right       bool            `json:"right"`       // may be done and need not
	State       ObligationState `json:"state"`
	Met         time.Time       `json:"met,omitzero"`     // when it was done; zero if it was not
	Regime      string          `json:"regime,omitempty"` // "" if none was in force
	Basis       string          `json:"basis,omitempty"`
	Doubt       Doubt           `json:"doubt"`
}

// UID names the obligation for ever, whatever becomes of its due day and of the
// other respondents; it tells nobody what it is about who does not know that.
func (o *Obligation) UID() string {
	owedBy := cmp.Or(string(o.InsteadOf), o.OwedBy) // a hand-over makes no other obligation
	parts := []string{o.Case, o.Code, owedBy, o.Authority, o.Since.UTC().Format(time.RFC3339Nano)}
	sum := sha256.Sum256([]byte("berkas obligation " + strings.Join(parts, "\n")))
	return hex.EncodeToString(sum[:16]) + "@berkas"
}

// ObligationState says how an obligation stands at a moment.
type ObligationState string

// States of an obligation.
const (
	ObligationOpen    ObligationState = "open"
	ObligationOverdue ObligationState = "overdue"
	ObligationMet     ObligationState = "met"
	ObligationLapsed  ObligationState = "lapsed" // a right whose time is over
	ObligationEnded   ObligationState = "ended"  // the respondent's part ended first
)

// Pending reports whether somebody still has to act.
func (s ObligationState) Pending() bool { return s == ObligationOpen || s == ObligationOverdue }

// DaysOver counts the calendar days from the due day to the day of a moment, or
// to that on which it was met; negative for days that are left. ok is false
// without a due day.
func (o *Obligation) DaysOver(at time.Time) (days int, ok bool) {
	if o.Due == "" {
		return 0, false
	}
	if !o.Met.IsZero() {
		at = o.Met
	}
	return DaysBetween(o.Due, DayOf(at)), true
}

// Obligations gives all obligations of a case as it stood at a moment, from its
// ordered events and the rules as they are known: first what is overdue, then by
// the day on which they fall due. It is the definition of the work list.
//
// The regime in force when a period began is the one that counts for it, whatever
// comes into force afterwards. Where a rule says nothing of length, there is no
// due day and none is invented.
func Obligations(events []CaseEvent, rules Rules, at time.Time) []Obligation {
	var list []Obligation
	for _, row := range History(events) {
		if row.holdsAt(at) {
			list = append(list, row.Obligations(rules, at)...)
		}
	}
	return MergeObligations(list)
}

// Obligations gives those of the row's respondent at a moment which the row's span
// holds. A linked duplicate has none: what is owed is owed in the other case.
func (r *Row) Obligations(rules Rules, at time.Time) []Obligation {
	if r.DuplicateOf != "" || r.Reached == nil {
		return nil
	}
	var out []Obligation
	for i, name := range Milestones {
		began := r.Reached[i]
		if began.IsZero() {
			continue
		}
		g := regimeAt(rules.Regimes, rules.spans, began)
		if g == nil {
			continue
		}
		for _, d := range g.Deadlines {
			if d.From == name && r.concerns(d, rules) {
				out = append(out, r.obligation(g.ID, d, rules.Calendar, at))
			}
		}
	}
	out = earliest(out)
	if next, ok := r.nextStep(); ok && !slices.ContainsFunc(out, func(o Obligation) bool { return o.State.Pending() && !o.Right }) {
		out = append(out, next)
	}
	for i := range out {
		out[i].succeed(r, rules.Grants, at)
	}
	return out
}

// succeed puts those who have taken an agency's place by a moment in it.
func (o *Obligation) succeed(r *Row, grants []Grant, at time.Time) {
	processed := !r.Reached.At(MilestoneProcessed).IsZero()
	owes := AgencyID(o.OwedBy)
	if heir := Heir(owes, grants, processed, at); heir != owes {
		o.OwedBy, o.InsteadOf = string(heir), owes
	}
	o.WatchedBy = Heir(o.WatchedBy, grants, processed, at)
}

// Heir gives the agency that has taken another's place by a moment, or that one
// itself, in cases which their holder has processed (milestone "processed") or in
// the others. A successor may have successors.
func Heir(a AgencyID, grants []Grant, processed bool, at time.Time) AgencyID {
	for range grants { // no more hand-overs than grants
		i := slices.IndexFunc(grants, func(g Grant) bool {
			return g.Predecessor == a && g.Predecessor != "" && (Days{g.From, g.Until}).Hold(at) && g.reachesHeld(processed)
		})
		if i < 0 {
			break
		}
		a = grants[i].Agency
	}
	return a
}

// reachesHeld reports whether a successor's mandate reaches a case, which its holder
// is the only one to have processed.
func (g Grant) reachesHeld(processed bool) bool {
	switch g.Scope {
	case ScopeAll:
		return true
	case ScopePredecessor:
		return processed
	case ScopeNotPredecessor:
		return !processed
	default:
		return false
	}
}

func (r *Row) concerns(d Deadline, rules Rules) bool {
	return d.Contest == "" || rules.Contests[r.Contest].Kind == d.Contest
}

// obligation says how a deadline stands whose period has begun.
func (r *Row) obligation(regime string, d Deadline, calendar Calendar, at time.Time) Obligation {
	o := Obligation{
		Case: r.Case, Respondents: []string{r.Respondent}, Code: d.Code, Stage: r.Stage, WatchedBy: d.WatchedBy, To: d.To,
		Since: r.Reached.At(d.From), Right: d.Right, Regime: regime, Basis: d.Basis, Doubt: d.Doubt,
	}
	o.OwedBy, o.Authority = r.party(d.OwedBy)
	for _, m := range d.To {
		if t := r.Reached.At(m); !t.IsZero() && !t.Before(o.Since) && (o.Met.IsZero() || t.Before(o.Met)) {
			o.Met = t
		}
	}
	if again := r.Reached.At(MilestoneReopened); o.Met.IsZero() && again.After(o.Since) {
		o.Since, o.Doubt = again, DoubtUnsure
	}
	day := DayOf(o.Since)
	for _, l := range []struct {
		length *Length
		to     *Date
	}{{d.Length, &o.Due}, {d.AtMost, &o.AtMost}, {d.InForce, &o.InForce}} {
		if l.length != nil {
			due, provisional := calendar.Due(day, *l.length)
			*l.to, o.Provisional = due, o.Provisional || provisional
		}
	}
	o.State = o.state(r.Stage, at)
	return o
}

func (o *Obligation) state(stage Stage, at time.Time) ObligationState {
	over := o.Due != "" && at.After(o.Due.End())
	switch {
	case !o.Met.IsZero():
		return ObligationMet
	case stage.End():
		return ObligationEnded
	case over && o.Right:
		return ObligationLapsed
	case over:
		return ObligationOverdue
	default:
		return ObligationOpen
	}
}

// party resolves who owes.
func (r *Row) party(owedBy string) (who, authority string) {
	switch owedBy {
	case OwedByHolder:
		return string(r.Holder), ""
	case OwedByAddressee:
		if n := len(r.ForwardedTo); n > 0 {
			return string(r.ForwardedTo[n-1]), ""
		}
		return string(r.Holder), ""
	case OwedByAuthority:
		return owedBy, r.PPK
	default:
		return owedBy, ""
	}
}

// earliest keeps of the pending obligations that await the same of the same the
// one that falls due first, which names the others.
func earliest(list []Obligation) []Obligation {
	var out []Obligation
	for _, o := range list {
		i := -1
		if o.State.Pending() {
			i = slices.IndexFunc(out, func(p Obligation) bool {
				return p.State.Pending() && p.OwedBy == o.OwedBy && p.Right == o.Right && slices.Equal(p.To, o.To)
			})
		}
		if i < 0 {
			out = append(out, o)
			continue
		}
		first, second := out[i], o
		if compareDue(second, first) < 0 {
			first, second = second, first
		}
		first.Also = slices.Concat(first.Also, []string{second.Code}, second.Also)
		out[i] = first
	}
	return out
}

// nextSteps say who has to act on a respondent at a stage, and since when: from
// the latest of the milestones.
var nextSteps = map[Stage]struct {
	owedBy string
	since  []Milestone
}{
	StageReceived:      {OwedByHolder, []Milestone{MilestoneOpened, MilestoneReturned}},
	StageRegistered:    {OwedByHolder, []Milestone{MilestoneRegistered, MilestoneReturned}},
	StageAssessment:    {OwedByHolder, []Milestone{MilestoneAssessed, MilestoneVerified, MilestoneReturned}},
	StageForwarded:     {OwedByAddressee, []Milestone{MilestoneForwarded}},
	StageClarification: {OwedByHolder, []Milestone{MilestoneReceived, MilestoneReturned}},
	StageRecommended:   {OwedByAuthority, []Milestone{MilestoneSent}},
	StageExamined:      {OwedByAuthority, []Milestone{MilestoneSent, MilestoneAnnulled}},
}

// nextStep is the obligation to go on, whatever the regimes say. ok is false where
// nothing has to follow: after an end, and after a decree.
func (r *Row) nextStep() (Obligation, bool) {
	step, ok := nextSteps[r.Stage]
	if !ok {
		return Obligation{}, false
	}
	o := Obligation{
		Case: r.Case, Respondents: []string{r.Respondent}, Code: NextStep, Stage: r.Stage, State: ObligationOpen, Doubt: DoubtUnsure,
	}
	o.OwedBy, o.Authority = r.party(step.owedBy)
	for _, m := range append([]Milestone{MilestoneReopened}, step.since...) {
		if t := r.Reached.At(m); t.After(o.Since) {
			o.Since = t
		}
	}
	return o, true
}

// MergeObligations makes one of the same obligation of several respondents of a
// case, and orders them: what is overdue first, then by the due day, then what has
// none; below that by when they began.
func MergeObligations(list []Obligation) []Obligation {
	list = slices.Clone(list)
	slices.SortStableFunc(list, func(a, b Obligation) int {
		return cmp.Or(compareUrgency(a, b), a.Since.Compare(b.Since), cmp.Compare(a.Case, b.Case), cmp.Compare(a.Code, b.Code),
			cmp.Compare(a.OwedBy, b.OwedBy), cmp.Compare(a.Authority, b.Authority), a.Met.Compare(b.Met),
			cmp.Compare(a.Stage, b.Stage), slices.Compare(a.Also, b.Also), slices.CompareFunc(a.Respondents, b.Respondents, compareRespondents))
	})
	var out []Obligation
	merged := false // the last one's respondents are a list of its own
	for _, o := range list {
		n := len(out)
		if n == 0 || !out[n-1].alike(&o) {
			out, merged = append(out, o), false
			continue
		}
		if last := &out[n-1]; merged {
			last.Respondents = append(last.Respondents, o.Respondents...)
		} else {
			last.Respondents, merged = slices.Concat(last.Respondents, o.Respondents), true
		}
	}
	return out
}

// compareRespondents puts r2 before r10.
func compareRespondents(a, b string) int {
	return cmp.Or(cmp.Compare(len(a), len(b)), cmp.Compare(a, b))
}

// alike reports whether two obligations differ in the respondents only.
func (o *Obligation) alike(p *Obligation) bool {
	return o.Case == p.Case && o.Code == p.Code && o.Stage == p.Stage && o.OwedBy == p.OwedBy && o.Authority == p.Authority && o.InsteadOf == p.InsteadOf &&
		o.Since.Equal(p.Since) && o.Due == p.Due && o.State == p.State && o.Met.Equal(p.Met) && o.Doubt == p.Doubt &&
		slices.Equal(o.Also, p.Also)
}

// compareUrgency: overdue, then pending by due day, then without a day, then what
// is over.
func compareUrgency(a, b Obligation) int {
	return cmp.Or(cmp.Compare(rank(a), rank(b)), cmp.Compare(a.Due, b.Due))
}

func rank(o Obligation) int {
	switch {
	case o.State == ObligationOverdue:
		return 0
	case o.State == ObligationOpen && o.Due != "":
		return 1
	case o.State == ObligationOpen:
		return 2
	default:
		return 3
	}
}

// compareDue orders by due day; what has none comes last.
func compareDue(a, b Obligation) int {
	switch {
	case a.Due == b.Due:
		return 0
	case a.Due == "":
		return 1
	case b.Due == "":
		return -1
	default:
		return strings.Compare(string(a.Due), string(b.Due))
	}
}

// Concerns reports whether an agency has to act on an obligation or to watch it.
func (o *Obligation) Concerns(a AgencyID) bool { return o.OwedBy == string(a) || o.WatchedBy == a }

// Sound finds what is wrong with a regime by itself: where, and why. Names of
// agencies are the roster's to know.
func (g *Regime) Sound() (pointer, why string) {
	for i, d := range g.Deadlines {
		at := "/data/deadlines/" + strconv.Itoa(i)
		switch {
		case slices.Contains(d.To, d.From):
			return at + "/to", "a period does not end where it begins"
		case d.Code == NextStep:
			return at + "/code", "this code is for what has no deadline"
		case d.AtMost != nil && d.Length == nil:
			return at + "/at_most", "what can be extended has a length"
		case d.AtMost != nil && d.AtMost.Working == d.Length.Working && d.AtMost.Days <= d.Length.Days:
			return at + "/at_most", "an extended time is longer"
		}
	}
	return "", ""
}

// Agencies lists the agencies that a regime names.
func (g *Regime) Agencies() []AgencyID {
	var out []AgencyID
	for _, d := range g.Deadlines {
		if !slices.Contains(Parties, d.OwedBy) {
			out = append(out, AgencyID(d.OwedBy))
		}
		if d.WatchedBy != "" {
			out = append(out, d.WatchedBy)
		}
	}
	return out
}
