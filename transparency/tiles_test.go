package transparency

import (
	"bytes"
	"fmt"
	"testing"

	"golang.org/x/mod/sumdb/tlog"
	"pgregory.net/rapid"

	"github.com/berkas-ledger/berkas/ledger"
)

// TestTilesAreThoseOfTlog compares, at the sizes where tiles and levels begin and
// end, all tiles and the root with those of golang.org/x/mod.
func TestTilesAreThoseOfTlog(t *testing.T) {
	t.Parallel()
	const largest = 65536 + 256 + 3
	look := map[int]bool{}
	for _, n := range []int{1, 2, 3, 255, 256, 257, 511, 512, 513, 1000, 65535, 65536, 65537, 65536 + 255, 65536 + 256, 65536 + 257, largest} {
		look[n] = true
	}
	e := &edge{}
	var stored []tlog.Hash
	reader := tlog.HashReaderFunc(func(index []int64) ([]tlog.Hash, error) {
		out := make([]tlog.Hash, len(index))
		for i, n := range index {
			out[i] = stored[n]
		}
		return out, nil
	})
	full := map[ledger.Tile][]byte{}
	for n := 1; n <= largest; n++ {
		leaf := fmt.Appendf(nil, "%d", n)
		more, err := tlog.StoredHashes(int64(n-1), leaf, reader)
		if err != nil {
			t.Fatal(err)
		}
		stored = append(stored, more...)
		err = e.add(ledger.HashLeaf(leaf), func(t ledger.Tile, data []byte) error {
			full[t] = bytes.Clone(data)
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		if look[n] {
			sameTiles(t, n, e, full, reader)
		}
	}
}

func sameTiles(t *testing.T, n int, e *edge, full map[ledger.Tile][]byte, reader tlog.HashReader) {
	t.Helper()
	root, err := tlog.TreeHash(int64(n), reader)
	if err != nil {
		t.Fatal(err)
	}
	if e.root() != ledger.Hash(root) || int(e.size) != n {
		t.Fatalf("size %d: root %s of size %d, want %s", n, e.root(), e.size, root)
	}
	partial := map[ledger.Tile][]byte{}
	if err := e.partial(0, func(t ledger.Tile, data []byte) error {
		partial[t] = data
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, tile := range tlog.NewTiles(tileHeight, 0, int64(n)) {
		want, err := tlog.ReadTileData(tile, reader)
		if err != nil {
			t.Fatal(err)
		}
		got, ok := full[ourTile(tile)]
		if tile.W < ledger.TileWidth {
			got, ok = partial[ourTile(tile)]
		}
		if !ok || !bytes.Equal(got, want) {
			t.Fatalf("size %d: %s is wrong (there: %v)", n, ourTile(tile).Path(), ok)
		}
		found++
	}
	if found != len(full)+len(partial) {
		t.Fatalf("size %d: %d tiles, want %d", n, len(full)+len(partial), found)
	}
}

// TestRootOfRandomSizes: the root along the way is tlog's, and a clone goes its
// own way.
func TestRootOfRandomSizes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		size := rapid.IntRange(1, 3000).Draw(t, "size")
		fork := rapid.IntRange(0, size-1).Draw(t, "fork")
		e, other := &edge{}, &edge{}
		hashes := make([]tlog.Hash, size)
		drop := func(ledger.Tile, []byte) error { return nil }
		for i := range size {
			if i == fork {
				other = e.clone()
			}
			leaf := []byte{byte(i), byte(i >> 8)}
			hashes[i] = tlog.RecordHash(leaf)
			if err := e.add(ledger.HashLeaf(leaf), drop); err != nil {
				t.Fatal(err)
			}
		}
		if want := naiveRoot(hashes); e.root() != ledger.Hash(want) {
			t.Fatalf("size %d: root %s, want %s", size, e.root(), want)
		}
		if fork > 0 && other.root() != ledger.Hash(naiveRoot(hashes[:fork])) {
			t.Fatalf("the clone at %d did not stay", fork)
		}
	})
}

// naiveRoot is RFC 6962 section 2.1 to the letter.
func naiveRoot(leaves []tlog.Hash) tlog.Hash {
	if len(leaves) == 1 {
		return leaves[0]
	}
	k := 1
	for 2*k < len(leaves) {
		k *= 2
	}
	return tlog.NodeHash(naiveRoot(leaves[:k]), naiveRoot(leaves[k:]))
}
