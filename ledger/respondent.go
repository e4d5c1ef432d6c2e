package ledger

import (
	"slices"
	"time"
)

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
	// Decision is the decree that stands, Annulled those that BKN annulled.
	Decision      *Decision
	Annulled      []Decision
	Control       Control
	Unblocked     time.Time // the latest unblocking; zero if there was none
	Admonished    bool      // the appointing authority, for this respondent's sake
	PPKSanctioned bool      // likewise
	Criminal      Criminal
	// Ended says how the respondent's part came to an end; nil while it is open.
	Ended *Ended
}

// Ended is an end of a respondent's part, with what stood before it.
type Ended struct {
	By                  AgencyID
	At                  time.Time
	From                Stage // where it goes on when it is reopened
	Assessed, Clarified string
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

// move is what an event does to one respondent; entry is the index of the
// respondent in the payload's own list, where it has one.
func (r *Respondent) move(e CaseEvent, entry int) {
	from, before, assessed, clarified := r.Stage, r.Before, r.Assessed, r.Clarified
	if s := steps[e.Kind]; s.to != "" {
		if s.to == StageForwarded && r.Stage != StageForwarded {
			r.Before = r.Stage
		}
		r.Stage = s.to
	}
	r.outcome(e, entry)
	switch {
	case !r.Stage.End():
		r.Ended = nil
	case !from.End():
		if from == StageForwarded {
			from = before // it is not on its way any more when it is reopened
		}
		r.Ended = &Ended{By: e.Source, At: e.Time, From: from, Assessed: assessed, Clarified: clarified}
	}
}

// outcome is what the payload says of a respondent.
func (r *Respondent) outcome(e CaseEvent, entry int) {
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
	case *CaseReturned:
		if r.Stage == StageForwarded {
			r.Stage = r.Before
		}
	case *CaseClarified:
		r.clarify(p.Respondents[entry])
	case *CaseRecommended:
		a := p.Respondents[entry]
		r.Recommendation = &Recommendation{e.Source, p.Letter.Number, p.Sent, p.Authority, a.Family, a.Sanction}
	case *DecisionRecorded:
		r.decide(e, p.Decree, p.Respondents[entry])
	case *ControlStep:
		r.control(e.Event)
	case *CaseReopened:
		r.reopen()
	default:
		r.aftermath(e, entry)
	}
}

// aftermath is outcome for what follows a decree and for what runs beside the
// case.
func (r *Respondent) aftermath(e CaseEvent, entry int) {
	switch p := e.Payload.(type) {
	case *DecisionDelivered:
		r.change(p.Decree, func(d *Decision) { d.Delivered = e.Time })
	case *DecisionReviewed:
		r.change(p.Decree, func(d *Decision) { d.Reviewed = p.Result })
	case *DecisionAnnulled:
		r.annul()
	case *RemedyFiled:
		r.change(p.Decree, func(d *Decision) {
			d.Remedies = append(slices.Clone(d.Remedies), Remedy{Kind: p.Remedy, Filed: e.Time})
		})
	case *RemedyDecided:
		a := p.Respondents[entry]
		r.change(p.Decree, func(d *Decision) { d.remedied(p, a, e.Time) })
	case *PPKAdmonished:
		r.Admonished = true
	case *PPKSanctioned:
		r.PPKSanctioned = true
	case *CriminalReferred:
		r.Criminal = CriminalUnderWay
	case *CriminalConcluded:
		r.Criminal = CriminalEnded
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

// reopen takes an end back, with what it found.
func (r *Respondent) reopen() {
	if r.Ended != nil {
		r.Stage, r.Assessed, r.Clarified = r.Ended.From, r.Ended.Assessed, r.Ended.Clarified
	}
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
