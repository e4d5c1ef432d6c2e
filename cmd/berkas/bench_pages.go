package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/http/httptrace"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"golang.org/x/sys/unix"

	"github.com/berkas-ledger/berkas/internal/local"
	"github.com/berkas-ledger/berkas/internal/simulate"
	"github.com/berkas-ledger/berkas/ledger"
	"github.com/berkas-ledger/berkas/projections"
	"github.com/berkas-ledger/berkas/roster"
	"github.com/berkas-ledger/berkas/web"
)

// partPages is a part of the benchmark that runs alone: it needs no ledger of the
// bencher's, but a PostgreSQL of its own, and takes long.
const partPages = "pages"

// pagesPerSecond is how many pages are asked for a second, whether or not those
// before have been answered.
const pagesPerSecond = 20

// benchPages measures how soon pages begin to arrive over a simulated history.
type benchPages struct {
	flags    *benchFlags
	ledger   simulate.Ledger
	progress io.Writer

	database string
	records  ledger.Position
	last     time.Time // when the last one was recorded
	samples  []string  // cases whose records are kept
	kept     map[string][]ledger.Record
	roster   *roster.Roster
	founding []ledger.Record // of the roster
	log      memoryLog
}

// sampled is of how many cases records are kept for case pages.
const sampled = 200

// pages fills a PostgreSQL of its own from a simulated ledger, serves pages over it,
// and asks for them. What needs NATS is left out.
func (f *benchFlags) pages(ctx context.Context, o *options, progress io.Writer) (lines []benchLine, err error) {
	course, err := f.course()
	if err != nil {
		return nil, err
	}
	b := &benchPages{
		flags: f, progress: progress, kept: map[string][]ledger.Record{},
		ledger: simulate.Ledger{Course: course, Grants: firstMandates(), Unsigned: true},
	}
	pg, err := local.StartPostgres(ctx, local.PostgresConfig{Dir: filepath.Join(f.dir, "postgres"), BinDir: os.Getenv("PG_BINDIR"), Log: o.log()})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, pg.Stop()) }()
	b.database = pg.URL()
	if lines, err = b.fill(ctx); err != nil {
		return nil, err
	}
	reader, err := projections.OpenReader(ctx, b.database)
	if err != nil {
		return nil, err
	}
	defer reader.Close()
	began := time.Now()
	keepColumns(reader, o.log())
	if err := reader.WaitColumns(ctx); err != nil {
		return nil, err
	}
	rows, size := reader.ColumnsSize()
	lines = append(lines,
		benchLine{Work: "columns in memory: loaded", Measured: time.Since(began).Seconds() * 1000, Unit: "ms"},
		benchLine{Work: "columns in memory: rows", Measured: float64(rows)},
		benchLine{Work: "columns in memory: size", Measured: float64(size) / 1e6, Unit: " MB"})
	b.say(lines)
	more, err := b.serve(ctx, reader, o)
	_, size = reader.ColumnsSize()
	var used unix.Rusage
	err = errors.Join(err, unix.Getrusage(unix.RUSAGE_SELF, &used))
	more = append(more,
		benchLine{Work: "columns in memory: size after that", Measured: float64(size) / 1e6, Unit: " MB"},
		benchLine{Work: "memory of the process at most", Measured: float64(used.Maxrss) * 1024 / 1e6, Unit: " MB"})
	b.say(more)
	return append(lines, more...), err
}

// course is what is simulated: in a directory that an earlier run filled, the same as
// then, or its history could not go on.
func (f *benchFlags) course() (simulate.Course, error) {
	course := simulate.Course{Cases: f.cases, Seed: 1, Until: simulate.LastDay(time.Now())}
	file := filepath.Join(f.dir, "course")
	told, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		if err := course.Check(); err != nil {
			return course, usage("%w", err)
		}
		return course, errors.Join(os.MkdirAll(f.dir, 0o755), os.WriteFile(file, fmt.Appendf(nil, "%d cases until %s\n", course.Cases, course.Until), 0o644))
	}
	if err != nil {
		return course, err
	}
	var cases int
	if _, err := fmt.Sscanf(string(told), "%d cases until %s", &cases, &course.Until); err != nil || !course.Until.Valid() {
		return course, usage("%s does not say how many cases there are until which day: remove the directory, and the history is made anew", file)
	}
	if cases != f.cases {
		return course, usage("%s holds a history of %d cases, not of %d: name that number, or another directory", f.dir, cases, f.cases)
	}
	return course, nil
}

func (b *benchPages) say(lines []benchLine) {
	for _, l := range lines {
		fmt.Fprintf(b.progress, "  %-52s %14s\n", l.Work, amount(l.Measured, l.Unit))
	}
}

