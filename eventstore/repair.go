package eventstore

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"github.com/berkas-ledger/berkas/ledger"
)

// Steps of rewriting a journal at which a test may cut it off.
const (
	stepPrepared  = "the new journal is written, the old one in place"
	stepExchanged = "the new journal is in place, the old one not set aside"
)

// Hold is the journal's lock without the journal.
type Hold struct{ file *os.File }

// HoldJournal keeps every other process from the journal of a directory, however
// broken it is. ErrLocked: another process has it.
func HoldJournal(ctx context.Context, dir string) (*Hold, error) {
	f, err := lockJournal(ctx, dir, 0)
	if err != nil {
		return nil, err
	}
	return &Hold{f}, nil
}

// Close gives the lock back.
func (h *Hold) Close() error { return h.file.Close() }

// Rewrite says what a journal is written anew with.
type Rewrite struct {
	ID, Origin string
	Last       ledger.Position
	// Leaf gives the leaf of each position from 1 to Last, in order; the caller
	// has proven it.
	Leaf func(context.Context, ledger.Position) ([]byte, error)

	rig rig
}

// RewriteJournal puts a new journal in the place of a damaged one, whose lock the
// caller holds, and sets the old one aside under the name that it returns. The
// new one is whole and on the disk before the two change places in one step:
// whoever looks finds the old or the new one, also after a crash.
func RewriteJournal(ctx context.Context, dir string, r Rewrite) (aside string, err error) {
	r.rig.complete()
	if r.Last < 1 {
		return "", errors.New("rewrite the journal: there is no record to begin with")
	}
	parent := filepath.Dir(dir)
	fresh, err := os.MkdirTemp(parent, "."+filepath.Base(dir)+"-repaired-")
	if err != nil {
		return "", err
	}
	placed := false
	defer func() {
		if err != nil && !placed { // what is set aside is kept
			err = errors.Join(err, os.RemoveAll(fresh))
		}
	}()
	if err := r.write(ctx, fresh); err != nil {
		return "", fmt.Errorf("write the new journal: %w", err)
	}
	lock, err := lockJournal(ctx, fresh, 0) // nobody opens it before this has ended well
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, lock.Close()) }()
	if err := r.rig.step(stepPrepared); err != nil {
		return "", err
	}
	if _, err := os.Lstat(dir); errors.Is(err, fs.ErrNotExist) {
		placed = true
		return "", errors.Join(unix.Rename(fresh, dir), syncDir(parent))
	}
	if err := unix.Renameat2(unix.AT_FDCWD, fresh, unix.AT_FDCWD, dir, unix.RENAME_EXCHANGE); err != nil {
		return "", fmt.Errorf("exchange %s for %s: %w", dir, fresh, err)
	}
	placed = true
	if err := syncDir(parent); err != nil {
		return fresh, err
	}
	if err := r.rig.step(stepExchanged); err != nil {
		return fresh, err
	}
	return SetAside(fresh, dir)
}

// SetAside renames a file or directory to what another is called, with
// ".damaged-1" or the next free number behind it.
func SetAside(path, called string) (string, error) {
	for n := 1; ; n++ {
		to := fmt.Sprintf("%s.damaged-%d", called, n)
		err := unix.Renameat2(unix.AT_FDCWD, path, unix.AT_FDCWD, to, unix.RENAME_NOREPLACE)
		if errors.Is(err, fs.ErrExist) {
			continue
		}
		if err != nil {
			return path, fmt.Errorf("set %s aside: %w", path, err)
		}
		return to, syncDir(filepath.Dir(called))
	}
}

// write makes the files of a journal in an empty directory.
func (r *Rewrite) write(ctx context.Context, dir string) error {
	text, err := json.Marshal(about{journalFormat, r.ID, r.Origin})
	if err != nil {
		return err
	}
	if err := writeSynced(filepath.Join(dir, journalFile), append(text, '\n')); err != nil {
		return err
	}
	if err := writeSynced(filepath.Join(dir, lockFile), nil); err != nil {
		return err
	}
	per := ledger.Position(r.rig.perSegment)
	for first := ledger.Position(1); first <= r.Last; first += per {
		if err := r.segment(ctx, filepath.Join(dir, segmentName(int((first-1)/per))), first, min(first+per-1, r.Last)); err != nil {
			return err
		}
	}
	return syncDir(dir)
}

func (r *Rewrite) segment(ctx context.Context, path string, first, last ledger.Position) (err error) {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	out := bufio.NewWriterSize(f, 1<<20)
	var entry []byte
	for p := first; p <= last; p++ {
		leaf, err := r.Leaf(ctx, p)
		if err != nil {
			return err
		}
		if record, err := ledger.ParseLeaf(leaf); err != nil || record.Position != p {
			return fmt.Errorf("what was given for position %d is not its record: %w", p, err)
		}
		entry = appendEntry(entry[:0], leaf)
		if _, err := out.Write(entry); err != nil {
			return err
		}
	}
	return errors.Join(out.Flush(), f.Sync())
}
