package registrar_test

import (
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/berkas-ledger/berkas/internal/testkit"
	"github.com/berkas-ledger/berkas/ledger"
	"github.com/berkas-ledger/berkas/registrar"
)

// correction says that an event is void, or what it should have said.
func (n *node) correction(by ledger.AgencyID, caseID string, at time.Time, event string, kind ledger.Kind, payload any) ledger.Submission {
	n.t.Helper()
	p := ledger.EventCorrected{Event: event, Kind: kind, Version: 1, Action: ledger.ActionVoid, Reason: "wrong-data"}
	if payload != nil {
		data, err := json.Marshal(payload)
		if err != nil {
			n.t.Fatalf("%v", err)
		}
		p.Action, p.Data = ledger.ActionReplace, data
	}
	return n.Say(by, ledger.EventCorrectedKind, caseID, at, p)
}

func idOf(s ledger.Submission) string {
	e, _ := ledger.Decode(s.Body)
	return e.ID
}

func (n *node) stage(caseID string) ledger.Stage {
	c, _ := n.judge.Case(caseID)
	if len(c.Respondents) == 0 {
		return ""
	}
	return c.Respondents[0].Stage
}

// TestCorrections: by real submissions, and the same after a restart.
func TestCorrections(t *testing.T) {
	n := run(t)
	id, begin := n.NewID(), today.Add(-10*time.Hour)
	story := n.Story(id, begin, 1)[:6] // up to KASN's clarification
	n.admit(story...)
	now := begin.Add(9 * time.Hour)

	r := n.refused(n.correction(ledger.KASN, id, now, idOf(story[5]), ledger.CaseClarifiedKind, violation("r1")), ledger.CodeSchema)
	if want := "/data/data"; len(r.Pointers) == 0 || r.Pointers[0][:len(want)] != want {
		t.Errorf("the payload of another kind: %v", r.Pointers)
	}
	n.refused(n.correction(ledger.BKN, id, now, idOf(story[5]), ledger.CaseClarifiedKind, nil), ledger.CodeNotRecorder)
	n.refused(n.correction(ledger.Bawaslu, id, now, idOf(story[3]), ledger.CaseForwardedKind, nil), ledger.CodeBreaksLater)
	// An agency that the roster does not have, below /data/data too.
	r = n.refused(n.correction(ledger.Bawaslu, id, now, idOf(story[3]), ledger.CaseForwardedKind,
		ledger.CaseForwarded{To: "komisi-baru", Letter: letter("TR-1")}), ledger.CodeInstitutionUnknown)
	if len(r.Pointers) != 1 || r.Pointers[0] != "/data/data/to" {
		t.Errorf("an unknown agency: %v", r.Pointers)
	}
	n.admit(n.correction(ledger.KASN, id, now, idOf(story[5]), ledger.CaseClarifiedKind,
		ledger.CaseClarified{Respondents: []ledger.ClarifiedRespondent{{ID: "r1", Outcome: ledger.OutcomeNotProven}}}))
	if got := n.stage(id); got != ledger.EndNotProven {
		t.Errorf("after the correction r1 is %s", got)
	}
	// Two in one batch, the second of which stands on the first.
	n.admit(
		n.correction(ledger.KASN, id, now.Add(time.Minute), idOf(story[5]), ledger.CaseClarifiedKind, nil),
		n.Say(ledger.KASN, ledger.CaseClarifiedKind, id, now.Add(2*time.Minute), clarified),
	)
	if got := n.stage(id); got != ledger.StageClarification {
		t.Errorf("after the second correction r1 is %s", got)
	}
	// A late record, judged against what is true now.
	n.admit(n.Say(ledger.KASN, ledger.CaseClarifiedKind, id, begin.Add(5*time.Hour+30*time.Minute), clarified))
	n.restart()
	if got := n.stage(id); got != ledger.StageClarification {
		t.Errorf("after a restart r1 is %s", got)
	}
	n.consistent()
}

