package registrar_test

import (
	"testing"
	"time"

	"github.com/berkas-ledger/berkas/internal/testkit"
	"github.com/berkas-ledger/berkas/ledger"
)

// TestScopeAtItsTime: whether a mandate reaches a case is a question of what had
// happened by then, and not of the order in which it was recorded.
func TestScopeAtItsTime(t *testing.T) {
	n := run(t)
	heir := ledger.MandateGranted{Grant: ledger.Grant{
		Agency: ledger.Kemendagri, Mandate: ledger.MandateClarification, From: "2020-01-01",
		Scope: ledger.ScopePredecessor, Predecessor: ledger.KASN, Basis: "SE 1/2020", Doubt: ledger.DoubtNone,
	}}
	n.admit(n.Sign(ledger.BKN, n.Event(ledger.BKN, ledger.MandateGrantedKind, "kemendagri", soon, heir),
		testkit.RootKey(ledger.BKN), testkit.RootKey(ledger.KASN), testkit.RootKey(ledger.Bawaslu)))
	pending := ledger.CaseClarified{Respondents: []ledger.ClarifiedRespondent{{ID: "r1", Outcome: ledger.OutcomePending}}}
	for _, c := range []struct {
		name  string
		after time.Duration // KASN clarified
		want  ledger.Code
	}{
		{"before KASN did anything", -time.Minute, ledger.CodeOutsideScope},
		{"at the same moment, recorded later", 0, ""},
		{"afterwards", time.Minute, ""},
	} {
		id, begin := n.NewID(), today.Add(-10*time.Hour)
		story := n.Story(id, begin, 1)[:6] // up to KASN's clarification
		kasn := begin.Add(5 * time.Hour)
		late := n.Say(ledger.Kemendagri, ledger.CaseReceivedKind, id, kasn.Add(c.after), ledger.CaseReceived{From: ledger.KASN})
		n.admit(story...)
		// One more behind it, so that the event has to be put in its place.
		n.admit(n.Say(ledger.KASN, ledger.CaseClarifiedKind, id, kasn.Add(time.Hour), pending))
		if r := n.ask(late)[0]; r.Reason != c.want {
			t.Errorf("%s: %q, want %q", c.name, r.Reason, c.want)
		}
		// Under a mandate to clarify too, but only once it has the case.
		heard := n.Say(ledger.Kemendagri, ledger.CaseClarifiedKind, id, kasn.Add(c.after), pending)
		if r := n.ask(heard)[0]; r.Reason != c.want {
			t.Errorf("%s, to clarify: %q, want %q", c.name, r.Reason, c.want)
		}
	}
	n.consistent()
}
