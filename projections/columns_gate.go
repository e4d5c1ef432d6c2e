package projections

import (
	"context"
	"runtime"
	"sync/atomic"
	"time"
)

// Unhurried says that nobody waits long for what is asked: tables that are worked
// out beside requests. While other questions are counted, it takes a small part of
// the processors.
func Unhurried(ctx context.Context) context.Context {
	return context.WithValue(ctx, unhurried{}, true)
}

type unhurried struct{}

// gate shares the processors among questions. Each goes through blocks, and every
// now and then gives its place to the one that waits longest, so that short
// questions do not wait for long ones.
type gate struct {
	hurried atomic.Int32  // questions that are being counted
	slow    chan struct{} // the place of one that is unhurried
	// counting are those who are at a block, as many as there are processors. A
	// program that has a thread to spare hears of requests meanwhile.
	counting chan struct{}
}

func newGate() gate {
	return gate{slow: make(chan struct{}, 1), counting: make(chan struct{}, min(runtime.GOMAXPROCS(0), runtime.NumCPU()))}
}

// pass is a question's.
type pass struct {
	*gate
	unhurried bool
}

// passKey is where a question has its pass.
type passKey struct{}

func (g *gate) pass(ctx context.Context, unhurried bool) context.Context {
	if g.counting == nil { // the zero gate stands open
		return ctx
	}
	return context.WithValue(ctx, passKey{}, &pass{g, unhurried})
}

// enter has a question counted in its turn: when it has a place among those that
// are given, or the one of what is unhurried.
func (g *gate) enter(ctx context.Context, places chan struct{}) (_ context.Context, leave func(), err error) {
	slow := ctx.Value(unhurried{}) != nil
	if slow {
		places = g.slow
	}
	select {
	case places <- struct{}{}:
	case <-ctx.Done():
		return nil, nil, ctx.Err()
	}
	if !slow {
		g.hurried.Add(1)
	}
	return g.pass(ctx, slow), func() {
		if !slow {
			g.hurried.Add(-1)
		}
		<-places
	}, nil
}

// Of processors that others want, what is unhurried takes one part in so many.
const unhurriedPart = 16

// pieceTime is for how long a question works before others have their turn.
const pieceTime = 300 * time.Microsecond

// through does a piece of work in its turn, which ends when work finds that it is
// enough. nil: whoever works has no gate.
func (p *pass) through(ctx context.Context, work func(enough func() bool)) {
	if p == nil {
		work(func() bool { return ctx.Err() != nil })
		return
	}
	took, ok := p.count(ctx, work)
	if !ok || !p.unhurried || p.hurried.Load() == 0 {
		return
	}
	select {
	case <-time.After(min((unhurriedPart-1)*took, time.Second)):
	case <-ctx.Done():
	}
}

// count does it when there is a processor.
func (p *pass) count(ctx context.Context, work func(enough func() bool)) (took time.Duration, ok bool) {
	select {
	case p.counting <- struct{}{}:
	case <-ctx.Done():
		return 0, false
	}
	defer func() { <-p.counting }()
	began := time.Now()
	work(func() bool { return time.Since(began) >= pieceTime || ctx.Err() != nil })
	return time.Since(began), true
}
