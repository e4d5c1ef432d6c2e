package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"

	"github.com/berkas-ledger/berkas/eventstore"
	"github.com/berkas-ledger/berkas/ledger"
)

// Names of the copies that a doctor looks at.
const (
	copyJournal  = "journal"
	copyLedger   = "LEDGER"
	copyLog      = "log"
	copyPostgres = "PostgreSQL"
	copyGenesis  = "genesis.leaf"
	copyPolicy   = "policy.txt"
)

// finding is something that is not as it has to be, and where.
type finding struct {
	Copy    string          `json:"copy"`
	File    string          `json:"file,omitempty"` // within the copy's directory
	Byte    *int64          `json:"byte,omitempty"`
	First   ledger.Position `json:"first,omitempty"` // positions that it touches
	Last    ledger.Position `json:"last,omitempty"`
	Table   string          `json:"table,omitempty"`
	Row     string          `json:"row,omitempty"`
	Problem string          `json:"problem"`
}

// place makes the byte of a finding.
func place(at int64) *int64 {
	if at < 0 {
		return nil
	}
	return &at
}

// remedy says what can mend a copy, or why nothing here can.
type remedy struct {
	Copy string `json:"copy"`
	From string `json:"from,omitempty"` // what it can be made anew from; "": see Why
	Why  string `json:"why,omitempty"`
	Done string `json:"done,omitempty"` // what --repair did
}

// diagnosis is what a doctor says.
type diagnosis struct {
	Origin  string          `json:"origin,omitempty"`
	Sound   bool            `json:"sound"`
	Records ledger.Position `json:"records"`
	// Proven: up to this position the records give the root of the signed
	// checkpoint in the file By of the log.
	Proven   ledger.Position `json:"proven"`
	By       string          `json:"by,omitempty"`
	Looked   []string        `json:"looked_at"`
	NotSeen  []string        `json:"not_looked_at,omitempty"`
	Notes    []string        `json:"notes,omitempty"`
	Findings []finding       `json:"findings,omitempty"`
	Remedies []remedy        `json:"remedies,omitempty"`
}

func (d *diagnosis) has(name string) bool {
	for _, f := range d.Findings {
		if f.Copy == name {
			return true
		}
	}
	return false
}

// doctor looks at all copies of one ledger.
type doctor struct {
	home     home
	log      *slog.Logger
	database string // PostgreSQL that was named; "": the private one
	external *eventstore.Login
	journalO eventstore.JournalOptions
	// throwaway: PostgreSQL need not reach the disk; for tests.
	throwaway bool
	// only, when set, is the one copy that is read besides journal and log.
	only string

	running *running // nil: nothing runs over the directory
	hold    *eventstore.Hold

	policy  ledger.Policy
	journal *eventstore.JournalScan
	stream  *eventstore.LedgerScan // nil: it was not looked at
	blocks  *eventstore.BlockScan  // the files of it; nil: they are a server's
	logs    *logScan
	truth   *truth
	out     diagnosis
	closers []func() error
}

// open finds out what runs and keeps others from starting.
func (d *doctor) open(ctx context.Context) error {
	if r, ok := d.home.found(); ok {
		d.running = &r
		return nil
	}
	if _, err := os.Stat(d.home.journal()); errors.Is(err, fs.ErrNotExist) {
		if _, err := os.Stat(d.home.nats()); err != nil {
			return &codedError{exitNotFound, errors.New("no ledger in " + d.home.dir), "Name its directory with --data, or make one with 'berkas dev' or 'berkas init'."}
		}
		return nil // there is nothing to lock
	}
	var err error
	d.hold, err = eventstore.HoldJournal(ctx, d.home.journal())
	return err
}

// release gives everything back that was opened to look.
func (d *doctor) release() error {
	var errs []error
	for i := len(d.closers) - 1; i >= 0; i-- {
		errs = append(errs, d.closers[i]())
	}
	d.closers = nil
	d.stream, d.blocks = nil, nil
	return errors.Join(errs...)
}

