package ledger

import (
	"slices"
	"strings"
	"testing"
	"time"
)

// way is a case of two respondents that reaches every stage; the second is not
// recommended for.
func way() []Event {
	at := time.Date(2020, 6, 1, 0, 0, 0, 0, time.UTC)
	event := func(by AgencyID, kind Kind, payload any) Event {
		at = at.Add(time.Hour)
		return Event{Source: by, Kind: kind, Version: 1, Subject: "c", Time: at, Payload: payload}
	}
	sent := Letter{Number: "R-1", Date: "2020-06-02"}
	return []Event{
		event(Bawaslu, CaseOpenedKind, &CaseOpened{Channel: ChannelOffice, Act: Act{Date: "2020-05-14"}, Respondents: []NewRespondent{{ID: "r1"}, {ID: "r2"}}}),
		event(Bawaslu, CaseRegisteredKind, &CaseRegistered{}),
		event(Bawaslu, CaseAssessedKind, &CaseAssessed{Respondents: []AssessedRespondent{{ID: "r1", Outcome: OutcomeViolation}, {ID: "r2", Outcome: OutcomeNotAViolation}}}),
		event(Bawaslu, CaseForwardedKind, &CaseForwarded{To: KASN, Named: Named{[]string{"r1"}}}),
		event(KASN, CaseReceivedKind, &CaseReceived{From: Bawaslu}),
		event(KASN, CaseClarifiedKind, &CaseClarified{[]ClarifiedRespondent{{"r1", OutcomeProven}}}),
		event(KASN, CaseRecommendedKind, &CaseRecommended{Letter: sent, Respondents: []RecommendedRespondent{{ID: "r1"}}}),
		event(BKN, ControlWarnedKind, &ControlStep{}),
		event(BKN, ControlReprimandedKind, &ControlStep{}),
		event(BKN, ControlBlockedKind, &ControlStep{}),
		event(BKN, ExaminationBegunKind, &ExaminationBegun{}),
		event(BKN, DecisionRecordedKind, &DecisionRecorded{Decree: sent, Respondents: []DecidedRespondent{{ID: "r1", Outcome: OutcomeSanctioned}}}),
		event(BKN, ControlUnblockedKind, &ControlStep{}),
		event(BKN, DecisionDeliveredKind, &DecisionDelivered{Decree: sent}),
		event(BKN, DecisionReviewedKind, &DecisionReviewed{Decree: sent}),
		event(BKN, RemedyFiledKind, &RemedyFiled{Remedy: RemedyObjection, Decree: sent}),
		event(BKN, RemedyDecidedKind, &RemedyDecided{Remedy: RemedyObjection, Decree: sent, Respondents: []RemediedRespondent{{ID: "r1", Outcome: OutcomeUpheld}}}),
		event(BKN, RemedyFiledKind, &RemedyFiled{Remedy: RemedyCourt, Decree: sent}),
		event(BKN, DecisionAnnulledKind, &DecisionAnnulled{Decree: sent}),
		event(Bawaslu, CriminalReferredKind, &CriminalReferred{}),
		event(Bawaslu, CaseReopenedKind, &CaseReopened{Respondents: []string{"r2"}}),
		event(BKN, LeftServiceKind, &LeftService{Respondents: []string{"r1"}}),
		event(Bawaslu, CriminalConcludedKind, &CriminalConcluded{}),
		event(KASN, RespondentAddedKind, &RespondentAdded{Respondents: []NewRespondent{{ID: "r3"}}}),
	}
}

// naming is the best payload of a kind about one respondent; ok is false for a
// kind that names none.
func naming(kind Kind, r *Respondent) (payload any, ok bool) {
	switch p := best(kind, r).(type) {
	case *CaseAssessed:
		p.Respondents = []AssessedRespondent{{ID: r.ID}}
		return p, true
	case *CaseClarified:
		p.Respondents = []ClarifiedRespondent{{ID: r.ID}}
		return p, true
	case *CaseRecommended:
		p.Respondents = []RecommendedRespondent{{ID: r.ID}}
		return p, true
	case *DecisionRecorded:
		p.Respondents = []DecidedRespondent{{ID: r.ID}}
		return p, true
	case *CaseForwarded:
		p.To, p.Respondents = "other", []string{r.ID}
		return p, true
	case *ExaminationBegun:
		p.Respondents = []string{r.ID}
		return p, true
	case *ControlStep:
		p.Respondents = []string{r.ID}
		return p, true
	case *CaseCancelled:
		p.Respondents = []string{r.ID}
		return p, true
	case *LeftService:
		p.Respondents = []string{r.ID}
		return p, true
	case *RemedyDecided:
		p.Respondents = []RemediedRespondent{{ID: r.ID, Outcome: OutcomeUpheld}}
		return p, true
	case *CaseReopened:
		p.Respondents = []string{r.ID}
		return p, true
	default:
		return namingLater(p, r.ID)
	}
}

// namingLater is naming for the kinds whose lists of respondents are optional.
func namingLater(payload any, id string) (any, bool) {
	var named *Named
	switch p := payload.(type) {
	case *DecisionDelivered:
		named = &p.Named
	case *DecisionReviewed:
		named = &p.Named
	case *DecisionAnnulled:
		named = &p.Named
	case *RemedyFiled:
		named = &p.Named
	case *CriminalReferred:
		named = &p.Named
	case *CriminalConcluded:
		named = &p.Named
	default:
		return nil, false
	}
	named.Respondents = []string{id}
	return payload, true
}