// fill projects the simulated ledger, or goes on where an earlier run in the same
// directory stopped.
func (b *benchPages) fill(ctx context.Context) ([]benchLine, error) {
	began := time.Now()
	feed := b.ledger.Feed()
	present := ledger.Position(0) // what the tables had already
	keep := func(ctx context.Context, after ledger.Position, yield func([]ledger.Record) error) error {
		present = max(present, after)
		err := feed(ctx, min(after, b.records), func(records []ledger.Record) error {
			if most := b.flags.records; most > 0 {
				records = records[:min(len(records), max(0, most+1-int(records[0].Position)))]
			}
			for _, r := range records {
				if err := b.keep(r); err != nil {
					return err
				}
			}
			if len(records) == 0 {
				return errLongEnough
			}
			if records[len(records)-1].Position <= after {
				return nil
			}
			return yield(records[max(0, int(after)-int(records[0].Position)+1):])
		})
		if errors.Is(err, errLongEnough) {
			return nil
		}
		return err
	}
	if err := projections.NewProjector(projections.Config{URL: b.database}).Run(ctx, keep); err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	took := time.Since(began)
	size, rows, err := b.size(ctx)
	return []benchLine{
		{Work: "records", Measured: float64(b.records)},
		{Work: "records made and projected", Measured: float64(b.records-present) / took.Seconds(), Unit: "/s"},
		{Work: "rows of respondents", Measured: rows},
		{Work: "PostgreSQL on disk", Measured: size / 1e6, Unit: " MB"},
		{Work: "PostgreSQL on disk, a record", Measured: size / float64(b.records), Unit: " B"},
	}, err
}

// errLongEnough ends a feed at as many records as the history is to have.
var errLongEnough = errors.New("that is enough")

// keep notes what the pages need of the ledger beside the tables.
func (b *benchPages) keep(r ledger.Record) (err error) {
	if r.Position <= b.records {
		return nil // the feed was read again
	}
	if err := b.log.add(r); err != nil {
		return err
	}
	b.records, b.last = r.Position, r.Recorded
	id := r.CaseID()
	switch {
	case r.Position == 1:
		b.founding = append(b.founding, r)
		b.roster, err = roster.Start(r)
	case r.Subject == ledger.SubjectRoster:
		b.founding = append(b.founding, r)
		var e ledger.Event
		if e, err = ledger.DecodeRecord(r); err == nil {
			b.roster, err = b.roster.Apply(r.Position, e)
		}
	case id != "" && (b.kept[id] != nil || len(b.samples) < sampled && int(r.Position)%max(1, b.flags.cases*10/sampled) < 3):
		if b.kept[id] == nil {
			if e, bad := ledger.DecodeRecord(r); bad != nil || e.Kind != ledger.CaseOpenedKind {
				return bad
			}
			b.samples = append(b.samples, id)
		}
		b.kept[id] = append(b.kept[id], r)
	}
	return err
}

// size asks PostgreSQL how large its tables are with their indexes, and how many
// rows the history of respondents has.
func (b *benchPages) size(ctx context.Context) (bytes, rows float64, err error) {
	conn, err := pgx.Connect(ctx, b.database)
	if err != nil {
		return 0, 0, err
	}
	defer func() { err = errors.Join(err, conn.Close(ctx)) }()
	if err := conn.QueryRow(ctx, "SELECT pg_database_size(current_database())").Scan(&bytes); err != nil {
		return 0, 0, err
	}
	return bytes, rows, conn.QueryRow(ctx, "SELECT count(*) FROM projection.respondent_history").Scan(&rows)
}

// serve answers over loopback and asks.
func (b *benchPages) serve(ctx context.Context, reader *projections.Reader, o *options) (lines []benchLine, err error) {
	files, err := b.log.files(b.ledger)
	if err != nil {
		return nil, err
	}
	server, err := web.New(web.Config{
		Demo: "benchmark", Files: files, Open: true, Figures: reader, Log: o.log(),
		Roster: func() *roster.Roster { return b.roster }, Head: func() ledger.Position { return b.records },
		CaseRecords:   func(_ context.Context, id string) ([]ledger.Record, error) { return b.kept[id], nil },
		RosterRecords: func(context.Context) ([]ledger.Record, error) { return b.founding, nil },
	})
	if err != nil {
		return nil, err
	}
	var listening net.ListenConfig
	listener, err := listening.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	running, cancel := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(running, listener) }()
	defer func() {
		cancel()
		err = errors.Join(err, <-ended)
	}()
	return b.ask(ctx, "http://"+listener.Addr().String(), server.Prepared())
}

// pageTime is how long pages are asked for.
func (f *benchFlags) pageTime() time.Duration {
	if f.smoke {
		return 3 * time.Second
	}
	return 15 * f.seconds
}

// answer is how one page was answered.
type answer struct {
	page   string
	path   string
	status int
	due    time.Time
	first  time.Duration // from when it was due to the first byte
	err    error
}