func (d *doctor) close() error { return errors.Join(d.release(), d.letGo()) }

// letGo gives the journal's lock back, if it is held.
func (d *doctor) letGo() error {
	if d.hold == nil {
		return nil
	}
	err := d.hold.Close()
	d.hold = nil
	return err
}

// examine reads every copy and says what differs where. What was opened stays
// open for a repair, until release.
func (d *doctor) examine(ctx context.Context) error {
	d.out = diagnosis{}
	steps := []func(context.Context) error{d.readPolicy, d.readLog, d.readLedger, d.readJournal, d.judge}
	if d.only == "" || d.only == copyPostgres {
		steps = append(steps, d.readPostgres)
	}
	for _, step := range steps {
		if err := step(ctx); err != nil {
			return err
		}
	}
	d.out.Sound = len(d.out.Findings) == 0
	d.prescribe()
	return nil
}

func (d *doctor) add(f ...finding)   { d.out.Findings = append(d.out.Findings, f...) }
func (d *doctor) looked(name string) { d.out.Looked = append(d.out.Looked, name) }
func (d *doctor) notSeen(why string) { d.out.NotSeen = append(d.out.NotSeen, why) }
func (d *doctor) note(what string)   { d.out.Notes = append(d.out.Notes, what) }

// readPolicy finds by whose key checkpoints have to be signed: the operator's own
// policy or, on a ledger that has none, its genesis record.
func (d *doctor) readPolicy(context.Context) error {
	d.policy = ledger.Policy{}
	p, err := readPolicy(d.home.policyFile())
	switch {
	case err == nil:
		d.policy = p
	case errors.Is(err, fs.ErrNotExist):
		d.note("there is no policy.txt; the log's key is taken from the genesis record")
	default:
		d.add(finding{Copy: copyPolicy, File: "policy.txt", Problem: err.Error()})
	}
	if d.policy.Log != "" {
		return nil
	}
	// What is wrong with this file is said when it is compared with the first record.
	if raw, err := os.ReadFile(d.home.genesisFile()); err == nil {
		if g, leaf, err := genesisOf(raw); err == nil {
			d.policy = ledger.PolicyOf(g, leaf)
		}
	}
	return nil
}

func genesisOf(leaf []byte) (ledger.Genesis, ledger.Hash, error) {
	r, err := ledger.ParseLeaf(leaf)
	if err != nil {
		return ledger.Genesis{}, ledger.Hash{}, err
	}
	e, err := ledger.DecodeRecord(r)
	if err != nil {
		return ledger.Genesis{}, ledger.Hash{}, err
	}
	g, ok := e.Payload.(*ledger.Genesis)
	if !ok {
		return ledger.Genesis{}, ledger.Hash{}, errors.New("the first record is no genesis record")
	}
	return *g, r.LeafHash(), nil
}

func (d *doctor) readLog(context.Context) (err error) {
	if d.policy.Log == "" { // no key to judge checkpoints by: none counts
		d.logs = &logScan{dir: d.home.logDir()}
		d.notSeen("the log: neither policy.txt nor genesis.leaf says by which key it is signed")
		return nil
	}
	d.logs, err = scanLog(d.home.logDir(), d.policy)
	d.looked(copyLog)
	return err
}

// readJournal comes after LEDGER: of a running ledger it then has all that LEDGER
// had.
func (d *doctor) readJournal(ctx context.Context) (err error) {
	if d.journal, err = eventstore.ScanJournal(ctx, d.home.journal(), d.journalO); err != nil {
		return err
	}
	d.closers = append(d.closers, d.journal.Close)
	d.looked(copyJournal)
	return nil
}

