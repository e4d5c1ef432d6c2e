package registrar_test

import (
	"strings"
	"testing"
	"time"

	"github.com/berkas-ledger/berkas/ledger"
	"github.com/berkas-ledger/berkas/registrar"
)

// TestLongCaseIsReadOnce: whoever corrects a long case over and over makes the
// others wait for one reading of it, not for one each time.
func TestLongCaseIsReadOnce(t *testing.T) {
	const events, corrections = 150, 20
	n := run(t)
	id, opened := n.open1()
	n.admit(opened)
	list := make([]ledger.Submission, events)
	for i := range list {
		list[i] = n.Say(ledger.Bawaslu, ledger.EvidenceAttachedKind, id, soon.Add(-time.Duration(events-i)*time.Millisecond),
			ledger.EvidenceAttached{Digest: strings.Repeat("0", 64), Size: 1, MediaType: "application/pdf", Reference: "B-1"})
	}
	n.admit(list...)
	n.end()
	reads := 0
	j := registrar.NewJudge(validator(), func(ledger.Kind, int) bool { return true }, func(p ledger.Position) (ledger.Record, error) {
		reads++
		return n.store.read(p)
	})
	if err := j.Replay(t.Context(), n.store.Feed()); err != nil {
		t.Fatal(err)
	}
	reads = 0
	rehearse := func(s ledger.Submission, want ledger.Code) {
		t.Helper()
		bad, err := j.Rehearse(s.Agency, s.Body, today)
		if err != nil || (bad == nil) != (want == "") || bad != nil && bad.Code != want {
			t.Fatalf("%v, %v, want %q", bad, err, want)
		}
	}
	for i := range corrections {
		rehearse(n.correction(ledger.Bawaslu, id, soon, idOf(list[i]), ledger.EvidenceAttachedKind, nil), "")
		// What the batch has changed is seen by what comes after it in the batch.
		rehearse(n.Say(ledger.Bawaslu, ledger.EvidenceAttachedKind, id, soon, ledger.EvidenceAttached{
			Digest: strings.Repeat("1", 64), Size: 1, MediaType: "application/pdf", Reference: "B-2",
		}), "")
		rehearse(n.correction(ledger.BKN, id, soon, idOf(list[i]), ledger.EvidenceAttachedKind, nil), ledger.CodeNotRecorder)
	}
	if reads > events+1 {
		t.Errorf("%d records were read for %d corrections of a case of %d", reads, corrections, events+1)
	}
}
