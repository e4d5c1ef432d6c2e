package verify_test

import (
	"bytes"
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
