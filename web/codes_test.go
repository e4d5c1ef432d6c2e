package web

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/berkas-ledger/berkas/ledger"
)

// TestCodesAreDocumented: every code that this package answers with stands in
// docs/http.md, and no other does.
func TestCodesAreDocumented(t *testing.T) {
	page, err := os.ReadFile("../docs/http.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, ok := strings.Cut(string(page), "Besides those, the server says\n\n")
	list, _, ok2 := strings.Cut(rest, "\n\n")
	if !ok || !ok2 {
		t.Fatal("docs/http.md has no list of codes")
	}
	documented := map[string]bool{}
	for _, code := range strings.Fields(list) {
		documented[strings.Trim(code, "`")] = false
	}
	sources, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	made := regexp.MustCompile(`problem\([A-Za-z0-9.]+, "([a-z-]+)"`)
	for _, name := range sources {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range made.FindAllSubmatch(text, -1) {
			code := string(m[1])
			if _, ok := documented[code]; !ok {
				t.Errorf("%s: %s is not in docs/http.md", name, code)
			}
			documented[code] = true
			if _, taken := ledger.ReasonOf(ledger.Code(code)); taken {
				t.Errorf("%s: %s is a reason code of the ledger", name, code)
			}
		}
	}
	for code, used := range documented {
		if !used {
			t.Errorf("docs/http.md names %s, which nothing answers", code)
		}
	}
}
