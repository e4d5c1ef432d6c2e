//go:build !race

// The walks are not run under the race detector: it makes the server several times
// slower while Chromium is what is looked at. The same pages are asked for under
// it by page_*_test.go, and several at once by page_live_test.go and stream_test.go.

package web

import (
	"cmp"
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestInBrowser looks at each kind of page in headless Chromium: keyboard alone,
// narrow and wide, light and dark, with axe; no errors, no request to elsewhere.
// Pages with walks of their own are looked at there in their other states.
func TestInBrowser(t *testing.T) {
	t.Parallel()
	s := newShelf(t)
	inBrowser(t, "walk.mjs", s, s.looks(
		"/", "/national?as-of=2020-11-26&seen-by=bkn", "/national?as-of=2030-01-01", "/cases?measure=recommended&as-of=2020-11-26",
		"/cases?measure=admonished&unit=ppk", "/worklist?agency=bkn&as-of=2020-11-26", "/cases/"+s.strange, "/search", "/login", "/nothing",
	))
}

// look is a page that a walk looks at, with the status that it answers.
type look struct {
	Path   string `json:"path"`
	Status int    `json:"status"`
}

func (s *shelf) looks(paths ...string) []look {
	var list []look
	for _, path := range paths {
		status, _ := s.page(path)
		list = append(list, look{path, status})
	}
	return list
}

// inBrowser runs a walk of testdata/browser over a shelf's pages. The walk gets
// facts as JSON, for instance the looks it begins with.
func inBrowser(t *testing.T, walk string, s *shelf, facts any) {
	t.Helper()
	const folder = "testdata/browser"
	node, chromium := browserTools(t, folder)
	body, err := json.Marshal(facts)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "facts.json")
	if err := os.WriteFile(file, body, 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
	defer cancel()
	c := exec.CommandContext(ctx, node, walk, chromium, s.http.URL, file)
	c.Dir = folder
	out, err := c.CombinedOutput()
	if text := string(out); err != nil || !strings.Contains(text, "no complaints") {
		t.Errorf("%v\n%s", err, text)
	}
}

// browserTools finds what scripts/browser.sh installs.
func browserTools(t *testing.T, folder string) (node, chromium string) {
	t.Helper()
	const mend = "run scripts/browser.sh in the root of the repository (make test does)"
	for _, name := range []string{cmp.Or(os.Getenv("CHROMIUM"), "chromium"), "chromium-browser", "google-chrome"} {
		if found, err := exec.LookPath(name); err == nil {
			chromium = found
			break
		}
	}
	if chromium == "" {
		t.Fatal("there is no Chromium: " + mend)
	}
	if _, err := os.Stat(filepath.Join(folder, "node_modules", "playwright-core", "package.json")); err != nil {
		t.Fatalf("%v: %s", err, mend)
	}
	own, err := filepath.Glob(folder + "/node/node_modules/node-linux-*/bin/node")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range append([]string{"node"}, own...) {
		path, err := exec.LookPath(name)
		if err != nil {
			continue
		}
		if path, err = filepath.Abs(path); err != nil {
			t.Fatal(err)
		}
		if exec.CommandContext(t.Context(), path, "-e", "process.exit(parseInt(process.versions.node) < 20 ? 1 : 0)").Run() == nil {
			return path, chromium
		}
	}
	t.Fatal("there is no Node.js 20 or newer: " + mend)
	return "", ""
}
