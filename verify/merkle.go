package verify

import (
	"crypto/sha256"

	"github.com/berkas-ledger/berkas/ledger"
)

// tree computes Merkle roots (RFC 6962, section 2.1) from all leaf hashes, by
// code of its own: the log's roots are made by another program text
// (golang.org/x/mod/sumdb/tlog), so a mistake of one shows.
type tree struct {
	leaves []ledger.Hash
	// full holds the roots of each 256 leaves, so that roots of many sizes
	// take little.
	full []ledger.Hash
}

func (t *tree) add(leaf ledger.Hash) {
	t.leaves = append(t.leaves, leaf)
	if n := len(t.leaves); n%ledger.TileWidth == 0 {
		t.full = append(t.full, subtree(t.leaves[n-ledger.TileWidth:]))
	}
}

// root gives the root of the first n leaves, which have to be there.
func (t *tree) root(n ledger.Position) ledger.Hash {
	if n == 0 {
		return sha256.Sum256(nil)
	}
	whole, rest := n/ledger.TileWidth, t.leaves[n-n%ledger.TileWidth:n]
	// The last, incomplete part hangs at the right of the whole ones.
	if whole == 0 {
		return subtree(rest)
	}
	parts := t.full[:whole]
	if len(rest) > 0 {
		parts = append(parts[:whole:whole], subtree(rest))
	}
	return subtree(parts)
}

// subtree is the root over nodes of one level, of which only the last may be of
// an incomplete tree.
func subtree(nodes []ledger.Hash) ledger.Hash {
	if len(nodes) == 1 {
		return nodes[0]
	}
	k := 1
	for 2*k < len(nodes) {
		k *= 2
	}
	return node(subtree(nodes[:k]), subtree(nodes[k:]))
}

func node(left, right ledger.Hash) ledger.Hash {
	var b [1 + 2*sha256.Size]byte
	b[0] = 1
	copy(b[1:], left[:])
	copy(b[1+sha256.Size:], right[:])
	return sha256.Sum256(b[:])
}

// level gives the hashes of a level of tiles: at 0 those of the leaves, at l the
// roots of 256^l leaves each.
func (t *tree) level(l int) []ledger.Hash {
	switch l {
	case 0:
		return t.leaves
	case 1:
		return t.full
	}
	below := t.level(l - 1)
	out := make([]ledger.Hash, len(below)/ledger.TileWidth)
	for i := range out {
		out[i] = subtree(below[i*ledger.TileWidth : (i+1)*ledger.TileWidth])
	}
	return out
}
