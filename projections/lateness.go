package projections

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/berkas-ledger/berkas/ledger"
)

// Recording lag: how long after it happened an event is recorded, from the two
// times that every record has.

// LagBy lists what lags can be broken down by.
var LagBy = []string{"agency", "kind", "month"}

// lagGroups has the expression of each; a month is that in which it was recorded,
// in Jakarta.
var lagGroups = map[string]string{
	"agency": "agency",
	"kind":   "kind",
	"month":  "to_char(recorded AT TIME ZONE 'Asia/Jakarta', 'YYYY-MM')",
}

// Lag is the recording lag of a group of events.
type Lag struct {
	Group  string
	Events uint64
	// Median and P90 are taken between events as PostgreSQL's percentile_cont does.
	Median, P90, Max time.Duration
	// Late counts what was recorded later than the genesis allows without a mandate
	// for late recording.
	Late uint64
	// Corrections counts events that correct others, Voids those of them that say
	// that nothing of the kind happened.
	Corrections, Voids uint64
}

// Lags tells how events were recorded, by one of LagBy.
type Lags struct {
	KnownAt ledger.Position
	Known   time.Time // when the record at KnownAt was recorded
	Settled Settled
	// LateAfter is what the genesis says; 0 if it is not applied.
	LateAfter time.Duration
	Groups    []Lag
	All       Lag // of all groups; its Group is ""
}

// Lags measures every agency's events up to a position (0: all applied). What the
// registrar itself records is left out, for it has one time only.
func (r *Reader) Lags(ctx context.Context, by string, known ledger.Position) (Lags, error) {
	group, ok := lagGroups[by]
	if !ok {
		return Lags{}, fmt.Errorf("lags are by %v, not %q", LagBy, by)
	}
	p, err := r.Progress(ctx)
	if err != nil {
		return Lags{}, err
	}
	settled, err := p.settle(ledger.Query{KnownAt: known})
	if err != nil {
		return Lags{}, err
	}
	out := Lags{KnownAt: settled.KnownAt, Settled: Settled{p.Position, p.Recorded}}
	var days *int32
	if err := r.pool.QueryRow(ctx, `
		SELECT recorded, (SELECT late_after_days FROM projection.progress) FROM projection.record WHERE position = $1`,
		int64(out.KnownAt)).Scan(&out.Known, &days); err != nil {
		return out, asking("lags", err)
	}
	out.Known = out.Known.UTC()
	if days != nil {
		out.LateAfter = time.Duration(*days) * day
	}
	rows, err := r.scan(ctx, fmt.Sprintf(`
		SELECT coalesce(grouped, ''), count(*), percentile_cont(0.5) WITHIN GROUP (ORDER BY lag), percentile_cont(0.9) WITHIN GROUP (ORDER BY lag),
			max(lag), count(*) FILTER (WHERE late), count(*) FILTER (WHERE kind = $2), count(*) FILTER (WHERE kind = $2 AND data ->> 'action' = $3)
		FROM (SELECT %s AS grouped, extract(epoch FROM recorded - happened)::float8 AS lag, late, kind, data
			FROM projection.record WHERE position <= $1 AND agency <> $4) r
		GROUP BY GROUPING SETS ((grouped), ()) ORDER BY grouping(grouped), grouped COLLATE "C"`, group),
		int64(out.KnownAt), string(ledger.EventCorrectedKind), ledger.ActionVoid, string(ledger.Registrar))
	if err != nil {
		return out, asking("lags", err)
	}
	list, err := pgx.CollectRows(rows, scanLag)
	if err != nil {
		return out, asking("lags", err)
	}
	out.Groups, out.All = list[:len(list)-1], list[len(list)-1]
	return out, nil
}

func scanLag(row pgx.CollectableRow) (Lag, error) {
	var l Lag
	var events, late, corrections, voids int64
	var median, p90, most *float64 // seconds; null without events
	err := row.Scan(&l.Group, &events, &median, &p90, &most, &late, &corrections, &voids)
	l.Events, l.Late, l.Corrections, l.Voids = uint64(events), uint64(late), uint64(corrections), uint64(voids)
	for _, s := range []struct {
		seconds *float64
		to      *time.Duration
	}{{median, &l.Median}, {p90, &l.P90}, {most, &l.Max}} {
		if s.seconds != nil {
			*s.to = time.Duration(*s.seconds * float64(time.Second)).Round(time.Microsecond)
		}
	}
	return l, err
}
