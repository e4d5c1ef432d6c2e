package projections

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"
)

//go:embed migrations/*.sql
var migrations embed.FS

// schemaName is a schema that holds a generation of the tables.
type schemaName string

const (
	schemaCurrent schemaName = "projection"
	schemaNext    schemaName = "projection_next" // being filled by a rebuild
	schemaOld     schemaName = "projection_old"  // replaced, about to be dropped
)

// versionTable is goose's own; it is no read model.
const versionTable = "goose_db_version"

// Migrate makes the tables where there are none, so that a ledger starts on a
// database that was made ready by somebody else. Tables of an older version are
// the Projector's to rebuild: it needs the ledger for that.
func Migrate(ctx context.Context, url string) (err error) {
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, conn.Close(ctx)) }()
	found, err := standing(ctx, conn)
	if err != nil || found != tablesMissing {
		return err
	}
	return migrate(ctx, url, schemaCurrent)
}

// migrate makes the tables of a generation in a schema, which it makes too.
func migrate(ctx context.Context, url string, schema schemaName) (err error) {
	db, err := openSchema(url, schema)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	if _, err := db.ExecContext(ctx, "CREATE SCHEMA IF NOT EXISTS "+string(schema)); err != nil {
		return fmt.Errorf("make schema %s: %w", schema, err)
	}
	provider, err := newProvider(db)
	if err != nil {
		return err
	}
	if _, err := provider.Up(ctx); err != nil {
		return fmt.Errorf("make the tables of schema %s: %w", schema, err)
	}
	return nil
}

// openSchema opens a database/sql handle, which goose wants, with the schema at
// the head of the search path.
func openSchema(url string, schema schemaName) (*sql.DB, error) {
	config, err := pgx.ParseConfig(url)
	if err != nil {
		return nil, fmt.Errorf("database URL: %w", err)
	}
	config.RuntimeParams["search_path"] = string(schema)
	config.RuntimeParams["application_name"] = "berkas migrations"
	return stdlib.OpenDB(*config), nil
}

func newProvider(db *sql.DB) (*goose.Provider, error) {
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return nil, err
	}
	locker, err := lock.NewPostgresSessionLocker(lock.WithLockTimeout(1, 300)) // each second for five minutes
	if err != nil {
		return nil, err
	}
	return goose.NewProvider(goose.DialectPostgres, db, files,
		goose.WithSessionLocker(locker), goose.WithDisableGlobalRegistry(true), goose.WithLogger(goose.NopLogger()))
}

// tablesState compares the tables that stand with those this program makes.
type tablesState int

const (
	tablesMissing tablesState = iota
	tablesOlder
	tablesFit
)

// standing tells in which state the tables are; ErrNewer if a later program made
// them.
func standing(ctx context.Context, conn *pgx.Conn) (tablesState, error) {
	const schema = schemaCurrent
	var made bool
	if err := conn.QueryRow(ctx, "SELECT to_regclass($1) IS NOT NULL AND to_regclass($2) IS NOT NULL",
		string(schema)+"."+versionTable, string(schema)+".progress").Scan(&made); err != nil {
		return 0, err
	}
	if !made {
		return tablesMissing, nil
	}
	var version int64
	if err := conn.QueryRow(ctx, fmt.Sprintf(
		"SELECT coalesce(max(version_id), 0) FROM %s.%s WHERE is_applied", schema, versionTable)).Scan(&version); err != nil {
		return 0, err
	}
	latest, err := latestVersion()
	switch {
	case err != nil:
		return 0, err
	case version > latest:
		return 0, ErrNewer
	case version < latest:
		return olderOrHalfMade(ctx, conn, schema)
	default:
		return tablesFit, nil
	}
}

// olderOrHalfMade tells tables of an older version from those whose making was
// cut short. Nothing is in these: what is missing is made, and there is nothing to
// rebuild from the ledger.
func olderOrHalfMade(ctx context.Context, conn *pgx.Conn, schema schemaName) (tablesState, error) {
	var empty bool
	err := conn.QueryRow(ctx, fmt.Sprintf("SELECT NOT EXISTS (SELECT FROM %s.progress WHERE position > 0)", schema)).Scan(&empty)
	if err != nil {
		return 0, err
	}
	if empty {
		return tablesMissing, nil
	}
	return tablesOlder, nil
}

func latestVersion() (int64, error) {
	files, err := fs.Glob(migrations, "migrations/*.sql")
	if err != nil || len(files) == 0 {
		return 0, fmt.Errorf("no migrations are embedded: %w", err)
	}
	return goose.NumericComponent(files[len(files)-1])
}
