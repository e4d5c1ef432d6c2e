package web

import (
	"context"
	"maps"
	"slices"
	"strconv"

	"github.com/berkas-ledger/berkas/ledger"
	"github.com/berkas-ledger/berkas/projections"
)

// compared is published figures beside the ledger's. It never changes.
type compared struct {
	lines   []projections.Line
	older   map[ledger.AgencyID]int // figures left out, of publishers who have many
	settled projections.Settled     // how far the tables were
	known   ledger.Position         // 0: of each figure where it was published
	titles  map[publicationKey]publicationTitle
}

// comparedKey says what is compared: which records, as an address has it, and
// which publication; "": every one.
type comparedKey struct{ known, table string }

const (
	// mostCompared bounds the comparisons that are kept.
	mostCompared = 8
	// figuresCompared bounds the figures of one publisher that are compared at a
	// time, the last ones: who publishes many has his own page longer and nobody
	// else's.
	figuresCompared = 2000
)

// compare gives published figures beside the ledger's as the question's known-at
// says. With many figures of many cases that takes long, so it is prepared, and
// may be of an earlier position than the tables are at now. Where the last
// figures of every publisher are not all of them, a publication that is asked for
// is compared by itself.
func (s *Server) compare(ctx context.Context, q *publishedQuestion) (*compared, projections.Progress, error) {
	c, now, err := s.comparedAs(ctx, q.known, "")
	if err != nil || q.table == "" || len(c.older) == 0 {
		return c, now, err
	}
	return s.comparedAs(ctx, q.known, q.table)
}

func (s *Server) comparedAs(ctx context.Context, as, table string) (*compared, projections.Progress, error) {
	var known question
	if as != knownPublished && as != "" {
		known.Known = as
		if err := s.settle(ctx, &known); err != nil {
			return nil, projections.Progress{}, err
		}
	}
	now, err := s.Figures.Progress(ctx)
	if err != nil {
		return nil, now, figureError(err)
	}
	key := comparedKey{as, table}
	if at := known.Query.KnownAt; at > 0 {
		// What is known now at that very position may be there already.
		if latest, ok := s.comparisons.have(comparedKey{"", table}); ok && latest.known == at {
			return latest, now, nil
		}
		key.known = strconv.FormatUint(uint64(at), 10)
	}
	current := func(c *compared) bool { return c.settled.Position >= now.Position }
	c, err := s.comparisons.get(ctx, key, current, func(ctx context.Context) (*compared, error) {
		return s.compareAll(ctx, known.Query.KnownAt, as == knownPublished, table)
	})
	return c, now, err
}

// compareAll sets figures beside the ledger's, known at a position (0: the last),
// or each where it was published.
func (s *Server) compareAll(ctx context.Context, known ledger.Position, asPublished bool, table string) (*compared, error) {
	if err := s.Figures.WaitColumns(ctx); err != nil && ctx.Err() != nil {
		return nil, err // without columns this would take an hour; a reader that keeps none asks SQL
	}
	p, err := s.Figures.Progress(ctx)
	if err != nil {
		return nil, figureError(err)
	}
	out := &compared{settled: projections.Settled{Position: p.Position, Recorded: p.Recorded}, known: known}
	if known == 0 && !asPublished {
		out.known = p.Position
	}
	figures, older, err := s.Figures.RecentFigures(ctx, p.Position, table, s.figuresCompared)
	if err != nil {
		return nil, figureError(err)
	}
	out.older = older
	out.lines, err = s.Figures.Beside(ctx, figures, out.known, asPublished)
	out.titles = titlesOf(figures)
	return out, figureError(err)
}

// preparePublished compares what a page shows that is asked nothing.
func (s *Server) preparePublished(ctx context.Context) error {
	if s.Figures == nil {
		return nil
	}
	_, _, err := s.compare(ctx, &publishedQuestion{})
	return err
}

// olderFigures are figures of one publisher that are not compared.
type olderFigures struct {
	Publisher ledger.AgencyID
	N         int
}

func (c *compared) olderFigures() []olderFigures {
	var out []olderFigures
	for _, a := range slices.Sorted(maps.Keys(c.older)) {
		out = append(out, olderFigures{a, c.older[a]})
	}
	return out
}

// chosen keeps the lines of the question's publisher and publication, and lists
// those of them that have its reason.
func (q *publishedQuestion) chosen(all []projections.Line) (lines, listed []projections.Line, reasons map[projections.Reason]int) {
	reasons = map[projections.Reason]int{}
	for _, l := range all {
		if q.publisher != "" && l.Figure.Publisher != q.publisher || q.table != "" && l.Figure.Table != q.table {
			continue
		}
		lines = append(lines, l)
		if reasons[l.Reason]++; q.reason == "" || string(l.Reason) == q.reason {
			listed = append(listed, l)
		}
	}
	return lines, listed, reasons
}

// file is the address of the file of what a page shows, known as it is.
func (q *publishedQuestion) file(c *compared) string {
	known := q.known
	if known != knownPublished {
		known = strconv.FormatUint(uint64(c.known), 10)
	}
	return q.address(exportPath+"/published", "page", "", "known-at", known)
}
