package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"sync"

	"github.com/berkas-ledger/berkas/ledger"
	"github.com/berkas-ledger/berkas/transparency"
)

const (
	// fetchAhead is how many bundles are on their way at a time.
	fetchAhead = 8
	// cachedBundles is how many bundles are kept for records that are read again.
	cachedBundles = 32
)

// errEntries says that records of a log cannot be had: they are not there, or
// are no bundle. Another reading would give the same.
type errEntries struct {
	path  string
	first ledger.Position
	err   error
}

func (e *errEntries) Error() string { return e.path + ": " + e.err.Error() }
func (e *errEntries) Unwrap() error { return e.err }

// entries reads the records of a log.
type entries struct {
	fetch transparency.Fetch
	size  ledger.Position
	// cache holds the bundles read last for single records; it is used by one
	// goroutine.
	cache map[uint64][][]byte
	order []uint64
}

func newEntries(fetch transparency.Fetch) *entries {
	return &entries{fetch: fetch, cache: map[uint64][][]byte{}}
}

// bundle reads the leaves of a bundle. The one at the end may have been filled up
// since the checkpoint.
func (e *entries) bundle(ctx context.Context, t ledger.Tile) ([][]byte, error) {
	raw, err := e.fetch(ctx, t.Path())
	width := t.Width
	if errors.Is(err, fs.ErrNotExist) && t.Width < ledger.TileWidth {
		whole := ledger.Tile{Level: t.Level, Index: t.Index, Width: ledger.TileWidth}
		if wider, again := e.fetch(ctx, whole.Path()); again == nil {
			raw, width, err = wider, ledger.TileWidth, nil
		}
	}
	first := ledger.Position(t.Index)*ledger.TileWidth + 1
	if errors.Is(err, fs.ErrNotExist) {
		return nil, &errEntries{t.Path(), first, err}
	}
	if err != nil {
		return nil, err
	}
	leaves, err := ledger.ParseBundle(raw, width)
	if err != nil {
		return nil, &errEntries{t.Path(), first, err}
	}
	return leaves[:t.Width], nil
}

// stretch is how many records' bundles are listed at a time: a log may sign that it
// has any number of records.
const stretch = 1 << 20

// each reads the records from first to last, some bundles ahead, and hands them
// over in order.
func (e *entries) each(ctx context.Context, first, last ledger.Position, yield func(ledger.Position, [][]byte) error) error {
	for first <= last {
		end := min(last, (first-1)/stretch*stretch+stretch)
		if err := e.some(ctx, first, end, yield); err != nil {
			return err
		}
		first = end + 1
	}
	return nil
}

// some is each over a stretch.
func (e *entries) some(ctx context.Context, first, last ledger.Position, yield func(ledger.Position, [][]byte) error) error {
	type fetched struct {
		leaves [][]byte
		err    error
	}
	ctx, cancel := context.WithCancel(ctx)
	var wg sync.WaitGroup
	defer wg.Wait()
	defer cancel()
	tiles := ledger.Tiles(ledger.LevelEntries, uint64(first-1)/ledger.TileWidth, last)
	waiting := make([]chan fetched, len(tiles))
	begin := func(i int) {
		if i >= len(tiles) {
			return
		}
		c := make(chan fetched, 1)
		waiting[i] = c
		wg.Go(func() {
			leaves, err := e.bundle(ctx, tiles[i])
			c <- fetched{leaves, err}
		})
	}
	for i := range fetchAhead {
		begin(i)
	}
	for i, t := range tiles {
		got := <-waiting[i]
		waiting[i] = nil
		if got.err != nil {
			return got.err
		}
		begin(i + fetchAhead)
		at := ledger.Position(t.Index)*ledger.TileWidth + 1
		if skip := first - min(first, at); skip > 0 {
			at, got.leaves = at+skip, got.leaves[skip:]
		}
		if err := yield(at, got.leaves); err != nil {
			return err
		}
	}
	return nil
}

// leaf reads one record.
func (e *entries) leaf(ctx context.Context, p ledger.Position) ([]byte, error) {
	if p == 0 || p > e.size {
		return nil, fmt.Errorf("position %d is not in the log", p)
	}
	index := uint64(p-1) / ledger.TileWidth
	leaves, ok := e.cache[index]
	if !ok {
		t := ledger.Tile{Level: ledger.LevelEntries, Index: index, Width: int(min(ledger.TileWidth, uint64(e.size)-index*ledger.TileWidth))}
		var err error
		if leaves, err = e.bundle(ctx, t); err != nil {
			return nil, err
		}
		if len(e.order) == cachedBundles {
			delete(e.cache, e.order[0])
			e.order = e.order[1:]
		}
		e.cache[index], e.order = leaves, append(e.order, index)
	}
	return leaves[uint64(p-1)%ledger.TileWidth], nil
}

// feed yields the records of the log as a follower gets them.
func (e *entries) feed(last ledger.Position, check func(ledger.Position, [][]byte)) ledger.Feed {
	return func(ctx context.Context, after ledger.Position, yield func([]ledger.Record) error) error {
		return e.each(ctx, after+1, last, func(first ledger.Position, leaves [][]byte) error {
			check(first, leaves)
			records := make([]ledger.Record, len(leaves))
			for i, leaf := range leaves {
				r, err := ledger.ParseLeaf(leaf)
				if err != nil {
					return fmt.Errorf("position %d: %w", first+ledger.Position(i), err)
				}
				records[i] = r
			}
			return yield(records)
		})
	}
}
