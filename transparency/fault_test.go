package transparency

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/berkas-ledger/berkas/ledger"
)

var (
	errFault = errors.New("the disk failed")
	errDead  = errors.New("the process is dead")
)

// form is how an operation of the disk goes wrong.
type form struct {
	happened bool // it failed, but what it was to do is done
	dead     bool // nothing after it is done
	power    bool // and what was not synced is gone
}

func (f form) String() string {
	text := "failed"
	if f.happened {
		text = "failed but happened"
	}
	if f.power {
		return text + ", power cut"
	}
	if f.dead {
		return text + ", process killed"
	}
	return text
}

var forms = []form{
	{},
	{happened: true},
	{dead: true},
	{dead: true, happened: true},
	{dead: true, power: true},
	{dead: true, power: true, happened: true},
}

// badDisk does one operation, counted from 1, wrongly. It syncs nothing; what a
// power cut would take it takes back by itself.
type badDisk struct {
	at    int
	form  form
	count int
	dead  bool
	lying bool   // it says yes to every sync
	undo  []undo // of what no syncDir has made durable, in order
}

type undo struct {
	dir string
	do  func() error
}

func (d *badDisk) disk() *disk {
	return &disk{
		create: func(path string, content []byte) error {
			return d.do(func() error { return os.WriteFile(path, content, 0o644) })
		},
		rename: func(from, to string) error {
			return d.do(func() error {
				was, err := os.ReadFile(to)
				d.undo = append(d.undo, undo{filepath.Dir(to), func() error {
					if err != nil {
						return os.Remove(to)
					}
					return os.WriteFile(to, was, 0o644)
				}})
				return os.Rename(from, to)
			})
		},
		syncDir: func(dir string) error {
			return d.do(func() error {
				d.undo = slices.DeleteFunc(d.undo, func(u undo) bool { return u.dir == dir && !d.lying })
				return nil
			})
		},
		remove: func(path string) error {
			return d.do(func() error { return os.Remove(path) })
		},
	}
}

func (d *badDisk) do(op func() error) error {
	if d.dead {
		return errDead
	}
	d.count++
	if d.count != d.at {
		return op()
	}
	d.dead = d.form.dead
	if d.form.happened {
		return errors.Join(op(), errFault)
	}
	return errFault
}

// cut takes back what was not synced.
func (d *badDisk) cut() error {
	for _, u := range slices.Backward(d.undo) {
		if err := u.do(); err != nil {
			return err
		}
	}
	return nil
}

