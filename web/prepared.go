package web

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"sync"
	"time"

	"github.com/berkas-ledger/berkas/projections"
)

// Answers that take longer than a reader waits are worked out beside requests,
// one at a time, and kept. Each says the position that it is known at, so one
// that is a little old is an honest answer.

const (
	// preparePauses keeps work that is done again to a tenth of the time.
	preparePauses = 9
	// longWork is worth a pause when it fails.
	longWork = time.Second
	// prepareTime bounds one piece of work.
	prepareTime = 10 * time.Minute
	// mostPreparing bounds the pieces of work that wait for their turn.
	mostPreparing = 64
	// prepareEvery is how often the server looks whether something is to be
	// prepared that nobody has asked for yet.
	prepareEvery = 5 * time.Second
)

var errPreparing = problem(http.StatusServiceUnavailable, "being-prepared", text{
	"Jawaban ini sedang dihitung untuk pertama kali. Coba lagi sebentar.", "This answer is being worked out for the first time. Try again in a moment.",
}).again(2)

// workshop is where prepared answers are worked out.
type workshop struct {
	wait   time.Duration   // how long a request waits
	turn   chan struct{}   // held by whoever works
	places chan struct{}   // held by whoever works or waits for its turn
	ending <-chan struct{} // closed when the server ends
	under  sync.WaitGroup  // whoever works or waits for its turn
	log    *slog.Logger
}

func newWorkshop(wait time.Duration, ending <-chan struct{}, log *slog.Logger) *workshop {
	return &workshop{wait: wait, turn: make(chan struct{}, 1), places: make(chan struct{}, mostPreparing), ending: ending, log: log}
}

// prepared keeps answers of one sort by key, those used last.
type prepared[K comparable, V any] struct {
	*workshop
	most int // how many are kept, and how many are worked at or wait for their turn
	mu   sync.Mutex
	by   map[K]*preparation[V]
	busy int // that are worked at or wait for their turn
	uses uint64
}

// preparation is one answer.
type preparation[V any] struct {
	value   V
	ready   bool
	took    time.Duration // the last work
	ended   time.Time
	err     error         // of the last work
	working chan struct{} // closed when the work under way has ended; nil: none is
	used    uint64
}

func newPrepared[K comparable, V any](w *workshop, most int) *prepared[K, V] {
	return &prepared[K, V]{workshop: w, most: most, by: map[K]*preparation[V]{}}
}

// have gives an answer that is there, however old.
func (p *prepared[K, V]) have(key K) (v V, ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if one := p.by[key]; one != nil {
		return one.value, one.ready
	}
	return v, false
}

// get gives an answer that is current, works it out if there is none, and waits
// for it a while. Then it gives the one before, or errPreparing. Work that took
// long is not waited for where there is one before.
func (p *prepared[K, V]) get(ctx context.Context, key K, current func(V) bool, work func(context.Context) (V, error)) (V, error) {
	asked, one, working, err := p.begin(ctx, key, current, work)
	if err != nil || working == nil {
		return one.value, err
	}
	wait := time.NewTimer(p.wait)
	defer wait.Stop()
	select {
	case <-working:
		p.mu.Lock()
		defer p.mu.Unlock()
		// By now it may have been forgotten, but not by who waited for it.
		if asked.ready {
			return asked.value, nil
		}
		return asked.value, asked.err
	case <-wait.C:
		if one.ready {
			return one.value, nil
		}
		return one.value, errPreparing
	case <-ctx.Done():
		return one.value, ctx.Err()
	}
}

// begin sees to it that somebody works where that is needed. now is the answer,
// unless there is something to wait for, which then is in asked.
func (p *prepared[K, V]) begin(ctx context.Context, key K, current func(V) bool, work func(context.Context) (V, error)) (
	asked *preparation[V], now preparation[V], working <-chan struct{}, err error,
) {
	p.mu.Lock()
	defer p.mu.Unlock()
	one := p.by[key]
	if one == nil {
		one = &preparation[V]{}
		p.by[key] = one
	}
	p.uses++
	one.used = p.uses
	if one.ready && current(one.value) {
		return one, *one, nil, nil
	}
	rests := one.rests()
	if one.working == nil && !rests && !p.start(ctx, one, work) && !one.ready {
		delete(p.by, key)
		return one, *one, nil, errCrowded
	}
	if rests && one.working == nil && !one.ready {
		return one, *one, nil, one.err
	}
	if one.ready && one.took > p.wait/4 {
		return one, *one, nil, nil
	}
	return one, *one, one.working, nil
}

