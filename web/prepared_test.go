package web

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/berkas-ledger/berkas/internal/testkit"
)

// workbench is a workshop with work that ends when it is told.
type workbench struct {
	*prepared[string, int]
	began chan struct{}
	give  chan int // closed: the work fails
}

var errSpoiled = errors.New("spoiled")

func newWorkbench(t *testing.T, wait time.Duration, most int) *workbench {
	t.Helper()
	ending := make(chan struct{})
	b := &workbench{newPrepared[string, int](newWorkshop(wait, ending, testkit.Log(t)), most), make(chan struct{}, 100), make(chan int, 100)}
	t.Cleanup(func() {
		close(ending)
		b.under.Wait()
	})
	return b
}

func (b *workbench) work(ctx context.Context) (int, error) {
	b.began <- struct{}{}
	select {
	case n, ok := <-b.give:
		if !ok {
			return 0, errSpoiled
		}
		return n, nil
	case <-ctx.Done():
		return 0, ctx.Err()
	}
}

func (b *workbench) ask(t *testing.T, key string, least int) (int, error) {
	t.Helper()
	return b.get(t.Context(), key, func(n int) bool { return n >= least }, b.work)
}

// Whoever waits too long is told so; the work goes on, and whoever asks again has
// what it gave.
func TestPreparedGoesOn(t *testing.T) {
	b := newWorkbench(t, time.Millisecond, 10)
	asking, gone := context.WithCancel(t.Context())
	if _, err := b.get(asking, "a", func(int) bool { return true }, b.work); !errors.Is(err, errPreparing) {
		t.Fatalf("%v", err)
	}
	gone()
	<-b.began
	if _, there := b.have("a"); there {
		t.Error("there is an answer before the work ended")
	}
	b.give <- 7
	b.under.Wait()
	if n, err := b.ask(t, "a", 7); n != 7 || err != nil {
		t.Errorf("%d %v", n, err)
	}
	if len(b.began) != 0 {
		t.Error("it was worked out twice")
	}
}

// Of several who ask the same one works, and all get what it gives.
func TestPreparedOnce(t *testing.T) {
	b := newWorkbench(t, time.Minute, 10)
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			if n, err := b.ask(t, "a", 0); n != 3 || err != nil {
				t.Errorf("%d %v", n, err)
			}
		})
	}
	<-b.began
	b.give <- 3
	all.Wait()
	if len(b.began) != 0 {
		t.Error("more than one worked")
	}
}

// What is old is given at once where making it anew takes long, not made anew
// more often than for a tenth of the time, and replaced when it is.
func TestPreparedOld(t *testing.T) {
	b := newWorkbench(t, time.Minute, 10)
	b.give <- 1
	if n, err := b.ask(t, "a", 1); n != 1 || err != nil {
		t.Fatalf("%d %v", n, err)
	}
	<-b.began
	b.change(func(one *preparation[int]) { one.took, one.ended = time.Hour, time.Now() })
	if n, err := b.ask(t, "a", 2); n != 1 || err != nil {
		t.Errorf("%d %v", n, err)
	}
	b.under.Wait()
	if len(b.began) != 0 {
		t.Error("it was made anew at once")
	}
	b.change(func(one *preparation[int]) { one.ended = time.Now().Add(-preparePauses * time.Hour) })
	if n, err := b.ask(t, "a", 2); n != 1 || err != nil {
		t.Errorf("%d %v", n, err)
	}
	<-b.began
	b.give <- 2
	b.under.Wait()
	if n, err := b.ask(t, "a", 2); n != 2 || err != nil {
		t.Errorf("%d %v", n, err)
	}
}

func (b *workbench) change(f func(*preparation[int])) {
	b.mu.Lock()
	defer b.mu.Unlock()
	f(b.by["a"])
}

