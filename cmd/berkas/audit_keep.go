package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"

	"github.com/berkas-ledger/berkas/ledger"
	"github.com/berkas-ledger/berkas/verify"
)

// Files of an auditor's state. The checkpoint is kept by itself, too: it is
// signed, and of use even when the rest is not. One that was shown, and by which
// no audit has come to its end yet, is kept under a name of its own: who shows it
// may not take it back by keeping the audit from its end.
const (
	stateFile     = "audit.state"
	stateLast     = "checkpoint"
	stateSeen     = "seen-"
	stateLock     = "lock"
	saveEvery     = 30 * time.Second
	saveAtMostOne = 20 // part of the time goes into saving
)

// auditState is the directory in which an auditor keeps what it learnt. Nil is one that
// keeps nothing.
type auditState struct {
	dir  string
	lock *os.File
	next time.Time // when to save again
}

// openAuditState makes the directory if it is not there; "" keeps nothing.
func openAuditState(dir string) (*auditState, error) {
	if dir == "" {
		return nil, nil
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("--state: %w", err)
	}
	lock, err := os.OpenFile(filepath.Join(dir, stateLock), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("--state: %w", err)
	}
	if err := unix.Flock(int(lock.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		return nil, errors.Join(&codedError{exitConflict, fmt.Errorf("--state %s: another audit uses it", dir), "Wait for it, or give this one a directory of its own."}, lock.Close())
	}
	return &auditState{dir: dir, lock: lock, next: time.Now().Add(saveEvery)}, nil
}

func (k *auditState) close() error {
	if k == nil {
		return nil
	}
	return k.lock.Close()
}

// auditor makes one that goes on from what was kept; again, one that has judged
// nothing and yet holds the log against the checkpoint seen last.
func (k *auditState) auditor(c verify.Config, again bool) (*verify.Auditor, error) {
	if k == nil {
		return verify.New(c), nil
	}
	if again {
		return k.anew(c)
	}
	saved, err := os.ReadFile(filepath.Join(k.dir, stateFile))
	if errors.Is(err, fs.ErrNotExist) {
		return k.anew(c)
	}
	if err != nil {
		return nil, fmt.Errorf("--state: %w", err)
	}
	a, err := verify.Resume(c, saved)
	if err != nil {
		return nil, &codedError{
			exitConflict, fmt.Errorf("--state %s: %w", k.dir, err),
			"Judge everything anew with --again, or name the state of this ledger. Nothing was changed.",
		}
	}
	return a, k.hold(a)
}

func (k *auditState) anew(c verify.Config) (*verify.Auditor, error) {
	a := verify.New(c)
	return a, k.hold(a)
}

// hold holds the log against the checkpoints that are kept in files.
func (k *auditState) hold(a *verify.Auditor) error {
	names, err := filepath.Glob(filepath.Join(k.dir, stateSeen+"*[0-9a-f]")) // whole ones
	for _, name := range append(names, filepath.Join(k.dir, stateLast)) {
		var signed []byte
		signed, err = readBounded(name, ledger.MaxCheckpoint)
		if errors.Is(err, fs.ErrNotExist) || err == nil && bytes.Equal(signed, a.Last()) {
			err = nil
			continue
		}
		if err == nil {
			err = a.Hold(verify.HeldLast, signed)
		}
		if err != nil {
			return &codedError{
				exitConflict, fmt.Errorf("--state %s: a checkpoint seen before: %w", k.dir, err),
				"It is of another ledger, or damaged. Give this audit a directory of its own.",
			}
		}
	}
	return err
}

// saw keeps a checkpoint that the log's key has signed, before anything that it
// counts is asked for.
func (k *auditState) saw(w ledger.Witnessed) error {
	if k == nil || len(w.Signed) == 0 {
		return nil
	}
	err := k.replace(fmt.Sprintf("%s%d-%.16s", stateSeen, w.Size, w.Root), func(f *os.File) error {
		_, err := f.Write(w.Signed)
		return err
	})
	if err != nil {
		return fmt.Errorf("--state: %w", err)
	}
	return nil
}

// agreed forgets the checkpoints by which no audit had come to its end: the log
// begins with all of them, and its newest is kept.
func (k *auditState) agreed() error {
	if k == nil {
		return nil
	}
	names, err := filepath.Glob(filepath.Join(k.dir, stateSeen+"*"))
	for _, name := range names {
		err = errors.Join(err, os.Remove(name))
	}
	return err
}

// now saves if it is time to, so that an audit that is killed loses little.
func (k *auditState) now(a *verify.Auditor) error {
	if k == nil || time.Now().Before(k.next) {
		return nil
	}
	return k.save(a)
}

func (k *auditState) save(a *verify.Auditor) error {
	if k == nil {
		return nil
	}
	began := time.Now()
	err := k.replace(stateFile, func(f *os.File) error {
		w := bufio.NewWriterSize(f, 1<<20)
		return errors.Join(a.Save(w), w.Flush())
	})
	if last := a.Last(); err == nil && len(last) > 0 {
		err = k.replace(stateLast, func(f *os.File) error {
			_, err := f.Write(last)
			return err
		})
	}
	k.next = time.Now().Add(max(saveEvery, saveAtMostOne*time.Since(began)))
	if err != nil {
		return fmt.Errorf("--state: %w", err)
	}
	return nil
}

// replace writes a file beside the old one and puts it in its place.
func (k *auditState) replace(name string, write func(*os.File) error) error {
	path := filepath.Join(k.dir, name)
	f, err := os.OpenFile(path+".new", os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	if err := errors.Join(write(f), f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Rename(path+".new", path); err != nil {
		return err
	}
	dir, err := os.Open(k.dir)
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}
