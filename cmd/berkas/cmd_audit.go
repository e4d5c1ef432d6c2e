package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"

	"github.com/spf13/cobra"

	"github.com/berkas-ledger/berkas/ledger"
	"github.com/berkas-ledger/berkas/schemas"
	"github.com/berkas-ledger/berkas/transparency"
	"github.com/berkas-ledger/berkas/verify"
)

type auditFlags struct {
	log         logFlags
	state       string
	again       bool
	checkpoints []string
	receipts    string
	tables      bool
	tiles       bool
	noSchemas   bool
	report      string
	lang        string
}

func newAudit(o *options) *cobra.Command {
	var f auditFlags
	c := &cobra.Command{
		Use:   "audit",
		Short: "Judge a whole ledger by a policy, believing nobody",
		Long: `Read every record of a log and judge it anew, by the policy alone: that none is
missing, that the Merkle root of them all is the one that the log's key signed and
witnesses saw, that every signature is by a key valid at its place, every mandate
held when it happened and when it was recorded, every schema fitted, every step of
every case allowed by what stood before it, every refusal the registrar's own.

With --state the auditor keeps what it learnt in a directory of its own: the next
audit judges what is new, an interrupted one goes on, and a log that is not the one
seen last time is found. --checkpoint holds the log against other checkpoints that
it signed, such as one from a witness. --receipts looks for the record of every
signed receipt in a directory: a record that is missing is proof of cheating, and
is printed with all that it takes to show it. Put the bytes that were refused beside
their receipts, and what was refused is checked, too. --tables compares the tables of
--database with the ledger, row by row.

What is found is printed with its place, what was expected and what was found.

` + exitHelp,
		Example: `  berkas audit --policy policy.txt
  berkas audit --policy policy.txt --from https://ledger.example --token-file token --state audits
  berkas audit --policy policy.txt --from export --receipts receipts --lang id`,
		Args: exactArgs(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := f.check(o.output); err != nil {
				return err
			}
			policy, err := o.policy()
			if err != nil {
				return err
			}
			report, err := f.run(cmd.Context(), o, policy)
			if err != nil {
				return err
			}
			return f.print(cmd.OutOrStdout(), o.output, report)
		},
	}
	fl := c.Flags()
	o.policyFlag(fl)
	f.log.register(fl)
	fl.StringVar(&f.state, "state", "", "directory in which this auditor keeps what it learnt, made if it is not there")
	fl.BoolVar(&f.again, "again", false, "judge everything anew; the checkpoint seen last is still held against the log")
	fl.StringArrayVar(&f.checkpoints, "checkpoint", nil, "file with another signed checkpoint of the log to hold it against (may repeat)")
	fl.StringVar(&f.receipts, "receipts", "", "directory with signed receipts, or the outbox of an agency")
	fl.BoolVar(&f.tables, "tables", false, "compare the tables of --database with the ledger")
	fl.BoolVar(&f.tiles, "tiles", false, "compare the log's tiles of hashes, from which proofs are made, with the records")
	fl.BoolVar(&f.noSchemas, "no-schemas", false, "leave the data's schemas out")
	fl.StringVar(&f.report, "report", "", "write the report as JSON to this file, too")
	fl.StringVar(&f.lang, "lang", string(verify.English), "language of the verdict: en or id")
	return c
}

func (f *auditFlags) check(output string) error {
	switch {
	case !slices.Contains(verify.Languages, verify.Language(f.lang)):
		return usage("--lang is en or id, not %q", f.lang)
	case output == "csv":
		return usage("--output is table or json for an audit")
	case f.again && f.state == "":
		return usage("--again is for an audit with --state")
	}
	return nil
}

// run audits the log and says what was found; an error is about what kept it
// from that.
func (f *auditFlags) run(ctx context.Context, o *options, policy ledger.Policy) (_ verify.Report, err error) {
	fetch, done, err := o.logSource(ctx, f.log.from, f.log.tokenFile)
	if err != nil {
		return verify.Report{}, err
	}
	defer func() { err = errors.Join(err, done()) }()
	keep, err := openAuditState(f.state)
	if err != nil {
		return verify.Report{}, err
	}
	defer func() { err = errors.Join(err, keep.close()) }()
	config := verify.Config{Policy: policy, Program: version + " " + built().UTC().Format(timeOfProgram)}
	if !f.noSchemas {
		if config.Schemas, err = schemas.New(); err != nil {
			return verify.Report{}, err
		}
	}
	au := &auditing{flags: f, fetch: fetch, kept: keep}
	if err := au.begin(ctx, config); err != nil {
		return verify.Report{}, err
	}
	if err := au.read(ctx); err != nil {
		return verify.Report{}, err
	}
	if f.tiles {
		if err := au.compareTiles(ctx); err != nil {
			return verify.Report{}, err
		}
	}
	if f.tables {
		if err := au.compareTables(ctx, o); err != nil {
			return verify.Report{}, err
		}
	}
	return au.finish()
}

const timeOfProgram = "2006-01-02T15:04:05Z"

func (f *auditFlags) print(w io.Writer, output string, r verify.Report) error {
	if f.report != "" {
		file, err := os.Create(f.report)
		if err != nil {
			return err
		}
		if err := errors.Join(printJSON(file, r), file.Close()); err != nil {
			return err
		}
	}
	if output == "json" {
		if err := printJSON(w, r); err != nil {
			return err
		}
	} else if _, err := io.WriteString(w, r.Text(verify.Language(f.lang))); err != nil {
		return err
	}
	if !r.Valid {
		return &quietError{exitVerify}
	}
	return nil
}

