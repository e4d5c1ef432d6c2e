package projections

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/berkas-ledger/berkas/ledger"
)

// RebuildOptions narrow a rebuild.
type RebuildOptions struct {
	// UpTo is the position to fill to before the switch, usually the head of
	// the ledger. 0: to where the old generation stands or, if there is none, to
	// the feed's end.
	UpTo ledger.Position
	// Compare also compares old and new tables row by row before the switch;
	// projectors wait meanwhile.
	Compare bool
	// Anew believes nothing of the old generation, neither how far it is nor what
	// it saw, as when its tables are damaged.
	Anew bool
	// Progress, if set, is told each position that is written.
	Progress func(ledger.Position)
}

// Rebuilt tells what a rebuild did.
type Rebuilt struct {
	Position    ledger.Position
	Compared    bool // false when there was nothing of the same version to compare with
	Differences []TableDifference
}

// TableDifference counts the rows of a table that only one generation has.
type TableDifference struct {
	Table            string
	OnlyOld, OnlyNew int64
}

// Rebuild fills a new generation of the tables from the feed, beside the one
// that is read, and switches in one transaction. It may be killed at any
// moment: the generation in use stays whole, and the next rebuild begins again.
// A projector may run meanwhile. It returns ErrRebuilding when another rebuild
// is under way, and a *ledger.ErrBroken when the feed is not the ledger that
// the old generation was made from: then drop the schema projection to let go
// of what was seen.
func Rebuild(ctx context.Context, c Config, feed ledger.Feed, o RebuildOptions) (Rebuilt, error) {
	conn, err := connect(ctx, c.URL, "berkas rebuild")
	if err != nil {
		return Rebuilt{}, err
	}
	defer closeConn(ctx, conn)
	if err := lockAlone(ctx, conn); err != nil {
		return Rebuilt{}, err
	}
	// The server would notice the connection's end, but not before we return.
	defer unlock(ctx, conn)
	if err := dropLeftReports(ctx, conn); err != nil {
		return Rebuilt{}, err
	}
	if err := dropSchemas(ctx, conn, schemaNext, schemaOld); err != nil {
		return Rebuilt{}, err
	}
	if err := migrate(ctx, c.URL, schemaNext); err != nil {
		return Rebuilt{}, err
	}
	r := &rebuild{config: c, feed: feed, options: o, conn: conn}
	out, err := r.run(ctx)
	if err != nil {
		// A failed rebuild leaves nothing behind; a killed one leaves it to the next.
		return out, errors.Join(err, dropSchemas(context.WithoutCancel(ctx), conn, schemaNext))
	}
	// What is left reads the new tables, or ends its transaction on the old ones:
	// projectors need not wait for that.
	if _, err := conn.Exec(ctx, "SELECT pg_advisory_unlock($1, $2)", lockSpace, lockSwitch); err != nil {
		return out, fmt.Errorf("unlock the switch: %w", err)
	}
	return out, dropReplaced(ctx, conn, c, schemaOld)
}

// lockAlone takes the rebuild's lock. It tries for a moment: a rebuild that has
// just ended may hold it until the server has noticed.
func lockAlone(ctx context.Context, conn *pgx.Conn) error {
	for end := time.Now().Add(2 * time.Second); ; {
		var alone bool
		if err := conn.QueryRow(ctx, "SELECT pg_try_advisory_lock($1, $2)", lockSpace, lockRebuild).Scan(&alone); err != nil {
			return fmt.Errorf("lock the rebuild: %w", err)
		}
		if alone {
			return nil
		}
		if time.Now().After(end) {
			return ErrRebuilding
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(50 * time.Millisecond):
		}
	}
}

func unlock(ctx context.Context, conn *pgx.Conn) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	_, _ = conn.Exec(ctx, "SELECT pg_advisory_unlock_all()") // if it fails, the connection has ended
}

func dropSchemas(ctx context.Context, conn *pgx.Conn, schemas ...schemaName) error {
	if conn.IsClosed() {
		return nil
	}
	for _, s := range schemas {
		if _, err := conn.Exec(ctx, "DROP SCHEMA IF EXISTS "+string(s)+" CASCADE"); err != nil {
			return fmt.Errorf("drop schema %s: %w", s, err)
		}
	}
	return nil
}

type rebuild struct {
	config  Config
	feed    ledger.Feed
	options RebuildOptions
	conn    *pgx.Conn
}

// near is how many records may be left to fill while projectors wait.
const near = 1000

