package transparency

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"

	"github.com/berkas-ledger/berkas/internal/testkit"
	"github.com/berkas-ledger/berkas/ledger"
)

// leaves is a Source in memory, with short leaves: a log does not look into
// them. Over a real journal the log is tested in cmd/berkas.
type leaves struct {
	mu   sync.Mutex
	list []string
}

func (s *leaves) Len() ledger.Position {
	s.mu.Lock()
	defer s.mu.Unlock()
	return ledger.Position(len(s.list))
}

func (s *leaves) Leaves(ctx context.Context, first, last ledger.Position, yield func(ledger.Position, []byte) error) error {
	s.mu.Lock()
	list := s.list
	s.mu.Unlock()
	if first < 1 || last > ledger.Position(len(list)) {
		return fmt.Errorf("no records %d to %d", first, last)
	}
	for p := first; p <= last; p++ {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := yield(p, []byte(list[p-1])); err != nil {
			return err
		}
	}
	return nil
}

// grow adds leaves until there are as many.
func (s *leaves) grow(size int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for n := len(s.list) + 1; n <= size; n++ {
		s.list = append(s.list, fmt.Sprintf("record %d", n))
	}
}

// change puts another leaf in the place of one.
func (s *leaves) change(p ledger.Position, leaf string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.list = slices.Clone(s.list)
	s.list[p-1] = leaf
}

// cut drops the last leaves.
func (s *leaves) cut(size int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.list = s.list[:size:size]
}

// bed is a log under test: its directory, its key, its records, and all that it
// has ever signed.
type bed struct {
	t        testing.TB
	dir      string
	source   *leaves
	signer   note.Signer
	public   string // of the signer
	verifier note.Verifier
	gather   Gather
	disk     *disk
	register Register
	shared   bool
	log      *slog.Logger

	mu     sync.Mutex
	signed map[ledger.Position]ledger.Checkpoint
}

func newBed(t testing.TB, size int) *bed {
	t.Helper()
	secret, public, err := note.GenerateKey(rand.Reader, "berkas.example/sealing")
	if err != nil {
		t.Fatal(err)
	}
	b := &bed{t: t, dir: filepath.Join(t.TempDir(), "log"), source: &leaves{}, log: testkit.Log(t), public: public, signed: map[ledger.Position]ledger.Checkpoint{}}
	if b.verifier, err = note.NewVerifier(public); err != nil {
		t.Fatal(err)
	}
	signer, err := note.NewSigner(secret)
	if err != nil {
		t.Fatal(err)
	}
	b.signer = overseen{signer, b}
	b.source.grow(size)
	return b
}

// overseen is a signer that holds the log to its first promise: one checkpoint
// for a size, for ever.
type overseen struct {
	note.Signer
	*bed
}

