package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"github.com/berkas-ledger/berkas/internal/local"
	"github.com/berkas-ledger/berkas/ledger"
	"github.com/berkas-ledger/berkas/projections"
)

func (d *doctor) postgresConfig() local.PostgresConfig {
	return local.PostgresConfig{Dir: d.home.postgres(), BinDir: os.Getenv("PG_BINDIR"), Throwaway: d.throwaway, Log: d.log}
}

// readPostgres compares the tables with what the known records give. Of a stopped
// private server every page is checked first; if one is damaged the server is not
// started over it.
func (d *doctor) readPostgres(ctx context.Context) error {
	switch {
	case d.database != "":
		d.notSeen("the pages of PostgreSQL's files: another program's server has them")
		return d.compareTables(ctx, d.database)
	case d.running != nil:
		d.notSeen("the pages of PostgreSQL's files: the server has them open; stop the ledger to have them checked")
		return d.compareTables(ctx, d.running.Database)
	}
	if _, err := local.PostgresData(d.home.postgres()); errors.Is(err, fs.ErrNotExist) {
		d.notSeen("PostgreSQL: this ledger was never started with a database of its own; name another with --database")
		return nil
	}
	whole, err := d.checkPages(ctx)
	if err != nil || !whole {
		return err
	}
	pg, err := local.StartPostgres(ctx, d.postgresConfig())
	if err != nil {
		if errors.Is(err, local.ErrNoPostgres) || errors.Is(err, local.ErrInUse) || ctx.Err() != nil {
			return err
		}
		d.add(finding{Copy: copyPostgres, Problem: "it does not start: " + err.Error()})
		return nil
	}
	err = d.compareTables(ctx, pg.URL())
	return errors.Join(err, pg.Stop())
}

// checkPages reports whether all pages are whole, as far as can be told.
func (d *doctor) checkPages(ctx context.Context) (bool, error) {
	bad, why := local.CheckPages(ctx, d.postgresConfig())
	switch {
	case errors.Is(why, local.ErrNotStopped):
		d.notSeen("the pages of PostgreSQL's files: it was not shut down in order; its start mends that, and reads are checked")
		return true, nil
	case errors.Is(why, local.ErrNoPostgres), errors.Is(why, local.ErrInUse), ctx.Err() != nil:
		return false, errors.Join(why, ctx.Err())
	case why != nil:
		d.looked(copyPostgres)
		d.add(finding{Copy: copyPostgres, Problem: why.Error()})
		return false, nil //nolint:nilerr // it is what was looked for
	}
	for _, page := range bad {
		d.add(finding{
			Copy: copyPostgres, File: page.File, Byte: place(page.Block * local.PageSize),
			Problem: fmt.Sprintf("page %d does not have its checksum; PostgreSQL refuses to read it", page.Block),
		})
	}
	if len(bad) > 0 {
		d.looked(copyPostgres)
		d.notSeen("the rows of PostgreSQL's tables: pages are damaged, so the server was not started")
	}
	return len(bad) == 0, nil
}

// unmade reports whether there are no tables to compare, or not all of them.
func unmade(c projections.Compared) bool {
	return len(c.Differences) == 1 && c.Differences[0].Table == ""
}

func (d *doctor) compareTables(ctx context.Context, url string) error {
	if d.truth.end() == 0 || d.truth.end() < ledger.Position(len(d.truth.leaves)) {
		d.notSeen("PostgreSQL's tables: what the records are that they should show is not known")
		return nil
	}
	feed, last := d.feed(), d.truth.end()
	config := projections.Config{URL: url, Log: d.log}
	out, err := projections.Compare(ctx, config, feed, last)
	// A ledger that has just been started may still be making its tables.
	for end := time.Now().Add(10 * time.Second); err == nil && d.running != nil && unmade(out) && time.Now().Before(end); {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(100 * time.Millisecond):
		}
		out, err = projections.Compare(ctx, config, feed, last)
	}
	if err != nil {
		return err
	}
	d.looked(copyPostgres)
	for _, x := range out.Differences {
		d.add(finding{Copy: copyPostgres, Table: x.Table, Row: x.Row, Problem: x.Problem})
	}
	if out.Position < last && len(out.Differences) == 0 && d.running == nil {
		d.note(fmt.Sprintf("PostgreSQL's tables stand at position %d and are right up to there; a start brings them to %d", out.Position, last))
	}
	if out.Indexes == "scans" {
		d.note("PostgreSQL's indexes were compared by reading through them; its own checker, amcheck, may not be used here")
	}
	return nil
}
