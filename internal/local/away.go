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
	text, err := os.ReadFile(filepath.Join(dir, locationFile))
	if err == nil {
		return strings.TrimSpace(string(text)), nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return "", err
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

// sweep removes the homes whose directory was removed: that was the order to
// begin anew. It needs the lock of away, because a home that is being made is
// not yet named by its directory.
func sweep(away string) error {
	homes, err := filepath.Glob(filepath.Join(away, "postgres-*"))
	if err != nil {
		return err
	}
	for _, home := range homes {
		asked, err := os.ReadFile(filepath.Join(home, askedFile))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		if err == nil {
			location, err := os.ReadFile(filepath.Join(strings.TrimSpace(string(asked)), locationFile))
			if err != nil && !errors.Is(err, fs.ErrNotExist) {
				return err
			}
			if strings.TrimSpace(string(location)) == home {
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
