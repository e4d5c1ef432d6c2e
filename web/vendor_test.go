package web

import (
	"os"
	"path"
	"regexp"
	"strings"
	"testing"
)

// licences says under whose licence a vendored file is, by the beginning of its
// name.
var licences = map[string]string{"htmx-": "htmx"}

// TestVendored: every vendored file has its licence beside it, the version in its
// name, and is one that scripts/vendor.sh fetches again and compares.
func TestVendored(t *testing.T) {
	script, err := os.ReadFile("../scripts/vendor.sh")
	if err != nil {
		t.Fatal(err)
	}
	version := regexp.MustCompile(`-\d+\.\d+\.\d+\.`)
	assets, err := readAssets()
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for name := range assets {
		file, ok := strings.CutPrefix(name, "vendor/")
		if !ok {
			continue
		}
		n++
		if !strings.Contains(string(script), " "+file+`"`) {
			t.Errorf("scripts/vendor.sh does not compare %s", file)
		}
		if strings.HasSuffix(file, "-LICENSE.txt") {
			continue
		}
		if !version.MatchString(file) {
			t.Errorf("%s does not say its version", file)
		}
		licence := ""
		for begin, of := range licences {
			if strings.HasPrefix(file, begin) {
				licence = "vendor/" + of + "-LICENSE.txt"
			}
		}
		if len(assets[licence].body) < 400 {
			t.Errorf("%s has no licence beside it", file)
		}
	}
	if n < 2 {
		t.Errorf("%d vendored files", n)
	}
}

// TestNothingFromElsewhere: no sheet, script or template of ours names an address
// of another server. What pages ask for at run time the walks in the browser see.
func TestNothingFromElsewhere(t *testing.T) {
	outside := regexp.MustCompile(`(?i)@import|url\(\s*['"]?(https?:)?//|(src|href|action)=["'](https?:)?//|\bimport\s*\(?["']https?:|fetch\(["'](https?:)?//`)
	assets, err := readAssets()
	if err != nil {
		t.Fatal(err)
	}
	for name, a := range assets {
		if ext := path.Ext(name); !strings.HasPrefix(name, "vendor/") && (ext == ".css" || ext == ".js" || ext == ".svg") && outside.Match(a.body) {
			t.Errorf("static/%s: %s", name, outside.Find(a.body))
		}
	}
	templates, err := files.ReadDir("templates")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range templates {
		body, err := files.ReadFile("templates/" + f.Name())
		if err != nil {
			t.Fatal(err)
		}
		if outside.Match(body) {
			t.Errorf("templates/%s: %s", f.Name(), outside.Find(body))
		}
	}
}