// TestLinks: a duplicate is one of a case that is there and counts.
func TestLinks(t *testing.T) {
	n := run(t)
	one, opened1 := n.open1()
	two, opened2 := n.open1()
	three, opened3 := n.open1()
	n.admit(opened1, opened2, opened3)
	duplicate := func(of string) ledger.CaseLinked { return ledger.CaseLinked{Link: ledger.LinkDuplicate, Case: of} }
	link := func(a, b string) ledger.Submission {
		return n.Say(ledger.Bawaslu, ledger.CaseLinkedKind, a, soon, duplicate(b))
	}
	n.refused(link(one, n.NewID()), ledger.CodeReferenceUnknown)
	first := link(one, two)
	n.admit(first)
	n.refused(link(two, one), ledger.CodeReferenceUnknown) // a ring
	n.refused(link(three, one), ledger.CodeReferenceUnknown)
	n.admit(n.Say(ledger.Bawaslu, ledger.CaseLinkedKind, three, soon, ledger.CaseLinked{Link: ledger.LinkRelated, Case: one}))

	// The link is void, another one is made the other way, and the first may not
	// come back.
	n.admit(n.correction(ledger.Bawaslu, one, soon, idOf(first), ledger.CaseLinkedKind, nil), link(two, one))
	n.refused(n.correction(ledger.Bawaslu, one, soon, idOf(first), ledger.CaseLinkedKind, duplicate(two)), ledger.CodeReferenceUnknown)

	// Case two would be a duplicate of nothing.
	n.refused(n.correction(ledger.Bawaslu, one, soon, idOf(opened1), ledger.CaseOpenedKind, nil), ledger.CodeBreaksLater)
	n.refused(n.correction(ledger.Bawaslu, three, soon, idOf(opened3), ledger.CaseOpenedKind, nil), ledger.CodeBreaksLater)
	four, opened4 := n.open1()
	n.admit(opened4, n.correction(ledger.Bawaslu, four, soon, idOf(opened4), ledger.CaseOpenedKind, nil))
	n.refused(link(three, four), ledger.CodeReferenceUnknown)
	n.consistent()
}

// TestHandOver: on 4 September 2024 KASN's cases fork, and later a body that no
// program knew takes over, by records of the roster alone.
func TestHandOver(t *testing.T) {
	n := newNode(t)
	end := ledger.Date("2024-09-04").Start()
	n.clock.wall = end.Add(-12 * time.Hour)
	n.change = func(c *registrar.Config) { c.AcceptTime = true }
	n.start()
	begin := end.Add(-48 * time.Hour)
	processed, other := n.NewID(), n.NewID()
	n.admit(n.Story(processed, begin, 1)[:6]...) // KASN clarified
	n.admit(n.Story(other, begin, 1)[:4]...)     // on its way to KASN
	from := ledger.CaseReceived{From: ledger.KASN}
	n.refused(n.Say(ledger.KemenPANRB, ledger.CaseReceivedKind, processed, end.Add(-13*time.Hour), from), ledger.CodeTransition)

	n.clock.pass(13 * time.Hour)
	at := end.Add(time.Minute)
	n.refused(n.Say(ledger.BKN, ledger.CaseReceivedKind, processed, at, from), ledger.CodeOutsideScope)
	n.refused(n.Say(ledger.KemenPANRB, ledger.CaseReceivedKind, other, at, from), ledger.CodeOutsideScope)
	n.refused(n.Say(ledger.KemenPANRB, ledger.CaseClarifiedKind, processed, at, clarified), ledger.CodeOutsideScope)
	n.admit(n.Say(ledger.KemenPANRB, ledger.CaseReceivedKind, processed, at, from))
	n.admit(n.Say(ledger.BKN, ledger.CaseReceivedKind, other, at, from))
	n.refused(n.Say(ledger.KASN, ledger.CaseClarifiedKind, processed, at.Add(time.Minute), clarified), ledger.CodeNoMandateThen)
	n.admit(n.Say(ledger.KemenPANRB, ledger.CaseClarifiedKind, processed, at.Add(time.Minute), clarified))
	n.admit(n.Say(ledger.BKN, ledger.CaseClarifiedKind, other, at.Add(time.Minute), clarified))

	n.handOver("komisi-baru", ledger.BKN, ledger.KemenPANRB)
	for caseID, before := range map[string]ledger.AgencyID{processed: ledger.KemenPANRB, other: ledger.BKN} {
		c, _ := n.judge.Case(caseID)
		if c.Holder != "komisi-baru" {
			t.Errorf("the case of %s is held by %s", before, c.Holder)
		}
		if c.Respondents[0].Stage != ledger.StageRecommended {
			t.Errorf("the case of %s is %s", before, c.Respondents[0].Stage)
		}
	}
	n.consistent()
}

