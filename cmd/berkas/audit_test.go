package main

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/berkas-ledger/berkas/internal/testkit"
	"github.com/berkas-ledger/berkas/ledger"
	"github.com/berkas-ledger/berkas/verify"
)

// auditedLog is a log in a directory, of cases that were opened one by one.
type auditedLog struct {
	*testkit.World
	t       *testing.T
	dir     string
	records []ledger.Record
	policy  ledger.Policy
	// withhold, when set, says why a file is not given.
	withhold func(path string) error
}

func newAuditedLog(t *testing.T, opened int) *auditedLog {
	w := testkit.NewWorld()
	l := &auditedLog{World: w, t: t, dir: t.TempDir(), records: w.Founding()}
	private := w.Private("witness/1")
	key, err := ledger.NewWitnessKey("witness.example/1", private.Public().(ed25519.PublicKey))
	if err != nil {
		t.Fatal(err)
	}
	_, _, log := w.NoteKeys("")
	_, _, receipt := w.NoteKeys("receipt")
	l.policy = ledger.Policy{
		Origin: w.Origin, Log: log, Receipt: receipt, Genesis: l.records[0].LeafHash(),
		Witnesses: []ledger.PolicyWitness{{Name: "w1", Key: key}}, Quorum: ledger.QuorumNone,
	}
	l.open(opened)
	return l
}

func (l *auditedLog) open(n int) {
	for range n {
		at := l.Start.Add(time.Duration(len(l.records)) * time.Second)
		s := l.Say(ledger.Bawaslu, ledger.CaseOpenedKind, l.NewID(), at, testkit.Opened(1))
		l.records = append(l.records, l.Record(l.records, s, at))
	}
	l.write()
}

// write makes the files: entries, and the checkpoint.
func (l *auditedLog) write() {
	l.t.Helper()
	var stored []tlog.Hash
	reader := tlog.HashReaderFunc(func(list []int64) ([]tlog.Hash, error) {
		out := make([]tlog.Hash, len(list))
		for i, at := range list {
			out[i] = stored[at]
		}
		return out, nil
	})
	size := ledger.Position(len(l.records))
	for _, tile := range ledger.Tiles(ledger.LevelEntries, 0, size) {
		var bundle []byte
		for i := range tile.Width {
			leaf := l.records[tile.Index*ledger.TileWidth+uint64(i)].Leaf()
			bundle = ledger.AppendEntry(bundle, leaf)
			more, err := tlog.StoredHashes(int64(tile.Index*ledger.TileWidth)+int64(i), leaf, reader)
			if err != nil {
				l.t.Fatal(err)
			}
			stored = append(stored, more...)
		}
		l.file(tile.Path(), bundle)
	}
	root, err := tlog.TreeHash(int64(size), reader)
	if err != nil {
		l.t.Fatal(err)
	}
	signer, _, _ := l.NoteKeys("")
	signed, err := ledger.SignCheckpoint(ledger.Checkpoint{Origin: l.Origin, Size: size, Root: ledger.Hash(root)}, signer)
	if err != nil {
		l.t.Fatal(err)
	}
	l.file("checkpoint", signed)
}

func (l *auditedLog) file(path string, raw []byte) {
	l.t.Helper()
	path = filepath.Join(l.dir, path)
	if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, raw, 0o644)); err != nil {
		l.t.Fatal(err)
	}
}

// audit runs an audit whose reading fails after so many files, 0 for never, and
// says how many bundles were read.
func (l *auditedLog) audit(f auditFlags, failAfter int64) (verify.Report, int64, error) {
	l.t.Helper()
	var read atomic.Int64
	fetch := func(_ context.Context, path string) ([]byte, error) {
		if path != "checkpoint" {
			if n := read.Add(1); failAfter > 0 && n > failAfter {
				return nil, errGone
			}
		}
		if l.withhold != nil {
			if err := l.withhold(path); err != nil {
				return nil, err
			}
		}
		return os.ReadFile(filepath.Join(l.dir, path))
	}
	keep, err := openAuditState(f.state)
	if err != nil {
		return verify.Report{}, 0, err
	}
	au := &auditing{flags: &f, fetch: fetch, kept: keep}
	err = au.begin(l.t.Context(), verify.Config{Policy: l.policy, Program: "test"})
	if err == nil {
		err = au.read(l.t.Context())
	}
	var r verify.Report
	if err == nil {
		r, err = au.finish()
	}
	return r, read.Load(), errors.Join(err, keep.close())
}

var errGone = errors.New("the log does not answer")

