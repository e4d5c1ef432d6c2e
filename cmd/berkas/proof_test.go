package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
	f_log "github.com/transparency-dev/formats/log"
	f_proof "github.com/transparency-dev/formats/proof"
	"github.com/transparency-dev/merkle/proof"
	"github.com/transparency-dev/merkle/rfc6962"
	"golang.org/x/mod/sumdb/note"

	"github.com/berkas-ledger/berkas/ledger"
)

// theirs has a proof checked by others' programs: theirs PROOF LEAF POLICY.
func theirs(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 3 {
		ts.Fatalf("usage: theirs PROOF LEAF POLICY")
	}
	text, leaf := []byte(ts.ReadFile(args[0])), []byte(ts.ReadFile(args[1]))
	policy, err := ledger.ParsePolicy(ts.ReadFile(args[2]))
	ts.Check(err)
	err = theirCheck(text, leaf, policy)
	if neg == (err == nil) {
		ts.Fatalf("others' programs say of %s: %v", args[0], err)
	}
}

func theirCheck(text, leaf []byte, policy ledger.Policy) error {
	var p f_proof.TLogProof
	if err := p.Unmarshal(text); err != nil {
		return err
	}
	verifier, err := note.NewVerifier(policy.Log)
	if err != nil {
		return err
	}
	c, _, _, err := f_log.ParseCheckpoint(p.Checkpoint, policy.Origin, verifier)
	if err != nil {
		return err
	}
	hashes := make([][]byte, len(p.Hashes))
	for i := range p.Hashes {
		hashes[i] = p.Hashes[i][:]
	}
	hasher := rfc6962.DefaultHasher
	return proof.VerifyInclusion(hasher, p.Index, c.Size, hasher.HashLeaf(leaf), hashes, c.Hash)
}

// TestCheckProof: the frozen proof is judged as it was when it was frozen, and a
// record that names another position than the log has it at is no good.
func TestCheckProof(t *testing.T) {
	golden := func(name string) []byte {
		t.Helper()
		raw, err := os.ReadFile(filepath.Join(repository(t, "ledger", "testdata", "golden"), name))
		if err != nil {
			t.Fatal(err)
		}
		return raw
	}
	policy, err := ledger.ParsePolicy(string(golden("policy.txt")))
	if err != nil {
		t.Fatal(err)
	}
	text, leaf := string(golden("record.tlog-proof")), golden("record.leaf")
	out, err := checkProof(policy, text, leaf)
	if err != nil || !out.Valid || out.Position != 42 || out.Size != 50 || len(out.Witnesses) != 3 || out.Recorded != "2026-11-26T03:10:00.000000Z" {
		t.Errorf("%+v, %v", out, err)
	}
	var said strings.Builder
	if err := out.print(&said); err != nil || !strings.Contains(said.String(), "bkn (2026-11-26T03:10:01Z), kemendagri") || !strings.Contains(said.String(), "quorum is everybody") {
		t.Errorf("%v: %s", err, said.String())
	}
	for name, tt := range map[string]struct {
		text string
		leaf []byte
	}{
		"another leaf":       {text, golden("refusal.leaf")},
		"another position":   {strings.Replace(text, "index 41", "index 42", 1), leaf},
		"too few witnesses":  {text[:strings.Index(text, "— kemendagri")], leaf},
		"a forged one":       {strings.Replace(text, "jUqQjAAAAABrB6MJf", "jUqQjAAAAABrB6MJg", 1), leaf},
		"not the log's word": {text[:strings.Index(text, "— berkas")] + text[strings.Index(text, "— bkn"):], leaf},
		"no leaf":            {text, []byte("leaf 42 of a test")},
		"no proof":           {"", leaf},
	} {
		if out, err := checkProof(policy, tt.text, tt.leaf); err == nil || out.Valid {
			t.Errorf("%s: %+v", name, out)
		}
	}
}

// TestRecordAtAnotherPlace: a ledger that puts a record where the record itself
// does not say it stands is caught, although hashes and signatures are right.
func TestRecordAtAnotherPlace(t *testing.T) {
	signer, policy := soloPolicy(t)
	leaf, err := os.ReadFile(filepath.Join(repository(t, "ledger", "testdata", "golden"), "record.leaf"))
	if err != nil {
		t.Fatal(err)
	}
	hash := ledger.HashLeaf(leaf) // it says position 42 and is the only record of this log
	signed, err := ledger.SignCheckpoint(ledger.Checkpoint{Origin: policy.Origin, Size: 1, Root: hash}, signer)
	if err != nil {
		t.Fatal(err)
	}
	text := ledger.Proof{Position: 1, Checkpoint: signed}.Text()
	if err := theirCheck([]byte(text), leaf, policy); err != nil {
		t.Fatalf("the proof is not even a proof: %v", err)
	}
	if out, err := checkProof(policy, text, leaf); err == nil || !strings.Contains(err.Error(), "position 42") {
		t.Errorf("%+v, %v", out, err)
	}
}

// soloPolicy is a policy with a key of its own and without witnesses.
func soloPolicy(t *testing.T) (note.Signer, ledger.Policy) {
	t.Helper()
	h := home{t.TempDir()}
	p := ledger.Policy{Origin: "berkas.example/proof", Genesis: ledger.Hash{1}, Quorum: ledger.QuorumNone}
	var err error
	if p.Log, err = h.newNoteKey("log.key", p.Origin); err != nil {
		t.Fatal(err)
	}
	if p.Receipt, err = h.newNoteKey("receipt.key", p.Origin+"/receipt"); err != nil {
		t.Fatal(err)
	}
	signer, err := h.noteSigner("log.key")
	if err != nil {
		t.Fatal(err)
	}
	return signer, p
}
