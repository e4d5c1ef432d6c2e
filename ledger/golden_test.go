package ledger_test

import (
	"bytes"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/note"

	"github.com/berkas-ledger/berkas/ledger"
)

// The files of testdata/golden are frozen. There is no flag that writes them
// anew: who changes a format writes an ADR first, and the files by hand.
//
// frozen compares bytes with a golden file.
func frozen(t *testing.T, name string, got []byte) {
	t.Helper()
	want := goldenFile(t, name)
	if !bytes.Equal(got, want) {
		t.Errorf("a frozen format changed: %s\n got %q\nwant %q\n"+
			"Agencies, auditors and ledgers elsewhere hold bytes of this form. Undo the change, or write an ADR.", name, got, want)
	}
}

func goldenFile(t testing.TB, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", "golden", name))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// headerText writes headers as lines in order of their names.
func headerText(h map[string][]string) []byte {
	var b bytes.Buffer
	for _, name := range slices.Sorted(maps.Keys(h)) {
		for _, v := range h[name] {
			fmt.Fprintf(&b, "%s: %s\n", name, v)
		}
	}
	return b.Bytes()
}

func parseHeader(t *testing.T, text []byte) map[string][]string {
	t.Helper()
	h := map[string][]string{}
	for line := range strings.Lines(string(text)) {
		name, value, ok := strings.Cut(strings.TrimSuffix(line, "\n"), ": ")
		if !ok {
			t.Fatalf("no header: %q", line)
		}
		h[name] = append(h[name], value)
	}
	return h
}

func goldenSubmission(t testing.TB) ledger.Submission {
	t.Helper()
	body := mustEncode(t, openedEvent(t))
	return ledger.Submission{Agency: ledger.Bawaslu, Body: body, Signatures: []ledger.Signature{
		ledger.Sign("bawaslu/2026a", privateKey("bawaslu/2026a"), body),
		ledger.Sign("bawaslu/2026b", privateKey("bawaslu/2026b"), body),
	}}
}

func goldenRecord(t testing.TB) ledger.Record {
	t.Helper()
	s := goldenSubmission(t)
	return ledger.Record{
		Position: 42, Recorded: moment(t, "2026-11-26T03:10:00Z"), Subject: ledger.SubjectCase(caseID),
		Signatures: s.Signatures, Body: s.Body,
	}
}

func TestGoldenSubmission(t *testing.T) {
	s := goldenSubmission(t)
	frozen(t, "event.json", s.Body)
	frozen(t, "submission.headers", headerText(s.Header()))

	// The order of the signatures in the message does not matter.
	header := parseHeader(t, goldenFile(t, "submission.headers"))
	slices.Reverse(header[ledger.HeaderSignature])
	got, bad := ledger.ParseSubmission(ledger.Bawaslu, header, goldenFile(t, "event.json"))
	if bad != nil {
		t.Fatal(bad)
	}
	if !reflect.DeepEqual(got, s) {
		t.Errorf("the golden submission reads as %+v, want %+v", got, s)
	}
	for _, sig := range got.Signatures {
		if !sig.Fits(publicKey(sig.Key), got.Body) {
			t.Errorf("a frozen format changed: the golden signature of %s does not fit", sig.Key)
		}
	}
}

func TestGoldenEvent(t *testing.T) {
	want := openedEvent(t)
	got, bad := ledger.Decode(goldenFile(t, "event.json"))
	if bad != nil {
		t.Fatal(bad)
	}
	if !bytes.Equal(got.Data, want.Data) {
		t.Errorf("data reads as %s", got.Data)
	}
	again := mustEncode(t, got)
	frozen(t, "event.json", again)
	if !got.Time.Equal(want.Time) || got.ID != want.ID || got.Source != want.Source || got.Kind != want.Kind ||
		got.Subject != want.Subject || *got.CaseVersion != 0 || got.TraceParent != want.TraceParent {
		t.Errorf("the golden event reads as %+v, want %+v", got, want)
	}
}

func TestGoldenPAE(t *testing.T) {
	frozen(t, "event.pae", ledger.PAE(goldenFile(t, "event.json")))
}

// TestGoldenRecord walks leaf, record, stream message, record, leaf.
func TestGoldenRecord(t *testing.T) {
	r := goldenRecord(t)
	frozen(t, "record.leaf", r.Leaf())
	frozen(t, "record.headers", headerText(r.Header()))
	frozen(t, "record.hash", []byte(r.LeafHash().String()+"\n"))

	fromLeaf, err := ledger.ParseLeaf(goldenFile(t, "record.leaf"))
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(fromLeaf, r) {
		t.Errorf("the golden leaf reads as %+v, want %+v", fromLeaf, r)
	}
	message, err := ledger.ParseRecord(fromLeaf.Position, fromLeaf.Subject, parseHeader(t, headerText(fromLeaf.Header())), fromLeaf.Body)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(message, r) {
		t.Errorf("the golden message reads as %+v, want %+v", message, r)
	}
	frozen(t, "record.leaf", message.Leaf())
	if h := ledger.HashLeaf(goldenFile(t, "record.leaf")); h != r.LeafHash() {
		t.Errorf("hash of the leaf's bytes %s, of the record %s", h, r.LeafHash())
	}
}

func goldenReceipts(t *testing.T) map[string]ledger.Receipt {
	t.Helper()
	r := goldenRecord(t)
	admitted := ledger.Receipt{
		Origin: origin, Agency: ledger.Bawaslu, Event: eventID(0xe1), Sum: goldenSubmission(t).Sum(),
		Outcome: ledger.Admitted, Position: r.Position, Recorded: r.Recorded, Leaf: r.LeafHash(),
	}
	refused := admitted
	refused.Outcome, refused.Reason, refused.First = ledger.Refused, ledger.CodeIDReused, 7
	refused.Pointers = []string{"/id", "/data/respondents/0/id"}
	for i := range refused.Nonce {
		refused.Nonce[i] = byte(i)
	}
	noEvent := refused
	noEvent.Event, noEvent.Reason, noEvent.Pointers, noEvent.First = "-", ledger.CodeNotJSON, nil, 0
	return map[string]ledger.Receipt{
		"receipt-admitted.note": admitted, "receipt-refused.note": refused, "receipt-no-event.note": noEvent,
	}
}

func TestGoldenReceipts(t *testing.T) {
	signer, vkey := noteKeys(t, origin+"/receipt")
	for name, want := range goldenReceipts(t) {
		signed, err := ledger.SignReceipt(want, signer)
		if err != nil {
			t.Fatal(err)
		}
		frozen(t, name, signed)
		got, err := ledger.OpenReceipt(goldenFile(t, name), verifier(t, vkey))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s reads as %+v, want %+v", name, got, want)
		}
	}
	_, other := noteKeys(t, origin+"/another")
	if _, err := ledger.OpenReceipt(goldenFile(t, "receipt-admitted.note"), verifier(t, other)); err == nil {
		t.Error("a receipt opens with a key that did not sign it")
	}
	forged := bytes.Replace(goldenFile(t, "receipt-admitted.note"), []byte("position: 42"), []byte("position: 43"), 1)
	if _, err := ledger.OpenReceipt(forged, verifier(t, vkey)); err == nil {
		t.Error("a receipt opens after its position was changed")
	}
}

