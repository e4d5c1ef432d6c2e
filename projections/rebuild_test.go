package projections

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"strconv"
	"testing"
	"time"

	"github.com/berkas-ledger/berkas/internal/testkit"
	"github.com/berkas-ledger/berkas/ledger"
)

func TestRebuildComparesEveryTable(t *testing.T) {
	url := testkit.DB(t)
	b := findings(20)
	project(t, url, b.feed(10))
	admin := connectTo(t, url)
	// Whatever row of whatever table is changed, it shows.
	for _, change := range []struct{ table, sql string }{
		{"respondent_history", "UPDATE projection.respondent_history SET office = 'II' WHERE ctid = (SELECT min(ctid) FROM projection.respondent_history)"},
		{"record", "DELETE FROM projection.record WHERE position = 5"},
		{"refusal", "INSERT INTO projection.refusal VALUES (7, now(), 'bkn', 'schema', '{}', '00', NULL)"},
		{"progress", "UPDATE projection.progress SET unknown = 1"},
	} {
		if _, err := admin.Exec(t.Context(), change.sql); err != nil {
			t.Fatal(err)
		}
		out, err := Rebuild(t.Context(), Config{URL: url}, b.feed(10), RebuildOptions{Compare: true})
		if err != nil {
			t.Fatal(err)
		}
		if !out.Compared || len(out.Differences) != 1 || out.Differences[0].Table != change.table {
			t.Fatalf("a changed %s is reported as %+v", change.table, out)
		}
		checkRebuilt(t, url, b.feed(10)) // and the rebuild mended it
	}
}

func TestRebuildWhileAProjectorRuns(t *testing.T) {
	url := testkit.DB(t)
	reader := openReader(t, url)
	b := findings(200)
	source := newTap()
	source.add(b.records[:100]...)
	p := start(t, Config{URL: url, batchRecords: 5, CacheEvents: 10}, source.feed)
	waitFor(t, reader, 100)
	grown := make(chan struct{})
	go func() {
		defer close(grown)
		for i := 100; i < len(b.records); i += 5 {
			source.add(b.records[i:min(i+5, len(b.records))]...)
		}
	}()
	for range 3 {
		out, err := Rebuild(t.Context(), Config{URL: url}, source.feed, RebuildOptions{Compare: true})
		if err != nil {
			t.Fatal(err)
		}
		if !out.Compared || len(out.Differences) > 0 {
			t.Fatalf("a rebuild beside a projector gives other tables: %+v", out)
		}
	}
	<-grown
	waitFor(t, reader, ledger.Position(len(b.records)))
	if err := p.stop(); err != nil {
		t.Fatal(err)
	}
	checkRebuilt(t, url, b.feed(1000))
	if n := opened(t, reader); n != 200 {
		t.Fatalf("%d cases, want 200", n)
	}
}

func TestRebuildIsAloneAndOfOneLedger(t *testing.T) {
	url := testkit.DB(t)
	b := findings(20)
	project(t, url, b.feed(10))
	inside := make(chan struct{})
	leave := make(chan struct{})
	slow := func(ctx context.Context, after ledger.Position, yield func([]ledger.Record) error) error {
		close(inside)
		<-leave
		return b.feed(10)(ctx, after, yield)
	}
	done := make(chan error)
	go func() {
		_, err := Rebuild(context.Background(), Config{URL: url}, slow, RebuildOptions{})
		done <- err
	}()
	<-inside
	if _, err := Rebuild(t.Context(), Config{URL: url}, b.feed(10), RebuildOptions{}); !errors.Is(err, ErrRebuilding) {
		t.Fatalf("a second rebuild: %v, want %v", err, ErrRebuilding)
	}
	close(leave)
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	strange := newBook(firstDay.Add(time.Hour))
	strange.genesis(1)
	strange.records = append(strange.records, b.records[1:]...)
	var broken *ledger.ErrBroken
	if _, err := Rebuild(t.Context(), Config{URL: url}, until(strange.feed(10), 12), RebuildOptions{}); !errors.As(err, &broken) {
		t.Fatalf("rebuilding from a shorter ledger: %v", err)
	}
	last := altered(b.records, len(b.records)-1, func(r *ledger.Record) { r.Recorded = r.Recorded.Add(time.Second) })
	if _, err := Rebuild(t.Context(), Config{URL: url}, sliceFeed(last, 10), RebuildOptions{}); !errors.As(err, &broken) {
		t.Fatalf("rebuilding from another ledger: %v", err)
	}
	if n := opened(t, openReader(t, url)); n != 20 {
		t.Fatalf("%d cases after refused rebuilds, want 20", n)
	}
}

