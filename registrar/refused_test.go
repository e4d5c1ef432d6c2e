package registrar_test

import (
	"bytes"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/berkas-ledger/berkas/internal/testkit"
	"github.com/berkas-ledger/berkas/ledger"
	"github.com/berkas-ledger/berkas/registrar"
)

// TestRefused: everything bad gets its code, an answer, a record that says
// nothing about the bytes, and the next message is served.
func TestRefused(t *testing.T) {
	tested := map[ledger.Code]bool{
		ledger.CodeIDReused: true, // TestIDReused
	}
	for _, list := range [][]bad{badForms, badHeaders, badKeys, badContents, badMandates, badSteps} {
		for _, b := range list {
			tested[b.want] = true
			t.Run(b.name, func(t *testing.T) {
				t.Parallel()
				testRefused(t, b)
			})
		}
	}
	for _, r := range ledger.Reasons() {
		if !tested[r.Code] {
			t.Errorf("nothing is refused with %s", r.Code)
		}
	}
}

func testRefused(t *testing.T, b bad) {
	n := newNode(t)
	n.closed = func(k ledger.Kind, _ int) bool { return k == ledger.HolidaysPublishedKind }
	if !b.now.IsZero() {
		n.clock.wall = b.now
		n.change = func(c *registrar.Config) { c.AcceptTime = true }
	}
	n.start()
	caseID, opened := n.open1()
	if b.now.IsZero() {
		n.admit(opened, n.register(caseID, 30*time.Minute))
	}
	m := b.make(n, caseID)
	before := n.length()
	n.intake.put(m)
	n.intake.emptied(t, n.gone)
	sum := ledger.Submission{Body: m.Body}.Sum()
	r := n.open(n.intake.answered(t, m.Agency, sum, 1)[0])

	if r.Outcome != ledger.Refused || r.Reason != b.want || !slices.Equal(r.Pointers, b.pointers) {
		t.Fatalf("%s %s %v, want %s %v", r.Outcome, r.Reason, r.Pointers, b.want, b.pointers)
	}
	if r.Agency != m.Agency || r.Sum != sum || r.Position != ledger.Position(before+1) || r.First != 0 {
		t.Errorf("receipt:\n%s", r.Text())
	}
	n.wantKinds(before, ledger.SubmissionRefusedKind)
	checkRefusalRecord(t, n, m, r)

	// Again: the same answer and no record. Then the next one is served.
	n.intake.put(m)
	n.intake.emptied(t, n.gone)
	receipts := n.intake.answered(t, m.Agency, sum, 2)
	if !bytes.Equal(receipts[0], receipts[1]) {
		t.Errorf("the same bytes again:\n%s", receipts[1])
	}
	next := n.Say(ledger.Bawaslu, ledger.CaseOpenedKind, n.NewID(), n.clock.now().Add(-time.Second), testkit.Opened(1))
	if got := n.admit(next)[0]; got.Position != r.Position+1 {
		t.Errorf("the next one stands at %d", got.Position)
	}
	n.consistent()
}

// checkRefusalRecord: the record is the registrar's, fits its schema, and holds
// of the bytes a digest that only the receipt's nonce can make.
func checkRefusalRecord(t *testing.T, n *node, m registrar.Message, r ledger.Receipt) {
	t.Helper()
	record, err := n.store.read(r.Position)
	if err != nil {
		t.Fatal(err)
	}
	e, err := ledger.DecodeRecord(record)
	if err != nil {
		t.Fatal(err)
	}
	if bad := validator().Refusal(e.Kind, e.Version, e.Data); bad != nil {
		t.Errorf("the refusal's record does not fit its schema: %v\n%s", bad, e.Data)
	}
	key, err := n.Named(testkit.RegistrarKey).Public.Key()
	if err != nil {
		t.Fatal(err)
	}
	if len(record.Signatures) != 1 || record.Signatures[0].Key != testkit.RegistrarKey || !record.Signatures[0].Fits(key, record.Body) {
		t.Error("the registrar did not sign the refusal")
	}
	if record.Subject != ledger.SubjectRefusal(m.Agency) || e.Source != ledger.Registrar || !e.Time.Equal(record.Recorded) {
		t.Errorf("record %s of %s at %s", record.Subject, e.Source, e.Time)
	}
	p := e.Payload.(*ledger.SubmissionRefused)
	if p.Agency != m.Agency || p.Reason != r.Reason || !slices.Equal(p.Pointers, r.Pointers) || p.First != r.First {
		t.Errorf("record %+v, receipt:\n%s", p, r.Text())
	}
	if r.Nonce == ([32]byte{}) || p.Digest != registrar.Digest(r.Nonce, m.Body).String() {
		t.Error("the digest is not that of the receipt's nonce and the bytes")
	}
	if bytes.Contains(record.Leaf(), fmt.Appendf(nil, "%x", r.Nonce)) || bytes.Contains(record.Leaf(), []byte(r.Sum.String())) {
		t.Error("the record tells the nonce or the bytes' own hash")
	}
	for _, word := range []string{"Budi", "budi", "199001", "737101410", "0812", "CONTOH"} {
		if bytes.Contains(record.Leaf(), []byte(word)) {
			t.Errorf("the record says %q:\n%s", word, record.Body)
		}
	}
}

