package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/berkas-ledger/berkas/internal/forge"
	"github.com/berkas-ledger/berkas/verify"
)

// TestVerifyCommand gives every bundle of the table to the command: a sound one
// ends with 0, any other with 5 and its reason.
func TestVerifyCommand(t *testing.T) {
	dir := t.TempDir()
	for _, b := range forge.Bundles() {
		t.Run(b.Name, func(t *testing.T) {
			bundle, policy := filepath.Join(dir, b.Name+".json"), filepath.Join(dir, b.Name+".txt")
			for file, raw := range map[string][]byte{bundle: b.Bundle, policy: b.Policy} {
				if err := os.WriteFile(file, raw, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			var out bytes.Buffer
			root := newRoot()
			root.SetOut(&out)
			root.SetArgs([]string{"verify", bundle, "--policy", policy})
			err := root.ExecuteContext(t.Context())
			code, said := exitVerify, "["+string(b.Code)+"]"
			switch {
			case b.Code == verify.CodePolicy:
				code, said = exitFailure, ""
			case b.Verdict == forge.Unchecked:
				said = ""
			case b.Verdict == forge.Valid:
				code, said = exitOK, "VALID. All"
			}
			if got := exitCode(err); got != code {
				t.Errorf("exit code %d, want %d: %v", got, code, err)
			}
			if !strings.Contains(out.String(), said) || said == "" && out.Len() > 0 {
				t.Errorf("it does not say %q: %v\n%s", said, err, out.String())
			}
			if code == exitOK && !strings.Contains(out.String(), "that nothing was left out") {
				t.Error("it does not say what is not proven")
			}
			if strings.Contains(out.String(), "But not 1 of them") != (b.Name == "unknown-kind") {
				t.Errorf("of an unknown kind it says:\n%s", out.String())
			}
			if bytes.Contains(out.Bytes(), []byte{0x1b}) {
				t.Error("a terminal would be told what to do")
			}
		})
	}
}
