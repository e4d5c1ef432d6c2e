package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"github.com/berkas-ledger/berkas/eventstore"
	"github.com/berkas-ledger/berkas/internal/local"
	"github.com/berkas-ledger/berkas/ledger"
)

// copyPrefix begins the names of the directories in which LEDGER's files are
// copied to be read. One that was left behind is nobody's.
const copyPrefix = "doctor-"

// readLedger reads LEDGER from the server of a running ledger or, of a stopped
// one, from a server over a copy of the files: at its start a server repairs what
// it finds in its own way, and drops what it cannot read.
func (d *doctor) readLedger(ctx context.Context) error {
	login, user := d.external, eventstore.User{Role: eventstore.RoleFollower, Name: followerCommands}
	switch {
	case d.only != "" && d.only != copyLedger:
		return nil
	case login != nil:
	case d.running != nil && d.running.NATS == "":
		d.notSeen("LEDGER: it lies on other servers; name them with --nats and --nats-seed")
		return nil
	case d.running != nil:
		user = eventstore.User{Role: eventstore.RoleRegistrar}
		l, err := d.home.login(d.running.NATS, user)
		if err != nil {
			return err
		}
		login = &l
	default:
		user = eventstore.User{Role: eventstore.RoleRegistrar}
		whole, err := d.readBlocks()
		if !whole || err != nil {
			return err
		}
		if login, err = d.copyOfLedger(user); login == nil || err != nil {
			return err
		}
	}
	var err error
	if d.stream, err = eventstore.ScanLedger(ctx, *login, user); err != nil {
		return unreachable("", "read LEDGER: %w", err)
	}
	d.closers = append(d.closers, d.stream.Close)
	d.looked(copyLedger)
	return nil
}

// readBlocks looks at LEDGER's files themselves, and reports whether a server may
// be started over them.
func (d *doctor) readBlocks() (bool, error) {
	var err error
	if d.blocks, err = eventstore.ScanBlocks(eventstore.LedgerDir(d.home.nats())); err != nil || len(d.blocks.Flaws) == 0 {
		return true, err
	}
	d.stream = d.blocks.Scan()
	d.looked(copyLedger)
	d.notSeen("what a server would give out as LEDGER: over such files none may be started")
	return false, nil
}

// copyOfLedger starts a server over a copy of LEDGER's files; nil if there are
// none to start it over.
func (d *doctor) copyOfLedger(user eventstore.User) (*eventstore.Login, error) {
	files := eventstore.LedgerDir(d.home.nats())
	if _, err := os.Stat(d.home.path("nats")); errors.Is(err, fs.ErrNotExist) {
		d.notSeen("LEDGER: this ledger was never started with a server of its own; name another with --nats")
		return nil, nil
	}
	left, err := filepath.Glob(d.home.path("nats", copyPrefix+"*"))
	if err != nil {
		return nil, err
	}
	for _, dir := range left {
		if err := os.RemoveAll(dir); err != nil {
			return nil, err
		}
	}
	temp, err := os.MkdirTemp(d.home.path("nats"), copyPrefix)
	if err != nil {
		return nil, err
	}
	d.closers = append(d.closers, func() error { return os.RemoveAll(temp) })
	if err := copyTree(files, eventstore.LedgerDir(temp)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	accounts, err := d.home.accounts(nil)
	if err != nil {
		return nil, err
	}
	server, bad := local.StartNATS(local.NATSConfig{Dir: temp, Accounts: accounts, MaxPayload: eventstore.MaxPayload})
	if bad != nil {
		d.add(finding{Copy: copyLedger, Problem: "the server does not start over its files: " + bad.Error()})
		return nil, nil //nolint:nilerr // it is what was looked for
	}
	d.closers = append(d.closers, server.Stop)
	login, err := d.home.login(server.ClientURL(), user)
	return &login, err
}

// copyTree copies a directory, sharing blocks where the file system can.
func copyTree(from, to string) error {
	return filepath.WalkDir(from, func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		target := filepath.Join(to, rel)
		if e.IsDir() {
			return os.MkdirAll(target, 0o700)
		}
		return copyFile(path, target)
	})
}

func copyFile(from, to string) (err error) {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, out.Close()) }()
	if unix.IoctlFileClone(int(out.Fd()), int(in.Fd())) == nil {
		return nil
	}
	_, err = io.Copy(out, in)
	return err
}

