package transparency

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strconv"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/berkas-ledger/berkas/ledger"
)

// round brings the log up to the source, in the order that makes a crash at any
// instruction harmless:
//
//	tiles, fsync            a tile that no checkpoint covers is nobody's
//	root, computed twice    from two readings of the records
//	sign
//	swap, fsync             THE COMMIT POINT: this size has this checkpoint for ever
//	cosign                  below quorum nothing is published; the same is offered again
//	publish, fsync          checkpoints/<size>, then checkpoint
//
// Nothing in memory changes before the commit point.
func (l *Log) round(ctx context.Context) error {
	if err := l.Ready(); errors.Is(err, ErrStopped) {
		return err
	}
	if !l.checked {
		if err := l.check(ctx); err != nil {
			return err
		}
		l.checked = true
	}
	if err := l.settle(ctx); err != nil {
		return err
	}
	if err := l.follow(ctx); err != nil {
		return err
	}
	if err := l.publish(ctx); err != nil {
		return err
	}
	size := l.Source.Len()
	if size < l.sealed.checkpoint.Size {
		return l.stop(rewound(size, l.sealed.checkpoint.Size))
	}
	if size == l.sealed.checkpoint.Size {
		return nil
	}
	next, err := l.build(ctx, size)
	if err != nil {
		return err
	}
	if err := l.swap(ctx, next); err != nil {
		return err
	}
	return l.publish(ctx)
}

func rewound(size, sealed ledger.Position) error {
	return &ledger.ErrBroken{Position: size + 1, Problem: fmt.Sprintf("the journal ends at position %d, and was sealed up to %d", size, sealed)}
}

// build writes the tiles of a larger size and signs its checkpoint.
func (l *Log) build(ctx context.Context, size ledger.Position) (sealed, error) {
	next, err := l.grow(ctx, size)
	if err != nil {
		return sealed{}, err
	}
	if next.signed, err = ledger.SignCheckpoint(next.checkpoint, l.Signer); err != nil {
		return sealed{}, err
	}
	if _, err := l.own(next.signed); err != nil {
		return sealed{}, l.stop(err)
	}
	return next, nil
}

// grow writes the tiles of a larger size and computes its root twice. What it
// gives is not signed yet.
func (l *Log) grow(ctx context.Context, size ledger.Position) (sealed, error) {
	old := l.sealed.checkpoint
	e := l.sealed.edge.clone()
	w := l.disk.writer(l.Dir)
	put := func(t ledger.Tile, data []byte) error { return w.put(t.Path(), data) }
	err := l.Source.Leaves(ctx, old.Size+1, size, func(_ ledger.Position, leaf []byte) error {
		return e.add(ledger.HashLeaf(leaf), put)
	})
	if err == nil {
		err = e.partial(old.Size, put)
	}
	if err == nil {
		err = w.sync()
	}
	if err != nil {
		return sealed{}, l.broken(fmt.Errorf("tiles up to size %d: %w", size, err))
	}
	if e.size != size {
		return sealed{}, l.stop(fmt.Errorf("the journal gave %d records up to position %d", e.size, size))
	}
	next := ledger.Checkpoint{Origin: l.Origin(), Size: size, Root: e.root()}
	if err := l.reread(ctx, old, next); err != nil {
		return sealed{}, err
	}
	return sealed{checkpoint: next, edge: e}, nil
}

// rereadLeaves is how many leaf hashes the second reading compares at a time.
const rereadLeaves = 4096

