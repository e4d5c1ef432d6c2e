package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/berkas-ledger/berkas/eventstore"
	"github.com/berkas-ledger/berkas/internal/local"
	"github.com/berkas-ledger/berkas/ledger"
)

// sameTree fails unless two directories hold the same files, byte by byte.
func sameTree(t *testing.T, what, got, want string) {
	t.Helper()
	have, wanted := filesIn(t, got), filesIn(t, want)
	if !maps.Equal(have, wanted) {
		t.Fatalf("%s: files are %v, want %v", what, slices.Sorted(maps.Keys(have)), slices.Sorted(maps.Keys(wanted)))
	}
	for file := range wanted {
		a, err := os.ReadFile(filepath.Join(got, file))
		b, err2 := os.ReadFile(filepath.Join(want, file))
		if err := errors.Join(err, err2); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(a, b) {
			t.Fatalf("%s: %s differs at byte %d", what, file, differsAt(a, b))
		}
	}
}

// repaired fails unless a ledger's copies are those of the sound one again.
func repaired(t *testing.T, what string, h, sound home) {
	t.Helper()
	sameTree(t, what, h.journal(), sound.journal())
	sameTree(t, what, h.logDir(), sound.logDir())
	a, err := os.ReadFile(h.genesisFile())
	b, err2 := os.ReadFile(sound.genesisFile())
	if errors.Join(err, err2) != nil || !bytes.Equal(a, b) {
		t.Fatalf("%s: genesis.leaf differs", what)
	}
}

// segmentOf and the like are what is damaged.
func segmentOf(h home) string { return filepath.Join(h.journal(), "segment-000000") }

func blockOf(h home) string { return filepath.Join(eventstore.LedgerDir(h.nats()), "msgs", "1.blk") }

// recordIn gives a byte within the body of a record.
func recordIn(t *testing.T, h home, p ledger.Position) (inJournal, inLedger int64) {
	t.Helper()
	s, err := eventstore.ScanJournal(t.Context(), h.journal(), eventstore.JournalOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	b, err := eventstore.ScanBlocks(eventstore.LedgerDir(h.nats()))
	if err != nil {
		t.Fatal(err)
	}
	_, inJournal = s.Where(p)
	_, inLedger = b.Where(p)
	return inJournal + 400, inLedger + 500
}

// TestDoctorRepairs damages each copy in turn. A repair gives the same bytes of
// journal and log again, the same LEDGER and the same tables, and keeps what was
// there.
func TestDoctorRepairs(t *testing.T) {
	sound := newPatient(t)
	newest := fmt.Sprintf("%s/%d", keptDir, examined(t, &doctor{home: sound, log: testLog()}).Proven)
	j50, l50 := recordIn(t, sound, 50)
	_, l200 := recordIn(t, sound, 200)
	j120, _ := recordIn(t, sound, 120)
	type damage func(t *testing.T, h home)
	flip := func(path func(home) string, at int64) damage {
		return func(t *testing.T, h home) { flipBit(t, path(h), 8*at) }
	}
	log := func(file string) func(home) string {
		return func(h home) string { return filepath.Join(h.logDir(), file) }
	}
	gone := func(path func(home) string) damage {
		return func(t *testing.T, h home) {
			if err := os.RemoveAll(path(h)); err != nil {
				t.Fatal(err)
			}
		}
	}
	both := func(list ...damage) damage {
		return func(t *testing.T, h home) {
			for _, d := range list {
				d(t, h)
			}
		}
	}
	for _, c := range []struct {
		name   string
		damage damage
		copies []string
	}{
		{"a record of the journal", flip(segmentOf, j50), []string{copyJournal}},
		{"a length in the journal", flip(segmentOf, j50-400), []string{copyJournal}},
		{"journal.json", flip(func(h home) string { return filepath.Join(h.journal(), "journal.json") }, 40), []string{copyJournal}},
		{"the journal's end", func(t *testing.T, h home) {
			if err := os.Truncate(segmentOf(h), j120); err != nil {
				t.Fatal(err)
			}
		}, []string{copyJournal}},
		{"the journal is gone", gone(home.journal), []string{copyJournal}},
		{"a message of LEDGER", flip(blockOf, l50), []string{copyLedger}},
		{"LEDGER is gone", gone(func(h home) string { return eventstore.LedgerDir(h.nats()) }), []string{copyLedger}},
		{"journal and LEDGER in different places", both(flip(segmentOf, j50), flip(blockOf, l200)), []string{copyJournal, copyLedger}},
		{"journal, LEDGER and a tile in different places", both(flip(segmentOf, j50), flip(blockOf, l200), flip(log("tile/0/000"), 32*119)), []string{copyJournal, copyLedger, copyLog}},
		{"a tile", flip(log("tile/0/000"), 1000), []string{copyLog}},
		{"all tiles are gone", gone(log("tile")), []string{copyLog}},
		{"the checkpoint's root", flip(log(checkpointFile), 30), []string{copyLog}},
		{"the checkpoint's signature", flip(log(checkpointFile), 130), []string{copyLog}},
		{"both copies of the newest checkpoint", both(flip(log(checkpointFile), 130), flip(log(newest), 120)), []string{copyLog}},
		{"the checkpoint is gone", gone(log(checkpointFile)), []string{copyLog}},
		{"the newest kept checkpoint is gone", gone(log(newest)), []string{copyLog}},
		{"the sealed one is gone", gone(log(sealedFile)), []string{copyLog}},
		{"the sealed one", flip(log(sealedFile), 3), []string{copyLog}},
		{"genesis.leaf", flip(home.genesisFile, 300), []string{copyGenesis}},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := copyOf(t, sound, "journal", "log", "nats", "genesis.leaf", "policy.txt")
			c.damage(t, h)
			d := &doctor{home: h, log: testLog()}
			before := examined(t, d)
			for _, name := range c.copies {
				if !before.has(name) {
					t.Fatalf("%s was not found damaged: %+v", name, before.Findings)
				}
			}
			out, err := d.run(t.Context(), true)
			if err != nil || !out.Sound || len(out.Remedies) != len(c.copies) {
				t.Fatalf("repair: %v, %+v", err, out)
			}
			repaired(t, c.name, h, sound)
			// It goes on where it was: another start takes it as it is.
			have, why := readLEDGER(t, h, allSubjects())
			if why != nil || ledger.Position(len(have)) != out.Records {
				t.Fatalf("LEDGER after the repair: %d records, %v", len(have), why)
			}
		})
	}
	t.Run("PostgreSQL", func(t *testing.T) { repairTables(t, sound) })
}

