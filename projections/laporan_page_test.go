package projections

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/berkas-ledger/berkas/internal/testkit"
)

// TestPageOfReports runs the SQL of docs/laporan.md, and the example in a
// comment, as somebody who may read cases, over the history of 2020.
func TestPageOfReports(t *testing.T) {
	url := testkit.DB(t)
	dropRolesAtEnd(t, connectTo(t, url), "pembaca")
	b := demo(t)
	projectLoudly(t, url, b.feed(1000))
	conn := login(t, url, ReportLogin{Name: "pembaca", Cases: true})
	raw, err := os.ReadFile("../docs/laporan.md")
	if err != nil {
		t.Fatal(err)
	}
	answers := make(map[string]string) // by the comment above a statement
	statements := 0
	for _, block := range regexp.MustCompile("(?ms)^```sql\n(.*?)^```").FindAllStringSubmatch(string(raw), -1) {
		for sql := range strings.SplitSeq(block[1], ";\n") {
			if strings.TrimSpace(sql) == "" {
				continue
			}
			statements++
			title, _, _ := strings.Cut(strings.TrimSpace(sql), "\n")
			answers[title] = answer(t, conn, sql)
		}
	}
	if statements != 10 {
		t.Errorf("%d statements, want 10", statements)
	}
	for title, want := range map[string]string{
		"-- what had happened by 26 November 2020 in the cases that BKN had seen":         "recommended 727",
		"-- how many respondents were unblocked after the end of 2020, by 10 August 2021": "44",
		"-- blocked respondents by BKN's office, as of 26 November 2020, as known now":    "central 17\nIV 5\nIX 2\nIII 1\nXII 1",
	} {
		if !strings.Contains("\n"+answers[title]+"\n", "\n"+want+"\n") {
			t.Errorf("%s answers\n%s\nwant %s", title, answers[title], want)
		}
	}
	comment := one(t, conn, "SELECT obj_description('laporan.respondent_history'::regclass, 'pg_class')")
	example := regexp.MustCompile(`SELECT count.*?;`).FindString(comment)
	got := answer(t, conn, strings.ReplaceAll(strings.TrimSuffix(example, ";"), "5000", one(t, conn, "SELECT position FROM progress")))
	if want := one(t, conn, "SELECT value FROM national_at(as_of => '2020-11-26') WHERE measure = 'sanctioned'"); got != want || want == "0" {
		t.Errorf("the example in the comment answers %s, national_at %s", got, want)
	}
	views := strs(t, conn, "SELECT relname FROM pg_class WHERE relnamespace = 'laporan'::regnamespace AND relkind = 'v'")
	told := regexp.MustCompile("(?m)^\\| `([a-z_]+)` \\|.*\\| `(laporan_[a-z_]+)` \\|$").FindAllStringSubmatch(string(raw), -1)
	if len(told) != len(views) {
		t.Errorf("the page tells of %d views, there are %d", len(told), len(views))
	}
	for _, row := range told {
		may := one(t, conn, "SELECT has_table_privilege('laporan_reader', 'laporan."+row[1]+"', 'SELECT')")
		if !slices.Contains(views, row[1]) || (row[2] == RoleReader) != (may == "true") {
			t.Errorf("%s is told to be for %s; laporan_reader may read it: %s", row[1], row[2], may)
		}
	}
}

// answer is what a query gives: lines of cells divided by spaces.
func answer(t *testing.T, conn *pgx.Conn, sql string) string {
	t.Helper()
	rows, err := conn.Query(t.Context(), sql, pgx.QueryExecModeSimpleProtocol)
	if err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	var lines []string
	for rows.Next() {
		var cells []string
		for _, cell := range rows.RawValues() {
			cells = append(cells, string(cell))
		}
		lines = append(lines, strings.Join(cells, " "))
	}
	if err := rows.Err(); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	if len(lines) == 0 {
		t.Errorf("%s answers nothing", sql)
	}
	return strings.Join(lines, "\n")
}
