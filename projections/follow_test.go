package projections

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/berkas-ledger/berkas/internal/testkit"
	"github.com/berkas-ledger/berkas/ledger"
)

// findings records n findings of Bawaslu, forwarded to KASN a while later.
func findings(n int) *book {
	b := newBook(firstDay)
	b.genesis(3)
	open := ledger.CaseOpened{
		Channel: ledger.ChannelOffice, Origin: ledger.OriginFinding, Contest: "pilkada-2020", Catalogue: ledger.CatalogueSKB2022,
		Act: ledger.Act{Date: "2020-09-01", Region: "73.71"}, Items: []string{"ethics-1"},
		Respondents: []ledger.NewRespondent{{ID: "r1", Employment: "pns", Class: "pelaksana", Institution: institution[0]}},
	}
	for i := range n {
		b.recorded = b.recorded.Add(time.Minute)
		b.add(ledger.CaseOpenedKind, 1, ledger.Bawaslu, caseNumber(i), b.recorded, open)
		if i >= 3 {
			b.add(ledger.CaseForwardedKind, 1, ledger.Bawaslu, caseNumber(i-3), b.recorded, ledger.CaseForwarded{To: ledger.KASN, Letter: letters[0]})
		}
	}
	return b
}

func opened(t testing.TB, r *Reader) uint64 {
	t.Helper()
	a, err := r.Figure(t.Context(), ledger.Query{Measures: []ledger.Measure{ledger.Opened}, Unit: ledger.UnitCase})
	if err != nil {
		t.Fatal(err)
	}
	return a.Value
}

func TestRunStopsAtABrokenLedger(t *testing.T) {
	good := findings(20).records
	other := slices.Clone(good)
	other[9].Body = slices.Concat(other[9].Body, []byte(" "))
	cases := []struct {
		name  string
		seen  ledger.Position // applied before
		feed  []ledger.Record
		at    ledger.Position // where it breaks
		after ledger.Position // where the tables stand then
	}{
		{"gap", 10, slices.Concat(good[:14], good[15:]), 15, 14},
		{"gap at once", 10, slices.Concat(good[:10], good[11:]), 11, 10},
		{"doubled", 0, slices.Concat(good[:14], good[12:]), 15, 14},
		{"changed", 10, other, 10, 10},
		{"shorter", 10, good[:7], 10, 10},
		{"the record seen last is left out", 10, findings(40).records[1:], 10, 10},
		{"back-dated", 10, altered(good, 15, func(r *ledger.Record) { r.Recorded = r.Recorded.Add(-time.Hour) }), 16, 15},
		{"no event", 10, altered(good, 15, func(r *ledger.Record) { r.Body = []byte("{}") }), 16, 15},
		{"on another subject", 10, altered(good, 15, func(r *ledger.Record) { r.Subject = ledger.SubjectCase(caseNumber(99)) }), 16, 15},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			url := testkit.DB(t)
			reader := openReader(t, url)
			project(t, url, until(sliceFeed(good, 4), max(c.seen, 1)))
			feed := func(ctx context.Context, after ledger.Position, yield func([]ledger.Record) error) error {
				return sliceFeed(c.feed, 5)(ctx, after, yield)
			}
			err := NewProjector(Config{URL: url}).Run(t.Context(), feed)
			var broken *ledger.ErrBroken
			if !errors.As(err, &broken) || broken.Position != c.at {
				t.Fatalf("Run: %v, want a ledger broken at %d", err, c.at)
			}
			p, err := reader.Progress(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if p.Position != c.after || !strings.Contains(p.Stopped, fmt.Sprintf("position %d", c.at)) {
				t.Fatalf("progress %+v, want position %d and why it stopped", p, c.after)
			}
			var stopped *ErrStopped
			if err := reader.Wait(t.Context(), 1000); !errors.As(err, &stopped) {
				t.Fatalf("Wait: %v, want that the projections stopped", err)
			}
			project(t, url, until(sliceFeed(good, 4), c.after))
			if p, err := reader.Progress(t.Context()); err != nil || p.Stopped != "" {
				t.Fatalf("after the ledger was mended: %+v, %v", p, err)
			}
			project(t, url, sliceFeed(good, 4))
			checkRebuilt(t, url, sliceFeed(good, 100))
		})
	}
}

// altered copies records with one changed.
func altered(records []ledger.Record, i int, change func(*ledger.Record)) []ledger.Record {
	out := slices.Clone(records)
	change(&out[i])
	return out
}

func TestRunGivesBackTheFeedsError(t *testing.T) {
	url := testkit.DB(t)
	lost := errors.New("no stream")
	feed := func(ctx context.Context, after ledger.Position, yield func([]ledger.Record) error) error {
		if err := findings(5).feed(2)(ctx, after, yield); err != nil {
			return err
		}
		return lost
	}
	if err := NewProjector(Config{URL: url}).Run(t.Context(), feed); !errors.Is(err, lost) {
		t.Fatalf("Run: %v, want the feed's error", err)
	}
	if n := opened(t, openReader(t, url)); n != 5 {
		t.Fatalf("%d cases, want the 5 that came before the error", n)
	}
}

