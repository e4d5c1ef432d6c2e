// Package local starts the two servers that Berkas needs on the machine it
// runs on: a private PostgreSQL made from the machine's own binaries, and a
// NATS server with JetStream inside this process. Both listen on loopback
// only, and neither outlives the process that started it.
//
// Linux only: the promise that a killed process leaves no PostgreSQL behind
// rests on the parent-death signal, and the search for such a leftover on
// /proc.
package local

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"syscall"
)

// ErrInUse says that another living process holds the directory. Stop that
// process or choose another directory.
var ErrInUse = errors.New("directory is in use by another process")

// lockDir creates dir and takes its lock, which the kernel drops when this
// process ends, however it ends. Whoever holds it knows that a server still
// running over dir is a leftover and not somebody's.
func lockDir(dir string, mode os.FileMode) (io.Closer, error) {
	if err := os.MkdirAll(dir, mode); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return nil, errors.Join(fmt.Errorf("%s: %w", dir, ErrInUse), f.Close())
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("lock %s: %w", dir, err), f.Close())
	}
	return f, nil
}

// logger is log, or one that drops everything.
func logger(log *slog.Logger) *slog.Logger {
	if log == nil {
		return slog.New(slog.DiscardHandler)
	}
	return log
}