// judge puts the copies beside one another.
func (d *doctor) judge(ctx context.Context) error {
	var stream []ledger.Hash
	if d.stream != nil {
		stream = d.stream.Leaves
	}
	good := d.logs.good()
	var err error
	if d.truth, err = prove(d.journal.Leaves, stream, d.logs.leaves, good); err != nil {
		return err
	}
	t := d.truth
	d.out.Records, d.out.Proven, d.out.By = ledger.Position(len(t.leaves)), t.proven, t.by
	d.compareJournal()
	if d.stream != nil {
		d.compareLedger()
	}
	d.undecided()
	d.add(d.logs.compare(t, d.running != nil)...)
	switch {
	case t.newest == 0 && len(d.logs.signed) == 0 && d.policy.Log != "":
		d.note("there is no signed checkpoint: what journal and LEDGER agree on is not proven")
	case t.proven < t.newest:
		d.add(finding{Copy: copyLog, File: good[0].path, Problem: fmt.Sprintf("no combination of what journal, LEDGER and tiles hold gives the root that was signed for %d records", t.newest)})
	case t.proven < d.out.Records:
		d.note(fmt.Sprintf("records %d to %d are newer than the newest checkpoint: they are not proven, only agreed on", t.proven+1, d.out.Records))
	}
	return d.compareGenesis(ctx)
}

// compareGenesis holds genesis.leaf and the policy against the first record.
func (d *doctor) compareGenesis(ctx context.Context) error {
	if d.truth.at(1) == (ledger.Hash{}) {
		return nil
	}
	leaf, err := d.leaf(ctx, 1)
	if err != nil {
		return err
	}
	have, err := os.ReadFile(d.home.genesisFile())
	switch {
	case err != nil:
		d.add(finding{Copy: copyGenesis, File: "genesis.leaf", Problem: err.Error()})
	case string(have) != string(leaf):
		d.add(finding{Copy: copyGenesis, File: "genesis.leaf", Byte: place(differsAt(have, leaf)), Problem: "it is not the first record"})
	}
	g, hash, bad := genesisOf(leaf)
	if bad != nil {
		d.add(finding{Copy: copyJournal, First: 1, Last: 1, Problem: bad.Error()})
		return nil //nolint:nilerr // it is what was looked for
	}
	d.out.Origin = g.Origin
	if d.policy.Log != "" && (d.policy.Genesis != hash || d.policy.Origin != g.Origin || d.policy.Log != g.Log || d.policy.Receipt != g.Receipt) {
		d.add(finding{Copy: copyPolicy, File: "policy.txt", Problem: "it is not the policy of this ledger's genesis record: origin, keys or leaf hash differ"})
	}
	if d.journal.Origin != "" && d.journal.Origin != g.Origin {
		d.add(finding{Copy: copyJournal, File: "journal.json", Problem: "it does not name the origin that the genesis record states"})
	}
	return nil
}

// leaf gives a known leaf from whichever copy has it.
func (d *doctor) leaf(ctx context.Context, p ledger.Position) ([]byte, error) {
	want := d.truth.at(p)
	if want == (ledger.Hash{}) {
		return nil, &ledger.ErrBroken{Position: p, Problem: "no copy is known to have its record"}
	}
	if hashAt(d.journal.Leaves, p) == want {
		return d.journal.Leaf(p)
	}
	if d.stream != nil && hashAt(d.stream.Leaves, p) == want {
		return d.stream.Leaf(ctx, p)
	}
	return nil, &ledger.ErrBroken{Position: p, Problem: "its leaf hash is proven, but neither journal nor LEDGER has its record"}
}

// feed yields the records that are known, up to the first that is not.
func (d *doctor) feed() ledger.Feed {
	return func(ctx context.Context, after ledger.Position, yield func([]ledger.Record) error) error {
		const batch = 256
		var records []ledger.Record
		for p := after + 1; p <= d.truth.end(); p++ {
			leaf, err := d.leaf(ctx, p)
			if err != nil {
				return err
			}
			r, err := ledger.ParseLeaf(leaf)
			if err != nil {
				return err
			}
			if records = append(records, r); len(records) == batch || p == d.truth.end() {
				if err := yield(records); err != nil {
					return err
				}
				records = nil
			}
		}
		return ctx.Err()
	}
}
