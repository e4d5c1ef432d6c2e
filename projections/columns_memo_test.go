package projections

import (
	"context"
	"errors"
	"testing"
)

// TestMemoClear: what was remembered of columns that are gone is not kept, nor
// what somebody was still working out of them.
func TestMemoClear(t *testing.T) {
	var m memo
	worked, places := 0, make(chan struct{}, 1)
	ask := func(meanwhile func()) {
		if _, err := m.answer(t.Context(), "asked", places, func() (any, int) {
			worked++
			meanwhile()
			return worked, 10
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
		_, err := m.workOut(ctx, r, places, func() (any, int) { return "nobody waits for it", 1 })
		first <- err
	}()
	go func() {
		value, _ := m.answer(t.Context(), "asked", places, func() (any, int) { return "worked", 1 })
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
