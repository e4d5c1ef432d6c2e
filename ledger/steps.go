package ledger

import (
	"fmt"
	"slices"
	"strings"
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
	sinceLetter   = []Stage{StageRecommended, StageExamined, StageDecided}
	decided       = []Stage{StageDecided}
	ends          = []Stage{
		EndInitialInformation, EndNotRegistered, EndRejected, EndNotAViolation,
		EndNotProven, EndIncomplete, EndCancelled, EndLeftService,
	}
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
	CaseReturnedKind:          {from: []Stage{StageForwarded}},
	CaseClarifiedKind:         {from: []Stage{StageClarification}},
	CaseRecommendedKind:       {from: []Stage{StageClarification, StageAssessment}, to: StageRecommended},
	ExaminationBegunKind:      {from: []Stage{StageRecommended}, to: StageExamined},
	DecisionRecordedKind:      {from: sinceLetter},
	DecisionDeliveredKind:     {from: decided},
	DecisionReviewedKind:      {from: decided},
	DecisionAnnulledKind:      {from: decided, to: StageExamined},
	ControlWarnedKind:         {from: waitingForPPK},
	ControlReprimandedKind:    {from: waitingForPPK},
	ControlBlockedKind:        {from: waitingForPPK},
	// Who leaves the service, or whose case is cancelled, waits for no decision.
	ControlUnblockedKind:  {from: []Stage{StageDecided, EndCancelled, EndLeftService}},
	PPKAdmonishedKind:     {from: sinceLetter},
	PPKSanctionedKind:     {from: sinceLetter},
	RemedyFiledKind:       {from: decided},
	RemedyDecidedKind:     {from: decided},
	CriminalReferredKind:  {from: Stages},
	CriminalConcludedKind: {from: Stages},
	LeftServiceKind:       {from: beforeDecision, to: EndLeftService},
	CaseCancelledKind:     {from: beforeDecision, to: EndCancelled},
	CaseReopenedKind:      {from: ends},
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
	case *CaseRegistered, *CaseNotRegistered, *CaseForwarded:
		if c.unverified(r) && c.Origin == OriginReport {
			return r.ID + " waits for the task force's verification, as every report of the shared system"
		}
	case *VerificationConcluded:
		if c.Channel != ChannelSharedSystem {
			return "only reports of the shared system are verified by the task force"
		}
	case *CaseRecommended:
		return c.hindersRecommending(r)
	case *DecisionRecorded:
		return r.hindersDeciding(e.Source, p.Decree)
	case *ControlStep:
		return hindersControl(e.Kind, r)
	default:
		return r.hindersBeside(e.Payload)
	}
	return ""
}

// hindersBeside is hinders for what runs beside the stage.
func (r *Respondent) hindersBeside(payload any) string {
	switch p := payload.(type) {
	case *RemedyFiled:
		return r.hindersFiling(p.Remedy)
	case *RemedyDecided:
		return r.hindersRuling(p)
	case *CriminalReferred:
		if r.Criminal == CriminalUnderWay {
			return r.ID + " is with the criminal branch already"
		}
	case *CriminalConcluded:
		if r.Criminal != CriminalUnderWay {
			return r.ID + " is not with the criminal branch"
		}
	}
	return ""
}

// unverified reports whether a respondent's part waits for the task force.
func (c *Case) unverified(r *Respondent) bool {
	return c.Channel == ChannelSharedSystem && r.Stage == StageReceived
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

// hindersDeciding says why a decree may not be recorded. Of somebody who is
// decided, others than the first recorder may confirm or dispute it, once each.
func (r *Respondent) hindersDeciding(by AgencyID, decree Letter) string {
	annulled := slices.ContainsFunc(r.Annulled, func(d Decision) bool { return d.Decree == decree })
	switch d := r.Decision; {
	case annulled:
		return "this decree on " + r.ID + " was annulled; a new one is owed"
	case r.Stage != StageDecided || d == nil:
		return ""
	case d.Decree != decree:
		return r.ID + " is decided by another decree; a new one follows after that is annulled"
	case slices.ContainsFunc(d.Records, func(o DecreeRecord) bool { return o.By == by }):
		return fmt.Sprintf("%s has recorded this decree on %s before", by, r.ID)
	default:
		return ""
	}
}

// hindersFiling says why a remedy may not be filed: one at a time, in the order
// of Remedies, and only the court twice.
func (r *Respondent) hindersFiling(remedy string) string {
	d := r.Decision
	if d == nil || d.Outcome != OutcomeSanctioned {
		return r.ID + " was not sanctioned: there is nothing to turn against"
	}
	if p := d.pending(); p != nil {
		return fmt.Sprintf("a remedy of %s (%s) is not decided yet", r.ID, p.Kind)
	}
	rank := slices.Index(Remedies, remedy)
	for _, m := range d.Remedies {
		if last := slices.Index(Remedies, m.Kind); last > rank || last == rank && remedy != RemedyCourt {
			return fmt.Sprintf("after the remedy %s of %s this one is not open any more", m.Kind, r.ID)
		}
	}
	return ""
}

// hindersRuling says why a remedy may not be decided so.
func (r *Respondent) hindersRuling(p *RemedyDecided) string {
	d := r.Decision
	if d == nil || d.pending() == nil || d.pending().Kind != p.Remedy {
		return "no such remedy of " + r.ID + " waits to be decided"
	}
	i := slices.IndexFunc(p.Respondents, func(a RemediedRespondent) bool { return a.ID == r.ID })
	standing, stands := d.Standing()
	if i < 0 || !stands {
		return ""
	}
	rank, was := slices.Index(Sanctions, p.Respondents[i].Level), slices.Index(Sanctions, standing.Level)
	switch o := p.Respondents[i].Outcome; {
	case o == OutcomeLightened && rank > was, o == OutcomeIncreased && rank < was:
		return fmt.Sprintf("the sanction of %s is %s; the new one is not %s", r.ID, standing.Level, o)
	default:
		return ""
	}
}

// lacks refuses an event that names a recommendation or decree which the
// respondent does not have.
func (r *Respondent) lacks(e Event) *Refusal {
	var decree Letter
	switch p := e.Payload.(type) {
	case *PPKAdmonished:
		return r.lacksLetter(p.Recommendation)
	case *PPKSanctioned:
		return r.lacksLetter(p.Recommendation)
	case *DecisionDelivered:
		decree = p.Decree
	case *DecisionReviewed:
		decree = p.Decree
	case *DecisionAnnulled:
		decree = p.Decree
	case *RemedyFiled:
		decree = p.Decree
	case *RemedyDecided:
		decree = p.Decree
	default:
		return nil
	}
	if r.Decision == nil || r.Decision.Decree != decree {
		return Refuse(CodeReferenceUnknown, "/data/decree", "%s is not decided by that decree", r.ID)
	}
	return nil
}

func (r *Respondent) lacksLetter(ref RecommendationRef) *Refusal {
	if rec := r.Recommendation; rec == nil || rec.Agency != ref.Agency || rec.Number != ref.Number {
		return Refuse(CodeReferenceUnknown, "/data/recommendation", "%s has no recommendation of that agency and number", r.ID)
	}
	return nil
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
