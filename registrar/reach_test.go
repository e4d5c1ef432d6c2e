package registrar_test

import (
	"testing"
	"time"

	"github.com/berkas-ledger/berkas/ledger"
	"github.com/berkas-ledger/berkas/registrar"
)

// TestReachStays: no correction and no late record may take the ground from under
// what a successor has recorded since.
func TestReachStays(t *testing.T) {
	n := newNode(t)
	end := ledger.Date("2024-09-04").Start()
	n.clock.wall = end.Add(-12 * time.Hour)
	n.change = func(c *registrar.Config) { c.AcceptTime = true }
	n.start()
	begin, from := end.Add(-48*time.Hour), ledger.CaseReceived{From: ledger.KASN}
	taken, sent := n.NewID(), n.NewID()
	n.admit(n.Story(taken, begin, 1)[:6]...) // KASN clarified
	story := n.Story(sent, begin, 1)
	n.admit(story[:6]...)
	n.admit(n.Say(ledger.KASN, ledger.CaseForwardedKind, sent, end.Add(-14*time.Hour), ledger.CaseForwarded{To: ledger.KemenPANRB, Letter: letter("KASN-9")}))
	n.admit(n.Say(ledger.KemenPANRB, ledger.CaseReceivedKind, sent, end.Add(-13*time.Hour), from))

	n.clock.pass(13 * time.Hour)
	at := end.Add(time.Minute)
	takeover := n.Say(ledger.KemenPANRB, ledger.CaseReceivedKind, taken, at, from)
	n.admit(takeover)
	for _, id := range []string{taken, sent} {
		n.admit(n.Say(ledger.KemenPANRB, ledger.CaseClarifiedKind, id, at.Add(time.Minute), clarified))
	}
	// Without the takeover the case would be KASN's, which is no more.
	n.refused(n.correction(ledger.KemenPANRB, taken, at.Add(2*time.Minute), idOf(takeover), ledger.CaseReceivedKind, nil), ledger.CodeBreaksLater)
	// What KASN had not processed is not KemenPAN-RB's to clarify.
	void := func(at time.Time) ledger.Submission {
		return n.correction(ledger.KemenPANRB, sent, at, idOf(story[5]), ledger.CaseClarifiedKind, nil)
	}
	n.refused(void(at.Add(2*time.Minute)), ledger.CodeBreaksLater)
	n.consistent()
}
