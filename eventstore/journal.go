package eventstore

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/berkas-ledger/berkas/ledger"
)

const (
	journalFormat = "berkas/journal/v1"
	journalFile   = "journal.json"
	lockFile      = "lock"
)

// JournalOptions says how a journal is opened. The zero value is fit for use.
type JournalOptions struct {
	// LockWait is how long to wait for another process to give the journal up;
	// zero fails at once with ErrLocked, a negative value waits for the context.
	LockWait time.Duration
	Log      *slog.Logger // nil drops everything

	rig rig
}

// Journal is the durable copy of the ledger: a directory of segment files that
// hold the leaves one after the other, each after its length in two bytes, and
// nothing else (C2SP tlog-tiles, entry bundles). Entry n of the log is the
// record at position n+1.
//
// One goroutine may append; any number may read. What readers see is on the
// disk: length moves after the fsync.
type Journal struct {
	dir, id, origin string
	log             *slog.Logger
	lock            *os.File
	rig             rig

	appending  sync.Mutex // held while the tail is written
	tail       tail
	unfinished bool   // behind the tail lie bytes that are no entry; guarded by appending
	buf        []byte // of the last write, for the next
	poison     error  // why nothing more is taken; guarded by appending

	mu       sync.RWMutex
	segments []*segment
	length   ledger.Position
	grown    chan struct{} // closed when length moves, then replaced
}

// about is journal.json.
type about struct {
	Format string `json:"format"`
	ID     string `json:"id"`
	Origin string `json:"origin"`
}

// CreateJournal makes the directory of a new journal with the genesis record as
// its first entry, whole or not at all. Only `berkas init` calls it. The record
// has position 1.
func CreateJournal(dir, origin string, genesis ledger.Record) error {
	id := make([]byte, 16)
	rand.Read(id)
	return createJournal(dir, about{journalFormat, hex.EncodeToString(id), origin}, genesis)
}

// createJournal prepares the directory beside its place and renames it there:
// rename(2), unlike os.Rename, replaces an empty directory, and no other.
func createJournal(dir string, a about, genesis ledger.Record) (err error) {
	if genesis.Position != 1 {
		return fmt.Errorf("create journal: the first record has position %d, not 1", genesis.Position)
	}
	if a.Origin == "" {
		return errors.New("create journal: no origin given")
	}
	dir, err = filepath.Abs(dir)
	if err != nil {
		return err
	}
	parent := filepath.Dir(dir)
	if err := os.MkdirAll(parent, 0o755); err != nil {
		return err
	}
	fresh, err := os.MkdirTemp(parent, "."+filepath.Base(dir)+"-new-")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.RemoveAll(fresh))
		}
	}()
	text, err := json.Marshal(a)
	if err != nil {
		return err
	}
	leaf := genesis.Leaf()
	if len(leaf) > ledger.MaxLeaf {
		return fmt.Errorf("create journal: the first record has %d bytes, at most %d", len(leaf), ledger.MaxLeaf)
	}
	entry := appendEntry(nil, leaf)
	for name, content := range map[string][]byte{journalFile: append(text, '\n'), segmentName(0): entry, lockFile: nil} {
		if err := writeSynced(filepath.Join(fresh, name), content); err != nil {
			return err
		}
	}
	if err := syncDir(fresh); err != nil {
		return err
	}
	if err := unix.Rename(fresh, dir); err != nil {
		if errors.Is(err, fs.ErrExist) || errors.Is(err, unix.ENOTEMPTY) {
			return fmt.Errorf("%s holds something already; a new ledger needs an empty directory", dir)
		}
		return err
	}
	return syncDir(parent)
}

func writeSynced(path string, content []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	if _, err := f.Write(content); err != nil {
		return errors.Join(err, f.Close())
	}
	return errors.Join(f.Sync(), f.Close())
}

