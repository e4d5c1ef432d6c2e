package ledger_test

import (
	"fmt"
	"slices"
	"time"

	"pgregory.net/rapid"

	"github.com/berkas-ledger/berkas/ledger"
)

// Random histories for the properties. They are made of the kinds of cases, of
// few respondents, letters and days, so that events meet.

var drawnAgencies = []ledger.AgencyID{ledger.Bawaslu, ledger.KASN, ledger.BKN, ledger.KemenPANRB, ledger.Kemendagri}

func pick[T any](t *rapid.T, what string, from ...T) T { return rapid.SampledFrom(from).Draw(t, what) }

func drawIDs(t *rapid.T) []string {
	return rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"r1", "r2", "r3", "r9"}), 1, 3, rapid.ID).Draw(t, "ids")
}

func drawNamed(t *rapid.T) ledger.Named {
	if rapid.Bool().Draw(t, "everybody") {
		return ledger.Named{}
	}
	return ledger.Named{Respondents: drawIDs(t)}
}

func drawAuthority(t *rapid.T) ledger.Authority {
	if rapid.Bool().Draw(t, "minister") {
		return ledger.Authority{Kind: "minister", Code: "4011"}
	}
	return ledger.Authority{Kind: "regent", Region: pick(t, "region", "73.01", "73.02")}
}

func drawOpened(t *rapid.T) *ledger.CaseOpened {
	p := &ledger.CaseOpened{
		Channel: pick(t, "channel", ledger.ChannelOffice, ledger.ChannelSharedSystem),
		Origin:  pick(t, "origin", ledger.OriginReport, ledger.OriginFinding),
		Contest: "pilkada-2020", Act: ledger.Act{Date: "2020-09-01", Region: "73.71"},
		Items: []string{pick(t, "item", "social-media", "ethics-1", "discipline-1")},
	}
	for i := range rapid.IntRange(1, 3).Draw(t, "respondents") {
		p.Respondents = append(p.Respondents, ledger.NewRespondent{
			ID: fmt.Sprintf("r%d", i+1), Class: pick(t, "class", ledger.PositionClasses...),
			Institution: ledger.Institution{Kind: "province", Region: pick(t, "region", "73", "72"), Office: pick(t, "office", "IV", "IX")},
		})
	}
	return p
}

// entries makes one entry for each of some respondents.
func entries[T any](t *rapid.T, entry func(id string) T) []T {
	var out []T
	for _, id := range drawIDs(t) {
		out = append(out, entry(id))
	}
	return out
}

func drawPayload(t *rapid.T, kind ledger.Kind) any {
	switch kind {
	case ledger.CaseOpenedKind:
		return drawOpened(t)
	case ledger.CompletenessCheckedKind:
		return &ledger.CompletenessChecked{Result: "complete"}
	case ledger.CaseRegisteredKind:
		return &ledger.CaseRegistered{Register: "1"}
	case ledger.CaseNotRegisteredKind:
		return &ledger.CaseNotRegistered{Reason: "expired"}
	case ledger.CaseWithdrawnKind:
		return &ledger.CaseWithdrawn{By: "reporter"}
	case ledger.VerificationConcludedKind:
		return &ledger.VerificationConcluded{
			Result: pick(t, "result", ledger.OutcomeAccepted, ledger.OutcomeRejected), Members: []ledger.AgencyID{ledger.Kemendagri},
		}
	case ledger.CaseAssessedKind:
		return &ledger.CaseAssessed{Respondents: entries(t, func(id string) ledger.AssessedRespondent {
			return ledger.AssessedRespondent{
				ID: id, Outcome: pick(t, "outcome", ledger.OutcomeViolation, ledger.OutcomeViolation, ledger.OutcomeNotAViolation),
				Items: []string{pick(t, "item", "ethics-1", "discipline-1")},
			}
		})}
	case ledger.CaseForwardedKind:
		return &ledger.CaseForwarded{To: pick(t, "to", drawnAgencies...), Copies: []ledger.AgencyID{pick(t, "copy", drawnAgencies...)}, Named: drawNamed(t)}
	case ledger.CaseReceivedKind:
		return &ledger.CaseReceived{From: pick(t, "from", drawnAgencies...)}
	default:
		return drawOutcome(t, kind)
	}
}

