package web

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/berkas-ledger/berkas/internal/testkit"
	"github.com/berkas-ledger/berkas/ledger"
	"github.com/berkas-ledger/berkas/projections"
)

// grower lets a shelf's read models grow by cases, while pages are looked at.
type grower struct {
	*shelf
	mu    sync.Mutex
	all   []ledger.Record
	cases int
}

func (s *shelf) grower() *grower {
	return &grower{shelf: s, all: append([]ledger.Record(nil), s.records...)}
}

// grow records a case of two respondents and gives the last position.
func (g *grower) grow() (ledger.Position, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.cases++
	begin := time.Date(2021, 3, g.cases, 3, 0, 0, 0, time.UTC)
	for _, s := range g.Story(g.NewID(), begin, 2)[:2] {
		at := g.Start.Add(time.Duration(len(g.all)) * time.Millisecond)
		g.all = append(g.all, g.Record(g.all, s, at))
	}
	return g.all[len(g.all)-1].Position, projections.NewProjector(projections.Config{URL: g.url}).Run(g.t.Context(), testkit.Feed(g.all))
}

// TestNationalInBrowser walks through the national page while records come.
func TestNationalInBrowser(t *testing.T) {
	s := newShelf(t)
	g := s.grower()
	more := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if _, err := g.grow(); err != nil {
			t.Error(err)
		}
		figure, err := s.server.Figures.Figure(t.Context(), ledger.Query{Measures: []ledger.Measure{ledger.Opened}, Unit: ledger.UnitRespondent})
		if err != nil {
			t.Error(err)
		}
		_ = json.NewEncoder(w).Encode(map[string]uint64{"opened": figure.Value})
	}))
	defer more.Close()
	inBrowser(t, "national.mjs", s, map[string]any{"more": more.URL, "pages": s.looks(
		"/national?measure=blocked&as-of=2020-11-26&known-at=3000&by=province",
		"/national?by=item&unit=recommendation&as-of=2020-11-26&filter=family%3Dethics",
	)})
}