// run fills the new generation: first as far as the old one is, without hindering
// it, then, while projectors wait, the rest.
func (r *rebuild) run(ctx context.Context) (Rebuilt, error) {
	old, err := r.standing(ctx, r.conn)
	if err != nil {
		return Rebuilt{}, err
	}
	var at ledger.Chain
	for range 3 {
		if at, err = r.fill(ctx, r.goal(old)); err != nil {
			return Rebuilt{}, err
		}
		if old, err = r.standing(ctx, r.conn); err != nil {
			return Rebuilt{}, err
		}
		if old.Position <= at.Position+near {
			break
		}
	}
	if _, err := r.conn.Exec(ctx, "SELECT pg_advisory_lock($1, $2)", lockSpace, lockSwitch); err != nil {
		return Rebuilt{}, fmt.Errorf("lock the switch: %w", err)
	}
	// The lock goes with the others when the rebuild ends.
	if old, err = r.standing(ctx, r.conn); err != nil {
		return Rebuilt{}, err
	}
	if old.Position > at.Position {
		if at, err = r.fill(ctx, old.Position); err != nil {
			return Rebuilt{}, err
		}
	}
	return r.finish(ctx, old, at)
}

// goal is how far to fill before projectors have to wait: with Compare no
// further than the old generation is.
func (r *rebuild) goal(old ledger.Chain) ledger.Position {
	if r.options.Compare && old.Position > 0 {
		return old.Position
	}
	return max(r.options.UpTo, old.Position)
}

// finish compares and switches.
func (r *rebuild) finish(ctx context.Context, old, at ledger.Chain) (out Rebuilt, err error) {
	if err := r.sameLedger(ctx, old); err != nil {
		return out, err
	}
	if r.options.Compare && old.Position == at.Position {
		if out.Compared, out.Differences, err = compare(ctx, r.conn, schemaCurrent, schemaNext); err != nil {
			return out, err
		}
	}
	if r.options.UpTo > at.Position {
		if at, err = r.fill(ctx, r.options.UpTo); err != nil {
			return out, err
		}
	}
	out.Position = at.Position
	return out, switchGenerations(ctx, r.conn, r.config)
}

// standing reads where the old generation stands; zero if there is none.
func (r *rebuild) standing(ctx context.Context, conn *pgx.Conn) (ledger.Chain, error) {
	var c ledger.Chain
	if r.options.Anew {
		return c, nil
	}
	var there bool
	if err := conn.QueryRow(ctx, "SELECT to_regclass($1) IS NOT NULL", string(schemaCurrent)+".progress").Scan(&there); err != nil {
		return c, fmt.Errorf("look for the old generation: %w", err)
	}
	if !there {
		return c, nil
	}
	var position int64
	var leaf []byte
	if err := conn.QueryRow(ctx, fmt.Sprintf("SELECT position, leaf FROM %s.progress", schemaCurrent)).Scan(&position, &leaf); err != nil {
		return c, fmt.Errorf("read the old generation's position: %w", err)
	}
	c.Position = ledger.Position(position)
	copy(c.Leaf[:], leaf)
	return c, nil
}

// fill writes the feed into the new generation up to a position (0: to its end)
// and returns where that stands.
func (r *rebuild) fill(ctx context.Context, upTo ledger.Position) (ledger.Chain, error) {
	conn, err := connect(ctx, r.config.URL, "berkas rebuild, writing")
	if err != nil {
		return ledger.Chain{}, err
	}
	defer closeConn(ctx, conn)
	w := &writer{conn: conn, schema: schemaNext, beside: true}
	feed := r.feed
	if upTo > 0 {
		feed = until(feed, upTo)
	}
	if err := r.config.follow(ctx, w, feed, r.options.Progress); err != nil {
		return ledger.Chain{}, fmt.Errorf("fill the new generation: %w", err)
	}
	at, err := w.start(ctx)
	if err == nil && at.chain.Position < upTo {
		err = &ledger.ErrBroken{Position: upTo, Problem: fmt.Sprintf("the ledger ends before it, at %d", at.chain.Position)}
	}
	return at.chain, err
}

var errEnough = errors.New("far enough")

// until ends a feed after a position.
func until(feed ledger.Feed, last ledger.Position) ledger.Feed {
	return func(ctx context.Context, after ledger.Position, yield func([]ledger.Record) error) error {
		if after >= last {
			return nil
		}
		err := feed(ctx, after, func(records []ledger.Record) error {
			for i := range records {
				if records[i].Position >= last {
					if err := yield(records[:i+1]); err != nil {
						return err
					}
					return errEnough
				}
			}
			return yield(records)
		})
		if errors.Is(err, errEnough) {
			return nil
		}
		return err
	}
}