func TestTwoProjectorsWriteOnce(t *testing.T) {
	url := testkit.DB(t)
	reader := openReader(t, url)
	b := findings(60)
	source := newTap()
	one := start(t, Config{URL: url}, source.feed)
	two := start(t, Config{URL: url}, source.feed)
	source.add(b.records[:30]...)
	waitFor(t, reader, 30)
	if err := one.stop(); err != nil {
		t.Fatal(err)
	}
	three := start(t, Config{URL: url}, source.feed)
	source.add(b.records[30:80]...)
	waitFor(t, reader, 80)
	if err := two.stop(); err != nil {
		t.Fatal(err)
	}
	source.add(b.records[80:]...)
	waitFor(t, reader, ledger.Position(len(b.records)))
	if err := three.stop(); err != nil {
		t.Fatal(err)
	}
	if n := opened(t, reader); n != 60 {
		t.Fatalf("%d cases opened, want 60", n)
	}
	checkRebuilt(t, url, b.feed(1000))
}

func TestRunOutlivesPostgres(t *testing.T) {
	url := testkit.DB(t)
	reader := openReader(t, url)
	line, through := newWire(t, url)
	b := findings(60)
	source := newTap()
	p := start(t, Config{URL: through, CacheEvents: 5}, source.feed)
	source.add(b.records[:40]...)
	waitFor(t, reader, 40)
	line.cut()
	source.add(b.records[40:60]...)
	line.mend()
	waitFor(t, reader, 60)
	// The server carries out a commit, and the answer is lost.
	swallowed := line.swallowCommit()
	source.add(b.records[60:80]...)
	<-swallowed
	waitFor(t, reader, 80)
	// The server ends every session, as it does when it is shut down.
	admin := connectTo(t, url)
	if _, err := admin.Exec(t.Context(), `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
		WHERE datname = current_database() AND application_name LIKE 'berkas projector%'`); err != nil {
		t.Fatal(err)
	}
	source.add(b.records[80:]...)
	waitFor(t, reader, ledger.Position(len(b.records)))
	if err := p.stop(); err != nil {
		t.Fatal(err)
	}
	checkRebuilt(t, url, b.feed(1000))
}

func TestRunWaitsForPostgres(t *testing.T) {
	url := testkit.DB(t)
	line, through := newWire(t, url)
	line.cut()
	b := findings(3)
	p := start(t, Config{URL: through}, b.feed(10))
	line.mend()
	if err := <-p.done; err != nil {
		t.Fatal(err)
	}
	if n := opened(t, openReader(t, url)); n != 3 {
		t.Fatalf("%d cases, want 3", n)
	}
}

// A table that was changed by hand stops the projector instead of being built on.
func TestRunStopsAtChangedTables(t *testing.T) {
	url := testkit.DB(t)
	b := findings(10)
	project(t, url, until(b.feed(10), 9))
	admin := connectTo(t, url)
	if _, err := admin.Exec(t.Context(), "UPDATE projection.respondent_history SET recorded_to = recorded_from + 1"); err != nil {
		t.Fatal(err)
	}
	err := NewProjector(Config{URL: url}).Run(t.Context(), b.feed(10))
	if err == nil || !strings.Contains(err.Error(), "berkas rebuild") {
		t.Fatalf("Run: %v, want advice to rebuild", err)
	}
	if p, err := openReader(t, url).Progress(t.Context()); err != nil || p.Stopped == "" || p.Position != 9 {
		t.Fatalf("progress %+v, %v", p, err)
	}
	if _, err := Rebuild(t.Context(), Config{URL: url}, b.feed(10), RebuildOptions{UpTo: ledger.Position(len(b.records))}); err != nil {
		t.Fatal(err)
	}
	if n := opened(t, openReader(t, url)); n != 10 {
		t.Fatalf("%d cases after the rebuild, want 10", n)
	}
}

func TestRunLeavesNothingBehind(t *testing.T) {
	url := testkit.DB(t)
	b := findings(20)
	project(t, url, until(b.feed(3), 5))
	before := goleak.IgnoreCurrent()
	broken := sliceFeed(altered(b.records, 20, func(r *ledger.Record) { r.Position++ }), 2)
	if err := NewProjector(Config{URL: url, batchRecords: 1}).Run(t.Context(), broken); err == nil {
		t.Fatal("a broken ledger was taken")
	}
	source := newTap()
	source.add(b.records...)
	p := start(t, Config{URL: url, batchRecords: 1}, source.feed)
	if err := p.stop(); err != nil { // wherever it is
		t.Fatal(err)
	}
	goleak.VerifyNone(t, before)
}
