package main

import (
	"fmt"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/berkas-ledger/berkas/ledger"
)

// tree is the Merkle tree over leaf hashes, with all that is needed to give the
// root and the tiles of any size that it ever had. It takes 64 bytes a leaf.
type tree struct {
	stored []tlog.Hash
	size   ledger.Position
}

func (t *tree) add(leaf ledger.Hash) error {
	hashes, err := tlog.StoredHashesForRecordHash(int64(t.size), tlog.Hash(leaf), t)
	if err != nil {
		return err
	}
	t.stored = append(t.stored, hashes...)
	t.size++
	return nil
}

// treeOf makes the tree of the leaves up to the first that is not known.
func treeOf(leaves []ledger.Hash) (*tree, error) {
	t := &tree{stored: make([]tlog.Hash, 0, 2*len(leaves))}
	for _, h := range leaves {
		if h == (ledger.Hash{}) {
			break
		}
		if err := t.add(h); err != nil {
			return nil, err
		}
	}
	return t, nil
}

// ReadHashes gives stored hashes, as a tlog.HashReader.
func (t *tree) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	out := make([]tlog.Hash, len(indexes))
	for i, x := range indexes {
		if x >= int64(len(t.stored)) {
			return nil, fmt.Errorf("hash %d is not in a tree of %d leaves", x, t.size)
		}
		out[i] = t.stored[x]
	}
	return out, nil
}

// root is that of the first leaves.
func (t *tree) root(size ledger.Position) (ledger.Hash, error) {
	if size > t.size {
		return ledger.Hash{}, fmt.Errorf("a tree of %d leaves has no root of %d", t.size, size)
	}
	h, err := tlog.TreeHash(int64(size), t)
	return ledger.Hash(h), err
}

// gives reports whether a checkpoint is one of this tree.
func (t *tree) gives(c ledger.Checkpoint) bool {
	root, err := t.root(c.Size)
	return err == nil && root == c.Root
}

// has reports whether all of a tile of hashes is in the tree.
func (t *tree) has(tile ledger.Tile) bool {
	n := uint64(t.size)
	for range tile.Level {
		n /= ledger.TileWidth
	}
	return tile.Index <= n/ledger.TileWidth && tile.Index*ledger.TileWidth+uint64(tile.Width) <= n
}

func (t *tree) tile(tile ledger.Tile) ([]byte, error) {
	return tlog.ReadTileData(tlog.Tile{H: 8, L: tile.Level, N: int64(tile.Index), W: tile.Width}, t)
}
