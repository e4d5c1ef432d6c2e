package ledger

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// step is the rule of a kind for one respondent: from which stages it may
// follow and where it leads. to is "" where the outcome decides or the stage
// stays.
type step struct {
	from []Stage
	to   Stage
}

var (
	beforeDecision = []Stage{
		StageReceived, StageRegistered, StageAssessment, StageForwarded,
		StageClarification, StageRecommended, StageExamined,
	}
	notForwarded  = []Stage{StageReceived, StageRegistered, StageAssessment, StageClarification}
	waitingForPPK = []Stage{StageRecommended, StageExamined}
)

// steps is the table of transitions. A kind that is not in it moves nobody.
var steps = map[Kind]step{
	CompletenessCheckedKind:   {from: []Stage{StageReceived}},
	CaseRegisteredKind:        {from: []Stage{StageReceived}, to: StageRegistered},
	CaseNotRegisteredKind:     {from: []Stage{StageReceived}, to: EndNotRegistered},
	CaseWithdrawnKind:         {from: Stages},
	VerificationConcludedKind: {from: []Stage{StageReceived}},
	CaseAssessedKind:          {from: []Stage{StageRegistered, StageAssessment}},
	CaseForwardedKind:         {from: notForwarded, to: StageForwarded},
	CaseReceivedKind:          {from: []Stage{StageForwarded}, to: StageClarification},
	CaseClarifiedKind:         {from: []Stage{StageClarification}},
	CaseRecommendedKind:       {from: []Stage{StageClarification, StageAssessment}, to: StageRecommended},
	ExaminationBegunKind:      {from: []Stage{StageRecommended}, to: StageExamined},
	DecisionRecordedKind:      {from: []Stage{StageRecommended, StageExamined, StageDecided}},
	ControlWarnedKind:         {from: waitingForPPK},
	ControlReprimandedKind:    {from: waitingForPPK},
	ControlBlockedKind:        {from: waitingForPPK},
	ControlUnblockedKind:      {from: []Stage{StageDecided}},
	PPKAdmonishedKind:         {from: []Stage{StageRecommended, StageExamined, StageDecided}},
	LeftServiceKind:           {from: beforeDecision, to: EndLeftService},
	CaseCancelledKind:         {from: beforeDecision, to: EndCancelled},
}

// hinders says in words why an event may not follow for a respondent; "" if it
// may.
func (c *Case) hinders(e Event, r *Respondent) string {
	s, ok := steps[e.Kind]
	if !ok {
		return ""
	}
	if !slices.Contains(s.from, r.Stage) {
		return fmt.Sprintf("%s is %s; %s follows %s", r.ID, r.Stage, e.Kind, stageList(s.from))
	}
	switch p := e.Payload.(type) {
	case *VerificationConcluded:
		if c.Channel != ChannelSharedSystem {
			return "only reports of the shared system are verified by the task force"
		}
	case *CaseRecommended:
		return c.hindersRecommending(r)
	case *DecisionRecorded:
		if r.Stage == StageDecided {
			return r.Decision.hinders(e.Source, p.Decree, r.ID)
		}
	case *ControlStep:
		return hindersControl(e.Kind, r)
	case *PPKAdmonished:
		if rec := r.Recommendation; rec == nil || rec.Agency != p.Recommendation.Agency || rec.Number != p.Recommendation.Number {
			return r.ID + " has no recommendation of that agency and number"
		}
	}
	return ""
}

// stageList writes stages for a person.
func stageList(s []Stage) string {
	names := make([]string, len(s))
	for i, v := range s {
		names[i] = string(v)
	}
	return strings.Join(names, " or ")
}

func (c *Case) hindersRecommending(r *Respondent) string {
	if r.Stage != StageAssessment || c.Channel == ChannelSharedSystem && r.Assessed == OutcomeViolation {
		return ""
	}
	return r.ID + " is in assessment; without clarification a recommendation follows only a violation that was assessed in the shared system"
}

// hinders says why a decree may not be recorded of somebody who is decided.
// Others than the first recorder may confirm or dispute it, once each.
func (d *Decision) hinders(by AgencyID, decree Letter, id string) string {
	switch {
	case d.Decree != decree:
		return id + " is decided by another decree; a new one follows after that is annulled"
	case d.By == by || slices.Contains(d.Confirmed, by) || slices.Contains(d.Disputed, by):
		return fmt.Sprintf("%s has recorded this decree on %s before", by, id)
	default:
		return ""
	}
}