// repairTables damages tables and the files they lie in.
func repairTables(t *testing.T, sound home) {
	sql := func(text string) func(*testing.T, home) {
		return func(t *testing.T, h home) {
			pg, err := local.StartPostgres(t.Context(), local.PostgresConfig{Dir: h.postgres(), BinDir: os.Getenv("PG_BINDIR"), Throwaway: true})
			if err != nil {
				t.Fatal(err)
			}
			conn, err := pgx.Connect(t.Context(), pg.URL())
			if err != nil {
				t.Fatal(err)
			}
			_, err = conn.Exec(t.Context(), text)
			if err := errors.Join(err, conn.Close(t.Context()), pg.Stop()); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, c := range []struct {
		name   string
		damage func(*testing.T, home)
		table  string
		kept   bool // the damaged files
	}{
		{"a row", sql("UPDATE projection.record SET agency = 'bkn' WHERE position = 9"), "record", false},
		{"the progress", sql("UPDATE projection.progress SET position = 999999"), "progress", false},
		{"a page", func(t *testing.T, h home) {
			data, err := local.PostgresData(h.postgres())
			if err != nil {
				t.Fatal(err)
			}
			for file := range tableFiles(t, copyOf(t, h)) {
				if info, err := os.Stat(filepath.Join(data, file)); err == nil && info.Size() > 0 {
					flipBit(t, filepath.Join(data, file), 8*4000)
					return
				}
			}
			t.Fatal("no table has a page")
		}, "", true},
		{"its control file", func(t *testing.T, h home) {
			data, err := local.PostgresData(h.postgres())
			if err != nil {
				t.Fatal(err)
			}
			flipBit(t, filepath.Join(data, "global", "pg_control"), 8*60)
		}, "", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := copyOf(t, sound)
			c.damage(t, h)
			d := &doctor{home: h, log: testLog(), throwaway: true}
			if before := examined(t, d); before.Sound || c.table != "" && before.Findings[0].Table != c.table {
				t.Fatalf("found %+v", before.Findings)
			}
			out, err := d.run(t.Context(), true)
			if err != nil || !out.Sound || len(out.Remedies) != 1 || strings.Contains(out.Remedies[0].Done, ".damaged-1") != c.kept {
				t.Fatalf("repair: %v, %+v", err, out)
			}
			repaired(t, c.name, h, sound)
		})
	}
}

const noCheckpoint = "there is no signed checkpoint to prove any copy by"

// TestDoctorRefuses: what nothing proves is left as it is, and the reason is said.
func TestDoctorRefuses(t *testing.T) {
	sound := newPatient(t)
	size := examined(t, &doctor{home: sound, log: testLog()}).Proven
	j50, l50 := recordIn(t, sound, 50)
	last, lastL := recordIn(t, sound, size)
	for _, c := range []struct {
		name   string
		damage func(t *testing.T, h home)
		says   string
	}{
		{"the same record in journal and LEDGER", func(t *testing.T, h home) {
			flipBit(t, segmentOf(h), 8*j50)
			flipBit(t, blockOf(h), 8*l50)
		}, "the hash of record 50 is proven, but neither journal nor LEDGER has the record"},
		{"no signed checkpoint", func(t *testing.T, h home) {
			flipBit(t, segmentOf(h), 8*j50)
			if err := os.RemoveAll(h.logDir()); err != nil {
				t.Fatal(err)
			}
		}, noCheckpoint},
		{"an altered journal without LEDGER and checkpoints", func(t *testing.T, h home) {
			flipBit(t, segmentOf(h), 8*j50)
			if err := errors.Join(os.RemoveAll(h.logDir()), os.RemoveAll(eventstore.LedgerDir(h.nats()))); err != nil {
				t.Fatal(err)
			}
		}, noCheckpoint},
		{"a record that no checkpoint covers", func(t *testing.T, h home) {
			unseal(t, h, sound)
			flipBit(t, blockOf(h), 8*lastL)
			flipBit(t, segmentOf(h), 8*(last-300))
		}, "no signed checkpoint covers it"},
		{"journal, LEDGER and tile at one record", func(t *testing.T, h home) {
			flipBit(t, segmentOf(h), 8*j50)
			flipBit(t, blockOf(h), 8*l50)
			flipBit(t, filepath.Join(h.logDir(), "tile", "0", "000"), 8*32*49)
		}, "no combination of the copies gives the root"},
		{"a signed checkpoint that says otherwise", func(t *testing.T, h home) {
			flipBit(t, segmentOf(h), 8*j50)
			signFork(t, h, 40)
		}, "is signed and contradicts the records"},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := copyOf(t, sound, "journal", "log", "nats", "genesis.leaf", "keys")
			if _, err := os.Stat(sound.policyFile()); err == nil {
				shell(t, "cp", "-a", sound.policyFile(), h.policyFile())
			}
			c.damage(t, h)
			before := copyOf(t, h, "journal", "nats")
			shell(t, "mkdir", "-p", h.logDir())
			shell(t, "cp", "-a", h.logDir(), before.logDir())
			out, err := (&doctor{home: h, log: testLog()}).run(t.Context(), true)
			if err != nil || out.Sound || !out.has(copyJournal) && !out.has(copyLedger) {
				t.Fatalf("%v, %+v", err, out)
			}
			for _, r := range out.Remedies {
				if (r.Copy == copyJournal || c.says == noCheckpoint) && (r.From != "" || !strings.Contains(r.Why, c.says)) {
					t.Errorf("it says %+v, want %q", r, c.says)
				}
			}
			for _, dir := range []string{"journal", "log", "nats"} {
				sameTree(t, c.name, h.path(dir), before.path(dir))
			}
		})
	}
	t.Run("a start that would take all memory", func(t *testing.T) {
		h := copyOf(t, sound, "journal", "nats", "keys", "genesis.leaf")
		flipBit(t, blockOf(h), 8*(l50-500+4+5)) // of the sequence
		_, err := startNode(t.Context(), nodeConfig{home: h, log: testLog(), rehearsal: true})
		if exitCode(err) != exitVerify || !strings.Contains(hintFor(err), "berkas doctor") {
			t.Errorf("it starts with %v", err)
		}
	})
	t.Run("a running ledger", func(t *testing.T) {
		h := copyOf(t, sound, "journal", "nats", "keys", "genesis.leaf")
		d := &doctor{home: h, log: testLog(), running: &running{}}
		var coded *codedError
		if err := d.repair(t.Context()); !errors.As(err, &coded) || coded.code != exitConflict {
			t.Errorf("repair: %v", err)
		}
	})
}

