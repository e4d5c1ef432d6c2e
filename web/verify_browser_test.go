package web

import (
	"context"
	"encoding/json"
	"flag"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/berkas-ledger/berkas/internal/forge"
	"github.com/berkas-ledger/berkas/ledger"
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

// TestVerifyPageInBrowser gives every bundle of the table that the program is
// tested with (TestTamperedBundles of package verify) to the static page in
// headless Chromium, from a file and without a network. It has to find the same.
func TestVerifyPageInBrowser(t *testing.T) {
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