func (w overseen) Sign(msg []byte) ([]byte, error) {
	c, err := ledger.ParseCheckpoint(string(msg))
	if err != nil {
		return nil, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if was, ok := w.signed[c.Size]; ok && was != c {
		w.t.Errorf("two roots were signed for size %d: %s and %s", c.Size, was.Root, c.Root)
	}
	w.signed[c.Size] = c
	return w.Signer.Sign(msg)
}

func (b *bed) config() Config {
	return Config{Dir: b.dir, Source: b.source, Signer: b.signer, Verifier: b.verifier, Gather: b.gather, Register: b.register, Shared: b.shared, Log: b.log, disk: b.disk}
}

func (b *bed) open() *Log {
	b.t.Helper()
	l, err := Open(b.t.Context(), b.config())
	if err != nil {
		b.t.Fatal(err)
	}
	return l
}

func (b *bed) seal(l *Log) ledger.Checkpoint {
	b.t.Helper()
	c, err := l.Seal(b.t.Context())
	if err != nil {
		b.t.Fatal(err)
	}
	if err := l.Ready(); err != nil {
		b.t.Fatal(err)
	}
	return c
}

// stopped seals and wants the log to stop, with words about why.
func (b *bed) stopped(l *Log, why string) {
	b.t.Helper()
	signatures := len(b.signed)
	before, _ := l.Published()
	_, err := l.Seal(b.t.Context())
	if !errors.Is(err, ErrStopped) || !bytes.Contains([]byte(err.Error()), []byte(why)) {
		b.t.Fatalf("seal: %v, want a stop because %q", err, why)
	}
	if ready := l.Ready(); !errors.Is(ready, ErrStopped) || ready.Error() != err.Error() {
		b.t.Errorf("ready: %v, want %v", ready, err)
	}
	if len(b.signed) != signatures {
		b.t.Error("it signed all the same")
	}
	if after, _ := l.Published(); !bytes.Equal(before, after) {
		b.t.Error("what was published did not stay")
	}
}

// sound reads the published log from its files alone and compares all of it with
// the records.
func (b *bed) sound(size ledger.Position) {
	b.t.Helper()
	files := WithEntries(DirFetch(b.dir), b.source)
	raw, err := files(b.t.Context(), checkpointPath)
	if err != nil {
		b.t.Fatal(err)
	}
	c, _, err := ledger.OpenCheckpoint(raw, b.verifier)
	if err != nil {
		b.t.Fatal(err)
	}
	if c.Size != size {
		b.t.Fatalf("published is size %d, want %d", c.Size, size)
	}
	kept, err := files(b.t.Context(), keptPath(c.Size))
	if err != nil || !bytes.Equal(kept, raw) {
		b.t.Errorf("%s is not what was published: %v", keptPath(c.Size), err)
	}
	prover := NewProver(files, c)
	got, err := prover.LeafHashes(b.t.Context(), 1, c.Size)
	if err != nil {
		b.t.Fatal(err)
	}
	for i, leaf := range b.source.list[:c.Size] {
		if got[i] != ledger.HashLeaf([]byte(leaf)) {
			b.t.Fatalf("position %d has the wrong leaf hash", i+1)
		}
	}
	sizes, err := Checkpoints(b.dir)
	if err != nil {
		b.t.Fatal(err)
	}
	for _, p := range sizes {
		raw, err := files(b.t.Context(), keptPath(p))
		if err != nil {
			b.t.Fatal(err)
		}
		old, _, err := ledger.OpenCheckpoint(raw, b.verifier)
		if err != nil || old.Size != p {
			b.t.Fatalf("kept checkpoint %d: size %d, %v", p, old.Size, err)
		}
		if old.Size > c.Size {
			continue // cut off between keeping and publishing
		}
		if err := extends(b.t.Context(), prover, old); err != nil {
			b.t.Error(err)
		}
	}
}

// files lists the files of the log's directory with what they hold.
func (b *bed) files() map[string]string {
	b.t.Helper()
	out := map[string]string{}
	err := filepath.WalkDir(b.dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		raw, err := os.ReadFile(path)
		name, _ := filepath.Rel(b.dir, path)
		out[filepath.ToSlash(name)] = string(raw)
		return err
	})
	if err != nil {
		b.t.Fatal(err)
	}
	return out
}

func TestLogGrows(t *testing.T) {
	t.Parallel()
	b := newBed(t, 1)
	l := b.open()
	if _, c := l.Published(); c.Size != 0 {
		t.Fatalf("a new log has size %d", c.Size)
	}
	if _, err := l.Fetch(t.Context(), checkpointPath); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("checkpoint of a new log: %v", err)
	}
	for _, size := range []int{1, 2, 255, 256, 257, 700, 1024, 1025, 65535, 65536, 65537, 65536 + 300} {
		b.source.grow(size)
		if c := b.seal(l); int(c.Size) != size {
			t.Fatalf("sealed size %d, want %d", c.Size, size)
		}
		b.sound(ledger.Position(size))
	}
	before := b.files()
	b.seal(l) // nothing new
	if !maps.Equal(before, b.files()) {
		t.Error("sealing nothing changed files")
	}
	want := []string{"tile/0/256", "tile/0/257.p/44", "tile/1/000", "tile/1/001.p/1", "tile/2/000.p/1"}
	for name := range before {
		if filepath.Base(filepath.Dir(name)) != "checkpoints" && bytes.Contains([]byte(name), []byte(".p/")) && !slices.Contains(want, name) {
			t.Errorf("%s was not removed", name)
		}
	}
	for _, name := range want {
		if _, ok := before[name]; !ok {
			t.Errorf("%s is missing", name)
		}
	}
}

