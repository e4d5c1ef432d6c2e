package transparency

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/berkas-ledger/berkas/ledger"
)

func TestExport(t *testing.T) {
	t.Parallel()
	b := newBed(t, 300)
	l := b.open()
	b.seal(l)
	b.source.grow(700)
	b.seal(l)
	dir := filepath.Join(t.TempDir(), "export")
	sizes, err := Checkpoints(b.dir)
	if err != nil || !slices.Equal(sizes, []ledger.Position{300, 700}) {
		t.Fatalf("checkpoints %v, %v", sizes, err)
	}
	var done ledger.Position
	options := ExportOptions{Checkpoints: sizes, Progress: func(n, _ ledger.Position) { done = n }}
	if c, err := Export(t.Context(), l.Fetch, b.verifier, dir, options); err != nil || c.Size != 700 || done != 700 {
		t.Fatalf("export: size %d, %d done, %v", c.Size, done, err)
	}
	want := []string{
		"checkpoint", "checkpoints/300", "checkpoints/700", "genesis.leaf", "tile/0/000", "tile/0/001", "tile/0/002.p/188", "tile/1/000.p/2",
		"tile/entries/000", "tile/entries/001", "tile/entries/002.p/188",
	}
	var got []string
	_ = fs.WalkDir(os.DirFS(dir), ".", func(path string, d fs.DirEntry, err error) error {
		if !d.IsDir() {
			got = append(got, path)
		}
		return err
	})
	if !slices.Equal(got, want) {
		t.Errorf("files %v, want %v", got, want)
	}
	exported := DirFetch(dir)
	for _, path := range want {
		if path == "genesis.leaf" {
			continue
		}
		a, err := l.Fetch(t.Context(), path)
		c, err2 := exported(t.Context(), path)
		if err != nil || err2 != nil || !bytes.Equal(a, c) {
			t.Errorf("%s differs: %v, %v", path, err, err2)
		}
	}
	// An export can be exported, and goes on where an earlier one ended.
	if _, err := Export(t.Context(), exported, b.verifier, filepath.Join(t.TempDir(), "again"), ExportOptions{}); err != nil {
		t.Error(err)
	}
	b.source.grow(66000)
	b.seal(l)
	if c, err := Export(t.Context(), l.Fetch, b.verifier, dir, ExportOptions{}); err != nil || c.Size != 66000 {
		t.Errorf("export: size %d, %v", c.Size, err)
	}
	if leaf, err := NewProver(exported, b.signed[66000]).Leaf(t.Context(), 65537); err != nil || string(leaf) != "record 65537" {
		t.Errorf("leaf %q, %v", leaf, err)
	}
}

// TestExportRefusesADamagedLog: what does not belong to the checkpoint is not
// written, and no checkpoint either.
func TestExportRefusesADamagedLog(t *testing.T) {
	b := newBed(t, 700)
	l := b.open()
	b.seal(l)
	for name, damage := range map[string]func(path string, raw []byte) []byte{
		"an entry": func(path string, raw []byte) []byte {
			if path == "tile/entries/001" {
				raw[100] ^= 1
			}
			return raw
		},
		"a tile": func(path string, raw []byte) []byte {
			if path == "tile/0/001" {
				raw[77] ^= 1
			}
			return raw
		},
		"the checkpoint": func(path string, raw []byte) []byte {
			if path == checkpointPath {
				return bytes.Replace(raw, []byte("\n700\n"), []byte("\n699\n"), 1)
			}
			return raw
		},
		"a bundle that is short": func(path string, raw []byte) []byte {
			if path == "tile/entries/002.p/188" {
				raw = raw[:len(raw)-1]
			}
			return raw
		},
	} {
		dir := t.TempDir()
		if _, err := Export(t.Context(), altered(l.Fetch, damage), b.verifier, dir, ExportOptions{}); err == nil {
			t.Errorf("%s: exported", name)
		}
		if _, err := os.Stat(filepath.Join(dir, checkpointPath)); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: a checkpoint was written: %v", name, err)
		}
	}
}