// handOver takes a new body in, ends the mandates of others, and lets it act on
// their cases.
func (n *node) handOver(body ledger.AgencyID, from ...ledger.AgencyID) {
	n.t.Helper()
	day := ledger.Date("2027-10-16")
	n.clock.set(day.Start().Add(-time.Hour))
	n.restart()
	now := day.Start().Add(-90 * time.Minute)
	roots := []ledger.KeyID{testkit.RootKey(ledger.BKN), testkit.RootKey(ledger.KASN), testkit.RootKey(ledger.Bawaslu)}
	law := func(kind ledger.Kind, payload any, keys ...ledger.KeyID) ledger.Submission {
		subject := string(body)
		if p, ok := payload.(ledger.MandateEnded); ok {
			subject = string(p.Agency)
		}
		return n.Sign(ledger.BKN, n.Event(ledger.BKN, kind, subject, now, payload), append(keys, roots...)...)
	}
	n.admit(law(ledger.InstitutionAddedKind, ledger.InstitutionAdded{ID: body, Kind: ledger.KindInstitution, Root: n.Named(testkit.RootKey(body))}, testkit.RootKey(body)))
	n.admit(n.AddKey(body, testkit.EventKey(body), now))
	for _, m := range []ledger.Mandate{ledger.MandateClarification, ledger.MandateRecommendation} {
		for _, a := range from {
			n.admit(law(ledger.MandateEndedKind, ledger.MandateEnded{Agency: a, Mandate: m, Until: day, Basis: "UU 1/2027", Doubt: ledger.DoubtNone}))
			for _, scope := range []ledger.Scope{ledger.ScopePredecessor, ledger.ScopeNotPredecessor} {
				n.admit(law(ledger.MandateGrantedKind, ledger.MandateGranted{Grant: ledger.Grant{
					Agency: body, Mandate: m, From: day, Scope: scope, Predecessor: a, Basis: "UU 1/2027", Doubt: ledger.DoubtNone,
				}}))
			}
		}
	}
	n.clock.pass(2 * time.Hour)
	at := day.Start().Add(time.Minute)
	for caseID, c := range n.heldBy(from...) {
		story := n.Story(caseID, at, 1)
		recommended, _ := ledger.Decode(story[6].Body)
		again := func(at time.Time) ledger.Submission {
			return n.Say(body, ledger.CaseRecommendedKind, caseID, at, recommended.Data)
		}
		n.refused(again(at), ledger.CodeOutsideScope)
		n.admit(n.Say(body, ledger.CaseReceivedKind, caseID, at.Add(time.Minute), ledger.CaseReceived{From: c.Holder}))
		n.refused(n.Say(c.Holder, ledger.CaseClarifiedKind, caseID, at.Add(2*time.Minute), clarified), ledger.CodeNoMandateThen)
		n.admit(again(at.Add(3 * time.Minute)))
	}
}

// heldBy gives the cases that agencies hold.
func (n *node) heldBy(agencies ...ledger.AgencyID) map[string]ledger.Case {
	out := map[string]ledger.Case{}
	for _, r := range n.store.all() {
		c, ok := n.judge.Case(r.CaseID())
		for _, a := range agencies {
			if ok && c.Holder == a {
				out[c.ID] = c
			}
		}
	}
	return out
}
