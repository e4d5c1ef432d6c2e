package house

import (
	"go/ast"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var (
	plainTests    = regexp.MustCompile(`(?m)^PLAIN := (.+)$`)
	plainPackages = regexp.MustCompile(`(?m)^\t.* -run '\$\(PLAIN\)' (.+)$`)
)

// TestPlainTestsAreRun: what is not built under the race detector is run without it
// by make test, and nothing else is run twice.
func TestPlainTestsAreRun(t *testing.T) {
	pattern, packages := plainOf(t, string(readFile(t, "Makefile")))
	var complaints []string
	count := 0
	for _, f := range goFiles(t) {
		for _, name := range testsIn(f) {
			plain := slices.Contains(packages, "./"+f.dir) && pattern.MatchString(name)
			if plain {
				count++
			}
			if plain != withoutRace(f) {
				complaints = append(complaints, f.path+": "+name+" is run by make test both with and without the race detector, or not at all: see PLAIN in the Makefile")
			}
		}
	}
	report(t, complaints)
	if count == 0 {
		t.Error("no test is run without the race detector: PLAIN in the Makefile is of no use")
	}
}

func plainOf(t *testing.T, makefile string) (pattern *regexp.Regexp, packages []string) {
	t.Helper()
	p, in := plainTests.FindStringSubmatch(makefile), plainPackages.FindStringSubmatch(makefile)
	if p == nil || in == nil {
		t.Fatal("the Makefile does not say which tests run without the race detector")
	}
	return regexp.MustCompile(strings.ReplaceAll(p[1], "$$", "$")), strings.Fields(in[1])
}

// withoutRace reports whether a file is left out of builds with the race detector.
func withoutRace(f goFile) bool {
	for _, group := range f.ast.Comments {
		if group.Pos() > f.ast.Package {
			return false
		}
		for _, c := range group.List {
			if c.Text == "//go:build !race" {
				return true
			}
		}
	}
	return false
}

func testsIn(f goFile) []string {
	var list []string
	for _, d := range f.ast.Decls {
		if fn, ok := d.(*ast.FuncDecl); ok && f.test && fn.Recv == nil && strings.HasPrefix(fn.Name.Name, "Test") && fn.Name.Name != "TestMain" {
			list = append(list, fn.Name.Name)
		}
	}
	return list
}

func TestWithoutRaceIsSeen(t *testing.T) {
	plain := parseGo(t, "a_test.go", []byte("//go:build !race\n\n// Why.\n\npackage a\n\nfunc TestA(t *testing.T) {}\n"))
	other := parseGo(t, "b_test.go", []byte("package a\n\n//go:build !race\nfunc TestB(t *testing.T) {}\n"))
	if !withoutRace(plain) || withoutRace(other) || !slices.Equal(testsIn(plain), []string{"TestA"}) {
		t.Error("what is left out under the race detector is not told apart")
	}
	pattern, packages := plainOf(t, "PLAIN := InBrowser$$|^TestX$$\n\ntest-plain:\n\t$(GO) test -run '$(PLAIN)' ./web ./a\n")
	if !pattern.MatchString("TestInBrowser") || pattern.MatchString("TestXY") || !slices.Equal(packages, []string{"./web", "./a"}) {
		t.Error("the Makefile is misread")
	}
}