// TestExportKeepsToItsLog: another log's export is not written over, and a log
// that was set back does not get one.
func TestExportKeepsToItsLog(t *testing.T) {
	b := newBed(t, 10)
	l := b.open()
	b.seal(l)
	small := t.TempDir()
	if _, err := Export(t.Context(), l.Fetch, b.verifier, small, ExportOptions{}); err != nil {
		t.Fatal(err)
	}
	b.source.grow(20)
	b.seal(l)
	dir := t.TempDir()
	if _, err := Export(t.Context(), l.Fetch, b.verifier, dir, ExportOptions{}); err != nil {
		t.Fatal(err)
	}
	if _, err := Export(t.Context(), DirFetch(small), b.verifier, dir, ExportOptions{}); err == nil {
		t.Error("a log that was set back was exported over a longer one")
	}
	forked := newBed(t, 30)
	forked.signer, forked.verifier = overseen{b.signer.(overseen).Signer, forked}, b.verifier
	forked.source.change(3, "another record 3")
	other := forked.open()
	forked.seal(other)
	if _, err := Export(t.Context(), other.Fetch, b.verifier, dir, ExportOptions{}); err == nil || !strings.Contains(err.Error(), "not an earlier export of this log") {
		t.Errorf("a fork was exported over the log: %v", err)
	}
}

// TestExportGoesOn: an export that was cut short, or damaged since, is completed;
// what is there and right is not fetched again.
func TestExportGoesOn(t *testing.T) {
	b := newBed(t, 1100)
	l := b.open()
	b.seal(l)
	dir := t.TempDir()
	errCut := errors.New("cut")
	cut := func(ctx context.Context, path string) ([]byte, error) {
		if path == "tile/entries/003" {
			return nil, errCut
		}
		return l.Fetch(ctx, path)
	}
	if _, err := Export(t.Context(), cut, b.verifier, dir, ExportOptions{}); !errors.Is(err, errCut) {
		t.Fatalf("export: %v", err)
	}
	if _, err := os.Stat(filepath.Join(dir, checkpointPath)); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("an export that was cut short has a checkpoint: %v", err)
	}
	again := func(damage ...string) []string {
		t.Helper()
		for _, path := range damage {
			path = filepath.Join(dir, filepath.FromSlash(path))
			raw, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			raw[len(raw)/2] ^= 1
			if err := os.WriteFile(path, raw, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		var fetched []string
		counted := func(ctx context.Context, path string) ([]byte, error) {
			if strings.HasPrefix(path, "tile/entries/") {
				fetched = append(fetched, path)
			}
			return l.Fetch(ctx, path)
		}
		if _, err := Export(t.Context(), counted, b.verifier, dir, ExportOptions{}); err != nil {
			t.Fatal(err)
		}
		prover := NewProver(DirFetch(dir), b.signed[1100])
		for _, p := range []ledger.Position{1, 256, 257, 600, 1024, 1100} {
			if _, err := prover.Leaf(t.Context(), p); err != nil {
				t.Errorf("after damage of %v: position %d: %v", damage, p, err)
			}
		}
		if leaf, err := readFile(dir, genesisPath); err != nil || string(leaf) != "record 1" {
			t.Errorf("after damage of %v: the first record is %q, %v", damage, leaf, err)
		}
		return fetched
	}
	if got := again(); !slices.Equal(got, []string{"tile/entries/003", "tile/entries/004.p/76"}) {
		t.Errorf("fetched %v", got)
	}
	if got := again("tile/entries/001", "tile/0/002", "tile/1/000.p/4", genesisPath); !slices.Equal(got, []string{"tile/entries/001", "tile/entries/004.p/76"}) {
		t.Errorf("fetched %v", got)
	}
}
