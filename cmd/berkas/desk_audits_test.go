package main

import (
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/berkas-ledger/berkas/ledger"
	"github.com/berkas-ledger/berkas/verify"
	"github.com/berkas-ledger/berkas/web"
)

// TestReadAudits: the regular JSON files of a directory, bounded, and a report that
// the demo writes is one that can be read.
func TestReadAudits(t *testing.T) {
	h := home{t.TempDir()}
	var said strings.Builder
	read := readAudits(h.audits(), slog.New(slog.NewTextHandler(&said, nil)))
	nothing := func(web.AuditFile) bool { return false }
	if list, err := read(t.Context(), nothing); err != nil || len(list) != 0 {
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
	if err := os.WriteFile(filepath.Join(h.audits(), "Budi Contoh.json"), []byte("{}"), 0o600); err != nil {
		t.Fatal(err)
	}
	list, err := read(t.Context(), nothing)
	if err != nil || len(list) != 2 || list[0].Name != "large.json" || list[1].Name != "demo.json" {
		t.Fatalf("%d reports, %v", len(list), err)
	}
	if len(list[0].Body) != verify.MaxReport+1 {
		t.Errorf("%d bytes were read", len(list[0].Body))
	}
	if got := said.String(); !strings.Contains(got, "files=1") || strings.Contains(got, "Budi") {
		t.Errorf("the log says %q", got)
	}
	asked := 0
	again, err := read(t.Context(), func(f web.AuditFile) bool {
		asked++
		return f.Name == "large.json" && f.Size == list[0].Size && f.At.Equal(list[0].At)
	})
	if err != nil || len(again) != 2 || again[0].Body != nil || again[1].Body == nil || asked != 2 {
		t.Errorf("of %d only the other is read again: %v", len(again), err)
	}
	if r, err := verify.ParseReport(list[1].Body); err != nil || r.Origin != "berkas.example/dev" {
		t.Errorf("%+v, %v", r, err)
	}
}
