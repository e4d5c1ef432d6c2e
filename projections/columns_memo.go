package projections

import (
	"container/list"
	"context"
	"sync"
)

// memo keeps answers that were given last. What is known at a position does not
// change when records come, so an answer holds as long as its columns' load, and
// the question names the position.
type memo struct {
	gate  gate
	mu    sync.Mutex
	by    map[string]*list.Element // of *remembered
	used  *list.List               // the one used last in front
	words int                      // numbers kept
	// now is the snapshot that questions ask. Answers that hold on to another are
	// not kept, or blocks that were put together since would stay in memory.
	now  *snapshot
	held map[string]*list.Element // those that hold on to now
}

// memoWords bounds the numbers that are kept, of 8 bytes each.
const memoWords = 4 << 20

// remembered is an answer, or one that somebody is working out.
type remembered struct {
	key   string
	ready chan struct{} // closed when value is there, or will not be
	done  bool          // it is
	value any
	words int
	kept  bool // words are counted
	holds *snapshot
}

// working out an answer gives it, and how many numbers it holds. It ends with its
// context.
type working func(ctx context.Context) (value any, words int, err error)

// answer gives what is remembered under a key, or works it out and remembers it.
// Of several who ask the same at once one works, when there is a place.
func (m *memo) answer(ctx context.Context, key string, places chan struct{}, work working) (any, error) {
	return m.answerOf(ctx, key, nil, places, work)
}

// answerOf is answer for what holds on to a snapshot, and is forgotten with it.
func (m *memo) answerOf(ctx context.Context, key string, holds *snapshot, places chan struct{}, work working) (any, error) {
	for {
		r, ours := m.claim(key)
		if ours {
			r.holds = holds
			return m.workOut(ctx, r, places, work)
		}
		select {
		case <-r.ready:
			if r.done {
				return r.value, nil
			} // else who was to work has gone, and one of those who waited does
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// claim finds what is remembered under a key; ours: nothing, and the caller works.
func (m *memo) claim(key string) (r *remembered, ours bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.by == nil {
		m.by, m.used = make(map[string]*list.Element), list.New()
	}
	if e, ok := m.by[key]; ok {
		m.used.MoveToFront(e)
		return e.Value.(*remembered), false
	}
	r = &remembered{key: key, ready: make(chan struct{})}
	m.by[key] = m.used.PushFront(r)
	return r, true
}

// workOut waits for a place and works. Whoever gives up leaves nothing behind.
func (m *memo) workOut(ctx context.Context, r *remembered, places chan struct{}, work working) (_ any, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = panicked(p)
		}
		if !r.done {
			m.forget(r)
		}
		close(r.ready)
	}()
	ctx, leave, err := m.gate.enter(ctx, places)
	if err != nil {
		return nil, err
	}
	defer leave()
	if r.value, r.words, err = work(ctx); err != nil {
		return nil, err
	}
	r.done = true
	m.keep(r)
	return r.value, nil
}

func (m *memo) forget(r *remembered) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if e, ok := m.by[r.key]; ok && e.Value == r {
		m.remove(e)
	}
}

// clear forgets everything: answers hold on to the columns that they are from.
func (m *memo) clear() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.by, m.used, m.words, m.now, m.held = nil, nil, 0, nil, nil
}

// move says that questions ask another snapshot now, and forgets answers that hold
// on to the one before.
func (m *memo) move(to *snapshot) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, e := range m.held {
		m.remove(e)
	}
	m.now, m.held = to, nil
}

// remove forgets an answer that is there.
func (m *memo) remove(e *list.Element) {
	old := m.used.Remove(e).(*remembered)
	delete(m.by, old.key)
	delete(m.held, old.key)
	if old.kept {
		m.words -= old.size()
	}
}

// size is how much room an answer takes, with its key.
func (r *remembered) size() int { return r.words + len(r.key)/8 + 64 }

// keep counts an answer, and forgets those used longest ago.
func (m *memo) keep(r *remembered) {
	m.mu.Lock()
	defer m.mu.Unlock()
	e, ok := m.by[r.key]
	switch {
	case !ok || e.Value != r:
		return
	case r.holds != nil && r.holds != m.now:
		m.remove(e)
		return
	case r.holds != nil:
		if m.held == nil {
			m.held = make(map[string]*list.Element)
		}
		m.held[r.key] = e
	}
	r.kept = true
	m.words += r.size()
	for m.words > memoWords {
		m.remove(m.used.Back())
	}
}
