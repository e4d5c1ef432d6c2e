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
	mu    sync.Mutex
	by    map[string]*list.Element // of *remembered
	used  *list.List               // the one used last in front
	words int                      // numbers kept
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
}

// answer gives what is remembered under a key, or works it out and remembers it.
// Of several who ask the same at once one works, when there is a place. words says
// how many numbers a value holds.
func (m *memo) answer(ctx context.Context, key string, places chan struct{}, work func() (value any, words int)) (any, error) {
	for {
		r, ours := m.claim(key)
		if ours {
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
func (m *memo) workOut(ctx context.Context, r *remembered, places chan struct{}, work func() (any, int)) (any, error) {
	defer func() {
		if !r.done {
			m.forget(r)
		}
		close(r.ready)
	}()
	select {
	case places <- struct{}{}:
		defer func() { <-places }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	r.value, r.words = work()
	r.done = true
	m.keep(r)
	return r.value, nil
}

func (m *memo) forget(r *remembered) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if e, ok := m.by[r.key]; ok && e.Value == r {
		m.used.Remove(e)
		delete(m.by, r.key)
	}
}

// clear forgets everything: answers hold on to the columns that they are from.
func (m *memo) clear() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.by, m.used, m.words = nil, nil, 0
}

// keep counts an answer, and forgets those used longest ago.
func (m *memo) keep(r *remembered) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if e, ok := m.by[r.key]; !ok || e.Value != r {
		return
	}
	r.kept = true
	m.words += r.words + 64
	for m.words > memoWords {
		e := m.used.Back()
		old := m.used.Remove(e).(*remembered)
		delete(m.by, old.key)
		if old.kept {
			m.words -= old.words + 64
		}
	}
}
