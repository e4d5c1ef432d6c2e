package web

import (
	"net/http"
	"net/http/httptest"
	"os"
	"testing"
	"time"

	"github.com/berkas-ledger/berkas/internal/testkit"
	"github.com/berkas-ledger/berkas/ledger"
	"github.com/berkas-ledger/berkas/projections"
	"github.com/berkas-ledger/berkas/roster"
)

// BenchmarkPages asks for the same pages again and again. Their figures are
// remembered, so what is left is everything but the counting. Of the database that
// BERKAS_BENCH_URL names, or of the tests' book.
func BenchmarkPages(b *testing.B) {
	book, url := newBook(b), os.Getenv("BERKAS_BENCH_URL")
	if url == "" {
		url = testkit.Template(b, "pages", func(url string) error {
			return projections.NewProjector(projections.Config{URL: url}).Run(b.Context(), testkit.Feed(book.records))
		})
	}
	reader, err := projections.OpenReader(b.Context(), url)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(reader.Close)
	reader.KeepColumns(testkit.Log(b))
	if err := reader.WaitColumns(b.Context()); err != nil {
		b.Fatal(err)
	}
	server, err := New(Config{
		Demo: "test", Open: true, Roster: func() *roster.Roster { return book.roster },
		Head:        func() ledger.Position { return ledger.Position(len(book.records)) },
		CaseRecords: book.caseRecords, Figures: reader, Now: time.Now, Log: testkit.Log(b), Limits: Limits{Prepared: time.Minute},
	})
	if err != nil {
		b.Fatal(err)
	}
	for _, path := range []string{"/national", "/national?by=institution", "/treatment", "/treatment/wait-decided", "/backlog", "/worklist"} {
		b.Run(path, func(b *testing.B) {
			for b.Loop() {
				w := httptest.NewRecorder()
				if server.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil)); w.Code != http.StatusOK {
					b.Fatalf("%d: %s", w.Code, w.Body)
				}
				b.SetBytes(int64(w.Body.Len()))
			}
		})
	}
}