// ladder ranks the steps of control.
var ladder = []Control{ControlNone, ControlWarned, ControlReprimanded, ControlBlocked}

func hindersControl(kind Kind, r *Respondent) string {
	rank := slices.Index(ladder, r.Control)
	switch kind {
	case ControlUnblockedKind:
		if r.Control != ControlBlocked {
			return r.ID + " is not blocked"
		}
	case ControlBlockedKind:
		if r.Control == ControlBlocked {
			return r.ID + " is blocked already"
		}
	case ControlWarnedKind, ControlReprimandedKind:
		to := ControlWarned
		if kind == ControlReprimandedKind {
			to = ControlReprimanded
		}
		if rank > slices.Index(ladder, to) {
			return fmt.Sprintf("%s is %s already", r.ID, r.Control)
		}
	default: // no other kind has the payload
	}
	return ""
}

// Check judges an event against the case as it stood when the event happened,
// under the regime of that time. It covers the case's own rules: who holds it,
// stages, respondents, references. Signature, schema and mandate are judged
// before.
func Check(c Case, e Event, regime Regime) *Refusal {
	if e.Kind == CaseOpenedKind {
		if c.ID != "" {
			return Refuse(CodeCaseExists, "/subject", "")
		}
		return checkOpened(e.Payload.(*CaseOpened))
	}
	if c.ID == "" {
		return Refuse(CodeCaseUnknown, "/subject", "")
	}
	if bad := c.checkParty(e); bad != nil {
		return bad
	}
	if _, moves := steps[e.Kind]; !moves {
		return nil
	}
	targets := c.targets(e)
	if len(targets) == 0 {
		return c.nobody(e)
	}
	seen := make(map[int]bool, len(targets))
	for _, t := range targets {
		if t.index < 0 {
			return Refuse(CodeRespondentUnknown, t.pointer, "")
		}
		if seen[t.index] {
			return Refuse(CodeSchema, t.pointer, "a respondent is named twice")
		}
		seen[t.index] = true
		if why := c.hinders(e, &c.Respondents[t.index]); why != "" {
			return Refuse(CodeTransition, t.pointer, "%s", why)
		}
		if bad := checkRegime(e, &c.Respondents[t.index], regime); bad != nil {
			return bad
		}
	}
	return c.checkReferences(e)
}

// nobody explains why an event that names no respondent fits none, by the first
// whose stage fits, if there is one.
func (c *Case) nobody(e Event) *Refusal {
	if len(c.Respondents) == 0 {
		return Refuse(CodeTransition, "", "the case has no respondents")
	}
	i := max(0, slices.IndexFunc(c.Respondents, func(r Respondent) bool { return slices.Contains(steps[e.Kind].from, r.Stage) }))
	r := &c.Respondents[i]
	if _, ok := e.Payload.(*PPKAdmonished); ok && slices.Contains(steps[e.Kind].from, r.Stage) {
		return Refuse(CodeReferenceUnknown, "/data/recommendation", "%s", c.hinders(e, r))
	}
	return Refuse(CodeTransition, "", "%s", c.hinders(e, r))
}

func checkOpened(p *CaseOpened) *Refusal {
	for i, r := range p.Respondents {
		if r.ID != fmt.Sprintf("r%d", i+1) {
			return Refuse(CodeSchema, pointerTo(i, true), "respondents are numbered r1, r2, ... in order")
		}
	}
	if !p.Act.Date.Valid() {
		return Refuse(CodeSchema, "/data/act/date", "there is no such day")
	}
	return nil
}

func (c *Case) checkParty(e Event) *Refusal {
	info, _ := LookupKind(e.Kind, e.Version)
	switch {
	case info.Party == PartyHolder && e.Source != c.Holder:
		return Refuse(CodeNotHolder, "/source", "the case is held by %s", c.Holder)
	case info.Party == PartyAddressee && c.Addressee == "":
		return Refuse(CodeTransition, "", "the case is not forwarded")
	case info.Party == PartyAddressee && e.Source != c.Addressee:
		return Refuse(CodeNotAddressee, "/source", "the case was forwarded to %s", c.Addressee)
	case info.Party == PartyOpener && e.Source != c.Opener:
		return Refuse(CodeNotOpener, "/source", "the case was opened by %s", c.Opener)
	}
	return nil
}

