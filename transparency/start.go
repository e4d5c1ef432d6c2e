package transparency

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"

	"github.com/berkas-ledger/berkas/ledger"
)

// check compares, once in each process and before anything is signed, the whole
// journal with what was sealed and published, and the tiles on the disk with the
// journal. That is one pass over the journal, at the speed of hashing, beside the
// intake that has begun. Tiles that are missing are made again; what differs
// stops the log.
func (l *Log) check(ctx context.Context) error {
	s, err := l.loadSealed(ctx)
	if err != nil {
		return err
	}
	c := s.checkpoint
	_, public := l.Published()
	if err := l.fits(c, public); err != nil {
		return err
	}
	tiles := &inspection{dir: l.Dir}
	e, earlier, err := l.walk(ctx, c.Size, public.Size, tiles.look)
	if err != nil {
		return err
	}
	switch {
	case c.Size > 0 && e.root() != c.Root:
		return l.stop(l.explain(ctx, c, e.root()))
	case public.Size > 0 && earlier != public.Root:
		return l.stop(fmt.Errorf("the journal's first %d records have root %s, published was %s", public.Size, earlier, public.Root))
	case len(tiles.damaged) > 0:
		return l.stop(fmt.Errorf("%d tiles are not what the journal says, the first is %s; the journal is what was sealed, so remove %s and start again to have them made anew",
			len(tiles.damaged), tiles.damaged[0], filepath.Join(l.Dir, "tile")))
	}
	if tiles.missing > 0 {
		l.Log.Info("tiles are made again from the journal", "missing", tiles.missing)
		if err := l.restore(ctx, c.Size); err != nil {
			return err
		}
	}
	s.edge = e
	l.sealed = s
	if public.Size == c.Size {
		l.tidy(0, c.Size) // a process that was killed may have left some
	}
	return nil
}

// fits compares the sizes of what was sealed, what was published and the journal.
func (l *Log) fits(c, public ledger.Checkpoint) error {
	switch size := l.Source.Len(); {
	case public.Size > c.Size:
		return l.stop(fmt.Errorf("a checkpoint of size %d is published, but the sealed one has size %d: it was lost or set back; put the newest of %s in its place",
			public.Size, c.Size, filepath.Join(l.Dir, filepath.FromSlash(checkpointsPath))))
	case size < c.Size && l.Shared:
		return errStandby
	case size < c.Size:
		return l.stop(rewound(size, c.Size))
	}
	return nil
}

// inspection compares the tiles on the disk with those that the journal gives.
type inspection struct {
	dir     string
	missing int
	damaged []string
}

func (i *inspection) look(t ledger.Tile, data []byte) error {
	got, err := readFile(i.dir, t.Path())
	switch {
	case errors.Is(err, fs.ErrNotExist):
		i.missing++
	case err != nil || !bytes.Equal(got, data):
		i.damaged = append(i.damaged, t.Path())
	}
	return nil
}

// loadSealed reads what was sealed, without the edge.
func (l *Log) loadSealed(ctx context.Context) (sealed, error) {
	signed, err := l.Register.Load(ctx)
	if err != nil {
		return sealed{}, fmt.Errorf("what is sealed is not known: %w", err)
	}
	if signed == nil {
		return sealed{}, nil
	}
	c, err := l.own(signed)
	if err != nil {
		return sealed{}, l.stop(fmt.Errorf("what was sealed is not this log's: %w", err))
	}
	return sealed{signed: signed, checkpoint: c}, nil
}

// walk makes the tiles of a size from the journal and hands them over, the full
// ones and then the partial ones. It gives the edge, and the root that the log
// had at an earlier size.
func (l *Log) walk(ctx context.Context, size, earlier ledger.Position, tile func(ledger.Tile, []byte) error) (*edge, ledger.Hash, error) {
	e := &edge{}
	var root ledger.Hash
	if size == 0 {
		return e, root, nil
	}
	err := l.Source.Leaves(ctx, 1, size, func(_ ledger.Position, leaf []byte) error {
		err := e.add(ledger.HashLeaf(leaf), tile)
		if e.size == earlier {
			root = e.root()
		}
		return err
	})
	if err == nil {
		err = e.partial(0, tile)
	}
	if err == nil && e.size != size {
		err = &ledger.ErrBroken{Position: e.size + 1, Problem: "the journal does not give its record"}
	}
	return e, root, l.broken(err)
}

// broken stops the log when the source says that it is not what it was.
func (l *Log) broken(err error) error {
	var broken *ledger.ErrBroken
	if errors.As(err, &broken) {
		return l.stop(err)
	}
	return err
}

// restore writes the tiles of a size that are missing.
func (l *Log) restore(ctx context.Context, size ledger.Position) error {
	w := l.disk.writer(l.Dir)
	_, _, err := l.walk(ctx, size, 0, func(t ledger.Tile, data []byte) error {
		if got, err := readFile(l.Dir, t.Path()); err == nil && bytes.Equal(got, data) {
			return nil
		}
		return w.put(t.Path(), data)
	})
	if err != nil {
		return err
	}
	return w.sync()
}

// explain finds, with the help of the tiles, which record of the journal is not
// the one that was sealed.
func (l *Log) explain(ctx context.Context, c ledger.Checkpoint, found ledger.Hash) error {
	prover := NewProver(DirFetch(l.Dir), c)
	for first := ledger.Position(1); first <= c.Size; first += rereadLeaves {
		err := l.compare(ctx, prover, first, min(first+rereadLeaves-1, c.Size))
		var broken *ledger.ErrBroken
		if errors.As(err, &broken) {
			return err
		}
		if err != nil {
			break // the tiles do not belong to the checkpoint either
		}
	}
	return fmt.Errorf("the journal's first %d records have root %s, sealed was %s; the tiles cannot say which record it is", c.Size, found, c.Root)
}
