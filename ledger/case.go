package ledger

import (
	"slices"
	"time"
)

// Case is the state of one case at a moment: what its records, folded in order
// of (time, position), amount to. It is a value: Apply returns a new one.
type Case struct {
	ID        string
	Version   uint64 // records that moved the case; what an agency states as caseversion
	Opened    time.Time
	Opener    AgencyID
	Channel   string
	Origin    string
	Contest   string
	Act       Act
	Catalogue string // of the items as alleged
	// Holder has to act next. Addressee is set while a forwarding waits to be
	// received.
	Holder, Addressee AgencyID
	// Participants opened the case, were sent it, or acted on it; sorted.
	Participants []AgencyID
	// Processed lists agencies that recorded a clarification or recommendation.
	Processed   []AgencyID
	Respondents []Respondent
	// DuplicateOf is the case that this one repeats: it counts nowhere. Related
	// lists other cases that it was tied to.
	DuplicateOf string
	Related     []string
	// Evidence counts the documents that were attached.
	Evidence int
	// Unknown counts records of kinds this code does not know.
	Unknown int
}

// CaseEvent is an event of a case with its place on the ledger.
type CaseEvent struct {
	Position Position
	Recorded time.Time
	// Corrected is the position of the correction by which the event is void or
	// has the payload it has; 0 without. Effective sets both.
	Corrected Position
	Void      bool
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

// Fold gives the state that an ordered history amounts to, its corrections
// heeded. It is total: records are never refused.
func Fold(history []CaseEvent) Case {
	var c Case
	for _, e := range Effective(history) {
		c = c.Apply(e)
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

// Apply gives the case after one more event. A correction changes what another
// event says, so it is for Effective to heed: here, as a void event, it only
// moves the version on.
func (c Case) Apply(e CaseEvent) Case {
	info, known := LookupKind(e.Kind, e.Version)
	if !known || e.Payload == nil {
		c.Unknown++
		c.Version++
		return c
	}
	if info.NoVersion {
		return c
	}
	c.Version++
	if e.Void || e.Kind == EventCorrectedKind {
		return c
	}
	c = c.clone()
	c.took(e.Source)
	if p, ok := e.Payload.(*CaseOpened); ok {
		c.open(e.Event, p)
		return c
	}
	// Whom the event is about is asked of the case as it was before it.
	targets := c.targets(e.Event)
	c.moveCase(e.Event)
	for _, t := range targets {
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
	c.Channel, c.Origin, c.Contest, c.Act, c.Catalogue = p.Channel, p.Origin, p.Contest, p.Act, p.Catalogue
	c.enter(p.Respondents, Respondent{Items: p.Items, Stage: StageReceived})
}

// enter adds respondents who stand where another one does.
func (c *Case) enter(list []NewRespondent, as Respondent) {
	for _, r := range list {
		if c.find(r.ID) >= 0 {
			continue
		}
		c.Respondents = append(c.Respondents, Respondent{
			ID: r.ID, Employment: r.Employment, Class: r.Class, Institution: r.Institution,
			Items: as.Items, Stage: as.Stage, Before: as.Before, ForwardedTo: as.ForwardedTo, Registered: as.Registered,
			Control: ControlNone, Criminal: CriminalNone,
		})
	}
}

// joined lists the stages at which respondents may join a case, in the order in
// which they are looked for: with those whom its holder is at work on.
var joined = []Stage{StageClarification, StageAssessment, StageRegistered, StageReceived, StageForwarded}

// peer gives the index of a respondent beside whom others join the case, -1
// when everybody's part of it is too far on.
func (c *Case) peer() int {
	for _, s := range joined {
		if i := slices.IndexFunc(c.Respondents, func(r Respondent) bool { return r.Stage == s }); i >= 0 {
			return i
		}
	}
	return -1
}

// moveCase is what an event does to the case as a whole.
func (c *Case) moveCase(e Event) {
	switch p := e.Payload.(type) {
	case *RespondentAdded:
		if i := c.peer(); i >= 0 {
			as := c.Respondents[i]
			as.Items = p.Items
			c.enter(p.Respondents, as)
		}
	case *CaseForwarded:
		c.Addressee = p.To
		c.took(p.To)
		c.took(p.Copies...)
	case *CaseReceived:
		c.Holder, c.Addressee = e.Source, ""
	case *CaseReturned:
		c.Addressee = ""
	case *CaseClarified:
		c.process(e.Source)
	case *CaseRecommended:
		c.process(e.Source)
		c.took(p.Copies...)
	case *VerificationConcluded:
		c.took(p.Members...)
	case *CaseLinked:
		c.link(p)
	case *EvidenceAttached:
		c.Evidence++
	}
}

func (c *Case) link(p *CaseLinked) {
	switch {
	case p.Link == LinkRelated:
		c.Related = append(slices.Clone(c.Related), p.Case)
	case c.DuplicateOf == "":
		c.DuplicateOf = p.Case
	}
}