// auditing is an audit of a log that is fetched piece by piece.
type auditing struct {
	*verify.Auditor
	flags *auditFlags
	fetch transparency.Fetch
	kept  *auditState
	// witnessed is the checkpoint that is judged by, without a signature if it
	// cannot be relied on.
	witnessed ledger.Witnessed
	entries   *entries
}

// begin makes the auditor, from what it kept if it kept anything, and reads the
// checkpoints.
func (au *auditing) begin(ctx context.Context, c verify.Config) error {
	// An interrupted audit still has to settle what it took, so as to keep it.
	unhurried := context.WithoutCancel(ctx)
	au.entries = newEntries(au.fetch)
	c.Read = func(p ledger.Position) ([]byte, error) { return au.entries.leaf(unhurried, p) }
	var err error
	if au.Auditor, err = au.kept.auditor(c, au.flags.again); err != nil {
		return err
	}
	for _, file := range au.flags.checkpoints {
		signed, err := readBounded(file, ledger.MaxCheckpoint)
		if err == nil {
			err = au.Hold(file, signed)
		}
		if err != nil {
			return fmt.Errorf("--checkpoint %s: %w", file, err)
		}
	}
	if au.flags.receipts != "" {
		if err := au.addReceipts(au.flags.receipts); err != nil {
			return fmt.Errorf("--receipts: %w", err)
		}
	}
	signed, err := au.fetch(ctx, "checkpoint")
	if err != nil {
		return fmt.Errorf("read the log's checkpoint: %w", err)
	}
	au.witnessed = au.Open(signed)
	if err := au.kept.saw(au.witnessed); err != nil {
		return err
	}
	au.entries.size = au.witnessed.Size
	return nil
}

// read takes every record that the checkpoint covers and that was not judged
// before. What is missing is found by Finish.
func (au *auditing) read(ctx context.Context) error {
	to, done := progress[ledger.Position](int(au.witnessed.Size), "records")
	defer done()
	err := au.entries.each(ctx, au.Position()+1, au.witnessed.Size, func(first ledger.Position, leaves [][]byte) error {
		if err := au.Take(first, leaves); err != nil {
			return err
		}
		to(au.Position())
		return au.kept.now(au.Auditor)
	})
	var missing *errEntries
	if errors.As(err, &missing) {
		au.Found(verify.Finding{Position: missing.first, Code: verify.CodeRecordsMissing, Expected: missing.path, Found: missing.err.Error()})
		return nil
	}
	if err != nil {
		return au.interrupted(err)
	}
	if err := au.Settle(); err != nil {
		return err
	}
	return au.compare(ctx)
}

// interrupted keeps what was judged and says how to go on.
func (au *auditing) interrupted(err error) error {
	if au.kept == nil {
		return err
	}
	if bad := au.kept.save(au.Auditor); bad != nil {
		return errors.Join(err, bad)
	}
	return &codedError{max(exitCode(err), exitFailure), fmt.Errorf("the audit ended early, after record %d: %w", au.Position(), err), "Run it again with the same --state to go on."}
}

// compare looks for the record that is another now, when the records that were
// judged by an earlier run are not those of the log any more.
func (au *auditing) compare(ctx context.Context) error {
	last := min(au.Resumed(), au.witnessed.Size)
	if last == 0 || au.witnessed.Size > au.Position() || au.Agrees(au.witnessed.Checkpoint) {
		return nil
	}
	err := au.entries.each(ctx, 1, last, func(first ledger.Position, leaves [][]byte) error {
		au.Compare(first, leaves)
		return nil
	})
	var missing *errEntries
	if errors.As(err, &missing) {
		au.Found(verify.Finding{Position: missing.first, Code: verify.CodeRecordsMissing, Expected: missing.path, Found: missing.err.Error()})
		return nil
	}
	return err
}

// compareTiles holds every tile of hashes against the records.
func (au *auditing) compareTiles(ctx context.Context) error {
	if au.Position() < au.witnessed.Size {
		return nil // records are missing, and nobody knows how many of the tiles there should be
	}
	for _, t := range verify.HashTiles(au.witnessed.Size) {
		raw, err := au.fetch(ctx, t.Path())
		if errors.Is(err, fs.ErrNotExist) && t.Width < ledger.TileWidth {
			wider, again := au.fetch(ctx, ledger.Tile{Level: t.Level, Index: t.Index, Width: ledger.TileWidth}.Path())
			if again == nil && len(wider) >= t.Width*len(ledger.Hash{}) {
				raw, err = wider[:t.Width*len(ledger.Hash{})], nil
			}
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		au.CompareTile(t, raw)
	}
	return nil
}

// finish judges, and keeps what was learnt unless the log is not what it signed.
func (au *auditing) finish() (verify.Report, error) {
	before := au.Last()
	report, err := au.Finish(au.witnessed)
	if err != nil {
		return report, err
	}
	if len(au.witnessed.Signed) == 0 || !au.Agrees(au.witnessed.Checkpoint) {
		return report, nil
	}
	if au.Position() != au.Resumed() || !bytes.Equal(before, au.Last()) { // something new was learnt
		err = au.kept.save(au.Auditor)
	}
	if err == nil && bytes.Equal(au.Last(), au.witnessed.Signed) {
		err = au.kept.agreed()
	}
	return report, err
}
