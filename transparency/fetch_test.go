package transparency

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/berkas-ledger/berkas/ledger"
)

func TestHTTPFetch(t *testing.T) {
	var asked atomic.Int32
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n := asked.Add(1)
		switch r.URL.Path {
		case "/log/checkpoint":
			if n < 3 {
				http.Error(w, "later", http.StatusServiceUnavailable)
				return
			}
			_, _ = w.Write([]byte("signed"))
		case "/log/checkpoints/1":
			http.NotFound(w, r)
		case "/log/checkpoints/2":
			http.Error(w, "always", http.StatusBadGateway)
		case "/log/checkpoints/3":
			w.WriteHeader(http.StatusTeapot)
		case "/log/checkpoints/4":
			w.Header().Set("Content-Length", "10")
			_, _ = w.Write([]byte("short"))
		case "/log/tile/entries/000":
			if r.Header.Get("Authorization") != "Bearer secret" {
				w.WriteHeader(http.StatusUnauthorized)
				return
			}
			_, _ = w.Write([]byte("entries"))
		case "/log/tile/0/000":
			_, _ = w.Write(make([]byte, tileBytes+1))
		}
	}))
	defer s.Close()
	open, err := HTTPFetch(s.URL+"/log/", "", nil)
	if err != nil {
		t.Fatal(err)
	}
	private, err := HTTPFetch(s.URL+"/log", "secret", nil)
	if err != nil {
		t.Fatal(err)
	}
	if raw, err := open(t.Context(), "checkpoint"); err != nil || string(raw) != "signed" {
		t.Errorf("after two failures: %q, %v", raw, err)
	}
	for path, want := range map[string]struct {
		tries int32
		is    error
	}{
		"checkpoints/1": {1, fs.ErrNotExist}, "checkpoints/2": {httpTries, nil}, "checkpoints/3": {1, nil}, "checkpoints/4": {httpTries, nil},
		"tile/entries/000": {1, fs.ErrPermission}, "tile/0/000": {1, nil}, "../checkpoint": {0, nil}, "/checkpoint": {0, nil}, "": {0, nil},
	} {
		asked.Store(0)
		_, err := open(t.Context(), path)
		if err == nil || want.is != nil && !errors.Is(err, want.is) || asked.Load() != want.tries {
			t.Errorf("%s: %v after %d tries, want %v after %d", path, err, asked.Load(), want.is, want.tries)
		}
	}
	if raw, err := private(t.Context(), "tile/entries/000"); err != nil || string(raw) != "entries" {
		t.Errorf("with a token: %q, %v", raw, err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Nanosecond)
	defer cancel()
	if _, err := open(ctx, "checkpoints/2"); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("after its time: %v", err)
	}
}

// TestTokenStaysAtItsAddress: a redirect elsewhere gets neither the token nor
// the question.
func TestTokenStaysAtItsAddress(t *testing.T) {
	var stolen atomic.Bool
	thief := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		stolen.Store(true)
		_, _ = w.Write([]byte("forged"))
	}))
	defer thief.Close()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, thief.URL+r.URL.Path, http.StatusFound)
	}))
	defer s.Close()
	f, err := HTTPFetch(s.URL, "secret", nil)
	if err != nil {
		t.Fatal(err)
	}
	if raw, err := f(t.Context(), "checkpoint"); err == nil || stolen.Load() {
		t.Errorf("it followed: %q, %v", raw, err)
	}
	for _, address := range []string{"http://ledger.example", "ftp://ledger.example", "ledger.example", "https://user:word@ledger.example", "https://ledger.example?x=1", ""} {
		if _, err := HTTPFetch(address, "secret", nil); err == nil {
			t.Errorf("%q was taken with a token", address)
		}
	}
	for _, address := range []string{"https://ledger.example", "http://127.0.0.1:8080", "http://localhost:8080/", "http://[::1]:8080"} {
		if _, err := HTTPFetch(address, "secret", nil); err != nil {
			t.Errorf("%q: %v", address, err)
		}
	}
}

// TestDirFetch cuts partial tiles and bundles from wider ones.
func TestDirFetch(t *testing.T) {
	dir := t.TempDir()
	w := realDisk().writer(dir)
	tile := bytes.Repeat([]byte{1, 2, 3, 4}, tileBytes/4)
	var bundle []byte
	for i := range 9 {
		bundle = ledger.AppendEntry(bundle, []byte(strings.Repeat("x", i)))
	}
	for path, content := range map[string][]byte{
		"tile/0/000": tile, "tile/0/001.p/9": tile[:9*32], "tile/0/001.p/20": tile[:20*32], "tile/0/001.p/9.new": {1},
		"tile/entries/000.p/9": bundle, "tile/0/002.p/9": tile[:5], "tile/0/003": make([]byte, tileBytes+1),
	} {
		if err := w.put(path, content); err != nil {
			t.Fatal(err)
		}
	}
	f := DirFetch(dir)
	for path, want := range map[string]int{
		"tile/0/000": tileBytes, "tile/0/000.p/3": 96, "tile/0/001.p/9": 9 * 32, "tile/0/001.p/8": 8 * 32, "tile/0/001.p/10": 320,
		"tile/entries/000.p/3": 2 + 3 + 4, "tile/entries/000.p/9": len(bundle),
	} {
		if raw, err := f(t.Context(), path); err != nil || len(raw) != want {
			t.Errorf("%s: %d bytes, %v; want %d", path, len(raw), err, want)
		}
	}
	for _, path := range []string{"tile/0/001", "tile/0/001.p/21", "tile/entries/000.p/10", "checkpoint", "tile/0/004.p/1"} {
		if _, err := f(t.Context(), path); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: %v", path, err)
		}
	}
	for _, path := range []string{"tile/0/002.p/3", "tile/0/003", "../x", "/etc/hostname", "tile/../../x"} {
		if _, err := f(t.Context(), path); err == nil || errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: %v", path, err)
		}
	}
}

// FuzzFetch: no path leads out of a log, and none to more than the published
// checkpoint covers.
func FuzzFetch(f *testing.F) {
	for _, path := range []string{
		"checkpoint", "checkpoints/3", "checkpoints/5", "sealed", "../secret", "tile/0/000.p/3", "tile/0/000.p/4", "tile/entries/000.p/1",
		"tile/0/x000/000", "tile/0/../../secret", "tile//000", "tile/63/000.p/1", "tile/0/x999/x999/x999/x999/999.p/255", "checkpoints/../sealed", "checkpoints/+3", "\x00",
	} {
		f.Add(path)
	}
	b := newBed(f, 3)
	l := b.open()
	b.seal(l)
	b.source.grow(5)
	if err := os.WriteFile(filepath.Join(b.dir, "..", "secret"), []byte("secret"), 0o600); err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, path string) {
		raw, err := l.Fetch(context.Background(), path)
		if err != nil {
			if !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("%q: %v", path, err)
			}
			return
		}
		if path == checkpointPath || path == keptPath(3) {
			return
		}
		tile, err := ledger.ParseTile(path)
		if err != nil || tile.Index > 0 || tile.Level > 0 || tile.Width > 3 || len(raw) == 0 {
			t.Errorf("%q gives %d bytes", path, len(raw))
		}
	})
}