func checkRegime(e Event, r *Respondent, regime Regime) *Refusal {
	if e.Kind == ControlBlockedKind && regime.ReprimandBeforeBlock && r.Control != ControlReprimanded {
		return Refuse(CodeRegime, "", "%s is %s; regime %s wants a reprimand before a block", r.ID, r.Control, regime.ID)
	}
	return nil
}

func (c *Case) checkReferences(e Event) *Refusal {
	switch p := e.Payload.(type) {
	case *CaseForwarded:
		if p.To == e.Source {
			return Refuse(CodeTransition, "/data/to", "a case is not forwarded to its holder")
		}
		if c.waitsFor(p.To) {
			return Refuse(CodeTransition, "/data/to", "the case was forwarded to %s, which has not received it yet", c.Addressee)
		}
	case *CaseReceived:
		if p.From != c.Holder {
			return Refuse(CodeReferenceUnknown, "/data/from", "the case was forwarded by %s", c.Holder)
		}
	case *PPKAdmonished:
		for _, t := range c.targets(e) {
			if c.Respondents[t.index].Recommendation.Authority.Key() != p.Authority.Key() {
				return Refuse(CodeReferenceUnknown, "/data/appointing_authority", "the recommendation was sent to another authority")
			}
		}
	}
	return nil
}

// waitsFor reports whether respondents are on their way to another agency: if
// the case were forwarded past it, it could never receive them.
func (c *Case) waitsFor(other AgencyID) bool {
	return c.Addressee != "" && c.Addressee != other &&
		slices.ContainsFunc(c.Respondents, func(r Respondent) bool { return r.Stage == StageForwarded })
}

// CheckVersion refuses an event whose agency saw another version of the case.
func CheckVersion(c Case, e Event) *Refusal {
	if e.CaseVersion != nil && *e.CaseVersion != c.Version {
		return Refuse(CodeStaleVersion, "/caseversion", "the case is at version %d", c.Version)
	}
	return nil
}

// Place judges an event where it falls in time: with it in its place the whole
// history has to fold without breaking a rule. history is ordered; regimeAt
// gives the regime in force at a time. It returns the case as it then stands.
func Place(history []CaseEvent, draft CaseEvent, regimeAt func(time.Time) Regime) (Case, *Refusal) {
	if draft.Kind == CaseOpenedKind && slices.ContainsFunc(history, func(e CaseEvent) bool { return e.Kind == CaseOpenedKind }) {
		return Fold(history), Refuse(CodeCaseExists, "/subject", "") // also when it was opened later
	}
	placed := Insert(slices.Clone(history), draft)
	var c Case
	past := true
	for _, e := range placed {
		if e.Position == draft.Position {
			if bad := Check(c, e.Event, regimeAt(e.Time)); bad != nil {
				return c, bad
			}
			past = false
		} else if !past && e.Payload != nil {
			if bad := Check(c, e.Event, regimeAt(e.Time)); bad != nil {
				return c, Refuse(CodeBreaksLater, "", "position %d (%s) would be refused: %s", e.Position, e.Kind, bad.Code)
			}
		}
		c = c.Apply(e.Event)
	}
	return c, nil
}

// CheckScope refuses an event when none of the grants it could rely on reaches
// the case.
func CheckScope(c Case, e Event, grants []Grant) *Refusal {
	for _, g := range grants {
		if g.reaches(c) {
			return nil
		}
	}
	return Refuse(CodeOutsideScope, "/source", "")
}

func (g Grant) reaches(c Case) bool {
	switch g.Scope {
	case ScopeOwnRecommendations:
		return c.recommendedBy(g.Agency)
	case ScopePredecessor:
		return c.processedBy(g.Predecessor)
	case ScopeNotPredecessor:
		return !c.processedBy(g.Predecessor)
	default: // a scope this code does not know reaches nothing
		return g.Scope == ScopeAll
	}
}

func (c *Case) recommendedBy(a AgencyID) bool {
	return slices.ContainsFunc(c.Respondents, func(r Respondent) bool {
		return r.Recommendation != nil && r.Recommendation.Agency == a
	})
}
