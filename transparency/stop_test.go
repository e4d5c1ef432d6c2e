package transparency

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// spoil changes a file of a log's directory.
func (b *bed) spoil(path string, change func([]byte) []byte) {
	b.t.Helper()
	file := filepath.Join(b.dir, filepath.FromSlash(path))
	raw, err := os.ReadFile(file)
	if err != nil {
		b.t.Fatal(err)
	}
	if err := os.WriteFile(file, change(raw), 0o644); err != nil {
		b.t.Fatal(err)
	}
}

func flip(raw []byte) []byte {
	raw[len(raw)/2] ^= 1
	return raw
}

// TestChangedJournalStops: a journal that does not begin with what was sealed is
// not sealed further, and nothing else is signed in its place. Each row is a way
// to cheat by whoever has the disk.
func TestChangedJournalStops(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name  string
		cheat func(b *bed)
		why   string
	}{
		{"record changed", func(b *bed) { b.source.change(300, "another record 300") }, "position 300: the journal's record has leaf hash"},
		{"first record changed", func(b *bed) { b.source.change(1, "another genesis") }, "position 1: "},
		{"two swapped", func(b *bed) {
			b.source.change(10, "record 11")
			b.source.change(11, "record 10")
		}, "position 10: "},
		{"record dropped", func(b *bed) {
			list := append([]string{}, b.source.list[:99]...)
			b.source.list = append(list, b.source.list[100:]...)
			b.source.grow(700)
		}, "position 100: "},
		{"journal cut short", func(b *bed) { b.source.cut(699) }, "the journal ends at position 699, and was sealed up to 700"},
		{"record changed, tiles too", func(b *bed) {
			b.source.change(300, "another record 300")
			b.spoil("tile/0/001", flip)
		}, "the tiles cannot say which record it is"},
		{"record changed, tiles gone", func(b *bed) {
			b.source.change(300, "another record 300")
			if err := os.RemoveAll(filepath.Join(b.dir, "tile")); err != nil {
				b.t.Fatal(err)
			}
		}, "the journal's first 700 records have root"},
		{"tile changed", func(b *bed) { b.spoil("tile/0/001", flip) }, "1 tiles are not what the journal says, the first is tile/0/001"},
		{"open tile changed", func(b *bed) { b.spoil("tile/1/000.p/2", flip) }, "the first is tile/1/000.p/2"},
		{"sealed checkpoint set back", func(b *bed) {
			raw, err := os.ReadFile(filepath.Join(b.dir, "checkpoints", "400"))
			if err != nil {
				b.t.Fatal(err)
			}
			b.spoil(sealedPath, func([]byte) []byte { return raw })
		}, "a checkpoint of size 700 is published, but the sealed one has size 400"},
		{"sealed checkpoint removed", func(b *bed) {
			if err := os.Remove(filepath.Join(b.dir, sealedPath)); err != nil {
				b.t.Fatal(err)
			}
		}, "a checkpoint of size 700 is published, but the sealed one has size 0"},
		{"sealed checkpoint edited", func(b *bed) {
			b.spoil(sealedPath, func(raw []byte) []byte { return bytes.Replace(raw, []byte("\n700\n"), []byte("\n701\n"), 1) })
		}, "what was sealed is not this log's"},
		{"records withheld from the published", func(b *bed) { b.source.cut(500) }, "the journal ends at position 500"},
	} {
		t.Run(row.name, func(t *testing.T) {
			b := newBed(t, 400)
			l := b.open()
			b.seal(l)
			b.source.grow(700)
			b.seal(l)
			row.cheat(b)
			l = b.open()
			b.stopped(l, row.why)
			b.source.grow(900)
			b.stopped(l, row.why) // it stays so
			if _, c := l.Published(); c.Size != 700 {
				t.Errorf("published is size %d, want 700", c.Size)
			}
		})
	}
}

