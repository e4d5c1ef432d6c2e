package transparency

import (
	"bytes"
	"context"
	"io/fs"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/berkas-ledger/berkas/ledger"
)

// altered is a log in which files read differently.
func altered(f Fetch, change func(path string, raw []byte) []byte) Fetch {
	return func(ctx context.Context, path string) ([]byte, error) {
		raw, err := f(ctx, path)
		if err != nil {
			return nil, err
		}
		return change(path, raw), nil
	}
}

// TestProofs: proofs of any position and any older size hold, at a size with
// three levels of tiles.
func TestProofs(t *testing.T) {
	t.Parallel()
	const size = 65536 + 300
	b := newBed(t, size)
	l := b.open()
	c := b.seal(l)
	p := NewProver(l.Fetch, c)
	roots := &edge{}
	at := map[int]ledger.Checkpoint{}
	for i, leaf := range b.source.list {
		if err := roots.add(ledger.HashLeaf([]byte(leaf)), func(ledger.Tile, []byte) error { return nil }); err != nil {
			t.Fatal(err)
		}
		at[i+1] = ledger.Checkpoint{Origin: c.Origin, Size: roots.size, Root: roots.root()}
	}
	rapid.Check(t, func(r *rapid.T) {
		n := rapid.OneOf(rapid.IntRange(1, size), rapid.SampledFrom([]int{1, 256, 257, 65536, 65537, size})).Draw(r, "position")
		proof, err := p.Inclusion(t.Context(), ledger.Position(n))
		if err != nil {
			r.Fatal(err)
		}
		leaf := ledger.HashLeaf([]byte(b.source.list[n-1]))
		if err := ledger.CheckInclusion(c, ledger.Position(n), leaf, proof); err != nil {
			r.Fatal(err)
		}
		if root, err := p.Root(t.Context(), ledger.Position(n)); err != nil || root != at[n].Root {
			r.Fatalf("the root of %d records is %s, not %s: %v", n, root, at[n].Root, err)
		}
		consistency, err := p.Consistency(t.Context(), ledger.Position(n))
		if err != nil {
			r.Fatal(err)
		}
		if err := ledger.CheckConsistency(at[n], c, consistency); err != nil {
			r.Fatal(err)
		}
	})
	for _, wrong := range []ledger.Position{0, size + 1} {
		if _, err := p.Inclusion(t.Context(), wrong); err == nil {
			t.Errorf("a proof of position %d", wrong)
		}
		if _, err := p.LeafHashes(t.Context(), wrong, size+1); err == nil {
			t.Errorf("leaf hashes from position %d", wrong)
		}
	}
	if _, err := p.Root(t.Context(), size+1); err == nil {
		t.Error("the root of a size that never was")
	}
	if _, err := p.Consistency(t.Context(), size+1); err == nil {
		t.Error("consistency with a size that never was")
	}
	if none, err := NewProver(l.Fetch, ledger.Checkpoint{Origin: c.Origin}).Consistency(t.Context(), 0); err != nil || len(none) != 0 {
		t.Errorf("consistency of nothing with nothing: %v, %v", none, err)
	}
}

// TestProverBelievesNoTile: whatever bit of whatever tile is flipped, a prover
// gives an error and no proof that does not hold.
func TestProverBelievesNoTile(t *testing.T) {
	const size = 700
	b := newBed(t, size)
	l := b.open()
	c := b.seal(l)
	caught := 0
	rapid.Check(t, func(r *rapid.T) {
		tile := rapid.SampledFrom([]string{"tile/0/000", "tile/0/001", "tile/0/002.p/188", "tile/1/000.p/2"}).Draw(r, "tile")
		bit := rapid.IntRange(0, 1<<16).Draw(r, "bit")
		n := ledger.Position(rapid.IntRange(1, size).Draw(r, "position"))
		p := NewProver(altered(l.Fetch, func(path string, raw []byte) []byte {
			if path == tile {
				raw[bit/8%len(raw)] ^= 1 << (bit % 8)
			}
			return raw
		}), c)
		proof, err := p.Inclusion(t.Context(), n)
		if err != nil {
			caught++
			return
		}
		if err := ledger.CheckInclusion(c, n, ledger.HashLeaf([]byte(b.source.list[n-1])), proof); err != nil {
			r.Fatal(err)
		}
	})
	if caught == 0 {
		t.Error("no flipped bit was met")
	}
	for name, change := range map[string]func([]byte) []byte{
		"short": func(raw []byte) []byte { return raw[:len(raw)-1] },
		"long":  func(raw []byte) []byte { return append(raw, make([]byte, 32)...) },
		"empty": func([]byte) []byte { return nil },
	} {
		p := NewProver(altered(l.Fetch, func(path string, raw []byte) []byte { return change(raw) }), c)
		if _, err := p.Inclusion(t.Context(), 5); err == nil {
			t.Errorf("%s tiles gave a proof", name)
		}
	}
}

// TestLeafIsChecked: a leaf that is not the log's is not given.
func TestLeafIsChecked(t *testing.T) {
	b := newBed(t, 300)
	l := b.open()
	c := b.seal(l)
	leaf, err := NewProver(l.Fetch, c).Leaf(t.Context(), 299)
	if err != nil || string(leaf) != "record 299" {
		t.Fatalf("%q, %v", leaf, err)
	}
	forged := altered(l.Fetch, func(path string, raw []byte) []byte {
		return bytes.ReplaceAll(raw, []byte("record 299"), []byte("record 298"))
	})
	if _, err := NewProver(forged, c).Leaf(t.Context(), 299); err == nil {
		t.Error("a forged leaf was given")
	}
}

// TestProverFallsBackToFullTiles: a server may drop partial tiles once there is a
// full one, and so may a directory.
func TestProverFallsBackToFullTiles(t *testing.T) {
	b := newBed(t, 300)
	l := b.open()
	old := b.seal(l)
	b.source.grow(1000)
	b.seal(l)
	full := func(ctx context.Context, path string) ([]byte, error) {
		if strings.HasPrefix(path, "tile/0/001.p/") {
			return nil, fs.ErrNotExist
		}
		return l.Fetch(ctx, path)
	}
	for name, f := range map[string]Fetch{"directory": DirFetch(b.dir), "full tiles only": full, "log": l.Fetch} {
		proof, err := NewProver(f, old).Inclusion(t.Context(), 299)
		if err == nil {
			err = ledger.CheckInclusion(old, 299, ledger.HashLeaf([]byte("record 299")), proof)
		}
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}
