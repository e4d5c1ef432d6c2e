package main

import (
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/berkas-ledger/berkas/internal/forge"
)

// byHand are some of the forged bundles that openssl and jq alone show to be
// wrong; the document says what they leave to the program.
var byHand = []string{
	"checkpoint-of-another-key", "checkpoint-root-edited", "cosignature-forged", "key-unknown", "leaf-bit-flipped",
	"no-genesis", "node-as-leaf", "policy-of-another-genesis", "proof-hash-changed", "signature-of-other-bytes",
}

// TestEvidenceDocument types the check by hand of docs/evidence.md over a sound
// bundle and over forged ones, and compares the examples of formats.
func TestEvidenceDocument(t *testing.T) {
	shown := 0
	for _, tool := range []string{"openssl", "jq"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Fatalf("%s is missing: scripts/need.sh %s", tool, tool)
		}
	}
	raw, err := os.ReadFile(repository(t, "docs", "evidence.md"))
	if err != nil {
		t.Fatal(err)
	}
	var script string
	for _, m := range docBlock.FindAllStringSubmatch(string(raw), -1) {
		if m[1] == "run" {
			script += m[3]
		}
		if file, golden := strings.CutPrefix(m[1], "golden "); golden {
			shown++
			want, err := os.ReadFile(repository(t, file))
			if err != nil || strings.TrimSuffix(m[3], "\n") != strings.TrimSuffix(string(want), "\n") {
				t.Errorf("docs/evidence.md does not show %s as it is: %v", file, err)
			}
		}
	}
	if shown != 5 {
		t.Errorf("%d golden files are shown, not 5", shown)
	}
	seen := 0
	for _, b := range forge.Bundles() {
		wrong := slices.Contains(byHand, b.Name)
		if !wrong && b.Name != "sound" {
			continue
		}
		seen++
		t.Run(b.Name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			for name, content := range map[string][]byte{"case.json": b.Bundle, "policy.txt": b.Policy, "check.sh": []byte(script)} {
				if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			cmd := exec.CommandContext(t.Context(), "bash", "-eu", "-o", "pipefail", "check.sh")
			cmd.Dir, cmd.WaitDelay = dir, time.Second
			out, err := cmd.CombinedOutput()
			if wrong == (err == nil) {
				t.Errorf("%v; it said\n%s", err, out)
			}
			if !wrong && (strings.Count(string(out), "Signature Verified Successfully") != 5 || !strings.Contains(string(out), "position 22 stands in the log")) {
				t.Errorf("it said\n%s", out)
			}
		})
	}
	if seen != len(byHand)+1 {
		t.Errorf("%d of %d bundles are there", seen, len(byHand)+1)
	}
}

// TestEvidenceDocumentNamesTests: what is said to be tested is.
func TestEvidenceDocumentNamesTests(t *testing.T) {
	raw, err := os.ReadFile(repository(t, "docs", "evidence.md"))
	if err != nil {
		t.Fatal(err)
	}
	var all strings.Builder
	err = filepath.WalkDir(repository(t), func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		source, err := os.ReadFile(path)
		all.Write(source)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	names := regexp.MustCompile("`(Test[A-Za-z]+)`").FindAllStringSubmatch(string(raw), -1)
	if len(names) < 20 {
		t.Errorf("only %d tests are named", len(names))
	}
	for _, m := range names {
		if !strings.Contains(all.String(), "\nfunc "+m[1]+"(") {
			t.Errorf("there is no %s", m[1])
		}
	}
}
