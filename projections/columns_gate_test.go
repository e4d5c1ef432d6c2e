package projections

import (
	"context"
	"testing"
	"testing/synctest"
	"time"
)

// TestUnhurriedLeavesPlacesToOthers: what nobody waits for takes no place of those
// who wait, is worked out one after the other, and pauses while they count.
func TestUnhurriedLeavesPlacesToOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := memo{gate: newGate()}
		places := make(chan struct{}, 1)
		ask := func(ctx context.Context, key string, work func(ctx context.Context)) {
			go func() {
				if _, err := m.answer(ctx, key, places, func(ctx context.Context) (any, int, error) {
					work(ctx)
					return key, 1, nil
				}); err != nil {
					t.Error(err)
				}
			}()
		}
		began := time.Now()
		var waited, slow, second time.Duration
		const piece = time.Millisecond
		ask(t.Context(), "hurried", func(context.Context) { time.Sleep(time.Second) })
		synctest.Wait()
		ask(Unhurried(t.Context()), "unhurried", func(ctx context.Context) {
			p, _ := ctx.Value(passKey{}).(*pass)
			for range 100 {
				p.through(ctx, func(func() bool) { time.Sleep(piece) })
			}
			slow = time.Since(began)
		})
		synctest.Wait()
		ask(Unhurried(t.Context()), "another", func(context.Context) { second = time.Since(began) })
		ask(t.Context(), "hurried, too", func(context.Context) { waited = time.Since(began) })
		time.Sleep(time.Minute)
		synctest.Wait()
		if waited != time.Second {
			t.Errorf("who waits got the place after %s, and not when it was free after 1s", waited)
		}
		// One piece in 16 ms for a second, then one after the other.
		if pieces := time.Second / (unhurriedPart * piece); slow < time.Second || slow > time.Second+(100-pieces+unhurriedPart)*piece {
			t.Errorf("what nobody waits for took %s", slow)
		}
		if second < slow {
			t.Errorf("two were worked out at once: after %s and %s", slow, second)
		}
		if len(places) != 0 || m.gate.hurried.Load() != 0 {
			t.Errorf("%d places and %d questions are left", len(places), m.gate.hurried.Load())
		}
	})
}
