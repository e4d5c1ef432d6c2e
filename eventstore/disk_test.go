package eventstore

import (
	"errors"
	"os"
	"path/filepath"
	"sync"
)

// forgetful is a disk that forgets, when the power is cut, everything that was
// not synced: bytes written after the last Sync of a file, and files made after
// the last sync of their directory. The bytes lie in real files all the time,
// so that they can be read as if in the page cache.
type forgetful struct {
	mu    sync.Mutex
	files map[string]*forgetfulFile
	off   bool // the power is off: nothing works

	// lying makes Sync say yes and do nothing. A harness that does not notice
	// is worth nothing.
	lying bool
	// fault may fail an operation ("write", "sync", "truncate", "syncdir"); happened says that
	// the operation took place all the same. For writes partly of the bytes do.
	fault func(op string) (happened bool, err error)
	// survives says what of the un-synced bytes the disk has all the same; nil
	// is nothing. A real one may keep any part, in any order.
	survives func(unsynced []byte) []byte
}

type forgetfulFile struct {
	disk   *forgetful
	path   string
	file   *os.File
	size   int64
	synced int64
	cut    []byte // synced bytes that a Truncate took away and no Sync confirmed
	listed bool   // its directory was synced
}

var (
	errPowerOff = errors.New("the power is off")
	errShort    = errors.New("a write that is short and says nothing")
)

func newForgetful() *forgetful { return &forgetful{files: map[string]*forgetfulFile{}} }

func (d *forgetful) disk() *disk { return &disk{d.open, d.syncDir} }

func (d *forgetful) open(path string) (tailFile, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.off {
		return nil, errPowerOff
	}
	_, err := os.Stat(path)
	existed := err == nil
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o644)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	file := d.files[path]
	if file == nil {
		file = &forgetfulFile{disk: d, path: path, size: info.Size(), synced: info.Size(), listed: existed}
		d.files[path] = file
	}
	file.file = f
	return file, nil
}

func (d *forgetful) try(op string) (happened bool, err error) {
	if d.off {
		return false, errPowerOff
	}
	if d.fault == nil {
		return true, nil
	}
	return d.fault(op)
}

func (d *forgetful) syncDir(dir string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	happened, err := d.try("syncdir")
	if err != nil && !happened {
		return err
	}
	if !d.lying {
		for path, f := range d.files {
			if filepath.Dir(path) == dir {
				f.listed = true
			}
		}
	}
	return err
}

// cutPower leaves on the disk what had been synced and lets nothing through any
// more.
func (d *forgetful) cutPower() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.off = true
	var errs []error
	for path, f := range d.files {
		errs = append(errs, f.forget(path))
	}
	return errors.Join(errs...)
}

func (f *forgetfulFile) forget(path string) error {
	content, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if !f.listed {
		return os.Remove(path)
	}
	keep := append(content[:min(f.synced, int64(len(content))):min(f.synced, int64(len(content)))], f.cut...)
	if f.disk.survives != nil && f.cut == nil && int64(len(content)) > f.synced {
		keep = append(keep, f.disk.survives(content[f.synced:])...)
	}
	return os.WriteFile(path, keep, 0o644)
}

func (f *forgetfulFile) Write(p []byte) (int, error) {
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	happened, err := f.disk.try("write")
	if err != nil {
		if !happened {
			return 0, err
		}
		n, e := f.file.Write(p[:len(p)*2/3])
		f.size += int64(n)
		if errors.Is(err, errShort) {
			err = nil
		}
		return n, errors.Join(err, e)
	}
	n, err := f.file.Write(p)
	f.size += int64(n)
	return n, err
}

func (f *forgetfulFile) Sync() error {
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	happened, err := f.disk.try("sync")
	if happened && !f.disk.lying {
		f.synced, f.cut = f.size, nil
	}
	return err
}

func (f *forgetfulFile) Truncate(size int64) error {
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	if happened, err := f.disk.try("truncate"); err != nil && !happened {
		return err
	}
	if size < f.synced {
		content, err := os.ReadFile(f.path)
		if err != nil {
			return err
		}
		f.cut = append(content[size:f.synced:f.synced], f.cut...)
		f.synced = size
	}
	f.size = size
	return f.file.Truncate(size)
}

func (f *forgetfulFile) Close() error { return f.file.Close() }