// TestMayAgreesWithCheck: for every kind, agency and respondent, wherever the
// case stands.
func TestMayAgreesWithCheck(t *testing.T) {
	var c Case
	law := Law{Regime: Regime{ID: "x", ReprimandBeforeBlock: true}}
	for i, step := range append(way(), Event{}) {
		for _, info := range Kinds {
			for _, by := range []AgencyID{Bawaslu, KASN, BKN} {
				may := c.May(by, info, law)
				if (may.WhyNot == "") == (len(may.Respondents) == 0) && len(may.Hindered) > 0 {
					t.Errorf("step %d: %+v", i, may)
				}
				for j := range c.Respondents {
					r := &c.Respondents[j]
					payload, ok := naming(info.Kind, r)
					if !ok {
						continue
					}
					bad := Check(c, Event{Source: by, Kind: info.Kind, Version: 1, Payload: payload}, law)
					if got := slices.Contains(may.Respondents, r.ID); got != (bad == nil) {
						t.Errorf("step %d, %s by %s for %s: may %v, check: %v", i, info.Kind, by, r.ID, got, bad)
					}
				}
			}
		}
		if step.Kind != "" {
			if bad := Check(c, step, law); bad != nil {
				t.Fatalf("step %d: %v", i, bad)
			}
			c = c.Apply(CaseEvent{Position: Position(i + 1), Event: step})
		}
	}
}

func TestMay(t *testing.T) {
	kind := func(k Kind) KindInfo {
		info, _ := LookupKind(k, 1)
		return info
	}
	story := way()
	var history []CaseEvent
	for i, e := range story {
		history = append(history, CaseEvent{Position: Position(i + 2), Event: e})
	}
	after := func(n int) Case { return Fold(history[:n]) }
	for _, c := range []struct {
		name        string
		after       int
		by          AgencyID
		kind        Kind
		respondents string
		whyNot      string // part of it
	}{
		{"nothing but opening", 0, Bawaslu, CaseRegisteredKind, "", "not opened"},
		{"opening", 0, Bawaslu, CaseOpenedKind, "", ""},
		{"opening again", 1, Bawaslu, CaseOpenedKind, "", "opened already"},
		{"registering", 1, Bawaslu, CaseRegisteredKind, "r1 r2", ""},
		{"unsealing moves nobody", 1, Vault, UnsealedKind, "", ""},
		{"figures are about no case", 1, BKN, FiguresPublishedKind, "", "not about a case"},
		{"one respondent has come to an end", 3, Bawaslu, CaseForwardedKind, "r1", ""},
		{"not the holder", 3, KASN, CaseForwardedKind, "", "held by bawaslu"},
		{"receiving", 4, KASN, CaseReceivedKind, "r1", ""},
		{"not the addressee", 4, BKN, CaseReceivedKind, "", "forwarded to kasn"},
		{"blocking before a reprimand", 8, BKN, ControlBlockedKind, "", "nor for the other 1"},
		{"blocking", 9, BKN, ControlBlockedKind, "r1", ""},
		{"admonishing for the recommendation there is", 7, Kemendagri, PPKAdmonishedKind, "r1", ""},
		{"admonishing without one", 5, Kemendagri, PPKAdmonishedKind, "", "r1 is clarification"},
		{"unblocking before a decision", 10, BKN, ControlUnblockedKind, "", "r1 is recommended"},
		{"confirming the decree there is", 12, KASN, DecisionRecordedKind, "r1", ""},
		{"filing what is open", 14, BKN, RemedyFiledKind, "r1", ""},
		{"filing while one is not decided", 16, BKN, RemedyFiledKind, "", "not decided yet"},
		{"deciding it", 16, BKN, RemedyDecidedKind, "r1", ""},
		{"delivering what was annulled", 19, BKN, DecisionDeliveredKind, "", "r1 is examined"},
		{"reopening one's own end", 20, Bawaslu, CaseReopenedKind, "r2", ""},
		{"reopening another's", 20, BKN, CaseReopenedKind, "", "r1 is examined"},
		{"correcting what one may have recorded", 2, Bawaslu, EventCorrectedKind, "", ""},
		{"correcting without having taken part", 2, BKN, EventCorrectedKind, "", "Only the agency that recorded"},
		{"adding when nobody is left at work on", 12, KASN, RespondentAddedKind, "", "past clarification"},
		{"attaching without taking part", 2, Kemendagri, EvidenceAttachedKind, "", "neither opened"},
	} {
		got := after(c.after).May(c.by, kind(c.kind), Law{Regime: Regime{ID: "x", ReprimandBeforeBlock: true}})
		fits := strings.Contains(got.WhyNot, c.whyNot) && (got.WhyNot == "") == (c.whyNot == "")
		if !fits || strings.Join(got.Respondents, " ") != c.respondents {
			t.Errorf("%s: %v %q, want %s %q", c.name, got.Respondents, got.WhyNot, c.respondents, c.whyNot)
		}
	}
}

// TestMayTakeOver: a successor may receive what its predecessor has, within its
// scope.
func TestMayTakeOver(t *testing.T) {
	var c Case
	for i, step := range way()[:6] { // KASN has it, and has clarified
		c = c.Apply(CaseEvent{Position: Position(i + 1), Event: step})
	}
	received, _ := LookupKind(CaseReceivedKind, 1)
	law := Law{At: c.Opened.AddDate(1, 0, 0), Heirs: []Grant{
		{Agency: KemenPANRB, Scope: ScopePredecessor, Predecessor: KASN},
		{Agency: BKN, Scope: ScopeNotPredecessor, Predecessor: KASN},
	}}
	for by, whyNot := range map[AgencyID]string{KemenPANRB: "", BKN: "does not reach", Kemendagri: "not forwarded", KASN: "not forwarded"} {
		got := c.May(by, received, law)
		if !strings.Contains(got.WhyNot, whyNot) || (got.WhyNot == "") != (whyNot == "") {
			t.Errorf("%s: %q, want %q", by, got.WhyNot, whyNot)
		}
	}
}
