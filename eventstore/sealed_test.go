package eventstore

import (
	"bytes"
	"errors"
	"fmt"
	"sync"
	"testing"
)

// TestClusterSealsOnce has two registrars of a cluster seal different checkpoints
// in the place of the same one, again and again: one of each pair is there, and
// the other one is told so.
func TestClusterSealsOnce(t *testing.T) {
	c := newCluster(t)
	stores := []*Store{c.open(t, 0)}
	c.join(t)
	stores = append(stores, c.open(t, 1))
	now, err := stores[0].Sealed().Load(t.Context())
	if err != nil || now != nil {
		t.Fatalf("nothing was sealed, and it is %q, %v", now, err)
	}
	for round := range sealedKept + 6 {
		var both sync.WaitGroup
		var errs [2]error
		var signed [2][]byte
		for i, s := range stores {
			signed[i] = fmt.Appendf(nil, "checkpoint %d of %d", round, i)
			both.Go(func() { errs[i] = s.Sealed().Swap(t.Context(), now, signed[i]) })
		}
		both.Wait()
		winner := 0
		if errs[0] != nil {
			winner = 1
		}
		if errs[winner] != nil || !errors.Is(errs[1-winner], ErrConflict) {
			t.Fatalf("round %d: %v", round, errs)
		}
		for i, s := range stores {
			if now, err = s.Sealed().Load(t.Context()); err != nil || !bytes.Equal(now, signed[winner]) {
				t.Fatalf("round %d: registrar %d finds %q, %v; %q was sealed", round, i, now, err, signed[winner])
			}
		}
	}
	if err := stores[0].Sealed().Swap(t.Context(), nil, []byte("as if nothing were there")); !errors.Is(err, ErrConflict) {
		t.Errorf("swap for nothing: %v", err)
	}
}

// TestSealedOutlivesItsLeader: what was sealed is there when the server that
// leads the register is stopped, and it can be moved on.
func TestSealedOutlivesItsLeader(t *testing.T) {
	c := newCluster(t)
	s := c.open(t, 0)
	check(t, s.Sealed().Swap(t.Context(), nil, []byte("first")))
	for _, server := range c.servers {
		if server.JetStreamIsStreamLeader(accountLedger, streamSealed) {
			server.stop()
			break
		}
	}
	eventually(t, "another server leads", func() bool {
		now, err := s.Sealed().Load(t.Context())
		return err == nil && string(now) == "first"
	})
	eventually(t, "it is sealed further", func() bool {
		err := s.Sealed().Swap(t.Context(), []byte("first"), []byte("second"))
		now, lost := s.Sealed().Load(t.Context())
		if err != nil {
			t.Log(err)
		}
		return lost == nil && string(now) == "second"
	})
}
