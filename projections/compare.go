package projections

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/berkas-ledger/berkas/ledger"
)

// Difference is something in the tables that is not as the ledger gives it.
type Difference struct {
	Table string
	// Row is the key of the row, such as "position=42"; "" when it is about the
	// table as a whole or an index.
	Row string
	// Problem says what is wrong: the columns of a row that differ, that it is
	// missing, that it should not be there, what PostgreSQL says of an index.
	Problem string
}

// Compared is what a comparison looked at and found.
type Compared struct {
	Position    ledger.Position // at which the tables stand
	Rows        int64           // that were compared
	Tables      []string        // likewise
	Differences []Difference
	// Indexes says how indexes were checked: "amcheck", or "scans" where that
	// extension may not be used.
	Indexes string
}

// MostDifferences is how many rows of one table a comparison names; it counts the
// rest.
const MostDifferences = 20

// Compare fills a new generation of the tables from the feed beside the one in
// use, as far as that is, compares the two row by row, checks that indexes have
// all rows, and drops the new one: nothing of what is read changes. Projectors
// wait while it compares. last is where the feed ends, 0 for one that goes on.
//
// What PostgreSQL cannot read is a difference, too. ErrRebuilding when a rebuild
// or another comparison is under way; other errors are about the connection or
// the feed.
func Compare(ctx context.Context, c Config, feed ledger.Feed, last ledger.Position) (_ Compared, err error) {
	conn, err := connect(ctx, c.URL, "berkas doctor")
	if err != nil {
		return Compared{}, err
	}
	defer closeConn(ctx, conn)
	if err := lockAlone(ctx, conn); err != nil {
		return Compared{}, err
	}
	defer unlock(ctx, conn)
	cmp := &comparison{rebuild: rebuild{config: c, feed: feed, conn: conn}, last: last}
	switch found, err := standing(ctx, conn); {
	case err != nil:
		cmp.note("", err)
		return cmp.out, nil
	case found == tablesMissing:
		cmp.add("", "", "there are no tables; a start makes them, and so does 'berkas rebuild'")
		return cmp.out, nil
	case found == tablesOlder:
		cmp.add("", "", "the tables are of an older version; a start makes them anew, and so does 'berkas rebuild'")
		return cmp.out, nil
	}
	if err := dropSchemas(ctx, conn, schemaNext); err != nil {
		return cmp.out, err
	}
	defer func() { err = errors.Join(err, dropSchemas(context.WithoutCancel(ctx), conn, schemaNext)) }()
	if err := migrate(ctx, c.URL, schemaNext); err != nil {
		return cmp.out, err
	}
	return cmp.out, cmp.run(ctx)
}

type comparison struct {
	rebuild
	last ledger.Position
	out  Compared
}

func (c *comparison) add(table, row, problem string) {
	c.out.Differences = append(c.out.Differences, Difference{table, row, problem})
}

func (c *comparison) note(table string, err error) { c.add(table, "", said(err)) }

// run fills the new generation to where the old one stands, and compares while
// projectors wait.
func (c *comparison) run(ctx context.Context) error {
	if err := c.level(ctx); err != nil {
		return err
	}
	tables, err := keyedTables(ctx, c.conn, schemaNext)
	if err != nil {
		return err
	}
	same, err := c.sameColumns(ctx)
	if !same || err != nil {
		return err
	}
	// Rows are read as they lie in the tables, not as indexes have them.
	const asTheyLie = `SET enable_seqscan = on; SET enable_hashjoin = on; SET enable_mergejoin = on;
		SET enable_indexscan = off; SET enable_indexonlyscan = off; SET enable_bitmapscan = off`
	if _, err := c.conn.Exec(ctx, asTheyLie); err != nil {
		return err
	}
	for _, t := range tables {
		c.out.Tables = append(c.out.Tables, t.name)
		if err := c.rows(ctx, t); err != nil {
			if c.conn.IsClosed() || ctx.Err() != nil {
				return err
			}
			c.note(t.name, err)
		}
	}
	return c.indexes(ctx)
}

// level fills the new generation twice: while projectors go on, then, while they
// wait, the rest.
func (c *comparison) level(ctx context.Context) error {
	for waiting := false; ; waiting = true {
		old, bad := c.standing(ctx, c.conn)
		if bad != nil {
			c.note("progress", bad)
			return nil
		}
		goal := old.Position
		if c.last > 0 && goal > c.last {
			goal = c.last // and the row of progress will differ
		}
		if goal > 0 {
			at, err := c.fill(ctx, goal)
			if err != nil {
				return err
			}
			c.out.Position = at.Position
		}
		if waiting {
			return nil
		}
		if _, err := c.conn.Exec(ctx, "SELECT pg_advisory_lock($1, $2)", lockSpace, lockSwitch); err != nil {
			return fmt.Errorf("lock the switch: %w", err)
		}
	}
}

