package web

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// TestExtentBesideAHungTable: while PostgreSQL lets one reader wait, the others have the
// last extent, or wait no longer than they have time.
func TestExtentBesideAHungTable(t *testing.T) {
	s := newShelf(t)
	first, err := s.server.extent(t.Context())
	if err != nil || first.First.IsZero() {
		t.Fatal(first, err)
	}
	var conns [2]*pgx.Conn
	for i := range conns {
		if conns[i], err = pgx.Connect(t.Context(), s.url); err != nil {
			t.Fatal(err)
		}
		defer conns[i].Close(context.Background())
	}
	hold, err := conns[0].Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := hold.Exec(t.Context(), "LOCK TABLE projection.respondent_history, projection.progress IN ACCESS EXCLUSIVE MODE"); err != nil {
		t.Fatal(err)
	}
	now := s.server.Now()
	s.server.Now = func() time.Time { return now.Add(2 * extentKept) }
	for _, kept := range []bool{true, false} {
		if !kept {
			s.server.extents.last.Store(nil)
		}
		long, leave := context.WithCancel(t.Context())
		hangs := make(chan error)
		go func() {
			e, err := s.server.extent(long)
			if err == nil && e != first {
				err = errors.New("it is another")
			}
			hangs <- err
		}()
		for waiting := 0; waiting == 0; {
			if err := conns[1].QueryRow(t.Context(), "SELECT count(*) FROM pg_locks WHERE NOT granted").Scan(&waiting); err != nil {
				t.Fatal(err)
			}
		}
		short, end := context.WithTimeout(t.Context(), 100*time.Millisecond)
		e, err := s.server.extent(short)
		if kept && (err != nil || e != first) || !kept && !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("with one kept (%t): %+v, %v", kept, e, err)
		}
		end()
		leave()
		if err := <-hangs; kept && err != nil || !kept && err == nil {
			t.Errorf("whoever hung, with one kept (%t): %v", kept, err)
		}
	}
	if err := hold.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	if again, err := s.server.extent(t.Context()); err != nil || again != first {
		t.Errorf("afterwards: %+v, %v", again, err)
	}
}
