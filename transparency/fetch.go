package transparency

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/berkas-ledger/berkas/ledger"
)

// Fetch reads one file of a log, by its path in the layout of C2SP tlog-tiles:
//
//	checkpoint
//	checkpoints/<size>
//	tile/<level>/<index>[.p/<width>]
//	tile/entries/<index>[.p/<width>]
//
// What it gives is not verified, and the caller may change it. A file that is
// not there is fs.ErrNotExist.
type Fetch func(ctx context.Context, path string) ([]byte, error)

const (
	checkpointPath  = "checkpoint"
	checkpointsPath = "checkpoints/"
	tileBytes       = ledger.TileWidth * tlog.HashSize
	maxCase         = 32 << 20
)

// maxFile bounds a file of a log, in bytes.
func maxFile(path string) int {
	switch {
	case strings.HasPrefix(path, "tile/entries/"):
		return ledger.MaxBundle
	case strings.HasPrefix(path, "tile/"):
		return tileBytes
	case strings.HasPrefix(path, "v1/cases/"): // a case with its proofs, which a ledger serves beside its log
		return maxCase
	}
	return ledger.MaxCheckpoint
}

// readBounded reads a file of a log, or says that it is too long.
func readBounded(r io.Reader, path string) ([]byte, error) {
	limit := maxFile(path)
	raw, err := io.ReadAll(io.LimitReader(r, int64(limit)+1))
	if err == nil && len(raw) > limit {
		err = fmt.Errorf("%s has more than %d bytes", path, limit)
	}
	return raw, err
}

// DirFetch reads a log out of a directory: one that Export wrote, or, but for
// entries, the one that a Log keeps. A partial tile that is not there as a file
// is cut from a wider one, since a log keeps only its newest.
func DirFetch(dir string) Fetch {
	return func(_ context.Context, path string) ([]byte, error) {
		if !fs.ValidPath(path) {
			return nil, fmt.Errorf("%q is not the path of a file of a log", path)
		}
		raw, err := readFile(dir, path)
		if !errors.Is(err, fs.ErrNotExist) {
			return raw, err
		}
		t, notTile := ledger.ParseTile(path)
		if notTile != nil || t.Width == ledger.TileWidth {
			return nil, err
		}
		// A sealing log may put a wider tile in the place of the one that was just
		// seen; a full one stays.
		for range 3 {
			wider, found := widerTile(dir, t)
			if !found {
				break
			}
			raw, again := readFile(dir, wider.Path())
			if errors.Is(again, fs.ErrNotExist) {
				continue
			}
			if again != nil {
				return nil, again
			}
			return cutTile(raw, wider, t)
		}
		return nil, err
	}
}

func readFile(dir, path string) ([]byte, error) {
	f, err := os.Open(filepath.Join(dir, filepath.FromSlash(path)))
	if err != nil {
		return nil, err
	}
	raw, err := readBounded(f, path)
	return raw, errors.Join(err, f.Close())
}

// widerTile finds the narrowest file that a partial tile is the beginning of.
func widerTile(dir string, t ledger.Tile) (ledger.Tile, bool) {
	partial := filepath.Dir(filepath.Join(dir, filepath.FromSlash(t.Path())))
	list, _ := os.ReadDir(partial) // no such directory: no partial tiles
	var widths []int
	for _, e := range list {
		if w, err := strconv.Atoi(e.Name()); err == nil && w > t.Width && w < ledger.TileWidth {
			widths = append(widths, w)
		}
	}
	wider := ledger.Tile{Level: t.Level, Index: t.Index, Width: ledger.TileWidth}
	if len(widths) > 0 {
		wider.Width = slices.Min(widths)
		return wider, true
	}
	_, err := os.Stat(filepath.Join(dir, filepath.FromSlash(wider.Path())))
	return wider, err == nil
}

