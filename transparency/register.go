package transparency

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/berkas-ledger/berkas/ledger"
)

// ErrMoved says that somebody else has sealed the log further: two processes
// seal it, and one of them must not.
var ErrMoved = errors.New("the sealed checkpoint is not the one that this process left there")

// Register keeps the last checkpoint that was signed, before anybody is shown
// it. It is what makes one log of two processes, or of one process before and
// after a crash, so it outlives both.
//
// Load gives nil when nothing was sealed yet; what it gives is durable. Swap puts
// a checkpoint in the place of the old one, atomically; nil means that this is
// durable, ErrMoved that the old one is not there any more, and any other error
// leaves open whether it happened.
type Register interface {
	Load(ctx context.Context) ([]byte, error)
	Swap(ctx context.Context, old, signed []byte) error
}

// sealedFile is the Register of a log on one machine. Reading and replacing a
// file is no compare-and-swap between processes: the journal's lock, which the
// process that seals holds, makes it one.
type sealedFile struct {
	path string
	disk *disk
}

func (s sealedFile) Load(context.Context) ([]byte, error) {
	raw, err := s.read()
	if err != nil || raw == nil {
		return nil, err
	}
	// A rename before a crash may not have reached the disk.
	if err := s.disk.syncDir(filepath.Dir(s.path)); err != nil {
		return nil, err
	}
	return raw, nil
}

func (s sealedFile) read() ([]byte, error) {
	f, err := os.Open(s.path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	raw, err := readBounded(f, sealedPath)
	return raw, errors.Join(err, f.Close())
}

func (s sealedFile) Swap(_ context.Context, old, signed []byte) error {
	now, err := s.read()
	if err != nil {
		return err
	}
	if !bytes.Equal(now, old) {
		return fmt.Errorf("%s: %w", s.path, ErrMoved)
	}
	return s.disk.replace(s.path, signed)
}

// sealed is a signed checkpoint and the edge of its tree.
type sealed struct {
	signed     []byte // without cosignatures; nil for an empty log
	checkpoint ledger.Checkpoint
	edge       *edge
}
