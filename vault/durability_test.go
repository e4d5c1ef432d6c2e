package vault

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"pgregory.net/rapid"
)

// forgetful is a disk that keeps only what was synced: after powerCut a file
// whose bytes were not synced is empty, and a rename whose directory was not
// synced never was. Besides, it fails at a chosen call, before or after the
// call took hold.
type forgetful struct {
	synced  map[string]bool // files by name
	undo    []func() error  // of renames that no directory sync covers, oldest first
	calls   int
	failAt  int  // the call to fail, counted from 1; 0 is none
	happens bool // whether the failed call takes hold
}

var errDisk = errors.New("disk failed")

func (f *forgetful) disk() disk { return disk{sync: f.sync, rename: f.rename} }

func (f *forgetful) call(do func() error) error {
	f.calls++
	if f.calls != f.failAt {
		return do()
	}
	if f.happens {
		if err := do(); err != nil {
			return err
		}
	}
	return errDisk
}

func (f *forgetful) sync(file *os.File) error {
	return f.call(func() error {
		info, err := file.Stat()
		if err != nil {
			return err
		}
		if info.IsDir() {
			f.undo = nil
		} else {
			f.synced[file.Name()] = true
		}
		return nil
	})
}

func (f *forgetful) rename(from, to string) error {
	return f.call(func() error {
		old, err := os.ReadFile(to)
		existed := err == nil
		if !f.synced[from] { // its bytes are still only in the cache
			f.undo = append(f.undo, func() error { return os.Truncate(to, 0) })
		} else if existed {
			f.undo = append(f.undo, func() error { return os.WriteFile(to, old, 0o600) })
		} else {
			f.undo = append(f.undo, func() error { return os.Remove(to) })
		}
		f.synced[from] = false
		return os.Rename(from, to)
	})
}

func (f *forgetful) powerCut() error {
	for _, undo := range slices.Backward(f.undo) {
		if err := undo(); err != nil {
			return err
		}
	}
	f.undo = nil
	return nil
}

// Whatever fails or is cut, and wherever, a key whose id was handed out is in
// the ring for good, and the ring opens.
func TestNoKeyIsLost(t *testing.T) {
	dir := t.TempDir()
	rings := 0
	rapid.Check(t, func(t *rapid.T) {
		rings++
		path := filepath.Join(dir, fmt.Sprintf("ring-%d.json", rings))
		drive := &forgetful{synced: make(map[string]bool)}
		ring, err := open(path, drive.disk(), disk.create)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = ring.Close() }()
		given := make(map[Holder]string)
		reopen := func() {
			drive.failAt = 0
			if err := ring.Close(); err != nil {
				t.Fatal(err)
			}
			if ring, err = open(path, drive.disk(), disk.read); err != nil {
				t.Fatalf("the ring does not open: %v", err)
			}
		}
		t.Repeat(map[string]func(*rapid.T){
			"key": func(t *rapid.T) {
				holder := Holder{Case: caseOne, Label: fmt.Sprintf("r%d", rapid.IntRange(1, 5).Draw(t, "respondent"))}
				if fail := rapid.IntRange(0, 3).Draw(t, "fail at"); fail > 0 {
					drive.failAt, drive.happens = drive.calls+fail, rapid.Bool().Draw(t, "but happens")
				}
				kid, err := ring.KeyFor(holder, noon)
				drive.failAt = 0
				switch {
				case err == nil && given[holder] != "" && given[holder] != kid:
					t.Fatalf("%v had key %s and now has %s", holder, given[holder], kid)
				case err == nil:
					given[holder] = kid
				case !errors.Is(err, errDisk):
					t.Fatal(err)
				}
			},
			"restart": func(*rapid.T) { reopen() },
			"power cut": func(t *rapid.T) {
				if err := drive.powerCut(); err != nil {
					t.Fatal(err)
				}
				reopen()
			},
			"": func(t *rapid.T) {
				for holder, kid := range given {
					if !slices.ContainsFunc(ring.Keys(caseOne), func(e Entry) bool { return e.Kid == kid && e.Holder == holder }) {
						t.Fatalf("key %s of %v is lost", kid, holder)
					}
				}
			},
		})
	})
}

