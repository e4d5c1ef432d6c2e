package projections

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/berkas-ledger/berkas/ledger"
)

// Columns hold what respondent_history says in memory, so that a figure of any
// two times takes milliseconds where SQL takes seconds. They are a cache and
// never a source (P5): each question first reads how far the tables are; cases
// that records have touched since are read again; and where columns cannot be
// shown to say what the tables do, SQL answers.

// columns belong to a Reader.
type columns struct {
	pool *pgxpool.Pool
	log  *slog.Logger
	// now is what questions ask; nil: nothing, or nothing that holds any more.
	now  atomic.Pointer[snapshot]
	days atomic.Pointer[daily] // of now, or of a snapshot before it
	memo memo
	// scans bounds the questions that are counted at the same time, works those that
	// follow rules. They share the processors (columns_gate.go).
	scans, works chan struct{}
	rules        rulesMemo // what was found out under published rules
	piles        piles

	latest latest // questions of now

	annals   atomic.Pointer[annals]
	annalist annalist        // whoever has writing writes them
	writing  chan struct{}   // of one place
	reading  atomic.Bool     // they are being read beside questions
	near     ledger.Position // how many records whoever asks reads himself

	// turn is held by whoever brings columns up to date. PostgreSQL may let him wait
	// for long, so the others wait no longer than they have time.
	turn     chan struct{}
	ordering ordering // whoever has the turn orders

	mu    sync.Mutex  // of what stands below, and of changes of now; never held over a query
	words *vocabulary // of now; it is added to by whoever has the turn
	loads uint64

	// stretch is how many rows are read at a time, full from how many on a block
	// is full, few how many places of what is owed are kept together. Tests have
	// small ones.
	stretch, full, few int

	loaded chan struct{} // closed when columns answer; under mu
	wanted chan struct{} // asks the loader to load anew
	cancel context.CancelFunc
	done   chan struct{}
	beside func(work func(context.Context)) // has work done beside questions
	under  sync.WaitGroup                   // that work
}

// snapshot is what was known at a position. It never changes.
type snapshot struct {
	lexicon
	place
	blocks []placed
	base   int    // how many of the blocks come by id, each after the one before
	full   int    // from how many rows on a block is full
	load   uint64 // snapshots of one load are of one ledger
}

// place is where tables stand, and which.
type place struct {
	position   ledger.Position
	leaf       ledger.Hash
	recorded   time.Time
	generation uint32 // the table's number in PostgreSQL's catalogue
}

// placed is a block with the cases that have been put elsewhere since.
type placed struct {
	*block
	dead   []uint64 // a bit a case; nil: none. Never changed once it is shown
	buried int
}

// KeepColumns has the reader load its tables into memory, beside questions, which
// SQL answers until then, and keep them up to date. It takes about 50 bytes a
// row, and some 40 more for what is found out for questions. It is called once, before
// the first question; Close ends it.
func (r *Reader) KeepColumns(log *slog.Logger) {
	r.keepColumns(log, loadRows, blockRows)
	r.columns.latest.from = latestFrom
}

func (r *Reader) keepColumns(log *slog.Logger, stretch, full int) {
	ctx, cancel := context.WithCancel(context.Background())
	c := &columns{
		pool: r.pool, log: log, stretch: stretch, full: full, few: fewOwed, near: annalsNear, cancel: cancel, done: make(chan struct{}),
		wanted: make(chan struct{}, 1), loaded: make(chan struct{}), scans: make(chan struct{}, 4), works: make(chan struct{}, 4),
		writing: make(chan struct{}, 1), turn: make(chan struct{}, 1), latest: latest{clock: time.Now},
		memo:     memo{gate: newGate()},
		ordering: ordering{from: orderFrom, step: orderStep},
	}
	c.beside = func(work func(context.Context)) {
		c.under.Go(func() {
			if err := abreast(ctx, 1, func(ctx context.Context, _ int) { work(ctx) }); err != nil && ctx.Err() == nil {
				log.ErrorContext(ctx, "work beside questions ended", "error", err.Error())
			}
		})
	}
	r.columns = c
	c.want()
	go c.loadWhenWanted(ctx)
}

func (c *columns) close() {
	c.cancel()
	<-c.done
	c.under.Wait()
}

// WaitColumns returns when columns answer, as they do until the tables are
// replaced.
func (r *Reader) WaitColumns(ctx context.Context) error {
	c := r.columns
	if c == nil {
		return errors.New("this reader keeps no columns")
	}
	c.mu.Lock()
	loaded := c.loaded
	c.mu.Unlock()
	select {
	case <-loaded:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("wait for columns: %w", ctx.Err())
	}
}

