package transparency

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"golang.org/x/mod/sumdb/note"

	"github.com/berkas-ledger/berkas/ledger"
)

// sealedPath is where a log on one machine keeps its last signed checkpoint,
// published or not. It is no file of the layout.
const sealedPath = "sealed"

// Gather has witnesses cosign a signed checkpoint and gives it with their
// cosignatures. consistency proves that the checkpoint's log begins with that of
// an older size. After an error the checkpoint is not published, and offered
// again later.
type Gather func(ctx context.Context, signed []byte, c ledger.Checkpoint,
	consistency func(ctx context.Context, older ledger.Position) ([]ledger.Hash, error)) (cosigned []byte, err error)

// Config says what a log is made from and where it is kept.
type Config struct {
	Dir      string // for the log alone; made if it is not there
	Source   Source
	Signer   note.Signer   // its name is the log's origin
	Verifier note.Verifier // of the Signer's signatures
	Register Register      // nil: a file in Dir, for who holds the journal's lock
	// Shared says that other processes, over journals of the same ledger, seal by
	// the same Register: what they seal is followed, not taken for a theft. Each
	// publishes by itself, in a Dir of its own.
	Shared bool
	Gather Gather // nil: no witnesses
	// Accept says whether a checkpoint that was published before is still enough: the
	// policy may ask for more witnesses now. nil: it is.
	Accept func(signed []byte) error
	// Every is how often Run seals if there is something new; 0 is a second.
	Every time.Duration
	Log   *slog.Logger // nil drops everything

	disk *disk // nil is the real one
}

// Log makes a Merkle log of a journal's leaves, as C2SP tlog-tiles: it writes
// tiles, signs checkpoints, has them cosigned, and publishes them. One goroutine
// at a time seals; any number may fetch.
//
// What is signed is never taken back. A journal that does not begin with what was
// signed stops the log for good, that is, until somebody has looked and starts it
// again; the last checkpoint stays published. The journal itself goes on.
type Log struct {
	Config
	turn chan struct{} // holds one token, for who seals

	// Owned by the holder of the turn.
	checked  bool    // the journal has what was sealed
	sealed   sealed  // what the Register holds
	unsure   *sealed // may be what it holds, after a Swap with an unknown outcome
	cosigned []byte  // of the sealed checkpoint, when gathered but not published
	accepted bool    // Accept was asked

	mu        sync.RWMutex
	published published
	stopped   error // for good
	trouble   error // of the last round
}

// published is a checkpoint that everybody may see.
type published struct {
	signed     []byte // with cosignatures; nil for none
	checkpoint ledger.Checkpoint
}

// Open opens a log, or makes an empty one. It reads only what was published; the
// journal is compared with what was sealed in the first round of sealing.
// Whatever is wrong with that is said by Ready, not by Open.
func Open(_ context.Context, c Config) (*Log, error) {
	if c.Every == 0 {
		c.Every = time.Second
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.disk == nil {
		c.disk = realDisk()
	}
	if c.Signer.Name() != c.Verifier.Name() || c.Signer.KeyHash() != c.Verifier.KeyHash() {
		return nil, fmt.Errorf("the key that signs checkpoints is %s+%08x, the ledger's genesis record names %s+%08x",
			c.Signer.Name(), c.Signer.KeyHash(), c.Verifier.Name(), c.Verifier.KeyHash())
	}
	if !ledger.ValidOrigin(c.Signer.Name()) {
		return nil, fmt.Errorf("the key that signs checkpoints is named %q, which is not the origin of a ledger", c.Signer.Name())
	}
	var err error
	if c.Dir, err = filepath.Abs(c.Dir); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(filepath.Join(c.Dir, filepath.FromSlash(checkpointsPath)), 0o755); err != nil {
		return nil, err
	}
	for _, dir := range []string{c.Dir, filepath.Dir(c.Dir)} {
		if err := c.disk.syncDir(dir); err != nil {
			return nil, err
		}
	}
	if c.Register == nil {
		c.Register = sealedFile{filepath.Join(c.Dir, sealedPath), c.disk}
	}
	l := &Log{Config: c, turn: make(chan struct{}, 1)}
	l.turn <- struct{}{}
	return l, l.readPublished()
}

// readPublished finds the checkpoint that was published last.
func (l *Log) readPublished() error {
	signed, err := readFile(l.Dir, checkpointPath)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	c, _, err := ledger.OpenCheckpoint(signed, l.Verifier)
	if err != nil {
		_ = l.stop(fmt.Errorf("the published checkpoint %s is not this log's: %w; put the newest of %s in its place",
			filepath.Join(l.Dir, checkpointPath), err, filepath.Join(l.Dir, checkpointsPath)))
		return nil
	}
	l.published = published{signed, c}
	return nil
}

// Origin is the log's name.
func (l *Log) Origin() string { return l.Signer.Name() }

// Published is the checkpoint that was published last, with its cosignatures;
// nil and size 0 for none.
func (l *Log) Published() (signed []byte, c ledger.Checkpoint) {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return bytes.Clone(l.published.signed), l.published.checkpoint
}

// ErrStopped says that a log seals no further until somebody has looked.
var ErrStopped = errors.New("the log seals no further; what was published stays")

// Ready says why the newest records get no checkpoint, nil if they do.
func (l *Log) Ready() error {
	l.mu.RLock()
	defer l.mu.RUnlock()
	if l.stopped != nil {
		return l.stopped
	}
	return l.trouble
}

// stop ends sealing for good.
func (l *Log) stop(why error) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.stopped == nil {
		l.stopped = fmt.Errorf("%w: %w", ErrStopped, why)
		l.Log.Error("the log seals no further; intake goes on", "error", why)
	}
	return l.stopped
}

