package ledger_test

import (
	"slices"
	"testing"
	"time"

	"github.com/berkas-ledger/berkas/ledger"
)

// What stories cannot say of folding and placing.

// placed puts an event at a position.
func placed(p ledger.Position, e ledger.Event) ledger.CaseEvent {
	return ledger.CaseEvent{Position: p, Event: e}
}

// TestUndecodedRecords: a record whose payload this program could not read moves
// nobody, but counts, and its agency took no part that we know of.
func TestUndecodedRecords(t *testing.T) {
	before := ledger.Fold(wayTo(t, ledger.StageReceived))
	for _, kind := range []ledger.Kind{ledger.CaseRegisteredKind, "case.praised"} {
		after := before.Apply(placed(9, ledger.Event{Kind: kind, Version: 1, Source: ledger.BKN}))
		if after.Unknown != 1 || after.Version != before.Version+1 || after.Respondents[0].Stage != ledger.StageReceived ||
			slices.Contains(after.Participants, ledger.BKN) {
			t.Errorf("%s: the case is %+v", kind, after)
		}
	}
}

// TestOpeningOfNobodyTwice: a ledger that holds what Check would have refused
// still has one entry for each respondent, the first.
func TestOpeningOfNobodyTwice(t *testing.T) {
	p := openedPayload()
	p.Respondents = append(p.Respondents, p.Respondents[0])
	p.Respondents[2].Class = "fungsional"
	e := ledger.Event{Kind: ledger.CaseOpenedKind, Version: 1, Subject: caseID, Source: ledger.Bawaslu, Payload: &p}
	c := ledger.Case{}.Apply(placed(1, e))
	if len(c.Respondents) != 2 || c.Respondents[0].Class != "pelaksana" {
		t.Errorf("respondents %+v", c.Respondents)
	}
	again := c.Apply(placed(2, e))
	if len(again.Respondents) != 2 || again.Version != 2 {
		t.Errorf("after a second opening %+v", again)
	}
	if bad := ledger.Check(ledger.Case{ID: caseID}, ledger.Event{Kind: ledger.ExaminationBegunKind, Version: 1, Payload: &ledger.ExaminationBegun{}}, ledger.Law{}); bad == nil || bad.Code != ledger.CodeTransition {
		t.Errorf("a case without respondents: %v", bad)
	}
}

// TestItemsStayAsAlleged until an assessment says others.
func TestItemsStayAsAlleged(t *testing.T) {
	c := ledger.Fold(wayTo(t, ledger.StageRegistered))
	for _, tt := range []struct {
		said, want []string
	}{{nil, []string{"social-media"}}, {[]string{}, []string{"social-media"}}, {[]string{"photo", "other"}, []string{"photo", "other"}}} {
		e := stepOf(t, 9, usual[ledger.CaseAssessedKind])
		e.Payload.(*ledger.CaseAssessed).Respondents[0].Items = tt.said
		if got := c.Apply(placed(9, e)).Respondents[0].Items; !slices.Equal(got, tt.want) {
			t.Errorf("assessed with the items %v: %v, want %v", tt.said, got, tt.want)
		}
	}
}

// TestWhatADisputeIs: a decree confirms when it says the same in everything.
func TestWhatADisputeIs(t *testing.T) {
	c := ledger.Fold(wayTo(t, ledger.StageDecided))
	for name, change := range map[string]func(r *ledger.DecidedRespondent){
		"":        func(*ledger.DecidedRespondent) {},
		"outcome": func(r *ledger.DecidedRespondent) { r.Outcome = ledger.OutcomeNotProven },
		"family":  func(r *ledger.DecidedRespondent) { r.Family = ledger.FamilyEthics },
		"level":   func(r *ledger.DecidedRespondent) { r.Level = "heavy" },
		"kind":    func(r *ledger.DecidedRespondent) { r.Kind = "written-dissatisfaction" },
	} {
		e := stepOf(t, 9, usual[ledger.DecisionRecordedKind])
		change(&e.Payload.(*ledger.DecisionRecorded).Respondents[0])
		d := c.Apply(placed(9, e)).Respondents[0].Decision
		if confirmed := len(d.Confirmed) == 1 && len(d.Disputed) == 0; confirmed != (name == "") {
			t.Errorf("another %q: confirmed by %v, disputed by %v", name, d.Confirmed, d.Disputed)
		}
		if d.By != ledger.BKN || d.Outcome != ledger.OutcomeSanctioned || d.Level != "light" {
			t.Errorf("another %q changed the decision to %+v", name, d)
		}
	}
}

// TestRulesThatChangedLater: what stands on the ledger before a draft is not
// judged anew; what comes after it is, since the draft changes what it follows.
func TestRulesThatChangedLater(t *testing.T) {
	history := wayTo(t, ledger.StageRecommended)
	for i := range history {
		history[i].Time = history[0].Time.AddDate(0, 0, i)
	}
	block := stepOf(t, 20, usual[ledger.ControlBlockedKind]) // without a reprimand
	block.Time = history[0].Time.AddDate(0, 1, 0)
	history = ledger.Insert(history, ledger.CaseEvent{Position: 20, Event: block})
	strict := func(time.Time) ledger.Law { return ledger.Law{Regime: ledger.Regime{ReprimandBeforeBlock: true}} }

	draft := ledger.CaseEvent{Position: 21, Event: stepOf(t, 21, usual[ledger.ExaminationBegunKind])}
	draft.Time = block.Time.AddDate(0, 0, 1)
	if _, bad := ledger.Place(history, draft, strict); bad != nil {
		t.Errorf("after the old block: %v", bad)
	}
	draft.Time = block.Time.AddDate(0, 0, -1)
	if _, bad := ledger.Place(history, draft, strict); bad == nil || bad.Code != ledger.CodeBreaksLater {
		t.Errorf("before the old block: %v", bad)
	}
	// A record of an unknown kind later on hinders nobody.
	history = ledger.Insert(history[:len(history)-1], ledger.CaseEvent{Position: 22, Event: ledger.Event{Kind: "case.praised", Version: 1, Time: block.Time}})
	if _, bad := ledger.Place(history, draft, strict); bad != nil {
		t.Errorf("before an unknown record: %v", bad)
	}
}

// TestInsertKeepsTies: of two events at one time the lower position is first,
// whichever was inserted first.
func TestInsertKeepsTies(t *testing.T) {
	at := time.Unix(0, 0)
	e := func(p ledger.Position) ledger.CaseEvent {
		return ledger.CaseEvent{Position: p, Event: ledger.Event{Time: at}}
	}
	var history []ledger.CaseEvent
	for _, p := range []ledger.Position{3, 1, 4, 2} {
		history = ledger.Insert(history, e(p))
	}
	for i, got := range history {
		if got.Position != ledger.Position(i+1) {
			t.Errorf("position %d stands at %d", got.Position, i)
		}
	}
}
