package transparency

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"

	"github.com/berkas-ledger/berkas/ledger"
)

// fsckTime bounds one check by fsck, on a busy machine.
const fsckTime = time.Minute

// fsck is Tessera's program that checks logs, which others wrote. In this version
// it exits with 0 whatever it finds, so what it says counts.
type fsck struct {
	t       testing.TB
	program string
	key     string // file
}

func (b *bed) fsck() fsck {
	b.t.Helper()
	var errs bytes.Buffer
	script := exec.Command("../scripts/fsck.sh")
	script.Stderr = &errs
	out, err := script.Output()
	if err != nil {
		b.t.Fatalf("scripts/fsck.sh: %v\n%s", err, errs.Bytes())
	}
	f := fsck{b.t, strings.TrimSpace(string(out)), filepath.Join(b.t.TempDir(), "log.pub")}
	if err := os.WriteFile(f.key, []byte(b.public), 0o600); err != nil {
		b.t.Fatal(err)
	}
	return f
}

// check reports whether fsck finds a log of a checkpoint sound; said is all that
// it says.
func (f fsck) check(url string, c ledger.Checkpoint) (sound bool, said string) {
	f.t.Helper()
	ctx, cancel := context.WithTimeout(f.t.Context(), fsckTime)
	defer cancel()
	out, _ := exec.CommandContext(ctx, f.program, "--storage_url="+url, "--public_key="+f.key, "--ui=false", "-N=4").CombinedOutput()
	if ctx.Err() != nil {
		f.t.Fatalf("fsck does not end\n%s", out)
	}
	root := strings.Split(c.Text(), "\n")[2]
	return strings.Contains(string(out), fmt.Sprintf("Successfully fsck'd log with size %d and root %s", c.Size, root)), string(out)
}

// serveLog serves a log over HTTP.
func serveLog(t *testing.T, f Fetch) string {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		raw, err := f(r.Context(), strings.TrimPrefix(r.URL.Path, "/"))
		switch {
		case errors.Is(err, fs.ErrNotExist):
			http.NotFound(w, r)
		case err != nil:
			http.Error(w, err.Error(), http.StatusInternalServerError)
		default:
			_, _ = w.Write(raw)
		}
	}))
	t.Cleanup(s.Close)
	return s.URL + "/"
}

// TestFsck has others' program check logs of many sizes, over HTTP and from
// files.
func TestFsck(t *testing.T) {
	t.Parallel()
	b := newBed(t, 0)
	check := b.fsck()
	l := b.open()
	dir := filepath.Join(t.TempDir(), "export")
	address := serveLog(t, l.Fetch)
	for _, size := range []int{1, 2, 255, 256, 257, 1000, 65535, 65536, 65537, 65536 + 259} {
		b.source.grow(size)
		c := b.seal(l)
		if _, err := Export(t.Context(), l.Fetch, b.verifier, dir, ExportOptions{}); err != nil {
			t.Fatal(err)
		}
		for _, url := range []string{address, "file://" + dir} {
			if sound, said := check.check(url, c); !sound {
				t.Errorf("size %d at %s:\n%s", size, url, said)
			}
		}
	}
}

// tampering is a way to tamper with one file of a log of 1000 records.
type tampering struct {
	name string
	path string
	how  func(raw []byte) ([]byte, error) // nil removes the file
	says string                           // what fsck says of it
}

// onEntries changes the leaves of a bundle.
func onEntries(width int, change func(list [][]byte) [][]byte) func([]byte) ([]byte, error) {
	return func(raw []byte) ([]byte, error) {
		list, err := ledger.ParseBundle(raw, width)
		if err != nil {
			return nil, err
		}
		var out []byte
		for _, leaf := range change(list) {
			out = ledger.AppendEntry(out, leaf)
		}
		return out, nil
	}
}

// replaced puts some bytes in the place of others.
func replaced(old, fresh string) func([]byte) ([]byte, error) {
	return func(raw []byte) ([]byte, error) {
		if !bytes.Contains(raw, []byte(old)) {
			return nil, fmt.Errorf("no %q there", old)
		}
		return bytes.Replace(raw, []byte(old), []byte(fresh), 1), nil
	}
}

