//go:build !race

package web

import (
	"context"
	"encoding/json"
	"flag"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/berkas-ledger/berkas/internal/forge"
	"github.com/berkas-ledger/berkas/ledger"
	"github.com/berkas-ledger/berkas/schemas"
	"github.com/berkas-ledger/berkas/verify"
)

var pictures = flag.String("pictures", "", "folder to which TestVerifyPageInBrowser writes pictures, instead of looking")

// forged is a bundle for the page, by its files.
type forged struct {
	Name     string          `json:"name"`
	Bundle   string          `json:"bundle"`
	Policy   string          `json:"policy"`
	Verdict  string          `json:"verdict"`
	Code     verify.Code     `json:"code"`
	Position ledger.Position `json:"position"`
	ByRules  bool            `json:"by_rules"`
}

// mutants is how many garbled events both readers are given.
const mutants = 60

// notThePages are codes of what the page leaves to the program: schemas and the
// rules of cases.
var notThePages = []ledger.Code{
	ledger.CodeSchema, ledger.CodePersonalData, ledger.CodeSealedMisplaced, ledger.CodeStaleVersion, ledger.CodeReferenceUnknown,
	ledger.CodeTransition, ledger.CodeNotParticipant, ledger.CodeOutsideScope, ledger.CodeCaseUnknown, ledger.CodeBreaksLater,
}

// judgeMutant says what the page has to find by what the program finds.
func judgeMutant(t *testing.T, b forge.Bundle, write func(string, []byte) string) forged {
	t.Helper()
	policy, err := ledger.ParsePolicy(string(b.Policy))
	if err != nil {
		t.Fatal(err)
	}
	validator, err := schemas.New()
	if err != nil {
		t.Fatal(err)
	}
	r, err := verify.JudgeBundle(b.Bundle, verify.Config{Policy: policy, Schemas: validator})
	if err != nil {
		t.Fatal(err)
	}
	out := forged{Name: b.Name, Bundle: write(b.Name+".json", b.Bundle), Policy: write(b.Name+".txt", b.Policy), Verdict: forge.Valid}
	for _, f := range r.Findings {
		if !slices.Contains(notThePages, ledger.Code(f.Code)) {
			out.Verdict, out.Position = forge.Invalid, f.Position
		}
	}
	return out
}

// TestVerifyPageOfInventedLedgersInBrowser: the page says of the same origins as ledger.Invented
// that their ledgers are not real, in the same words.
func TestVerifyPageOfInventedLedgersInBrowser(t *testing.T) {
	node, _ := browserTools(t, "testdata/browser")
	_, rest, ok := strings.Cut(string(verify.Page()), "const invented = ")
	function, _, ended := strings.Cut(rest, ";\n\n")
	if !ok || !ended || !strings.Contains(rest, "invented(r.policy.origin)") {
		t.Fatal("the page has no such function, or does not use it")
	}
	for _, origin := range []string{"berkas.example/simulated-7", "berkas.example/dev", "berkas.example/uji", "berkas.example/developed", "x.example/simulated-7"} {
		out, err := exec.CommandContext(t.Context(), node, "-e", "console.log(JSON.stringify(("+function+")(process.argv[1]) || ['', '']))", origin).Output()
		if err != nil {
			t.Fatal(err)
		}
		english, indonesian := ledger.Invented(origin)
		var got [2]string
		if err := json.Unmarshal(out, &got); err != nil || got != [2]string{indonesian, english} {
			t.Errorf("%s: %s, %v", origin, out, err)
		}
	}
}

// TestVerifyPageInBrowser gives every bundle of the table that the program is
// tested with (TestTamperedBundles of package verify) to the static page in
// headless Chromium, from a file and without a network. It has to find the same.
func TestVerifyPageInBrowser(t *testing.T) {
	t.Parallel()
	const folder = "testdata/browser"
	node, chromium := browserTools(t, folder)
	server := httptest.NewServer(newSilent(t))
	t.Cleanup(server.Close)
	dir := t.TempDir()
	write := func(name string, raw []byte) string {
		t.Helper()
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, raw, 0o600); err != nil {
			t.Fatal(err)
		}
		return file
	}
	var list []forged
	for _, b := range forge.Bundles() {
		list = append(list, forged{b.Name, write(b.Name+".json", b.Bundle), write(b.Name+".txt", b.Policy), b.Verdict, b.Code, b.Position, b.ByRules})
	}
	for _, b := range forge.Mutants(1, mutants) {
		list = append(list, judgeMutant(t, b, write))
	}
	body, err := json.Marshal(list)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	args := []string{"verify.mjs", chromium, "file://" + write("verify.html", verify.Page()), server.URL + "/verify", write("list.json", body)}
	if *pictures != "" {
		args = append(args, *pictures)
	}
	c := exec.CommandContext(ctx, node, args...)
	c.Dir = folder
	out, err := c.CombinedOutput()
	if text := string(out); err != nil || !strings.Contains(text, "no complaints") {
		t.Errorf("%v\n%s", err, text)
	}
}
