package ledger_test

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	f_log "github.com/transparency-dev/formats/log"
	f_note "github.com/transparency-dev/formats/note"
	f_proof "github.com/transparency-dev/formats/proof"
	f_witness "github.com/transparency-dev/formats/witness"
	"github.com/transparency-dev/merkle/proof"
	"github.com/transparency-dev/merkle/rfc6962"
	"golang.org/x/mod/sumdb/note"
	"pgregory.net/rapid"

	"github.com/berkas-ledger/berkas/ledger"
)

// Here what this package writes is read by programs that others wrote, and what
// they write by this package: github.com/transparency-dev/formats and merkle.

func TestTheirCheckpoint(t *testing.T) {
	_, vkey := noteKeys(t, origin)
	w := goldenWitnesses(t)
	theirs := make([]note.Verifier, len(w))
	for i := range w {
		v, err := f_note.NewVerifierForCosignatureV1(w[i].key.String())
		if err != nil {
			t.Fatal(err)
		}
		if v.Name() != w[i].key.Name() || v.KeyHash() != w[i].key.KeyHash() {
			t.Errorf("%s is to them %s with hash %08x", w[i].key, v.Name(), v.KeyHash())
		}
		theirs[i] = v
	}
	c, rest, n, err := f_log.ParseCheckpoint(goldenFile(t, "checkpoint-cosigned.note"), origin, verifier(t, vkey), theirs...)
	if err != nil {
		t.Fatal(err)
	}
	want := goldenLog(t).at(t, 50)
	if c.Origin != want.Origin || c.Size != uint64(want.Size) || !bytes.Equal(c.Hash, want.Root[:]) || len(rest) > 0 || len(n.Sigs) != 4 {
		t.Errorf("they read %+v, %q, %d signatures; want %+v and four", c, rest, len(n.Sigs), want)
	}
	for _, sig := range n.Sigs[1:] {
		at, err := f_note.CoSigV1Timestamp(sig)
		ours, ourErr := ledger.CosignedAt(sig)
		if err != nil || ourErr != nil || !at.Equal(ours) || !at.Equal(cosignedAt) {
			t.Errorf("%s cosigned at %v (%v), to us at %v (%v)", sig.Name, at, err, ours, ourErr)
		}
	}
	got, err := ledger.ParseCheckpoint(string(c.Marshal()))
	if err != nil || got != want {
		t.Errorf("what they write reads as %+v, %v", got, err)
	}
}

// TestTheirCosignature: a witness of theirs, with a key of type 4, is one to us.
func TestTheirCosignature(t *testing.T) {
	w := witnessNamed(t, "theirs.example/witness")
	skey := fmt.Sprintf("PRIVATE+KEY+%s+%08x+%s", w.key.Name(), w.key.KeyHash(),
		base64.StdEncoding.EncodeToString(append([]byte{4}, w.private.Seed()...)))
	signer, err := f_note.NewSignerForCosignatureV1(skey)
	if err != nil {
		t.Fatal(err)
	}
	c := goldenLog(t).at(t, 50)
	n, err := note.Open(signed(t, c), note.VerifierList(policyLog(t)))
	if err != nil {
		t.Fatal(err)
	}
	before := time.Now().Add(-time.Second)
	signed, err := note.Sign(n, signer)
	if err != nil {
		t.Fatal(err)
	}
	p := goldenPolicy(t)
	p.Witnesses = []ledger.PolicyWitness{{Name: "theirs", Key: w.key}}
	p.Groups, p.Quorum = nil, "theirs"
	got, err := p.Open(signed)
	if err != nil || len(got.By) != 1 || got.By[0].At.Before(before) || got.By[0].At.After(time.Now()) {
		t.Errorf("their cosignature: %+v, %v", got.By, err)
	}
	if _, err := ledger.ParseWitnessKey(w.key.String()); err != nil {
		t.Error(err)
	}
}

func policyLog(t testing.TB) note.Verifier {
	t.Helper()
	_, vkey := noteKeys(t, origin)
	return verifier(t, vkey)
}

func TestTheirProof(t *testing.T) {
	golden := goldenFile(t, "record.tlog-proof")
	var theirs f_proof.TLogProof
	if err := theirs.Unmarshal(golden); err != nil {
		t.Fatal(err)
	}
	if theirs.Index != 41 || theirs.ExtraData != nil || !bytes.Equal(theirs.Marshal(), golden) {
		t.Errorf("they read index %d, and write %q", theirs.Index, theirs.Marshal())
	}
	c, _, _, err := f_log.ParseCheckpoint(theirs.Checkpoint, origin, policyLog(t))
	if err != nil {
		t.Fatal(err)
	}
	path := make([][]byte, len(theirs.Hashes))
	for i := range theirs.Hashes {
		path[i] = theirs.Hashes[i][:]
	}
	leaf := rfc6962.DefaultHasher.HashLeaf(goldenFile(t, "record.leaf"))
	if err := proof.VerifyInclusion(rfc6962.DefaultHasher, theirs.Index, c.Size, leaf, path, c.Hash); err != nil {
		t.Errorf("they do not find the golden leaf proven: %v", err)
	}
	ours, err := ledger.ParseProof(string(theirs.Marshal()))
	if err != nil || ours.Text() != string(golden) {
		t.Errorf("what they write reads as %+v, %v", ours, err)
	}
}

