package transparency

import (
	"slices"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/berkas-ledger/berkas/ledger"
)

// edge is the right edge of a growing Merkle tree (RFC 6962): all that is needed
// to append leaves, to write tiles and to say the root. The zero value is the
// edge of an empty tree.
type edge struct {
	size ledger.Position
	// peaks are the roots of the perfect trees that the leaves make up, one for
	// each bit that is set in size, the largest first.
	peaks []tlog.Hash
	// open holds, for each level of tiles, the hashes of its last, incomplete one.
	open [][]tlog.Hash
}

func (e *edge) clone() *edge {
	c := &edge{e.size, slices.Clone(e.peaks), make([][]tlog.Hash, len(e.open))}
	for i, hashes := range e.open {
		c.open[i] = slices.Clone(hashes)
	}
	return c
}

// add appends a leaf by its hash and hands over each tile that it completes,
// lower levels first; the bytes are valid during the call only.
func (e *edge) add(leaf ledger.Hash, full func(t ledger.Tile, data []byte) error) error {
	h := tlog.Hash(leaf)
	n := uint64(e.size) // of h among the hashes of its height
	for height := 0; ; height++ {
		if height%tileHeight == 0 {
			if err := e.put(height/tileHeight, n, h, full); err != nil {
				return err
			}
		}
		if n&1 == 0 {
			break
		}
		last := len(e.peaks) - 1
		h = tlog.NodeHash(e.peaks[last], h)
		e.peaks = e.peaks[:last]
		n >>= 1
	}
	e.peaks = append(e.peaks, h)
	e.size++
	return nil
}

// put appends hash n of a level.
func (e *edge) put(level int, n uint64, h tlog.Hash, full func(ledger.Tile, []byte) error) error {
	if level == len(e.open) {
		e.open = append(e.open, make([]tlog.Hash, 0, ledger.TileWidth))
	}
	e.open[level] = append(e.open[level], h)
	if len(e.open[level]) < ledger.TileWidth {
		return nil
	}
	data := tileData(e.open[level])
	e.open[level] = e.open[level][:0]
	return full(ledger.Tile{Level: level, Index: n / ledger.TileWidth, Width: ledger.TileWidth}, data)
}

// partial hands over the incomplete tiles that the tree did not have at an
// earlier size.
func (e *edge) partial(earlier ledger.Position, put func(t ledger.Tile, data []byte) error) error {
	n := uint64(e.size)
	for level, hashes := range e.open {
		if len(hashes) > 0 && n != uint64(earlier)>>(tileHeight*level) {
			if err := put(ledger.Tile{Level: level, Index: n / ledger.TileWidth, Width: len(hashes)}, tileData(hashes)); err != nil {
				return err
			}
		}
		n /= ledger.TileWidth
	}
	return nil
}

func tileData(hashes []tlog.Hash) []byte {
	data := make([]byte, 0, tileBytes)
	for i := range hashes {
		data = append(data, hashes[i][:]...)
	}
	return data
}

// root is the tree's root; an empty tree has none, and gives zero.
func (e *edge) root() ledger.Hash {
	if len(e.peaks) == 0 {
		return ledger.Hash{}
	}
	h := e.peaks[len(e.peaks)-1]
	for _, left := range slices.Backward(e.peaks[:len(e.peaks)-1]) {
		h = tlog.NodeHash(left, h)
	}
	return ledger.Hash(h)
}