// Run seals whenever there is something new, at most once in Every, until the
// context ends. What goes wrong is tried again, logged, and said by Ready: a
// ledger takes in records whether or not its log can seal them.
func (l *Log) Run(ctx context.Context) error {
	tick := time.NewTicker(l.Every)
	defer tick.Stop()
	for {
		if _, err := l.Seal(ctx); errors.Is(err, ErrStopped) {
			<-ctx.Done()
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// Seal publishes a checkpoint of all that the source has at the moment of the
// call, unless there is one, and gives the newest.
func (l *Log) Seal(ctx context.Context) (ledger.Checkpoint, error) {
	select {
	case <-ctx.Done():
		return ledger.Checkpoint{}, context.Cause(ctx)
	case <-l.turn:
	}
	defer func() { l.turn <- struct{}{} }()
	err := l.round(ctx)
	if errors.Is(err, errStandby) {
		err = nil // it is the other's to seal; this process has nothing newer
	}
	l.report(ctx, err)
	_, c := l.Published()
	return c, err
}

// report keeps for Ready how a round ended, and logs what has changed.
func (l *Log) report(ctx context.Context, err error) {
	if ctx.Err() != nil || errors.Is(err, ErrStopped) {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	switch was := l.trouble; {
	case err != nil && (was == nil || was.Error() != err.Error()):
		l.Log.Warn("no checkpoint could be published; it is tried again", "error", err)
	case err == nil && was != nil:
		l.Log.Info("checkpoints are published again", "size", uint64(l.published.checkpoint.Size))
	}
	l.trouble = err
}

// Fetch reads a file of the published log: what is not covered by the published
// checkpoint is not there yet. Bundles of entries are read from the source.
func (l *Log) Fetch(ctx context.Context, path string) ([]byte, error) {
	signed, c := l.Published()
	missing := fmt.Errorf("%.100q is not in the log of %d records: %w", path, c.Size, fs.ErrNotExist)
	if path == checkpointPath && signed != nil {
		return signed, nil
	}
	if p, ok := checkpointSize(path); ok {
		if p > c.Size {
			return nil, missing
		}
		return readFile(l.Dir, path)
	}
	t, err := ledger.ParseTile(path)
	if err != nil || !within(t, c.Size) {
		return nil, missing
	}
	if t.Level == ledger.LevelEntries {
		return entries(ctx, l.Source, t, c.Size)
	}
	return fetchTile(ctx, DirFetch(l.Dir), t)
}

// within reports whether all that a tile holds is in a log of a size.
func within(t ledger.Tile, size ledger.Position) bool {
	n := uint64(size) >> (tileHeight * max(t.Level, 0))
	return t.Index <= n/ledger.TileWidth && t.Index*ledger.TileWidth+uint64(t.Width) <= n
}
