package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/berkas-ledger/berkas/ledger"
	"github.com/berkas-ledger/berkas/verify"
)

// TestReadAudits: the regular JSON files of a directory, bounded, and a report that
// the demo writes is one that can be read.
func TestReadAudits(t *testing.T) {
	h := home{t.TempDir()}
	read := readAudits(h.audits())
	if list, err := read(t.Context()); err != nil || len(list) != 0 {
		t.Fatalf("of no directory %v, %v", list, err)
	}
	err := h.reportOf("demo", verify.Report{
		Format: verify.ReportFormat, Origin: "berkas.example/dev", Held: []verify.Held{}, Unchecked: []verify.Unchecked{}, Counts: map[verify.Code]uint64{},
		Findings: []verify.ReportedFinding{}, Proofs: []verify.Proof{}, Checkpoint: verify.ReportCheckpoint{Quorum: ledger.QuorumNone, Witnesses: []verify.ReportWitness{}},
	})
	if err != nil {
		t.Fatal(err)
	}
	for name, body := range map[string]int{"large.json": verify.MaxReport + 10, "notes.txt": 1, ".hidden.json": 1} {
		if err := os.WriteFile(filepath.Join(h.audits(), name), make([]byte, body), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(filepath.Join(h.audits(), "folder.json"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("/etc/passwd", filepath.Join(h.audits(), "link.json")); err != nil {
		t.Fatal(err)
	}
	list, err := read(t.Context())
	if err != nil || len(list) != 2 || list[0].Name != "large.json" || list[1].Name != "demo.json" {
		t.Fatalf("%d reports, %v", len(list), err)
	}
	if len(list[0].Body) != verify.MaxReport+1 {
		t.Errorf("%d bytes were read", len(list[0].Body))
	}
	if r, err := verify.ParseReport(list[1].Body); err != nil || r.Origin != "berkas.example/dev" {
		t.Errorf("%+v, %v", r, err)
	}
}
