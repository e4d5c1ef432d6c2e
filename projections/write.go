package projections

import (
	"bytes"
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/berkas-ledger/berkas/ledger"
)

// Advisory locks, as pairs of numbers: ours, and which.
const (
	lockSpace   = 0x6265726b // "berk"
	lockWriter  = 1          // session: the one projector that writes, the others stand by
	lockRebuild = 2          // session: the one rebuild
	lockSwitch  = 3          // transaction: one batch; session: the switch of generations
)

// errMoved says that the tables are not where this projector left them: a
// rebuild replaced them, or another projector wrote. Reading the position anew
// mends it.
var errMoved = errors.New("the tables were moved by somebody else")

// connect opens a connection for writing. Every statement there finds its rows
// by an index, and on tables that have just been made the planner does not know
// yet that this is best.
func connect(ctx context.Context, url, name string) (*pgx.Conn, error) {
	config, err := pgx.ParseConfig(url)
	if err != nil {
		return nil, fmt.Errorf("database URL: %w", err)
	}
	for k, v := range map[string]string{
		"application_name": name, "jit": "off", "enable_seqscan": "off", "enable_hashjoin": "off", "enable_mergejoin": "off",
	} {
		config.RuntimeParams[k] = v
	}
	return pgx.ConnectConfig(ctx, config)
}

// writer commits batches to one generation.
type writer struct {
	conn    *pgx.Conn
	schema  schemaName
	stopped bool // the tables say that the projections stopped
	// beside: the generation is being filled beside the one in use; nobody reads
	// it, and the switch, which may be waiting for it, need not be kept out.
	beside bool
}

// start reads where the tables stand.
func (w *writer) start(ctx context.Context) (state, error) {
	var s state
	var position, unknown int64
	var leaf []byte
	var recorded *time.Time
	var lateDays *int32
	var stopped string
	if err := w.conn.QueryRow(ctx, fmt.Sprintf(
		"SELECT position, leaf, recorded, late_after_days, unknown, stopped FROM %s.progress", w.schema)).
		Scan(&position, &leaf, &recorded, &lateDays, &unknown, &stopped); err != nil {
		return s, fmt.Errorf("read progress: %w", err)
	}
	s.chain.Position, s.unknown, s.lateAfter = ledger.Position(position), uint64(unknown), -1
	copy(s.chain.Leaf[:], leaf)
	if recorded != nil {
		s.recorded = recorded.UTC()
	}
	if lateDays != nil {
		s.lateAfter = time.Duration(*lateDays) * day
	}
	w.stopped = stopped != ""
	return s, nil
}

// write commits a batch whole or not at all. What a crash of PostgreSQL loses,
// since it is not waited for, is replayed from the ledger.
func (w *writer) write(ctx context.Context, b *batch) error {
	if b.applied == 0 && (!w.stopped || !b.checked) {
		return nil
	}
	tx, err := w.conn.Begin(ctx)
	if err != nil {
		return fmt.Errorf("begin: %w", err)
	}
	defer func() { _ = tx.Rollback(context.WithoutCancel(ctx)) }() // after the commit it does nothing
	if err := w.claim(ctx, tx, b.before.chain); err != nil {
		return err
	}
	pg := w.conn.PgConn()
	if err := copyRows(ctx, pg, w.schema, recordTable, recordColumns, b.records); err != nil {
		return err
	}
	// Old rows end before new ones come, which may begin at the same moment.
	if err := endReplaced(ctx, tx, w.schema, b.replaced); err != nil {
		return err
	}
	if err := copyRows(ctx, pg, w.schema, historyTable, historyColumns, b.history); err != nil {
		return err
	}
	if err := b.writeOwed(ctx, tx, w.schema); err != nil {
		return err
	}
	if err := w.rule(ctx, tx, b.ruling); err != nil {
		return err
	}
	for _, t := range []struct {
		name    string
		columns []string
		tuples  []byte
	}{{refusalTable, refusalColumns, b.refusals}, {figureTable, figureColumns, b.figures}, {soughtTable, soughtColumns, b.sought}} {
		if err := copyRows(ctx, pg, w.schema, t.name, t.columns, t.tuples); err != nil {
			return err
		}
	}
	if err := w.advance(ctx, tx, b); err != nil {
		return err
	}
	if err := tx.Commit(ctx); err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	w.stopped = false
	return nil
}

