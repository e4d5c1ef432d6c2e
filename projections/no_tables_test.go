package projections

import (
	"context"
	"errors"
	"testing"

	"github.com/berkas-ledger/berkas/internal/testkit"
)

// TestTablesThatAreNotThereAreNotAsked: who waits for the projector at a first start
// leaves no errors in PostgreSQL's log, of which it counts a rollback each.
func TestTablesThatAreNotThereAreNotAsked(t *testing.T) {
	url := testkit.DB(t)
	r, err := OpenReader(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	r.KeepColumns(testkit.Log(t))
	ctx, cancel := context.WithTimeout(t.Context(), 3*loadAgainFirst)
	defer cancel()
	if err := r.Wait(ctx, 1); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("it waits for tables and ends with %v", err)
	}
	r.Close() // what its connections did is counted by now at the latest
	conn := connectTo(t, url)
	var errs int
	if err := conn.QueryRow(t.Context(), "SELECT xact_rollback FROM pg_stat_database WHERE datname = current_database()").Scan(&errs); err != nil || errs > 0 {
		t.Errorf("%d questions failed, %v", errs, err)
	}
}