// TestRebuildIsByteIdentical: tiles follow from the journal alone.
func TestRebuildIsByteIdentical(t *testing.T) {
	t.Parallel()
	b := newBed(t, 700)
	l := b.open()
	b.seal(l)
	b.source.grow(66000)
	b.seal(l)
	before := b.files()
	for name, lose := range map[string]string{
		"all tiles": "tile", "a full tile": "tile/0/100", "an open tile": "tile/0/257.p", "a level": "tile/1",
	} {
		if err := os.RemoveAll(filepath.Join(b.dir, filepath.FromSlash(lose))); err != nil {
			t.Fatal(err)
		}
		l = b.open()
		b.seal(l)
		after := b.files()
		for file, content := range before {
			if after[file] != content {
				t.Errorf("%s: %s is not what it was", name, file)
			}
		}
		if len(before) != len(after) {
			t.Errorf("%s: %d files, before %d", name, len(after), len(before))
		}
	}
}

// TestFetch: what the published checkpoint covers is served, nothing else.
func TestFetch(t *testing.T) {
	b := newBed(t, 600)
	l := b.open()
	b.seal(l)
	b.source.grow(900)
	b.gather = func(context.Context, []byte, ledger.Checkpoint, func(context.Context, ledger.Position) ([]ledger.Hash, error)) ([]byte, error) {
		return nil, errors.New("nobody cosigns")
	}
	l = b.open()
	if _, err := l.Seal(t.Context()); err == nil {
		t.Fatal("it was published")
	}
	there := map[string]int{
		"tile/0/000": 8192, "tile/0/001": 8192, "tile/0/002.p/88": 88 * 32, "tile/0/002.p/3": 96, "tile/0/000.p/7": 7 * 32, "tile/1/000.p/2": 64, "tile/1/000.p/1": 32,
		"tile/entries/002.p/1": 2 + len("record 513"), "tile/entries/000.p/1": 2 + len("record 1"),
	}
	for path, size := range there {
		got, err := l.Fetch(t.Context(), path)
		if err != nil || len(got) != size {
			t.Errorf("%s: %d bytes, %v; want %d", path, len(got), err, size)
		}
	}
	for _, path := range []string{
		"tile/0/002", "tile/0/002.p/89", "tile/0/003.p/1", "tile/1/000", "tile/1/000.p/3", "tile/2/000.p/1", "tile/entries/002", "tile/entries/002.p/89",
		"checkpoints/900", "checkpoints/601", "checkpoints/0600", "checkpoints/", "sealed", "../log/sealed", "tile/0/1", "tile/0/000.p/256", "tile/63/000.p/1", "",
	} {
		if _, err := l.Fetch(t.Context(), path); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: %v, want that it is not there", path, err)
		}
	}
	full, err := l.Fetch(t.Context(), "tile/entries/001")
	if err != nil {
		t.Fatal(err)
	}
	if list, err := ledger.ParseBundle(full, 256); err != nil || string(list[0]) != "record 257" {
		t.Errorf("entries: %v", err)
	}
	kept, err := l.Fetch(t.Context(), "checkpoints/600")
	if now, c := l.Published(); err != nil || !bytes.Equal(kept, now) || c.Size != 600 {
		t.Errorf("checkpoints/600 is not what is published (size %d): %v", c.Size, err)
	}
}

// TestRun seals what comes, without being asked.
func TestRun(t *testing.T) {
	b := newBed(t, 3)
	sizes := make(chan ledger.Position, 100)
	b.gather = func(_ context.Context, signed []byte, c ledger.Checkpoint, _ func(context.Context, ledger.Position) ([]ledger.Hash, error)) ([]byte, error) {
		sizes <- c.Size
		return signed, nil
	}
	config := b.config()
	config.Every = time.Millisecond
	l, err := Open(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- l.Run(ctx) }()
	if p := <-sizes; p != 3 {
		t.Errorf("sealed size %d, want 3", p)
	}
	b.source.grow(10)
	for p := <-sizes; p < 10; {
		p = <-sizes
	}
	if c, err := l.Seal(t.Context()); err != nil || c.Size != 10 {
		t.Errorf("size %d, %v", c.Size, err)
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	b.sound(10)
}

func TestOpenRefusesTheWrongKey(t *testing.T) {
	b := newBed(t, 1)
	other := newBed(t, 1)
	c := b.config()
	c.Verifier = other.verifier
	if _, err := Open(t.Context(), c); err == nil {
		t.Error("a log opened with a key that is not its own")
	}
}
