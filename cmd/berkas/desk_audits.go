package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/berkas-ledger/berkas/verify"
	"github.com/berkas-ledger/berkas/web"
)

// Reports of auditors, as the operator keeps them for the desk: one JSON file each,
// named after its author.

const (
	// maxAudits bounds how many reports are read, those of the last names.
	maxAudits = 100
	// maxAuditBytes bounds all of them together.
	maxAuditBytes = 64 << 20
)

// audits is where a rehearsal keeps them.
func (h home) audits() string { return h.path("audits") }

// reportOf puts a report among those that the desk shows.
func (h home) reportOf(author string, r verify.Report) error {
	if err := os.MkdirAll(h.audits(), 0o755); err != nil {
		return err
	}
	var b bytes.Buffer
	if err := printJSON(&b, r); err != nil {
		return err
	}
	path := filepath.Join(h.audits(), author+".json")
	if err := os.WriteFile(path+".new", b.Bytes(), 0o644); err != nil {
		return err
	}
	return os.Rename(path+".new", path)
}

// readAudits reads the reports of a directory; none, if it is not there. What is no
// regular file named *.json is passed over.
func readAudits(dir string) func(context.Context) ([]web.AuditFile, error) {
	return func(ctx context.Context) ([]web.AuditFile, error) {
		entries, err := os.ReadDir(dir)
		if errors.Is(err, fs.ErrNotExist) {
			return nil, nil
		}
		if err != nil {
			return nil, fmt.Errorf("--audits: %w", err)
		}
		var out []web.AuditFile
		total := 0
		for i := len(entries) - 1; i >= 0 && len(out) < maxAudits && total < maxAuditBytes; i-- {
			e := entries[i]
			if !e.Type().IsRegular() || !strings.HasSuffix(e.Name(), ".json") || strings.HasPrefix(e.Name(), ".") {
				continue
			}
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			file, err := readAudit(filepath.Join(dir, e.Name()))
			if errors.Is(err, fs.ErrNotExist) {
				continue // it was taken away
			}
			if err != nil {
				return nil, fmt.Errorf("--audits: %w", err)
			}
			total += len(file.Body)
			out = append(out, file)
		}
		return out, nil
	}
}

// readAudit reads one byte more than a report may have, so that one without bound
// is seen to be none.
func readAudit(path string) (web.AuditFile, error) {
	f, err := os.Open(path)
	if err != nil {
		return web.AuditFile{}, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return web.AuditFile{}, err
	}
	body, err := io.ReadAll(io.LimitReader(f, verify.MaxReport+1))
	return web.AuditFile{Name: filepath.Base(path), At: info.ModTime(), Body: body}, err
}