// compareJournal says where the journal is not what is known.
func (d *doctor) compareJournal() {
	covered := map[ledger.Position]bool{}
	for _, f := range d.journal.Flaws {
		if f.Unfinished && !d.known(f.First) {
			if d.running == nil {
				d.note(fmt.Sprintf("the journal ends in an unfinished write (%s at byte %d), which the next record takes the place of; nobody was promised it", f.File, f.Byte))
			}
			continue
		}
		d.add(flawed(copyJournal, f))
		cover(covered, f)
	}
	d.differing(copyJournal, d.journal.Leaves, covered, func(p ledger.Position) (string, *int64) {
		file, at := d.journal.Where(p)
		return file, place(at)
	})
	if d.stream != nil && d.stream.Journal != "" && d.journal.ID != "" && d.stream.Journal != d.journal.ID {
		d.add(finding{Copy: copyJournal, File: "journal.json", Problem: "its id is not the one that LEDGER's metadata names"})
	}
}

// known reports whether any copy but the journal, or a signed checkpoint, has a
// position.
func (d *doctor) known(p ledger.Position) bool {
	if p > 0 && d.blocks != nil {
		if file, _ := d.blocks.Where(p); file != "" {
			return true
		}
	}
	return p > 0 && (p <= d.truth.newest || d.stream != nil && hashAt(d.stream.Leaves, p) != ledger.Hash{})
}

func flawed(name string, f eventstore.Flaw) finding {
	return finding{Copy: name, File: f.File, Byte: place(f.Byte), First: f.First, Last: f.Last, Problem: f.Problem}
}

func cover(covered map[ledger.Position]bool, f eventstore.Flaw) {
	for p := f.First; p > 0 && p <= f.Last; p++ {
		covered[p] = true
	}
}

func (d *doctor) compareLedger() {
	covered := map[ledger.Position]bool{}
	for _, f := range d.stream.Flaws {
		if f.File == "" && d.blocks != nil {
			f.File, f.Byte = d.blocks.Where(f.First)
		}
		d.add(flawed(copyLedger, f))
		cover(covered, f)
	}
	d.differing(copyLedger, d.stream.Leaves, covered, func(p ledger.Position) (string, *int64) {
		if d.blocks == nil {
			return "", nil
		}
		file, at := d.blocks.Where(p)
		return file, place(at)
	})
	d.unserved()
}

// differing names the positions at which a copy has another record than is known,
// or none, in runs.
func (d *doctor) differing(name string, have []ledger.Hash, covered map[ledger.Position]bool, where func(ledger.Position) (string, *int64)) {
	var run *finding
	end := ledger.Position(len(d.truth.leaves))
	if d.running != nil && name == copyLedger {
		end = ledger.Position(len(have)) // it may be a moment behind
	}
	for p := ledger.Position(1); p <= end; p++ {
		want, found := d.truth.at(p), hashAt(have, p)
		if want == (ledger.Hash{}) || want == found || covered[p] {
			run = nil
			continue
		}
		problem := "the record is not the one that the others prove"
		switch {
		case p > ledger.Position(len(have)):
			problem = "it ends before"
		case found == (ledger.Hash{}):
			problem = "the record is missing"
		}
		if run != nil && run.Problem == problem {
			run.Last = p
			continue
		}
		f := finding{Copy: name, First: p, Last: p, Problem: problem}
		f.File, f.Byte = where(p)
		d.add(f)
		run = &d.out.Findings[len(d.out.Findings)-1]
	}
}

// unserved names messages that stand in LEDGER's files, behind all that a server
// gives out of them.
func (d *doctor) unserved() {
	for p := ledger.Position(max(len(d.stream.Leaves), len(d.truth.leaves)) + 1); d.blocks != nil; p++ {
		file, at := d.blocks.Where(p)
		if file == "" {
			return
		}
		d.add(finding{Copy: copyLedger, File: file, Byte: place(at), First: p, Last: p, Problem: "a message stands there that the server does not give out"})
	}
}

// undecided names positions of which nothing says what belongs there.
func (d *doctor) undecided() {
	var run *finding
	for p := ledger.Position(1); p <= ledger.Position(len(d.truth.leaves)); p++ {
		if d.truth.at(p) != (ledger.Hash{}) {
			run = nil
			continue
		}
		problem := "the copies hold different records, and no checkpoint says which is right"
		if hashAt(d.journal.Leaves, p) == (ledger.Hash{}) && p > d.truth.newest {
			problem = "LEDGER has a record that the journal, which is written first, has not, and no checkpoint says that it is right"
		}
		if run != nil && run.Problem == problem {
			run.Last = p
			continue
		}
		f := finding{Copy: copyJournal, First: p, Last: p, Problem: problem}
		file, at := d.journal.Where(p)
		f.File, f.Byte = file, place(at)
		d.add(f)
		run = &d.out.Findings[len(d.out.Findings)-1]
	}
}
