//go:build !race

// This is about bytes on a disk, read one after the other: the race detector has
// nothing to see in it, and makes it four times as long. What of the doctor works
// side by side is tested with it in doctor_repair_test.go.

package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/berkas-ledger/berkas/eventstore"
	"github.com/berkas-ledger/berkas/internal/local"
	"github.com/berkas-ledger/berkas/ledger"
	"github.com/berkas-ledger/berkas/transparency"
)

// Flipped bits by copy: 1,000 in all. BERKAS_FLIPS multiplies them, BERKAS_FLIP_SEED
// draws the same ones again.
const (
	flipsOfJournal  = 450
	flipsOfLog      = 300
	flipsOfLedger   = 150
	flipsOfPostgres = 100
)

// flips is a run of flipped bits over one copy.
type flips struct {
	t      *testing.T
	random *rand.Rand
	root   string
	files  []string // whose bits are flipped, within root
	sizes  map[string]int64

	found, hidden, harmless int // hidden: found, though no reader gets anything else
}

// each flips one bit after the other, each back again after look.
func (f *flips) each(n int, look func(file string, bit int64)) {
	var total int64
	for _, file := range f.files {
		total += f.sizes[file]
	}
	if total == 0 {
		f.t.Fatalf("%s holds nothing", f.root)
	}
	for range n {
		at := f.random.Int64N(total) // every bit is as likely as every other
		file := ""
		for _, file = range f.files {
			if at < f.sizes[file] {
				break
			}
			at -= f.sizes[file]
		}
		bit := 8*at + f.random.Int64N(8)
		path := filepath.Join(f.root, file)
		flipBit(f.t, path, bit)
		look(file, bit)
		flipBit(f.t, path, bit)
		if f.t.Failed() {
			return
		}
	}
}

// judge counts what came of one flipped bit. changed says that a reader gets
// something else; placed, whether the findings name the place.
func (f *flips) judge(file string, bit int64, changed bool, d diagnosis, placed func(finding) bool) {
	f.t.Helper()
	switch {
	case d.Sound && changed:
		f.t.Errorf("%s, byte %d, bit %d: readers get something else, and nothing was found", file, bit/8, bit%8)
	case d.Sound:
		f.harmless++
	case !slices.ContainsFunc(d.Findings, placed):
		f.t.Errorf("%s, byte %d, bit %d: found elsewhere only: %+v", file, bit/8, bit%8, d.Findings)
	case changed:
		f.found++
	default:
		f.hidden++
	}
}

