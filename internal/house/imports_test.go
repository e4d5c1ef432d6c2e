package house

import (
	"fmt"
	"go/ast"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const (
	anything = "all"       // may import every package of ours
	asNeeded = "as needed" // the same, for internal packages
)

// mayImport is who may import whom of our packages; a package that is not here
// may not exist. ARCHITECTURE.md has the same table for people.
var mayImport = map[string]string{
	"ledger":             "",
	"schemas":            "ledger",
	"roster":             "ledger",
	"seal":               "",
	"agencies":           "ledger schemas seal",
	"eventstore":         "ledger",
	"registrar":          "ledger schemas roster",
	"projections":        "ledger roster",
	"transparency":       "ledger",
	"verify":             "ledger schemas roster",
	"vault":              "ledger seal",
	"rates":              "",
	"disclosure":         "",
	"webhooks":           "ledger",
	"exports":            "ledger",
	"web":                "ledger schemas roster projections transparency verify vault rates disclosure exports",
	"cmd/berkas":         anything,
	"examples/agency-go": "agencies ledger",
	"internal/forge":     asNeeded,
	"internal/local":     asNeeded,
	"internal/procedure": asNeeded,
	"internal/simulate":  asNeeded,
	"internal/testkit":   asNeeded,
	"internal/house":     "",
}

// testsMayImport is what the tests of a package may import besides: the parts it
// is put together with.
var testsMayImport = map[string]string{
	"registrar": "eventstore verify",
	"verify":    "agencies",
	"web":       "eventstore registrar seal",
}

// mayUse is which of our packages may import which modules of others; a module
// that is not here is no dependency of ours. Tests may use all of them.
var mayUse = map[string]string{
	"github.com/nats-io/":                        "eventstore agencies internal/* cmd/*",
	"github.com/jackc/pgx/v5":                    "projections internal/* cmd/*",
	"github.com/pressly/goose/v3":                "projections internal/* cmd/*",
	"github.com/santhosh-tekuri/jsonschema/v6":   "schemas",
	"github.com/go-jose/go-jose/v4":              "seal",
	"github.com/go-json-experiment/json":         "*",
	"github.com/google/uuid":                     "*",
	"github.com/danielgtaylor/huma/v2":           "web",
	"github.com/spf13/cobra":                     "cmd/*",
	"github.com/spf13/pflag":                     "cmd/*",
	"github.com/xuri/excelize/v2":                "exports",
	"codeberg.org/go-pdf/fpdf":                   "exports",
	"github.com/arran4/golang-ical":              "web",
	"github.com/schollz/progressbar/v3":          "cmd/*",
	"golang.org/x/term":                          "cmd/*",
	"golang.org/x/text":                          "cmd/* schemas projections web",
	"golang.org/x/sys":                           "agencies eventstore vault transparency internal/* cmd/*",
	"golang.org/x/mod/sumdb":                     "ledger eventstore registrar agencies transparency verify internal/* cmd/* examples/*",
	"go.uber.org/goleak":                         "internal/testkit",
	"pgregory.net/rapid":                         "",
	"github.com/rogpeppe/go-internal/testscript": "",
	"github.com/transparency-dev/formats":        "",
	"github.com/transparency-dev/merkle":         "",
}

// pure packages are functions from values to values: they open nothing, and
// the time comes in as a value.
var pure = []string{"ledger", "schemas", "roster", "seal", "verify", "rates", "disclosure"}

// impureImports are forbidden to them with all that lies below, but for the
// two parsers.
var (
	impureImports = []string{"net", "os", "database/sql", "syscall", "path/filepath", "log", "golang.org/x/sys", "math/rand"}
	pureAfterAll  = []string{"net/url", "net/netip"}
)

// clockReaders are the functions by which a program learns or waits for the
// time.
var clockReaders = map[string][]string{
	"time":                   {"Now", "Since", "Until", "After", "AfterFunc", "Tick", "NewTimer", "NewTicker", "Sleep"},
	"github.com/google/uuid": {"NewV7", "NewV6", "NewUUID", "GetTime"},
	"context":                {"WithTimeout", "WithDeadline", "WithTimeoutCause", "WithDeadlineCause"},
}

func TestWhoMayImportWhom(t *testing.T) { report(t, importComplaints(goFiles(t))) }

func importComplaints(files []goFile) []string {
	var complaints []string
	for _, f := range files {
		rights, known := mayImport[f.dir]
		if !known {
			complaints = append(complaints, fmt.Sprintf("%s: package %s stands in no import table (internal/house and ARCHITECTURE.md)", f.path, f.dir))
			continue
		}
		for _, imp := range f.imports() {
			if p, is := ours(imp); is {
				// A test may also start servers and make histories.
				allowed := rights == anything || rights == asNeeded || p == f.dir || slices.Contains(strings.Fields(rights), p) ||
					f.test && (strings.HasPrefix(p, "internal/") || slices.Contains(strings.Fields(testsMayImport[f.dir]), p))
				if !allowed || strings.HasPrefix(p, "cmd/") {
					complaints = append(complaints, fmt.Sprintf("%s: %s may not import %s", f.path, f.dir, p))
				}
				continue
			}
			if c := moduleComplaint(f, imp); c != "" {
				complaints = append(complaints, fmt.Sprintf("%s: %s", f.path, c))
			}
		}
	}
	return complaints
}

// moduleComplaint judges an import from outside this module.
func moduleComplaint(f goFile, imp string) string {
	if first, _, _ := strings.Cut(imp, "/"); !strings.Contains(first, ".") {
		return "" // the standard library
	}
	for mod, users := range mayUse {
		if !below(imp, mod) {
			continue
		}
		if f.test {
			return ""
		}
		for _, user := range strings.Fields(users) {
			if ok, _ := path.Match(user, f.dir); ok || user == "*" {
				return ""
			}
		}
		return fmt.Sprintf("%s may not import %s", f.dir, imp)
	}
	return fmt.Sprintf("%s is no dependency of ours", imp)
}

// below tells whether the path is the prefix or lies under it.
func below(p, prefix string) bool {
	return p == prefix || strings.HasPrefix(p, strings.TrimSuffix(prefix, "/")+"/")
}

func TestPurePackagesOpenNothingAndReadNoClock(t *testing.T) { report(t, purityComplaints(goFiles(t))) }

func purityComplaints(files []goFile) []string {
	var complaints []string
	for _, f := range files {
		if f.test || !slices.Contains(pure, f.dir) {
			continue
		}
		for _, imp := range f.imports() {
			if slices.Contains(pureAfterAll, imp) {
				continue
			}
			if slices.ContainsFunc(impureImports, func(p string) bool { return below(imp, p) }) {
				complaints = append(complaints, fmt.Sprintf("%s: %s is pure and may not import %s", f.path, f.dir, imp))
			}
		}
		complaints = append(complaints, clockComplaints(f)...)
	}
	return complaints
}

func clockComplaints(f goFile) []string {
	// By what name the file calls the packages that know the time.
	names := map[string][]string{}
	for _, i := range f.ast.Imports {
		imp := strings.Trim(i.Path.Value, "`\"")
		funcs, ok := clockReaders[imp]
		if !ok {
			continue
		}
		name := path.Base(imp)
		if i.Name != nil {
			name = i.Name.Name
		}
		names[name] = funcs
	}
	var complaints []string
	ast.Inspect(f.ast, func(n ast.Node) bool {
		sel, ok := n.(*ast.SelectorExpr)
		if !ok {
			return true
		}
		if x, ok := sel.X.(*ast.Ident); ok && slices.Contains(names[x.Name], sel.Sel.Name) {
			complaints = append(complaints, fmt.Sprintf("%s:%d: %s is pure and may not call %s.%s",
				f.path, f.line(sel.Pos()), f.dir, x.Name, sel.Sel.Name))
		}
		return true
	})
	return complaints
}

// architecture rows look like: | `registrar` | decides | `ledger schemas roster` |
// Several packages may share a row; none is written as –, and the two words of
// the table stand without backticks.
var (
	tableMarks = regexp.MustCompile(`(?s)<!-- import-table:begin -->(.*)<!-- import-table:end -->`)
	quoted     = regexp.MustCompile("`([^`]*)`")
)

func TestArchitectureHasTheSameTable(t *testing.T) {
	const doc = "ARCHITECTURE.md"
	if !slices.Contains(allFiles(t), doc) {
		t.Fatalf("%s is missing: it must have the import table of internal/house/imports_test.go "+
			"between <!-- import-table:begin --> and <!-- import-table:end -->", doc)
	}
	packages := map[string]bool{}
	for _, f := range goFiles(t) {
		packages[f.dir] = true
	}
	report(t, tableComplaints(string(readFile(t, doc)), packages))
}

func tableComplaints(doc string, packages map[string]bool) []string {
	found := tableMarks.FindStringSubmatch(doc)
	if found == nil {
		return []string{"ARCHITECTURE.md: no table between <!-- import-table:begin --> and <!-- import-table:end -->"}
	}
	var complaints []string
	seen := map[string]bool{}
	for _, line := range strings.Split(found[1], "\n") {
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), "|")
		if len(cells) < 3 {
			continue
		}
		rights := rightsCell(cells[len(cells)-1])
		for _, name := range quoted.FindAllStringSubmatch(cells[0], -1) {
			seen[name[1]] = true
			want, known := mayImport[name[1]]
			if !known {
				complaints = append(complaints, fmt.Sprintf("ARCHITECTURE.md: %s is not in the table of internal/house", name[1]))
			} else if rights != want {
				complaints = append(complaints, fmt.Sprintf("ARCHITECTURE.md: %s may import %q, but %q in internal/house", name[1], rights, want))
			}
		}
	}
	for p := range packages {
		if !seen[p] && p != "internal/house" {
			complaints = append(complaints, fmt.Sprintf("ARCHITECTURE.md: the import table has no row for %s", p))
		}
	}
	return complaints
}

