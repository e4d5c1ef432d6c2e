package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync/atomic"

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

// auditName is that of a report's file, which says whose it is: an institution or a desk,
// as in the names of tokens. The name stands on a page and in the log.
var auditName = regexp.MustCompile(`^[a-z0-9-]{1,32}\.json$`)

// readAudits reads the reports of a directory; none, if it is not there. What is no
// regular file named *.json is passed over, and so is one of a name that is none of ours,
// which the log says. Files that are kept already are not read again.
func readAudits(dir string, log *slog.Logger) func(context.Context, func(web.AuditFile) bool) ([]web.AuditFile, error) {
	var said atomic.Int64 // how many were passed over, as the log has it
	return func(ctx context.Context, kept func(web.AuditFile) bool) ([]web.AuditFile, error) {
		entries, err := os.ReadDir(dir)
		if errors.Is(err, fs.ErrNotExist) {
			return nil, nil
		}
		if err != nil {
			return nil, fmt.Errorf("--audits: %w", err)
		}
		var out []web.AuditFile
		total, strange := int64(0), int64(0)
		for i := len(entries) - 1; i >= 0 && len(out) < maxAudits && total < maxAuditBytes; i-- {
			e := entries[i]
			if !e.Type().IsRegular() || !strings.HasSuffix(e.Name(), ".json") || strings.HasPrefix(e.Name(), ".") {
				continue
			}
			if !auditName.MatchString(e.Name()) {
				strange++
				continue
			}
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			file, err := readAudit(filepath.Join(dir, e.Name()), kept)
			if errors.Is(err, fs.ErrNotExist) {
				continue // it was taken away
			}
			if err != nil {
				return nil, fmt.Errorf("--audits: %w", err)
			}
			total += min(file.Size, verify.MaxReport+1)
			out = append(out, file)
		}
		if strange != said.Swap(strange) && strange > 0 { // not their names, which may be a person's
			log.WarnContext(ctx, "reports of auditors are passed over: a file's name is [a-z0-9-]{1,32}.json", "files", strange)
		}
		return out, nil
	}
}

// readAudit reads one byte more than a report may have, so that one without bound
// is seen to be none.
func readAudit(path string, kept func(web.AuditFile) bool) (web.AuditFile, error) {
	f, err := os.Open(path)
	if err != nil {
		return web.AuditFile{}, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return web.AuditFile{}, err
	}
	file := web.AuditFile{Name: filepath.Base(path), At: info.ModTime(), Size: info.Size()}
	if !kept(file) {
		file.Body, err = io.ReadAll(io.LimitReader(f, verify.MaxReport+1))
	}
	return file, err
}