func goldenGenesis(t *testing.T) ledger.Record {
	t.Helper()
	_, receipt := noteKeys(t, origin+"/receipt")
	_, log := noteKeys(t, origin)
	g := ledger.Genesis{
		Origin: origin, Registrar: namedKey("registrar/1"), Receipt: receipt, Log: log, Threshold: 2, LateAfterDays: 30,
		Institutions: []ledger.GenesisInstitution{
			{ID: ledger.Bawaslu, Kind: ledger.KindInstitution, Root: namedKey("bawaslu/root-1")},
			{ID: ledger.KASN, Kind: ledger.KindInstitution, Root: namedKey("kasn/root-1")},
			{ID: ledger.BKN, Kind: ledger.KindInstitution, Root: namedKey("bkn/root-1")},
			{ID: ledger.Vault, Kind: ledger.KindService, Root: namedKey("vault/root-1")},
		},
		Mandates: []ledger.Grant{
			{Agency: ledger.Bawaslu, Mandate: ledger.MandateIntake, Scope: ledger.ScopeAll, Basis: "UU 7/2017 Ps 454", Doubt: ledger.DoubtNone},
			{
				Agency: ledger.BKN, Mandate: ledger.MandateClarification, From: "2024-09-04", Until: "2027-10-16",
				Scope: ledger.ScopeNotPredecessor, Predecessor: ledger.KASN, Basis: "SE MenPANRB 4/2024", Doubt: ledger.DoubtConflict,
			},
			{
				Agency: ledger.KASN, Mandate: ledger.MandateLate, Scope: ledger.ScopeAll, Basis: "history before this ledger",
				Doubt: ledger.DoubtNone, Happened: &ledger.Days{From: "2018-01-01", Until: "2026-01-01"},
			},
		},
	}
	body := mustEncode(t, ledger.Event{
		ID: eventID(1), Source: ledger.Registrar, Kind: ledger.GenesisKind, Version: 1, Subject: "genesis",
		Time: moment(t, "2026-11-20T00:00:00.000001Z"), Ledger: origin, Data: mustJSON(t, g),
	})
	return ledger.Record{
		Position: 1, Recorded: moment(t, "2026-11-20T00:00:00.000001Z"), Subject: ledger.SubjectRoster, Body: body,
		Signatures: []ledger.Signature{ledger.Sign("registrar/1", privateKey("registrar/1"), body)},
	}
}

