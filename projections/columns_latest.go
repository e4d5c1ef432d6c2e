package projections

import (
	"context"
	"sync"
	"time"
)

// What is owed now is asked again and again, and each record makes it another
// question. On a large ledger such a question is answered for a few seconds as it
// was answered before, and then worked out anew beside questions. Answers say the
// position that they are known at, so a little old is still exact.

const (
	// latestFrom is from how many blocks on, some 200,000 rows, a ledger is large.
	latestFrom = 50
	// latestFresh is how long an answer is as good as new, latestStale from when on it
	// is not given any more.
	latestFresh = 3 * time.Second
	latestStale = 30 * time.Second
	// latestPauses keeps work that is done anew to a tenth of the time.
	latestPauses = 9
	// latestKept is how many questions are kept.
	latestKept = 64
)

// latest keeps questions of now.
type latest struct {
	from  int              // how many blocks are a large ledger; 0: none is
	clock func() time.Time // tests have their own
	mu    sync.Mutex
	by    map[string]*lately
}

// lately is a question of now as it was answered last.
type lately struct {
	load  uint64
	at    Settled // zero: it was not
	asked time.Time
	took  time.Duration
	// work is closed when whoever works it out has done so or given up; nil: nobody does.
	work chan struct{}
}

// latestOf answers a question of now, which ask answers at a record, the last one if
// that is zero. Of several who ask for the first time, or after long, one works.
func latestOf[T any](ctx context.Context, r *Reader, key string, ask func(ctx context.Context, at Settled) (T, error)) (answer T, err error) {
	c := r.columns
	for {
		if c == nil || c.latest.from == 0 {
			return ask(ctx, Settled{})
		}
		s := c.now.Load()
		if s == nil || len(s.blocks) < c.latest.from {
			return ask(ctx, Settled{})
		}
		at, work, ours := c.latest.have(key, s.load)
		switch {
		case ours && at.Position == 0:
			return askLatest(ctx, c, key, work, ask)
		case ours:
			c.beside(func(ctx context.Context) {
				if _, err := askLatest(ctx, c, key, work, ask); err != nil && ctx.Err() == nil {
					c.log.WarnContext(ctx, "what is owed now could not be worked out anew", "error", err.Error())
				}
			})
		}
		if at.Position != 0 {
			return ask(ctx, at)
		}
		select {
		case <-work:
		case <-ctx.Done():
			return answer, ctx.Err()
		}
	}
}

// askLatest works a question out at the last record, and has it remembered.
func askLatest[T any](ctx context.Context, c *columns, key string, work chan struct{}, ask func(ctx context.Context, at Settled) (T, error)) (answer T, err error) {
	var out lately
	defer func() { c.latest.done(key, work, out) }() // when it panics, too
	_, s, err := c.look(ctx)
	switch {
	case err != nil:
		return answer, err
	case s == nil:
		return ask(ctx, Settled{})
	}
	began, at := c.latest.clock(), Settled{s.position, s.recorded}
	if answer, err = ask(ctx, at); err == nil {
		out = lately{load: s.load, at: at, asked: began, took: c.latest.clock().Sub(began)}
	}
	return answer, err
}

// have gives the record at which a question is to be answered, zero for none, and who
// works it out anew; ours: the caller is to.
func (l *latest) have(key string, load uint64) (at Settled, work chan struct{}, ours bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.clock()
	one := l.by[key]
	if one == nil || one.load != load {
		one = &lately{load: load, asked: now}
		l.put(key, one)
	}
	age := now.Sub(one.asked)
	if age < latestStale+one.took {
		at = one.at
	}
	if ours = one.work == nil && (at.Position == 0 || age >= max(latestFresh, latestPauses*one.took)); ours {
		one.work = make(chan struct{})
	}
	return at, one.work, ours
}

// done keeps what came of work, if anything did, and lets those go on who wait for it.
func (l *latest) done(key string, work chan struct{}, out lately) {
	l.mu.Lock()
	defer l.mu.Unlock()
	close(work)
	one := l.by[key]
	if one == nil || one.work != work {
		return // it was forgotten, or tables are others
	}
	switch one.work = nil; {
	case out.at.Position != 0:
		*one = out
	case one.at.Position == 0:
		delete(l.by, key)
	}
}

// put keeps a question, and forgets the one asked longest ago.
func (l *latest) put(key string, one *lately) {
	if l.by == nil {
		l.by = make(map[string]*lately)
	}
	l.by[key] = one
	for len(l.by) > latestKept {
		var oldest string
		for k, o := range l.by {
			if oldest == "" || o.asked.Before(l.by[oldest].asked) {
				oldest = k
			}
		}
		delete(l.by, oldest)
	}
}