// rests says that it is too early to work again: long work that fails each time leaves
// time for others, too.
func (one *preparation[V]) rests() bool {
	if !one.ready {
		return one.took > longWork && time.Since(one.ended) < one.took
	}
	return time.Since(one.ended) < preparePauses*one.took
}

// start lets somebody work, unless too many wait already. Readers choose the keys:
// those of one sort of answer leave places to the others.
func (p *prepared[K, V]) start(ctx context.Context, one *preparation[V], work func(context.Context) (V, error)) bool {
	if p.busy >= p.most {
		return false
	}
	select {
	case p.places <- struct{}{}:
	default:
		return false
	}
	p.busy++
	one.working = make(chan struct{})
	going := projections.Unhurried(context.WithoutCancel(ctx))
	p.under.Go(func() { p.work(going, one, work) })
	return true
}

// work works an answer out when its turn comes.
func (p *prepared[K, V]) work(ctx context.Context, one *preparation[V], work func(context.Context) (V, error)) {
	ctx, cancel := context.WithTimeout(ctx, prepareTime)
	defer cancel()
	go func() {
		select {
		case <-p.ending:
			cancel()
		case <-ctx.Done():
		}
	}()
	var value V
	var began time.Time
	var err error
	select {
	case p.turn <- struct{}{}:
		began = time.Now()
		if err = p.over(); err == nil {
			value, err = survive(ctx, p.log, work)
		}
		<-p.turn
	case <-ctx.Done():
		err = ctx.Err()
	}
	<-p.places
	p.mu.Lock()
	defer p.mu.Unlock()
	p.busy--
	if one.err = err; err == nil {
		one.value, one.ready = value, true
	}
	if !began.IsZero() {
		one.ended, one.took = time.Now(), time.Since(began)
	}
	close(one.working)
	one.working = nil
	p.forget()
}

// survive turns a panic into an error, as for a request: nobody else would, and the
// whole program would end, the registrar with it.
func survive[V any](ctx context.Context, log *slog.Logger, work func(context.Context) (V, error)) (value V, err error) {
	defer func() {
		if p := recover(); p != nil { // not its value, which may quote an event
			log.ErrorContext(ctx, "panic", "request", trailOf(ctx).id, "type", fmt.Sprintf("%T", p), "stack", string(debug.Stack()))
			err = errInternal
		}
	}()
	return work(ctx)
}

// over is an error when the server has ended.
func (w *workshop) over() error {
	select {
	case <-w.ending:
		return context.Canceled
	default:
		return nil
	}
}

// forget drops what was used longest ago, and nothing that somebody works at.
func (p *prepared[K, V]) forget() {
	for len(p.by) > p.most {
		var oldest K
		var least uint64
		for key, one := range p.by {
			if one.working == nil && (least == 0 || one.used < least) {
				oldest, least = key, one.used
			}
		}
		if least == 0 {
			return
		}
		delete(p.by, oldest)
	}
}

// prepare works out what readers will ask for, until the context ends.
func (s *Server) prepare(ctx context.Context) {
	tick := time.NewTicker(prepareEvery)
	defer tick.Stop()
	work := func(one func(context.Context) error) (done bool) {
		_, err := survive(ctx, s.Log, func(ctx context.Context) (struct{}, error) {
			return struct{}{}, patiently(func() error { return one(ctx) })
		})
		if err != nil && ctx.Err() == nil {
			s.Log.DebugContext(ctx, "a page could not be prepared", "error", err.Error())
		}
		return err == nil
	}
	for pages := false; ; {
		pages = pages || work(s.preparePages) // which is kept
		work(s.preparePublished)
		work(s.preparePublic)
		if ctx.Err() == nil {
			s.havePrepared()
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// patiently asks again for as long as something is being prepared; each time it
// is waited for.
func patiently(ask func() error) error {
	for {
		if err := ask(); !errors.Is(err, errPreparing) {
			return err
		}
	}
}