func raw(list []ledger.Hash) [][]byte {
	out := make([][]byte, len(list))
	for i := range list {
		out[i] = list[i][:]
	}
	return out
}

// TestTheirMerkle: every proof, right or spoilt, is to them what it is to us.
func TestTheirMerkle(t *testing.T) {
	const most = 70
	l := logOf(t, most)
	hasher := rfc6962.DefaultHasher
	if !bytes.Equal(hasher.HashLeaf(l.leaves[0]), leafOf(l, 1)) {
		t.Fatal("they hash leaves otherwise")
	}
	rapid.Check(t, func(t *rapid.T) {
		size := rapid.IntRange(1, most).Draw(t, "size")
		p := rapid.IntRange(1, size).Draw(t, "position")
		c, leaf := l.at(t, size), l.leaf(p)
		hashes := spoil(t, l.inclusion(t, p, size))
		at := ledger.Position(p + rapid.SampledFrom([]int{0, 0, 0, 1, -1}).Draw(t, "aside"))
		if rapid.IntRange(0, 4).Draw(t, "another root") == 0 {
			c.Root[0] ^= 1
		}
		ours := ledger.CheckInclusion(c, at, leaf, hashes)
		theirs := proof.VerifyInclusion(hasher, uint64(at)-1, uint64(c.Size), leaf[:], raw(hashes), c.Root[:])
		if (ours == nil) != (theirs == nil) {
			t.Errorf("position %d of %d: to us %v, to them %v", at, size, ours, theirs)
		}
	})
	rapid.Check(t, func(t *rapid.T) {
		newer := rapid.IntRange(1, most).Draw(t, "newer")
		older := rapid.IntRange(1, newer).Draw(t, "older")
		a, b := l.at(t, older), l.at(t, newer)
		hashes := spoil(t, l.consistency(t, older, newer))
		a.Size += ledger.Position(rapid.SampledFrom([]int{0, 0, 0, 1}).Draw(t, "aside"))
		if rapid.IntRange(0, 4).Draw(t, "another root") == 0 {
			a.Root[0] ^= 1
		}
		ours := ledger.CheckConsistency(a, b, hashes)
		theirs := proof.VerifyConsistency(hasher, uint64(a.Size), uint64(b.Size), raw(hashes), a.Root[:], b.Root[:])
		if (ours == nil) != (theirs == nil) {
			t.Errorf("%d to %d: to us %v, to them %v", a.Size, b.Size, ours, theirs)
		}
	})
}

func leafOf(l *testLog, p int) []byte {
	h := l.leaf(p)
	return h[:]
}

// spoil leaves half of the proofs as they are, and changes the others.
func spoil(t *rapid.T, hashes []ledger.Hash) []ledger.Hash {
	out := slices.Clone(hashes)
	n := len(out)
	switch rapid.SampledFrom([]string{"", "", "", "bit", "cut", "more", "order"}).Draw(t, "spoilt") {
	case "bit":
		if n > 0 {
			out[rapid.IntRange(0, n-1).Draw(t, "hash")][rapid.IntRange(0, 31).Draw(t, "byte")] ^= 1
		}
	case "cut":
		if n > 0 {
			out = out[:n-1]
		}
	case "more":
		out = append(out, ledger.Hash{1})
	case "order":
		slices.Reverse(out)
	}
	return out
}

// TestTheirQuorum: groups within groups mean to them what they mean to us, for
// any set of witnesses.
func TestTheirQuorum(t *testing.T) {
	base, all := goldenPolicy(t), goldenWitnesses(t)
	c := goldenLog(t).at(t, 50)
	alone := signed(t, c)
	lines := map[int]string{}
	for i, w := range all {
		lines[i] = w.cosign(c.Text())
	}
	rapid.Check(t, func(t *rapid.T) {
		p := drawPolicy(t, all, base)
		text := string(alone)
		for _, i := range slices.Sorted(maps.Keys(lines)) {
			if rapid.Bool().Draw(t, "cosigned") {
				text += lines[i]
			}
		}
		// Their reader knows the lines of tlog-policy only.
		_, rest, _ := strings.Cut(p.Text(), "\nlog ")
		_, rest, _ = strings.Cut(rest, "\nwitness ")
		theirs, err := f_witness.ParsePolicy([]byte("witness " + rest))
		if err != nil {
			t.Fatalf("they do not read %q: %v", rest, err)
		}
		_, err = p.Open([]byte(text))
		if (err == nil) != theirs.Satisfied([]byte(text)) {
			t.Errorf("by %q: to us %v, to them %v", p.Text(), err, theirs.Satisfied([]byte(text)))
		}
	})
}

// TestTheirWitness: the address at which theirs are asked is the one of the
// policy.
func TestTheirWitness(t *testing.T) {
	w := goldenPolicy(t).Witnesses[0]
	u, err := url.Parse(w.URL)
	if err != nil {
		t.Fatal(err)
	}
	theirs, err := f_witness.New(w.Key.String(), u)
	if err != nil || theirs.URL != w.URL+"/add-checkpoint" || !theirs.Satisfied(goldenFile(t, "checkpoint-cosigned.note")) {
		t.Errorf("they ask %s, %v", theirs.URL, err)
	}
}