func drawOutcome(t *rapid.T, kind ledger.Kind) any {
	number := func() ledger.Letter { return letter(pick(t, "number", "1", "2")) }
	switch kind {
	case ledger.CaseClarifiedKind:
		return &ledger.CaseClarified{Respondents: entries(t, func(id string) ledger.ClarifiedRespondent {
			return ledger.ClarifiedRespondent{ID: id, Outcome: pick(t, "outcome", ledger.OutcomePending, ledger.OutcomeProven, ledger.OutcomeNotProven, ledger.OutcomeIncomplete)}
		})}
	case ledger.CaseRecommendedKind:
		return &ledger.CaseRecommended{Letter: number(), Authority: drawAuthority(t), Respondents: entries(t, func(id string) ledger.RecommendedRespondent {
			return ledger.RecommendedRespondent{ID: id, Family: ledger.FamilyDiscipline, Sanction: pick(t, "sanction", ledger.Sanctions...)}
		})}
	case ledger.ExaminationBegunKind:
		return &ledger.ExaminationBegun{Named: drawNamed(t)}
	case ledger.DecisionRecordedKind:
		return &ledger.DecisionRecorded{Decree: number(), Respondents: entries(t, func(id string) ledger.DecidedRespondent {
			return ledger.DecidedRespondent{ID: id, Outcome: pick(t, "outcome", ledger.OutcomeSanctioned, ledger.OutcomeNotProven)}
		})}
	case ledger.PPKAdmonishedKind:
		return &ledger.PPKAdmonished{Authority: drawAuthority(t), Recommendation: ledger.RecommendationRef{Agency: ledger.KASN, Number: pick(t, "number", "1", "2")}}
	case ledger.LeftServiceKind:
		return &ledger.LeftService{Reason: "died", Respondents: drawIDs(t)}
	case ledger.CaseCancelledKind:
		return &ledger.CaseCancelled{Reason: "court-order", Named: drawNamed(t)}
	case ledger.UnsealedKind:
		return &ledger.Unsealed{}
	case ledger.ControlWarnedKind, ledger.ControlReprimandedKind, ledger.ControlBlockedKind, ledger.ControlUnblockedKind:
		return &ledger.ControlStep{Letter: number(), Named: drawNamed(t)}
	default:
		return drawAftermath(t, kind, number)
	}
}

// drawAftermath is drawOutcome for what follows a decree or an end, and for what
// is tied to a case.
func drawAftermath(t *rapid.T, kind ledger.Kind, number func() ledger.Letter) any {
	switch kind {
	case ledger.RespondentAddedKind:
		id := fmt.Sprintf("r%d", rapid.IntRange(2, 4).Draw(t, "newcomer"))
		return &ledger.RespondentAdded{Items: []string{"photo"}, Respondents: newcomers(id)}
	case ledger.CaseReturnedKind:
		return &ledger.CaseReturned{To: pick(t, "to", drawnAgencies...), Reason: "incomplete"}
	case ledger.DecisionDeliveredKind:
		return &ledger.DecisionDelivered{Decree: number(), Named: drawNamed(t)}
	case ledger.DecisionReviewedKind:
		return &ledger.DecisionReviewed{Decree: number(), Result: "conforming", Named: drawNamed(t)}
	case ledger.DecisionAnnulledKind:
		return &ledger.DecisionAnnulled{Decree: number(), Named: drawNamed(t)}
	case ledger.PPKSanctionedKind:
		return &ledger.PPKSanctioned{Authority: drawAuthority(t), Recommendation: ledger.RecommendationRef{Agency: ledger.KASN, Number: pick(t, "number", "1", "2")}}
	case ledger.RemedyFiledKind:
		return &ledger.RemedyFiled{Remedy: pick(t, "remedy", ledger.Remedies...), Decree: number(), Named: drawNamed(t)}
	case ledger.RemedyDecidedKind:
		return &ledger.RemedyDecided{Remedy: pick(t, "remedy", ledger.Remedies...), Decree: number(), Respondents: entries(t, func(id string) ledger.RemediedRespondent {
			return ledger.RemediedRespondent{ID: id, Outcome: pick(t, "outcome", ledger.RemedyOutcomes...), Level: pick(t, "sanction", ledger.Sanctions...)}
		})}
	case ledger.CriminalReferredKind:
		return &ledger.CriminalReferred{Letter: number(), Named: drawNamed(t)}
	case ledger.CriminalConcludedKind:
		return &ledger.CriminalConcluded{Outcome: "acquitted", Named: drawNamed(t)}
	case ledger.CaseLinkedKind:
		return &ledger.CaseLinked{Link: pick(t, "link", ledger.LinkDuplicate, ledger.LinkRelated), Case: pick(t, "other", caseID, eventID(77), eventID(78))}
	case ledger.EvidenceAttachedKind:
		return &ledger.EvidenceAttached{Reference: "1"}
	case ledger.CaseReopenedKind:
		return &ledger.CaseReopened{Reason: "court-order", Respondents: drawIDs(t)}
	case ledger.ErasedKind:
		return &ledger.PersonalDataErased{}
	default:
		return drawCorrection(t)
	}
}

