package verify_test

import (
	"bytes"
	"os"
	"slices"
	"testing"

	"github.com/berkas-ledger/berkas/internal/forge"
	"github.com/berkas-ledger/berkas/ledger"
	"github.com/berkas-ledger/berkas/schemas"
	"github.com/berkas-ledger/berkas/verify"
)

// TestTamperedBundles: the sound bundle is valid, and each way to tamper with it
// is found with its reason. The page in a browser judges the same (package web).
func TestTamperedBundles(t *testing.T) {
	validator, err := schemas.New()
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range forge.Bundles() {
		t.Run(b.Name, func(t *testing.T) {
			policy, err := ledger.ParsePolicy(string(b.Policy))
			if b.Code == verify.CodePolicy {
				if err == nil {
					t.Error("the policy was read")
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			r, err := verify.JudgeBundle(b.Bundle, verify.Config{Policy: policy, Schemas: validator})
			if b.Verdict == forge.Unchecked {
				if err == nil {
					t.Errorf("it was read: %+v", r.Findings)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if r.Valid != (b.Verdict == forge.Valid) {
				t.Errorf("valid is %t: %+v", r.Valid, r.Findings)
			}
			if b.Code != "" && !slices.ContainsFunc(r.Findings, func(f verify.ReportedFinding) bool {
				return f.Code == b.Code && (b.Position == 0 || f.Position == b.Position) && f.English != "" && f.Indonesian != ""
			}) {
				t.Errorf("no %s at position %d among %+v", b.Code, b.Position, r.Findings)
			}
		})
	}
}

// FuzzJudgeBundle: whatever is done to the sound bundle, a record that is not in
// it is never part of a valid one.
func FuzzJudgeBundle(f *testing.F) {
	validator, err := schemas.New()
	if err != nil {
		f.Fatal(err)
	}
	all := forge.Bundles()
	sound := all[slices.IndexFunc(all, func(b forge.Bundle) bool { return b.Name == "sound" })]
	policy, err := ledger.ParsePolicy(string(sound.Policy))
	if err != nil {
		f.Fatal(err)
	}
	original, err := verify.ParseBundle(sound.Bundle)
	if err != nil {
		f.Fatal(err)
	}
	for _, b := range all {
		if len(b.Bundle) < 1<<20 {
			f.Add(b.Bundle)
		}
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		r, err := verify.JudgeBundle(raw, verify.Config{Policy: policy, Schemas: validator, Workers: 1})
		if err != nil || !r.Valid {
			return
		}
		b, err := verify.ParseBundle(raw)
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range b.Records {
			if !slices.ContainsFunc(original.Records, func(o verify.Proven) bool { return bytes.Equal(o.Leaf, p.Leaf) }) {
				// The keeper of the ledger and its witnesses may sign another one.
				if string(b.Checkpoint) == string(original.Checkpoint) {
					t.Errorf("valid with a record that the ledger does not have: %q", p.Leaf)
				}
			}
		}
	})
}

// TestGoldenBundle: a bundle of the first day reads, encodes and verifies as it
// did then. The files are frozen: nothing writes them anew.
func TestGoldenBundle(t *testing.T) {
	raw, err := os.ReadFile("testdata/bundle.golden.json")
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile("testdata/bundle.golden.policy")
	if err != nil {
		t.Fatal(err)
	}
	policy, err := ledger.ParsePolicy(string(text))
	if err != nil {
		t.Fatal(err)
	}
	b, err := verify.ParseBundle(raw)
	if err != nil {
		t.Fatal(err)
	}
	if again := mustEncode(t, b); !bytes.Equal(again, raw) {
		t.Error("a frozen format changed: the golden bundle is written as something else. Bundles are in the hands of courts; undo the change, or write an ADR")
	}
	validator, err := schemas.New()
	if err != nil {
		t.Fatal(err)
	}
	r, err := verify.JudgeBundle(raw, verify.Config{Policy: policy, Schemas: validator})
	if err != nil || !r.Valid || len(r.History) != 9 || len(r.Checkpoint.Witnesses) != 3 {
		t.Errorf("%v %+v", err, r)
	}
	corrected := r.History[1]
	if corrected.Kind != ledger.CaseRegisteredKind || corrected.Corrected == 0 || corrected.Mandate != ledger.MandateAssessment || !slices.Equal(corrected.Basis, []string{"UU 5/2014"}) {
		t.Errorf("the history tells of the registration as %+v", corrected)
	}
}
