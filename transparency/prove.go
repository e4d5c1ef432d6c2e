package transparency

import (
	"context"
	"fmt"
	"sync"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/berkas-ledger/berkas/ledger"
)

// tileHeight is the height of tiles as golang.org/x/mod/sumdb/tlog counts it.
const tileHeight = 8

// Prover makes proofs from a log's tiles. Each tile that it uses is checked
// against the checkpoint's root first, so a proof that it gives is right
// whatever it read. Who vouches for the checkpoint is the caller's to know.
//
// Any number of goroutines may use one.
type Prover struct {
	fetch      Fetch
	checkpoint ledger.Checkpoint

	mu    sync.Mutex
	known map[ledger.Tile][]byte // checked
}

// knownTiles is how many tiles a Prover keeps in memory, 8 KiB each.
const knownTiles = 2048

// NewProver makes a prover for a checkpoint of a log.
func NewProver(f Fetch, c ledger.Checkpoint) *Prover {
	return &Prover{fetch: f, checkpoint: c, known: map[ledger.Tile][]byte{}}
}

// Checkpoint is the checkpoint that proofs are for.
func (p *Prover) Checkpoint() ledger.Checkpoint { return p.checkpoint }

// Inclusion proves that the leaf of a position is in the log (RFC 6962 section
// 2.1.1, ledger.CheckInclusion).
func (p *Prover) Inclusion(ctx context.Context, position ledger.Position) ([]ledger.Hash, error) {
	if position == 0 || position > p.checkpoint.Size {
		return nil, fmt.Errorf("position %d is not in a log of %d records", position, p.checkpoint.Size)
	}
	proof, err := tlog.ProveRecord(int64(p.checkpoint.Size), int64(position-1), p.hashes(ctx))
	if err != nil {
		return nil, fmt.Errorf("prove position %d: %w", position, err)
	}
	return hashes(proof), nil
}

// Consistency proves that the log begins with all that it had when it had older
// records (RFC 6962 section 2.1.2, ledger.CheckConsistency). The proof is empty
// for none, and for the size of the checkpoint.
func (p *Prover) Consistency(ctx context.Context, older ledger.Position) ([]ledger.Hash, error) {
	if older > p.checkpoint.Size {
		return nil, fmt.Errorf("a log of %d records never had %d", p.checkpoint.Size, older)
	}
	if older == 0 || older == p.checkpoint.Size {
		return nil, nil
	}
	proof, err := tlog.ProveTree(int64(p.checkpoint.Size), int64(older), p.hashes(ctx))
	if err != nil {
		return nil, fmt.Errorf("prove consistency with size %d: %w", older, err)
	}
	return hashes(proof), nil
}

// LeafHashes gives the leaf hashes of the positions from first to last, both
// included, checked against the checkpoint.
func (p *Prover) LeafHashes(ctx context.Context, first, last ledger.Position) ([]ledger.Hash, error) {
	if first == 0 || last > p.checkpoint.Size || first > last {
		return nil, fmt.Errorf("no positions %d to %d in a log of %d records", first, last, p.checkpoint.Size)
	}
	index := make([]int64, 0, last-first+1)
	for at := first; at <= last; at++ {
		index = append(index, tlog.StoredHashIndex(0, int64(at-1)))
	}
	list, err := p.hashes(ctx).ReadHashes(index)
	if err != nil {
		return nil, fmt.Errorf("leaf hashes of positions %d to %d: %w", first, last, err)
	}
	return hashes(list), nil
}

// Leaf reads the leaf of a position, checked against the checkpoint.
func (p *Prover) Leaf(ctx context.Context, position ledger.Position) ([]byte, error) {
	want, err := p.LeafHashes(ctx, position, position)
	if err != nil {
		return nil, err
	}
	i := uint64(position - 1)
	t := ledger.Tile{Level: ledger.LevelEntries, Index: i / ledger.TileWidth, Width: ledger.TileWidth}
	t.Width = int(min(ledger.TileWidth, uint64(p.checkpoint.Size)-t.Index*ledger.TileWidth))
	bundle, err := fetchTile(ctx, p.fetch, t)
	if err != nil {
		return nil, err
	}
	leaves, err := ledger.ParseBundle(bundle, t.Width)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", t.Path(), err)
	}
	leaf := leaves[i%ledger.TileWidth]
	if got := ledger.Hash(tlog.RecordHash(leaf)); got != want[0] {
		return nil, fmt.Errorf("the record of position %d in %s has leaf hash %s, the log's tiles say %s", position, t.Path(), got, want[0])
	}
	return leaf, nil
}

// Root computes the root of the log when it had this many records, which is the
// root of every checkpoint of that size (RFC 6962 section 2.1).
func (p *Prover) Root(ctx context.Context, size ledger.Position) (ledger.Hash, error) {
	if size > p.checkpoint.Size {
		return ledger.Hash{}, fmt.Errorf("a log of %d records never had %d", p.checkpoint.Size, size)
	}
	if size == p.checkpoint.Size {
		return p.checkpoint.Root, nil
	}
	root, err := tlog.TreeHash(int64(size), p.hashes(ctx))
	if err != nil {
		return ledger.Hash{}, fmt.Errorf("root of the first %d records: %w", size, err)
	}
	return ledger.Hash(root), nil
}

// hashes reads checked hashes of the tree.
func (p *Prover) hashes(ctx context.Context) tlog.HashReader {
	tree := tlog.Tree{N: int64(p.checkpoint.Size), Hash: tlog.Hash(p.checkpoint.Root)}
	return tlog.TileHashReader(tree, tileReader{ctx, p})
}

// tileReader is a Prover's tlog.TileReader during one call, which has a context.
type tileReader struct {
	ctx context.Context
	*Prover
}

func (r tileReader) Height() int { return tileHeight }

func (r tileReader) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	data := make([][]byte, len(tiles))
	for i, t := range tiles {
		tile := ourTile(t)
		r.mu.Lock()
		data[i] = r.known[tile]
		r.mu.Unlock()
		if data[i] != nil {
			continue
		}
		var err error
		if data[i], err = fetchTile(r.ctx, r.fetch, tile); err != nil {
			return nil, err
		}
	}
	return data, nil
}

// SaveTiles is told which tiles were found to belong to the tree.
func (r tileReader) SaveTiles(tiles []tlog.Tile, data [][]byte) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.known)+len(tiles) > knownTiles {
		clear(r.known)
	}
	for i, t := range tiles[:min(len(tiles), knownTiles)] {
		r.known[ourTile(t)] = data[i]
	}
}

// ourTile names a tile as C2SP does.
func ourTile(t tlog.Tile) ledger.Tile {
	return ledger.Tile{Level: t.L, Index: uint64(t.N), Width: t.W}
}

func hashes(list []tlog.Hash) []ledger.Hash {
	out := make([]ledger.Hash, len(list))
	for i, h := range list {
		out[i] = ledger.Hash(h)
	}
	return out
}