// sameLedger checks that the new generation saw the record that the old one
// stands at.
func (r *rebuild) sameLedger(ctx context.Context, old ledger.Chain) error {
	if old.Position == 0 {
		return nil
	}
	var leaf []byte
	err := r.conn.QueryRow(ctx, fmt.Sprintf("SELECT leaf FROM %s.record WHERE position = $1", schemaNext), int64(old.Position)).Scan(&leaf)
	if err != nil {
		return fmt.Errorf("compare the generations' last records: %w", err)
	}
	if !bytes.Equal(leaf, old.Leaf[:]) {
		return &ledger.ErrBroken{Position: old.Position, Problem: "the record differs from the one the read models were made from"}
	}
	return nil
}

// switchGenerations puts the new generation in the old one's place, and the
// views for BI tools on it. A reader's statement sees the one or the other.
func switchGenerations(ctx context.Context, conn *pgx.Conn, c Config) error {
	tx, err := conn.Begin(ctx)
	if err != nil {
		return fmt.Errorf("switch: %w", err)
	}
	defer func() { _ = tx.Rollback(context.WithoutCancel(ctx)) }()
	var old bool
	if err := tx.QueryRow(ctx, "SELECT to_regnamespace($1) IS NOT NULL", string(schemaCurrent)).Scan(&old); err != nil {
		return fmt.Errorf("switch: %w", err)
	}
	var q pgx.Batch
	if old {
		q.Queue(fmt.Sprintf("ALTER SCHEMA %s RENAME TO %s", schemaCurrent, schemaOld))
	}
	q.Queue(fmt.Sprintf("ALTER SCHEMA %s RENAME TO %s", schemaNext, schemaCurrent))
	q.Queue("SELECT pg_notify($1, 'switched')", Channel)
	if err := tx.SendBatch(ctx, &q).Close(); err != nil {
		return fmt.Errorf("switch: %w", err)
	}
	if err := makeReports(ctx, tx, c); errors.Is(err, ErrForeignReports) {
		c.logger().WarnContext(ctx, "the views for BI tools were not made", "error", err.Error())
	} else if err != nil {
		return fmt.Errorf("switch: %w", err)
	}
	if err := tx.Commit(ctx); err != nil {
		return fmt.Errorf("switch: %w", err)
	}
	return nil
}

// compare counts, for every table of two generations, the rows that only one of
// them has. The tables are taken from the catalogue, so none can be forgotten.
// It compares nothing when the columns are not the same.
func compare(ctx context.Context, conn *pgx.Conn, one, other schemaName) (bool, []TableDifference, error) {
	tables, err := tablesOf(ctx, conn, one)
	if err != nil {
		return false, nil, err
	}
	others, err := tablesOf(ctx, conn, other)
	if err != nil {
		return false, nil, err
	}
	if strings.Join(tables, "\n") != strings.Join(others, "\n") {
		return false, nil, nil
	}
	var out []TableDifference
	for _, line := range tables {
		table, _, _ := strings.Cut(line, " ")
		d := TableDifference{Table: table}
		// As text: json has no equality of its own, and nothing is lost.
		const only = "(SELECT count(*) FROM (SELECT t::text FROM %[1]s.%[3]s t EXCEPT ALL SELECT t::text FROM %[2]s.%[3]s t) d)"
		if err := conn.QueryRow(ctx, fmt.Sprintf("SELECT "+only+", "+strings.NewReplacer("[1]", "[2]", "[2]", "[1]").Replace(only), one, other, table)).
			Scan(&d.OnlyOld, &d.OnlyNew); err != nil {
			return false, nil, fmt.Errorf("compare %s: %w", table, err)
		}
		if d.OnlyOld != 0 || d.OnlyNew != 0 {
			out = append(out, d)
		}
	}
	return true, out, nil
}

// tablesOf lists the tables of a generation with their columns, a line a table.
func tablesOf(ctx context.Context, conn *pgx.Conn, schema schemaName) ([]string, error) {
	rows, err := conn.Query(ctx, `
		SELECT c.relname || ' ' || string_agg(a.attname || ':' || a.atttypid::regtype, ',' ORDER BY a.attnum)
		FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
		JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
		WHERE n.nspname = $1 AND c.relkind IN ('r', 'p', 'm') AND c.relname <> $2
		GROUP BY c.relname ORDER BY c.relname`, string(schema), versionTable)
	if err != nil {
		return nil, fmt.Errorf("list tables: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowTo[string])
}
