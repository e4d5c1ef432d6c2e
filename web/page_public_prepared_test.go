package web

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/berkas-ledger/berkas/ledger"
)

// TestPublicPrepared: a table that is not made yet is not waited for long; the
// newest that is made is shown meanwhile; and when all are made nothing has to be
// worked out for a reader.
func TestPublicPrepared(t *testing.T) {
	s := newLiveShelf(t, "public", newLiveBook(t))
	s.server.workshop.wait = time.Millisecond
	quarters, _ := publishedBetween(s.records[0].Recorded, s.records[len(s.records)-1].Recorded)
	work := func() (done func()) {
		s.server.workshop.turn <- struct{}{}
		return func() {
			<-s.server.workshop.turn
			s.server.workshop.under.Wait()
		}
	}
	done := work()
	for _, path := range []string{"/public", "/public/data/" + quarters[1].String() + ".json"} {
		w := httptest.NewRecorder()
		s.server.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
		if w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") != "2" || !strings.Contains(w.Body.String(), "being-prepared") {
			t.Errorf("%s: %d %v %s", path, w.Code, w.Header(), w.Body)
		}
	}
	done()
	for _, q := range quarters[:2] { // both were asked for
		if _, made := s.server.releases.made.have(releaseKey{q, false}); !made {
			t.Errorf("%s was given up", q)
		}
	}
	s.server.releases.made.mu.Lock()
	delete(s.server.releases.made.by, releaseKey{quarters[0], false})
	s.server.releases.made.mu.Unlock()
	done = work()
	if body := s.shows("/public?lang=en"); !strings.Contains(body, quarters[1].Name().EN[1:]) || !strings.Contains(body, `href="/public/`+quarters[1].String()+`" aria-current="page"`) {
		t.Error("the newest that is made is not shown")
	}
	done()
	if err := patiently(func() error { return s.server.preparePublic(t.Context()) }); err != nil {
		t.Fatal(err)
	}
	done = work()
	defer done()
	for _, q := range quarters {
		s.shows("/public/" + q.String())
		s.shows("/public/data/" + q.String() + ".csv")
	}
	quietQuarter(t, s)
}

// quietQuarter: one in which nothing happened has a table like any other, of zeros and
// without medians.
func quietQuarter(t *testing.T, s *shelf) {
	quiet, _ := parseQuarter("2001-q1")
	r, err := s.server.makeRelease(t.Context(), quiet, ledger.Position(len(s.records)))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range r.Total {
		if c.Value != 0 || !c.Shown {
			t.Errorf("%+v", c)
		}
	}
	if len(r.Medians) != len(treatmentWaits) || slices.ContainsFunc(r.Medians, func(m publicMedian) bool { return m.Shown }) {
		t.Errorf("%+v", r.Medians)
	}
}

// TestServePrepares: a server that runs prepares without being asked, and leaves
// nobody working when it ends.
func TestServePrepares(t *testing.T) {
	s := newLiveShelf(t, "public", newLiveBook(t))
	var listening net.ListenConfig
	l, err := listening.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	began := make(chan struct{}, 1)
	files := s.server.Files
	s.server.Files = func(ctx context.Context, path string) ([]byte, error) { // asked for the root of a table
		select {
		case began <- struct{}{}:
		default:
		}
		return files(ctx, path)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.server.Serve(ctx, l) }()
	<-began
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	_, err = s.server.releases.made.get(t.Context(), releaseKey{0, false}, func(*release) bool { return true },
		func(ctx context.Context) (*release, error) { return nil, ctx.Err() })
	if !errors.Is(err, context.Canceled) {
		t.Errorf("work begins after the end: %v", err)
	}
}

// TestFullestPreview: which preview is shown first is worked out once a position.
func TestFullestPreview(t *testing.T) {
	s := newShelf(t)
	c, err := s.server.calendar(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	q, some, err := s.server.chosen(t.Context(), c)
	if err != nil || !some {
		t.Fatal(err)
	}
	rows := s.rows(t)
	most := len(inQuarter(rows, q, ledger.Opened))
	for _, other := range c.Preview {
		if n := len(inQuarter(rows, other, ledger.Opened)); n > most {
			t.Errorf("%s is fuller than %s: %d, %d", other, q, n, most)
		}
	}
	s.server.workshop.turn <- struct{}{}
	defer func() { <-s.server.workshop.turn }()
	if again, _, err := s.server.chosen(t.Context(), c); err != nil || again != q {
		t.Errorf("%s, then %s: %v", q, again, err)
	}
}
