package registrar

import (
	"context"
	"sync"
)

// queue is where submissions wait, prepared, while the batch before them is
// committed. All that wait become the next batch, so that the fuller the ledger
// is, the more share one fsync. It bounds what is held in memory.
type queue struct {
	mu     sync.Mutex
	list   []prepared
	closed bool
	some   chan struct{} // something waits, or the queue is closed
	room   chan struct{} // something was taken
}

func newQueue() *queue {
	return &queue{some: make(chan struct{}, 1), room: make(chan struct{}, 1)}
}

// put adds a batch, once fewer than MaxBatch submissions wait.
func (q *queue) put(ctx context.Context, batch []prepared) error {
	for {
		q.mu.Lock()
		if len(q.list) < MaxBatch {
			q.list = append(q.list, batch...)
			q.mu.Unlock()
			signal(q.some)
			return nil
		}
		q.mu.Unlock()
		select {
		case <-q.room:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// close says that nothing more is put.
func (q *queue) close() {
	q.mu.Lock()
	q.closed = true
	q.mu.Unlock()
	signal(q.some)
}

// take gives what waits, at most MaxBatch, and blocks until something does; none
// once the queue is closed and empty.
func (q *queue) take() []prepared {
	for {
		q.mu.Lock()
		n := min(len(q.list), MaxBatch)
		batch, closed := q.list[:n:n], q.closed
		q.list = q.list[n:]
		left := len(q.list) > 0
		if !left {
			q.list = nil
		}
		q.mu.Unlock()
		if n > 0 {
			signal(q.room)
		}
		if left || closed {
			signal(q.some)
		}
		if n > 0 || closed {
			return batch
		}
		<-q.some
	}
}

func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
