package ledger_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/berkas-ledger/berkas/ledger"
)

var badLeaves = []change{
	{"berkas/record/v1", "berkas/record/v2"},
	{"berkas/record/v1\n", "berkas/record/v1\r\n"},
	{"position: 42", "position: 042"},
	{"position: 42", "position: 0"},
	{"position: 42", "position: +42"},
	{"position: 42", "position: 42 "},
	{"position: 42", "position:  42"},
	{"position: 42", "position: 18446744073709551616"},
	{"position: 42", "Position: 42"},
	{"position: 42\n", ""},
	{"position: 42\nrecorded: 2026-11-26T03:10:00.000000Z", "recorded: 2026-11-26T03:10:00.000000Z\nposition: 42"},
	{"2026-11-26T03:10:00.000000Z", "2026-11-26T03:10:00Z"},
	{"2026-11-26T03:10:00.000000Z", "2026-11-26T03:10:00.00000Z"},
	{"2026-11-26T03:10:00.000000Z", "2026-11-26T03:10:00.000000+00:00"},
	{"2026-11-26T03:10:00.000000Z", "2026-11-26T10:10:00.000000+07:00"},
	{"2026-11-26T03:10:00.000000Z", "2026-11-26T03:10:00,000000Z"},
	{"2026-11-26T03:10:00.000000Z", "2026-11-26t03:10:00.000000z"},
	{"2026-11-26T03:10:00.000000Z", "2026-11-31T03:10:00.000000Z"},
	{"2026-11-26T03:10:00.000000Z", "2026-11-26T03:10:60.000000Z"},
	{"subject: ledger.case.", "subject: ledger.dossier."},
	{"subject: ledger.case.", "subject: intake.case."},
	{"ledger.case." + caseID, "ledger.case.*"},
	{"ledger.case." + caseID, "ledger.roster.x"},
	{"ledger.case." + caseID, "ledger.figures."},
	{"ledger.case." + caseID, "ledger.refusal.BKN"},
	{"ledger.case." + caseID, "ledger.roster\r"},
	{"signature: bawaslu/2026a", "signature: bawaslu/2026c"}, // not sorted
	{"signature: bawaslu/2026a", "signature: bawaslu/2026b"}, // twice
	{"signature: bawaslu/2026a", "signatur: bawaslu/2026a"},
	{"ODg==\n", "ODg==\nsignature: \n"},
	{"ODg==\n", "ODh==\n"},
	{"ODg==\n", "ODg==\r\n"},
	{"\n\n{", "\n{"},
	{"\n\n{", "\nx: y\n\n{"},
}