// unseal takes the newest checkpoints away, so that the last records have none.
func unseal(t *testing.T, h, sound home) {
	t.Helper()
	s, err := eventstore.ScanJournal(t.Context(), sound.journal(), eventstore.JournalOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := os.RemoveAll(h.logDir()); err != nil {
		t.Fatal(err)
	}
	signRoot(t, h, s.Leaves[:len(s.Leaves)-1], nil)
}

// signFork has the log's own key sign something else about the first records.
func signFork(t *testing.T, h home, size int) {
	t.Helper()
	fork := make([]ledger.Hash, size)
	for i := range fork {
		fork[i] = ledger.HashLeaf([]byte{byte(i)})
	}
	signRoot(t, h, fork, []string{fmt.Sprintf("%s/%d", keptDir, size)})
}

func signRoot(t *testing.T, h home, leaves []ledger.Hash, paths []string) {
	t.Helper()
	signer, err := h.noteSigner("log.key")
	if err != nil {
		t.Fatal(err)
	}
	tree, err := treeOf(leaves)
	if err != nil {
		t.Fatal(err)
	}
	root, err := tree.root(tree.size)
	if err != nil {
		t.Fatal(err)
	}
	signed, err := ledger.SignCheckpoint(ledger.Checkpoint{Origin: devOrigin, Size: tree.size, Root: root}, signer)
	if err != nil {
		t.Fatal(err)
	}
	if paths == nil {
		paths = []string{checkpointFile, sealedFile, fmt.Sprintf("%s/%d", keptDir, tree.size)}
		for _, tile := range tilesOf(tree.size) {
			raw, err := tree.tile(tile)
			if err == nil {
				err = replaceFile(filepath.Join(h.logDir(), tile.Path()), raw)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, path := range paths {
		if err := replaceFile(filepath.Join(h.logDir(), path), signed); err != nil {
			t.Fatal(err)
		}
	}
}

// TestDoctorKilled kills the program in the middle of a repair, again and again.
// What is there is always the old journal or the new one, and the last repair
// succeeds.
func TestDoctorKilled(t *testing.T) {
	sound := newPatient(t)
	// ill has a record damaged in the journal and another in LEDGER.
	ill := func() home {
		h := copyOf(t, sound, "journal", "log", "nats", "genesis.leaf")
		if _, err := os.Stat(sound.policyFile()); err == nil {
			shell(t, "cp", "-a", sound.policyFile(), h.policyFile())
		}
		j50, _ := recordIn(t, h, 50)
		_, l200 := recordIn(t, h, 200)
		flipBit(t, segmentOf(h), 8*j50)
		flipBit(t, blockOf(h), 8*l200)
		return h
	}
	h := ill()
	random := rand.New(rand.NewPCG(5, uint64(time.Now().UnixNano())))
	old, replaced := 0, 0
	for range 15 {
		if raw, err := os.ReadFile(segmentOf(h)); err == nil && sameFile(t, raw, segmentOf(sound)) {
			h = ill() // LEDGER may be on its way; nobody could mend a journal that breaks again then
		}
		damaged, err := os.ReadFile(segmentOf(h))
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Duration(20+random.IntN(400))*time.Millisecond) // what is drawn
		cmd := exec.CommandContext(ctx, os.Args[0], "doctor", "--data", h.dir, "--repair")
		cmd.Args[0] = "berkas"
		cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
		out, _ := cmd.CombinedOutput() // it is killed, or ends as it ends
		cancel()
		raw, err := os.ReadFile(segmentOf(h))
		if err != nil {
			t.Fatalf("neither the old journal nor the new one: %v\n%s", err, out)
		}
		switch {
		case bytes.Equal(raw, damaged):
			old++
		case sameFile(t, raw, segmentOf(sound)):
			replaced++
		default:
			t.Fatal("the journal is neither the old one nor the new one")
		}
	}
	t.Logf("the old journal stood %d times, the new one %d times", old, replaced)
	out, err := (&doctor{home: h, log: testLog()}).run(t.Context(), true)
	if err != nil || !out.Sound {
		t.Fatalf("the last repair: %v, %+v", err, out)
	}
	repaired(t, "after the kills", h, sound)
}

func sameFile(t *testing.T, raw []byte, path string) bool {
	t.Helper()
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return bytes.Equal(raw, want)
}