// sameColumns reports whether the generations have the same tables.
func (c *comparison) sameColumns(ctx context.Context) (bool, error) {
	have, bad := tablesOf(ctx, c.conn, schemaCurrent)
	if bad != nil {
		c.note("", bad)
		return false, nil
	}
	want, err := tablesOf(ctx, c.conn, schemaNext)
	if err != nil {
		return false, err
	}
	if strings.Join(have, "\n") != strings.Join(want, "\n") {
		c.add("", "", "the tables or their columns are not those that this program makes")
		return false, nil
	}
	return true, nil
}

// keyed is a table with the expression that names its rows.
type keyed struct{ name, key string }

func keyedTables(ctx context.Context, conn *pgx.Conn, schema schemaName) ([]keyed, error) {
	rows, err := conn.Query(ctx, `
		SELECT c.relname, string_agg(quote_literal(a.attname || '=') || ' || t.' || quote_ident(a.attname) || '::text', ' || '' '' || ' ORDER BY k.n)
		FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
		JOIN pg_index i ON i.indrelid = c.oid AND i.indisprimary
		CROSS JOIN LATERAL unnest(i.indkey::int2[]) WITH ORDINALITY k (attnum, n)
		JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = k.attnum
		WHERE n.nspname = $1 AND c.relkind IN ('r', 'p') AND c.relname <> $2
		GROUP BY c.relname ORDER BY c.relname`, string(schema), versionTable)
	if err != nil {
		return nil, fmt.Errorf("list tables: %w", err)
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (k keyed, err error) {
		return k, row.Scan(&k.name, &k.key)
	})
}

// rows compares one table and names the rows that differ. As text: json has no
// equality of its own, and nothing is lost.
func (c *comparison) rows(ctx context.Context, t keyed) error {
	var n int64
	if err := c.conn.QueryRow(ctx, fmt.Sprintf("SELECT count(*) FROM %s.%s", schemaCurrent, t.name)).Scan(&n); err != nil {
		return err
	}
	c.out.Rows += n
	rows, err := c.conn.Query(ctx, fmt.Sprintf(`
		WITH have AS (SELECT %[3]s AS key, t::text AS row FROM %[1]s.%[4]s t), want AS (SELECT %[3]s AS key, t::text AS row FROM %[2]s.%[4]s t)
		SELECT key, bool_or(had), bool_or(NOT had) FROM (
			(SELECT key, row, true AS had FROM (SELECT * FROM have EXCEPT ALL SELECT * FROM want) h) UNION ALL
			(SELECT key, row, false FROM (SELECT * FROM want EXCEPT ALL SELECT * FROM have) w)) d
		GROUP BY key ORDER BY min(length(key)), key`, schemaCurrent, schemaNext, t.key, t.name))
	if err != nil {
		return err
	}
	named, more := 0, 0
	var key string
	var had, wanted bool
	var changed []string
	_, err = pgx.ForEachRow(rows, []any{&key, &had, &wanted}, func() error {
		named++
		switch {
		case named > MostDifferences:
			more++
		case had && wanted:
			changed = append(changed, key)
		case had:
			c.add(t.name, key, "the ledger gives no such row")
		default:
			c.add(t.name, key, "the row is missing")
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, key := range changed {
		columns, err := c.columns(ctx, t, key)
		if err != nil {
			return err
		}
		c.add(t.name, key, "not what the ledger gives: "+columns)
	}
	if more > 0 {
		c.add(t.name, "", fmt.Sprintf("and %d rows more", more))
	}
	return nil
}

// columns names the columns in which a row differs.
func (c *comparison) columns(ctx context.Context, t keyed, key string) (string, error) {
	var list []string
	err := c.conn.QueryRow(ctx, fmt.Sprintf(`
		SELECT array(SELECT DISTINCT coalesce(h.key, w.key)
			FROM (SELECT e.* FROM %[1]s.%[4]s t, jsonb_each(to_jsonb(t)) e WHERE %[3]s = $1) h
			FULL JOIN (SELECT e.* FROM %[2]s.%[4]s t, jsonb_each(to_jsonb(t)) e WHERE %[3]s = $1) w ON h.key = w.key
			WHERE h.value IS DISTINCT FROM w.value ORDER BY 1)`, schemaCurrent, schemaNext, t.key, t.name), key).Scan(&list)
	if len(list) == 0 {
		return "how JSON is written", err
	}
	return strings.Join(list, ", "), err
}