// ask sends requests at a steady pace and gathers how they were answered: from the
// start on, while the server prepares what it does then, and when it has.
func (b *benchPages) ask(ctx context.Context, base string, prepared <-chan struct{}) (lines []benchLine, err error) {
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64}}
	defer client.CloseIdleConnections()
	ready := make(chan time.Duration, 1)
	began := time.Now()
	go func() {
		select {
		case <-prepared:
		case <-ctx.Done():
		}
		ready <- time.Since(began)
	}()
	fmt.Fprintf(b.progress, "Then %d pages a second for %s, as of and known at random days, filters now and then\n", pagesPerSecond, b.flags.pageTime())
	first := b.askMany(ctx, client, base, newPageQuestions(b, 2))
	b.slowest(first)
	for _, l := range summarised(first) {
		if strings.HasPrefix(l.Work, allPages) || strings.HasPrefix(l.Work, pagesFailed) || strings.HasPrefix(l.Work, pagesNotReady) {
			l.Work = "from the start: " + l.Work
			lines = append(lines, l)
		}
	}
	fmt.Fprintln(b.progress, "And as many when the server has prepared what it does after a start")
	took := <-ready
	if ctx.Err() != nil {
		return lines, ctx.Err()
	}
	lines = append(lines, benchLine{Work: "prepared after a start, beside these requests", Measured: took.Seconds() * 1000, Unit: "ms"})
	var all []answer
	if err := b.flags.profiled(func() error { all = b.askMany(ctx, client, base, newPageQuestions(b, 3)); return nil }); err != nil {
		return lines, err
	}
	b.slowest(all)
	return append(lines, summarised(all)...), ctx.Err()
}

// How lines of all pages begin.
const allPages, pagesFailed, pagesNotReady = "all pages", "pages that failed", "pages that were being prepared"

// askMany sends requests at the steady pace.
func (b *benchPages) askMany(ctx context.Context, client *http.Client, base string, q *pageQuestions) (all []answer) {
	answers, gathered := make(chan answer, 64), make(chan struct{})
	go func() {
		defer close(gathered)
		for a := range answers {
			all = append(all, a)
		}
	}()
	var asking sync.WaitGroup
	tick := time.NewTicker(time.Second / pagesPerSecond)
	defer tick.Stop()
	for until := time.Now().Add(b.flags.pageTime()); ctx.Err() == nil; {
		due := <-tick.C
		if due.After(until) {
			break
		}
		name, path := q.next()
		asking.Go(func() { answers <- get(ctx, client, base, name, path, due) })
	}
	asking.Wait()
	close(answers)
	<-gathered
	return all
}

// get asks for a page that was due at a moment, and reads it whole.
func get(ctx context.Context, client *http.Client, base, name, path string, due time.Time) answer {
	a := answer{page: name, path: path, due: due}
	trace := &httptrace.ClientTrace{GotFirstResponseByte: func() { a.first = time.Since(due) }}
	r, err := http.NewRequestWithContext(httptrace.WithClientTrace(ctx, trace), http.MethodGet, base+path, nil)
	if err != nil {
		a.err = err
		return a
	}
	got, err := client.Do(r)
	if err != nil {
		a.err = err
		return a
	}
	defer got.Body.Close()
	_, a.err = io.Copy(io.Discard, got.Body)
	if a.status = got.StatusCode; a.status != http.StatusOK && a.err == nil {
		a.err = fmt.Errorf("%s: %s", path, got.Status)
	}
	return a
}

// slowest says which addresses took longest, and when they were asked: what to look
// at next.
func (b *benchPages) slowest(all []answer) {
	const most = 20
	if len(all) == 0 {
		return
	}
	began := slices.MinFunc(all, func(a, b answer) int { return a.due.Compare(b.due) }).due
	all = slices.SortedFunc(slices.Values(all), func(a, b answer) int { return cmp.Compare(b.first, a.first) })
	fmt.Fprintf(b.progress, "  The slowest of %d:\n", len(all))
	for _, a := range all[:min(most, len(all))] {
		fmt.Fprintf(b.progress, "  %6.1f s  %-100s %7d ms\n", a.due.Sub(began).Seconds(), a.path, a.first.Milliseconds())
	}
}

// summarised gives median and 99th percentile of each page and of all together.
func summarised(all []answer) []benchLine {
	pages := map[string][]float64{}
	failed, unready, why := 0, 0, ""
	for _, a := range all {
		if a.status == http.StatusServiceUnavailable {
			unready++
			continue
		}
		if a.err != nil {
			failed, why = failed+1, a.err.Error()
			continue
		}
		ms := float64(a.first) / float64(time.Millisecond)
		pages[a.page] = append(pages[a.page], ms)
		pages[allPages] = append(pages[allPages], ms)
	}
	var lines []benchLine
	for _, name := range sortedKeys(pages) {
		list := pages[name]
		slices.Sort(list)
		lines = append(lines,
			benchLine{Work: name + fmt.Sprintf(", first byte, median of %d", len(list)), Measured: list[len(list)/2], Unit: "ms"},
			benchLine{Work: name + ", first byte, p99", Measured: list[min(len(list)-1, len(list)*99/100)], Unit: "ms"})
	}
	work := pagesFailed
	if why != "" {
		work += ", the last: " + why
	}
	return append(lines, benchLine{Work: pagesNotReady, Measured: float64(unready)}, benchLine{Work: work, Measured: float64(failed)})
}
