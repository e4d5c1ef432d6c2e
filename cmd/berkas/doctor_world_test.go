package main

import (
	"context"
	"errors"
	"iter"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/berkas-ledger/berkas/agencies"
	"github.com/berkas-ledger/berkas/internal/simulate"
	"github.com/berkas-ledger/berkas/internal/testkit"
	"github.com/berkas-ledger/berkas/ledger"
)

// patientSteps is how many events of the history of 2020 a patient has, besides
// the three invented cases.
const patientSteps = 250

// patient is the ledger that all tests have copies of.
var patient struct {
	sync.Once
	home home
}

// newPatient gives a small, sound, stopped ledger with everything in it: it ran as
// 'berkas dev' runs, with a private PostgreSQL. Nobody may change it; see copyOf.
func newPatient(t *testing.T) home {
	t.Helper()
	patient.Do(func() { patient.home = makePatient(t, home{filepath.Join(os.Getenv(programDir), "data")}) })
	if patient.home.dir == "" {
		t.Fatal("an earlier test could not make the patient")
	}
	return patient.home
}

func makePatient(t *testing.T, h home) home {
	t.Helper()
	if _, err := ensureRehearsal(h, devOrigin); err != nil {
		t.Fatal(err)
	}
	// Closed to PostgreSQL's own user, it would have its database elsewhere, and a
	// copy would not be one.
	if err := os.Chmod(h.dir, 0o755); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	n, err := startNode(ctx, nodeConfig{home: h, log: testkit.Log(t), rehearsal: true})
	if err != nil {
		t.Fatal(err)
	}
	work := make(chan error, 1)
	go func() { work <- n.run(ctx) }()
	if err := n.fill(ctx); err != nil {
		t.Error(err)
	}
	cancel()
	if err := errors.Join(<-work, n.close()); err != nil {
		t.Fatal(err)
	}
	if t.Failed() {
		t.FailNow()
	}
	return h
}

// fill records a part of the demo's history and seals it.
func (n *node) fill(ctx context.Context) (err error) {
	if err := n.introduce(ctx); err != nil {
		return err
	}
	signers, err := n.home.signers("event")
	if err != nil {
		return err
	}
	ring, err := n.home.openRing()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, ring.Close()) }()
	clients := agencies.Clients{}
	for _, a := range simulate.Agencies {
		if clients[a], err = n.dial(ctx, a); err != nil {
			return err
		}
		defer clients[a].Close()
	}
	config := simulate.Config{Origin: n.origin, Signers: signers, Seed: demoSeed, Seal: sealWith(ring), Holders: keysIn(ring)}
	var made error
	history := func(yield func(ledger.Submission) bool) {
		for _, part := range []iter.Seq2[simulate.Step, error]{simulate.Pilkada2020(config), simulate.Steps(config, simulate.Walks(demoSeed))} {
			left := patientSteps
			for step, err := range part {
				if err != nil {
					made = err
					return
				}
				if left--; left < 0 || !yield(step.Submission) {
					break
				}
			}
		}
	}
	for r := range clients.SubmitAll(ctx, history, 50) {
		var refused *agencies.RefusedError // there are refusals on a ledger, too
		if r.Err != nil && !errors.As(r.Err, &refused) {
			return r.Err
		}
	}
	settled, err := n.settled(ctx)
	if err != nil {
		return err
	}
	settled.Close()
	if n.evidence == nil {
		return n.evidenceErr
	}
	_, err = n.evidence.Seal(ctx)
	return errors.Join(made, err)
}

// openTempDir is a directory that PostgreSQL's own user may enter.
func openTempDir(t *testing.T) string {
	t.Helper()
	dir, err := makeOpenDir("berkas-doctor-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// makeOpenDir makes a directory that every user may enter, in memory where there is
// room.
func makeOpenDir(prefix string) (string, error) {
	root := "/dev/shm"
	var fs unix.Statfs_t
	if unix.Statfs(root, &fs) != nil || fs.Bavail*uint64(fs.Bsize) < 1<<30 || unix.Access(root, unix.W_OK|unix.X_OK) != nil {
		root = ""
	}
	dir, err := os.MkdirTemp(root, prefix)
	if err != nil {
		return "", err
	}
	return dir, os.Chmod(dir, 0o755)
}

// copyOf copies a ledger, owners and all, or some of its directories.
func copyOf(t *testing.T, h home, parts ...string) home {
	t.Helper()
	to := home{filepath.Join(openTempDir(t), "data")}
	if len(parts) == 0 {
		shell(t, "cp", "-a", h.dir, to.dir)
		return to
	}
	if err := os.Mkdir(to.dir, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, p := range parts {
		shell(t, "cp", "-a", h.path(p), to.path(p))
	}
	return to
}

func shell(t *testing.T, name string, args ...string) {
	t.Helper()
	if out, err := exec.Command(name, args...).CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", name, err, out)
	}
}

// filesIn lists the files of a directory with their sizes, as paths from root.
func filesIn(t *testing.T, root string) map[string]int64 {
	t.Helper()
	out := map[string]int64{}
	err := filepath.WalkDir(root, func(path string, e os.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		info, err := e.Info()
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, path)
		out[rel] = info.Size()
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func flipBit(t *testing.T, path string, bit int64) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	b := make([]byte, 1)
	if _, err := f.ReadAt(b, bit/8); err != nil {
		t.Fatal(err)
	}
	b[0] ^= 1 << (bit % 8)
	if _, err := f.WriteAt(b, bit/8); err != nil {
		t.Fatal(err)
	}
}

// examined runs a doctor over a stopped ledger.
func examined(t *testing.T, d *doctor) diagnosis {
	t.Helper()
	out, err := d.run(t.Context(), false)
	if err != nil {
		t.Fatalf("the doctor of %s: %v", d.home.dir, err)
	}
	return out
}
