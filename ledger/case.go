package ledger

import (
	"slices"
	"strconv"
	"time"
)

// Case is the state of one case at a moment: what its records, folded in order
// of (time, position), amount to. It is a value: Apply returns a new one.
type Case struct {
	ID      string
	Version uint64 // records that moved the case; what an agency states as caseversion
	Opened  time.Time
	Opener  AgencyID
	Channel string
	Origin  string
	Contest string
	Act     Act
	// Holder has to act next. Addressee is set while a forwarding waits to be
	// received.
	Holder, Addressee AgencyID
	// Participants opened the case, were sent it, or acted on it; sorted.
	Participants []AgencyID
	// Processed lists agencies that recorded a clarification or recommendation.
	Processed   []AgencyID
	Respondents []Respondent
	// Unknown counts records of kinds this code does not know.
	Unknown int
}

// Respondent is one civil servant's part of a case.
type Respondent struct {
	ID          string
	Employment  string
	Class       string
	Institution Institution
	Items       []string // as alleged, then as assessed
	Stage       Stage
	Before      Stage // the stage from which the case was last forwarded
	ForwardedTo []AgencyID
	Registered  bool
	// Assessed is the latest assessment's outcome, Clarified the latest
	// clarification's; "" when there is none.
	Assessed, Clarified string
	Recommendation      *Recommendation
	Decision            *Decision
	Control             Control
	Unblocked           time.Time // the latest unblocking; zero if there was none
	Admonished          bool
}

// Recommendation binds the appointing authority.
type Recommendation struct {
	Agency    AgencyID
	Number    string
	Sent      Date
	Authority Authority
	Family    string
	Sanction  string
}

// Key names the recommendation in figures: agency and letter number.
func (r *Recommendation) Key() string { return string(r.Agency) + " " + r.Number }

// Decision is the appointing authority's decree as recorded.
type Decision struct {
	Decree  Letter
	Outcome string
	Family  string
	Level   string
	Kind    string
	// By recorded it first; Confirmed lists agencies that recorded the same
	// outcome of the same decree, Disputed those that recorded another one.
	By                  AgencyID
	Confirmed, Disputed []AgencyID
}

// CaseEvent is an event of a case with its place on the ledger.
type CaseEvent struct {
	Position Position
	Recorded time.Time
	Event
}

// before orders a case's events: by time, then by position.
func (e CaseEvent) before(o CaseEvent) bool {
	if !e.Time.Equal(o.Time) {
		return e.Time.Before(o.Time)
	}
	return e.Position < o.Position
}

// Insert puts an event into a case's history, which it keeps ordered by time,
// then position.
func Insert(history []CaseEvent, e CaseEvent) []CaseEvent {
	i := len(history)
	for i > 0 && e.before(history[i-1]) {
		i--
	}
	return slices.Insert(history, i, e)
}

// Fold gives the state that an ordered history amounts to. It is total: records
// are never refused.
func Fold(history []CaseEvent) Case {
	var c Case
	for _, e := range history {
		c = c.Apply(e.Event)
	}
	return c
}

// find gives the index of a respondent, -1 if the case has none of that id.
func (c *Case) find(id string) int {
	return slices.IndexFunc(c.Respondents, func(r Respondent) bool { return r.ID == id })
}

func (c Case) clone() Case {
	c.Participants = slices.Clone(c.Participants)
	c.Respondents = slices.Clone(c.Respondents)
	return c
}

// took adds agencies to the participants.
func (c *Case) took(agencies ...AgencyID) {
	for _, a := range agencies {
		if i, found := slices.BinarySearch(c.Participants, a); !found {
			c.Participants = slices.Insert(c.Participants, i, a)
		}
	}
}

func (c *Case) process(a AgencyID) {
	if !c.processedBy(a) {
		c.Processed = append(slices.Clone(c.Processed), a)
	}
}

func (c *Case) processedBy(a AgencyID) bool { return slices.Contains(c.Processed, a) }

// Apply gives the case after one more event.
func (c Case) Apply(e Event) Case {
	info, known := LookupKind(e.Kind, e.Version)
	if !known || e.Payload == nil {
		c.Unknown++
		c.Version++
		return c
	}
	if info.NoVersion {
		return c
	}
	c = c.clone()
	c.Version++
	c.took(e.Source)
	if p, ok := e.Payload.(*CaseOpened); ok {
		c.open(e, p)
		return c
	}
	c.moveCase(e)
	for _, t := range c.targets(e) {
		if t.index >= 0 {
			c.Respondents[t.index].move(e, t.entry)
		}
	}
	return c
}

// open begins the case. Check admits one opening; should a ledger hold two, or
// name a respondent twice, the first stands: a respondent is one entry.
func (c *Case) open(e Event, p *CaseOpened) {
	if c.ID != "" {
		return
	}
	c.ID, c.Opened, c.Opener, c.Holder = e.Subject, e.Time, e.Source, e.Source
	c.Channel, c.Origin, c.Contest, c.Act = p.Channel, p.Origin, p.Contest, p.Act
	for _, r := range p.Respondents {
		if c.find(r.ID) >= 0 {
			continue
		}
		c.Respondents = append(c.Respondents, Respondent{
			ID: r.ID, Employment: r.Employment, Class: r.Class, Institution: r.Institution,
			Items: p.Items, Stage: StageReceived, Control: ControlNone,
		})
	}
}

