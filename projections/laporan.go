package projections

import (
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

// Schema laporan: views for BI tools. It follows from the program alone and
// stands on the tables of one generation, so it is never altered: it is made
// anew, whole, when a generation takes the place of another and when a program
// starts that has other views. The names stay; in PostgreSQL views hold on to
// the tables they were made from, so those of the old generation go aside with
// it. Nothing waits for readers, who may be in the middle of a transaction:
// their next statement finds the new views under the old names.

const (
	schemaReports    schemaName = "laporan"
	schemaReportsOld schemaName = "laporan_old" // replaced, about to be dropped
)

// Group roles that may read laporan. They are of the whole server, can log in
// nowhere, and have no right on anything else.
const (
	// RoleReader reads figures, definitions and progress: no row of a single case.
	RoleReader = "laporan_reader"
	// RoleCaseReader reads everything in laporan.
	RoleCaseReader = "laporan_case_reader"
)

// ErrForeignReports says that the database has a schema laporan that this
// program did not make; it is left alone.
var ErrForeignReports = errors.New("the database has a schema laporan (or laporan_old) that berkas did not make; rename it and start berkas again")

// reportsMark begins the comment of a schema laporan that is ours; the digest of
// what makes it follows.
const reportsMark = "Views of Berkas for BI tools, made by the program and replaced by it: put nothing of your own here. Version "

func reportsComment() string {
	return fmt.Sprintf("%s%x", reportsMark, sha256.Sum256([]byte(reportsSQL())))
}

// reportsSQL makes everything in laporan, but for its comment and who may read.
func reportsSQL() string {
	var b strings.Builder
	b.WriteString("CREATE SCHEMA laporan;\n" + nationalType + deadlineType())
	for _, f := range functions() {
		fmt.Fprintf(&b, "%s;\nREVOKE ALL ON FUNCTION %s FROM PUBLIC;\nCOMMENT ON FUNCTION %[2]s IS %s;\n", f.sql, f.signature, quote(f.comment))
	}
	for _, r := range reports() {
		columns := make([]string, len(r.columns))
		for i, c := range r.columns {
			columns[i] = c.expr + " AS " + c.name
		}
		fmt.Fprintf(&b, "CREATE VIEW laporan.%s AS SELECT\n%s\n%s;\nCOMMENT ON VIEW laporan.%[1]s IS %[4]s;\n",
			r.name, strings.Join(columns, ",\n"), r.from, quote(r.comment))
		for _, c := range r.columns {
			fmt.Fprintf(&b, "COMMENT ON COLUMN laporan.%s.%s IS %s;\n", r.name, c.name, quote(c.comment))
		}
	}
	return b.String()
}

// grants lets a group role read.
func grants(role string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "GRANT USAGE ON SCHEMA laporan TO %s;\n", role)
	for _, f := range functions() {
		if !f.records || role == RoleCaseReader {
			fmt.Fprintf(&b, "GRANT EXECUTE ON FUNCTION %s TO %s;\n", f.signature, role)
		}
	}
	for _, r := range reports() {
		if !r.records || role == RoleCaseReader {
			fmt.Fprintf(&b, "GRANT SELECT ON laporan.%s TO %s;\n", r.name, role)
		}
	}
	return b.String()
}

// makeReports makes laporan over the tables in use, inside the transaction that
// puts them there. What stood before goes aside, for dropReplaced.
// ErrForeignReports leaves everything as it was, the transaction too.
func makeReports(ctx context.Context, tx pgx.Tx, c Config) error {
	here, err := ours(ctx, tx, schemaReports)
	if err != nil {
		return err
	}
	left, err := ours(ctx, tx, schemaReportsOld)
	if err != nil {
		return err
	}
	var sql strings.Builder
	if left { // a reader kept it from being dropped when it was replaced
		fmt.Fprintf(&sql, "SET LOCAL lock_timeout = %d; DROP SCHEMA laporan_old CASCADE; RESET lock_timeout;\n", cmp.Or(c.dropPatience, dropPatience).Milliseconds())
	}
	if here {
		sql.WriteString("ALTER SCHEMA laporan RENAME TO laporan_old;\n")
	}
	sql.WriteString(reportsSQL())
	fmt.Fprintf(&sql, "COMMENT ON SCHEMA laporan IS %s;\n", quote(reportsComment()))
	for _, role := range []string{RoleReader, RoleCaseReader} {
		there, err := roleExists(ctx, tx, role)
		if err != nil {
			return err
		}
		if there {
			sql.WriteString(grants(role))
		}
	}
	if _, err := tx.Exec(ctx, sql.String()); err != nil {
		return fmt.Errorf("make the views of laporan: %w", err)
	}
	return nil
}

