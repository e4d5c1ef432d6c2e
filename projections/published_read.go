package projections

import (
	"context"
	"strconv"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/berkas-ledger/berkas/ledger"
)

// Published figures as readers ask for them.

const selectFigures = `
	SELECT publication, publisher, seen_by, as_of, coalesce(since, ''), unit, measure, filter, value::text,
		array_to_string(sources, '; '), doubt, coalesce(restates, ''), f.event_id, position, ordinal, happened, recorded`

// PublishedFigures lists the figures published on the ledger, in its order.
func (r *Reader) PublishedFigures(ctx context.Context) ([]PublishedFigure, error) {
	return readFigures(r.scan(ctx, selectFigures+`
		FROM projection.published_figure f JOIN projection.record USING (position) ORDER BY position, ordinal`))
}

// PublishedFigure gives one figure by the position of the event that published it
// and its number there, from 1; ok says that there is one.
func (r *Reader) PublishedFigure(ctx context.Context, position ledger.Position, ordinal int) (f PublishedFigure, ok bool, err error) {
	list, err := readFigures(r.pool.Query(ctx, selectFigures+`
		FROM projection.published_figure f JOIN projection.record USING (position) WHERE position = $1 AND ordinal = $2`, int64(position), int32(ordinal)))
	if err != nil || len(list) == 0 {
		return f, false, err
	}
	return list[0], true, nil
}

// RecentFigures lists the figures published up to a position, in the ledger's
// order: of each publisher the last ones, so many at most. older counts those
// left out. With a table it is of that publication alone.
func (r *Reader) RecentFigures(ctx context.Context, until ledger.Position, table string, most int) (list []PublishedFigure, older map[ledger.AgencyID]int, err error) {
	list, err = readFigures(r.scan(ctx, selectFigures+`
		FROM (SELECT *, row_number() OVER (PARTITION BY publisher ORDER BY position DESC, ordinal DESC) AS nth
			FROM projection.published_figure WHERE position <= $1 AND ($2 = '' OR publication = $2)) f
		JOIN projection.record USING (position) WHERE nth <= $3 ORDER BY position, ordinal`, int64(until), table, most))
	if err != nil {
		return nil, nil, err
	}
	rows, err := r.scan(ctx, `
		SELECT publisher, count(*) FROM projection.published_figure
		WHERE position <= $1 AND ($2 = '' OR publication = $2) GROUP BY publisher HAVING count(*) > $3`, int64(until), table, most)
	if err != nil {
		return nil, nil, asking("published figures", err)
	}
	older = make(map[ledger.AgencyID]int)
	var publisher ledger.AgencyID
	var n int
	if _, err := pgx.ForEachRow(rows, []any{&publisher, &n}, func() error {
		older[publisher] = n - most
		return nil
	}); err != nil {
		return nil, nil, asking("published figures", err)
	}
	return list, older, nil
}

func readFigures(rows pgx.Rows, err error) ([]PublishedFigure, error) {
	if err != nil {
		return nil, asking("published figures", err)
	}
	list, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (PublishedFigure, error) {
		var f PublishedFigure
		var value string
		var event uuid.UUID
		err := row.Scan(&f.Table, &f.Publisher, &f.SeenBy, &f.AsOf, &f.Since, &f.Unit, &f.Measure, &f.Filter, &value,
			&f.Source, &f.Doubt, &f.Restates, &event, &f.Position, &f.Ordinal, &f.Published, &f.Recorded)
		if err != nil {
			return f, err
		}
		f.Event, f.Published, f.Recorded = event.String(), f.Published.UTC(), f.Recorded.UTC()
		f.Value, err = strconv.ParseUint(value, 10, 64)
		return f, err
	})
	if err != nil {
		return nil, asking("published figures", err)
	}
	return list, nil
}
