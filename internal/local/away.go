package local

import (
	"crypto/rand"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// The two files by which a directory that was asked for and a home elsewhere
// name each other.
const (
	locationFile = "location" // in the directory: where the home is
	askedFile    = "asked"    // in the home: the directory it belongs to
)

// awayFrom is the home under away that belongs to dir, made on first use.
func awayFrom(dir, away string) (home string, err error) {
	home, err = awayOf(dir)
	if err != nil || home != "" {
		return home, err
	}
	lock, err := lockDir(away, 0o755)
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, lock.Close()) }()
	if err := sweep(away); err != nil {
		return "", err
	}
	home = filepath.Join(away, "postgres-"+strings.ToLower(rand.Text()))
	if err := os.Mkdir(home, 0o755); err != nil {
		return "", err
	}
	// A strict umask would close them to the very user they are made for.
	if err := errors.Join(os.Chmod(away, 0o755), os.Chmod(home, 0o755)); err != nil {
		return "", err
	}
	if err := writeFile(filepath.Join(home, askedFile), dir+"\n", 0o644, nil); err != nil {
		return "", err
	}
	return home, writeFile(filepath.Join(dir, locationFile), home+"\n", 0o644, nil)
}

// awayOf is the home that dir names, "" if it names none that is its own. A
// directory that was copied names the home of the one it was copied from: two
// servers over one home would end each other. One that was moved keeps its home.
func awayOf(dir string) (string, error) {
	home, err := readLine(filepath.Join(dir, locationFile))
	if err != nil || home == "" {
		return "", err
	}
	asked, err := readLine(filepath.Join(home, askedFile))
	if err != nil || asked == "" { // the home is gone
		return "", err
	}
	if asked == dir {
		return home, nil
	}
	here, err := os.Stat(dir)
	if err != nil {
		return "", err
	}
	if there, err := os.Stat(asked); err == nil && os.SameFile(here, there) {
		return home, nil // the same directory by another path
	}
	named, err := readLine(filepath.Join(asked, locationFile))
	if err != nil || named == home {
		return "", err
	}
	return home, writeFile(filepath.Join(home, askedFile), dir+"\n", 0o644, nil)
}

// readLine reads a file of one line; "" if there is none.
func readLine(path string) (string, error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	return strings.TrimSpace(string(text)), err
}

// sweep removes the homes whose directory was removed: that was the order to
// begin anew. It needs the lock of away, because a home that is being made is
// not yet named by its directory.
func sweep(away string) error {
	homes, err := filepath.Glob(filepath.Join(away, "postgres-*"))
	if err != nil {
		return err
	}
	for _, home := range homes {
		asked, err := readLine(filepath.Join(home, askedFile))
		if err != nil {
			return err
		}
		if asked != "" {
			location, err := readLine(filepath.Join(asked, locationFile))
			if err != nil {
				return err
			}
			if location == home {
				continue
			}
		}
		h := pgHome{dir: home}
		if pid, err := h.serverPID(); err == nil && runsOver(pid, h.data()) {
			continue // its master will notice for itself that the ground is gone
		}
		if err := os.RemoveAll(home); err != nil {
			return err
		}
	}
	return nil
}
