// Package house has no code of its own: its tests keep the whole repository to
// the rules that no linter knows. Everything is read and parsed in this
// process, because Go's test cache sees the files a test opens and not those
// of a program that it starts.
package house

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"sort"
	"strings"
	"testing"
)

const (
	root   = "../.."
	module = "github.com/berkas-ledger/berkas"
)

// goFile is a parsed Go file of the repository.
type goFile struct {
	path string // from the root, with slashes
	dir  string // of path, "." at the root
	test bool
	fset *token.FileSet
	ast  *ast.File
}

func parseGo(t *testing.T, name string, text []byte) goFile {
	t.Helper()
	fset := token.NewFileSet()
	tree, err := parser.ParseFile(fset, name, text, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	return goFile{path: name, dir: path.Dir(name), test: strings.HasSuffix(name, "_test.go"), fset: fset, ast: tree}
}

func (f goFile) line(p token.Pos) int { return f.fset.Position(p).Line }

// imports are the paths that the file imports.
func (f goFile) imports() []string {
	var list []string
	for _, i := range f.ast.Imports {
		list = append(list, strings.Trim(i.Path.Value, "`\""))
	}
	return list
}

// ours is a path of this module without the module's name.
func ours(importPath string) (string, bool) {
	if importPath == module {
		return ".", true
	}
	return strings.CutPrefix(importPath, module+"/")
}

// goFiles parses all Go files that the go command would build.
func goFiles(t *testing.T) []goFile {
	t.Helper()
	var list []goFile
	for _, name := range allFiles(t) {
		if !strings.HasSuffix(name, ".go") || strings.Contains("/"+name, "/testdata/") {
			continue
		}
		list = append(list, parseGo(t, name, readFile(t, name)))
	}
	if len(list) == 0 {
		t.Fatal("no Go files found: is the test run from its own directory?")
	}
	return list
}

// allFiles are the files of the repository, without git's own and without what
// programs leave: hidden directories other than .ci, and what .gitignore names.
func allFiles(t *testing.T) []string {
	t.Helper()
	var list []string
	err := filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, name)
		if err != nil {
			return err
		}
		rel = filepath.ToSlash(rel)
		hidden := strings.HasPrefix(d.Name(), ".") && rel != "." && rel != ".ci"
		if d.IsDir() && (hidden || rel == "bin" || rel == "data" || d.Name() == "node_modules") {
			return fs.SkipDir
		}
		if d.Type().IsRegular() {
			list = append(list, rel)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func readFile(t *testing.T, name string) []byte {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(name)))
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func report(t *testing.T, complaints []string) {
	t.Helper()
	sort.Strings(complaints)
	for _, c := range complaints {
		t.Error(c)
	}
}

// wantComplaints compares what a rule says about made-up sources with the
// words each complaint must contain: a rule that cannot complain is none.
func wantComplaints(t *testing.T, got []string, want ...string) {
	t.Helper()
	sort.Strings(got)
	if len(got) != len(want) {
		t.Fatalf("%d complaints, want %d:\n%s", len(got), len(want), strings.Join(got, "\n"))
	}
	for i := range want {
		if !strings.Contains(got[i], want[i]) {
			t.Errorf("complaint %q, want %q in it", got[i], want[i])
		}
	}
}