// TestPublishedCheckpointIsChecked: one that was edited is not served as the
// log's.
func TestPublishedCheckpointIsChecked(t *testing.T) {
	b := newBed(t, 3)
	b.seal(b.open())
	b.spoil(checkpointPath, func(raw []byte) []byte { return bytes.Replace(raw, []byte("\n3\n"), []byte("\n2\n"), 1) })
	l := b.open()
	b.stopped(l, "the published checkpoint")
	if _, err := l.Fetch(t.Context(), checkpointPath); err == nil {
		t.Error("an edited checkpoint is served")
	}
	// As the message says: the newest of checkpoints/ in its place.
	raw, err := os.ReadFile(filepath.Join(b.dir, "checkpoints", "3"))
	if err != nil {
		t.Fatal(err)
	}
	b.spoil(checkpointPath, func([]byte) []byte { return raw })
	b.seal(b.open())
}

// TestSealedIsRestored: after a lost sealed checkpoint the newest published one
// can take its place.
func TestSealedIsRestored(t *testing.T) {
	b := newBed(t, 3)
	b.seal(b.open())
	if err := os.Rename(filepath.Join(b.dir, checkpointPath), filepath.Join(b.dir, sealedPath)); err != nil {
		t.Fatal(err)
	}
	b.source.grow(4)
	if c := b.seal(b.open()); c.Size != 4 {
		t.Errorf("size %d, want 4", c.Size)
	}
	b.sound(4)
}

// TestChangesWhileRunning: what the second reading of a root finds stops the log
// before anything is signed. Old records are not read again while a process runs;
// the next start does that.
func TestChangesWhileRunning(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name  string
		cheat func(b *bed)
		why   string
	}{
		{"journal cut short", func(b *bed) { b.source.cut(600) }, "the journal ends at position 600"},
		{"right edge removed", func(b *bed) {
			if err := os.RemoveAll(filepath.Join(b.dir, "tile", "2")); err != nil {
				b.t.Fatal(err)
			}
		}, "tile/2/000.p/1"},
		{"right edge changed", func(b *bed) { b.spoil("tile/2/000.p/1", flip) }, "as computed from the tiles on the disk"},
	} {
		t.Run(row.name, func(t *testing.T) {
			b := newBed(t, 65536+257)
			l := b.open()
			b.seal(l)
			row.cheat(b)
			if row.name != "journal cut short" {
				b.source.grow(65536 + 300)
			}
			b.stopped(l, row.why)
		})
	}
}

// TestRootIsComputedTwice: a record that reads differently the second time, or a
// tile that was not written as it was computed, is found before anything is
// signed.
func TestRootIsComputedTwice(t *testing.T) {
	t.Run("tile written wrongly", func(t *testing.T) {
		b := newBed(t, 600)
		d := realDisk()
		create := d.create
		d.create = func(path string, content []byte) error {
			if strings.HasSuffix(path, "tile/0/001"+unfinished) {
				content = flip(bytes.Clone(content))
			}
			return create(path, content)
		}
		b.disk = d
		b.stopped(b.open(), "second reading of size 600, nothing was signed")
	})
	t.Run("tile not written", func(t *testing.T) {
		b := newBed(t, 600)
		d := realDisk()
		rename := d.rename
		d.rename = func(from, to string) error {
			if strings.HasSuffix(to, "tile/1/000.p/2") {
				return nil // it says so
			}
			return rename(from, to)
		}
		b.disk = d
		b.stopped(b.open(), "second reading of size 600, nothing was signed")
	})
	t.Run("memory changed", func(t *testing.T) {
		b := newBed(t, 600)
		l := b.open()
		b.seal(l)
		l.sealed.edge.peaks[0][5] ^= 1
		b.source.grow(601)
		b.stopped(l, "as computed along the way")
	}) // Root, tiles and new records agree with one another here, and not with what was
	// sealed.
	t.Run("memory of an old record changed", func(t *testing.T) {
		b := newBed(t, 600)
		l := b.open()
		b.seal(l)
		other := newBed(t, 600)
		other.source.change(590, "another record 590")
		o := other.open()
		other.seal(o)
		l.sealed.edge = o.sealed.edge
		b.source.grow(601)
		b.stopped(l, "does not begin with that of 600 records")
	})
}