// ColumnsSize tells how many rows columns hold, and about how many bytes of
// memory they take; zero while SQL answers.
func (r *Reader) ColumnsSize() (rows int, bytes uint64) {
	if r.columns == nil {
		return 0, 0
	}
	s := r.columns.now.Load()
	if s == nil {
		return 0, 0
	}
	rows, bytes = s.size()
	if d := r.columns.days.Load(); d != nil {
		bytes += d.bytes()
	}
	bytes += r.columns.piles.bytes()
	return rows, bytes
}

func (c *columns) want() {
	select {
	case c.wanted <- struct{}{}:
	default: // it is asked already
	}
}

// keepUpEvery is how long columns stay behind the tables when nobody asks.
const keepUpEvery = time.Second

// Bounds of the wait after a load that failed. A column that is not there is no
// news before the wait is as long as migrations may take.
const (
	loadAgainFirst = 100 * time.Millisecond
	migratesFor    = 5 * time.Second
	loadAgainLast  = 30 * time.Second
)

func (c *columns) loadWhenWanted(ctx context.Context) {
	defer close(c.done)
	pause := loadAgainFirst
	for {
		select {
		case <-ctx.Done():
			return
		case <-c.wanted:
		case <-time.After(keepUpEvery):
			// So that the next question finds little to read. If this fails, that
			// question finds it out.
			_, _, _ = c.look(ctx)
			if err := c.keepOrder(ctx); err != nil && ctx.Err() == nil {
				c.log.ErrorContext(ctx, "cases could not be put in order", "error", err.Error())
			}
			c.keepDays(ctx)
			continue
		}
		if c.now.Load() != nil {
			continue
		}
		began := time.Now()
		s, words, err := c.load(ctx)
		if err == nil {
			s.load = c.loads + 1
			days := c.countDays(ctx, s) // which takes little beside the load, and makes most questions short
			c.restAll(ctx, s)           // likewise
			c.mu.Lock()
			c.loads = s.load
			c.words = words
			c.now.Store(s)
			c.days.Store(days)
			c.memo.move(s)
			close(c.loaded)
			c.mu.Unlock()
			rows, bytes := s.size()
			c.log.InfoContext(ctx, "figures are answered from memory", "position", s.position, "rows", rows, "bytes", bytes, "took", time.Since(began).Round(time.Millisecond))
			pause = loadAgainFirst
			continue
		}
		if ctx.Err() != nil {
			return
		}
		switch {
		case errors.Is(err, ErrNoTables): // they will be made in a moment
			pause = loadAgainFirst
		case noColumn(err) && pause < migratesFor: // so will it
		default:
			c.log.WarnContext(ctx, "figures could not be loaded into memory; PostgreSQL answers", "error", err.Error())
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(pause):
			pause = min(2*pause, loadAgainLast)
			c.want()
		}
	}
}

// loadRows is how many rows are read at a time.
const loadRows = 200_000

// load reads all rows, in the order of cases. Each stretch is read as the tables
// then are; cases touched meanwhile are read again before columns answer.
func (c *columns) load(ctx context.Context) (_ *snapshot, _ *vocabulary, err error) {
	defer recovered(&err)
	err = c.pool.AcquireFunc(ctx, func(conn *pgxpool.Conn) error { return tablesAreMade(ctx, conn.Conn()) })
	if errors.Is(err, ErrNoTables) {
		return nil, nil, err // of other errors it may be that they do not matter
	}
	_, at, err := readPlace(ctx, c.pool)
	if err != nil {
		return nil, nil, err
	}
	r := rowReader{words: newVocabulary(), full: c.full}
	limit, told := c.stretch, 0
	for after := uuid.Nil; ; {
		had := r.rows
		n, err := r.stretch(ctx, c.pool, after, limit)
		if err != nil {
			return nil, nil, err
		}
		if n < limit {
			break
		}
		last := r.dropLast()
		if last == after { // one case is larger than that
			limit *= 2
			r.rows = had
		}
		after = last
		if r.rows/1_000_000 > told {
			told = r.rows / 1_000_000
			c.log.InfoContext(ctx, "loading figures into memory", "rows", r.rows)
		}
	}
	r.finish()
	s := &snapshot{lexicon: r.words.lexicon(), place: at, base: len(r.blocks), full: c.full}
	for _, b := range r.blocks {
		s.blocks = append(s.blocks, placed{block: b})
	}
	return s, r.words, nil
}