func TestGoldenGenesis(t *testing.T) {
	frozen(t, "genesis.leaf", goldenGenesis(t).Leaf())
	frozen(t, "genesis.hash", []byte(goldenGenesis(t).LeafHash().String()+"\n"))

	r, err := ledger.ParseLeaf(goldenFile(t, "genesis.leaf"))
	if err != nil {
		t.Fatal(err)
	}
	e, err := ledger.DecodeRecord(r)
	if err != nil {
		t.Fatal(err)
	}
	g, ok := e.Payload.(*ledger.Genesis)
	if !ok {
		t.Fatalf("the golden genesis decodes to %T", e.Payload)
	}
	e.Data = mustJSON(t, g)
	if again := mustEncode(t, e); !bytes.Equal(again, r.Body) {
		t.Errorf("a frozen format changed: genesis decodes and encodes to\n%s\nwant\n%s", again, r.Body)
	}
	if !r.Signatures[0].Fits(publicKey("registrar/1"), r.Body) {
		t.Error("a frozen format changed: the signature of the golden genesis does not fit")
	}
}

// TestGoldenRefusal freezes the registrar's own record of a refusal.
func TestGoldenRefusal(t *testing.T) {
	data := mustJSON(t, ledger.SubmissionRefused{
		Agency: ledger.KASN, Reason: ledger.CodeIDReused, Pointers: []string{"/id"},
		Digest: ledger.HashLeaf(nil).String(), First: 42,
	})
	body := mustEncode(t, ledger.Event{
		ID: eventID(2), Source: ledger.Registrar, Kind: ledger.SubmissionRefusedKind, Version: 1, Subject: "kasn",
		Time: moment(t, "2026-11-26T03:10:00Z"), Ledger: origin, Data: data,
	})
	r := ledger.Record{
		Position: 43, Recorded: moment(t, "2026-11-26T03:10:00Z"), Subject: ledger.SubjectRefusal(ledger.KASN), Body: body,
		Signatures: []ledger.Signature{ledger.Sign("registrar/1", privateKey("registrar/1"), body)},
	}
	frozen(t, "refusal.leaf", r.Leaf())
	got, err := ledger.ParseLeaf(goldenFile(t, "refusal.leaf"))
	if err != nil {
		t.Fatal(err)
	}
	e, err := ledger.DecodeRecord(got)
	if err != nil {
		t.Fatal(err)
	}
	if p, ok := e.Payload.(*ledger.SubmissionRefused); !ok || p.First != 42 || p.Reason != ledger.CodeIDReused {
		t.Errorf("the golden refusal decodes to %+v", e.Payload)
	}
}

// TestNoteKeysAreOrdinary: what noteKeys puts together is what the library
// makes, so the golden receipts are ordinary notes.
func TestNoteKeysAreOrdinary(t *testing.T) {
	signer, vkey := noteKeys(t, origin)
	signed, err := note.Sign(&note.Note{Text: "x\n"}, signer)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := note.Open(signed, note.VerifierList(verifier(t, vkey))); err != nil {
		t.Error(err)
	}
}