// TestIDReused: in a case by its opener and by another, and outside cases.
func TestIDReused(t *testing.T) {
	n := run(t)
	caseID, opened := n.open1()
	first := n.admit(opened, n.register(caseID, 30*time.Minute))[1]
	again := func(e *ledger.Event) { e.ID = first.Event }
	for name, s := range map[string]ledger.Submission{
		"other bytes":          n.register(caseID, 29*time.Minute, again),
		"other kind":           n.Say(ledger.Bawaslu, ledger.CaseAssessedKind, caseID, soon, violation("r1"), again),
		"other agency":         n.Say(ledger.KASN, ledger.CaseClarifiedKind, caseID, soon, clarified, again),
		"without any mandate":  n.Say(ledger.Kemendagri, ledger.CaseAssessedKind, caseID, soon, violation("r1"), again),
		"before it was opened": n.register(caseID, 3*time.Hour, again),
	} {
		r := n.refused(s, ledger.CodeIDReused)
		if r.First != first.Position || !slices.Equal(r.Pointers, []string{"/id"}) {
			t.Errorf("%s: first %d %v, want %d", name, r.First, r.Pointers, first.Position)
		}
		checkRefusalRecord(t, n, message(s), r)
	}
	// An id is unique in its case only.
	other, openedToo := n.open1()
	n.admit(openedToo, n.register(other, 30*time.Minute, again))

	contest := ledger.Contest{ID: "pemilu-2024", Kind: "pemilu", Voting: "2024-02-14", Determination: "2023-11-13", Doubt: ledger.DoubtNone}
	published := n.admit(n.Say(ledger.Bawaslu, ledger.ContestPublishedKind, contest.ID, soon, contest))[0]
	regime := n.Say(ledger.KemenPANRB, ledger.RegimePublishedKind, "awal", soon, ledger.Regime{ID: "awal", Basis: "UU 5/2014", Doubt: ledger.DoubtNone},
		func(e *ledger.Event) { e.ID = published.Event })
	if r := n.refused(regime, ledger.CodeIDReused); r.First != published.Position {
		t.Errorf("first %d, want %d", r.First, published.Position)
	}
	// Who may not sign as the agency learns nothing about ids.
	n.refused(n.Sign(ledger.Bawaslu, n.register(caseID, 28*time.Minute, again).Body, testkit.EventKey(ledger.BKN)), ledger.CodeKeyForeign)
	n.consistent()
}

// TestRefusalsInOneBatch: bad ones leave those beside them as they are.
func TestRefusalsInOneBatch(t *testing.T) {
	n := run(t)
	caseID, opened := n.open1()
	good := []ledger.Submission{opened, n.register(caseID, 30*time.Minute), assessed(n, caseID)}
	var all []ledger.Submission
	for i, s := range good {
		notJSON := n.Sign(ledger.Bawaslu, fmt.Appendf(nil, "Budi %d", i))
		all = append(all, notJSON, s, n.Sign(ledger.Bawaslu, s.Body, testkit.EventKey(ledger.KASN)))
	}
	// The same bytes with a foreign signature are the same submission: they get
	// the receipt of what was admitted just before.
	before := n.length()
	receipts := n.ask(all...)
	for i := range good {
		if receipts[3*i].Outcome != ledger.Refused || receipts[3*i+1].Outcome != ledger.Admitted {
			t.Fatalf("%+v", receipts)
		}
	}
	if got := n.length() - before; got != 6 {
		t.Errorf("%d records, want 6", got)
	}
	n.consistent()
}
