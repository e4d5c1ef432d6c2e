package web

import (
	"context"
	"errors"
	"testing"
	"time"
)

// TestLately: one reads, the others have the last, and nobody waits longer than he has
// time.
func TestLately(t *testing.T) {
	now := time.Date(2026, 11, 22, 3, 0, 0, 0, time.UTC)
	l := newLately[int]()
	ask := func(ctx context.Context, read func(int) (int, bool, error)) (int, error) {
		return l.get(ctx, func() time.Time { return now }, time.Minute, read)
	}
	gives := func(n int, keep bool, err error) func(int) (int, bool, error) {
		return func(int) (int, bool, error) { return n, keep, err }
	}
	wants := func(what string, n int, err error, want int, why error) {
		t.Helper()
		if n != want || !errors.Is(err, why) {
			t.Errorf("%s: %d %v, not %d %v", what, n, err, want, why)
		}
	}
	n, err := ask(t.Context(), gives(0, true, errSpoiled))
	wants("an error", n, err, 0, errSpoiled)
	n, err = ask(t.Context(), gives(1, false, nil))
	wants("what is not to be kept", n, err, 1, nil)
	// Nothing is kept, and somebody reads: whoever asks waits for as long as he has time.
	began, end := make(chan struct{}), make(chan struct{})
	slow := make(chan error)
	go func() {
		n, err := ask(t.Context(), func(before int) (int, bool, error) {
			close(began)
			<-end
			return before + 2, true, nil
		})
		if n != 2 {
			err = errors.Join(err, errSpoiled)
		}
		slow <- err
	}()
	<-began
	short, leave := context.WithTimeout(t.Context(), time.Millisecond)
	n, err = ask(short, gives(9, true, nil))
	wants("beside one who reads", n, err, 0, context.DeadlineExceeded)
	leave()
	close(end)
	if err := <-slow; err != nil {
		t.Error(err)
	}
	n, err = ask(t.Context(), gives(9, true, nil))
	wants("kept", n, err, 2, nil)
	// It is old, and somebody reads: the others have it.
	now = now.Add(time.Minute)
	n, err = ask(t.Context(), func(before int) (int, bool, error) {
		wants("what was read before", before, nil, 2, nil)
		n, err := ask(t.Context(), gives(9, true, nil))
		wants("meanwhile", n, err, 2, nil)
		return 3, true, nil
	})
	wants("anew", n, err, 3, nil)
	// What hangs until the reader's time is over leaves him the last; another error not.
	now = now.Add(time.Minute)
	over, leave := context.WithCancel(t.Context())
	leave()
	n, err = ask(over, gives(0, true, context.Canceled))
	wants("in no time", n, err, 3, nil)
	n, err = ask(t.Context(), gives(0, true, errSpoiled))
	wants("an error with one kept", n, err, 0, errSpoiled)
}