// inMemory gives a directory that is no disk's where the system has such: a bad
// disk loses by itself what it should lose.
func inMemory(t *testing.T) string {
	dir, err := os.MkdirTemp("/dev/shm", "berkas-log-")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// TestEveryFault makes each operation of the disk go wrong once, in each form,
// while a log is made and grows, and looks afterwards that one thing was signed
// for each size, that the log goes on, that all of it is sound, and that what was
// published before still belongs to it.
func TestEveryFault(t *testing.T) {
	t.Parallel()
	total := faulted(t, 0, form{})
	if total < 60 {
		t.Fatalf("only %d operations", total)
	}
	for _, f := range forms {
		t.Run(f.String(), func(t *testing.T) {
			t.Parallel()
			for at := 1; at <= total; at++ {
				faulted(t, at, f)
				if t.Failed() {
					t.Fatalf("operation %d of %d %s", at, total, f)
				}
			}
		})
	}
}

// faulted lets a log grow with a fault at an operation and gives how many there
// were.
func faulted(t *testing.T, at int, f form) int {
	b := newBed(t, 0)
	b.dir, b.log = filepath.Join(inMemory(t), "log"), slog.New(slog.DiscardHandler)
	bad := &badDisk{at: at, form: f}
	b.disk = bad.disk()
	var l *Log
	var public ledger.Checkpoint
	reopen := func() {
		for range 3 {
			if bad.dead {
				if f.power {
					if err := bad.cut(); err != nil {
						t.Fatal(err)
					}
				}
				bad.dead, bad.undo, bad.at = false, nil, 0
			}
			var err error
			if l, err = Open(t.Context(), b.config()); err == nil {
				return
			}
		}
		t.Fatal("it does not open again")
	}
	reopen()
	for _, size := range []int{1, 257, 513} {
		if size == 257 {
			reopen() // the start of a log that has something, too
		}
		b.source.grow(size)
		for try := 0; ; try++ {
			c, err := l.Seal(t.Context())
			if _, now := l.Published(); now.Size < public.Size {
				t.Errorf("size %d was published after size %d", now.Size, public.Size)
			} else {
				public = now
			}
			if err == nil && int(c.Size) == size {
				break
			}
			if try == 3 || errors.Is(err, ErrStopped) {
				t.Fatalf("operation %d %s: size %d: %v", at, f, size, err)
			}
			if bad.dead {
				reopen()
				// A power cut takes nothing back that was published: it was synced.
				if _, now := l.Published(); now.Size < public.Size {
					t.Errorf("size %d was published, then the power was cut, and it is %d", public.Size, now.Size)
				}
			}
		}
	}
	if bad.dead {
		reopen()
	}
	b.sound(513)
	for _, size := range []ledger.Position{1, 257, 513} {
		if _, err := readFile(b.dir, keptPath(size)); err != nil {
			t.Errorf("the published checkpoint of size %d was not kept: %v", size, err)
		}
	}
	total := bad.count
	bad.at = 0
	l = b.open()
	b.seal(l) // the journal is compared with it all once more
	return total
}

// TestPowerCutsAreNoticed takes the sync away: the disk says yes and does nothing.
// Then a power cut takes what was published, so the harness would see it.
func TestPowerCutsAreNoticed(t *testing.T) {
	for _, lying := range []bool{false, true} {
		b := newBed(t, 3)
		bad := &badDisk{lying: lying}
		b.disk = bad.disk()
		b.seal(b.open())
		if err := bad.cut(); err != nil {
			t.Fatal(err)
		}
		_, c := b.open().Published()
		if lost := c.Size == 0; lost != lying {
			t.Errorf("a disk that lies (%v) has published size %d after a power cut", lying, c.Size)
		}
	}
}

// flakySwap is a Register whose Swap fails, with or without having done it.
type flakySwap struct {
	Register
	fail     int // how many times
	happened bool
}

func (s *flakySwap) Swap(ctx context.Context, old, signed []byte) error {
	if s.fail == 0 {
		return s.Register.Swap(ctx, old, signed)
	}
	s.fail--
	if s.happened {
		if err := s.Register.Swap(ctx, old, signed); err != nil {
			return err
		}
	}
	return errFault
}

// TestSwapOfUnknownOutcome: what became of a swap is asked, and not guessed.
func TestSwapOfUnknownOutcome(t *testing.T) {
	for _, happened := range []bool{false, true} {
		b := newBed(t, 3)
		b.seal(b.open())
		b.register = &flakySwap{sealedFile{filepath.Join(b.dir, sealedPath), realDisk()}, 1, happened}
		l := b.open()
		b.source.grow(5)
		if _, err := l.Seal(t.Context()); !errors.Is(err, errFault) || errors.Is(err, ErrStopped) || l.Ready() == nil {
			t.Fatalf("seal: %v, ready: %v", err, l.Ready())
		}
		if _, c := l.Published(); c.Size != 3 {
			t.Errorf("size %d is published, and may not be sealed", c.Size)
		}
		b.source.grow(9)
		if c := b.seal(l); c.Size != 9 {
			t.Errorf("size %d, want 9", c.Size)
		}
		b.sound(9)
		_, err := readFile(b.dir, keptPath(5))
		if there := err == nil; there != happened {
			t.Errorf("happened %v, but published %v", happened, there)
		}
	}
}

// TestTwoProcesses: of two that seal one log, the second one to swap stops.
func TestTwoProcesses(t *testing.T) {
	b := newBed(t, 3)
	one, two := b.open(), b.open()
	b.seal(one)
	b.seal(two) // finds what the first one has done
	b.source.grow(5)
	b.seal(one)
	b.source.grow(6)
	if _, err := two.Seal(t.Context()); !errors.Is(err, ErrMoved) || !errors.Is(err, ErrStopped) {
		t.Fatalf("the second process: %v", err)
	}
	b.seal(one)
	b.sound(6)
}

// TestBelowQuorum: a checkpoint that too few have cosigned is not published, not
// replaced by a larger one, and offered again, by the next process too.
func TestBelowQuorum(t *testing.T) {
	b := newBed(t, 300)
	var offered [][]byte
	quorum := false
	b.gather = func(ctx context.Context, signed []byte, c ledger.Checkpoint, consistency func(context.Context, ledger.Position) ([]ledger.Hash, error)) ([]byte, error) {
		offered = append(offered, bytes.Clone(signed))
		if !quorum {
			return nil, errors.New("nobody is there")
		}
		if c.Size > 300 { // a witness that saw the first one
			proof, err := consistency(ctx, 300)
			if err == nil {
				err = ledger.CheckConsistency(b.signed[300], c, proof)
			}
			if err != nil {
				t.Errorf("consistency of %d with 300: %v", c.Size, err)
			}
		}
		return append(signed, "— witness.example AAAAAAAA\n"...), nil
	}
	l := b.open()
	for range 2 {
		if _, err := l.Seal(t.Context()); err == nil || l.Ready() == nil {
			t.Fatal("it was published")
		}
	}
	b.source.grow(600)
	if _, err := l.Seal(t.Context()); err == nil {
		t.Fatal("it was published")
	}
	l = b.open()
	if _, err := l.Seal(t.Context()); err == nil {
		t.Fatal("it was published")
	}
	for _, signed := range offered {
		if !bytes.Equal(signed, offered[0]) {
			t.Errorf("another checkpoint was offered:\n%s%s", offered[0], signed)
		}
	}
	if _, err := l.Fetch(t.Context(), checkpointPath); err == nil {
		t.Error("a checkpoint is served")
	}
	quorum = true
	if c := b.seal(l); c.Size != 600 {
		t.Errorf("size %d, want 600", c.Size)
	}
	b.sound(600)
	if signed, _ := l.Published(); !bytes.Contains(signed, []byte("witness.example")) {
		t.Error("the cosignature is not published")
	}
	if kept, err := l.Fetch(t.Context(), keptPath(300)); err != nil || !bytes.Contains(kept, []byte("witness.example")) {
		t.Errorf("checkpoint 300 is not kept: %v", err)
	}
}

// TestGatherCannotChangeTheCheckpoint: what comes back has to be what was asked
// for.
func TestGatherCannotChangeTheCheckpoint(t *testing.T) {
	b := newBed(t, 3)
	first, _ := b.open().Seal(t.Context())
	old, err := os.ReadFile(filepath.Join(b.dir, checkpointPath))
	if err != nil {
		t.Fatal(err)
	}
	for name, answer := range map[string][]byte{"an older one": old, "nothing": nil, "noise": []byte("noise")} {
		b.gather = func(context.Context, []byte, ledger.Checkpoint, func(context.Context, ledger.Position) ([]ledger.Hash, error)) ([]byte, error) {
			return answer, nil
		}
		l := b.open()
		b.source.grow(5)
		if _, err := l.Seal(t.Context()); err == nil {
			t.Errorf("%s was published", name)
		}
		if _, c := l.Published(); c != first {
			t.Errorf("%s: size %d is published", name, c.Size)
		}
	}
}
