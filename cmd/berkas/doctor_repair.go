package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/berkas-ledger/berkas/eventstore"
	"github.com/berkas-ledger/berkas/internal/local"
	"github.com/berkas-ledger/berkas/ledger"
	"github.com/berkas-ledger/berkas/projections"
)

// prescribe says for each damaged copy from what it can be made anew, or why
// nothing here can.
func (d *doctor) prescribe() {
	journal := d.prescribeJournal()
	for _, name := range []string{copyGenesis, copyPolicy, copyJournal, copyLog, copyLedger, copyPostgres} {
		if !d.out.has(name) {
			continue
		}
		r := remedy{Copy: name}
		switch name {
		case copyJournal:
			r.From, r.Why = "the records of LEDGER and of the journal itself that the signed checkpoint proves", journal
		case copyLog:
			r.From, r.Why = "the records, and its other checkpoints", d.prescribeLog()
		case copyLedger, copyPostgres, copyGenesis:
			r.From, r.Why = "the journal", journal
			if d.out.has(copyJournal) && journal == "" {
				r.From = "the journal, once it is repaired"
			}
			if name == copyLedger && d.external != nil {
				r.Why = "its servers are not this ledger's own: mend them, and 'berkas serve' completes LEDGER from the journal"
			}
		case copyPolicy:
			r.Why = "which witnesses it trusts is written nowhere else here: put policy.txt back from a copy, which every auditor has"
		}
		if r.Why != "" {
			r.From = ""
		}
		d.out.Remedies = append(d.out.Remedies, r)
	}
}

// prescribeJournal says why the journal cannot be trusted or made anew; "" if it
// can.
func (d *doctor) prescribeJournal() string {
	t := d.truth
	switch {
	case d.contradicted() != "":
		return "checkpoint " + d.contradicted() + " is signed and contradicts the records: somebody has to look at that first"
	case t.newest == 0:
		return "there is no signed checkpoint to prove any copy by; bring the log's directory or an exported log back from a copy"
	case t.proven < t.newest:
		return fmt.Sprintf("no combination of the copies gives the root that was signed for %d records; bring one of them back from a backup or from another's copy of the log", t.newest)
	case t.end() < ledger.Position(len(t.leaves)):
		return fmt.Sprintf("from position %d on the copies differ, and no signed checkpoint covers that", t.end()+1)
	case len(t.leaves) == 0:
		return "no copy has any record"
	}
	for _, f := range d.out.Findings {
		if (f.Copy == copyJournal || f.Copy == copyLedger) && f.Last > t.end() {
			return fmt.Sprintf("there was a record %d, of which no copy is whole, and no signed checkpoint covers it", f.Last)
		}
	}
	return d.missing()
}

// missing says what of the known records, and of the journal's id, no copy has; ""
// if nothing is missing.
func (d *doctor) missing() string {
	for p := ledger.Position(1); p <= d.truth.end(); p++ {
		if want := d.truth.at(p); hashAt(d.journal.Leaves, p) != want && (d.stream == nil || hashAt(d.stream.Leaves, p) != want) {
			return fmt.Sprintf("the hash of record %d is proven, but neither journal nor LEDGER has the record; bring one of them back from a backup", p)
		}
	}
	if d.journal.ID == "" && (d.stream == nil || d.stream.Journal == "") {
		return "neither journal.json nor LEDGER's metadata tells the journal's id"
	}
	return ""
}

// contradicted names a signed checkpoint that says otherwise than the proven
// records.
func (d *doctor) contradicted() string {
	for _, f := range d.logs.good() {
		if f.Size <= d.truth.proven && !d.truth.tree.gives(f.Checkpoint) {
			return f.path
		}
	}
	return ""
}

func (d *doctor) prescribeLog() string {
	t := d.truth
	switch {
	case d.contradicted() != "":
		return "checkpoint " + d.contradicted() + " is signed and contradicts the records: keep it, it is evidence"
	case t.newest == 0:
		return "no checkpoint verifies, and a doctor signs none: bring the log's directory back from a copy"
	case t.proven < t.newest:
		return fmt.Sprintf("the records that were signed at size %d are not all there", t.newest)
	}
	for _, f := range d.logs.signed {
		if f.err == nil && len(f.strange) == 0 {
			continue
		}
		if _, ok := d.mendSigned(f); !ok {
			return f.path + " cannot be told from what is left of it, and a doctor signs nothing: bring it back from a copy of the log"
		}
	}
	return ""
}

