package web

import (
	"context"
	"slices"
	"time"

	"github.com/berkas-ledger/berkas/ledger"
	"github.com/berkas-ledger/berkas/projections"
)

// Some of what pages ask is found out once for every case, and kept: what a case owes
// in each stretch of its time, what was pending at the ends of months, what became of
// steps. After a start over a large ledger that takes seconds, which the first readers
// would wait. So it is asked before them.

// Prepared is closed when what is worth preparing after a start has been prepared:
// what pages are made of, the comparison with published figures, and public tables.
func (s *Server) Prepared() <-chan struct{} { return s.prepared }

// preparePages asks what pages are made of. Without columns nothing of it would be
// kept.
func (s *Server) preparePages(ctx context.Context) error {
	if s.Figures == nil || s.Figures.WaitColumns(ctx) != nil {
		return ctx.Err()
	}
	extent, err := s.extent(ctx)
	if err != nil || extent.First.IsZero() {
		return err
	}
	for _, asOf := range trendKinds(extent) {
		_, err := s.Figures.Backlog(ctx, projections.BacklogQuery{
			AsOf: asOf, Longest: shownLongest, TrendOf: func(asOf time.Time) []time.Time { return trendMoments(extent, asOf) },
		})
		if err != nil {
			return figureError(err)
		}
	}
	return s.prepareSteps(ctx)
}

// trendKinds are the latest moments at which trends are of each month, of every second
// one, and so on; zero for the last.
func trendKinds(e projections.Extent) []time.Time {
	kinds := []time.Time{{}}
	for n := 1; ; n++ {
		// The last day of the last month of which this is so.
		at := time.Date(e.First.Year(), e.First.Month()+time.Month(n*mostTrend), 1, 0, 0, 0, 0, ledger.Jakarta).AddDate(0, 0, -1)
		if !at.Before(e.Last) {
			return kinds
		}
		kinds = append(kinds, at)
	}
}

// prepareSteps asks how long steps took, of all and by each attribute.
func (s *Server) prepareSteps(ctx context.Context) error {
	steps := stageSteps()
	for _, w := range treatmentWaits {
		if !slices.Contains(steps, w.Step) {
			steps = append(steps, w.Step)
		}
	}
	ask := func(q ledger.Query, by string) error {
		q.Unit = ledger.UnitRespondent
		_, _, err := s.Figures.Durations(ctx, q, steps, by)
		return figureError(err)
	}
	for _, by := range append([]string{""}, ledger.Filters...) {
		if err := ask(ledger.Query{}, by); err != nil {
			return err
		}
	}
	return ask(ledger.Query{SeenBy: ledger.Bawaslu}, "")
}
