package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/berkas-ledger/berkas/ledger"
	"github.com/berkas-ledger/berkas/transparency"
	"github.com/berkas-ledger/berkas/verify"
)

type sampleFlags struct {
	log                             logFlags
	seed, measure, unit, seenBy, by string
	asOf, since                     string
	filters                         []string
	n                               int
	size                            uint64
	records                         bool
}

func newSample(o *options) *cobra.Command {
	var f sampleFlags
	c := &cobra.Command{
		Use:   "sample",
		Short: "Draw a random sample that a published seed determines",
		Long: `Draw cases, or records, at random from a checkpoint of the ledger. The sample follows
from seed, checkpoint and question alone, so everybody who has them and the ledger draws
the same: each item's rank is the SHA-256 of a few lines of text, and the smallest ranks
are drawn. docs/sampling.md has the bytes, and says how to choose a seed that neither the
operator nor the auditor could choose by what comes of it. The sample is worth nothing
if it was not published, before anybody could know the seed, what is drawn from:
checkpoint, question, strata and number. --as-of and --since are whole days, since other
moments would be so many more samples to choose from.

The records are read from the log and held against the checkpoint's Merkle root before
anything is drawn; PostgreSQL is not asked. With --policy the checkpoint has to be one
that the policy accepts, and without it is taken at its word.

Measures and filters are those of 'berkas national'. --by draws --n of each value.

` + exitHelp,
		Example: `  berkas sample --seed "27 11 04 lottery 2026-12-01" --measure not_followed_up --n 59
  berkas sample --seed "..." --from copy --policy policy.txt --measure recommended --by office --n 5 -o json
  berkas sample --seed "..." --records --n 20 -o csv`,
		Args: exactArgs(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			s, err := f.run(cmd.Context(), o)
			if err != nil {
				return err
			}
			return printSample(cmd.OutOrStdout(), o.output, s)
		},
	}
	fl := c.Flags()
	f.log.register(fl)
	o.policyFlag(fl)
	fl.StringVar(&f.seed, "seed", "", "the published seed, 1 to 256 characters of ASCII")
	fl.IntVar(&f.n, "n", 59, "how many to draw (of each value of --by)")
	fl.Uint64Var(&f.size, "checkpoint", 0, "draw from the checkpoint of so many records (default: the newest)")
	fl.BoolVar(&f.records, "records", false, "draw from all records, not from cases")
	fl.StringVar(&f.measure, "measure", "opened", "a measure or a sum a+b")
	fl.StringVar(&f.unit, "unit", "respondent", "what is drawn: case, respondent, recommendation or ppk")
	fl.StringVar(&f.asOf, "as-of", "", "what had happened by the end of a day (default: when the checkpoint's last record was recorded)")
	fl.StringVar(&f.since, "since", "", "only what began after the end of a day")
	fl.StringVar(&f.seenBy, "seen-by", "", "only cases that this agency opened, was sent or acted on")
	fl.StringVar(&f.by, "by", "", "draw of each value of a filter")
	fl.StringArrayVar(&f.filters, "filter", nil, "name=value; may be given several times")
	return c
}

const maxSample = 100_000

// run reads the log and draws.
func (f *sampleFlags) run(ctx context.Context, o *options) (_ verify.Sample, err error) {
	q, err := f.query()
	if err != nil {
		return verify.Sample{}, err
	}
	fetch, done, err := o.logSource(ctx, f.log.from, f.log.tokenFile)
	if err != nil {
		return verify.Sample{}, err
	}
	defer func() { err = errors.Join(err, done()) }()
	c, err := f.checkpoint(ctx, o, fetch)
	if err != nil {
		return verify.Sample{}, err
	}
	lot := verify.Lot{Seed: f.seed, Size: c.Size, Root: c.Root, Question: verify.RecordsQuestion}
	if f.records {
		if err := lot.Check(); err != nil {
			return verify.Sample{}, usage("%w", err)
		}
		return lot.Sample(c.Origin, "", f.n, map[string][]string{"": verify.RecordItems(c.Size)}), nil
	}
	rows, last, err := rowsOf(ctx, fetch, c)
	if err != nil {
		return verify.Sample{}, err
	}
	if q.AsOf.IsZero() {
		q.AsOf = last
	}
	if lot.Question, err = verify.SampleQuestion(q, last); err == nil {
		err = lot.Check()
	}
	if err != nil {
		return verify.Sample{}, usage("%w", err)
	}
	return lot.Sample(c.Origin, f.by, f.n, verify.SampleStrata(rows, q, f.by)), nil
}

// query reads the flags.
func (f *sampleFlags) query() (ledger.Query, error) {
	q := ledger.Query{Unit: ledger.Unit(f.unit), SeenBy: ledger.AgencyID(f.seenBy), Filter: map[string]string{}}
	if f.seed == "" {
		return q, usage("--seed is needed: docs/sampling.md says how to choose one that nobody can have chosen by what comes of it")
	}
	if f.n < 1 || f.n > maxSample {
		return q, usage("--n is 1 to %d", maxSample)
	}
	var err error
	for _, m := range []struct {
		flag, text string
		to         *time.Time
	}{{"as-of", f.asOf, &q.AsOf}, {"since", f.since, &q.Since}} {
		if m.text == "" {
			continue
		}
		if *m.to, err = ledger.ParseMoment(m.text); err != nil {
			return q, usage("--%s: %w", m.flag, err)
		}
	}
	if q.Measures, err = ledger.ParseMeasures(f.measure); err != nil {
		return q, usage("--measure: %w", err)
	}
	for _, text := range f.filters {
		name, value, ok := strings.Cut(text, "=")
		if _, twice := q.Filter[name]; !ok || twice {
			return q, usage("--filter %q: name=value, each name once", text)
		}
		q.Filter[name] = value
	}
	if _, filtered := q.Filter[f.by]; f.by != "" && (filtered || !slices.Contains(ledger.Filters, f.by)) {
		return q, usage("--by is one of %s, and not one that --filter names", strings.Join(ledger.Filters, ", "))
	}
	if err := q.Validate(); err != nil {
		return q, usage("%w", err)
	}
	return q, nil
}