// TestFlippedBits flips random bits of a small stopped ledger, one at a time.
// Every one that changes what any reader gets is found, with its place; the others
// are shown to change nothing.
func TestFlippedBits(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	if s := os.Getenv("BERKAS_FLIP_SEED"); s != "" {
		var err error
		if seed, err = strconv.ParseUint(s, 10, 64); err != nil {
			t.Fatal(err)
		}
	}
	times := 1
	if s := os.Getenv("BERKAS_FLIPS"); s != "" {
		var err error
		if times, err = strconv.Atoi(s); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("BERKAS_FLIP_SEED=%d", seed)
	h := copyOf(t, newPatient(t))
	for i, c := range []struct {
		name string
		n    int
		run  func(*flips, home, int)
	}{
		{copyJournal, flipsOfJournal, flipJournal},
		{copyLog, flipsOfLog, flipLog},
		{copyLedger, flipsOfLedger, flipLedger},
		{copyPostgres, flipsOfPostgres, flipPostgres},
	} {
		t.Run(c.name, func(t *testing.T) {
			began := time.Now()
			f := &flips{t: t, random: rand.New(rand.NewPCG(seed, uint64(i)))}
			if c.run(f, h, c.n*times); c.name == copyLedger {
				return // its workers say it
			}
			t.Logf("%d bits: %d changed what readers get and were found, %d more were found, %d change nothing; %.1f s",
				c.n*times, f.found, f.hidden, f.harmless, time.Since(began).Seconds())
		})
	}
	if out := examined(t, &doctor{home: h, log: testLog()}); !out.Sound {
		t.Errorf("after all bits were flipped back: %+v", out.Findings)
	}
}

func (f *flips) over(root string, take func(file string) bool) {
	f.root, f.sizes = root, filesIn(f.t, root)
	maps.DeleteFunc(f.sizes, func(file string, size int64) bool { return size == 0 || !take(file) })
	f.files = slices.Sorted(maps.Keys(f.sizes))
}

// heard is LEDGER as a server over the sound files gives it out. The journal's lock
// is free meanwhile.
func heard(t *testing.T, h home) *eventstore.LedgerScan {
	t.Helper()
	d := &doctor{home: h, log: testLog(), only: copyLedger}
	if err := errors.Join(d.open(t.Context()), d.examine(t.Context()), d.letGo()); err != nil || !d.out.Sound {
		t.Fatalf("the sound LEDGER: %v, %+v", err, d.out)
	}
	scan := d.stream
	t.Cleanup(func() {
		if err := d.close(); err != nil {
			t.Error(err)
		}
	})
	return scan
}

// readJournal is what who opens the journal gets: all of it, or an error.
func readJournal(t *testing.T, h home) string {
	t.Helper()
	j, err := eventstore.OpenJournal(t.Context(), h.journal(), "", eventstore.JournalOptions{})
	if err != nil {
		return err.Error()
	}
	defer j.Close()
	sum := sha256.New()
	fmt.Fprintln(sum, j.ID(), j.Origin(), j.Len())
	err = j.Leaves(t.Context(), 1, j.Len(), func(p ledger.Position, leaf []byte) error {
		fmt.Fprintf(sum, "%d %s\n", p, ledger.HashLeaf(leaf))
		return nil
	})
	return fmt.Sprintf("%x %v", sum.Sum(nil), err)
}

func flipJournal(f *flips, h home, n int) {
	sound, stream := readJournal(f.t, h), heard(f.t, h)
	scan, err := eventstore.ScanJournal(f.t.Context(), h.journal(), eventstore.JournalOptions{})
	if err != nil {
		f.t.Fatal(err)
	}
	defer scan.Close()
	f.over(h.journal(), func(string) bool { return true })
	f.each(n, func(file string, bit int64) {
		d := &doctor{home: h, log: testLog(), only: copyJournal, stream: stream}
		out := examined(f.t, d)
		var hit ledger.Position // the record that the bit belongs to
		for p := range scan.Leaves {
			if name, at := scan.Where(ledger.Position(p + 1)); name == file && at <= bit/8 {
				hit = ledger.Position(p + 1)
			}
		}
		f.judge(file, bit, readJournal(f.t, h) != sound, out, func(x finding) bool {
			return x.Copy == copyJournal && (x.File == file && x.Byte != nil && *x.Byte <= bit/8 || x.File == file && hit == 0 || x.First <= hit && hit <= x.Last && hit > 0)
		})
	})
}

// fetchLog is every file of the published log as who fetches it gets it, and the
// sealed checkpoint.
func fetchLog(t *testing.T, h home, size ledger.Position) []byte {
	t.Helper()
	sizes, err := transparency.Checkpoints(h.logDir())
	if err != nil {
		t.Fatal(err)
	}
	paths := []string{checkpointFile, sealedFile}
	for _, n := range sizes {
		paths = append(paths, fmt.Sprintf("%s/%d", keptDir, n))
	}
	for _, tile := range tilesOf(size) {
		paths = append(paths, tile.Path())
	}
	var all bytes.Buffer
	fetch := transparency.DirFetch(h.logDir())
	for _, path := range paths {
		raw, err := fetch(t.Context(), path)
		fmt.Fprintf(&all, "%s %x %v\n", path, raw, err)
	}
	return all.Bytes()
}

func flipLog(f *flips, h home, n int) {
	d := &doctor{home: h, log: testLog(), only: copyJournal}
	size := examined(f.t, d).Proven
	sound := fetchLog(f.t, h, size)
	f.over(h.logDir(), func(string) bool { return true })
	f.each(n, func(file string, bit int64) {
		d := &doctor{home: h, log: testLog(), only: copyJournal}
		out := examined(f.t, d)
		f.judge(file, bit, !bytes.Equal(fetchLog(f.t, h, size), sound), out, func(x finding) bool {
			return x.Copy == copyLog && x.File == file && (x.Byte == nil || *x.Byte == bit/8)
		})
	})
}

// flipLedger works on several copies side by side: it mostly waits.
func flipLedger(f *flips, h home, n int) {
	all := subjectsOf(f.t, h)
	subjects := allSubjects()
	sound, why := readLEDGER(f.t, h, subjects)
	if why != nil {
		f.t.Fatalf("the sound LEDGER: %v", why)
	}
	const workers = 5
	for w := range workers {
		random := rand.New(rand.NewPCG(f.random.Uint64(), uint64(w)))
		f.t.Run(fmt.Sprint(w), func(t *testing.T) {
			t.Parallel()
			mine := &flips{t: t, random: random}
			one := copyOf(t, h, "journal", "log", "nats", "genesis.leaf")
			mine.over(eventstore.LedgerDir(one.nats()), func(string) bool { return true })
			unserved := 0
			mine.each(n/workers, func(file string, bit int64) {
				some := append(slices.Clone(subjects), all[random.IntN(len(all))], all[random.IntN(len(all))])
				unserved += mine.ofLedger(one, file, bit, some, sound)
			})
			t.Logf("%d bits: %d changed what readers get and were found, %d more were found, %d change nothing; no server was started over %d",
				n/workers, mine.found, mine.hidden, mine.harmless, unserved)
		})
	}
}

// ofLedger looks at LEDGER with one bit flipped; it gives 1 when no server may be
// started over its files, 0 otherwise.
func (f *flips) ofLedger(h home, file string, bit int64, subjects []string, sound []ledger.Hash) int {
	blocks, err := eventstore.ScanBlocks(eventstore.LedgerDir(h.nats()))
	if err != nil {
		f.t.Fatal(err)
	}
	out := examined(f.t, &doctor{home: h, log: testLog(), only: copyLedger})
	if len(blocks.Flaws) > 0 { // it may take all the memory there is
		f.judge(file, bit, true, out, func(x finding) bool { return x.Copy == copyLedger && x.File == file && *x.Byte <= bit/8 })
		return 1
	}
	have, why := readLEDGER(f.t, h, subjects)
	first := ledger.Position(1) // at which readers get something else
	for int(first) <= min(len(have), len(sound)) && have[first-1] == sound[first-1] {
		first++
	}
	var broken *ledger.ErrBroken
	if errors.As(why, &broken) {
		first = broken.Position
	} else if len(have) == 0 {
		first = 0 // they cannot tell
	}
	changed := why != nil || !slices.Equal(have, sound)
	f.judge(file, bit, changed, out, func(x finding) bool {
		return x.Copy == copyLedger && (!changed || first == 0 || x.First == 0 || x.First <= first && first <= x.Last)
	})
	if f.t.Failed() {
		f.t.Logf("readers: %d records, %v", len(have), why)
	}
	return 0
}

func subjectsOf(t *testing.T, h home) []string {
	t.Helper()
	j, err := eventstore.OpenJournal(t.Context(), h.journal(), "", eventstore.JournalOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer j.Close()
	all := map[string]bool{}
	if err := j.Feed()(t.Context(), 0, func(records []ledger.Record) error {
		for _, r := range records {
			all[r.Subject] = true
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return slices.Sorted(maps.Keys(all))
}

// readTables is every row of every table in order, as it lies there and by the
// indexes.
func readTables(t *testing.T, h home) string {
	t.Helper()
	pg, err := local.StartPostgres(t.Context(), local.PostgresConfig{Dir: h.postgres(), BinDir: os.Getenv("PG_BINDIR"), Throwaway: true})
	if err != nil {
		return err.Error()
	}
	defer func() { _ = pg.Stop() }()
	conn, err := pgx.Connect(t.Context(), pg.URL())
	if err != nil {
		return err.Error()
	}
	defer conn.Close(context.WithoutCancel(t.Context()))
	tables, err := tablesAndKeys(t.Context(), conn)
	if err != nil {
		return err.Error()
	}
	var all strings.Builder
	for _, setting := range []string{"on", "off"} {
		other := map[string]string{"on": "off", "off": "on"}[setting]
		if _, err := conn.Exec(t.Context(), fmt.Sprintf("SET enable_seqscan = %s; SET enable_indexscan = %s", setting, other)); err != nil {
			return err.Error()
		}
		for _, q := range tables {
			var sum string
			if err := conn.QueryRow(t.Context(), q, pgx.QueryExecModeSimpleProtocol).Scan(&sum); err != nil {
				sum = err.Error()
			}
			fmt.Fprintln(&all, sum)
		}
	}
	return all.String()
}

func tablesAndKeys(ctx context.Context, conn *pgx.Conn) ([]string, error) {
	rows, err := conn.Query(ctx, `
		SELECT format('SELECT md5(coalesce(string_agg(r, E''\n''), '''')) || count(*) FROM (SELECT t::text AS r FROM projection.%I t WHERE %s ORDER BY %s) o',
			t.relname, coalesce(pg_get_expr(i.indpred, i.indrelid), 'true'),
			(SELECT string_agg(pg_get_indexdef(i.indexrelid, k, true), ', ' ORDER BY k) FROM generate_series(1, i.indnkeyatts) k) || ', t::text')
		FROM pg_class t JOIN pg_namespace n ON n.oid = t.relnamespace JOIN pg_index i ON i.indrelid = t.oid
		WHERE n.nspname = 'projection' AND t.relkind = 'r' ORDER BY t.relname, i.indexrelid`)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[string])
}

// flipPostgres: bits of the files of tables and indexes. Most are found by the
// page's checksum with the server stopped; of these the doctor itself looks at some.
// For one that is not the server is started, over a copy, and everything is read.
func flipPostgres(f *flips, h home, n int) {
	sound := readTables(f.t, copyOf(f.t, h))
	data, err := local.PostgresData(h.postgres())
	if err != nil {
		f.t.Fatal(err)
	}
	files := tableFiles(f.t, copyOf(f.t, h))
	f.over(data, func(file string) bool { return files[strings.TrimSuffix(strings.TrimSuffix(file, "_fsm"), "_vm")] })
	started, doctored := 0, 0
	f.each(n, func(file string, bit int64) {
		d := &doctor{home: h, log: testLog(), only: copyPostgres, throwaway: true}
		whole, err := d.checkPages(f.t.Context())
		if err != nil {
			f.t.Fatal(err)
		}
		out := d.out
		changed := true
		switch {
		case whole: // the server will be started, and write
			started++
			d.home = copyOf(f.t, h)
			out = examined(f.t, d)
			changed = readTables(f.t, copyOf(f.t, h)) != sound
		case doctored < 10:
			doctored++
			out = examined(f.t, d)
		}
		f.judge(file, bit, changed, out, func(x finding) bool {
			return x.Copy == copyPostgres && (whole || x.File == file && *x.Byte == bit/8/local.PageSize*local.PageSize)
		})
	})
	f.t.Logf("the server was started for %d of them", started)
}
