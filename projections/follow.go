package projections

import (
	"context"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/berkas-ledger/berkas/ledger"
)

// Following is a line of three: records are decoded on all cores, folded in
// order into batches, and batches are committed one after the other. A batch
// takes what waits, so it is one record when little comes and many in catch-up;
// the next one is folded while the last is being committed.
const (
	pieceRecords = 256       // records decoded together
	pieceBytes   = 512 << 10 // likewise
	waiting      = 128       // pieces in line, so at most 64 MiB
	batchRecords = 16384     // records in a transaction
	firstRecords = 1024      // likewise in the first, so that PostgreSQL has work soon; then twice as many
	batchBytes   = 32 << 20  // likewise
	// batchEvery is how long after a batch the next one is made at the earliest,
	// unless it is full: a transaction costs as much as hundreds of records do.
	// The first record after a pause is not held up.
	batchEvery = 30 * time.Millisecond
)

// piece is a run of records that is decoded by one worker.
type piece struct {
	records []ledger.Record
	bytes   int
	// Set when done is closed; err is about the record after the last decoded.
	decoded []decoded
	err     error
	done    chan struct{}
}

func (p *piece) decode() {
	defer close(p.done)
	p.decoded = make([]decoded, 0, len(p.records))
	for _, r := range p.records {
		d, err := decode(r)
		if err != nil {
			p.err = err
			return
		}
		p.decoded = append(p.decoded, d)
	}
}

// split cuts records into pieces.
func split(records []ledger.Record) []*piece {
	var out []*piece
	for len(records) > 0 {
		n, size := 0, 0
		for n < len(records) && n < pieceRecords && size < pieceBytes {
			size += len(records[n].Body)
			n++
		}
		out = append(out, &piece{records: records[:n], bytes: size, done: make(chan struct{})})
		records = records[n:]
	}
	return out
}

// folded is a batch to commit, an error to stop at, or both: the batch first.
type folded struct {
	batch *batch
	err   error
}

// line is one run of following.
type line struct {
	folder *folder
	writer *writer
	// batchRecords bounds the records of a batch, save that a piece is not cut.
	batchRecords int
	// committed, if set, is told each position that stands in the tables.
	committed func(ledger.Position)

	begun time.Time // when the last batch was begun

	pieces  chan *piece // in order
	work    chan *piece // the same, for the decoders
	batches chan folded
	feedErr error // set before pieces is closed
	done    atomic.Uint64
}

// run follows a feed from where the folder stands until the feed ends (nil), or
// the context or an error ends it.
func (l *line) run(ctx context.Context, feed ledger.Feed) error {
	ctx, cancel := context.WithCancel(ctx)
	l.pieces, l.work = make(chan *piece, waiting), make(chan *piece, waiting)
	l.batches = make(chan folded)
	var wg sync.WaitGroup
	defer wg.Wait()
	defer cancel()
	after := l.folder.state.chain.Resume()
	wg.Go(func() { l.read(ctx, feed, after) })
	for range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			for p := range l.work {
				p.decode()
			}
		})
	}
	wg.Go(func() { l.fold(ctx) })
	for f := range l.batches {
		if f.batch != nil {
			if err := l.writer.write(ctx, f.batch); err != nil {
				return err
			}
			l.done.Store(f.batch.number)
			if l.committed != nil {
				l.committed(f.batch.after.chain.Position)
			}
		}
		if f.err != nil {
			return f.err
		}
	}
	return ctx.Err()
}

// read puts the feed's records in line.
func (l *line) read(ctx context.Context, feed ledger.Feed, after ledger.Position) {
	defer close(l.pieces)
	defer close(l.work)
	l.feedErr = feed(ctx, after, func(records []ledger.Record) error {
		for _, p := range split(records) {
			for _, c := range []chan *piece{l.work, l.pieces} {
				select {
				case c <- p:
				case <-ctx.Done():
					return ctx.Err()
				}
			}
		}
		return nil
	})
}

// fold makes batches of what waits, until the feed ends.
func (l *line) fold(ctx context.Context) {
	defer close(l.batches)
	limit := firstRecords
	for end := false; !end; limit = min(2*limit, batchRecords) {
		var pieces []*piece
		var err error
		pieces, end, err = l.gather(ctx, min(limit, l.batchRecords))
		for len(pieces) > 0 {
			var now []*piece
			now, pieces = l.folder.cut(pieces)
			if !l.hand(ctx, now) {
				return
			}
		}
		if end && err == nil && !l.folder.checked {
			err = &ledger.ErrBroken{Position: l.folder.state.chain.Position, Problem: "the ledger ends before it"}
		}
		if err != nil {
			select {
			case l.batches <- folded{err: err}:
			case <-ctx.Done():
			}
			return
		}
	}
}

// hand makes a batch and hands it on; false when nothing may follow it.
func (l *line) hand(ctx context.Context, pieces []*piece) bool {
	var f folded
	f.batch, f.err = l.folder.fold(ctx, pieces, l.done.Load())
	select {
	case l.batches <- f:
		return f.err == nil
	case <-ctx.Done():
		return false
	}
}

// gather waits for a piece and takes what waits behind it, or comes until the
// next batch is due; end says that nothing follows. An error is about what
// follows the pieces.
func (l *line) gather(ctx context.Context, limit int) (out []*piece, end bool, err error) {
	var due <-chan time.Time // nil: the first piece is waited for
	records, size := 0, 0
	for records < limit && size < batchBytes {
		p, ok, err := l.next(ctx, due)
		switch {
		case err != nil:
			return nil, false, err
		case !ok:
			return out, true, l.feedErr
		case p == nil:
			return out, false, nil
		}
		if due == nil {
			wait := time.Until(l.begun.Add(batchEvery))
			due, l.begun = time.After(wait), time.Now().Add(max(0, wait))
		}
		select {
		case <-p.done:
		case <-ctx.Done():
			return nil, false, ctx.Err()
		}
		out = append(out, p)
		records += len(p.records)
		size += p.bytes
		if p.err != nil {
			return out, false, p.err
		}
	}
	return out, false, nil
}

// next takes a piece from the line, or nil if none comes until it is due; ok is
// false at the end of the feed.
func (l *line) next(ctx context.Context, due <-chan time.Time) (p *piece, ok bool, err error) {
	select {
	case p, ok = <-l.pieces: // what waits comes first
		return p, ok, ctx.Err() // an ended context also ends the feed
	default:
	}
	select {
	case p, ok = <-l.pieces:
		return p, ok, ctx.Err()
	case <-due:
		return nil, true, nil
	case <-ctx.Done():
		return nil, false, ctx.Err()
	}
}