func TestBadLeaves(t *testing.T) {
	golden := string(goldenFile(t, "record.leaf"))
	for _, tt := range badLeaves {
		if r, err := ledger.ParseLeaf([]byte(swap(t, golden, tt.old, tt.new))); err == nil {
			t.Errorf("%q for %q: accepted as %+v", tt.new, tt.old, r)
		}
	}
	head, _, _ := strings.Cut(golden, "signature: ")
	for name, leaf := range map[string]string{
		"nothing":       "",
		"magic only":    "berkas/record/v1\n",
		"two lines":     "berkas/record/v1\nposition: 1\n\n",
		"no signature":  head + "\n{}",
		"17 signatures": head + strings.Repeat("signature: bawaslu/2026a "+value+"\n", 17) + "\n{}",
		"body too long": golden + strings.Repeat(" ", ledger.MaxBody),
		"leaf too long": golden + strings.Repeat(" ", ledger.MaxLeaf),
	} {
		if _, err := ledger.ParseLeaf([]byte(leaf)); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

// TestLargestLeaf: whatever intake lets in has a leaf that can be written.
func TestLargestLeaf(t *testing.T) {
	r := ledger.Record{
		Position: ledger.Position(^uint64(0)), Recorded: moment(t, "2026-11-26T03:10:00Z"),
		Subject: ledger.SubjectCase(caseID), Body: make([]byte, ledger.MaxBody),
	}
	for i := range ledger.MaxSignatures {
		id := strings.Repeat("a", 32) + "/" + strings.Repeat("b", 31) + string(rune('a'+i))
		r.Signatures = append(r.Signatures, ledger.Signature{Key: ledger.KeyID(id)})
	}
	if n := len(r.Leaf()); n > ledger.MaxLeaf {
		t.Errorf("the largest record makes a leaf of %d bytes", n)
	}
	if _, err := ledger.ParseLeaf(r.Leaf()); err != nil {
		t.Error(err)
	}
}

func TestBadMessages(t *testing.T) {
	r := goldenRecord(t)
	for name, change := range map[string]func(h map[string][]string){
		"a header more":         set("Nats-Msg-Id", "1"),
		"a header empty":        set("X"),
		"no recorded time":      without("Berkas-Recorded"),
		"recorded twice":        set("Berkas-Recorded", "2026-11-26T03:10:00.000000Z", "2026-11-26T03:10:00.000000Z"),
		"recorded in Jakarta":   set("Berkas-Recorded", "2026-11-26T10:10:00.000000+07:00"),
		"recorded renamed":      renamed("Berkas-Recorded", "berkas-recorded"),
		"no content type":       without("Content-Type"),
		"another content type":  set("Content-Type", "application/json"),
		"content type twice":    set("Content-Type", ledger.ContentType, ledger.ContentType),
		"no signature":          set("Berkas-Signature"),
		"signature renamed":     renamed("Berkas-Signature", "Signature"),
		"signatures not sorted": set("Berkas-Signature", r.Signatures[1].String(), r.Signatures[0].String()),
		"a signature twice":     set("Berkas-Signature", r.Signatures[0].String(), r.Signatures[0].String()),
		"a bad signature":       set("Berkas-Signature", badSignatures["non-canonical tail"]),
	} {
		h := r.Header()
		change(h)
		if _, err := ledger.ParseRecord(r.Position, r.Subject, h, r.Body); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	if _, err := ledger.ParseRecord(0, r.Subject, r.Header(), r.Body); err == nil {
		t.Error("position 0: accepted")
	}
	if _, err := ledger.ParseRecord(1, "ledger.x", r.Header(), r.Body); err == nil {
		t.Error("an unknown subject: accepted")
	}
	if _, err := ledger.ParseRecord(1, r.Subject, r.Header(), make([]byte, ledger.MaxBody+1)); err == nil {
		t.Error("a body too long: accepted")
	}
}

func TestSubjects(t *testing.T) {
	for _, tt := range []struct{ subject, caseID string }{
		{ledger.SubjectCase(caseID), caseID},
		{ledger.SubjectRoster, ""},
		{ledger.SubjectFigures(ledger.BKN), ""},
		{ledger.SubjectRefusal(ledger.KASN), ""},
	} {
		if got := (ledger.Record{Subject: tt.subject}).CaseID(); got != tt.caseID {
			t.Errorf("the case of %s is %q, want %q", tt.subject, got, tt.caseID)
		}
	}
	want := map[ledger.Stream]string{
		ledger.StreamCase: ledger.SubjectCase("x"), ledger.StreamFigures: "ledger.figures.bkn",
		ledger.StreamRoster: "ledger.roster", ledger.StreamRefusal: "ledger.refusal.x",
	}
	for _, k := range ledger.Kinds {
		if got := ledger.SubjectOf(ledger.Event{Source: ledger.BKN, Subject: "x"}, k); got != want[k.Stream] {
			t.Errorf("%s stands on %s, want %s", k.Kind, got, want[k.Stream])
		}
	}
}

// TestChain: every follower notices a gap, a rewind, and another record.
func TestChain(t *testing.T) {
	record := func(p ledger.Position, body string) ledger.Record {
		r := goldenRecord(t)
		r.Position, r.Body = p, []byte(body)
		return r
	}
	start := func() *ledger.Chain {
		c := &ledger.Chain{}
		for p := range 3 {
			if _, err := c.Next(record(ledger.Position(p+1), "x")); err != nil {
				t.Fatal(err)
			}
		}
		return c
	}
	c := start()
	if c.Position != 3 || c.Leaf != record(3, "x").LeafHash() || c.Resume() != 2 {
		t.Errorf("after three records the chain is %+v, resumes after %d", c, c.Resume())
	}
	if h, err := c.Next(record(3, "x")); err != nil || h != c.Leaf {
		t.Errorf("the same record again: %v", err)
	}
	if _, err := c.Next(record(4, "x")); err != nil || c.Position != 4 {
		t.Errorf("the next record: %v", err)
	}
	for name, r := range map[string]ledger.Record{
		"a gap": record(5, "x"), "a rewind": record(2, "x"), "from the start": record(1, "x"),
		"another record": record(3, "y"), "position 0": record(0, "x"),
	} {
		c, before := start(), *start()
		_, err := c.Next(r)
		var broken *ledger.ErrBroken
		if !errors.As(err, &broken) || broken.Problem == "" || !strings.Contains(err.Error(), "audit") {
			t.Errorf("%s: %v", name, err)
		}
		if *c != before {
			t.Errorf("%s moved the chain to %+v", name, c)
		}
	}
	zero := &ledger.Chain{}
	if _, err := zero.Next(record(2, "x")); err == nil || zero.Resume() != 0 {
		t.Error("a ledger may begin at position 2")
	}
}
