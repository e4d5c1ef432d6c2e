package vault

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"golang.org/x/sys/unix"

	"github.com/berkas-ledger/berkas/seal"
)

// The file is one JSON object with its members in this order, indented by tabs,
// with a line break at its end.
type ringFile struct {
	Format string      `json:"format"` // ringFormat
	Keys   []ringEntry `json:"keys"`
}

type ringEntry struct {
	Kid     string    `json:"kid"`
	Key     []byte    `json:"key"` // standard base64
	Case    string    `json:"case"`
	Holder  string    `json:"holder"`
	Created time.Time `json:"created"`
}

const ringFormat = "berkas/ring/v1"

// encode writes keys as the file holds them. The caller clears the bytes.
func encode(keys []kept) ([]byte, error) {
	file := ringFile{Format: ringFormat, Keys: make([]ringEntry, len(keys))}
	for i := range keys {
		k := &keys[i]
		file.Keys[i] = ringEntry{k.Kid, k.key.Bytes[:], k.Holder.Case, k.Holder.Label, k.Created}
	}
	data, err := json.Marshal(file, jsontext.WithIndent("\t"))
	if err != nil {
		return nil, errors.New("vault: encode key ring") // unwrapped: the error may quote a key
	}
	return append(data, '\n'), nil
}

// parse reads a ring's file. It accepts only the very bytes that encode makes of
// what it read, so a ring that was edited, cut or merged by hand is refused and
// not guessed at. Its errors quote nothing from the file.
//
// Errors: ErrDamaged.
func parse(data []byte) ([]kept, error) {
	var file ringFile
	if err := json.Unmarshal(data, &file, json.RejectUnknownMembers(true)); err != nil {
		return nil, fmt.Errorf("%w: not the JSON of a ring", ErrDamaged) // unwrapped: the error may quote a key
	}
	if file.Format != ringFormat {
		return nil, fmt.Errorf("%w: its format is not %s", ErrDamaged, ringFormat)
	}
	keys := make([]kept, 0, len(file.Keys))
	kids := make(map[string]bool, len(file.Keys))
	holders := make(map[Holder]bool, len(file.Keys))
	for i, e := range file.Keys {
		key, err := seal.ParseKey(e.Kid, e.Key)
		clear(e.Key)
		if err != nil {
			return nil, fmt.Errorf("%w: entry %d: %w", ErrDamaged, i+1, err)
		}
		holder := Holder{Case: e.Case, Label: e.Holder}
		if !holder.valid() {
			return nil, fmt.Errorf("%w: entry %d: %w", ErrDamaged, i+1, ErrHolder)
		}
		if kids[key.ID] || holders[holder] {
			return nil, fmt.Errorf("%w: entry %d repeats a key id or a holder", ErrDamaged, i+1)
		}
		kids[key.ID], holders[holder] = true, true
		keys = append(keys, kept{Entry{key.ID, holder, e.Created.UTC().Truncate(time.Second)}, key})
	}
	again, err := encode(keys)
	defer clear(again)
	if err != nil || !bytes.Equal(again, data) {
		return nil, fmt.Errorf("%w: not byte for byte what a vault wrote", ErrDamaged)
	}
	return keys, nil
}

// disk holds the two calls that make a replacement durable. Tests cut them.
type disk struct {
	sync   func(*os.File) error
	rename func(from, to string) error
}

var realDisk = disk{sync: (*os.File).Sync, rename: os.Rename}

// The new content of a ring is written beside it. What is found there at the
// next opening is of a vault that was killed, and holds keys nobody was given.
func besides(path string) string { return path + ".new" }

// write replaces the file at path by keys. At every moment, whatever is cut,
// the file is the old one or the new one, whole.
//
// On an error the file may be either: the caller goes on with the old keys, and
// the next write takes back what this one may have added.
func (d disk) write(path string, keys []kept) (err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("vault: write key ring: %w", err)
		}
	}()
	data, err := encode(keys)
	if err != nil {
		return err
	}
	defer clear(data)
	if err := removeUnfinished(path); err != nil {
		return err
	}
	if err := d.writeNew(besides(path), data); err != nil {
		return errors.Join(err, removeUnfinished(path))
	}
	if err := d.rename(besides(path), path); err != nil {
		return errors.Join(err, removeUnfinished(path))
	}
	return d.syncDir(path)
}

// syncDir makes a rename durable: it lives in the directory, not in the file.
func (d disk) syncDir(path string) error {
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	return errors.Join(d.sync(dir), dir.Close())
}

func (d disk) writeNew(path string, data []byte) error {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	if _, err := file.Write(data); err != nil {
		return errors.Join(err, file.Close())
	}
	return errors.Join(d.sync(file), file.Close())
}

func removeUnfinished(path string) error {
	if err := os.Remove(besides(path)); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}

// create writes an empty ring where nothing is.
func (d disk) create(path string) ([]kept, error) {
	switch _, err := os.Lstat(path); {
	case err == nil:
		return nil, fmt.Errorf("vault: create key ring: %s: %w", path, os.ErrExist)
	case !errors.Is(err, os.ErrNotExist):
		return nil, fmt.Errorf("vault: create key ring: %w", err)
	}
	return nil, d.write(path, nil)
}

// read reads the ring at path and finishes what a vault that was killed began:
// it clears away a new ring that did not take the old one's place, and makes
// durable one that did, before anybody relies on a key in it.
func (d disk) read(path string) ([]kept, error) {
	data, err := readOwn(path)
	defer clear(data)
	if err != nil {
		return nil, err
	}
	keys, err := parse(data)
	if err != nil {
		return nil, err
	}
	if err := errors.Join(removeUnfinished(path), d.syncDir(path)); err != nil {
		return nil, fmt.Errorf("vault: open key ring: %w", err)
	}
	return keys, nil
}

// readOwn reads a plain file that only its owner may use.
func readOwn(path string) ([]byte, error) {
	// Neither through a link, which somebody may turn elsewhere, nor waiting on a pipe.
	file, err := os.OpenFile(path, os.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0)
	if errors.Is(err, unix.ELOOP) {
		return nil, ErrPermissions
	}
	if err != nil {
		return nil, fmt.Errorf("vault: open key ring: %w", err)
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return nil, fmt.Errorf("vault: open key ring: %w", err)
	}
	if !info.Mode().IsRegular() || info.Mode().Perm()&0o077 != 0 {
		return nil, ErrPermissions
	}
	data, err := io.ReadAll(file)
	if err != nil {
		return data, fmt.Errorf("vault: read key ring: %w", err)
	}
	return data, nil
}

// lockRing takes the exclusive lock on the ring at path, which ends with the
// returned file or its process. The lock lies on a file of its own, since
// replacing the ring replaces what a lock on it would hold; it stays behind
// empty, and must not be removed while a vault runs.
func lockRing(path string) (*os.File, error) {
	file, err := os.OpenFile(path+".lock", os.O_RDWR|os.O_CREATE|unix.O_NOFOLLOW, 0o600)
	if err != nil {
		return nil, fmt.Errorf("vault: lock key ring: %w", err)
	}
	if err := unix.Flock(int(file.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		if errors.Is(err, unix.EWOULDBLOCK) {
			err = ErrInUse
		}
		return nil, errors.Join(fmt.Errorf("vault: lock key ring: %w", err), file.Close())
	}
	return file, nil
}
