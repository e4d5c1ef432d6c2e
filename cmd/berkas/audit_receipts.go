package main

import (
	"bytes"
	"crypto/sha256"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/berkas-ledger/berkas/ledger"
)

const (
	receiptBegin    = "berkas/receipt/v1\n"
	submissionBegin = "berkas/submission/v1\n"
)

// addReceipts hands the auditor every receipt below a directory, with the bytes
// that it is about if they lie there, too: as they are, or as an outbox keeps
// them.
func (au *auditing) addReceipts(dir string) error {
	signed, wanted := map[string][]byte{}, map[ledger.Hash][]byte{}
	err := filesBelow(dir, func(name string, raw []byte) {
		text, ok := bytes.CutPrefix(raw, []byte(receiptBegin))
		if !ok {
			return
		}
		signed[name] = raw
		// What is not verified yet serves to look for the bytes only.
		if _, rest, ok := strings.Cut(string(text), "\nsha256: "); ok {
			if sum, err := ledger.ParseHash(rest[:min(len(rest), 2*sha256.Size)]); err == nil {
				wanted[sum] = nil
			}
		}
	})
	if err != nil {
		return err
	}
	if len(signed) == 0 {
		return notFound("no file below %s is a receipt", dir)
	}
	err = filesBelow(dir, func(_ string, raw []byte) {
		if bytes.HasPrefix(raw, []byte(submissionBegin)) {
			_, raw, _ = bytes.Cut(raw, []byte("\n\n"))
		}
		if _, ok := wanted[sha256.Sum256(raw)]; ok {
			wanted[sha256.Sum256(raw)] = raw
		}
	})
	if err != nil {
		return err
	}
	for name, raw := range signed {
		var body []byte
		if _, rest, ok := strings.Cut(string(raw), "\nsha256: "); ok {
			sum, _ := ledger.ParseHash(rest[:min(len(rest), 2*sha256.Size)])
			body = wanted[sum]
		}
		au.Receipt(name, raw, body)
	}
	return nil
}

// filesBelow reads the files below a directory that are no longer than a
// submission's may be.
func filesBelow(dir string, yield func(name string, raw []byte)) error {
	return filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		info, err := d.Info()
		if err != nil || info.Size() > 2*ledger.MaxBody {
			return err
		}
		raw, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		name, err := filepath.Rel(dir, path)
		yield(name, raw)
		return err
	})
}
