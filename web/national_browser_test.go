//go:build !race

package web

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/berkas-ledger/berkas/ledger"
)

// TestNationalInBrowser walks through the national page while records come.
func TestNationalInBrowser(t *testing.T) {
	t.Parallel()
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
