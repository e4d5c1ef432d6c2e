package registrar_test

import (
	"bytes"
	"testing"
	"time"

	"github.com/berkas-ledger/berkas/internal/testkit"
	"github.com/berkas-ledger/berkas/ledger"
	"github.com/berkas-ledger/berkas/registrar"
)

// same checks that a submission handed in again gets its first receipt, byte for
// byte, and that no record is made.
func (n *node) same(s ledger.Submission, first ledger.Receipt) {
	n.t.Helper()
	before := n.length()
	n.sameOf(message(s), first)
	if n.length() != before {
		n.t.Errorf("%d records for bytes that were known", n.length()-before)
	}
}

func (n *node) sameOf(m registrar.Message, first ledger.Receipt) {
	n.t.Helper()
	n.intake.put(m)
	n.intake.emptied(n.t, n.gone)
	signed := n.intake.answered(n.t, m.Agency, first.Sum, 1)
	if again := n.open(signed[len(signed)-1]); again.Text() != first.Text() {
		n.t.Errorf("the same bytes again:\n%s\nfirst:\n%s", again.Text(), first.Text())
	}
}

// TestAgain: admitted bytes get their first receipt, however long ago and in
// whatever dress they come.
func TestAgain(t *testing.T) {
	n := run(t)
	caseID, opened := n.open1()
	key := n.AddKey(ledger.BKN, "bkn/b", soon)
	figures := n.Say(ledger.BKN, ledger.FiguresPublishedKind, "contoh20", soon, ledger.FiguresPublished{
		Table: "contoh20", Publisher: ledger.BKN, Doubt: ledger.DoubtNone, Sources: []string{"contoh.example/1"},
		Figures: []ledger.FigureV1{{AsOf: "2020-06-01", Unit: ledger.UnitCase, Measure: "opened", Value: 7}},
	})
	all := []ledger.Submission{opened, n.register(caseID, 30*time.Minute), assessed(n, caseID), key, figures}
	first := n.admit(all...)
	n.clock.pass(time.Hour)
	check := func() {
		t.Helper()
		for i, s := range all {
			n.same(s, first[i])
		}
	}
	check()
	n.restart()
	check()
	// The case has moved on, the key is revoked, the mandate is over, the
	// version is closed: what was admitted stays admitted.
	n.admit(n.RevokeKey(ledger.BKN, testkit.EventKey(ledger.BKN), n.clock.now()))
	n.clock.pass(5 * 365 * 24 * time.Hour)
	n.closed = func(ledger.Kind, int) bool { return true }
	n.change = func(c *registrar.Config) { c.AcceptTime = true }
	n.restart()
	check()
	for i, s := range all {
		naked, forged, marked := message(s), message(s), message(s)
		delete(naked.Header, ledger.HeaderSignature)
		forged.Header[ledger.HeaderSignature] = n.Sign(s.Agency, []byte("{}")).Header()[ledger.HeaderSignature]
		marked.Header["Nats-Msg-Id"] = []string{"1"}
		for _, m := range []registrar.Message{naked, forged, marked} {
			n.sameOf(m, first[i])
		}
	}
	n.consistent()
}

// TestAgainInOneBatch: bytes that come several times in a batch are decided once.
func TestAgainInOneBatch(t *testing.T) {
	n := run(t)
	caseID, opened := n.open1()
	registered, notJSON := n.register(caseID, 30*time.Minute), n.Sign(ledger.Bawaslu, []byte("Budi"))
	before := n.length()
	n.ask(notJSON, opened, opened, registered, notJSON, registered, opened, notJSON)
	n.wantKinds(before, ledger.SubmissionRefusedKind, ledger.CaseOpenedKind, ledger.CaseRegisteredKind)
	for _, s := range []ledger.Submission{opened, registered, notJSON} {
		receipts := n.intake.answered(t, s.Agency, s.Sum(), 2)
		for _, r := range receipts[1:] {
			if !bytes.Equal(r, receipts[0]) {
				t.Errorf("receipts differ:\n%s\n%s", receipts[0], r)
			}
		}
	}
	n.end()
	if c := n.registrar.Counts(); c != (registrar.Counts{Admitted: 2, Refused: 1, Repeated: 5, Batches: 1}) {
		t.Errorf("counted %+v", c)
	}
	n.consistent()
}

