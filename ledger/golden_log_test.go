package ledger_test

import (
	"bytes"
	"reflect"
	"testing"

	"github.com/berkas-ledger/berkas/ledger"
)

func TestGoldenCheckpoint(t *testing.T) {
	c := goldenLog(t).at(t, 50)
	frozen(t, "checkpoint.note", signed(t, c))
	_, vkey := noteKeys(t, origin)
	got, _, err := ledger.OpenCheckpoint(goldenFile(t, "checkpoint.note"), verifier(t, vkey))
	if err != nil || got != c {
		t.Errorf("the golden checkpoint reads as %+v, %v; want %+v", got, err, c)
	}
}

func TestGoldenCosignatures(t *testing.T) {
	w := goldenWitnesses(t)
	frozen(t, "checkpoint-cosigned.note", cosignedBy(t, goldenLog(t).at(t, 50), w[0], w[2], w[3]))
	got, err := goldenPolicy(t).Open(goldenFile(t, "checkpoint-cosigned.note"))
	if err != nil {
		t.Fatal(err)
	}
	want := []ledger.Cosignature{{Witness: "bkn", At: cosignedAt}, {Witness: "kemendagri", At: cosignedAt}, {Witness: "university", At: cosignedAt}}
	if !reflect.DeepEqual(got.By, want) {
		t.Errorf("cosigned by %v, want %v", got.By, want)
	}
	if !bytes.Equal(got.Signed, goldenFile(t, "checkpoint-cosigned.note")) {
		t.Error("the accepted checkpoint is kept in other bytes than it was read")
	}
}

func TestGoldenPolicy(t *testing.T) {
	p := goldenPolicy(t)
	frozen(t, "policy.txt", []byte(p.Text()))
	got, err := ledger.ParsePolicy(string(goldenFile(t, "policy.txt")))
	if err != nil || !reflect.DeepEqual(got, p) {
		t.Errorf("the golden policy reads as %+v, %v; want %+v", got, err, p)
	}
}

func TestGoldenProof(t *testing.T) {
	p := goldenProof(t)
	frozen(t, "record.tlog-proof", []byte(p.Text()))
	got, err := ledger.ParseProof(string(goldenFile(t, "record.tlog-proof")))
	if err != nil || !reflect.DeepEqual(got, p) {
		t.Fatalf("the golden proof reads as %+v, %v; want %+v", got, err, p)
	}
	w, err := got.Verify(goldenPolicy(t), goldenRecord(t).LeafHash())
	if err != nil || w.Size != 50 || len(w.By) != 3 {
		t.Errorf("the golden proof verifies as %+v, %v", w, err)
	}
}

// TestGoldenBundle freezes entries as bundles and the journal hold them.
func TestGoldenBundle(t *testing.T) {
	var bundle []byte
	for _, name := range []string{"genesis.leaf", "record.leaf", "refusal.leaf"} {
		bundle = ledger.AppendEntry(bundle, goldenFile(t, name))
	}
	frozen(t, "entries.bundle", bundle)
	leaves, err := ledger.ParseBundle(goldenFile(t, "entries.bundle"), 3)
	if err != nil || len(leaves) != 3 || !bytes.Equal(leaves[1], goldenFile(t, "record.leaf")) {
		t.Errorf("the golden bundle has %d leaves, %v", len(leaves), err)
	}
}
