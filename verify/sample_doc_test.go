package verify_test

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/berkas-ledger/berkas/verify"
)

// TestSamplingDoc: docs/sampling.md shows the golden bytes, and what it lets the
// reader type gives what it says.
func TestSamplingDoc(t *testing.T) {
	raw, err := os.ReadFile("../docs/sampling.md")
	if err != nil {
		t.Fatal(err)
	}
	doc := string(raw)
	block := func(mark string) string {
		_, rest, ok := strings.Cut(doc, "<!-- "+mark+" -->\n```")
		_, rest, begun := strings.Cut(rest, "\n")
		text, _, ended := strings.Cut(rest, "```\n")
		if !ok || !begun || !ended {
			t.Fatalf("there is no block %s", mark)
		}
		return text
	}
	golden, err := os.ReadFile("testdata/sample.golden")
	if err != nil || block("golden") != string(golden) {
		t.Errorf("the bytes are not those of the golden file (%v)", err)
	}
	if want := lot(t).Rank("01726dd2-5380-7000-8000-000000000009 r1").String(); strings.TrimSpace(block("rank")) != want {
		t.Errorf("the rank is %s", want)
	}
	run := func(mark string) string {
		out, err := exec.CommandContext(t.Context(), "bash", "-eu", "-o", "pipefail", "-c", block(mark)).CombinedOutput()
		if err != nil {
			t.Fatalf("%s: %v\n%s", mark, err, out)
		}
		return string(out)
	}
	if got := strings.TrimSpace(run("run")); !strings.Contains(doc, "It prints `"+got+"`") {
		t.Errorf("it prints %s", got)
	}
	commit := run("run commit")
	hash, value, ok := strings.Cut(commit, "\n")
	sum := exec.CommandContext(t.Context(), "sha256sum")
	sum.Stdin = strings.NewReader(value)
	again, err := sum.Output()
	if !ok || err != nil || !strings.HasPrefix(string(again), hash) || len(value) != len("auditor: ")+32 {
		t.Errorf("the commitment is %q of %q (%v)", hash, value, err)
	}
	for _, share := range []int{1, 2, 5, 10} {
		row := fmt.Sprintf("| %d %% |", share)
		for _, confidence := range []int{90, 95, 99} {
			row += fmt.Sprintf(" %d |", verify.SampleSize(0, float64(share)/100, float64(confidence)/100))
		}
		if !strings.Contains(doc, row) {
			t.Errorf("the table lacks %s", row)
		}
	}
}