// rightsCell reads the last cell of a row in the words of mayImport.
func rightsCell(cell string) string {
	var list []string
	for _, q := range quoted.FindAllStringSubmatch(cell, -1) {
		list = append(list, strings.Fields(q[1])...)
	}
	if len(list) > 0 {
		return strings.Join(list, " ")
	}
	return strings.Trim(strings.TrimSpace(cell), "–-")
}

func TestImportRulesComplain(t *testing.T) {
	src := func(name, text string) goFile { return parseGo(t, name, []byte(text)) }
	m := module + "/"
	wantComplaints(t, importComplaints([]goFile{
		src("ledger/a.go", `package ledger; import _ "`+m+`seal"`),
		src("ledger/b.go", `package ledger; import _ "`+m+`internal/testkit"`),
		src("ledger/b_test.go", `package ledger; import _ "`+m+`internal/testkit"`),
		src("other/a.go", `package other`),
		src("registrar/a.go", `package registrar; import _ "github.com/nats-io/nats.go/jetstream"`),
		src("registrar/a_test.go", `package registrar; import _ "github.com/nats-io/nats.go/jetstream"`),
		src("seal/a.go", `package seal; import _ "example.org/strange"`),
		src("vault/a.go", `package vault; import ("crypto/rand"; _ "`+m+`seal"; _ "`+m+`cmd/berkas")`),
	}),
		"ledger may not import seal", "ledger may not import internal/testkit", "no import table",
		"registrar may not import github.com/nats-io/nats.go", "no dependency of ours", "vault may not import cmd/berkas")
	wantComplaints(t, purityComplaints([]goFile{
		src("ledger/a.go", `package ledger; import ("time"; "net/url"); var _ = time.Unix; var _ url.URL`),
		src("ledger/b.go", `package ledger; import clock "time"; func f() { clock.Now() }`),
		src("ledger/c.go", `package ledger; import "time"; var now = time.Now`),
		src("roster/a.go", `package roster; import ("net/http"; "os")`),
		src("roster/b.go", `package roster; import "github.com/google/uuid"; func f() { uuid.NewV7() }`),
		src("roster/b_test.go", `package roster; import "time"; func f() { time.Now() }`),
		src("vault/a.go", `package vault; import ("os"; "time"); func f() { time.Now() }`),
	}),
		"clock.Now", "time.Now", "net/http", "import os", "uuid.NewV7")
	doc := "<!-- import-table:begin -->\n| package | holds | may import |\n|---|---|---|\n" +
		"| `ledger` | the language | – |\n| `schemas` | x | `ledger` |\n| `roster` | x | `seal` |\n" +
		"| `cmd/berkas` | x | all |\n| `internal/local`, `internal/testkit` | x | as needed |\n| `nothing` | x | – |\n" +
		"<!-- import-table:end -->"
	wantComplaints(t, tableComplaints(doc, map[string]bool{"ledger": true, "vault": true, "internal/house": true}),
		"nothing is not in the table", `roster may import "seal"`, "no row for vault")
	wantComplaints(t, tableComplaints("nothing", nil), "no table between")
}
