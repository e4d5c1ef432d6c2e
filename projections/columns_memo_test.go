package projections

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
)

// TestMemoClear: what was remembered of columns that are gone is not kept, nor
// what somebody was still working out of them.
func TestMemoClear(t *testing.T) {
	var m memo
	worked, places := 0, make(chan struct{}, 1)
	ask := func(meanwhile func()) {
		if _, err := m.answer(t.Context(), "asked", places, func(context.Context) (any, int, error) {
			worked++
			meanwhile()
			return worked, 10, nil
		}); err != nil {
			t.Fatal(err)
		}
	}
	ask(func() {})
	ask(func() {})
	if worked != 1 || len(m.by) != 1 {
		t.Fatalf("worked %d times, remembers %d", worked, len(m.by))
	}
	m.clear()
	ask(m.clear)
	if worked != 2 || len(m.by) != 0 || m.words != 0 {
		t.Errorf("afterwards worked %d times, remembers %d of %d words", worked, len(m.by), m.words)
	}
	ask(func() {})
	if worked != 3 || len(m.by) != 1 {
		t.Errorf("at last worked %d times, remembers %d", worked, len(m.by))
	}
}

// TestMemoGivesUp: whoever goes while he waits for a place waits no longer, and
// does not keep the others from the answer.
func TestMemoGivesUp(t *testing.T) {
	var m memo
	places := make(chan struct{}, 1)
	places <- struct{}{}
	ctx, cancel := context.WithCancel(t.Context())
	first, second := make(chan error), make(chan any)
	r, _ := m.claim("asked")
	go func() {
		_, err := m.workOut(ctx, r, places, func(context.Context) (any, int, error) { return "nobody waits for it", 1, nil })
		first <- err
	}()
	go func() {
		value, _ := m.answer(t.Context(), "asked", places, func(context.Context) (any, int, error) { return "worked", 1, nil })
		second <- value
	}()
	cancel()
	if err := <-first; !errors.Is(err, context.Canceled) {
		t.Errorf("who has gone is told %v", err)
	}
	<-places
	if value := <-second; value != "worked" {
		t.Errorf("who waited is told %v", value)
	}
}

// TestMemoHoldsOn: what holds on to columns is kept as long as these are asked.
func TestMemoHoldsOn(t *testing.T) {
	var m memo
	places := make(chan struct{}, 1)
	first, second := &snapshot{}, &snapshot{}
	ask := func(key string, of *snapshot) {
		if _, err := m.answerOf(t.Context(), key, of, places, func(context.Context) (any, int, error) { return of, 10, nil }); err != nil {
			t.Fatal(err)
		}
	}
	m.move(first)
	ask("of the first", first)
	ask("of none", nil)
	if len(m.by) != 2 || len(m.held) != 1 {
		t.Fatalf("remembers %d, %d of them of the first", len(m.by), len(m.held))
	}
	m.move(second)
	ask("late, of the first", first)
	ask("of the second", second)
	if len(m.by) != 2 || len(m.held) != 1 || m.by["of none"] == nil || m.by["of the second"] == nil {
		t.Fatalf("remembers %v", m.by)
	}
	for i := range 50_000 { // most of the room is taken by what was asked
		ask(fmt.Sprint(i, strings.Repeat("x", 4000)), nil)
	}
	if n := len(m.by); n > memoWords/500 || m.words > memoWords || len(m.held) != 0 {
		t.Errorf("remembers %d long questions, %d that hold on to columns", n, len(m.held))
	}
}

// TestWorkEnds: work ends soon after whoever asked has gone, and a panic in it is
// an error that leaves nothing behind.
func TestWorkEnds(t *testing.T) {
	s := &snapshot{blocks: make([]placed, 1000)}
	ctx, cancel := context.WithCancel(t.Context())
	var worked atomic.Int64
	if err := s.each(ctx, func(int, *placed) { worked.Add(1); cancel() }); !errors.Is(err, context.Canceled) || worked.Load() > 64 {
		t.Errorf("after %d blocks %v", worked.Load(), err)
	}
	var m memo
	places := make(chan struct{}, 1)
	for range 2 {
		_, err := m.answer(t.Context(), "asked", places, func(ctx context.Context) (any, int, error) {
			return nil, 0, s.each(ctx, func(int, *placed) { panic("of a worker") })
		})
		if err == nil || !strings.Contains(err.Error(), "of a worker") {
			t.Fatalf("a worker panicked: %v", err)
		}
		_, err = m.answer(t.Context(), "asked", places, func(context.Context) (any, int, error) { panic("of who asked") })
		if err == nil || !strings.Contains(err.Error(), "of who asked") {
			t.Fatalf("who asked panicked: %v", err)
		}
	}
	if len(m.by) != 0 || len(places) != 0 {
		t.Errorf("%d questions and %d places are left", len(m.by), len(places))
	}
}