// moveCase is what an event does to the case as a whole.
func (c *Case) moveCase(e Event) {
	switch p := e.Payload.(type) {
	case *CaseForwarded:
		c.Addressee = p.To
		c.took(p.To)
		c.took(p.Copies...)
	case *CaseReceived:
		c.Holder, c.Addressee = e.Source, ""
	case *CaseClarified:
		c.process(e.Source)
	case *CaseRecommended:
		c.process(e.Source)
		c.took(p.Copies...)
	case *VerificationConcluded:
		c.took(p.Members...)
	}
}

// move is what an event does to one respondent; entry is the index of the
// respondent in the payload's own list, where it has one.
func (r *Respondent) move(e Event, entry int) {
	if s := steps[e.Kind]; s.to != "" {
		if s.to == StageForwarded {
			r.Before = r.Stage
		}
		r.Stage = s.to
	}
	switch p := e.Payload.(type) {
	case *CaseRegistered:
		r.Registered = true
	case *CaseWithdrawn:
		if r.Stage == StageReceived {
			r.Stage = EndInitialInformation
		}
	case *VerificationConcluded:
		r.Stage = StageAssessment
		if p.Result == OutcomeRejected {
			r.Stage = EndRejected
		}
	case *CaseAssessed:
		r.assess(p.Respondents[entry])
	case *CaseForwarded:
		r.ForwardedTo = append(slices.Clone(r.ForwardedTo), p.To)
	case *CaseClarified:
		r.clarify(p.Respondents[entry])
	case *CaseRecommended:
		a := p.Respondents[entry]
		r.Recommendation = &Recommendation{e.Source, p.Letter.Number, p.Sent, p.Authority, a.Family, a.Sanction}
	case *DecisionRecorded:
		r.decide(e.Source, p.Decree, p.Respondents[entry])
	case *ControlStep:
		r.control(e)
	case *PPKAdmonished:
		r.Admonished = true
	}
}

func (r *Respondent) assess(a AssessedRespondent) {
	r.Assessed, r.Stage = a.Outcome, StageAssessment
	if a.Outcome == OutcomeNotAViolation {
		r.Stage = EndNotAViolation
	}
	if len(a.Items) > 0 {
		r.Items = a.Items
	}
}

func (r *Respondent) clarify(a ClarifiedRespondent) {
	r.Clarified = a.Outcome
	switch a.Outcome {
	case OutcomeNotProven:
		r.Stage = EndNotProven
	case OutcomeIncomplete:
		r.Stage = EndIncomplete
	}
}

// decide records a decree, or another agency's record of the same one: that
// confirms the first or disputes it, and is not counted twice.
func (r *Respondent) decide(by AgencyID, decree Letter, a DecidedRespondent) {
	if r.Stage != StageDecided || r.Decision == nil || r.Decision.Decree != decree {
		r.Stage = StageDecided
		r.Decision = &Decision{Decree: decree, Outcome: a.Outcome, Family: a.Family, Level: a.Level, Kind: a.Kind, By: by}
		return
	}
	d := *r.Decision
	if d.Outcome == a.Outcome && d.Family == a.Family && d.Level == a.Level && d.Kind == a.Kind {
		d.Confirmed = append(slices.Clone(d.Confirmed), by)
	} else {
		d.Disputed = append(slices.Clone(d.Disputed), by)
	}
	r.Decision = &d
}

func (r *Respondent) control(e Event) {
	switch e.Kind {
	case ControlWarnedKind:
		r.Control = ControlWarned
	case ControlReprimandedKind:
		r.Control = ControlReprimanded
	case ControlBlockedKind:
		r.Control = ControlBlocked
	case ControlUnblockedKind:
		r.Control, r.Unblocked = ControlNone, e.Time
	default: // no other kind has the payload
	}
}

// target is a respondent an event is about. index is -1 for one the case does
// not have; pointer is where the event names it ("" where it does not).
type target struct {
	index   int
	entry   int
	pointer string
}

// targets lists the respondents an event is about: those it names, or, where it
// names none, everyone from whose stage it may follow.
func (c *Case) targets(e Event) []target {
	ids, perEntry := named(e.Payload)
	var out []target
	if ids == nil {
		for i := range c.Respondents {
			if c.hinders(e, &c.Respondents[i]) == "" {
				out = append(out, target{index: i})
			}
		}
		return out
	}
	for i, id := range ids {
		out = append(out, target{c.find(id), i, pointerTo(i, perEntry)})
	}
	return out
}

func pointerTo(i int, perEntry bool) string {
	p := "/data/respondents/" + strconv.Itoa(i)
	if perEntry {
		p += "/id"
	}
	return p
}

// named lists the respondents a payload names; perEntry says that it has an
// entry with an outcome for each.
func named(payload any) (ids []string, perEntry bool) {
	switch p := payload.(type) {
	case *CaseAssessed:
		return idsOf(p.Respondents, func(r AssessedRespondent) string { return r.ID }), true
	case *CaseClarified:
		return idsOf(p.Respondents, func(r ClarifiedRespondent) string { return r.ID }), true
	case *CaseRecommended:
		return idsOf(p.Respondents, func(r RecommendedRespondent) string { return r.ID }), true
	case *DecisionRecorded:
		return idsOf(p.Respondents, func(r DecidedRespondent) string { return r.ID }), true
	case *CaseForwarded:
		return p.Respondents, false
	case *ExaminationBegun:
		return p.Respondents, false
	case *ControlStep:
		return p.Respondents, false
	case *CaseCancelled:
		return p.Respondents, false
	case *LeftService:
		return p.Respondents, false
	default:
		return nil, false
	}
}

func idsOf[T any](list []T, id func(T) string) []string {
	out := make([]string, len(list))
	for i, v := range list {
		out[i] = id(v)
	}
	return out
}
