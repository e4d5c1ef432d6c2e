package ledger_test

import (
	"bytes"
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/berkas-ledger/berkas/ledger"
)

// badProofs are changes to the golden proof.
var badProofs = []change{
	{"c2sp.org/tlog-proof@v1", "c2sp.org/tlog-proof@v2"},
	{"c2sp.org/tlog-proof@v1\n", ""},
	{"c2sp.org/tlog-proof@v1\n", "c2sp.org/tlog-proof@v1\nextra AAAA\n"},
	{"index 41", "index 041"},
	{"index 41", "index -41"},
	{"index 41", "index +41"},
	{"index 41", "index  41"},
	{"index 41", "index 9223372036854775807"},
	{"index 41", "Index 41"},
	{"index 41\n", ""},
	{"ooW52KG/", "ooW52KG_"},
	{"ooW52KG/", "ooW52KG/\n"},
	{"ooW52KG/", " ooW52KG/"},
	{"ooW52KG/", ""},
	{"T0w8=\n", "T0w9=\n"},
	{"T0w8=\n", "T0w8=\r\n"},
	{"T0w8=\n", "T0w8=\n\n"}, // then the rest is no checkpoint: see below
}

func TestBadProofs(t *testing.T) {
	golden := string(goldenFile(t, "record.tlog-proof"))
	policy, leaf := goldenPolicy(t), goldenRecord(t).LeafHash()
	for _, tt := range badProofs {
		p, err := ledger.ParseProof(swap(t, golden, tt.old, tt.new))
		if err != nil {
			continue
		}
		if _, err := p.Verify(policy, leaf); err == nil || tt.new != "T0w8=\n\n" {
			t.Errorf("%q for %q: accepted as %+v, %v", tt.new, tt.old, p, err)
		}
	}
	long := strings.Repeat("ooW52KG/q/yqXnpahXoxew1hTr+nykkynmAKEkFT0w8=\n", 64)
	for _, text := range []string{
		"", "c2sp.org/tlog-proof@v1\n", "c2sp.org/tlog-proof@v1\nindex 0\n", "c2sp.org/tlog-proof@v1\nindex 0\n\n", "\n\n\n",
		swap(t, golden, "index 41\n", "index 41\n"+long), golden + strings.Repeat("x", ledger.MaxCheckpoint),
	} {
		if _, err := ledger.ParseProof(text); err == nil {
			t.Errorf("%.60q: accepted", text)
		}
	}
}

// TestForgedProofs: no changed byte lets a proof pass for another leaf, another
// place or another log. What still verifies says exactly what the golden one
// does.
func TestForgedProofs(t *testing.T) {
	golden := goldenFile(t, "record.tlog-proof")
	policy, leaf := goldenPolicy(t), goldenRecord(t).LeafHash()
	want := goldenLog(t).at(t, 50)
	for i := range golden {
		forged := bytes.Clone(golden)
		forged[i] ^= 1
		p, err := ledger.ParseProof(string(forged))
		if err != nil {
			continue
		}
		if w, err := p.Verify(policy, leaf); err == nil && (p.Position != 42 || w.Checkpoint != want || len(w.By) < 2) {
			t.Fatalf("byte %d changed: verifies as position %d of %+v", i, p.Position, w)
		}
	}
	p := goldenProof(t)
	if _, err := p.Verify(policy, ledger.HashLeaf(goldenFile(t, "refusal.leaf"))); err == nil {
		t.Error("the proof of one leaf passes for another's")
	}
	p.Position = 43
	if _, err := p.Verify(policy, leaf); err == nil {
		t.Error("the proof of one position passes for another's")
	}
	below := goldenProof(t)
	below.Checkpoint = cosignedBy(t, want, goldenWitnesses(t)[:1]...)
	if _, err := below.Verify(policy, leaf); !errors.Is(err, ledger.ErrNoQuorum) {
		t.Errorf("a proof with one witness: %v", err)
	}
}

func TestProofRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := ledger.Proof{
			Position:   ledger.Position(rapid.Uint64Range(1, 1<<62).Draw(t, "position")),
			Checkpoint: []byte(rapid.StringMatching(`[ -~\n]{1,200}`).Draw(t, "checkpoint")),
		}
		for range rapid.IntRange(0, 63).Draw(t, "hashes") {
			p.Hashes = append(p.Hashes, ledger.Hash(rapid.SliceOfN(rapid.Byte(), 32, 32).Draw(t, "hash")))
		}
		got, err := ledger.ParseProof(p.Text())
		if err != nil || !reflect.DeepEqual(got, p) {
			t.Errorf("%+v reads as %+v, %v", p, got, err)
		}
	})
}

// TestEveryPositionOfEverySize: whatever is in a log can be proven, and nothing
// else by the same proof.
func TestEveryPositionOfEverySize(t *testing.T) {
	const most = 40
	l := logOf(t, most)
	for size := 1; size <= most; size++ {
		c := l.at(t, size)
		for p := 1; p <= size; p++ {
			proof := l.inclusion(t, p, size)
			if err := ledger.CheckInclusion(c, ledger.Position(p), l.leaf(p), proof); err != nil {
				t.Fatalf("position %d of %d: %v", p, size, err)
			}
			for other := 1; other <= most; other++ {
				if other == p {
					continue
				}
				if ledger.CheckInclusion(c, ledger.Position(other), l.leaf(p), proof) == nil ||
					ledger.CheckInclusion(c, ledger.Position(p), l.leaf(other), proof) == nil {
					t.Fatalf("the proof of position %d of %d passes for %d", p, size, other)
				}
			}
		}
		for _, p := range []ledger.Position{0, c.Size + 1, 1 << 62, 1<<64 - 1} {
			if ledger.CheckInclusion(c, p, l.leaf(1), nil) == nil {
				t.Errorf("position %d is in a log of %d", p, size)
			}
		}
	}
	huge := ledger.Checkpoint{Origin: origin, Size: 1<<64 - 1}
	if ledger.CheckInclusion(huge, 1<<63, ledger.Hash{}, nil) == nil {
		t.Error("a log of 2^64-1 records holds something")
	}
}

// TestConsistencyOfEverySize: a log that grew is consistent, one that was
// rewritten is not.
func TestConsistencyOfEverySize(t *testing.T) {
	const most = 40
	l, rewritten := logOf(t, most), &testLog{}
	for i, leaf := range l.leaves {
		if i == 3 {
			leaf = []byte("another leaf")
		}
		rewritten.add(t, leaf)
	}
	for older := 0; older <= most; older++ {
		for newer := older; newer <= most; newer++ {
			proof := l.consistency(t, older, newer)
			a, b := l.at(t, older), l.at(t, newer)
			if err := ledger.CheckConsistency(a, b, proof); err != nil {
				t.Fatalf("%d to %d: %v", older, newer, err)
			}
			if older < newer && ledger.CheckConsistency(b, a, proof) == nil {
				t.Fatalf("a log of %d is older than one of %d", newer, older)
			}
			if older < 4 {
				continue
			}
			other := rewritten.at(t, newer)
			if ledger.CheckConsistency(a, other, rewritten.consistency(t, older, newer)) == nil || ledger.CheckConsistency(a, other, proof) == nil {
				t.Fatalf("%d to a rewritten %d: consistent", older, newer)
			}
			if len(proof) > 0 && (ledger.CheckConsistency(a, b, proof[1:]) == nil || ledger.CheckConsistency(a, b, append(slices.Clone(proof), proof[0])) == nil) {
				t.Fatalf("%d to %d: a proof of another length passes", older, newer)
			}
		}
	}
	a, b := l.at(t, 10), l.at(t, 20)
	b.Origin = "berkas.example/other"
	if ledger.CheckConsistency(a, b, l.consistency(t, 10, 20)) == nil {
		t.Error("logs of two origins are consistent")
	}
	if ledger.CheckConsistency(l.at(t, 0), l.at(t, 10), l.consistency(t, 5, 10)) == nil {
		t.Error("hashes prove that something begins with nothing")
	}
}