// mendSigned finds the signed checkpoint that a damaged file held: another file's,
// or this one with its text put right or with one bit flipped back. Whatever it
// finds verifies by the policy, stands for the proven records, and leaves no
// signature unexplained; nothing is signed.
func (d *doctor) mendSigned(f signedFile) ([]byte, bool) {
	published, sealed := d.logs.sizes()
	want := published
	if f.path == sealedFile {
		want = sealed
	} else if n := f.named(); n > 0 {
		want = n
	}
	if want == 0 || want > d.truth.proven {
		return nil, false
	}
	fits := func(raw []byte) bool {
		g := openSigned(f.path, raw, d.policy)
		return g.err == nil && g.Size == want && len(g.strange) == 0 && d.truth.tree.gives(g.Checkpoint)
	}
	for _, raw := range d.alike(f.path, want) {
		if fits(raw) {
			return raw, true
		}
	}
	if raw := d.withText(f.raw, want); fits(raw) {
		return raw, true
	}
	return flippedBack(f.raw, fits)
}

// alike gives what the other files of a size hold: the sealed one without what
// witnesses added, and to be published only where no witness has to add anything.
func (d *doctor) alike(path string, size ledger.Position) [][]byte {
	var out [][]byte
	for _, g := range d.logs.good() {
		switch {
		case g.path == path, g.Size != size, len(g.strange) > 0:
		case path == sealedFile:
			out = append(out, d.withoutCosignatures(g.raw))
		case g.path != sealedFile, len(d.policy.Witnesses) == 0:
			out = append(out, g.raw)
		}
	}
	return out
}

// withText puts the one text that a checkpoint of a size can have over what is left
// of its signatures.
func (d *doctor) withText(raw []byte, size ledger.Position) []byte {
	root, err := d.truth.tree.root(size)
	_, signatures, ok := strings.Cut(string(raw), "\n\n")
	if err != nil || !ok {
		return nil
	}
	return []byte(ledger.Checkpoint{Origin: d.policy.Origin, Size: size, Root: root}.Text() + "\n" + signatures)
}

// flippedBack tries each bit.
func flippedBack(raw []byte, fits func([]byte) bool) ([]byte, bool) {
	raw = bytes.Clone(raw)
	for bit := range 8 * len(raw) {
		raw[bit/8] ^= 1 << (bit % 8)
		if fits(raw) {
			return raw, true
		}
		raw[bit/8] ^= 1 << (bit % 8)
	}
	return nil, false
}

// withoutCosignatures keeps of a signed checkpoint what the log itself signed: its
// text and the first signature of its key.
func (d *doctor) withoutCosignatures(signed []byte) []byte {
	text, rest, ok := strings.Cut(string(signed), "\n\n")
	if !ok {
		return nil
	}
	for line := range strings.Lines(rest) {
		if strings.HasPrefix(line, "\u2014 "+d.policy.Origin+" ") {
			return []byte(text + "\n\n" + line)
		}
	}
	return nil
}

// repair mends what was prescribed, in an order in which each copy is made from
// one that is sound by then.
func (d *doctor) repair(ctx context.Context) error {
	if d.running != nil {
		return &codedError{exitConflict, errors.New("the ledger is running"), "Stop it first; nothing was changed."}
	}
	for i := range d.out.Remedies {
		r := &d.out.Remedies[i]
		if r.From == "" {
			continue
		}
		var err error
		switch r.Copy {
		case copyGenesis:
			r.Done, err = d.repairGenesis(ctx)
		case copyJournal:
			r.Done, err = d.repairJournal(ctx)
		case copyLog:
			r.Done, err = d.repairLog()
		case copyLedger:
			r.Done, err = d.repairLedger(ctx)
		case copyPostgres:
			r.Done, err = d.repairPostgres(ctx)
		}
		if err != nil {
			return fmt.Errorf("repair %s: %w", r.Copy, err)
		}
	}
	return nil
}

func (d *doctor) repairGenesis(ctx context.Context) (string, error) {
	leaf, err := d.leaf(ctx, 1)
	if err != nil {
		return "", err
	}
	return "written anew", replaceFile(d.home.genesisFile(), leaf)
}

func (d *doctor) repairJournal(ctx context.Context) (string, error) {
	id := d.journal.ID
	if d.stream != nil && d.stream.Journal != "" {
		id = d.stream.Journal // JetStream keeps a checksum of it
	}
	aside, err := eventstore.RewriteJournal(ctx, d.home.journal(), eventstore.Rewrite{
		ID: id, Origin: d.out.Origin, Last: d.truth.end(), Leaf: d.leaf,
	})
	if err != nil {
		return "", err
	}
	if err := d.holdAgain(ctx); err != nil {
		return "", err
	}
	if aside == "" {
		return "made anew", nil
	}
	return "made anew; the damaged one is kept as " + filepath.Base(aside), nil
}