// TestAuditGoesOn: an audit that is interrupted keeps what it judged, and the
// next one reads only what is left; the one after that, only what is new.
func TestAuditGoesOn(t *testing.T) {
	l := newAuditedLog(t, 3000)
	f := auditFlags{state: t.TempDir()}
	_, _, err := l.audit(f, 9)
	if !errors.Is(err, errGone) || exitCode(err) != exitFailure || hintFor(err) == "" {
		t.Fatalf("interrupted: %v", err)
	}
	r, read, err := l.audit(f, 0)
	if err != nil || !r.Valid || r.From == 1 || read > 12 {
		t.Fatalf("gone on from %d with %d bundles: %v %+v", r.From, read, err, r.Findings)
	}
	l.open(10)
	r, read, err = l.audit(f, 0)
	if err != nil || !r.Valid || r.From != 3009 || read != 1 || r.Judged.Records != 3018 {
		t.Fatalf("the second audit began at %d and read %d bundles: %v %+v", r.From, read, err, r.Findings)
	}
	r, read, err = l.audit(f, 0)
	if err != nil || !r.Valid || read != 0 {
		t.Fatalf("nothing new, and %d bundles: %v %+v", read, err, r.Findings)
	}
	f.again = true
	r, read, err = l.audit(f, 0)
	if err != nil || !r.Valid || r.From != 1 || read != 12 || len(r.Held) != 1 {
		t.Fatalf("again, %d bundles from %d: %v %+v", read, r.From, err, r.Findings)
	}
}

// TestAuditFindsEdit: a record that was judged by an earlier run and is another
// now is named, and what was kept stays what it was.
func TestAuditFindsEdit(t *testing.T) {
	l := newAuditedLog(t, 600)
	f := auditFlags{state: t.TempDir()}
	if r, _, err := l.audit(f, 0); err != nil || !r.Valid {
		t.Fatalf("%v %+v", err, r.Findings)
	}
	good := l.records[300]
	l.records[300].Recorded = good.Recorded.Add(time.Microsecond)
	l.open(5)
	for _, want := range [][]string{
		{"0 root-differs", "301 record-altered"},
		{"0 root-differs", "0 log-forked", "301 record-altered"}, // from what it was shown before, too
	} {
		r, _, err := l.audit(f, 0)
		if err != nil || r.Valid || !slices.Equal(found(r), want) {
			t.Fatalf("%v %v", err, found(r))
		}
	}
	// The log has signed two histories, and putting it right takes neither back.
	l.records[300] = good
	l.write()
	if r, _, err := l.audit(f, 0); err != nil || !slices.Equal(found(r), []string{"0 log-forked"}) {
		t.Fatalf("put right: %v %+v", err, r.Findings)
	}
}

func found(r verify.Report) []string {
	var out []string
	for _, f := range r.Findings {
		out = append(out, fmt.Sprint(uint64(f.Position), " ", f.Code))
	}
	return out
}

// TestAuditMissing: bundles that are gone, cut short or grown since.
func TestAuditMissing(t *testing.T) {
	l := newAuditedLog(t, 600)
	middle := filepath.Join(l.dir, "tile/entries/001")
	raw, err := os.ReadFile(middle)
	if err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func() error{
		"gone":  func() error { return os.Remove(middle) },
		"short": func() error { return os.WriteFile(middle, raw[:len(raw)-1], 0o644) },
		"empty": func() error { return os.WriteFile(middle, nil, 0o644) },
	} {
		if err := change(); err != nil {
			t.Fatal(err)
		}
		r, _, err := l.audit(auditFlags{}, 0)
		if err != nil || !slices.Equal(found(r), []string{"257 records-missing"}) {
			t.Errorf("%s: %v %v", name, err, found(r))
		}
		if err := os.WriteFile(middle, raw, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	// The newest bundle was filled up since the checkpoint.
	signed, err := os.ReadFile(filepath.Join(l.dir, "checkpoint"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(filepath.Join(l.dir, "tile/entries/002.p")); err != nil {
		t.Fatal(err)
	}
	l.open(300)
	l.file("checkpoint", signed)
	if r, _, err := l.audit(auditFlags{}, 0); err != nil || !r.Valid || r.Checkpoint.Size != 608 {
		t.Errorf("grown: %v %v", err, found(r))
	}
}

// TestAuditStateInUse: two audits do not write over one another.
func TestAuditStateInUse(t *testing.T) {
	l := newAuditedLog(t, 1)
	f := auditFlags{state: t.TempDir()}
	held, err := openAuditState(f.state)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := l.audit(f, 0); exitCode(err) != exitConflict {
		t.Errorf("a second audit: %v", err)
	}
	if err := held.close(); err != nil {
		t.Fatal(err)
	}
	if _, _, err := l.audit(f, 0); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(filepath.Join(f.state, stateFile+".new")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("something is left: %v", err)
	}
}