// Each call of a replacement fails in both ways. The old keys are still in use,
// nothing is left lying about, and the next replacement succeeds.
func TestFailedWrite(t *testing.T) {
	for call := 1; call <= 3; call++ {
		for _, happens := range []bool{false, true} {
			t.Run(fmt.Sprintf("call %d happens %v", call, happens), func(t *testing.T) {
				ring := newRing(t)
				kid := mustKey(t, ring, first)
				drive := &forgetful{synced: make(map[string]bool), failAt: call, happens: happens}
				ring.disk = drive.disk()
				if got, err := ring.KeyFor(reporter, noon); got != "" || !errors.Is(err, errDisk) {
					t.Fatalf("KeyFor = %q, %v; want the disk's error", got, err)
				}
				if keys := ring.Keys(caseOne); len(keys) != 1 || keys[0].Kid != kid {
					t.Errorf("keys in use after the failure: %v", keys)
				}
				if _, err := os.Lstat(besides(ring.path)); !errors.Is(err, os.ErrNotExist) {
					t.Errorf("the unfinished file is still there (%v)", err)
				}
				second := mustKey(t, ring, reporter)
				if err := ring.Close(); err != nil {
					t.Fatal(err)
				}
				again, err := Open(ring.path)
				if err != nil {
					t.Fatal(err)
				}
				defer again.Close()
				if keys := again.Keys(caseOne); len(keys) != 2 || keys[0].Kid != kid || keys[1].Kid != second {
					t.Errorf("keys after reopening: %v", keys)
				}
			})
		}
	}
}

// What a Create that was killed left does not stand in the way of the next.
func TestCreateAfterKilledCreate(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ring.json")
	if err := os.WriteFile(besides(path), []byte("half a ri"), 0o644); err != nil {
		t.Fatal(err)
	}
	ring, err := Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer ring.Close()
	if info, err := os.Stat(path); err != nil || info.Mode() != 0o600 {
		t.Errorf("the ring has mode %v, %v", info.Mode(), err)
	}
}

const killedRing = "BERKAS_TEST_KILLED_RING"

// TestKilled kills a process that holds the ring on either side of the rename.
// Its lock ends with it; before the rename the ring is the old one, after it the
// new one; and no second file with keys is left.
func TestKilled(t *testing.T) {
	if setting := os.Getenv(killedRing); setting != "" {
		beKilled(t, setting)
	}
	for when, want := range map[string]int{"before": 1, "after": 2} {
		t.Run(when, func(t *testing.T) {
			ring := newRing(t)
			kid := mustKey(t, ring, first)
			if err := ring.Close(); err != nil {
				t.Fatal(err)
			}
			child := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestKilled$")
			child.Env = append(os.Environ(), killedRing+"="+when+":"+ring.path)
			output, err := child.CombinedOutput()
			var exit *exec.ExitError
			if !errors.As(err, &exit) || exit.Sys().(syscall.WaitStatus).Signal() != syscall.SIGKILL {
				t.Fatalf("the child was not killed: %v\n%s", err, output)
			}
			if _, err := os.Lstat(besides(ring.path)); (err == nil) != (when == "before") {
				t.Fatalf("killed %s the rename: the new file beside the ring: %v", when, err)
			}
			again, err := Open(ring.path)
			if err != nil {
				t.Fatalf("Open after the kill: %v", err)
			}
			defer again.Close()
			if keys := again.Keys(caseOne); len(keys) != want || keys[0].Kid != kid {
				t.Errorf("keys after the kill: %v, want %d", keys, want)
			}
			if _, err := os.Lstat(besides(ring.path)); !errors.Is(err, os.ErrNotExist) {
				t.Errorf("the unfinished file is still there (%v)", err)
			}
		})
	}
}

// beKilled runs in the child.
func beKilled(t *testing.T, setting string) {
	when, path, _ := strings.Cut(setting, ":")
	ring, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	ring.disk.rename = func(from, to string) error {
		if when == "after" {
			if err := os.Rename(from, to); err != nil {
				return err
			}
		}
		if err := syscall.Kill(os.Getpid(), syscall.SIGKILL); err != nil {
			return err
		}
		select {} // the signal is on its way
	}
	_, err = ring.KeyFor(reporter, noon)
	t.Fatalf("not killed: %v", err)
}
