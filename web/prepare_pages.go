package web

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/berkas-ledger/berkas/ledger"
	"github.com/berkas-ledger/berkas/projections"
)

// Some of what pages ask is found out once for every case, and kept: what a case owes
// in each stretch of its time, what was pending at the ends of months, what became of
// steps. After a start over a large ledger that takes seconds, which the first readers
// would wait. So it is asked before them.

// Prepared is closed when the server has tried once to prepare what is worth it after a
// start: what pages are made of, the comparison with published figures, and public tables.
func (s *Server) Prepared() <-chan struct{} { return s.prepared }

// errNothingYet says that there are no cases yet.
var errNothingYet = errors.New("there are no cases yet")

// preparePages asks what pages are made of.
func (s *Server) preparePages(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, prepareTime)
	defer cancel()
	if ok, err := s.fromColumns(ctx); !ok {
		return err
	}
	extent, err := s.Figures.Extent(ctx)
	switch {
	case err != nil:
		return figureError(err)
	case extent.First.IsZero():
		return errNothingYet
	}
	for _, asOf := range trendKinds(extent) {
		if ok, err := s.fromColumns(ctx); !ok {
			return err
		}
		_, err := s.Figures.Backlog(ctx, projections.BacklogQuery{
			AsOf: asOf, Longest: shownLongest, TrendOf: func(asOf time.Time) []time.Time { return trendMoments(extent, asOf) },
		})
		if err != nil {
			return figureError(err)
		}
	}
	return s.prepareSteps(ctx)
}

// fromColumns waits until columns answer. PostgreSQL would take an hour, and nothing
// would be kept: where no columns are, there is nothing to prepare.
func (s *Server) fromColumns(ctx context.Context) (ok bool, err error) {
	if s.Figures == nil {
		return false, nil
	}
	err = s.Figures.WaitColumns(ctx)
	return err == nil, ctx.Err()
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

// prepareSteps asks how long steps took: all of them, then one after the other by each
// attribute, so that readers are let in between. Of institutions there are more than
// sums are kept of.
func (s *Server) prepareSteps(ctx context.Context) error {
	steps := stageSteps()
	for _, w := range treatmentWaits {
		if !slices.Contains(steps, w.Step) {
			steps = append(steps, w.Step)
		}
	}
	ask := func(q ledger.Query, by string, steps ...projections.Step) error {
		if ok, err := s.fromColumns(ctx); !ok {
			return err
		}
		q.Unit = ledger.UnitRespondent
		_, _, err := s.Figures.Durations(ctx, q, steps, by)
		return figureError(err)
	}
	if err := ask(ledger.Query{}, "", steps...); err != nil {
		return err
	}
	for _, step := range steps {
		for _, by := range ledger.Filters {
			if by == "institution" {
				continue
			}
			if err := ask(ledger.Query{}, by, step); err != nil {
				return err
			}
		}
		if err := ask(ledger.Query{SeenBy: ledger.Bawaslu}, "", step); err != nil {
			return err
		}
	}
	return nil
}