// claim locks the progress and checks that it is where the batch begins.
func (w *writer) claim(ctx context.Context, tx pgx.Tx, at ledger.Chain) error {
	var q pgx.Batch
	q.Queue("SET LOCAL synchronous_commit = off")
	if !w.beside {
		q.Queue("SELECT pg_advisory_xact_lock($1, $2)", lockSpace, lockSwitch)
	}
	var position int64
	var leaf []byte
	q.Queue(fmt.Sprintf("SELECT position, leaf FROM %s.progress FOR UPDATE", w.schema)).QueryRow(func(row pgx.Row) error {
		return row.Scan(&position, &leaf)
	})
	if err := tx.SendBatch(ctx, &q).Close(); err != nil {
		return fmt.Errorf("lock progress: %w", err)
	}
	if ledger.Position(position) != at.Position || !bytes.Equal(leaf, at.Leaf[:]) {
		return errMoved
	}
	return nil
}

// advance moves the progress. It names the place it moves it from: if a switch
// of generations came in between, the row is another one.
func (w *writer) advance(ctx context.Context, tx pgx.Tx, b *batch) error {
	s := b.after
	var lateDays *int32
	if s.lateAfter >= 0 {
		d := int32(s.lateAfter / day)
		lateDays = &d
	}
	tag, err := tx.Exec(ctx, fmt.Sprintf(`
		UPDATE %s.progress SET position = $1, leaf = $2, recorded = $3, late_after_days = $4, unknown = $5, stopped = ''
		WHERE position = $6 AND leaf = $7`, w.schema),
		int64(s.chain.Position), s.chain.Leaf[:], s.recorded, lateDays, int64(s.unknown),
		int64(b.before.chain.Position), b.before.chain.Leaf[:])
	if err != nil {
		return fmt.Errorf("move progress: %w", err)
	}
	if tag.RowsAffected() != 1 {
		return errMoved
	}
	if w.beside {
		return nil
	}
	if _, err := tx.Exec(ctx, "SELECT pg_notify($1, $2)", Channel, strconv.FormatUint(uint64(s.chain.Position), 10)); err != nil {
		return fmt.Errorf("notify: %w", err)
	}
	return nil
}

// stop writes down why the projections stopped, for readers to show.
func (w *writer) stop(ctx context.Context, why string) error {
	tx, err := w.conn.Begin(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback(context.WithoutCancel(ctx)) }()
	var q pgx.Batch
	q.Queue("SELECT pg_advisory_xact_lock($1, $2)", lockSpace, lockSwitch)
	q.Queue(fmt.Sprintf("UPDATE %s.progress SET stopped = $1", w.schema), why)
	q.Queue("SELECT pg_notify($1, 'stopped')", Channel)
	if err := tx.SendBatch(ctx, &q).Close(); err != nil {
		return err
	}
	return tx.Commit(ctx)
}

// passing reports whether an error of PostgreSQL goes away by itself: the
// server is down, starting, short of something, or ended our session.
func passing(err error) bool {
	switch {
	case err == nil:
		return false
	case errors.Is(err, errMoved), errors.Is(err, ErrRebuilding):
		return true
	}
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		for _, class := range []string{"08", "40", "53", "55", "57", "58"} {
			if strings.HasPrefix(pg.Code, class) {
				return true
			}
		}
		return false
	}
	var connect *pgconn.ConnectError
	var network net.Error
	return errors.As(err, &connect) || errors.As(err, &network) || pgconn.SafeToRetry(err) ||
		errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed) || errors.Is(err, driver.ErrBadConn) ||
		strings.Contains(err.Error(), "conn closed")
}
