package ledger

import (
	"encoding/binary"
	"fmt"
	"strconv"
	"strings"
)

// Paths and bundles of C2SP tlog-tiles.

// TileWidth is how many hashes a full tile and how many entries a full bundle
// hold.
const TileWidth = 256

// LevelEntries stands for the level of entry bundles, which have none.
const LevelEntries = -1

// maxLevel is the highest level of tiles: a full one there spans 2^56 records,
// more than any ledger will have.
const maxLevel = 6

// MaxBundle bounds a bundle of entries, in bytes.
const MaxBundle = TileWidth * (2 + MaxLeaf)

// Tile names a tile of hashes, or a bundle of entries.
type Tile struct {
	Level int    // from 0; LevelEntries for a bundle
	Index uint64 // of the tile in its level
	Width int    // 1 to TileWidth; a full tile has TileWidth
}

// Path is where the tile is served, for instance "tile/0/x001/234.p/5" or
// "tile/entries/000".
func (t Tile) Path() string {
	path := fmt.Sprintf("%03d", t.Index%1000)
	for n := t.Index / 1000; n > 0; n /= 1000 {
		path = fmt.Sprintf("x%03d/%s", n%1000, path)
	}
	level := "entries"
	if t.Level != LevelEntries {
		level = strconv.Itoa(t.Level)
	}
	path = "tile/" + level + "/" + path
	if t.Width < TileWidth {
		path += ".p/" + strconv.Itoa(t.Width)
	}
	return path
}

// ParseTile reads a path strictly: what Path does not write is refused, and so
// are tiles further on than any log goes, so that the positions of their records
// can be counted.
func ParseTile(path string) (Tile, error) {
	bad := fmt.Errorf("not the path of a tile: tile/<level>/<index>[.p/<width>]")
	rest, ok := strings.CutPrefix(path, "tile/")
	level, rest, more := strings.Cut(rest, "/")
	if !ok || !more || len(path) > 64 {
		return Tile{}, bad
	}
	t := Tile{Level: LevelEntries, Width: TileWidth}
	if level != "entries" {
		if t.Level, ok = between(level, 0, maxLevel); !ok {
			return Tile{}, bad
		}
	}
	if index, width, partial := strings.Cut(rest, ".p/"); partial {
		rest = index
		if t.Width, ok = between(width, 1, TileWidth-1); !ok {
			return Tile{}, bad
		}
	}
	for part := range strings.SplitSeq(rest, "/") {
		n, ok := between(strings.TrimPrefix(part, "x"), 0, 999)
		if !ok || t.Index > 1<<52 {
			return Tile{}, bad
		}
		t.Index = t.Index*1000 + uint64(n)
	}
	if t.Path() != path || t.Index >= 1<<(63-8*(max(t.Level, 0)+1)) {
		return Tile{}, bad
	}
	return t, nil
}

// between reads a decimal within bounds.
func between(s string, least, most int) (int, bool) {
	n, err := strconv.Atoi(s)
	return n, err == nil && n >= least && n <= most
}

// Tiles lists the tiles of a level that a log of a size has from an index on:
// full ones, then at most one partial. At level l a tile's hashes are roots of
// 256^l records; only complete ones are in it.
func Tiles(level int, from uint64, size Position) []Tile {
	n := uint64(size)
	for range max(level, 0) {
		n /= TileWidth
	}
	var out []Tile
	for i := from; i < n/TileWidth; i++ {
		out = append(out, Tile{level, i, TileWidth})
	}
	if w := n % TileWidth; w > 0 && n/TileWidth >= from {
		out = append(out, Tile{level, n / TileWidth, int(w)})
	}
	return out
}

// ParseBundle splits a bundle of entries, each after its length in two bytes,
// into the given number of leaves. Every byte has to belong to one. The leaves
// alias the bundle.
func ParseBundle(bundle []byte, width int) ([][]byte, error) {
	if width < 1 || width > TileWidth {
		return nil, fmt.Errorf("a bundle has 1 to %d entries, not %d", TileWidth, width)
	}
	out := make([][]byte, 0, width)
	for rest := bundle; len(rest) > 0; {
		if len(rest) < 2 {
			return nil, fmt.Errorf("entry %d of the bundle is incomplete", len(out))
		}
		n := int(binary.BigEndian.Uint16(rest))
		if len(rest) < 2+n {
			return nil, fmt.Errorf("entry %d of the bundle is incomplete", len(out))
		}
		if len(out) == width {
			return nil, fmt.Errorf("the bundle has more than %d entries", width)
		}
		out = append(out, rest[2:2+n])
		rest = rest[2+n:]
	}
	if len(out) != width {
		return nil, fmt.Errorf("the bundle has %d entries, not %d", len(out), width)
	}
	return out, nil
}

// AppendEntry adds a leaf, of at most MaxLeaf bytes, to a bundle.
func AppendEntry(bundle, leaf []byte) []byte {
	bundle = binary.BigEndian.AppendUint16(bundle, uint16(len(leaf)))
	return append(bundle, leaf...)
}