// repairLog writes what differs, file by file: checkpoints that verify, and tiles
// that the proven records give.
func (d *doctor) repairLog() (string, error) {
	done := 0
	write := func(path string, raw []byte) error {
		done++
		return replaceFile(filepath.Join(d.logs.dir, filepath.FromSlash(path)), raw)
	}
	for _, f := range d.out.Findings {
		if f.Copy != copyLog {
			continue
		}
		if t, err := ledger.ParseTile(f.File); err == nil {
			raw, err := d.truth.tree.tile(t)
			if err == nil {
				err = write(f.File, raw)
			}
			if err != nil {
				return "", err
			}
			continue
		}
		old, _ := d.logs.file(f.File)
		old.path = f.File
		raw, ok := d.mendSigned(old)
		if !ok {
			return "", fmt.Errorf("%s cannot be told from what is left of it; bring it back from a copy of the log", f.File)
		}
		if err := write(f.File, raw); err != nil {
			return "", err
		}
	}
	return fmt.Sprintf("%d files written anew", done), nil
}

// replaceFile puts a file in place whole and durably.
func replaceFile(path string, content []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	f, err := os.OpenFile(path+".new", os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o644)
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Rename(path+".new", path); err != nil {
		return err
	}
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}

// repairLedger has LEDGER made by the recovery of every start, from the journal.
// Unless it only ends too early its files are set aside first: then LEDGER is
// gone, which a start mends, too, should this be cut short.
func (d *doctor) repairLedger(ctx context.Context) (done string, err error) {
	done = "completed"
	if !d.endsEarly() {
		done = "made anew"
		files := eventstore.LedgerDir(d.home.nats())
		if _, err := os.Stat(files); err == nil {
			aside, err := eventstore.SetAside(files, d.home.path("nats", "LEDGER"))
			if err != nil {
				return "", err
			}
			done = "made anew; the damaged files are kept as nats/" + filepath.Base(aside)
		}
	}
	accounts, err := d.home.accounts(nil)
	if err != nil {
		return "", err
	}
	server, err := local.StartNATS(local.NATSConfig{Dir: d.home.nats(), Accounts: accounts, MaxPayload: eventstore.MaxPayload, Log: d.log})
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, server.Stop()) }()
	registrar, err := d.home.login(server.ClientURL(), eventstore.User{Role: eventstore.RoleRegistrar})
	if err != nil {
		return "", err
	}
	provision, err := d.home.login(server.ClientURL(), eventstore.User{Role: eventstore.RoleProvision})
	if err != nil {
		return "", err
	}
	if err := d.letGo(); err != nil { // the store takes the lock itself
		return "", err
	}
	store, err := eventstore.Open(ctx, eventstore.Config{
		Dir: d.home.journal(), Origin: d.out.Origin, Login: registrar, Provision: &provision,
		Followers: []string{followerProjections, followerCommands}, Log: d.log,
	})
	if err != nil {
		return "", err
	}
	if err := store.Close(); err != nil {
		return "", err
	}
	return done, d.holdAgain(ctx)
}

// holdAgain takes the lock of the journal that is in place now.
func (d *doctor) holdAgain(ctx context.Context) error {
	hold, err := eventstore.HoldJournal(ctx, d.home.journal())
	if err != nil {
		return err
	}
	err = d.letGo()
	d.hold = hold
	return err
}

// endsEarly reports whether all that LEDGER lacks is its end.
func (d *doctor) endsEarly() bool {
	for _, f := range d.out.Findings {
		if f.Copy == copyLedger && (len(d.stream.Flaws) > 0 || f.First != ledger.Position(len(d.stream.Leaves))+1) {
			return false
		}
	}
	return d.stream != nil && len(d.stream.Leaves) > 0
}

// repairPostgres makes the tables anew. A private server whose files are damaged,
// or that cannot do it, is made anew itself: it holds nothing else.
func (d *doctor) repairPostgres(ctx context.Context) (string, error) {
	if d.database != "" {
		return "made anew", d.rebuild(ctx, d.database)
	}
	whole := true
	for _, f := range d.out.Findings {
		whole = whole && (f.Copy != copyPostgres || f.Table != "")
	}
	if whole {
		if err := d.rebuildPrivate(ctx); err == nil || ctx.Err() != nil {
			return "made anew", err
		}
	}
	data, err := local.PostgresData(d.home.postgres())
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", err
	}
	done := "made anew"
	if err == nil {
		aside, err := eventstore.SetAside(data, data)
		if err != nil {
			return "", err
		}
		done = "made anew; the damaged files are kept as " + aside
	}
	return done, d.rebuildPrivate(ctx)
}

func (d *doctor) rebuildPrivate(ctx context.Context) (err error) {
	pg, err := local.StartPostgres(ctx, d.postgresConfig())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, pg.Stop()) }()
	return d.rebuild(ctx, pg.URL())
}

func (d *doctor) rebuild(ctx context.Context, url string) error {
	_, err := projections.Rebuild(ctx, projections.Config{URL: url, Log: d.log}, d.feed(), projections.RebuildOptions{UpTo: d.truth.end(), Anew: true})
	return err
}
