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
	load    uint64
	at      Settled
	asked   time.Time
	took    time.Duration
	working bool // it is being worked out anew
}

// latestAt says at which record a question of now is to be answered, zero: at the
// last one. ask works it out, and has it remembered.
func (r *Reader) latestAt(ctx context.Context, key string, ask func(ctx context.Context, at Settled) error) (Settled, error) {
	c := r.columns
	if c == nil {
		return Settled{}, nil
	}
	s := c.now.Load()
	if c.latest.from == 0 || s == nil || len(s.blocks) < c.latest.from {
		return Settled{}, nil
	}
	if at, anew := c.latest.have(key, s.load); at.Position != 0 {
		if anew {
			c.beside(func(ctx context.Context) {
				if err := c.askLatest(ctx, key, ask); err != nil {
					c.latest.gaveUp(key)
				}
			})
		}
		return at, nil
	}
	if err := c.askLatest(ctx, key, ask); err != nil {
		return Settled{}, err
	}
	at, _ := c.latest.have(key, s.load)
	return at, nil
}

// askLatest works a question out at the last record.
func (c *columns) askLatest(ctx context.Context, key string, ask func(ctx context.Context, at Settled) error) error {
	_, s, err := c.look(ctx)
	if err != nil || s == nil {
		return err
	}
	began, at := c.latest.clock(), Settled{s.position, s.recorded}
	if err := ask(ctx, at); err != nil {
		return err
	}
	c.latest.keep(key, lately{load: s.load, at: at, asked: began, took: c.latest.clock().Sub(began)})
	return nil
}

// have gives what is kept of a question, and whether the caller is to see to it that
// it is worked out anew.
func (l *latest) have(key string, load uint64) (at Settled, anew bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	one := l.by[key]
	if one == nil || one.load != load {
		return Settled{}, false
	}
	age := l.clock().Sub(one.asked)
	if age >= latestStale+one.took {
		return Settled{}, false
	}
	if anew = !one.working && age >= max(latestFresh, latestPauses*one.took); anew {
		one.working = true
	}
	return one.at, anew
}

func (l *latest) gaveUp(key string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if one := l.by[key]; one != nil {
		one.working = false
	}
}

// keep keeps a question, and forgets the one asked longest ago.
func (l *latest) keep(key string, one lately) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.by == nil {
		l.by = make(map[string]*lately)
	}
	l.by[key] = &one
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
