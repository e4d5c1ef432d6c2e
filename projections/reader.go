package projections

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/berkas-ledger/berkas/ledger"
)

// Reader answers questions. It is safe for concurrent use.
//
// A question is asked in several statements, and a rebuild may switch the
// generation between two of them. That does no harm: what is known at a
// position is the same in every generation that has reached it, and a new one
// is never behind the old one.
type Reader struct {
	pool    *pgxpool.Pool
	columns *columns // nil: SQL answers everything
	// scans bounds the statements that read whole tables to half of the connections:
	// others, and whoever asks whether the server is well, find one.
	scans chan struct{}
}

// OpenReader connects lazily: a database that is away shows at the first
// question.
func OpenReader(ctx context.Context, url string) (*Reader, error) {
	config, err := pgxpool.ParseConfig(url)
	if err != nil {
		return nil, fmt.Errorf("database URL: %w", err)
	}
	config.ConnConfig.RuntimeParams["application_name"] = "berkas reader"
	config.ConnConfig.RuntimeParams["default_transaction_read_only"] = "on"
	// Nearly all statements read some rows by an index, which takes less than it
	// takes to compile them.
	config.ConnConfig.RuntimeParams["jit"] = "off"
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, err
	}
	return &Reader{pool: pool, scans: make(chan struct{}, max(1, config.MaxConns/2))}, nil
}

// scan asks what reads whole tables, when there is a place.
func (r *Reader) scan(ctx context.Context, sql string, args ...any) (pgx.Rows, error) {
	select {
	case r.scans <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	leave := sync.OnceFunc(func() { <-r.scans })
	rows, err := r.pool.Query(ctx, sql, args...)
	if err != nil {
		leave()
		return nil, err
	}
	return scanned{rows, leave}, nil
}

// scanned are rows that hold a place until they are closed.
type scanned struct {
	pgx.Rows
	leave func()
}

func (s scanned) Close() {
	s.Rows.Close()
	s.leave()
}

// scanRow is scan for one row.
func (r *Reader) scanRow(ctx context.Context, sql string, args []any, into ...any) error {
	rows, err := r.scan(ctx, sql, args...)
	if err != nil {
		return err
	}
	_, err = pgx.CollectExactlyOneRow(rows, func(row pgx.CollectableRow) (struct{}, error) { return struct{}{}, row.Scan(into...) })
	return err
}

// Close ends the connections.
func (r *Reader) Close() {
	if r.columns != nil {
		r.columns.close()
	}
	r.pool.Close()
}

// Progress is how far the read models are.
type Progress struct {
	Position ledger.Position
	Recorded time.Time // of the record at Position
	Leaf     ledger.Hash
	// Stopped says why the projections stopped; "" while they go on. Somebody
	// has to look.
	Stopped string
	// Unknown counts records of kinds that the projector did not know.
	Unknown uint64
}

// rower asks for one row: a pool or a connection.
type rower interface {
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}

// Progress reads how far the read models are. ErrNoTables: nowhere yet.
func (r *Reader) Progress(ctx context.Context) (Progress, error) { return readProgress(ctx, r.pool) }

func readProgress(ctx context.Context, db rower) (Progress, error) {
	var p Progress
	var leaf []byte
	var recorded *time.Time
	var position, unknown int64
	if err := db.QueryRow(ctx, "SELECT position, recorded, leaf, stopped, unknown FROM projection.progress").
		Scan(&position, &recorded, &leaf, &p.Stopped, &unknown); err != nil {
		return p, asking("progress", err)
	}
	p.Position, p.Unknown = ledger.Position(position), uint64(unknown)
	copy(p.Leaf[:], leaf)
	if recorded != nil {
		p.Recorded = recorded.UTC()
	}
	return p, nil
}

// tablesAreMade is ErrNoTables until they are there. PostgreSQL's log would speak of an
// error if they were asked.
func tablesAreMade(ctx context.Context, conn *pgx.Conn) error {
	switch state, err := standing(ctx, conn); {
	case err != nil && !errors.Is(err, ErrNewer):
		return fmt.Errorf("read which tables there are: %w", err)
	case err == nil && state == tablesMissing:
		return ErrNoTables
	}
	return nil
}

// asking wraps an error of a question; tables that are not there are
// ErrNoTables.
func asking(what string, err error) error {
	var pg *pgconn.PgError
	if errors.As(err, &pg) && (pg.Code == "42P01" || pg.Code == "3F000") {
		return ErrNoTables
	}
	return fmt.Errorf("read %s: %w", what, err)
}

// noColumn reports whether a column is not there, as between two migrations.
func noColumn(err error) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && pg.Code == "42703"
}

