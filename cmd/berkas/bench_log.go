package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"

	"github.com/berkas-ledger/berkas/ledger"
	"github.com/berkas-ledger/berkas/transparency"
)

const (
	// benchLeaf is the length of a leaf, in bytes: about that of an event.
	benchLeaf = 1100
	// aSecond is how many records are sealed at a time: what a second brings on a
	// busy day.
	aSecond = 5000
	// sealsPerRound is how many such seconds a round has.
	sealsPerRound = 20
)

// madeUp is a journal of records that are made when they are read, so that a
// million of them need no room.
type madeUp struct{ length ledger.Position }

func (m *madeUp) Len() ledger.Position { return m.length }

func (m *madeUp) Leaves(ctx context.Context, first, last ledger.Position, yield func(ledger.Position, []byte) error) error {
	leaf := bytes.Repeat([]byte("x"), benchLeaf)
	for p := first; p <= last; p++ {
		if err := ctx.Err(); err != nil {
			return err
		}
		binary.BigEndian.PutUint64(leaf, uint64(p))
		if err := yield(p, leaf); err != nil {
			return err
		}
	}
	return nil
}

// benchLog is a log over made-up records.
type benchLog struct {
	transparency.Config
	*transparency.Log
	source *madeUp
	public string // the log's key
}

func newBenchLog(ctx context.Context, dir string) (*benchLog, error) {
	secret, public, err := note.GenerateKey(rand.Reader, "berkas.example/bench")
	if err != nil {
		return nil, err
	}
	signer, err := note.NewSigner(secret)
	if err != nil {
		return nil, err
	}
	verifier, err := note.NewVerifier(public)
	if err != nil {
		return nil, err
	}
	l := &benchLog{source: &madeUp{}, public: public}
	l.Config = transparency.Config{Dir: dir, Source: l.source, Signer: signer, Verifier: verifier}
	l.Log, err = transparency.Open(ctx, l.Config)
	return l, err
}

// sealing measures checkpoints of what a second brings, one after the other,
// against writing the files that come of it with the same syncs.
func (b *bencher) sealing(ctx context.Context) ([]benchLine, error) {
	rate := func(took time.Duration) float64 { return sealsPerRound * aSecond / took.Seconds() }
	var works, limits, ratios []float64
	for round := range b.flags.rounds {
		dir := filepath.Join(b.flags.dir, fmt.Sprintf("log-%d", round))
		written, took, err := sealRound(ctx, dir)
		if err != nil {
			return nil, fmt.Errorf("seal: %w", err)
		}
		started := time.Now()
		for _, files := range written {
			if err := writeAgain(dir+"-again", files); err != nil {
				return nil, err
			}
		}
		work, limit := rate(took), rate(time.Since(started))
		works, limits, ratios = append(works, work), append(limits, limit), append(ratios, work/limit)
	}
	lines := []benchLine{{
		Work: fmt.Sprintf("5 log: tiles and checkpoints, %d records each", aSecond), Measured: median(works), Unit: "/s",
		Limit: "the same files with the same syncs", Against: median(limits), Ratio: median(ratios),
	}}
	if b.flags.fsck == "" {
		return lines, nil
	}
	more, err := b.largeLog(ctx)
	return append(lines, more...), err
}

// benchFile is a file of a log.
type benchFile struct {
	path    string
	content []byte
}

// sealRound seals a new log some times. It gives the files of each seal, in the
// order in which they are written, and how long the seals took.
func sealRound(ctx context.Context, dir string) (written [][]benchFile, took time.Duration, err error) {
	l, err := newBenchLog(ctx, dir)
	if err != nil {
		return nil, 0, err
	}
	for range sealsPerRound {
		old := l.source.length
		l.source.length += aSecond
		started := time.Now()
		c, err := l.Seal(ctx)
		took += time.Since(started)
		if err != nil {
			return nil, 0, err
		}
		files, err := newFiles(ctx, l, old, c.Size)
		if err != nil {
			return nil, 0, err
		}
		written = append(written, files)
	}
	return written, took, nil
}

