package main

import (
	"context"
	"errors"
	"path/filepath"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/berkas-ledger/berkas/internal/testkit"
	"github.com/berkas-ledger/berkas/projections"
)

// TestProjectionsThatEnded: projections that ended without being able to write it
// down, over tables of a later version, are said not to work; intake goes on.
func TestProjectionsThatEnded(t *testing.T) {
	h := home{filepath.Join(t.TempDir(), "ledger")}
	if _, err := ensureRehearsal(h, "berkas.example/parts"); err != nil {
		t.Fatal(err)
	}
	database := testkit.DB(t)
	n, stop := runningNode(t, h, database)
	waiting, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := n.figures.Wait(waiting, 1); err != nil {
		t.Fatal(err)
	}
	if err := n.parts(t.Context())["projections"]; err != nil {
		t.Fatal(err)
	}
	stop()
	conn, err := pgx.Connect(t.Context(), database)
	if err != nil {
		t.Fatal(err)
	}
	_, err = conn.Exec(t.Context(), "INSERT INTO projection.goose_db_version (version_id, is_applied) VALUES (999, true)")
	if err := errors.Join(err, conn.Close(t.Context())); err != nil {
		t.Fatal(err)
	}
	n, err = startNode(t.Context(), nodeConfig{home: h, log: testkit.Log(t), rehearsal: true, database: database, http: httpConfig{addr: "127.0.0.1:0", open: true, demo: "rehearsal"}})
	if err != nil {
		t.Fatal(err)
	}
	ctx, end := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- n.run(ctx) }()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for !errors.Is(n.parts(t.Context())["projections"], projections.ErrNewer) {
		select {
		case <-tick.C:
		case <-waiting.Done():
			t.Fatalf("/readyz says of projections that ended: %v", n.parts(t.Context())["projections"])
		}
	}
	addKey(t, n, "bawaslu/later")
	end()
	if err := <-ended; !errors.Is(err, projections.ErrNewer) {
		t.Errorf("the node ended with %v", err)
	}
	if err := n.close(); err != nil {
		t.Error(err)
	}
}
