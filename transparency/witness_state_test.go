package transparency

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/berkas-ledger/berkas/ledger"
)

// TestWitnessCrash: the process ends between writing its state and answering. The
// log never got the cosignature and asks for it again, in every way it may.
func TestWitnessCrash(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "w1")
	h := newHistory(t, 9)
	r := startWitness(t, dir, h.policy)
	r.cosigns(t, h, 0, 4)
	r.cosigns(t, h, 4, 9) // its answer was lost
	r.stop()
	r = startWitness(t, dir, h.policy)
	if status, contentType, text := r.post(t, h.request(4, 9)); status != 409 || contentType != sizeText || text != "9\n" {
		t.Fatalf("asked for the same again: %d, %q", status, text)
	}
	r.cosigns(t, h, 9, 9)
	if kept := r.kept(t); len(kept) != 0 {
		t.Errorf("evidence is kept of an honest log: %v", kept)
	}
}

// TestWitnessState: a witness starts only over a state that it wrote itself.
func TestWitnessState(t *testing.T) {
	h := newHistory(t, 9)
	for _, c := range []struct {
		name   string
		spoil  func(t *testing.T, dir string)
		broken bool
	}{
		{"whole", func(*testing.T, string) {}, false},
		{"lost", func(t *testing.T, dir string) { check(t, os.Remove(stateFile(dir, testOrigin))) }, true},
		{"empty", func(t *testing.T, dir string) { check(t, os.WriteFile(stateFile(dir, testOrigin), nil, 0o600)) }, true},
		{"cut", func(t *testing.T, dir string) { check(t, os.Truncate(stateFile(dir, testOrigin), 100)) }, true},
		{"of another size", func(t *testing.T, dir string) {
			replaceIn(t, stateFile(dir, testOrigin), "\n9\n", "\n8\n")
		}, true},
		{"not cosigned by it", func(t *testing.T, dir string) {
			check(t, os.WriteFile(stateFile(dir, testOrigin), mustSign(t, h, 9), 0o600))
		}, true},
		{"another witness's", func(t *testing.T, dir string) {
			other := startWitness(t, filepath.Join(t.TempDir(), "w2"), h.policy)
			other.cosigns(t, h, 0, 9)
			text, err := os.ReadFile(stateFile(other.Dir, testOrigin))
			check(t, err)
			check(t, os.WriteFile(stateFile(dir, testOrigin), text, 0o600))
		}, true},
		{"a key that others can read", func(t *testing.T, dir string) { check(t, os.Chmod(filepath.Join(dir, "key"), 0o640)) }, true},
		{"a rest of an unfinished write", func(t *testing.T, dir string) {
			check(t, os.WriteFile(stateFile(dir, testOrigin)+".new", []byte("half"), 0o600))
		}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "w1")
			r := startWitness(t, dir, h.policy)
			r.cosigns(t, h, 0, 9)
			r.stop()
			c.spoil(t, dir)
			w, err := OpenWitness(WitnessConfig{Dir: dir, Policies: []ledger.Policy{h.policy}})
			if err == nil {
				check(t, w.Close())
			}
			if (err != nil) != c.broken {
				t.Errorf("opened with %v", err)
			}
			if c.broken && c.name != "a key that others can read" && !errors.Is(err, ErrWitnessState) {
				t.Errorf("%v, want ErrWitnessState", err)
			}
		})
	}
}

// TestWitnessFirst: a log that was never seen begins where it is said that it may.
func TestWitnessFirst(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "w1")
	h := newHistory(t, 9)
	if _, err := CreateWitness(dir, "w.example/1"); err != nil {
		t.Fatal(err)
	}
	config := WitnessConfig{Dir: dir, Policies: []ledger.Policy{h.policy}}
	if _, err := OpenWitness(config); !errors.Is(err, ErrWitnessState) {
		t.Fatalf("a log without state: %v, want ErrWitnessState", err)
	}
	config.First = true
	w, err := OpenWitness(config)
	check(t, err)
	if _, err := OpenWitness(config); !errors.Is(err, ErrWitnessLocked) {
		t.Errorf("a second process: %v, want ErrWitnessLocked", err)
	}
	check(t, w.Close())
	r := startWitness(t, dir, h.policy)
	r.cosigns(t, h, 0, 9)
	if _, err := CreateWitness(dir, "w.example/1"); err == nil || !strings.Contains(err.Error(), "not empty") {
		t.Errorf("made a second time: %v", err)
	}
	r.stop()
	// First does not make it forget.
	w, err = OpenWitness(config)
	check(t, err)
	if w.Latest(testOrigin) == nil {
		t.Error("with First the state was forgotten")
	}
	check(t, w.Close())
}

// TestWitnessSeveralLogs: logs do not touch each other's state; one origin with
// two policies is refused.
func TestWitnessSeveralLogs(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "w1")
	h, other := newHistory(t, 5), newHistory(t, 7)
	if _, err := CreateWitness(dir, "w.example/1", h.policy, other.policy); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenWitness(WitnessConfig{Dir: dir, Policies: []ledger.Policy{h.policy, other.policy}}); err == nil || !strings.Contains(err.Error(), "two policies") {
		t.Errorf("two keys for one origin: %v", err)
	}
	if a, b := stateFile("", "a.b/c"), stateFile("", "a.b_c"); a != b {
		t.Logf("no origin has an underscore, so %s stands for one only", a)
	}
	long := strings.Repeat(strings.Repeat("a", 63)+"/", 3) + strings.Repeat("a", 63)
	if !ledger.ValidOrigin(long) {
		t.Fatal("the longest origin is none")
	}
	check(t, replaceFile(stateFile(dir, long), nil, 0o600))
}

// TestWitnessCannotKeep: nothing is cosigned that the disk does not have, and
// when it can write again, it goes on.
func TestWitnessCannotKeep(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "w1")
	h := newHistory(t, 9)
	r := startWitness(t, dir, h.policy)
	r.cosigns(t, h, 0, 4)
	// Where the new state would be written stands something else.
	blocked := stateFile(dir, testOrigin) + ".new"
	check(t, os.Mkdir(blocked, 0o700))
	if status, _, text := r.post(t, h.request(4, 9)); status != 500 || strings.Contains(text, "—") {
		t.Fatalf("cosigned without a disk: %d, %q", status, text)
	}
	r.cosigns(t, h, 4, 4) // that is kept
	check(t, os.Remove(blocked))
	r.cosigns(t, h, 4, 9)
}

// TestWitnessFromBackup: a witness that was restored from a copy says what it
// knows and goes on from there.
func TestWitnessFromBackup(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "w1")
	h := newHistory(t, 9)
	r := startWitness(t, dir, h.policy)
	r.cosigns(t, h, 0, 4)
	backup, err := os.ReadFile(stateFile(dir, testOrigin))
	check(t, err)
	r.cosigns(t, h, 4, 8)
	r.stop()
	check(t, os.WriteFile(stateFile(dir, testOrigin), backup, 0o600))
	r = startWitness(t, dir, h.policy)
	if status, _, text := r.post(t, h.request(8, 9)); status != 409 || text != "4\n" {
		t.Fatalf("%d, %q; want 409 and the size of the copy", status, text)
	}
	r.cosigns(t, h, 4, 9)
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func replaceIn(t *testing.T, path, old, fresh string) {
	t.Helper()
	text, err := os.ReadFile(path)
	check(t, err)
	if !strings.Contains(string(text), old) {
		t.Fatalf("%s has no %q", path, old)
	}
	check(t, os.WriteFile(path, []byte(strings.Replace(string(text), old, fresh, 1)), 0o600))
}
