package house

import (
	"bytes"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// pattern joins its parts, so that no forbidden word stands in this file.
func pattern(parts ...string) *regexp.Regexp { return regexp.MustCompile(strings.Join(parts, "")) }

// foreign words tie the repository to the machine or the registries it was
// built with. A clone elsewhere must not know them.
var foreign = []*regexp.Regexp{
	pattern(`(^|[^a-zA-Z])/(wo`, `rk|fa`, `rm)/`),
	pattern(`/tmp/(bash`, `_jobs|rese`, `arch)`),
	pattern(`(proxy|sum)\.go`, `lang\.org`),
	pattern(`registry\.np`, `m[a-z]*\.org`),
	pattern(`(deb|security)\.deb`, `ian\.org`),
	pattern(`(fa`, `rm-(studio|bench)|\.lib`, `rary)`),
}

// unfinished words stand in code that is not done, or in a test that is none.
var unfinished = []*regexp.Regexp{
	pattern(`TO`, `DO|FIX`, `ME|XX`, `X`),
	pattern(`not impl`, `emented`),
	pattern(`[tb]\.Sk`, `ip(Now|f)?\(`),
}

func TestForbiddenWords(t *testing.T) {
	var complaints []string
	for _, name := range allFiles(t) {
		text := readFile(t, name)
		if bytes.IndexByte(text, 0) < 0 {
			complaints = append(complaints, wordComplaints(name, string(text))...)
		}
	}
	report(t, complaints)
}

func wordComplaints(name, text string) []string {
	rules := foreign
	if slices.Contains([]string{".go", ".sh", ".sql"}, path.Ext(name)) || name == "Makefile" || name == ".ci/run" {
		rules = slices.Concat(foreign, unfinished)
	}
	var complaints []string
	for n, line := range strings.Split(text, "\n") {
		for _, rule := range rules {
			if word := rule.FindString(line); word != "" {
				complaints = append(complaints, fmt.Sprintf("%s:%d: %q may not stand in the repository", name, n+1, word))
			}
		}
	}
	return complaints
}

func TestForbiddenWordsComplain(t *testing.T) {
	wantComplaints(t, wordComplaints("a.md", "fine\nsee /wo"+"rk/main\nTO"+"DO is a word here"), "a.md:2")
	wantComplaints(t, wordComplaints("a.go", "// TO"+"DO\n// fine\nt.Sk"+"ip()\n// fine: network/works"), "a.go:1", "a.go:3")
}