// checkpoint reads the checkpoint to draw from, by the policy if there is one.
func (f *sampleFlags) checkpoint(ctx context.Context, o *options, fetch transparency.Fetch) (ledger.Checkpoint, error) {
	path := "checkpoint"
	if f.size != 0 {
		path = "checkpoints/" + strconv.FormatUint(f.size, 10)
	}
	signed, err := fetch(ctx, path)
	if err != nil {
		return ledger.Checkpoint{}, fmt.Errorf("read the checkpoint: %w", err)
	}
	if o.policyFile == "" {
		return ledger.UnverifiedCheckpoint(signed)
	}
	policy, err := o.policy()
	if err != nil {
		return ledger.Checkpoint{}, err
	}
	w, err := policy.Open(signed)
	if err != nil {
		err = &codedError{code: exitVerify, err: err}
	}
	return w.Checkpoint, err
}

// rowsOf folds the cases of a checkpoint's records, after holding the records
// against its root. last is when the last one was recorded.
func rowsOf(ctx context.Context, fetch transparency.Fetch, c ledger.Checkpoint) (rows []ledger.Row, last time.Time, err error) {
	histories := map[string][]ledger.CaseEvent{}
	var root merkleEdge
	to, done := progress[ledger.Position](int(c.Size), "records")
	defer done()
	e := newEntries(fetch)
	e.size = c.Size
	err = e.each(ctx, 1, c.Size, func(first ledger.Position, leaves [][]byte) error {
		for i, leaf := range leaves {
			root.add(leaf)
			r, err := ledger.ParseLeaf(leaf)
			if err != nil {
				return fmt.Errorf("position %d: %w", first+ledger.Position(i), err)
			}
			last = r.Recorded
			id := r.CaseID()
			if id == "" {
				continue
			}
			event, err := ledger.DecodeRecord(r)
			if err != nil {
				return fmt.Errorf("position %d: %w", r.Position, err)
			}
			histories[id] = ledger.Insert(histories[id], ledger.CaseEvent{Position: r.Position, Recorded: r.Recorded, Event: event})
		}
		to(first + ledger.Position(len(leaves)) - 1)
		return nil
	})
	if err != nil {
		return nil, last, err
	}
	if got := root.root(); got != c.Root {
		return nil, last, &codedError{exitVerify, fmt.Errorf("the records have root %s, the checkpoint of %d records says %s", got, c.Size, c.Root), "Run 'berkas audit' to see what differs."}
	}
	for _, h := range histories {
		rows = append(rows, ledger.History(h)...)
	}
	return rows, last, nil
}

// merkleEdge computes the root of leaves that come one by one (RFC 6962 section
// 2.1): it keeps the roots of the whole subtrees, the largest first.
type merkleEdge struct {
	roots []tlog.Hash
	n     uint64
}

func (m *merkleEdge) add(leaf []byte) {
	h := tlog.RecordHash(leaf)
	for n := m.n; n&1 == 1; n >>= 1 {
		h = tlog.NodeHash(m.roots[len(m.roots)-1], h)
		m.roots = m.roots[:len(m.roots)-1]
	}
	m.roots = append(m.roots, h)
	m.n++
}

func (m *merkleEdge) root() ledger.Hash {
	if m.n == 0 {
		return ledger.Hash{}
	}
	h := m.roots[len(m.roots)-1]
	for _, left := range slices.Backward(m.roots[:len(m.roots)-1]) {
		h = tlog.NodeHash(left, h)
	}
	return ledger.Hash(h)
}

func printSample(w io.Writer, output string, s verify.Sample) error {
	if output == "json" {
		return printJSON(w, s)
	}
	t := &table{}
	t.columns, t.rows = s.Table()
	if output == "csv" {
		return t.csv(w)
	}
	const shown = 3 // stratum, item, rank: the rest stands above
	t.columns = t.columns[:shown]
	for i := range t.rows {
		t.rows[i] = t.rows[i][:shown]
	}
	printInvented(w, s.Origin)
	fmt.Fprintf(w, "ledger     %s\nseed       %s\ncheckpoint %d records, root %s\nquestion   %s\nrule       %s\n", s.Origin, s.Seed, s.Size, s.Root, s.Question, verify.SampleRule)
	for _, one := range s.Strata {
		name := ""
		if one.Value != "" {
			name = s.By + " " + one.Value + ": "
		}
		fmt.Fprintf(w, "%s%d drawn from %d", name, len(one.Drawn), one.Population)
		if all := verify.SampleSize(uint64(one.Population), 0.05, 0.95); all > 0 {
			fmt.Fprintf(w, "; %d without a fault would say with 95 %% confidence that at most 5 %% have one", all)
		}
		fmt.Fprintln(w)
	}
	fmt.Fprintln(w)
	return t.text(w)
}