// drawCorrection draws one of some early event of a history, in which ids are
// positions; with luck it is of that kind.
func drawCorrection(t *rapid.T) *ledger.EventCorrected {
	of := pick(t, "of", caseKinds()...)
	p := ledger.EventCorrected{
		Event: eventID(rapid.IntRange(1, 8).Draw(t, "event")), Kind: of, Version: 1, Action: ledger.ActionVoid, Reason: "wrong-data",
	}
	if ledger.Correctable(of, 1) && rapid.Bool().Draw(t, "replaced") {
		p.Action, p.Data = ledger.ActionReplace, mustJSON(t, drawPayload(t, of))
	}
	return decodeCorrection(t, p)
}

// correctionOf corrects an event of a history: its kind is right.
func correctionOf(t *rapid.T, e ledger.Event) *ledger.EventCorrected {
	p := ledger.EventCorrected{Event: e.ID, Kind: e.Kind, Version: 1, Action: ledger.ActionVoid, Reason: "wrong-data"}
	if ledger.Correctable(e.Kind, 1) && rapid.IntRange(0, 3).Draw(t, "replaced") > 0 {
		p.Action, p.Data = ledger.ActionReplace, mustJSON(t, drawPayload(t, e.Kind))
	}
	return decodeCorrection(t, p)
}

// decodeCorrection reads a correction as from a record: it knows what it says
// instead.
func decodeCorrection(t *rapid.T, p ledger.EventCorrected) *ledger.EventCorrected {
	out, err := ledger.DecodePayload(ledger.EventCorrectedKind, 1, mustJSON(t, p))
	if err != nil {
		t.Fatal(err)
	}
	return out.(*ledger.EventCorrected)
}

func caseKinds() []ledger.Kind {
	var kinds []ledger.Kind
	for _, k := range ledger.Kinds {
		if k.Stream == ledger.StreamCase {
			kinds = append(kinds, k.Kind)
		}
	}
	return kinds
}

// drawEvent draws any event of a case, now and then one of an unknown kind.
func drawEvent(t *rapid.T) ledger.Event {
	e := ledger.Event{
		Kind: pick(t, "kind", append(caseKinds(), "case.praised")...), Version: 1, Subject: caseID,
		Source: pick(t, "source", drawnAgencies...),
		Time:   ledger.Date("2020-09-01").Start().Add(time.Duration(rapid.IntRange(0, 20).Draw(t, "day")) * 24 * time.Hour),
	}
	if e.Kind != "case.praised" {
		e.Payload = drawPayload(t, e.Kind)
	}
	return e
}

func drawLaw(t *rapid.T) func(time.Time) ledger.Law {
	if !rapid.Bool().Draw(t, "regime") {
		return func(time.Time) ledger.Law { return ledger.Law{} }
	}
	from := ledger.Date("2020-09-10").Start()
	heirs := []ledger.Grant{{Agency: ledger.BKN, Scope: ledger.ScopeNotPredecessor, Predecessor: ledger.KASN}, {Agency: ledger.KemenPANRB, Scope: ledger.ScopePredecessor, Predecessor: ledger.KASN}}
	return func(at time.Time) ledger.Law {
		return ledger.Law{At: at, Regime: ledger.Regime{ReprimandBeforeBlock: !at.Before(from), FindingsSkipVerification: true}, Heirs: heirs}
	}
}

// drawAnything draws a history that no rule has looked at, in order.
func drawAnything(t *rapid.T) []ledger.CaseEvent {
	var history []ledger.CaseEvent
	if rapid.Bool().Draw(t, "opened first") {
		history = append(history, ledger.CaseEvent{Position: 1, Event: opening(t)})
	}
	for range rapid.IntRange(0, 25).Draw(t, "events") {
		e := drawEvent(t)
		e.ID = eventID(len(history) + 1)
		if e.Kind == ledger.EventCorrectedKind && len(history) > 0 && rapid.Bool().Draw(t, "right kind") {
			e.Payload = correctionOf(t, pick(t, "corrected", history...).Event)
		}
		history = ledger.Insert(history, ledger.CaseEvent{Position: ledger.Position(len(history) + 1), Event: e})
	}
	return history
}

func opening(t *rapid.T) ledger.Event {
	return ledger.Event{
		ID: eventID(1), Kind: ledger.CaseOpenedKind, Version: 1, Subject: caseID, Source: pick(t, "opener", ledger.Bawaslu, ledger.BKN),
		Time: ledger.Date("2020-09-01").Start(), Payload: drawOpened(t),
	}
}

