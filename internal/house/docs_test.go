package house

import (
	"fmt"
	"net/url"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var (
	shellBlock = regexp.MustCompile("(?ms)^```(?:sh|bash|shell|console)\n(.*?)^```")
	makeTarget = regexp.MustCompile(`(?m)^([a-z][a-z0-9-]*):`)
	ownProgram = regexp.MustCompile(`^(\./)?(scripts|\.ci)/\S+`)
	mdLink     = regexp.MustCompile(`\]\(([^()\s]+)\)`)
)

// TestDocumentedCommandsExist: what a page tells the reader to type must be
// there. That the commands of berkas do what the README says is a test of
// cmd/berkas.
func TestDocumentedCommandsExist(t *testing.T) {
	files := allFiles(t)
	if !slices.Contains(files, "README.md") {
		t.Fatal("README.md is missing: a newcomer reads it first, and its commands are tested")
	}
	targets := makeTargets(string(readFile(t, "Makefile")))
	var complaints []string
	for _, name := range files {
		if path.Ext(name) != ".md" {
			continue
		}
		text := string(readFile(t, name))
		complaints = append(complaints, commandComplaints(name, text, targets, files)...)
		complaints = append(complaints, linkComplaints(name, text, files)...)
	}
	if readme := string(readFile(t, "README.md")); !shellBlock.MatchString(readme) {
		complaints = append(complaints, "README.md: no ```sh block, so no command for a newcomer")
	}
	report(t, complaints)
}

func makeTargets(makefile string) []string {
	var targets []string
	for _, m := range makeTarget.FindAllStringSubmatch(makefile, -1) {
		targets = append(targets, m[1])
	}
	return targets
}

// commandComplaints looks at the lines of shell blocks; "$ " before them, and
// output between those, is allowed in console blocks.
func commandComplaints(name, text string, targets, files []string) []string {
	var complaints []string
	for _, block := range shellBlock.FindAllStringSubmatch(text, -1) {
		prompts := strings.Contains("\n"+block[1], "\n$ ")
		for _, line := range strings.Split(block[1], "\n") {
			command, prompted := strings.CutPrefix(line, "$ ")
			if prompts && !prompted {
				continue
			}
			words := strings.Fields(command)
			if len(words) > 1 && words[0] == "make" {
				for _, w := range words[1:] {
					if strings.HasPrefix(w, "#") {
						break
					}
					if !strings.Contains(w, "=") && !slices.Contains(targets, w) {
						complaints = append(complaints, fmt.Sprintf("%s: the Makefile has no target %s", name, w))
					}
				}
			}
			if p := ownProgram.FindString(command); p != "" && !slices.Contains(files, path.Clean(p)) {
				complaints = append(complaints, fmt.Sprintf("%s: there is no %s", name, p))
			}
		}
	}
	return complaints
}

// linkComplaints looks at links to files of the repository.
func linkComplaints(name, text string, files []string) []string {
	var complaints []string
	for _, m := range mdLink.FindAllStringSubmatch(text, -1) {
		u, err := url.Parse(m[1])
		if err != nil || u.Scheme != "" || u.Path == "" {
			continue
		}
		target := path.Join(path.Dir(name), u.Path)
		there := slices.ContainsFunc(files, func(f string) bool { return below(f, target) })
		if !there {
			complaints = append(complaints, fmt.Sprintf("%s: the link %s leads nowhere", name, m[1]))
		}
	}
	return complaints
}

func TestDocumentRulesComplain(t *testing.T) {
	targets := makeTargets(".PHONY: help\nhelp: ## x\nneed-a need-b: need-%:\nX := y\ndemo: help\n\techo a: b\n")
	if !slices.Equal(targets, []string{"help", "demo"}) {
		t.Errorf("targets %q", targets)
	}
	files := []string{"README.md", "docs/adr/0001.md", "scripts/a.sh"}
	text := "```sh\nmake demo ONCE=1 # later: make more\nmake gone\nscripts/a.sh\n./scripts/b.sh\n```\n" +
		"```console\n$ make help\nmake nonsense is output here\n```\nmake nothing\n"
	wantComplaints(t, commandComplaints("README.md", text, targets, files), "no target gone", "no ./scripts/b.sh")
	links := "[a](docs/adr/) [b](docs/adr/0001.md#x) [c](https://example.org/x) [d](#here) [e](docs/gone.md)"
	wantComplaints(t, linkComplaints("README.md", links, files), "docs/gone.md")
	wantComplaints(t, linkComplaints("docs/x.md", "[a](../README.md) [b](adr/0001.md)", files))
}
