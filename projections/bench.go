package projections

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/berkas-ledger/berkas/ledger"
)

// CatchUp is a measurement of catching up against COPY.
type CatchUp struct {
	Records uint64
	Rows    uint64        // of all tables, as they ended up
	Bytes   uint64        // of those rows, in COPY's binary format
	Project time.Duration // projecting the feed into empty tables
	Copy    time.Duration // COPY of the same rows into the same empty, indexed tables
}

// Ratio is the speed of projecting as a part of the speed of COPY.
func (m CatchUp) Ratio() float64 { return m.Copy.Seconds() / m.Project.Seconds() }

// Schemas of a measurement.
const (
	schemaMeasured schemaName = "projection_bench"
	schemaCopied   schemaName = "projection_bench_copy"
)

// MeasureCatchUp projects a feed up to a position into tables of its own, then
// copies the same rows into the same empty tables, in one transaction that waits
// for the disk as little as the projector's do, and drops both. The read models
// themselves are not touched. The rows are kept in a temporary file meanwhile.
func MeasureCatchUp(ctx context.Context, c Config, feed ledger.Feed, upTo ledger.Position) (m CatchUp, err error) {
	conn, err := connect(ctx, c.URL, "berkas bench")
	if err != nil {
		return m, err
	}
	defer closeConn(ctx, conn)
	if err := dropSchemas(ctx, conn, schemaMeasured, schemaCopied); err != nil {
		return m, err
	}
	defer func() {
		err = errors.Join(err, dropSchemas(context.WithoutCancel(ctx), conn, schemaMeasured, schemaCopied))
	}()
	if err := migrate(ctx, c.URL, schemaMeasured); err != nil {
		return m, err
	}
	w := &writer{conn: conn, schema: schemaMeasured, beside: true}
	began := time.Now()
	if err := c.follow(ctx, w, until(feed, upTo), nil); err != nil {
		return m, fmt.Errorf("project: %w", err)
	}
	m.Project = time.Since(began)
	at, err := w.start(ctx)
	if err != nil {
		return m, err
	}
	m.Records = uint64(at.chain.Position)
	return m, m.copyAgain(ctx, conn, c.URL)
}

// copyAgain copies the rows of the measured tables into empty ones.
func (m *CatchUp) copyAgain(ctx context.Context, conn *pgx.Conn, url string) (err error) {
	lines, err := tablesOf(ctx, conn, schemaMeasured)
	if err != nil {
		return err
	}
	if err := migrate(ctx, url, schemaCopied); err != nil {
		return err
	}
	if _, err := conn.Exec(ctx, fmt.Sprintf("DELETE FROM %s.progress", schemaCopied)); err != nil {
		return err
	}
	file, err := os.CreateTemp("", "berkas-bench-*")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close(), os.Remove(file.Name())) }()
	tables := make([]string, len(lines))
	ends := make([]int64, len(lines))
	for i, line := range lines {
		tables[i], _, _ = strings.Cut(line, " ")
		tag, err := conn.PgConn().CopyTo(ctx, file, fmt.Sprintf("COPY %s.%s TO STDOUT (FORMAT binary)", schemaMeasured, tables[i]))
		if err != nil {
			return fmt.Errorf("copy out of %s: %w", tables[i], err)
		}
		m.Rows += uint64(tag.RowsAffected())
		if ends[i], err = file.Seek(0, io.SeekCurrent); err != nil {
			return err
		}
		m.Bytes = uint64(ends[i])
	}
	began := time.Now()
	if err := copyIn(ctx, conn, file, tables, ends); err != nil {
		return err
	}
	m.Copy = time.Since(began)
	return nil
}

// copyIn copies each table's part of a file into it.
func copyIn(ctx context.Context, conn *pgx.Conn, file io.ReaderAt, tables []string, ends []int64) error {
	tx, err := conn.Begin(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback(context.WithoutCancel(ctx)) }()
	if _, err := tx.Exec(ctx, "SET LOCAL synchronous_commit = off"); err != nil {
		return err
	}
	at := int64(0)
	for i, table := range tables {
		part := bufio.NewReaderSize(io.NewSectionReader(file, at, ends[i]-at), 1<<20)
		if _, err := conn.PgConn().CopyFrom(ctx, part, fmt.Sprintf("COPY %s.%s FROM STDIN (FORMAT binary)", schemaCopied, table)); err != nil {
			return fmt.Errorf("copy into %s: %w", table, err)
		}
		at = ends[i]
	}
	return tx.Commit(ctx)
}
