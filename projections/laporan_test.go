package projections

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/berkas-ledger/berkas/internal/testkit"
	"github.com/berkas-ledger/berkas/ledger"
)

var update = flag.Bool("update", false, "write docs/measures.md and testdata/laporan.golden anew")

// golden compares with a file, or writes it with -update.
func golden(t *testing.T, file, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil || string(want) != got {
		t.Errorf("%s is not what the program makes (%v): run go generate ./projections and look at what changed", file, err)
	}
}

//go:generate go test -run ^TestMeasuresPage$ . -update

// TestMeasuresPage: docs/measures.md is what the tables say, and every measure,
// unit and filter has words.
func TestMeasuresPage(t *testing.T) {
	golden(t, filepath.Join("..", "docs", "measures.md"), MeasuresPage())
	for i, u := range ledger.Units {
		if i >= len(unitWords) || unitWords[i].code != string(u) {
			t.Errorf("unit %s has no words in its place", u)
		}
	}
	for i, f := range ledger.Filters {
		if i >= len(filterWords) || filterWords[i].code != f {
			t.Errorf("filter %s has no words in its place", f)
		}
	}
	if len(unitWords) != len(ledger.Units) || len(filterWords) != len(ledger.Filters) {
		t.Error("words of what is not there")
	}
}

const contractHead = `# The public contract of the schema laporan, as PostgreSQL tells it: columns in their order with
# their types, then functions and types. New columns go to the end of their view; nothing here is ever
# renamed, moved or taken away. Written by: go test ./projections -run TestReportsKeepTheirContract -update
`

// TestReportsKeepTheirContract: names, order and types are frozen, and each says
// what it means.
func TestReportsKeepTheirContract(t *testing.T) {
	url := testkit.DB(t)
	projectLoudly(t, url, sliceFeed(nil, 1))
	conn := connectTo(t, url)
	lines := strs(t, conn, `
		SELECT c.relname || '.' || a.attname || ' ' || format_type(a.atttypid, a.atttypmod)
		FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0
		WHERE c.relnamespace = 'laporan'::regnamespace AND c.relkind = 'v'
		ORDER BY c.relname COLLATE "C", a.attnum`)
	lines = append(lines, strs(t, conn, `
		SELECT 'function ' || proname || '(' || pg_get_function_arguments(oid) || ') ' || pg_get_function_result(oid)
		FROM pg_proc WHERE pronamespace = 'laporan'::regnamespace ORDER BY proname COLLATE "C"`)...)
	lines = append(lines, strs(t, conn, `
		SELECT 'type ' || c.relname || '.' || a.attname || ' ' || format_type(a.atttypid, a.atttypmod)
		FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0
		WHERE c.relnamespace = 'laporan'::regnamespace AND c.relkind = 'c' ORDER BY c.relname, a.attnum`)...)
	golden(t, filepath.Join("testdata", "laporan.golden"), contractHead+strings.Join(lines, "\n")+"\n")

	for what, sql := range map[string]string{
		"views":   `SELECT relname FROM pg_class c WHERE relnamespace = 'laporan'::regnamespace AND relkind = 'v' AND obj_description(oid, 'pg_class') IS NULL`,
		"columns": `SELECT c.relname || '.' || attname FROM pg_class c JOIN pg_attribute a ON attrelid = c.oid AND attnum > 0 WHERE relnamespace = 'laporan'::regnamespace AND relkind = 'v' AND col_description(c.oid, attnum) IS NULL`,
		"functions": `SELECT proname FROM pg_proc WHERE pronamespace = 'laporan'::regnamespace AND
			(obj_description(oid, 'pg_proc') IS NULL OR proacl::text LIKE '%{=X%' OR proacl::text LIKE '%,=X%')`,
		// What may be NULL says what that means, and a moment that its days are Jakarta's.
		"moments": `SELECT c.relname || '.' || attname FROM pg_class c JOIN pg_attribute a ON attrelid = c.oid AND attnum > 0
			WHERE relnamespace = 'laporan'::regnamespace AND relkind = 'v' AND atttypid = 'timestamptz'::regtype AND col_description(c.oid, attnum) NOT LIKE '%Asia/Jakarta%'`,
		"plain times": `SELECT c.relname || '.' || attname FROM pg_class c JOIN pg_attribute a ON attrelid = c.oid AND attnum > 0
			WHERE relnamespace = 'laporan'::regnamespace AND relkind = 'v' AND atttypid IN ('timestamp'::regtype, 'date'::regtype)`,
	} {
		if bad := strs(t, conn, sql); len(bad) > 0 {
			t.Errorf("%s without what they owe: %s", what, strings.Join(bad, ", "))
		}
	}
}

// strs asks for one column of text.
func strs(t testing.TB, conn *pgx.Conn, sql string) []string {
	t.Helper()
	rows, err := conn.Query(t.Context(), sql)
	if err != nil {
		t.Fatal(err)
	}
	out, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// projectLoudly is project that shows what the projector warns of: views that
// could not be made.
func projectLoudly(t *testing.T, url string, feed ledger.Feed) {
	t.Helper()
	if err := NewProjector(Config{URL: url, Log: testkit.Log(t)}).Run(t.Context(), feed); err != nil {
		t.Fatal(err)
	}
}