// stretch reads the rows of the cases after one. The planner is kept to the
// index: it would sort a table that it takes for small.
func (r *rowReader) stretch(ctx context.Context, pool *pgxpool.Pool, after uuid.UUID, limit int) (n int, err error) {
	err = pgx.BeginTxFunc(ctx, pool, pgx.TxOptions{AccessMode: pgx.ReadOnly}, func(tx pgx.Tx) error {
		if err := byIndex(ctx, tx); err != nil {
			return err
		}
		n, err = r.read(ctx, tx, "case_id > $1 ORDER BY case_id, respondent, happened_from, recorded_from LIMIT $2", after, limit)
		return err
	})
	return n, err
}

// byIndex keeps the planner to indexes in a transaction.
func byIndex(ctx context.Context, tx pgx.Tx) error {
	_, err := tx.Exec(ctx, "SET LOCAL enable_seqscan = off; SET LOCAL jit = off")
	return err
}

// readPlace reads where the tables stand, and which they are.
func readPlace(ctx context.Context, db rower) (Progress, place, error) {
	var p Progress
	var at place
	var leaf []byte
	var recorded *time.Time
	var position, unknown int64
	if err := db.QueryRow(ctx, "SELECT position, recorded, leaf, stopped, unknown, tableoid FROM projection.progress").
		Scan(&position, &recorded, &leaf, &p.Stopped, &unknown, &at.generation); err != nil {
		return p, at, asking("progress", err)
	}
	p.Position, p.Unknown = ledger.Position(position), uint64(unknown)
	copy(p.Leaf[:], leaf)
	if recorded != nil {
		p.Recorded = recorded.UTC()
	}
	at.position, at.leaf, at.recorded = p.Position, p.Leaf, p.Recorded
	return p, at, nil
}

// stand reads how far the tables are and gives columns that are as far, nil where
// SQL has to answer.
func (r *Reader) stand(ctx context.Context) (Progress, *snapshot, error) {
	if r.columns == nil {
		p, err := r.Progress(ctx)
		return p, nil, err
	}
	return r.columns.look(ctx)
}

// look does so with columns.
func (c *columns) look(ctx context.Context) (Progress, *snapshot, error) {
	before := c.now.Load()
	p, at, err := readPlace(ctx, c.pool)
	if err != nil {
		return p, nil, err
	}
	if before != nil && !before.leadsTo(at) {
		c.drop(ctx, before, "the tables are others")
	}
	s := c.upTo(ctx, at)
	if s != nil {
		p.Position, p.Recorded, p.Leaf = s.position, s.recorded, s.leaf
	}
	return p, s, nil
}

// leadsTo reports whether tables that stood at one place may stand at another now.
func (p *place) leadsTo(at place) bool {
	return p.generation == at.generation && p.position <= at.position && (p.position != at.position || p.leaf == at.leaf)
}

// past reports whether there is nothing to be read to come to a place: columns
// stand there or after it, or are of other tables, or there are none.
func (s *snapshot) past(at place) bool {
	return s == nil || s.generation != at.generation || s.position >= at.position
}

// of gives columns that are of the tables of a place.
func (s *snapshot) of(at place) *snapshot {
	if s == nil || s.generation != at.generation || s.position == at.position && s.leaf != at.leaf {
		return nil
	}
	return s
}

// drop forgets a snapshot that the tables have left.
func (c *columns) drop(ctx context.Context, s *snapshot, why string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.dropLocked(ctx, s, why)
}

func (c *columns) dropLocked(ctx context.Context, s *snapshot, why string) {
	if c.now.CompareAndSwap(s, nil) {
		c.memo.clear() // or both would be in memory, the old and the new
		c.days.Store(nil)
		c.piles.forget(s.load + 1)
		c.loaded = make(chan struct{})
		c.log.InfoContext(ctx, "figures are loaded into memory anew; PostgreSQL answers meanwhile", "because", why)
		c.want()
	}
}

// upTo gives columns that stand at a place or after it, nil if there are none.
func (c *columns) upTo(ctx context.Context, at place) *snapshot {
	if s := c.now.Load(); s.past(at) {
		return s.of(at)
	}
	select {
	case c.turn <- struct{}{}:
		defer func() { <-c.turn }()
	case <-ctx.Done():
		return nil
	}
	c.mu.Lock()
	s, words := c.now.Load(), c.words
	c.mu.Unlock()
	if s.past(at) {
		return s.of(at)
	}
	next, err := c.follow(ctx, s, words)
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case err == nil && c.now.CompareAndSwap(s, next):
		c.memo.move(next)
		return next
	case err == nil, ctx.Err() != nil, passing(err): // err is nil where columns were dropped meanwhile
		return nil // whoever asks next tries again
	}
	c.dropLocked(ctx, s, err.Error())
	return nil
}