// cutTile gives the beginning of a tile, or bundle of entries, that has all
// that a narrower one has.
func cutTile(raw []byte, from, to ledger.Tile) ([]byte, error) {
	if from.Level != ledger.LevelEntries {
		if len(raw) != from.Width*tlog.HashSize {
			return nil, fmt.Errorf("%s has %d bytes, not %d", from.Path(), len(raw), from.Width*tlog.HashSize)
		}
		return raw[:to.Width*tlog.HashSize], nil
	}
	leaves, err := ledger.ParseBundle(raw, from.Width)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", from.Path(), err)
	}
	n := 0
	for _, leaf := range leaves[:to.Width] {
		n += 2 + len(leaf)
	}
	return raw[:n], nil
}

// fetchTile reads a tile or a bundle of entries. Where a partial one is not to
// be had, the full one's beginning does: C2SP tlog-tiles lets a log drop partial
// tiles once there is a full one.
func fetchTile(ctx context.Context, f Fetch, t ledger.Tile) ([]byte, error) {
	raw, err := f(ctx, t.Path())
	if errors.Is(err, fs.ErrNotExist) && t.Width < ledger.TileWidth {
		full := ledger.Tile{Level: t.Level, Index: t.Index, Width: ledger.TileWidth}
		wide, again := f(ctx, full.Path())
		if again != nil {
			return nil, err
		}
		return cutTile(wide, full, t)
	}
	if err == nil && t.Level != ledger.LevelEntries && len(raw) != t.Width*tlog.HashSize {
		err = fmt.Errorf("%s has %d bytes, not %d", t.Path(), len(raw), t.Width*tlog.HashSize)
	}
	return raw, err
}

// Source is where a log's leaves come from: the journal. Leaves hands over those
// from first to last, both included, in order; a leaf is valid during the call
// only. What it has handed over once it hands over for ever.
type Source interface {
	Len() ledger.Position
	Leaves(ctx context.Context, first, last ledger.Position, yield func(ledger.Position, []byte) error) error
}

// WithEntries answers for bundles of entries from a source, and for the rest
// from f: a ledger keeps its entries in the journal, and nowhere twice.
func WithEntries(f Fetch, s Source) Fetch {
	return func(ctx context.Context, path string) ([]byte, error) {
		if !strings.HasPrefix(path, "tile/entries/") {
			return f(ctx, path)
		}
		t, err := ledger.ParseTile(path)
		if err != nil {
			return nil, err
		}
		return entries(ctx, s, t, s.Len())
	}
}

// entries makes a bundle from a source that counts as having size records.
func entries(ctx context.Context, s Source, t ledger.Tile, size ledger.Position) ([]byte, error) {
	first := ledger.Position(t.Index)*ledger.TileWidth + 1
	last := first + ledger.Position(t.Width) - 1
	if last > size {
		return nil, fmt.Errorf("%s: the log has %d records: %w", t.Path(), size, fs.ErrNotExist)
	}
	var out []byte
	err := s.Leaves(ctx, first, last, func(_ ledger.Position, leaf []byte) error {
		out = ledger.AppendEntry(out, leaf)
		return nil
	})
	return out, err
}

// Checkpoints lists the sizes of the checkpoints that were published in a log's
// directory, in order.
func Checkpoints(dir string) ([]ledger.Position, error) {
	list, err := os.ReadDir(filepath.Join(dir, filepath.FromSlash(checkpointsPath)))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var out []ledger.Position
	for _, e := range list {
		if p, ok := checkpointSize(checkpointsPath + e.Name()); ok {
			out = append(out, p)
		}
	}
	slices.SortFunc(out, cmp.Compare[ledger.Position])
	return out, nil
}

// checkpointSize reads the path of a kept checkpoint.
func checkpointSize(path string) (ledger.Position, bool) {
	n, err := strconv.ParseUint(strings.TrimPrefix(path, checkpointsPath), 10, 63)
	p := ledger.Position(n)
	return p, err == nil && keptPath(p) == path
}

func keptPath(p ledger.Position) string {
	return checkpointsPath + strconv.FormatUint(uint64(p), 10)
}