// reread is the second computation of a root, before it is signed. The first one
// hashed each new record as it came and kept the tree's edge in memory; this one
// believes neither that reading nor that memory. It reads anew
//
//   - the tiles on the tree's right edge, and computes the root from these files
//     alone, by the code of golang.org/x/mod;
//   - the tiles that prove that the tree begins with the one sealed before, whose
//     root was computed twice in its turn;
//   - each new record in the journal, whose hash has to be the one that its tile
//     has, and each tile that holds such a hash, which has to belong to the root.
//
// So the root that is signed stands for the sealed tree and these records, and
// for nothing else. Old records and the tiles left of the edge are not read
// again: that costs as much as the log is long, and is done at each start
// (check), by doctor and by an audit. What is read here is what is new, and some
// tiles for each level; the kernel may give it from memory, so it shows a wrong
// computation, a wrong write or a changed file, and not yet a bad disk.
func (l *Log) reread(ctx context.Context, old, next ledger.Checkpoint) error {
	files := DirFetch(l.Dir)
	root, err := rootOf(ctx, files, next.Size)
	if err == nil && root != next.Root {
		err = fmt.Errorf("size %d has root %s as computed along the way, and %s as computed from the tiles on the disk", next.Size, next.Root, root)
	}
	prover := NewProver(files, ledger.Checkpoint{Origin: next.Origin, Size: next.Size, Root: root})
	if err == nil {
		err = extends(ctx, prover, old)
	}
	for first := old.Size + 1; err == nil && first <= next.Size; first += rereadLeaves {
		err = l.compare(ctx, prover, first, min(first+rereadLeaves-1, next.Size))
	}
	if err == nil || ctx.Err() != nil {
		return err
	}
	var io *fs.PathError
	if errors.As(err, &io) && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("second reading of size %d: %w", next.Size, err) // it may be readable again
	}
	return l.stop(fmt.Errorf("second reading of size %d, nothing was signed: %w", next.Size, err))
}

// rootOf computes the root of a log of a size, which is not 0, from its tiles.
func rootOf(ctx context.Context, f Fetch, size ledger.Position) (ledger.Hash, error) {
	root, err := tlog.TreeHash(int64(size), tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		out := make([]tlog.Hash, len(indexes))
		for i, x := range indexes {
			// As wide as the log of this size has it: a narrower file may be an older one.
			t := tlog.TileForIndex(tileHeight, x)
			t.W = int(min(ledger.TileWidth, int64(size)>>(tileHeight*t.L)-t.N*ledger.TileWidth))
			data, err := fetchTile(ctx, f, ourTile(t))
			if err != nil {
				return nil, err
			}
			if out[i], err = tlog.HashFromTile(t, data, x); err != nil {
				return nil, err
			}
		}
		return out, nil
	}))
	return ledger.Hash(root), err
}

// extends checks that a prover's log begins with that of an older checkpoint.
func extends(ctx context.Context, p *Prover, old ledger.Checkpoint) error {
	proof, err := p.Consistency(ctx, old.Size)
	if err != nil {
		return err
	}
	return ledger.CheckConsistency(old, p.Checkpoint(), proof)
}

// compare holds the records of the source to the leaf hashes of a prover's log.
func (l *Log) compare(ctx context.Context, p *Prover, first, last ledger.Position) error {
	want, err := p.LeafHashes(ctx, first, last)
	if err != nil {
		return err
	}
	next := first
	err = l.Source.Leaves(ctx, first, last, func(at ledger.Position, leaf []byte) error {
		if at != next || ledger.Hash(tlog.RecordHash(leaf)) != want[at-first] {
			return &ledger.ErrBroken{Position: next, Problem: fmt.Sprintf("the journal's record has leaf hash %s, the log's tiles have %s",
				ledger.Hash(tlog.RecordHash(leaf)), want[next-first])}
		}
		next++
		return nil
	})
	if err == nil && next != last+1 {
		err = &ledger.ErrBroken{Position: next, Problem: "the journal does not give its record"}
	}
	return err
}

// own reads a signed checkpoint and takes none but this log's.
func (l *Log) own(signed []byte) (ledger.Checkpoint, error) {
	c, _, err := ledger.OpenCheckpoint(signed, l.Verifier)
	return c, err
}

// swap seals a checkpoint.
func (l *Log) swap(ctx context.Context, next sealed) error {
	err := l.Register.Swap(ctx, l.sealed.signed, next.signed)
	switch {
	case errors.Is(err, ErrMoved) && l.Shared:
		return nil // follow finds it in the next round
	case errors.Is(err, ErrMoved):
		return l.stop(err)
	case err != nil:
		l.unsure = &next
		return fmt.Errorf("seal size %d: %w", next.checkpoint.Size, err)
	}
	l.sealed, l.cosigned = next, nil
	return nil
}

// settle finds out what became of a swap with an unknown outcome.
func (l *Log) settle(ctx context.Context) error {
	if l.unsure == nil {
		return nil
	}
	now, err := l.Register.Load(ctx)
	switch {
	case err != nil:
		return fmt.Errorf("what is sealed is not known: %w", err)
	case bytes.Equal(now, l.unsure.signed):
		l.sealed, l.cosigned = *l.unsure, nil
	case !bytes.Equal(now, l.sealed.signed) && !l.Shared:
		return l.stop(ErrMoved)
	}
	l.unsure = nil
	return nil
}