// newFiles reads what a log wrote when it grew from one size to another.
func newFiles(ctx context.Context, l *benchLog, old, size ledger.Position) ([]benchFile, error) {
	var paths []string
	for level, n := 0, uint64(old); uint64(size)>>(8*level) > 0; level, n = level+1, n/ledger.TileWidth {
		if uint64(size)>>(8*level) == n {
			continue
		}
		for _, t := range ledger.Tiles(level, n/ledger.TileWidth, size) {
			paths = append(paths, t.Path())
		}
	}
	var out []benchFile
	for _, path := range append(paths, "checkpoint", fmt.Sprintf("checkpoints/%d", size), "checkpoint") {
		content, err := l.Fetch(ctx, path)
		if err != nil {
			return nil, err
		}
		out = append(out, benchFile{path, content})
	}
	return out, nil
}

// writeAgain writes files as a log does: each one synced and renamed into place,
// the tiles' directories synced together, the checkpoints' after each.
func writeAgain(root string, files []benchFile) error {
	dirs := map[string]bool{}
	for _, f := range files {
		path := filepath.Join(root, filepath.FromSlash(f.path))
		tile := strings.HasPrefix(f.path, "tile/")
		if !dirs[filepath.Dir(path)] {
			if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
				return err
			}
		}
		if !tile {
			for dir := range dirs {
				if err := syncPath(dir); err != nil {
					return err
				}
			}
			clear(dirs)
		}
		if err := writePlainly(path, f.content); err != nil {
			return err
		}
		if !tile {
			if err := syncPath(filepath.Dir(path)); err != nil {
				return err
			}
			continue
		}
		for dir := filepath.Dir(path); !dirs[dir] && dir != filepath.Dir(root); dir = filepath.Dir(dir) {
			dirs[dir] = true
		}
	}
	return nil
}

func writePlainly(path string, content []byte) error {
	f, err := os.Create(path + ".new")
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Rename(path+".new", path)
}

func syncPath(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// largeLog makes a log of many records at once, starts it again, and has others'
// program check it over HTTP.
func (b *bencher) largeLog(ctx context.Context) ([]benchLine, error) {
	n := float64(b.flags.fsckRecords)
	l, err := newBenchLog(ctx, filepath.Join(b.flags.dir, "log-large"))
	if err != nil {
		return nil, err
	}
	l.source.length = ledger.Position(b.flags.fsckRecords)
	var lines []benchLine
	timed := func(work string, do func() error) error {
		started := time.Now()
		if err := do(); err != nil {
			return fmt.Errorf("%s: %w", work, err)
		}
		lines = append(lines, benchLine{Work: fmt.Sprintf("%s, %d records", work, b.flags.fsckRecords), Measured: n / time.Since(started).Seconds(), Unit: "/s"})
		return nil
	}
	var c ledger.Checkpoint
	err = timed("log: first seal", func() (err error) {
		c, err = l.Seal(ctx)
		return err
	})
	if err == nil {
		err = timed("log: journal compared at a start", func() error {
			again, err := transparency.Open(ctx, l.Config)
			if err == nil {
				_, err = again.Seal(ctx)
			}
			return err
		})
	}
	if err == nil {
		err = timed("log: fsck over HTTP", func() error { return runFsck(ctx, b.flags.fsck, l, c) })
	}
	return lines, err
}

// runFsck serves a log and has fsck check it. This program exits with 0 whatever
// it finds; what it says counts.
func runFsck(ctx context.Context, program string, l *benchLog, c ledger.Checkpoint) error {
	key := l.Dir + ".pub"
	if err := os.WriteFile(key, []byte(l.public), 0o600); err != nil {
		return err
	}
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	server := &http.Server{ReadHeaderTimeout: time.Minute, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		raw, err := l.Fetch(r.Context(), strings.TrimPrefix(r.URL.Path, "/"))
		switch {
		case errors.Is(err, fs.ErrNotExist):
			http.NotFound(w, r)
		case err != nil:
			http.Error(w, err.Error(), http.StatusInternalServerError)
		default:
			_, _ = w.Write(raw)
		}
	})}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(listener) }()
	said, _ := exec.CommandContext(ctx, program, "--storage_url=http://"+listener.Addr().String()+"/", "--public_key="+key, "--ui=false", "-N=2").CombinedOutput()
	err = server.Close()
	if served := <-ended; !errors.Is(served, http.ErrServerClosed) {
		err = errors.Join(err, served)
	}
	want := fmt.Sprintf("Successfully fsck'd log with size %d and root %s", c.Size, base64.StdEncoding.EncodeToString(c.Root[:]))
	if !bytes.Contains(said, []byte(want)) {
		err = errors.Join(err, fmt.Errorf("%s does not say %q, but\n%s", program, want, said))
	}
	return err
}
