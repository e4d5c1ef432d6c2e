package projections

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/berkas-ledger/berkas/internal/testkit"
	"github.com/berkas-ledger/berkas/ledger"
)

// one asks for one value of any kind, as text.
func one(t testing.TB, db rower, sql string) string {
	t.Helper()
	var v *string
	if err := db.QueryRow(t.Context(), "SELECT ("+sql+")::text").Scan(&v); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	if v == nil {
		return "NULL"
	}
	return *v
}

func must(t testing.TB, conn *pgx.Conn, sql string) {
	t.Helper()
	if _, err := conn.Exec(t.Context(), sql); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
}

// TestReportsFollowARebuild: a BI tool in the middle of a transaction, one with a
// prepared statement, and the projector, all go on over a rebuild.
func TestReportsFollowARebuild(t *testing.T) {
	url := testkit.DB(t)
	b := findings(30)
	projectLoudly(t, url, until(b.feed(10), 20))
	admin, tool, other := connectTo(t, url), connectTo(t, url), connectTo(t, url)
	prepared := func() (n int) {
		t.Helper()
		if err := other.QueryRow(t.Context(), "SELECT count(*) FROM laporan.respondents WHERE origin = $1", "finding").Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	tx, err := tool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	const asked = "SELECT string_agg(DISTINCT origin, ',') || ' ' || count(*) FROM laporan.cases"
	// What stands in the old tables only shows which are read.
	must(t, admin, "UPDATE projection.respondent_history SET origin = 'old'")
	if got := one(t, tx, asked); got != "old 11" || prepared() != 0 {
		t.Fatalf("before the rebuild: %s", got)
	}
	rebuilt := rebuildUntilTheSwitch(t, url, b.feed(10))
	// It waits for the open transaction, which holds nobody else up. Each of its
	// statements reads the old views or the new ones, whole: the new ones as soon as
	// its session has heard of them, which PostgreSQL does not promise when.
	projectLoudly(t, url, b.feed(10))
	if got := one(t, tx, asked); (got != "old 11" && got != "finding 30") || prepared() != 30 {
		t.Fatalf("after the switch: %s in the same transaction, prepared %d", got, prepared())
	}
	select {
	case err := <-rebuilt:
		t.Fatalf("the rebuild ended while its old tables are read: %v", err)
	default:
	}
	if err := tx.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := <-rebuilt; err != nil {
		t.Fatal(err)
	}
	if got := one(t, tool, asked); got != "finding 30" {
		t.Fatalf("after the transaction: %s", got)
	}
	// One that is not waited for leaves the old tables to the next rebuild.
	must(t, tool, "BEGIN; SELECT FROM laporan.cases")
	if _, err := Rebuild(t.Context(), Config{URL: url, dropPatience: 20 * time.Millisecond}, b.feed(10), RebuildOptions{}); err != nil {
		t.Fatal(err)
	}
	must(t, tool, "COMMIT")
	checkRebuilt(t, url, b.feed(10))
	if got := strs(t, admin, "SELECT nspname FROM pg_namespace WHERE nspname ~ '^(projection|laporan)' ORDER BY 1"); !slices.Equal(got, []string{"laporan", "projection"}) {
		t.Fatalf("schemas that are left: %s", got)
	}
	if got := one(t, tool, asked); got != "finding 30" || prepared() != 30 {
		t.Fatalf("after another rebuild: %s", got)
	}
}

// rebuildUntilTheSwitch returns when the tables are switched; the rebuild's end
// comes by the channel.
func rebuildUntilTheSwitch(t *testing.T, url string, feed ledger.Feed) <-chan error {
	t.Helper()
	listener := connectTo(t, url)
	must(t, listener, "LISTEN "+Channel)
	done := make(chan error, 1)
	go func() {
		_, err := Rebuild(context.Background(), Config{URL: url, dropPatience: 30 * time.Second}, feed, RebuildOptions{})
		done <- err
	}()
	for {
		n, err := listener.WaitForNotification(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if n.Payload == "switched" {
			return done
		}
	}
}

// TestReportsAreMadeWhenTheyAreNotWhole: by a program with other views, and after
// tables were dropped under them.
func TestReportsAreMadeWhenTheyAreNotWhole(t *testing.T) {
	url := testkit.DB(t)
	b := findings(10)
	conn := connectTo(t, url)
	for _, damage := range []string{
		"SELECT",
		"COMMENT ON SCHEMA laporan IS " + quote(reportsMark+"of last year"),
		"DROP VIEW laporan.cases",
		"DROP SCHEMA projection CASCADE",
		"DROP SCHEMA laporan CASCADE",
		"CREATE SCHEMA laporan_old; COMMENT ON SCHEMA laporan_old IS " + quote(reportsMark) + "; DROP VIEW laporan.cases",
	} {
		projectLoudly(t, url, b.feed(10))
		if got := one(t, conn, "SELECT count(*) FROM laporan.cases"); got != "10" {
			t.Fatalf("%s cases, want 10", got)
		}
		must(t, conn, damage)
	}
	projectLoudly(t, url, b.feed(10))
	if got := strs(t, conn, "SELECT nspname FROM pg_namespace WHERE nspname LIKE 'laporan%'"); !slices.Equal(got, []string{"laporan"}) {
		t.Fatalf("schemas that are left: %s", got)
	}
}

// TestAForgottenTransactionStopsNothing: one that reads views that were replaced
// twice keeps the third from being made, not the projections from going on.
func TestAForgottenTransactionStopsNothing(t *testing.T) {
	url := testkit.DB(t)
	b := findings(10)
	projectLoudly(t, url, until(b.feed(10), 10))
	admin, forgotten := connectTo(t, url), connectTo(t, url)
	must(t, forgotten, "BEGIN; SELECT FROM laporan.cases")
	again := "COMMENT ON SCHEMA laporan IS " + quote(reportsMark+"of last year")
	for i := range 3 {
		must(t, admin, again)
		c := Config{URL: url, dropPatience: 20 * time.Millisecond}
		if err := NewProjector(c).Run(t.Context(), until(b.feed(10), ledger.Position(11+i))); err != nil {
			t.Fatal(err)
		}
		if got := one(t, admin, "SELECT position FROM projection.progress"); got != fmt.Sprint(11+i) {
			t.Fatalf("the projections stand at %s, want %d", got, 11+i)
		}
	}
	must(t, forgotten, "COMMIT")
	projectLoudly(t, url, b.feed(10))
	if got := one(t, admin, "SELECT count(*) FROM laporan.cases"); got != "10" {
		t.Fatalf("%s cases, want 10", got)
	}
	if got := strs(t, admin, "SELECT obj_description(oid, 'pg_namespace') FROM pg_namespace WHERE nspname LIKE 'laporan%'"); !slices.Equal(got, []string{reportsComment()}) {
		t.Fatalf("schemas that are left: %q", got)
	}
}

// TestSomebodyElsesSchemaIsLeftAlone: whatever it holds, and the projections go
// on without views.
func TestSomebodyElsesSchemaIsLeftAlone(t *testing.T) {
	for _, name := range []string{"laporan", "laporan_old"} {
		url := testkit.DB(t)
		b := findings(10)
		conn := connectTo(t, url)
		must(t, conn, fmt.Sprintf("CREATE SCHEMA %s; CREATE TABLE %[1]s.budget AS SELECT 7 AS n", name))
		project(t, url, until(b.feed(10), 10))
		checkRebuilt(t, url, b.feed(10))
		project(t, url, b.feed(10))
		if n := opened(t, openReader(t, url)); n != 10 {
			t.Fatalf("%d cases, want 10", n)
		}
		if got := one(t, conn, "SELECT n FROM "+name+".budget"); got != "7" {
			t.Fatalf("%s.budget holds %s", name, got)
		}
		must(t, conn, fmt.Sprintf("ALTER SCHEMA %s RENAME TO anggaran", name))
		projectLoudly(t, url, b.feed(10))
		if got := one(t, conn, "SELECT count(*) FROM laporan.cases"); got != "10" {
			t.Fatalf("%s cases after the schema was renamed, want 10", got)
		}
	}
}

// TestQuestionsThatLaporanRefuses: what is not settled is not answered, and what
// makes no sense neither.
func TestQuestionsThatLaporanRefuses(t *testing.T) {
	url := testkit.DB(t)
	conn := connectTo(t, url)
	projectLoudly(t, url, sliceFeed(nil, 1))
	if got := one(t, conn, "SELECT count(*) FROM laporan.national"); got != "0" {
		t.Errorf("an empty ledger has %s national figures", got)
	}
	if got := one(t, conn, "SELECT concat_ws(' ', position, recorded_at, seconds_behind_at_most, stopped) FROM laporan.progress"); got != "0" {
		t.Errorf("progress of an empty ledger: %s", got)
	}
	refused := func(question, want string) {
		t.Helper()
		_, err := conn.Exec(t.Context(), "SELECT "+question)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", question, err, want)
		}
	}
	refused("laporan.national_at()", "no record is applied yet")
	refused("laporan.deadlines_at()", "no record is applied yet")
	if got := one(t, conn, "SELECT count(*) FROM laporan.deadlines"); got != "0" {
		t.Errorf("an empty ledger has %s deadlines", got)
	}
	b := findings(10)
	projectLoudly(t, url, b.feed(10))
	last := b.records[len(b.records)-1]
	later := quote(last.Recorded.Add(time.Microsecond).Format(ledger.RecordedFormat))
	next := quote(fmt.Sprint(last.Position + 1))
	for question, want := range map[string]string{
		"laporan.national_at(as_of => " + later + ")":                   "as-of lies after the last applied record, position 18",
		"laporan.national_at(known_at => " + later + ")":                "known-at lies after",
		"laporan.national_at(known_at => " + next + ")":                 "known-at lies after",
		"laporan.deadlines_at(as_of => " + later + ")":                  "as-of lies after the last applied record, position 18",
		"laporan.deadlines_at(known_at => " + next + ")":                "known-at lies after",
		"laporan.national_at(known_at => '0')":                          "positions count from 1",
		"laporan.national_at(known_at => '2019-01-01')":                 "nothing had been recorded",
		"laporan.national_at(unit => 'person')":                         `unknown unit "person"`,
		"laporan.national_at(unit => NULL)":                             "unknown unit",
		"laporan.national_at(seen_by => 'BKN')":                         `unknown agency "BKN"`,
		"laporan.national_at(as_of => 'yesterday')":                     "is neither a date",
		"laporan.moment('2020-09-01 10:00:00')":                         "is neither a date",
		"laporan.moment('2020-02-30')":                                  "out of range",
		"laporan.moment('2020-09-01T24:00:00Z')":                        "is neither a date",
		"laporan.position_at('99999999999999999999')":                   "is neither a date",
		"laporan.national_at(as_of => date '2020-09-01')":               "does not exist", // no silent reading in the session's zone
		"laporan.national_at(as_of => timestamptz '2020-09-01 00:00Z')": "does not exist",
	} {
		refused(question, want)
	}
	for question, want := range map[string]string{
		"laporan.moment('2020-09-01')":                  "2020-09-01 16:59:59.999999+00",
		"laporan.moment('2020-09-01T10:00:00.5+07:00')": "2020-09-01 03:00:00.5+00",
		"laporan.moment(NULL)":                          "NULL",
		"laporan.position_at('7')":                      "7",
		"laporan.position_at(" + quote(last.Recorded.Format(ledger.RecordedFormat)) + ")": "18",
	} {
		must(t, conn, "SET timezone = 'UTC'")
		if got := one(t, conn, "SELECT "+question); got != want {
			t.Errorf("%s is %s, want %s", question, got, want)
		}
	}
}

// as is a database's URL for another user.
func as(t testing.TB, databaseURL, user, password string) string {
	t.Helper()
	u, err := url.Parse(databaseURL)
	if err != nil {
		t.Fatal(err)
	}
	u.User = url.UserPassword(user, password)
	return u.String()
}

// dropRolesAtEnd: roles are of the whole server and would outlive the test.
func dropRolesAtEnd(t testing.TB, admin *pgx.Conn, roles ...string) {
	t.Cleanup(func() {
		for _, role := range append(roles, RoleReader, RoleCaseReader) {
			there, err := roleExists(context.Background(), admin, role)
			if err == nil && there {
				_, err = admin.Exec(context.Background(), fmt.Sprintf("DROP OWNED BY %s CASCADE; DROP ROLE %[1]s", role))
			}
			if err != nil {
				t.Error(err)
			}
		}
	})
}

func login(t testing.TB, databaseURL string, l ReportLogin) *pgx.Conn {
	t.Helper()
	u, err := CreateReportLogin(t.Context(), databaseURL, l)
	if err != nil {
		t.Fatal(err)
	}
	return connectTo(t, u)
}

// mayNot runs statements that have to be refused for want of a right.
func mayNot(t testing.TB, conn *pgx.Conn, code string, statements ...string) {
	t.Helper()
	for _, sql := range statements {
		if _, err := conn.Exec(t.Context(), sql); !hasCode(err, code) {
			t.Errorf("%s as %s: %v, want error %s", sql, conn.Config().User, err, code)
		}
	}
}

const (
	noRight  = "42501"
	readOnly = "25006"
	canceled = "57014"
)

var (
	figureViews = []string{"national", "national_at()", "figures", "definitions", "progress"}
	caseViews   = []string{"cases", "respondents", "respondent_history", "refusals", "milestones", "deadlines", "deadlines_at()"}
)

// TestReportLogins: who may read what, with real logins; before and after a
// rebuild.
func TestReportLogins(t *testing.T) {
	url := testkit.DB(t)
	admin := connectTo(t, url)
	dropRolesAtEnd(t, admin, "dasbor", "kajian", "hasty")
	if err := MakeReportRoles(t.Context(), url); !errors.Is(err, ErrNoReports) {
		t.Fatalf("roles without views: %v, want %v", err, ErrNoReports)
	}
	b := findings(10)
	projectLoudly(t, url, b.feed(10))
	must(t, admin, "CREATE SCHEMA other; CREATE TABLE other.secret AS SELECT 1 AS n; CREATE VIEW other.seen AS SELECT * FROM other.secret")
	for range 2 {
		if err := MakeReportRoles(t.Context(), url); err != nil {
			t.Fatal(err)
		}
	}
	reader := login(t, url, ReportLogin{Name: "dasbor"})
	cases := login(t, url, ReportLogin{Name: "kajian", Cases: true, Timeout: 10 * time.Second, Connections: 1})
	check := func() {
		t.Helper()
		for _, v := range append(slices.Clone(figureViews), caseViews...) {
			must(t, cases, "SELECT * FROM laporan."+v)
		}
		for _, v := range figureViews {
			must(t, reader, "SELECT * FROM "+v) // found by the search path
		}
		for _, v := range caseViews {
			mayNot(t, reader, noRight, "SELECT * FROM laporan."+v)
		}
		for _, conn := range []*pgx.Conn{reader, cases} {
			mayNot(t, conn, noRight, "SELECT * FROM projection.record", "SELECT * FROM projection.respondent_history",
				"SELECT * FROM other.secret", "SELECT * FROM other.seen", "SELECT rolpassword FROM pg_authid")
			mayNot(t, conn, readOnly, "CREATE TEMP TABLE x (n int)")
		}
	}
	check()
	checkRebuilt(t, url, b.feed(10))
	check()
	// Rights hold where the setting is undone.
	for _, conn := range []*pgx.Conn{reader, cases} {
		must(t, conn, "SET default_transaction_read_only = off")
		mayNot(t, conn, noRight, "INSERT INTO laporan.refusals (agency) VALUES ('bkn')", "UPDATE laporan.progress SET position = 1",
			"DELETE FROM laporan.refusals", "CREATE TABLE laporan.x (n int)", "CREATE SCHEMA x", "UPDATE projection.progress SET position = 1",
			"DROP VIEW laporan.cases", "ALTER SCHEMA laporan RENAME TO x", "SET ROLE berkas")
	}
	// Settings of a login.
	for setting, want := range map[string]string{
		"statement_timeout": "10s", "idle_in_transaction_session_timeout": "5min", "timezone": "Asia/Jakarta", "search_path": "laporan",
	} {
		if got := one(t, cases, "SELECT current_setting('"+setting+"')"); got != want {
			t.Errorf("%s is %s, want %s", setting, got, want)
		}
	}
	mayNot(t, login(t, url, ReportLogin{Name: "hasty", Timeout: 20 * time.Millisecond}), canceled, "SELECT pg_sleep(60)")
	if conn, err := pgx.Connect(t.Context(), cases.Config().ConnString()); !hasCode(err, "53300") {
		t.Errorf("a second connection of a login that may have one: %v, %v", conn, err)
	}
	if got := one(t, admin, "SELECT string_agg(rolname || ' ' || rolcanlogin || rolsuper || rolcreaterole || rolcreatedb, ', ' ORDER BY rolname) FROM pg_roles WHERE rolname LIKE 'laporan%'"); got != "laporan_case_reader falsefalsefalsefalse, laporan_reader falsefalsefalsefalse" {
		t.Errorf("group roles: %s", got)
	}
	if _, err := CreateReportLogin(t.Context(), url, ReportLogin{Name: "berkas"}); !errors.Is(err, ErrRoleExists) {
		t.Errorf("a login of the superuser's name: %v, want %v", err, ErrRoleExists)
	}
	for _, l := range []ReportLogin{{}, {Name: "Budi"}, {Name: "x; DROP ROLE dasbor"}, {Name: "pg_x"}, {Name: RoleReader}, {Name: "x", Timeout: -1}, {Name: "x", Connections: -1}} {
		if _, err := CreateReportLogin(t.Context(), url, l); err == nil {
			t.Errorf("%+v was made", l)
		}
	}
}

// TestRolesWithoutTheRightToMakeThem: the views are made all the same, and each
// who lacks a right is told which.
func TestRolesWithoutTheRightToMakeThem(t *testing.T) {
	url := testkit.DB(t)
	admin := connectTo(t, url)
	dropRolesAtEnd(t, admin, "plain", "maker", "dasbor")
	database := pgx.Identifier{admin.Config().Database}.Sanitize()
	must(t, admin, "CREATE ROLE plain LOGIN PASSWORD 'p'; CREATE ROLE maker LOGIN CREATEROLE PASSWORD 'p'; GRANT CREATE ON DATABASE "+database+" TO plain")
	plain, maker := as(t, url, "plain", "p"), as(t, url, "maker", "p")
	projectLoudly(t, plain, findings(5).feed(10))
	if got := one(t, connectTo(t, plain), "SELECT count(*) FROM laporan.cases"); got != "5" {
		t.Fatalf("%s cases, want 5", got)
	}
	lacks := func(err error, want string) {
		t.Helper()
		var rights *ErrReportRights
		if !errors.As(err, &rights) || !strings.Contains(err.Error(), want) {
			t.Fatalf("%v, want it to say %q", err, want)
		}
	}
	lacks(MakeReportRoles(t.Context(), plain), "CREATE ROLE laporan_reader NOLOGIN")
	lacks(MakeReportRoles(t.Context(), maker), "does not own the views") // but it made the roles
	if err := MakeReportRoles(t.Context(), plain); err != nil {
		t.Fatalf("the owner, with roles that are there: %v", err)
	}
	_, err := CreateReportLogin(t.Context(), plain, ReportLogin{Name: "dasbor"})
	lacks(err, "may not create a login")
	must(t, admin, "REVOKE CONNECT ON DATABASE "+database+" FROM PUBLIC")
	_, err = CreateReportLogin(t.Context(), url, ReportLogin{Name: "dasbor"})
	lacks(err, "GRANT CONNECT ON DATABASE")
	must(t, admin, "GRANT CONNECT ON DATABASE "+database+" TO laporan_reader")
	u, err := CreateReportLogin(t.Context(), url, ReportLogin{Name: "dasbor"})
	if err != nil {
		t.Fatal(err)
	}
	if got := one(t, connectTo(t, u), "SELECT sum(value) FROM national WHERE unit = 'case' AND measure = 'opened'"); got != "5" {
		t.Errorf("the login reads %s cases", got)
	}
}

func TestLoginURL(t *testing.T) {
	for given, want := range map[string]string{
		"postgres://admin:secret@127.0.0.1:5433/berkas?sslmode=verify-full&sslrootcert=&application_name=x": "postgres://dasbor:pw@127.0.0.1:5433/berkas?sslmode=verify-full",
		"host=/var/run/postgresql port=5434 user=admin dbname=berkas":                                       "postgres://dasbor:pw@/berkas?host=%2Fvar%2Frun%2Fpostgresql&port=5434",
		"postgresql://[::1]/berkas?sslmode=disable":                                                         "postgres://dasbor:pw@[::1]:5432/berkas?sslmode=disable",
	} {
		c, err := pgx.ParseConfig(given)
		if err != nil {
			t.Fatal(err)
		}
		got, err := loginURL(given, c, "dasbor", "pw")
		if err != nil || got != want {
			t.Errorf("%s gives %s, want %s (%v)", given, got, want, err)
		}
		if _, err := pgx.ParseConfig(got); err != nil {
			t.Error(err)
		}
	}
}
