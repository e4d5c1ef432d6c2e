package transparency

import (
	"context"
	"errors"
	"path/filepath"
	"sync"
	"testing"

	"github.com/berkas-ledger/berkas/ledger"
)

// pair is two processes of a cluster: each has a directory and a journal of its
// own, both have one key and one register.
func pair(t *testing.T) (beds [2]*bed) {
	t.Helper()
	one := newBed(t, 3)
	two := newBed(t, 3)
	two.signer, two.verifier, two.public = one.signer, one.verifier, one.public
	register := &locked{Register: sealedFile{filepath.Join(t.TempDir(), sealedPath), realDisk()}}
	one.register, two.register = register, register
	one.shared, two.shared = true, true
	return [2]*bed{one, two}
}

// locked makes a swap of files atomic, as a cluster's register is.
type locked struct {
	mu sync.Mutex
	Register
}

func (r *locked) Swap(ctx context.Context, old, signed []byte) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.Register.Swap(ctx, old, signed)
}

// TestProcessesOfACluster: what one has sealed the other one follows, and goes on
// from; both publish the same.
func TestProcessesOfACluster(t *testing.T) {
	t.Parallel()
	beds := pair(t)
	logs := [2]*Log{beds[0].open(), beds[1].open()}
	for round, size := range []int{10, 300, 301, 700, 70000} {
		for i := range beds { // in turn
			k := (i + round) % 2
			beds[k].source.grow(size)
			if c := beds[k].seal(logs[k]); int(c.Size) != size {
				t.Fatalf("process %d: size %d, want %d", k, c.Size, size)
			}
			beds[k].sound(ledger.Position(size))
		}
	}
	// A process that starts anew follows, too.
	beds[0].source.grow(70010)
	beds[0].seal(logs[0])
	logs[1] = beds[1].open()
	if _, err := logs[1].Seal(t.Context()); err != nil {
		t.Errorf("a process that stands by: %v", err)
	}
	if _, c := logs[1].Published(); c.Size != 70000 {
		t.Errorf("size %d is published by a process that has 70000 records", c.Size)
	}
	beds[1].source.grow(70020)
	if c := beds[1].seal(logs[1]); c.Size != 70020 {
		t.Errorf("size %d, want 70020", c.Size)
	}
	if len(beds[0].signed)+len(beds[1].signed) < 7 {
		t.Error("too little was signed")
	}
}

// TestForkOfACluster: a process whose journal is not what another one sealed
// seals nothing.
func TestForkOfACluster(t *testing.T) {
	beds := pair(t)
	logs := [2]*Log{beds[0].open(), beds[1].open()}
	beds[0].source.grow(10)
	beds[1].source.grow(10)
	beds[1].source.change(5, "another record 5")
	beds[0].seal(logs[0])
	beds[1].stopped(logs[1], "the journal's first 10 records have root")
}

// TestForkWhileRunning is the same where the two were one before.
func TestForkWhileRunning(t *testing.T) {
	beds := pair(t)
	logs := [2]*Log{beds[0].open(), beds[1].open()}
	beds[0].seal(logs[0])
	beds[1].seal(logs[1])
	beds[0].source.grow(10)
	beds[1].source.grow(12)
	beds[1].source.change(5, "another record 5")
	beds[0].seal(logs[0])
	beds[1].stopped(logs[1], "another process sealed size 10 with root")
}

// TestLostRace: of two that seal the same size at a time one finds the other's
// and goes on.
func TestLostRace(t *testing.T) {
	t.Parallel()
	beds := pair(t)
	logs := [2]*Log{beds[0].open(), beds[1].open()}
	beds[0].seal(logs[0])
	beds[1].seal(logs[1])
	for size := 10; size < 60; size += 10 {
		var both sync.WaitGroup
		var errs [2]error
		for i := range beds {
			beds[i].source.grow(size + i)
			both.Go(func() { _, errs[i] = logs[i].Seal(t.Context()) })
		}
		both.Wait()
		if err := errors.Join(errs[:]...); err != nil {
			t.Fatal(err)
		}
	}
	beds[0].source.grow(100)
	beds[1].source.grow(100)
	for i := range beds {
		beds[i].seal(logs[i])
		beds[i].sound(100)
	}
}