// An error is not kept: whoever asks next asks anew. One that comes while there is
// an answer leaves it.
func TestPreparedFails(t *testing.T) {
	b := newWorkbench(t, time.Minute, 10)
	spoiled := func(context.Context) (int, error) { return 0, errSpoiled }
	for range 2 {
		if _, err := b.get(t.Context(), "a", func(int) bool { return true }, spoiled); !errors.Is(err, errSpoiled) {
			t.Fatalf("%v", err)
		}
	}
	// One that took long leaves as much time to others.
	b.change(func(one *preparation[int]) { one.took, one.ended = time.Hour, time.Now() })
	if _, err := b.ask(t, "a", 0); !errors.Is(err, errSpoiled) || len(b.began) != 0 {
		t.Errorf("%v, begun %d times", err, len(b.began))
	}
	b.change(func(one *preparation[int]) { one.ended = time.Now().Add(-time.Hour) })
	b.give <- 4
	if n, err := b.ask(t, "a", 0); n != 4 || err != nil {
		t.Errorf("%d %v", n, err)
	}
	b.change(func(one *preparation[int]) { one.took = 0 })
	if n, err := b.get(t.Context(), "a", func(int) bool { return false }, spoiled); n != 4 || err != nil {
		t.Errorf("%d %v", n, err)
	}
}

// One works at a time; so many wait for their turn, in all and of one sort of answer.
func TestPreparedBounds(t *testing.T) {
	b := newWorkbench(t, time.Millisecond, 3)
	other := &workbench{newPrepared[string, int](b.workshop, 100), b.began, b.give}
	name := func(i int) string { return string(rune('a' + i)) }
	fill := func(b *workbench, n int) {
		t.Helper()
		for i := range n {
			if _, err := b.ask(t, name(i), 0); !errors.Is(err, errPreparing) {
				t.Fatalf("%d: %v", i, err)
			}
		}
		if _, err := b.ask(t, "one more", 0); !errors.Is(err, errCrowded) {
			t.Errorf("%v", err)
		}
	}
	fill(b, 3)
	fill(other, mostPreparing-3)
	<-b.began
	if more := len(b.began); more != 0 {
		t.Errorf("%d others work at the same time", more)
	}
	for i := range mostPreparing {
		b.give <- i
	}
	b.under.Wait()
	if _, err := b.ask(t, "one more", 0); errors.Is(err, errCrowded) {
		t.Error("no place is given back")
	}
}

// What was used longest ago is forgotten, but not by who waits for it.
func TestPreparedForgets(t *testing.T) {
	b := newWorkbench(t, time.Minute, 2)
	for i, key := range []string{"a", "b", "c"} {
		b.give <- i
		if n, err := b.ask(t, key, 0); n != i || err != nil {
			t.Fatalf("%s: %d %v", key, n, err)
		}
	}
	b.under.Wait()
	_, first := b.have("a")
	_, last := b.have("c")
	if first || !last || len(b.by) != 2 {
		t.Errorf("the first is kept: %v, the last: %v, of %d", first, last, len(b.by))
	}
	b.give <- 6
	n, err := b.get(t.Context(), "d", func(int) bool { return true }, func(ctx context.Context) (int, error) {
		b.mu.Lock()
		delete(b.by, "d") // as if others had been asked for since
		b.mu.Unlock()
		return b.work(ctx)
	})
	if n != 6 || err != nil {
		t.Errorf("%d %v", n, err)
	}
}

// Work that panics is an error of its answer, not the end of the program.
func TestPreparedSurvives(t *testing.T) {
	b := newWorkbench(t, time.Minute, 2)
	for range 3 {
		_, err := b.get(t.Context(), "a", func(int) bool { return true }, func(context.Context) (int, error) { panic("a row without a respondent") })
		if !errors.Is(err, errInternal) {
			t.Fatalf("%v", err)
		}
	}
	b.give <- 9
	if n, err := b.ask(t, "a", 0); n != 9 || err != nil {
		t.Errorf("%d %v", n, err)
	}
}

// The server's end ends the work.
func TestPreparedEnds(t *testing.T) {
	ending := make(chan struct{})
	b := &workbench{newPrepared[string, int](newWorkshop(time.Minute, ending, testkit.Log(t)), 10), make(chan struct{}, 1), make(chan int)}
	result := make(chan error, 1)
	go func() {
		_, err := b.get(t.Context(), "a", func(int) bool { return true }, b.work)
		result <- err
	}()
	<-b.began
	close(ending)
	b.under.Wait()
	if err := <-result; !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}
