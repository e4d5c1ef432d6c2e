package projections

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// index is a B-tree over a table of the generation in use, or over what is kept
// beside it (TOAST).
type index struct {
	oid         uint32
	name, table string
	// columns is its order and where its condition, as SQL; "" where it has none
	// or scans cannot use it.
	columns, where string
}

// indexes checks that what is found by an index is what lies in the table: a
// damaged index hides rows, and the comparison above does not use any.
//
// PostgreSQL's own checker is the extension amcheck. It is made and taken back
// within one transaction. Where it is not to be had, each index is read in its
// order and compared with the table.
func (c *comparison) indexes(ctx context.Context) error {
	list, bad := c.listIndexes(ctx)
	if bad != nil {
		c.note("", bad)
		return nil
	}
	tx, err := c.conn.Begin(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback(context.WithoutCancel(ctx)) }()
	c.out.Indexes = "amcheck"
	check := c.amcheck
	if err := attempt(ctx, tx, func() error {
		_, err := tx.Exec(ctx, "CREATE EXTENSION IF NOT EXISTS amcheck")
		return err
	}); err != nil {
		c.out.Indexes = "scans"
		check = c.scan
	}
	for _, i := range list {
		err := attempt(ctx, tx, func() error { return check(ctx, tx, i) })
		if err != nil && (c.conn.IsClosed() || ctx.Err() != nil) {
			return err
		}
		if err != nil {
			c.add(i.table, "", fmt.Sprintf("index %s: %s", i.name, said(err)))
		}
	}
	return nil
}

// said is what PostgreSQL says, with its detail.
func said(err error) string {
	var pg *pgconn.PgError
	if !errors.As(err, &pg) {
		return err.Error()
	}
	if pg.Detail == "" {
		return pg.Message
	}
	return pg.Message + " (" + pg.Detail + ")"
}

// attempt takes back what a failed step did to a transaction.
func attempt(ctx context.Context, tx pgx.Tx, step func() error) error {
	if _, err := tx.Exec(ctx, "SAVEPOINT step"); err != nil {
		return err
	}
	err := step()
	if err == nil {
		_, err = tx.Exec(ctx, "RELEASE SAVEPOINT step")
		return err
	}
	if _, e := tx.Exec(ctx, "ROLLBACK TO SAVEPOINT step"); e != nil {
		return errors.Join(err, e)
	}
	return err
}

func (c *comparison) listIndexes(ctx context.Context) ([]index, error) {
	rows, err := c.conn.Query(ctx, `
		WITH tables AS (SELECT c.oid, c.relname, c.reltoastrelid FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
			WHERE n.nspname = $1 AND c.relkind = 'r')
		SELECT i.indexrelid, x.relname, t.relname,
			CASE WHEN i.indrelid = t.oid THEN (SELECT string_agg(pg_get_indexdef(i.indexrelid, k, true), ', ' ORDER BY k) FROM generate_series(1, i.indnkeyatts) k) ELSE '' END,
			coalesce(pg_get_expr(i.indpred, i.indrelid), 'true')
		FROM tables t JOIN pg_index i ON i.indrelid IN (t.oid, t.reltoastrelid)
		JOIN pg_class x ON x.oid = i.indexrelid JOIN pg_am a ON a.oid = x.relam AND a.amname = 'btree'
		ORDER BY t.relname, x.relname`, string(schemaCurrent))
	if err != nil {
		return nil, fmt.Errorf("list indexes: %w", err)
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (i index, err error) {
		return i, row.Scan(&i.oid, &i.name, &i.table, &i.columns, &i.where)
	})
}

// amcheck: the tree is in order, each row of the table is in it, and is found from
// its root.
func (c *comparison) amcheck(ctx context.Context, tx pgx.Tx, i index) error {
	_, err := tx.Exec(ctx, "SELECT bt_index_parent_check($1::oid::regclass, true, true)", i.oid)
	return err
}

// scan: the rows in the index's order are the rows of the table.
func (c *comparison) scan(ctx context.Context, tx pgx.Tx, i index) error {
	if i.columns == "" {
		return nil
	}
	sums := [2]string{}
	for k, setting := range []string{"off", "on"} {
		seq := map[string]string{"off": "on", "on": "off"}[setting]
		if _, err := tx.Exec(ctx, fmt.Sprintf("SET LOCAL enable_indexscan = %[1]s; SET LOCAL enable_sort = %[2]s; SET LOCAL enable_seqscan = %[2]s", setting, seq)); err != nil {
			return err
		}
		// The order is what makes the planner take this index. It would keep the
		// plan of a prepared statement.
		err := tx.QueryRow(ctx, fmt.Sprintf(`SELECT count(*) || ' rows, ' || coalesce(sum(hashtextextended(r, 0)), 0)
			FROM (SELECT t.ctid::text || t::text AS r FROM %s.%s t WHERE %s ORDER BY %s OFFSET 0) o`, schemaCurrent, i.table, i.where, i.columns), pgx.QueryExecModeSimpleProtocol).Scan(&sums[k])
		if err != nil {
			return err
		}
	}
	if sums[0] != sums[1] {
		return fmt.Errorf("the table has %s, the index gives %s", sums[0], sums[1])
	}
	return nil
}