// ErrStopped says that the projections stopped and will not move by themselves.
type ErrStopped struct {
	Position ledger.Position
	Why      string
}

func (e *ErrStopped) Error() string {
	return fmt.Sprintf("the projections stopped at position %d: %s", e.Position, e.Why)
}

// Wait returns as soon as the read models have reached a position, with an
// *ErrStopped when the projections have stopped before it.
func (r *Reader) Wait(ctx context.Context, until ledger.Position) error {
	pooled, err := r.pool.Acquire(ctx)
	if err != nil {
		return fmt.Errorf("wait for position %d: %w", until, err)
	}
	conn := pooled.Hijack() // LISTEN is the connection's: not to be shared afterwards
	defer closeConn(ctx, conn)
	if _, err := conn.Exec(ctx, "LISTEN "+Channel); err != nil {
		return fmt.Errorf("wait for position %d: %w", until, err)
	}
	for {
		var p Progress
		err := tablesAreMade(ctx, conn)
		if err == nil {
			p, err = readProgress(ctx, conn)
		}
		switch {
		case errors.Is(err, ErrNoTables): // the projector is about to make them
		case err != nil:
			return err
		case p.Position >= until:
			return nil
		case p.Stopped != "":
			return &ErrStopped{p.Position, p.Stopped}
		}
		if _, err := conn.WaitForNotification(ctx); err != nil {
			return fmt.Errorf("wait for position %d: %w", until, err)
		}
	}
}

// PositionAt gives the last position recorded at or before a moment, 0 if there
// is none. A moment after the last applied record is an *ErrNotSettled.
func (r *Reader) PositionAt(ctx context.Context, t time.Time) (ledger.Position, error) {
	p, err := r.Progress(ctx)
	if err != nil {
		return 0, err
	}
	if p.Position == 0 || t.After(p.Recorded) {
		return 0, &ErrNotSettled{"known-at", p.Position, p.Recorded}
	}
	var position int64
	err = r.pool.QueryRow(ctx, `
		SELECT coalesce((SELECT position FROM projection.record
			WHERE recorded <= $1 AND position <= $2 ORDER BY recorded DESC, position DESC LIMIT 1), 0)`,
		t, int64(p.Position)).Scan(&position)
	if err != nil {
		return 0, asking("the position at a moment", err)
	}
	return ledger.Position(position), nil
}

// settle fills in the times that a query leaves open and refuses those that
// could still change.
func (p Progress) settle(q ledger.Query) (ledger.Query, error) {
	switch {
	case p.Position == 0 || q.KnownAt > p.Position:
		return q, &ErrNotSettled{"known-at", p.Position, p.Recorded}
	case q.AsOf.After(p.Recorded):
		return q, &ErrNotSettled{"as-of", p.Position, p.Recorded}
	}
	if q.AsOf.IsZero() {
		q.AsOf = p.Recorded
	}
	if q.KnownAt == 0 {
		q.KnownAt = p.Position
	}
	return q, nil
}

// Origin is the ledger's name, which its first record says; "" before that one was
// applied.
func (r *Reader) Origin(ctx context.Context) (origin string, err error) {
	err = r.pool.QueryRow(ctx, "SELECT coalesce(data->>'origin', '') FROM projection.record WHERE position = 1").Scan(&origin)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return "", nil
	case err != nil:
		return "", asking("the ledger's name", err)
	}
	return origin, nil
}

// Saw reports whether an agency ever opened, was sent or acted on a case.
func (r *Reader) Saw(ctx context.Context, agency ledger.AgencyID) (bool, error) {
	var saw bool
	if err := r.pool.QueryRow(ctx, "SELECT EXISTS (SELECT FROM projection.respondent_history WHERE $1 = ANY (seen_by))",
		string(agency)).Scan(&saw); err != nil {
		return false, fmt.Errorf("what %s saw: %w", agency, err)
	}
	return saw, nil
}
