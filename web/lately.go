package web

import (
	"context"
	"sync/atomic"
	"time"
)

// lately keeps what was read last of something that takes its time. One request at a time
// reads it anew; the others have the last meanwhile, and nobody waits longer than he has
// time: what hangs below holds up no queue of readers.
type lately[T any] struct {
	turn chan struct{} // held by whoever reads
	last atomic.Pointer[readLately[T]]
}

type readLately[T any] struct {
	value T
	at    time.Time
}

func newLately[T any]() *lately[T] { return &lately[T]{turn: make(chan struct{}, 1)} }

// get gives what was read no longer than so long ago, or reads it. read is told what it
// gave before, and says whether that may be kept.
func (l *lately[T]) get(ctx context.Context, now func() time.Time, kept time.Duration, read func(before T) (value T, keep bool, err error)) (T, error) {
	last := l.last.Load()
	if last != nil && now().Sub(last.at) < kept {
		return last.value, nil
	}
	select {
	case l.turn <- struct{}{}:
	default:
		if last != nil {
			return last.value, nil
		}
		select {
		case l.turn <- struct{}{}:
		case <-ctx.Done():
			var none T
			return none, ctx.Err()
		}
	}
	defer func() { <-l.turn }()
	if other := l.last.Load(); other != last { // somebody else has read it
		return other.value, nil
	}
	var before T
	if last != nil {
		before = last.value
	}
	value, keep, err := read(before)
	switch {
	case err == nil && keep:
		l.last.Store(&readLately[T]{value, now()})
	case err != nil && last != nil && ctx.Err() != nil: // what is asked does not answer in his time
		return last.value, nil
	}
	return value, err
}
