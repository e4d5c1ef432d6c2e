package registrar

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"

	"github.com/berkas-ledger/berkas/ledger"
)

func numbered(from, n int) []prepared {
	out := make([]prepared, n)
	for i := range out {
		out[i].sum = ledger.Hash{byte((from + i) >> 8), byte(from + i)}
	}
	return out
}

// TestQueue: what waits comes out whole, in order and in batches of at most
// MaxBatch; who puts waits while a full batch does; the end comes after all.
func TestQueue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue()
		put := func(from, n int) {
			if err := q.put(t.Context(), numbered(from, n)); err != nil {
				t.Error(err)
			}
		}
		put(0, MaxBatch-1)
		put(MaxBatch-1, 500)
		third := make(chan struct{})
		go func() {
			defer close(third)
			put(MaxBatch+499, 100)
			q.close()
		}()
		synctest.Wait()
		select {
		case <-third:
			t.Fatal("more was put while a full batch waits")
		default:
		}
		next := 0
		for {
			batch := q.take()
			if len(batch) == 0 {
				break
			}
			if len(batch) > MaxBatch {
				t.Fatalf("a batch of %d", len(batch))
			}
			for i := range batch {
				if want := numbered(next, 1)[0].sum; batch[i].sum != want {
					t.Fatalf("submission %d came out of its order", next)
				}
				next++
			}
			synctest.Wait()
		}
		if <-third; next != MaxBatch+599 {
			t.Errorf("%d came out, %d were put", next, MaxBatch+599)
		}
	})
}

func TestQueueIsLeft(t *testing.T) {
	q := newQueue()
	if err := q.put(t.Context(), numbered(0, MaxBatch)); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := q.put(ctx, numbered(0, 1)); !errors.Is(err, context.Canceled) {
		t.Errorf("putting into a full queue, the context ended: %v", err)
	}
}