func flipped(raw []byte) ([]byte, error) { return flip(raw), nil }

// tamperings are the rows of the matrix; c is the log's checkpoint, other one of
// another size.
func tamperings(c, other ledger.Checkpoint) []tampering {
	forged := ledger.Checkpoint{Origin: c.Origin, Size: c.Size, Root: other.Root}
	const tileDiffers = "log has:"
	return []tampering{
		{"bit flipped in an entry", "tile/entries/001", replaced("record 300", "record 308"), tileDiffers},
		{"two entries swapped", "tile/entries/001", onEntries(256, func(list [][]byte) [][]byte {
			list[7], list[8] = list[8], list[7]
			return list
		}), tileDiffers},
		// On a bundle that is short this version of fsck ends in a panic.
		{"entry dropped from the last bundle", "tile/entries/003.p/232", onEntries(232, func(list [][]byte) [][]byte {
			return append(list[:9:9], list[10:]...)
		}), "index out of range [231] with length 231"},
		{"entry dropped, another doubled", "tile/entries/001", onEntries(256, func(list [][]byte) [][]byte {
			return append(append(list[:9:9], list[10:]...), list[255])
		}), tileDiffers},
		{"tile changed", "tile/0/002", flipped, tileDiffers},
		{"open tile changed", "tile/1/000.p/3", flipped, tileDiffers},
		{"tile missing", "tile/0/001", nil, "tile/0/001"},
		{"open tile missing", "tile/1/000.p/3", nil, "neither partial nor full resource found"},
		{"checkpoint edited", checkpointPath, replaced("\n1000\n", "\n999\n"), "invalid signature"},
		{"root edited", checkpointPath, replaced(c.Text(), forged.Text()), "invalid signature"},
	}
}

// TestFsckFindsTampering has others' program find each way to tamper with a log,
// over HTTP and in files.
func TestFsckFindsTampering(t *testing.T) {
	t.Parallel()
	b := newBed(t, 600)
	check := b.fsck()
	l := b.open()
	old := b.seal(l)
	oldSigned, _ := l.Published()
	b.source.grow(1000)
	c := b.seal(l)
	for _, row := range tamperings(c, old) {
		t.Run(row.name, func(t *testing.T) {
			for _, url := range []string{serveLog(t, row.over(l.Fetch)), "file://" + row.in(t, l, b.verifier)} {
				sound, said := check.check(url, c)
				if sound || strings.Contains(said, "Successfully") || !strings.Contains(said, row.says) {
					t.Errorf("%s: fsck does not say %q:\n%s", url, row.says, said)
				}
			}
		})
	}
	// What it cannot find: a log that was set back is sound in itself. Against that
	// there are witnesses.
	back := func(ctx context.Context, path string) ([]byte, error) {
		if path == checkpointPath {
			return oldSigned, nil
		}
		return l.Fetch(ctx, path)
	}
	if sound, said := check.check(serveLog(t, back), old); !sound {
		t.Errorf("a log that was set back:\n%s", said)
	}
}

// over is a log in which the file is tampered with.
func (row tampering) over(f Fetch) Fetch {
	return func(ctx context.Context, path string) ([]byte, error) {
		raw, err := f(ctx, path)
		if path != row.path || err != nil {
			return raw, err
		}
		if row.how == nil {
			return nil, fs.ErrNotExist
		}
		return row.how(raw)
	}
}

// in is the directory of an export in which the file is tampered with.
func (row tampering) in(t *testing.T, l *Log, verifier note.Verifier) string {
	dir := filepath.Join(t.TempDir(), "export")
	if _, err := Export(t.Context(), l.Fetch, verifier, dir, ExportOptions{}); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, filepath.FromSlash(row.path))
	if row.how == nil {
		if err := os.Remove(file); err != nil {
			t.Fatal(err)
		}
		return dir
	}
	raw, err := row.over(DirFetch(dir))(t.Context(), row.path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, raw, 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}
