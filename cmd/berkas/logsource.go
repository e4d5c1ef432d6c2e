package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/pflag"

	"github.com/berkas-ledger/berkas/eventstore"
	"github.com/berkas-ledger/berkas/transparency"
)

// logFlags say which log a command reads.
type logFlags struct {
	from      string // directory or address; "": that of the data directory
	tokenFile string
}

func (f *logFlags) register(fl *pflag.FlagSet) {
	fl.StringVar(&f.from, "from", "", "the log to read: a directory that 'berkas export' wrote, or an http(s) address; default: that of --data")
	fl.StringVar(&f.tokenFile, "token-file", "", "file with the token of an auditor or an agency, which records over HTTP need")
}

// logSource gives the files of a log: of an exported directory, of a server, or
// of the data directory, whose running ledger answers if there is one. The
// function closes what was opened. What the files hold is not verified.
func (o *options) logSource(ctx context.Context, from, tokenFile string) (transparency.Fetch, func() error, error) {
	nothing := func() error { return nil }
	if strings.HasPrefix(from, "http://") || strings.HasPrefix(from, "https://") {
		fetch, err := httpSource(from, tokenFile)
		return fetch, nothing, err
	}
	if from != "" {
		if tokenFile != "" {
			return nil, nil, usage("--token-file is for a log over HTTP, not for the directory %s", from)
		}
		fetch, err := dirSource(strings.TrimPrefix(from, "file://"))
		return fetch, nothing, err
	}
	h, err := o.home()
	if err != nil {
		return nil, nil, err
	}
	if r, ok := h.found(); ok {
		fetch, err := runningSource(h, r, tokenFile)
		return fetch, nothing, err
	}
	if !h.exists() {
		return nil, nil, &codedError{exitNotFound, errors.New("no ledger in " + h.dir), "Name a log with --from, or the ledger's directory with --data."}
	}
	journal, err := eventstore.OpenJournal(ctx, h.journal(), "", eventstore.JournalOptions{Log: o.log()})
	if err != nil {
		return nil, nil, err
	}
	return transparency.WithEntries(transparency.DirFetch(h.logDir()), journal), journal.Close, nil
}

// dirSource reads an exported log.
func dirSource(dir string) (transparency.Fetch, error) {
	if _, err := os.Stat(filepath.Join(dir, "journal", "journal.json")); err == nil {
		return nil, usage("%s is the data directory of a ledger: name it with --data", dir)
	}
	if _, err := os.Stat(filepath.Join(dir, "checkpoint")); err != nil {
		return nil, &codedError{
			exitNotFound, fmt.Errorf("no log in %s: %w", dir, err),
			"'berkas export' writes one; its checkpoint comes last, so an export that was cut short has none: run it again.",
		}
	}
	return transparency.DirFetch(dir), nil
}

// runningSource reads the log of a running ledger, which holds its files' lock.
func runningSource(h home, r running, tokenFile string) (transparency.Fetch, error) {
	if r.HTTP != "" {
		return httpSource(reachable(r.HTTP), tokenFile)
	}
	files := transparency.DirFetch(h.logDir())
	return func(ctx context.Context, path string) ([]byte, error) {
		if strings.HasPrefix(path, "tile/entries/") {
			return nil, unreachable("Start it with --http, or stop it.", "the ledger that runs over %s answers no HTTP, so its records cannot be read", h.dir)
		}
		return files(ctx, path)
	}, nil
}

// reachable turns the address of a server that listens everywhere into one to
// connect to.
func reachable(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return address
	}
	if host := u.Hostname(); host == "::" || host == "0.0.0.0" {
		u.Host = "127.0.0.1:" + u.Port()
	}
	return u.String()
}

func httpSource(address, tokenFile string) (transparency.Fetch, error) {
	token := ""
	if tokenFile != "" {
		var err error
		if token, err = readSecret(tokenFile); err != nil {
			return nil, fmt.Errorf("--token-file: %w", err)
		}
	}
	fetch, err := transparency.HTTPFetch(address, token, nil)
	if err != nil {
		return nil, usage("%w", err)
	}
	return func(ctx context.Context, path string) ([]byte, error) {
		raw, err := fetch(ctx, path)
		if errors.Is(err, fs.ErrPermission) {
			err = &codedError{exitFailure, err, "Name the file of a token with --token-file; 'berkas tokens new --role auditor' makes one where the ledger runs."}
		}
		return raw, err
	}, nil
}
