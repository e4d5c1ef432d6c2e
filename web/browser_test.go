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

// TestInBrowser looks at the pages in headless Chromium: keyboard alone, narrow
// and wide, light and dark, without script, on paper, with axe; no errors, no
// request to elsewhere.
func TestInBrowser(t *testing.T) {
	const folder = "testdata/browser"
	node, chromium := browserTools(t, folder)
	s := newShelf(t)
	type page struct {
		Path   string `json:"path"`
		Status int    `json:"status"`
	}
	var list []page
	for _, path := range append(s.everyPage(), "/national?by=item&unit=recommendation&as-of=2020-11-26&filter=family%3Dethics", "/login", "/nothing") {
		status, _ := s.page(path)
		list = append(list, page{path, status})
	}
	body, err := json.Marshal(list)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "pages.json")
	if err := os.WriteFile(file, body, 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	c := exec.CommandContext(ctx, node, "walk.mjs", chromium, s.http.URL, file)
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