// OpenJournal takes the journal's lock and reads all of it. Origin "" takes any.
//
// An unfinished tail is passed over, and cut off by the first Append: until then
// nothing is changed, so that a ledger whose LEDGER has more can still be looked
// at as it was found. An entry that cannot be read but is followed by
// one that can is a *ledger.ErrBroken. Other errors: ErrLocked, ErrNoJournal,
// ErrWrongJournal.
func OpenJournal(ctx context.Context, dir, origin string, o JournalOptions) (_ *Journal, err error) {
	a, err := readAbout(dir)
	if err != nil {
		return nil, err
	}
	if origin != "" && origin != a.Origin {
		return nil, fmt.Errorf("%s is the journal of %s, not of %s: %w", dir, a.Origin, origin, ErrWrongJournal)
	}
	j := &Journal{dir: dir, id: a.ID, origin: a.Origin, log: o.Log, rig: o.rig, grown: make(chan struct{})}
	if j.log == nil {
		j.log = slog.New(slog.DiscardHandler)
	}
	j.rig.complete()
	defer func() {
		if err != nil {
			err = errors.Join(err, j.Close())
		}
	}()
	if j.lock, err = lockJournal(ctx, dir, o.LockWait); err != nil {
		return nil, err
	}
	if err := j.load(ctx); err != nil {
		return nil, err
	}
	return j, nil
}

func readAbout(dir string) (about, error) {
	var a about
	path := filepath.Join(dir, journalFile)
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return a, fmt.Errorf("%s: %w", dir, ErrNoJournal)
	}
	if err != nil {
		return a, err
	}
	if err := json.Unmarshal(text, &a); err != nil {
		return a, fmt.Errorf("%s: %w", path, err)
	}
	if a.Format != journalFormat || a.Origin == "" {
		return a, fmt.Errorf("%s says format %q, this program reads %q", path, a.Format, journalFormat)
	}
	if id, err := hex.DecodeString(a.ID); err != nil || len(id) != 16 {
		return a, fmt.Errorf("%s has an id that is not 32 hexadecimal digits", path)
	}
	return a, nil
}

// lockRetry is how often a waiting process looks whether the lock is free. A
// blocking flock could not be called off.
const lockRetry = 100 * time.Millisecond

// lockJournal takes the lock that makes this process the only writer. The
// kernel drops it when the process ends, however it ends.
func lockJournal(ctx context.Context, dir string, wait time.Duration) (*os.File, error) {
	f, err := os.OpenFile(filepath.Join(dir, lockFile), os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return nil, err
	}
	if wait > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, wait)
		defer cancel()
	}
	tick := time.NewTicker(lockRetry)
	defer tick.Stop()
	for {
		err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		if err == nil {
			return f, nil
		}
		if !errors.Is(err, unix.EWOULDBLOCK) {
			return nil, errors.Join(fmt.Errorf("lock %s: %w", f.Name(), err), f.Close())
		}
		if wait == 0 {
			return nil, errors.Join(fmt.Errorf("%s: %w", dir, ErrLocked), f.Close())
		}
		select {
		case <-ctx.Done():
			return nil, errors.Join(fmt.Errorf("%s: %w", dir, ErrLocked), f.Close())
		case <-tick.C:
		}
	}
}

// ID is the journal's random id, 32 hexadecimal digits, which LEDGER's metadata
// names.
func (j *Journal) ID() string { return j.id }

// Origin is the ledger's origin.
func (j *Journal) Origin() string { return j.origin }

// Dir is the journal's directory.
func (j *Journal) Dir() string { return j.dir }

// Len is the number of entries, which is the position of the last record.
func (j *Journal) Len() ledger.Position {
	j.mu.RLock()
	defer j.mu.RUnlock()
	return j.length
}

// Close gives the journal up.
func (j *Journal) Close() error {
	j.appending.Lock()
	defer j.appending.Unlock()
	if j.poison == nil {
		j.poison = ErrClosed
	}
	var errs []error
	if j.tail.file != nil {
		errs = append(errs, j.tail.file.Close())
		j.tail.file = nil
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, s := range j.segments {
		errs = append(errs, s.file.Close())
	}
	j.segments = nil
	if j.lock != nil {
		errs = append(errs, j.lock.Close())
		j.lock = nil
	}
	return errors.Join(errs...)
}