// drawAdmitted draws a history as the rules admit it: it follows a way of the
// procedure and strays from it.
func drawAdmitted(t *rapid.T, lawAt func(time.Time) ledger.Law) []ledger.CaseEvent {
	history := []ledger.CaseEvent{{Position: 1, Event: opening(t)}}
	day := 0
	for range rapid.IntRange(5, 40).Draw(t, "tries") {
		e := drawEvent(t)
		switch rapid.IntRange(0, 9).Draw(t, "strays") {
		case 0, 1:
		case 2: // a correction by whoever recorded
			wrong := pick(t, "corrected", history...)
			if wrong.Payload == nil {
				continue
			}
			e.Kind, e.Source, e.Time = ledger.EventCorrectedKind, wrong.Source, ledger.Date("2020-12-01").Start()
			e.Payload = correctionOf(t, wrong.Event)
		default:
			if c := ledger.Fold(history); len(c.Respondents) > 0 {
				steer(t, c, &e)
			}
			day = min(day+rapid.IntRange(0, 2).Draw(t, "later"), 60)
			e.Time = ledger.Date("2020-09-01").Start().Add(time.Duration(day) * 24 * time.Hour)
		}
		e.ID = eventID(len(history) + 1)
		draft := ledger.CaseEvent{Position: ledger.Position(len(history) + 1), Event: e}
		if e.Payload == nil {
			history = ledger.Insert(history, draft)
		} else if _, bad := ledger.Place(history, draft, lawAt); bad == nil {
			history = ledger.Insert(history, draft)
		}
	}
	return history
}

// steer makes an event of one that may well follow.
func steer(t *rapid.T, c ledger.Case, e *ledger.Event) {
	next := map[ledger.Stage][]ledger.Kind{
		ledger.StageReceived:      {ledger.CaseRegisteredKind, ledger.CaseForwardedKind, ledger.VerificationConcludedKind},
		ledger.StageRegistered:    {ledger.CaseAssessedKind},
		ledger.StageAssessment:    {ledger.CaseForwardedKind, ledger.CaseRecommendedKind},
		ledger.StageForwarded:     {ledger.CaseReceivedKind},
		ledger.StageClarification: {ledger.CaseClarifiedKind, ledger.CaseRecommendedKind, ledger.CaseRecommendedKind},
		ledger.StageRecommended:   {ledger.ExaminationBegunKind, ledger.DecisionRecordedKind, ledger.ControlReprimandedKind, ledger.ControlBlockedKind, ledger.PPKAdmonishedKind},
		ledger.StageExamined:      {ledger.DecisionRecordedKind, ledger.ControlReprimandedKind, ledger.ControlBlockedKind},
		ledger.StageDecided: {
			ledger.ControlUnblockedKind, ledger.DecisionRecordedKind, ledger.RemedyFiledKind, ledger.RemedyDecidedKind,
			ledger.DecisionDeliveredKind, ledger.DecisionAnnulledKind,
		},
	}
	for _, s := range ledger.Stages {
		if s.End() {
			next[s] = []ledger.Kind{ledger.CaseReopenedKind, ledger.CaseReopenedKind, ledger.ControlUnblockedKind}
		}
	}
	r := pick(t, "respondent", c.Respondents...)
	kinds := next[r.Stage]
	if len(kinds) == 0 {
		return
	}
	e.Kind = pick(t, "next", kinds...)
	e.Payload = drawPayload(t, e.Kind)
	switch p := e.Payload.(type) {
	case *ledger.CaseForwarded:
		e.Source = c.Holder
	case *ledger.CaseReceived:
		e.Source, p.From = c.Addressee, c.Holder
	case *ledger.CaseRecommended:
		e.Source = ledger.KASN
	case *ledger.PPKAdmonished:
		p.Authority, p.Recommendation.Number = r.Recommendation.Authority, r.Recommendation.Number
	case *ledger.CaseReopened:
		e.Source, p.Respondents = r.Ended.By, []string{r.ID}
	case *ledger.RemedyFiled:
		p.Decree, p.Respondents = r.Decision.Decree, []string{r.ID}
	case *ledger.DecisionDelivered:
		p.Decree, p.Respondents = r.Decision.Decree, []string{r.ID}
	case *ledger.DecisionAnnulled:
		p.Decree, p.Respondents = r.Decision.Decree, []string{r.ID}
	case *ledger.RemedyDecided:
		p.Decree, p.Respondents = r.Decision.Decree, p.Respondents[:1]
		p.Respondents[0].ID = r.ID
		if m := r.Decision.Remedies; len(m) > 0 {
			p.Remedy = m[len(m)-1].Kind
		}
	case *ledger.DecisionRecorded:
		p.Respondents = p.Respondents[:1]
		p.Respondents[0].ID = r.ID
		if r.Decision != nil {
			p.Decree = r.Decision.Decree
		}
	}
	if e.Source == "" {
		e.Source = ledger.BKN
	}
}

// prefix gives the events that had happened by a moment.
func prefix(history []ledger.CaseEvent, at time.Time) []ledger.CaseEvent {
	i := slices.IndexFunc(history, func(e ledger.CaseEvent) bool { return e.Time.After(at) })
	if i < 0 {
		return history
	}
	return history[:i]
}
