package ledger

import "slices"

// Transition is a row of the procedure: where a kind may find a respondent, and
// where it leads.
type Transition struct {
	Kind Kind
	From []Stage
	// To lists where it may lead from any of From.
	To []Stage
	// Stays: it may also leave the stage as it is. Back: it leads to the stage
	// before.
	Stays, Back bool
}

// Transitions lists the transitions of all kinds that move respondents, in the
// order of Kinds. It asks the rules themselves.
func Transitions() []Transition {
	var out []Transition
	for _, k := range Kinds {
		s, ok := steps[k.Kind]
		if !ok {
			continue
		}
		t := Transition{Kind: k.Kind, From: s.from}
		for _, from := range s.from {
			for _, payload := range variants(k.Kind) {
				switch to := leads(k.Kind, from, payload); {
				case to == stageBefore:
					t.Back = true
				case to == from:
					t.Stays = true
				case !slices.Contains(t.To, to):
					t.To = append(t.To, to)
				}
			}
		}
		slices.SortFunc(t.To, func(a, b Stage) int { return slices.Index(Stages, a) - slices.Index(Stages, b) })
		out = append(out, t)
	}
	return out
}

// LeadsTo lists the other stages to which a kind may lead somebody who stands at
// one from which it may follow.
func LeadsTo(kind Kind, from Stage) []Stage {
	var out []Stage
	if s, ok := steps[kind]; !ok || !slices.Contains(s.from, from) {
		return nil
	}
	for _, payload := range variants(kind) {
		if to := leads(kind, from, payload); to != from && !slices.Contains(out, to) {
			out = append(out, to)
		}
	}
	return out
}

// stageBefore stands for the stage that a respondent came from.
const stageBefore Stage = "before"

// leads tries a kind on somebody at a stage.
func leads(kind Kind, from Stage, payload any) Stage {
	r := Respondent{ID: "r1", Stage: from, Before: stageBefore}
	if from.End() {
		r.Ended = &Ended{From: stageBefore}
	}
	r.move(CaseEvent{Event: Event{Kind: kind, Version: 1, Payload: payload}}, 0)
	return r.Stage
}

// variants gives a payload for each outcome that a kind can have for r1.
func variants(kind Kind) []any {
	var out []any
	switch kind {
	case VerificationConcludedKind:
		for _, o := range []string{OutcomeAccepted, OutcomeRejected} {
			out = append(out, &VerificationConcluded{Result: o})
		}
	case CaseAssessedKind:
		for _, o := range []string{OutcomeViolation, OutcomeNotAViolation} {
			out = append(out, &CaseAssessed{Respondents: []AssessedRespondent{{ID: "r1", Outcome: o}}})
		}
	case CaseClarifiedKind:
		for _, o := range []string{OutcomePending, OutcomeProven, OutcomeNotProven, OutcomeIncomplete} {
			out = append(out, &CaseClarified{Respondents: []ClarifiedRespondent{{ID: "r1", Outcome: o}}})
		}
	case CaseRecommendedKind:
		out = append(out, &CaseRecommended{Respondents: []RecommendedRespondent{{ID: "r1"}}})
	case DecisionRecordedKind:
		out = append(out, &DecisionRecorded{Respondents: []DecidedRespondent{{ID: "r1"}}})
	case RemedyDecidedKind:
		out = append(out, &RemedyDecided{Respondents: []RemediedRespondent{{ID: "r1"}}})
	default:
		out = append(out, newCasePayload(kind))
	}
	return out
}