// TestRefusedAgain: refused bytes are decided anew each time; the same refusal
// makes no record, another one does, and what has become right is admitted.
func TestRefusedAgain(t *testing.T) {
	n := run(t)
	caseID, opened := n.open1()
	s := n.Sign(ledger.Bawaslu, n.register(caseID, 30*time.Minute).Body, "bawaslu/b")

	unknownKey := n.refused(s, ledger.CodeKeyUnknown)
	n.same(s, unknownKey)
	n.admit(n.AddKey(ledger.Bawaslu, "bawaslu/b", soon))
	unknownCase := n.refused(s, ledger.CodeCaseUnknown)
	n.same(s, unknownCase)
	if unknownCase.Position == unknownKey.Position || unknownCase.Nonce == unknownKey.Nonce {
		t.Errorf("another refusal:\n%s", unknownCase.Text())
	}
	n.admit(opened)
	n.same(s, n.admit(s)[0])

	// Another reason at the same place is another refusal.
	revoked := n.Sign(ledger.Bawaslu, assessed(n, caseID).Body, "bawaslu/d")
	n.refused(revoked, ledger.CodeKeyUnknown)
	n.admit(n.AddKey(ledger.Bawaslu, "bawaslu/d", soon), n.RevokeKey(ledger.Bawaslu, "bawaslu/d", soon))
	n.same(revoked, n.refused(revoked, ledger.CodeKeyRevoked))

	// The same order in one batch: each is decided with what stands before it.
	otherCase, other := n.open1()
	s = n.Sign(ledger.Bawaslu, n.register(otherCase, 30*time.Minute).Body, "bawaslu/c")
	before := n.length()
	n.ask(s, s, n.AddKey(ledger.Bawaslu, "bawaslu/c", soon), s, s, other, s, s)
	n.wantKinds(before, ledger.SubmissionRefusedKind, ledger.KeyAddedKind, ledger.SubmissionRefusedKind,
		ledger.CaseOpenedKind, ledger.CaseRegisteredKind)
	n.consistent()
}

// TestRefusedAgainAfterRestart: refusals are recognised in memory only. After a
// restart the bytes are recorded as refused once more, which is true as well.
func TestRefusedAgainAfterRestart(t *testing.T) {
	n := run(t)
	s := n.Sign(ledger.Bawaslu, []byte("Budi"))
	first := n.refused(s, ledger.CodeNotJSON)
	n.restart()
	second := n.refused(s, ledger.CodeNotJSON)
	if second.Position != first.Position+1 {
		t.Errorf("recorded at %d, then at %d", first.Position, second.Position)
	}
	n.same(s, second)
}

// TestSameBytesOfAnother: who did not send them first does not get the receipt.
func TestSameBytesOfAnother(t *testing.T) {
	n := run(t)
	_, s := n.open1()
	first := n.admit(s)[0]
	other := s
	other.Agency = ledger.KASN
	r := n.refused(other, ledger.CodeWrongSource)
	if r.First != 0 || r.Position != first.Position+1 {
		t.Errorf("receipt:\n%s", r.Text())
	}
	n.same(s, first)

	genesis := n.store.all()[0]
	n.refused(n.Sign(ledger.Bawaslu, genesis.Body), ledger.CodeWrongSource)
}

// TestRedelivered: a process ends between the fsync and the acknowledgement, with
// the receipts sent or not. All comes again and is recognised.
func TestRedelivered(t *testing.T) {
	for name, f := range map[string]fault{
		"before anybody was told": {err: errCrashed, taken: true},
		"nobody heard of it":      {err: errCrashed, taken: true, durable: true},
		"before the fsync":        {err: errCrashed},
	} {
		t.Run(name, func(t *testing.T) {
			n := run(t)
			caseID, opened := n.open1()
			all := []ledger.Submission{opened, n.register(caseID, 30*time.Minute), assessed(n, caseID)}
			before := n.length()
			n.store.fail(f)
			n.submit(all...)
			<-n.gone
			if n.err == nil || len(n.intake.receipts) != 0 {
				t.Fatalf("ended with %v and %d receipts", n.err, len(n.intake.receipts))
			}
			n.restart()
			for i, r := range n.receipts(all...) {
				if r.Outcome != ledger.Admitted || r.Position != ledger.Position(before+i+1) {
					t.Errorf("receipt:\n%s", r.Text())
				}
			}
			n.wantKinds(before, ledger.CaseOpenedKind, ledger.CaseRegisteredKind, ledger.CaseAssessedKind)
			n.consistent()
		})
	}
}
