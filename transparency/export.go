package transparency

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/berkas-ledger/berkas/ledger"
)

// ExportOptions say how a log is exported. The zero value is fit for use.
type ExportOptions struct {
	// Checkpoints are sizes of published checkpoints to take along besides the
	// newest; Checkpoints lists those of a directory.
	Checkpoints []ledger.Position
	// Progress, when set, is told how many records have been written.
	Progress func(done, total ledger.Position)
}

// genesisPath is where an export has the leaf of the first record.
const genesisPath = "genesis.leaf"

// Export writes the whole published log into a directory, in the layout that
// Fetch describes, with entries and the leaf of the first record. Anybody can
// serve or copy that. Every tile and every entry is checked against the log's
// newest checkpoint, whose signature log verifies, before it is written: a
// damaged log has no export.
//
// A directory that holds an earlier export of the same log, or the beginning of
// one, is brought up to date: full bundles that are there and have the entries
// that the checkpoint says are not fetched again, what is damaged is replaced. The
// checkpoint comes last, so one that is there has all that it covers.
func Export(ctx context.Context, from Fetch, log note.Verifier, dir string, o ExportOptions) (ledger.Checkpoint, error) {
	signed, err := from(ctx, checkpointPath)
	if err != nil {
		return ledger.Checkpoint{}, err
	}
	c, _, err := ledger.OpenCheckpoint(signed, log)
	if err != nil {
		return c, err
	}
	if c.Size == 0 {
		return c, errors.New("the log is empty")
	}
	dir, err = filepath.Abs(dir)
	if err != nil {
		return c, err
	}
	x := export{from: from, prover: NewProver(from, c), out: realDisk().writer(dir), options: o}
	if err := x.continues(ctx, log); err != nil {
		return c, err
	}
	if err := x.entries(ctx); err != nil {
		return c, err
	}
	for level := range levels(c.Size) {
		if err := x.tiles(ctx, level); err != nil {
			return c, err
		}
	}
	if err := x.checkpoints(ctx, log); err != nil {
		return c, err
	}
	if err := x.out.put(keptPath(c.Size), signed); err != nil {
		return c, err
	}
	if err := x.out.sync(); err != nil {
		return c, err
	}
	return c, x.out.disk.replace(filepath.Join(dir, checkpointPath), signed)
}

// export is one at work.
type export struct {
	from    Fetch
	prover  *Prover
	out     *writer
	options ExportOptions
}

// levels is how many levels of tiles a log of a size has.
func levels(size ledger.Position) int {
	n := 0
	for ; size > 0; size >>= tileHeight {
		n++
	}
	return n
}

// continues takes a directory that holds nothing, or an earlier export of the
// same log.
func (x *export) continues(ctx context.Context, log note.Verifier) error {
	signed, err := readFile(x.out.root, checkpointPath)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	old, _, err := ledger.OpenCheckpoint(signed, log)
	if err == nil {
		err = extends(ctx, x.prover, old)
	}
	if err != nil {
		return fmt.Errorf("%s holds what is not an earlier export of this log; name another directory: %w", x.out.root, err)
	}
	return nil
}

// has gives the leaves of a full bundle that is there already and is the log's;
// nil for a partial one, which is always fetched.
func (x *export) has(ctx context.Context, t ledger.Tile, first ledger.Position) [][]byte {
	if t.Width < ledger.TileWidth {
		return nil
	}
	bundle, err := readFile(x.out.root, t.Path())
	if err != nil {
		return nil
	}
	leaves, err := ledger.ParseBundle(bundle, t.Width)
	if err != nil || x.prover.holds(ctx, first, leaves) != nil {
		return nil
	}
	return leaves
}

func (x *export) entries(ctx context.Context) error {
	size := x.prover.Checkpoint().Size
	for _, t := range ledger.Tiles(ledger.LevelEntries, 0, size) {
		first := ledger.Position(t.Index)*ledger.TileWidth + 1
		leaves := x.has(ctx, t, first)
		if leaves == nil {
			var err error
			if leaves, err = x.bundle(ctx, t, first); err != nil {
				return err
			}
		}
		if first == 1 {
			if err := x.out.put(genesisPath, leaves[0]); err != nil {
				return err
			}
		}
		if x.options.Progress != nil {
			x.options.Progress(first+ledger.Position(t.Width)-1, size)
		}
	}
	return nil
}

// bundle fetches a bundle of entries, checks it and writes it.
func (x *export) bundle(ctx context.Context, t ledger.Tile, first ledger.Position) ([][]byte, error) {
	bundle, err := fetchTile(ctx, x.from, t)
	if err != nil {
		return nil, err
	}
	leaves, err := ledger.ParseBundle(bundle, t.Width)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", t.Path(), err)
	}
	if err := x.prover.holds(ctx, first, leaves); err != nil {
		return nil, err
	}
	return leaves, x.out.put(t.Path(), bundle)
}

// holds checks that leaves are the log's, from a position on.
func (p *Prover) holds(ctx context.Context, first ledger.Position, leaves [][]byte) error {
	want, err := p.LeafHashes(ctx, first, first+ledger.Position(len(leaves))-1)
	if err != nil {
		return err
	}
	for i, leaf := range leaves {
		if got := ledger.Hash(tlog.RecordHash(leaf)); got != want[i] {
			return fmt.Errorf("the record of position %d has leaf hash %s, the log's tiles say %s", first+ledger.Position(i), got, want[i])
		}
	}
	return nil
}

// tiles writes those of a level. Their hashes are read by way of the prover, so
// they belong to the root.
func (x *export) tiles(ctx context.Context, level int) error {
	for _, t := range ledger.Tiles(level, 0, x.prover.Checkpoint().Size) {
		data, err := x.prover.tile(ctx, t)
		if err != nil {
			return err
		}
		if was, err := readFile(x.out.root, t.Path()); err == nil && bytes.Equal(was, data) {
			continue
		}
		if err := x.out.put(t.Path(), data); err != nil {
			return err
		}
	}
	return nil
}

// tile reads a tile of hashes that is checked against the checkpoint.
func (p *Prover) tile(ctx context.Context, t ledger.Tile) ([]byte, error) {
	data, err := tlog.ReadTileData(tlog.Tile{H: tileHeight, L: t.Level, N: int64(t.Index), W: t.Width}, p.hashes(ctx))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", t.Path(), err)
	}
	return data, nil
}

// checkpoints takes older ones along, each signed by the log and consistent with
// the newest.
func (x *export) checkpoints(ctx context.Context, log note.Verifier) error {
	for _, size := range x.options.Checkpoints {
		if size >= x.prover.Checkpoint().Size {
			continue
		}
		path := keptPath(size)
		signed, err := x.from(ctx, path)
		if err != nil {
			return err
		}
		if was, err := readFile(x.out.root, path); err == nil && bytes.Equal(was, signed) {
			continue
		}
		old, _, err := ledger.OpenCheckpoint(signed, log)
		if err == nil && old.Size != size {
			err = fmt.Errorf("it has size %d", old.Size)
		}
		if err == nil {
			err = extends(ctx, x.prover, old)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		if err := x.out.put(path, signed); err != nil {
			return err
		}
	}
	return nil
}
