package projections

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/berkas-ledger/berkas/ledger"
)

// Projector writes the read models of one database. Several may run against
// one database, in one process or many: one writes, the others stand by.
type Projector struct {
	config Config
	log    *slog.Logger
}

// NewProjector makes a projector; it opens nothing before Run.
func NewProjector(c Config) *Projector { return &Projector{config: c, log: c.logger()} }

// Pauses before PostgreSQL is tried again: the first, and the longest.
const (
	firstPause = 100 * time.Millisecond
	longPause  = 5 * time.Second
)

// Run follows the feed from the position the tables stand at until the context
// ends (nil), the feed ends (nil) or something stands that a retry would not
// mend: a *ledger.ErrBroken, which it also writes down so that readers see that
// and why the projections stopped; ErrNewer; an error of the feed. Tables that
// are missing are made; tables of an older version are rebuilt first. While
// PostgreSQL is away it waits and goes on where it stood.
func (p *Projector) Run(ctx context.Context, feed ledger.Feed) error {
	pause := firstPause
	for {
		err := p.session(ctx, feed, func() { pause = firstPause })
		if ctx.Err() == nil && !passing(err) {
			return err
		}
		if !p.wait(ctx, pause, err) {
			return nil
		}
		pause = min(2*pause, longPause)
	}
}

// wait pauses before the next session; it reports false when the context ended.
func (p *Projector) wait(ctx context.Context, pause time.Duration, why error) bool {
	switch {
	case ctx.Err() != nil:
		return false
	case errors.Is(why, errMoved), errors.Is(why, ErrRebuilding):
		p.log.InfoContext(ctx, "the projections read their position anew", "why", why.Error())
	default:
		p.log.WarnContext(ctx, "PostgreSQL is away; the projections wait", "pause", pause, "error", why.Error())
	}
	select {
	case <-ctx.Done():
		return false
	case <-time.After(pause):
		return true
	}
}

// session follows the feed over one connection to PostgreSQL.
func (p *Projector) session(ctx context.Context, feed ledger.Feed, progressed func()) error {
	conn, err := connect(ctx, p.config.URL, "berkas projector")
	if err != nil {
		return err
	}
	defer closeConn(ctx, conn)
	// The lock is the connection's: whoever loses one has lost the other.
	if _, err := conn.Exec(ctx, "SELECT pg_advisory_lock($1, $2)", lockSpace, lockWriter); err != nil {
		return fmt.Errorf("wait for the projector's turn: %w", err)
	}
	if err := p.prepare(ctx, conn, feed); err != nil {
		return err
	}
	w := &writer{conn: conn, schema: schemaCurrent}
	err = p.config.follow(ctx, w, feed, func(ledger.Position) { progressed() })
	if err != nil && ctx.Err() == nil && !passing(err) {
		p.log.ErrorContext(ctx, "the projections stopped", "error", err.Error())
		if e := w.stop(ctx, err.Error()); e != nil {
			p.log.ErrorContext(ctx, "could not write down that the projections stopped", "error", e.Error())
		}
	}
	return err
}

// prepare makes tables that are missing and rebuilds those of an older version.
// Views for BI tools that cannot be made stop nothing.
func (p *Projector) prepare(ctx context.Context, conn *pgx.Conn, feed ledger.Feed) error {
	found, err := standing(ctx, conn)
	if err != nil {
		return err
	}
	switch found {
	case tablesMissing:
		err = migrate(ctx, p.config.URL, schemaCurrent)
	case tablesOlder:
		p.log.InfoContext(ctx, "the read models are of an older version; rebuilding them")
		_, err = Rebuild(ctx, p.config, feed, RebuildOptions{})
	case tablesFit:
	}
	if err != nil {
		return err
	}
	if err := ensureReports(ctx, conn, p.config); err != nil {
		if passing(err) {
			return err
		}
		p.log.ErrorContext(ctx, "the views for BI tools were not made", "error", err.Error())
	}
	return nil
}

// follow writes a feed into the generation that the writer writes.
func (c Config) follow(ctx context.Context, w *writer, feed ledger.Feed, committed func(ledger.Position)) error {
	at, err := w.start(ctx)
	if err != nil {
		return err
	}
	loader := &loader{url: c.URL, schema: w.schema}
	defer loader.close(ctx)
	f := &folder{state: at, checked: at.chain.Position == 0, load: loader.load, cases: newCaseCache(c.cacheEvents())}
	if at.chain.Position > 0 {
		if err := f.recall(ctx, w); err != nil {
			return err
		}
	}
	l := &line{
		folder: f, writer: w, batchRecords: cmp.Or(c.batchRecords, batchRecords),
		committed: committed,
	}
	return l.run(ctx, feed)
}

// recall reads what of the records before is not about single cases.
func (f *folder) recall(ctx context.Context, w *writer) (err error) {
	if f.published, err = publishedRules(ctx, w.conn, w.schema, f.state.chain.Position); err != nil {
		return fmt.Errorf("read published rules: %w", err)
	}
	f.rules = ledger.Publish(f.published)
	if err := w.conn.QueryRow(ctx, fmt.Sprintf("SELECT EXISTS (SELECT FROM %s.respondent_history)", w.schema)).Scan(&f.rows); err != nil {
		return fmt.Errorf("look for cases: %w", err)
	}
	return nil
}

// loader reads cases over a connection of its own, while batches are committed
// over the writer's.
type loader struct {
	url    string
	schema schemaName
	conn   *pgx.Conn
}

func (l *loader) load(ctx context.Context, ids []uuid.UUID, upTo ledger.Position) (map[uuid.UUID][]ledger.CaseEvent, error) {
	if l.conn == nil {
		conn, err := connect(ctx, l.url, "berkas projector, reading")
		if err != nil {
			return nil, err
		}
		l.conn = conn
	}
	return loadCases(ctx, l.conn, l.schema, ids, upTo)
}

func (l *loader) close(ctx context.Context) {
	if l.conn != nil {
		closeConn(ctx, l.conn)
	}
}

// closeConn closes a connection even when the context has ended; a server that
// does not answer any more is not waited for.
func closeConn(ctx context.Context, conn *pgx.Conn) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	_ = conn.Close(ctx) // there is nothing left to lose
}
