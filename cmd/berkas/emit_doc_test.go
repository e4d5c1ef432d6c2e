package main

import (
	"crypto/ed25519"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/berkas-ledger/berkas/ledger"
)

// docBlock is a block of code in docs/emit.md and the mark that stands before it.
var docBlock = regexp.MustCompile("(?ms)(?:^<!-- ([^\n]*) -->\n)?^```([a-z]*)\n(.*?)^```$")

// TestEmitDocument holds docs/emit.md to what it says: commands are typed, their
// output is compared, excerpts stand in the examples word for word.
func TestEmitDocument(t *testing.T) {
	needTools(t)
	raw, err := os.ReadFile(repository(t, "docs", "emit.md"))
	if err != nil {
		t.Fatal(err)
	}
	doc := string(raw)
	var script, want string
	excerpts := 0
	for _, m := range docBlock.FindAllStringSubmatch(doc, -1) {
		mark, text := m[1], m[3]
		switch file, from := strings.CutPrefix(mark, "from "); {
		case from:
			excerpts++
			source, err := os.ReadFile(repository(t, file))
			if err != nil {
				t.Fatal(err)
			}
			if !strings.Contains(string(source), text) {
				t.Errorf("%s does not have this excerpt:\n%s", file, text)
			}
		case mark == "run":
			script += text
		case mark == "output":
			want = text
		case mark == "programs":
			for name, command := range agencyPrograms {
				if !strings.Contains(text, command+"\n") {
					t.Errorf("%s is run by another command than %q", name, command)
				}
			}
		case mark == "" && agencyProgramSaid.MatchString(text):
		case mark == "before", mark == "header", mark == "receipt": // tested below and by TestAgencyPrograms
		default:
			t.Errorf("a block that nothing tests, marked %q:\n%s", mark, text)
		}
	}
	if excerpts < 7 || want == "" {
		t.Errorf("%d excerpts; output %q", excerpts, want)
	}
	dir := folder(t)
	background(t, dir, "is running", "dev")
	cmd := exec.CommandContext(t.Context(), "bash", "-euo", "pipefail", "-c", script)
	cmd.Dir, cmd.WaitDelay = dir, time.Second
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.HasSuffix(string(out), want) {
		t.Errorf("%v; it said\n%s", err, out)
	}
	access, err := os.ReadFile(dir + "/access.json")
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range regexp.MustCompile(`(?m)^  "([a-z_]+)":`).FindAllStringSubmatch(string(access), -1) {
		if !strings.Contains(doc, "`"+m[1]+"`") {
			t.Errorf("docs/emit.md does not explain %s of access.json", m[1])
		}
	}
}

// TestEmitDocumentIsExact compares its worked example and its receipt with the
// code that defines them, and its table of reasons with the closed set.
func TestEmitDocumentIsExact(t *testing.T) {
	raw, err := os.ReadFile(repository(t, "docs", "emit.md"))
	if err != nil {
		t.Fatal(err)
	}
	doc := string(raw)
	body := regexp.MustCompile(`printf '%s' '(\{"specversion".*\})' > event.json`).FindStringSubmatch(doc)
	if body == nil {
		t.Fatal("no worked example")
	}
	if _, bad := ledger.Decode([]byte(body[1])); bad != nil {
		t.Errorf("the worked example is no event: %v", bad)
	}
	seed := make([]byte, ed25519.SeedSize)
	for i := range seed {
		seed[i] = byte(i)
	}
	header := ledger.HeaderSignature + ": " + ledger.Sign("bawaslu/contoh", ed25519.NewKeyFromSeed(seed), []byte(body[1])).String() + "\n"
	if !strings.Contains(doc, header) {
		t.Errorf("the signature of the worked example is %s", header)
	}
	_, rest, _ := strings.Cut(doc, "<!-- receipt -->\n```text\n")
	text, _, _ := strings.Cut(rest, "\n\u2014 ")
	receipt, err := ledger.ParseReceipt(strings.TrimSuffix(text, "\n") + "\n")
	if err != nil || receipt.Sum != (ledger.Submission{Body: []byte(body[1])}).Sum() {
		t.Errorf("the receipt is not one of the worked example: %v", err)
	}
	_, section, _ := strings.Cut(doc, "\n## 8. ")
	section, _, _ = strings.Cut(section, "\n## 9. ")
	known := map[string]bool{}
	for _, r := range ledger.Reasons() {
		known["`"+string(r.Code)+"`"] = true
		if strings.Count(section, "`"+string(r.Code)+"`") != 1 {
			t.Errorf("section 8 of docs/emit.md does not say once what to do about %s", r.Code)
		}
	}
	for _, line := range strings.Split(section, "\n") {
		cells := strings.Split(line, "|")
		if len(cells) < 4 || !strings.Contains(cells[1], "`") {
			continue
		}
		for _, code := range strings.Fields(cells[1]) {
			if !known[code] {
				t.Errorf("there is no reason %s", code)
			}
		}
	}
}
