package main

import (
	"bytes"
	"crypto/ed25519"
	"fmt"
	"testing"
	"time"

	"github.com/berkas-ledger/berkas/internal/testkit"
	"github.com/berkas-ledger/berkas/ledger"
)

// TestMendSigned flips every bit of a checkpoint that two witnesses cosigned: each
// is noticed. Some are put back without any key, and nothing else ever is.
func TestMendSigned(t *testing.T) {
	w := testkit.NewWorld()
	signer, _, log := w.NoteKeys("")
	_, _, receipt := w.NoteKeys("receipt")
	leaves := make([]ledger.Hash, 300)
	for i := range leaves {
		leaves[i] = ledger.HashLeaf(fmt.Append(nil, i))
	}
	tree, err := treeOf(leaves)
	if err != nil {
		t.Fatal(err)
	}
	root, err := tree.root(257)
	if err != nil {
		t.Fatal(err)
	}
	c := ledger.Checkpoint{Origin: w.Origin, Size: 257, Root: root}
	signed, err := ledger.SignCheckpoint(c, signer)
	if err != nil {
		t.Fatal(err)
	}
	policy := ledger.Policy{Origin: w.Origin, Log: log, Receipt: receipt, Genesis: leaves[0], Quorum: "one"}
	for _, name := range []string{"one", "two"} {
		private := w.Private(ledger.KeyID("witness/" + name))
		key, err := ledger.NewWitnessKey("witness.example/"+name, private.Public().(ed25519.PublicKey))
		if err != nil {
			t.Fatal(err)
		}
		policy.Witnesses = append(policy.Witnesses, ledger.PolicyWitness{Name: name, Key: key})
		signed = append(signed, ledger.Cosign(key, private, c.Text(), time.Unix(1_800_000_000, 0))...)
	}
	const path = keptDir + "/257"
	if f := openSigned(path, signed, policy); f.err != nil || len(f.strange) > 0 || f.Checkpoint != c {
		t.Fatalf("the sound one: %+v", f)
	}
	for bit := range 8 * len(signed) {
		raw := bytes.Clone(signed)
		raw[bit/8] ^= 1 << (bit % 8)
		f := openSigned(path, raw, policy)
		if f.err == nil && len(f.strange) == 0 {
			t.Fatalf("byte %d, bit %d: nothing was noticed", bit/8, bit%8)
		}
		if bit%311 != 0 {
			continue
		}
		d := &doctor{policy: policy, truth: &truth{leaves: leaves, tree: tree, proven: 257}, logs: &logScan{signed: []signedFile{f}}}
		if got, ok := d.mendSigned(f); !ok || !bytes.Equal(got, signed) {
			t.Fatalf("byte %d, bit %d: it was not put back", bit/8, bit%8)
		}
		d.truth.proven = 256 // its records are not proven
		if _, ok := d.mendSigned(f); ok {
			t.Fatal("a checkpoint of records that are not proven was put back")
		}
	}
	broken := bytes.Clone(signed)
	broken[len(broken)-10] ^= 3
	f := openSigned(path, broken, policy)
	d := &doctor{policy: policy, truth: &truth{leaves: leaves, tree: tree, proven: 257}, logs: &logScan{signed: []signedFile{f}}}
	if _, ok := d.mendSigned(f); ok {
		t.Error("two wrong bits of a signature were put back")
	}
}
