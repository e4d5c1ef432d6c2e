package ledger_test

import (
	"bytes"
	"crypto/ed25519"
	"fmt"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/tlog"
	"pgregory.net/rapid"

	"github.com/berkas-ledger/berkas/ledger"
)

// testLog is a log in memory: the hashes of tlog, and its leaves.
type testLog struct {
	leaves [][]byte
	hashes []tlog.Hash
}

func (l *testLog) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	out := make([]tlog.Hash, len(indexes))
	for i, at := range indexes {
		if at >= int64(len(l.hashes)) {
			return nil, fmt.Errorf("no hash %d", at)
		}
		out[i] = l.hashes[at]
	}
	return out, nil
}

func (l *testLog) add(t rapid.TB, leaf []byte) {
	t.Helper()
	more, err := tlog.StoredHashes(int64(len(l.leaves)), leaf, l)
	if err != nil {
		t.Fatal(err)
	}
	l.leaves, l.hashes = append(l.leaves, leaf), append(l.hashes, more...)
}

// logOf makes a log of so many leaves.
func logOf(t rapid.TB, size int) *testLog {
	t.Helper()
	l := &testLog{}
	for i := range size {
		l.add(t, fmt.Appendf(nil, "leaf %d of a test", i+1))
	}
	return l
}

func (l *testLog) at(t rapid.TB, size int) ledger.Checkpoint {
	t.Helper()
	root, err := tlog.TreeHash(int64(size), l)
	if err != nil {
		t.Fatal(err)
	}
	return ledger.Checkpoint{Origin: origin, Size: ledger.Position(size), Root: ledger.Hash(root)}
}

func (l *testLog) leaf(p int) ledger.Hash { return ledger.HashLeaf(l.leaves[p-1]) }

// inclusion proves that a position is in the log of a size.
func (l *testLog) inclusion(t rapid.TB, position, size int) []ledger.Hash {
	t.Helper()
	p, err := tlog.ProveRecord(int64(size), int64(position-1), l)
	if err != nil {
		t.Fatal(err)
	}
	return hashList(p)
}

// consistency proves that the log of a size begins with that of an older one.
func (l *testLog) consistency(t rapid.TB, older, newer int) []ledger.Hash {
	t.Helper()
	if older == 0 || older == newer {
		return nil
	}
	p, err := tlog.ProveTree(int64(newer), int64(older), l)
	if err != nil {
		t.Fatal(err)
	}
	return hashList(p)
}

func hashList(list []tlog.Hash) []ledger.Hash {
	out := make([]ledger.Hash, len(list))
	for i, h := range list {
		out[i] = ledger.Hash(h)
	}
	return out
}

// testWitness is a witness with a key made from its name.
type testWitness struct {
	key     ledger.WitnessKey
	private ed25519.PrivateKey
}

func witnessNamed(t testing.TB, name string) testWitness {
	t.Helper()
	private := privateKey(ledger.KeyID(name))
	key, err := ledger.NewWitnessKey(name, private.Public().(ed25519.PublicKey))
	if err != nil {
		t.Fatal(err)
	}
	return testWitness{key, private}
}

var cosignedAt = time.Date(2026, 11, 26, 3, 10, 1, 0, time.UTC)

func (w testWitness) cosign(text string) string {
	return ledger.Cosign(w.key, w.private, text, cosignedAt)
}

func signed(t testing.TB, c ledger.Checkpoint) []byte {
	t.Helper()
	signer, _ := noteKeys(t, origin)
	out, err := ledger.SignCheckpoint(c, signer)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// cosignedBy adds signatures of witnesses to a signed checkpoint.
func cosignedBy(t testing.TB, c ledger.Checkpoint, by ...testWitness) []byte {
	t.Helper()
	out := bytes.NewBuffer(signed(t, c))
	for _, w := range by {
		out.WriteString(w.cosign(c.Text()))
	}
	return out.Bytes()
}

// goldenLog has the golden records where they say that they stand, and other
// leaves in between.
func goldenLog(t testing.TB) *testLog {
	t.Helper()
	l := &testLog{}
	for i := range 50 {
		switch i + 1 {
		case 1:
			l.add(t, goldenFile(t, "genesis.leaf"))
		case 42:
			l.add(t, goldenFile(t, "record.leaf"))
		case 43:
			l.add(t, goldenFile(t, "refusal.leaf"))
		default:
			l.add(t, fmt.Appendf(nil, "leaf %d of a test", i+1))
		}
	}
	return l
}

// Four witnesses: three of institutions, one of a university.
func goldenWitnesses(t testing.TB) []testWitness {
	t.Helper()
	var out []testWitness
	for _, name := range []string{"bkn.example/witness", "bawaslu.example/witness", "kemendagri.example/witness", "university.example/witness"} {
		out = append(out, witnessNamed(t, name))
	}
	return out
}

// goldenPolicy asks for two of the institutions' witnesses and the university's.
func goldenPolicy(t testing.TB) ledger.Policy {
	t.Helper()
	_, log := noteKeys(t, origin)
	_, receipt := noteKeys(t, origin+"/receipt")
	genesis := ledger.HashLeaf(goldenFile(t, "genesis.leaf"))
	p := ledger.PolicyOf(ledger.Genesis{Origin: origin, Log: log, Receipt: receipt}, genesis)
	for i, w := range goldenWitnesses(t) {
		p.Witnesses = append(p.Witnesses, ledger.PolicyWitness{
			Name: []string{"bkn", "bawaslu", "kemendagri", "university"}[i], Key: w.key,
			URL: []string{"https://witness.bkn.example", "", "http://127.0.0.1:8101/w", ""}[i],
		})
	}
	p.Groups = []ledger.PolicyGroup{
		{Name: "institutions", Threshold: 2, Members: []string{"bkn", "bawaslu", "kemendagri"}},
		{Name: "everybody", Threshold: 2, Members: []string{"institutions", "university"}},
	}
	p.Quorum = "everybody"
	return p
}

func goldenProof(t testing.TB) ledger.Proof {
	t.Helper()
	l, w := goldenLog(t), goldenWitnesses(t)
	return ledger.Proof{
		Position: 42, Hashes: l.inclusion(t, 42, 50), Checkpoint: cosignedBy(t, l.at(t, 50), w[0], w[2], w[3]),
	}
}
