package house

import (
	"fmt"
	"go/ast"
	"path"
	"slices"
	"strings"
	"testing"
)

// Ceilings, not aims: a file has 200 to 400 lines, and a function fits a
// screen. Cyclomatic complexity is the linter's.
const (
	maxFileLines = 600
	maxFuncLines = 80
	maxMethods   = 4
	maxChain     = 5
)

func TestFilesAndFunctionsStaySmall(t *testing.T) {
	var complaints []string
	for _, f := range goFiles(t) {
		complaints = append(complaints, sizeComplaints(f)...)
	}
	report(t, complaints)
}

func sizeComplaints(f goFile) []string {
	var complaints []string
	if lines := f.line(f.ast.FileEnd); lines > maxFileLines {
		complaints = append(complaints, fmt.Sprintf("%s: %d lines, more than %d", f.path, lines, maxFileLines))
	}
	for _, d := range f.ast.Decls {
		fn, ok := d.(*ast.FuncDecl)
		if !ok || fn.Body == nil {
			continue
		}
		if lines := f.line(fn.Body.Rbrace) - f.line(fn.Body.Lbrace) - 1; lines > maxFuncLines {
			complaints = append(complaints, fmt.Sprintf("%s:%d: %s has %d lines, more than %d",
				f.path, f.line(fn.Pos()), fn.Name.Name, lines, maxFuncLines))
		}
	}
	return complaints
}

// foreignMethods is how many methods the interfaces of others have that ours
// embed.
var foreignMethods = map[string]int{
	"error": 1, "any": 0, "comparable": 0,
	"fmt.Stringer": 1, "io.Reader": 1, "io.ReaderAt": 1, "io.Writer": 1, "io.WriterAt": 1, "io.Closer": 1, "io.Seeker": 1,
	"io.ReadCloser": 2, "io.ReadWriter": 2, "io.WriteCloser": 2, "io.ReadWriteCloser": 3,
}

func TestInterfacesStaySmall(t *testing.T) { report(t, interfaceComplaints(goFiles(t))) }

func interfaceComplaints(files []goFile) []string {
	named := namedInterfaces(files)
	var complaints []string
	for _, f := range files {
		ast.Inspect(f.ast, func(n ast.Node) bool {
			i, ok := n.(*ast.InterfaceType)
			if !ok {
				return true
			}
			methods, err := countMethods(named, namedInterface{f, i}, 0)
			if err != nil {
				complaints = append(complaints, fmt.Sprintf("%s:%d: %v", f.path, f.line(i.Pos()), err))
			} else if methods > maxMethods {
				complaints = append(complaints, fmt.Sprintf("%s:%d: an interface with %d methods, more than %d",
					f.path, f.line(i.Pos()), methods, maxMethods))
			}
			return true
		})
	}
	return complaints
}

type namedInterface struct {
	file goFile
	typ  *ast.InterfaceType
}

// namedInterfaces are ours by directory and name, "ledger.Store".
func namedInterfaces(files []goFile) map[string]namedInterface {
	named := map[string]namedInterface{}
	for _, f := range files {
		ast.Inspect(f.ast, func(n ast.Node) bool {
			if spec, ok := n.(*ast.TypeSpec); ok {
				if i, ok := spec.Type.(*ast.InterfaceType); ok {
					named[f.dir+"."+spec.Name.Name] = namedInterface{f, i}
				}
			}
			return true
		})
	}
	return named
}

func countMethods(named map[string]namedInterface, i namedInterface, depth int) (int, error) {
	if depth > 10 {
		return 0, fmt.Errorf("an interface that embeds itself")
	}
	total := 0
	for _, field := range i.typ.Methods.List {
		if len(field.Names) > 0 {
			total += len(field.Names)
			continue
		}
		var ourName, otherName string
		switch x := field.Type.(type) {
		case *ast.Ident:
			ourName, otherName = i.file.dir+"."+x.Name, x.Name
		case *ast.SelectorExpr:
			pkg := x.X.(*ast.Ident).Name
			otherName = pkg + "." + x.Sel.Name
			for _, imp := range i.file.imports() {
				if p, is := ours(imp); is && path.Base(p) == pkg {
					ourName = p + "." + x.Sel.Name
				}
			}
		default:
			continue // a constraint: a union or ~T has no methods
		}
		if inner, ok := named[ourName]; ok {
			n, err := countMethods(named, inner, depth+1)
			if err != nil {
				return 0, err
			}
			total += n
			continue
		}
		n, ok := foreignMethods[otherName]
		if !ok {
			return 0, fmt.Errorf("embeds %s, whose methods are not counted in internal/house", otherName)
		}
		total += n
	}
	return total, nil
}

func TestImportChainsStayShort(t *testing.T) { report(t, chainComplaints(goFiles(t))) }

func chainComplaints(files []goFile) []string {
	imports := map[string][]string{}
	for _, f := range files {
		if f.test {
			continue
		}
		for _, imp := range f.imports() {
			if p, is := ours(imp); is && !slices.Contains(imports[f.dir], p) {
				imports[f.dir] = append(imports[f.dir], p)
			}
		}
	}
	// Go itself refuses circles, so this ends.
	var longest func(p string) []string
	longest = func(p string) []string {
		var best []string
		for _, next := range imports[p] {
			if chain := longest(next); len(chain) > len(best) {
				best = chain
			}
		}
		return append([]string{p}, best...)
	}
	var complaints []string
	for p := range imports {
		if chain := longest(p); len(chain) > maxChain {
			complaints = append(complaints, fmt.Sprintf("a chain of %d imports, more than %d: %s",
				len(chain), maxChain, strings.Join(chain, " > ")))
		}
	}
	return complaints
}

func TestCeilingsComplain(t *testing.T) {
	src := func(name, text string) goFile { return parseGo(t, name, []byte(text)) }
	lines := func(n int) string { return strings.Repeat("\n", n) }
	wantComplaints(t, sizeComplaints(src("a/a.go", "package a\nfunc f() {"+lines(81)+"}"+lines(600-82))))
	wantComplaints(t, sizeComplaints(src("a/a.go", "package a\nfunc f() {"+lines(82)+"}"+lines(600-82))),
		"601 lines", "f has 81 lines")
	m := module + "/"
	wantComplaints(t, interfaceComplaints([]goFile{
		src("a/a.go", `package a; import "io"; type Four interface { A(); B(); io.ReadCloser }; type Num interface { ~int | ~string }`),
		src("a/b.go", `package a; type Five interface { Four; E() }`),
		src("b/b.go", `package b; import "`+m+`a"; func f(x interface { a.Five }) {}`),
		src("c/c.go", `package c; import "fmt"; type X interface { fmt.Formatter }`),
	}), "a/b.go:1: an interface with 5", "b/b.go:1: an interface with 5", "embeds fmt.Formatter")
	chain := func(from, to string) goFile {
		return src(from+"/x.go", `package x; import _ "`+m+to+`"`)
	}
	five := []goFile{chain("a", "b"), chain("b", "c"), chain("c", "d"), chain("d", "e")}
	wantComplaints(t, chainComplaints(five))
	wantComplaints(t, chainComplaints(append(five, chain("e", "f"))), "a > b > c > d > e > f")
}
