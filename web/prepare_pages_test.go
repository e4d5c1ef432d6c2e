package web

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/berkas-ledger/berkas/internal/testkit"
	"github.com/berkas-ledger/berkas/ledger"
	"github.com/berkas-ledger/berkas/projections"
)

// TestPagesArePrepared: of what columns keep of cases, pages of any moment ask nothing
// that has not been prepared.
func TestPagesArePrepared(t *testing.T) {
	s := newShelf(t)
	s.server.Figures.KeepColumns(testkit.Log(t))
	if err := s.server.Figures.WaitColumns(t.Context()); err != nil {
		t.Fatal(err)
	}
	size := func() uint64 {
		_, n := s.server.Figures.ColumnsSize()
		return n
	}
	before := size()
	if err := s.server.preparePages(t.Context()); err != nil {
		t.Fatal(err)
	}
	prepared := size()
	if prepared <= before {
		t.Fatalf("columns take %d bytes before pages are prepared and %d after", before, prepared)
	}
	for _, path := range []string{
		"/national", "/national?as-of=2020-11-26", "/national?as-of=2020-11-26&filter=province%3D73", "/national?seen-by=bkn", "/national?filter=item%3Dsocial-media",
		"/treatment", "/treatment?by=province", "/treatment?by=item&as-of=2020-11-26", "/backlog", "/backlog?as-of=2020-11-26",
		"/worklist?agency=bkn", "/worklist?as-of=2020-11-26",
	} {
		s.shows(path)
		if n := size(); n != prepared {
			t.Errorf("%s has columns take %d bytes, and not %d as before", path, n, prepared)
			prepared = n
		}
	}
}

// TestNothingToPrepareYet: where there are no cases yet, pages are prepared later, and
// without columns never.
func TestNothingToPrepareYet(t *testing.T) {
	s := newShelf(t)
	s.server.Figures.Close() // so that asking fails
	if err := s.server.preparePages(t.Context()); err != nil {
		t.Errorf("PostgreSQL is asked what nobody keeps: %v", err)
	}
	url := testkit.DB(t)
	if err := projections.NewProjector(projections.Config{URL: url}).Run(t.Context(), testkit.Feed(nil)); err != nil {
		t.Fatal(err)
	}
	empty, err := projections.OpenReader(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(empty.Close)
	empty.KeepColumns(testkit.Log(t))
	s.server.Figures = empty
	if err := s.server.preparePages(t.Context()); !errors.Is(err, errNothingYet) {
		t.Errorf("pages of an empty ledger are prepared: %v", err)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.server.preparePages(ended); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

// TestTrendKinds: trends of all moments are of those that were prepared, but for the
// moment itself.
func TestTrendKinds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		first := time.Date(2020, 1, 1, 0, 0, 0, 0, ledger.Jakarta).AddDate(0, 0, rapid.IntRange(0, 400).Draw(t, "first"))
		e := projections.Extent{First: first, Last: first.AddDate(0, 0, rapid.IntRange(0, 20*365).Draw(t, "days"))}
		var prepared []time.Time
		for _, at := range trendKinds(e) {
			if at.IsZero() {
				at = e.Last
			}
			prepared = append(prepared, trendMoments(e, at)...)
		}
		asOf := e.First.Add(time.Duration(rapid.Int64Range(0, int64(e.Last.Sub(e.First))).Draw(t, "as of")))
		for _, m := range trendMoments(e, asOf) {
			if !m.Equal(asOf) && !slices.ContainsFunc(prepared, m.Equal) {
				t.Fatalf("from %v to %v: the trend as of %v has %v", e.First, e.Last, asOf, m)
			}
		}
	})
}