// follow takes over what another process has sealed, if this one's journal says
// the same. A journal that is not as far yet is that of a process that stands by:
// it seals nothing meanwhile.
func (l *Log) follow(ctx context.Context) error {
	if !l.Shared {
		return nil
	}
	other, err := l.loadSealed(ctx)
	if err != nil || bytes.Equal(other.signed, l.sealed.signed) {
		return err
	}
	c, ours := other.checkpoint, l.sealed.checkpoint
	if c.Size <= ours.Size {
		return l.stop(fmt.Errorf("size %d was sealed with root %s, and now another checkpoint is there, of size %d with root %s", ours.Size, ours.Root, c.Size, c.Root))
	}
	if l.Source.Len() < c.Size {
		return errStandby
	}
	next, err := l.grow(ctx, c.Size)
	if err != nil {
		return err
	}
	if next.checkpoint != c {
		return l.stop(fmt.Errorf("another process sealed size %d with root %s, this journal has root %s", c.Size, c.Root, next.checkpoint.Root))
	}
	next.signed = other.signed
	l.sealed, l.cosigned = next, nil
	return nil
}

// errStandby says that another process is ahead.
var errStandby = errors.New("another process has sealed more than this journal has")

// publish has the sealed checkpoint cosigned and shows it to everybody, unless
// that was done.
func (l *Log) publish(ctx context.Context) error {
	c := l.sealed.checkpoint
	shown, before := l.Published()
	if c.Size == before.Size && (shown == nil || l.accepts(shown)) {
		return nil
	}
	if l.cosigned == nil {
		cosigned, err := l.gather(ctx)
		if err != nil {
			return err
		}
		l.cosigned = cosigned
	}
	// Kept first, so that whatever was ever published is among the kept.
	for _, path := range []string{keptPath(c.Size), checkpointPath} {
		if err := l.disk.replace(filepath.Join(l.Dir, filepath.FromSlash(path)), l.cosigned); err != nil {
			return fmt.Errorf("publish size %d: %w", c.Size, err)
		}
	}
	l.mu.Lock()
	l.published = published{l.cosigned, c}
	l.mu.Unlock()
	l.tidy(before.Size, c.Size)
	return nil
}

// accepts reports whether what was published before this process began is enough
// for the policy of today. If not, the same checkpoint is cosigned again.
func (l *Log) accepts(shown []byte) bool {
	if !l.accepted {
		l.accepted = l.Accept == nil || l.Accept(shown) == nil
	}
	return l.accepted
}

func (l *Log) gather(ctx context.Context) ([]byte, error) {
	c := l.sealed.checkpoint
	if l.Gather == nil {
		return l.sealed.signed, nil
	}
	cosigned, err := l.Gather(ctx, bytes.Clone(l.sealed.signed), c, NewProver(DirFetch(l.Dir), c).Consistency)
	if err != nil {
		return nil, fmt.Errorf("cosignatures for size %d: %w", c.Size, err)
	}
	got, err := l.own(cosigned)
	if err == nil && got != c {
		err = fmt.Errorf("they are for size %d with root %s", got.Size, got.Root)
	}
	if err != nil {
		return nil, fmt.Errorf("cosignatures for size %d: %w", c.Size, err)
	}
	return cosigned, nil
}

// tidy removes the partial tiles that a published size has made useless: those of
// sizes from one on up to it.
func (l *Log) tidy(from, size ledger.Position) {
	for level := 0; size>>(tileHeight*level) > 0; level++ {
		first, last := uint64(from)>>(tileHeight*level)/ledger.TileWidth, uint64(size)>>(tileHeight*level)
		for i := first; i <= last/ledger.TileWidth; i++ {
			keep := ""
			if i == last/ledger.TileWidth && last%ledger.TileWidth > 0 {
				keep = strconv.FormatUint(last%ledger.TileWidth, 10)
			}
			partial := ledger.Tile{Level: level, Index: i, Width: 1}.Path()
			if err := l.disk.removeIn(filepath.Dir(filepath.Join(l.Dir, filepath.FromSlash(partial))), keep); err != nil {
				l.Log.Warn("outdated partial tiles could not be removed; they do no harm", "error", err)
				return
			}
		}
	}
}