func TestTablesOfAnotherVersion(t *testing.T) {
	url := testkit.DB(t)
	admin := connectTo(t, url)
	reader := openReader(t, url)
	b := findings(20)
	project(t, url, until(b.feed(10), 15))
	if _, err := admin.Exec(t.Context(), `
		UPDATE projection.goose_db_version SET version_id = 0;
		ALTER TABLE projection.respondent_history DROP COLUMN contest CASCADE -- and the views of laporan`); err != nil {
		t.Fatal(err)
	}
	source := newTap() // a feed that does not end
	source.add(b.records...)
	p := start(t, Config{URL: url}, source.feed)
	waitFor(t, reader, ledger.Position(len(b.records)))
	if err := p.stop(); err != nil {
		t.Fatal(err)
	}
	checkRebuilt(t, url, b.feed(10))
	if _, err := admin.Exec(t.Context(), "INSERT INTO projection.goose_db_version (version_id, is_applied) VALUES (99, true)"); err != nil {
		t.Fatal(err)
	}
	if err := NewProjector(Config{URL: url}).Run(t.Context(), b.feed(10)); !errors.Is(err, ErrNewer) {
		t.Fatalf("Run over tables of a later version: %v, want %v", err, ErrNewer)
	}
}

// TestTablesHalfMade: a first start that was killed between two migrations is gone
// on with, while the ledger goes on, too.
func TestTablesHalfMade(t *testing.T) {
	latest, err := latestVersion()
	if err != nil {
		t.Fatal(err)
	}
	b := findings(5)
	for version := int64(1); version < latest; version++ {
		url := testkit.DB(t)
		db, err := openSchema(url, schemaCurrent)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := db.ExecContext(t.Context(), "CREATE SCHEMA "+string(schemaCurrent)); err != nil {
			t.Fatal(err)
		}
		provider, err := newProvider(db)
		if err == nil {
			_, err = provider.UpTo(t.Context(), version)
		}
		if err := errors.Join(err, db.Close()); err != nil {
			t.Fatal(err)
		}
		source := newTap() // a feed that does not end
		source.add(b.records...)
		p := start(t, Config{URL: url}, source.feed)
		waitFor(t, openReader(t, url), ledger.Position(len(b.records)))
		if err := p.stop(); err != nil {
			t.Fatalf("from version %d: %v", version, err)
		}
	}
}

const (
	rebuildURL   = "BERKAS_TEST_REBUILD_URL"
	rebuildAfter = "BERKAS_TEST_REBUILD_DIES_AT"
)

// TestRebuildKilled kills rebuilds at many places; the old generation stays as it
// was, projectors go on, and the next rebuild succeeds.
func TestRebuildKilled(t *testing.T) {
	b := findings(50)
	if url := os.Getenv(rebuildURL); url != "" {
		rebuildAndDie(t, url, b)
		return
	}
	url := testkit.DB(t)
	reader := openReader(t, url)
	project(t, url, until(b.feed(10), 60))
	for at := 0; at <= 5; at++ {
		cmd := exec.Command(os.Args[0], "-test.run=^TestRebuildKilled$")
		cmd.Env = append(os.Environ(), rebuildURL+"="+url, rebuildAfter+"="+strconv.Itoa(at))
		if out, err := cmd.CombinedOutput(); err == nil || cmd.ProcessState.ExitCode() != -1 {
			t.Fatalf("the rebuild was to be killed: %v\n%s", err, out)
		}
		if p, err := reader.Progress(t.Context()); err != nil || p.Position != 60 {
			t.Fatalf("after a rebuild killed at %d: %+v, %v", at, p, err)
		}
	}
	// Killed between the switch and the end, it would leave the old tables too.
	if _, err := connectTo(t, url).Exec(t.Context(), "CREATE SCHEMA projection_old; CREATE TABLE projection_old.record ()"); err != nil {
		t.Fatal(err)
	}
	// Its lock goes with its session, which the server notices soon.
	waitForLock(t, url)
	checkRebuilt(t, url, b.feed(7))
	project(t, url, b.feed(10))
	checkRebuilt(t, url, b.feed(7))
	var schemas int
	if err := connectTo(t, url).QueryRow(t.Context(), "SELECT count(*) FROM pg_namespace WHERE nspname LIKE 'projection%'").Scan(&schemas); err != nil || schemas != 1 {
		t.Fatalf("%d schemas are left, want one (%v)", schemas, err)
	}
}

func waitForLock(t *testing.T, url string) {
	t.Helper()
	if _, err := connectTo(t, url).Exec(t.Context(), "SELECT pg_advisory_lock($1, $2), pg_advisory_unlock($1, $2)", lockSpace, lockRebuild); err != nil {
		t.Fatal(err)
	}
}

// rebuildAndDie ends its own process without warning after some batches were
// written; the records come one by one.
func rebuildAndDie(t *testing.T, url string, b *book) {
	dies, err := strconv.Atoi(os.Getenv(rebuildAfter))
	if err != nil {
		t.Fatal(err)
	}
	kill := func() {
		p, err := os.FindProcess(os.Getpid())
		if err == nil {
			err = p.Kill()
		}
		t.Fatal(err)
	}
	written := 0
	feed := func(ctx context.Context, after ledger.Position, yield func([]ledger.Record) error) error {
		if dies == 0 {
			kill()
		}
		return b.feed(1)(ctx, after, yield)
	}
	waitForLock(t, url)
	_, err = Rebuild(t.Context(), Config{URL: url, batchRecords: 1}, feed, RebuildOptions{Compare: true, Progress: func(p ledger.Position) {
		if written++; written == dies*12 { // 60 in all: the last time nothing is left but the switch
			kill()
		}
	}})
	t.Fatal("still alive", err)
}
