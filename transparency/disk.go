package transparency

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// disk is what a log writes its files through; tests put faults into it.
type disk struct {
	// create writes a file anew and syncs it.
	create func(path string, content []byte) error
	rename func(from, to string) error
	// syncDir makes what was renamed or made in a directory durable.
	syncDir func(dir string) error
	remove  func(path string) error
}

func realDisk() *disk {
	return &disk{createSynced, os.Rename, syncDir, os.Remove}
}

func createSynced(path string, content []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o644)
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	if err == nil {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// unfinished ends the name of a file that is being written. No file of a log
// ends so.
const unfinished = ".new"

// replace puts a file in place whole, and durably when it returns nil. After an
// error the file is as it was or as it should be, and may become the one or the
// other after a power cut.
func (d *disk) replace(path string, content []byte) error {
	if err := d.create(path+unfinished, content); err != nil {
		return err
	}
	if err := d.rename(path+unfinished, path); err != nil {
		return err
	}
	return d.syncDir(filepath.Dir(path))
}

// writer puts many files in place and syncs their directories once, at the end.
type writer struct {
	disk *disk
	root string // exists
	dirs map[string]bool
}

func (d *disk) writer(root string) *writer {
	return &writer{d, root, map[string]bool{}}
}

func (w *writer) put(path string, content []byte) error {
	path = filepath.Join(w.root, filepath.FromSlash(path))
	if err := w.mkdir(filepath.Dir(path)); err != nil {
		return err
	}
	if err := w.disk.create(path+unfinished, content); err != nil {
		return err
	}
	return w.disk.rename(path+unfinished, path)
}

// mkdir makes a directory and notes it and those above it up to the root for
// syncing.
func (w *writer) mkdir(dir string) error {
	if w.dirs[dir] {
		return nil
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	for ; !w.dirs[dir] && strings.HasPrefix(dir, w.root); dir = filepath.Dir(dir) {
		w.dirs[dir] = true
	}
	return nil
}

// sync makes all that was put durable.
func (w *writer) sync() error {
	for dir := range w.dirs {
		if err := w.disk.syncDir(dir); err != nil {
			return err
		}
	}
	clear(w.dirs)
	return nil
}

// removeIn removes the files of a directory, but for one, and the directory if
// nothing is left. A directory that is not there is fine.
func (d *disk) removeIn(dir, but string) error {
	list, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	left := 0
	for _, e := range list {
		if e.Name() == but {
			left++
			continue
		}
		if err := d.remove(filepath.Join(dir, e.Name())); err != nil {
			return err
		}
	}
	if left > 0 {
		return nil
	}
	return d.remove(dir)
}