// ours reports whether a schema is there; ErrForeignReports if somebody else
// made it.
func ours(ctx context.Context, db rower, schema schemaName) (bool, error) {
	var there bool
	var comment string
	if err := db.QueryRow(ctx, "SELECT to_regnamespace($1) IS NOT NULL, coalesce(obj_description(to_regnamespace($1), 'pg_namespace'), '')", string(schema)).
		Scan(&there, &comment); err != nil {
		return false, fmt.Errorf("look for the schema %s: %w", schema, err)
	}
	if there && !strings.HasPrefix(comment, reportsMark) {
		return true, ErrForeignReports
	}
	return there, nil
}

func roleExists(ctx context.Context, db rower, role string) (there bool, err error) {
	if err = db.QueryRow(ctx, "SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = $1)", role).Scan(&there); err != nil {
		err = fmt.Errorf("look for the role %s: %w", role, err)
	}
	return there, err
}

// reportsStand reports whether laporan is there, whole, as this program makes
// it. Dropping tables takes their views away and leaves the rest.
func reportsStand(ctx context.Context, db rower) (bool, error) {
	var comment string
	var views int
	if err := db.QueryRow(ctx, `
		SELECT coalesce(obj_description(to_regnamespace($1), 'pg_namespace'), ''),
			(SELECT count(*) FROM pg_class WHERE relnamespace = to_regnamespace($1) AND relkind = 'v')`, string(schemaReports)).
		Scan(&comment, &views); err != nil {
		return false, fmt.Errorf("look for the views of laporan: %w", err)
	}
	return comment == reportsComment() && views == len(reports()), nil
}

// ensureReports makes laporan unless it stands.
func ensureReports(ctx context.Context, conn *pgx.Conn, c Config) error {
	if stands, err := reportsStand(ctx, conn); err != nil || stands {
		return err
	}
	tx, err := conn.Begin(ctx)
	if err != nil {
		return fmt.Errorf("make laporan: %w", err)
	}
	defer func() { _ = tx.Rollback(context.WithoutCancel(ctx)) }()
	// A switch of generations makes it, too.
	if _, err := tx.Exec(ctx, "SELECT pg_advisory_xact_lock($1, $2)", lockSpace, lockSwitch); err != nil {
		return fmt.Errorf("make laporan: %w", err)
	}
	if stands, err := reportsStand(ctx, tx); err != nil || stands {
		return err
	}
	if err := makeReports(ctx, tx, c); hasCode(err, lockNotAvailable) {
		c.logger().WarnContext(ctx, "a transaction that has not ended reads replaced views; they are made anew at the next start or rebuild")
		return nil
	} else if err != nil {
		return err
	}
	if err := tx.Commit(ctx); err != nil {
		return fmt.Errorf("make laporan: %w", err)
	}
	return dropReplaced(ctx, conn, c)
}

// dropLeftReports drops what dropReplaced had to leave.
func dropLeftReports(ctx context.Context, conn *pgx.Conn) error {
	left, err := ours(ctx, conn, schemaReportsOld)
	if errors.Is(err, ErrForeignReports) {
		return nil // not ours to drop; the switch says it
	}
	if err != nil || !left {
		return err
	}
	return dropSchemas(ctx, conn, schemaReportsOld)
}

const lockNotAvailable = "55P03" // an error code of PostgreSQL

// dropPatience is how long readers of what was replaced are waited for.
const dropPatience = 5 * time.Second

// dropReplaced drops the views and the schemas that were replaced. Whoever read
// them in a transaction that has not ended yet keeps them from being dropped:
// then they are left to the next rebuild.
func dropReplaced(ctx context.Context, conn *pgx.Conn, c Config, schemas ...schemaName) error {
	patience := cmp.Or(c.dropPatience, dropPatience)
	if _, err := conn.Exec(ctx, fmt.Sprintf("SET lock_timeout = %d", patience.Milliseconds())); err != nil {
		return err
	}
	err := dropLeftReports(ctx, conn)
	if err == nil {
		err = dropSchemas(ctx, conn, schemas...)
	}
	if _, e := conn.Exec(ctx, "RESET lock_timeout"); e != nil {
		return errors.Join(err, e)
	}
	if hasCode(err, lockNotAvailable) {
		c.logger().WarnContext(ctx, "a transaction that has not ended reads replaced tables; the next rebuild drops them")
		return nil
	}
	return err
}
