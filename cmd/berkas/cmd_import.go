package main

import (
	"bytes"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/berkas-ledger/berkas/agencies"
	"github.com/berkas-ledger/berkas/ledger"
)

type importFlags struct {
	mapping, report, agency, keys string
	dry                           bool
	window                        int
	lines                         int // of the file, about as many as rows; -1 while not known
}

func newImport(o *options) *cobra.Command {
	var f importFlags
	c := &cobra.Command{
		Use:   "import FILE.ndjson|FILE.csv",
		Short: "Submit many events from a file",
		Long: `Submit many events and write a report with the outcome of every row. A file that was
imported in part may be imported again: rows that the report shows as admitted are
passed over, and what was admitted without a line in the report is recognised by
its bytes.

NDJSON: one event a line: a whole CloudEvent; {"agency", "kind", "case", "time",
"data"}; or a signed one as {"signature": [...], "event": "<base64>"}.
CSV: the mapping file says how a row becomes an event: the same object as JSON, in
which {column} stands for the row's cell; see examples/import.

With --dry-run nothing is submitted: the rows are judged one after the other, each
as if those before it had been admitted.

` + exitHelp,
		Example: `  berkas import history.ndjson
  berkas import examples/import/findings.csv --mapping examples/import/findings.json --dry-run`,
		Args: exactArgs("a file"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if f.report == "" {
				f.report = args[0] + ".report.csv"
			}
			return f.run(cmd, o, args[0])
		},
	}
	fl := c.Flags()
	fl.StringVar(&f.mapping, "mapping", "", "JSON file that says how a CSV row becomes an event")
	fl.StringVar(&f.report, "report", "", "file for the outcome of every row (default: FILE.report.csv)")
	fl.StringVar(&f.agency, "agency", "", "the agency of rows that do not name one")
	fl.StringVar(&f.keys, "key", "", "event key of --agency (default: the one in the data directory)")
	fl.BoolVar(&f.dry, "dry-run", false, "judge, but submit nothing")
	fl.IntVar(&f.window, "window", 1000, "how many submissions may wait for their receipts")
	return c
}

func (f *importFlags) run(cmd *cobra.Command, o *options, file string) error {
	ctx := cmd.Context()
	if f.dry {
		return f.rehearse(ctx, cmd, o, file)
	}
	s, err := o.submitter()
	if err != nil {
		return err
	}
	rows, err := f.rows(file, s.genesis.Origin)
	if err != nil {
		return err
	}
	done, err := readReport(f.report)
	if err != nil {
		return err
	}
	report, err := openReport(f.report)
	if err != nil {
		return err
	}
	if f.lines, err = countLines(file); err != nil {
		return errors.Join(err, report.close())
	}
	t, err := f.submit(ctx, s, rows, done, report)
	if err := errors.Join(err, report.close()); err != nil {
		return err
	}
	return t.print(cmd.OutOrStdout(), o.output, f.report)
}

// tally counts what became of the rows.
type tally struct {
	Rows     int     `json:"rows"`
	Skipped  int     `json:"skipped"` // admitted by an earlier run
	Admitted int     `json:"admitted"`
	Refused  int     `json:"refused"`
	Failed   int     `json:"failed"` // not sent, or no receipt
	Seconds  float64 `json:"seconds"`
}

func (t tally) print(w io.Writer, format, report string) error {
	out := table{columns: []string{"rows", "skipped", "admitted", "refused", "failed", "seconds", "report"}, value: t}
	out.add(strconv.Itoa(t.Rows), strconv.Itoa(t.Skipped), strconv.Itoa(t.Admitted), strconv.Itoa(t.Refused), strconv.Itoa(t.Failed),
		strconv.FormatFloat(t.Seconds, 'f', 1, 64), report)
	if err := out.print(w, format); err != nil {
		return err
	}
	switch {
	case t.Refused > 0:
		return &quietError{exitConflict}
	case t.Failed > 0:
		return &quietError{exitFailure}
	}
	return nil
}

// importRow is one row of a file: an event's bytes, or why there is none.
type importRow struct {
	number     int // line of the file, counted from 1
	agency     ledger.AgencyID
	body       []byte
	signatures []ledger.Signature // already signed
	err        error
}

func (f *importFlags) submit(ctx context.Context, s *submitter, rows iter.Seq[importRow], done map[int]bool, report *report) (tally, error) {
	started := time.Now()
	var t tally
	clients := agencies.Clients{}
	defer func() {
		for _, c := range clients {
			c.Close()
		}
	}()
	signers := map[ledger.AgencyID]agencies.Signer{}
	numbers := map[ledger.Hash]int{}
	var failed error
	submissions := func(yield func(ledger.Submission) bool) {
		for row := range rows {
			t.Rows++
			if done[row.number] {
				t.Skipped++
				continue
			}
			sub, err := f.sign(ctx, s, row, clients, signers)
			if err != nil {
				t.Failed++
				failed = errors.Join(failed, report.line(row.number, "failed", "", "", "", err.Error()))
				continue
			}
			numbers[sub.Sum()] = row.number
			if !yield(sub) {
				return
			}
		}
	}
	bar, end := progress[int](f.lines, "rows")
	defer end()
	for result := range clients.SubmitAll(ctx, submissions, f.window) {
		number := numbers[result.Submission.Sum()]
		delete(numbers, result.Submission.Sum())
		if err := t.count(result, number, report); err != nil {
			return t, err
		}
		bar(t.Admitted + t.Refused + t.Failed + t.Skipped)
	}
	t.Seconds = time.Since(started).Seconds()
	return t, failed
}

func (t *tally) count(result agencies.Result, number int, report *report) error {
	var refused *agencies.RefusedError
	switch {
	case result.Err == nil:
		t.Admitted++
		r := result.Receipt
		return report.line(number, "admitted", strconv.FormatUint(uint64(r.Position), 10), "", "", "")
	case errors.As(result.Err, &refused):
		t.Refused++
		r := refused.Receipt
		return report.line(number, "refused", strconv.FormatUint(uint64(r.Position), 10), string(r.Reason), strings.Join(r.Pointers, " "), "")
	default:
		t.Failed++
		return report.line(number, "failed", "", "", "", result.Err.Error())
	}
}

// sign makes the submission of a row and connects its agency.
func (f *importFlags) sign(ctx context.Context, s *submitter, row importRow, clients agencies.Clients, signers map[ledger.AgencyID]agencies.Signer) (ledger.Submission, error) {
	if row.err != nil {
		return ledger.Submission{}, row.err
	}
	if clients[row.agency] == nil {
		c, err := s.dial(ctx, row.agency)
		if err != nil {
			return ledger.Submission{}, err
		}
		clients[row.agency] = c
	}
	if len(row.signatures) > 0 {
		return ledger.Submission{Agency: row.agency, Body: row.body, Signatures: row.signatures}, nil
	}
	signer, ok := signers[row.agency]
	if !ok {
		var files []string
		if string(row.agency) == f.agency && f.keys != "" {
			files = []string{f.keys}
		}
		list, err := s.home.signersFor(row.agency, files)
		if err != nil {
			return ledger.Submission{}, err
		}
		signer = list[0]
		signers[row.agency] = signer
	}
	return agencies.SignBytes(row.agency, row.body, signer)
}

// rehearse judges the rows in memory.
func (f *importFlags) rehearse(ctx context.Context, cmd *cobra.Command, o *options, file string) error {
	v, err := o.view(ctx)
	if err != nil {
		return err
	}
	defer v.close()
	j, err := v.judge(ctx)
	if err != nil {
		return err
	}
	rows, err := f.rows(file, j.Roster().Genesis().Origin)
	if err != nil {
		return err
	}
	report, err := openReport(f.report)
	if err != nil {
		return err
	}
	started := time.Now()
	var t tally
	for row := range rows {
		t.Rows++
		if row.err != nil {
			t.Failed++
			err = report.line(row.number, "failed", "", "", "", row.err.Error())
		} else {
			var bad *ledger.Refusal
			bad, err = j.Rehearse(row.agency, row.body, time.Now())
			if err == nil && bad != nil {
				t.Refused++
				err = report.line(row.number, "would be refused", "", string(bad.Code), strings.Join(bad.Pointers, " "), bad.Detail)
			} else if err == nil {
				t.Admitted++
				err = report.line(row.number, "would be admitted", "", "", "", "")
			}
		}
		if err != nil {
			return errors.Join(err, report.close())
		}
	}
	t.Seconds = time.Since(started).Seconds()
	if err := report.close(); err != nil {
		return err
	}
	return t.print(cmd.OutOrStdout(), o.output, f.report)
}

// report is the file with the outcome of every row.
type report struct {
	file *os.File
	csv  *csv.Writer
}

var reportColumns = []string{"row", "outcome", "position", "reason", "at", "detail"}

func openReport(path string) (*report, error) {
	f, err := os.OpenFile(filepath.Clean(path), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	r := &report{f, csv.NewWriter(f)}
	info, err := f.Stat()
	if err == nil && info.Size() == 0 {
		err = r.csv.Write(reportColumns)
	}
	return r, err
}

func (r *report) line(number int, cells ...string) error {
	row := []string{strconv.Itoa(number)}
	for _, c := range cells {
		row = append(row, neutral(c))
	}
	return r.csv.Write(row)
}

func (r *report) close() error {
	r.csv.Flush()
	return errors.Join(r.csv.Error(), r.file.Sync(), r.file.Close())
}

// readReport finds the rows that an earlier run saw admitted.
func readReport(path string) (map[int]bool, error) {
	done := map[int]bool{}
	f, err := os.Open(filepath.Clean(path))
	if errors.Is(err, os.ErrNotExist) {
		return done, nil
	}
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	in := csv.NewReader(f)
	in.FieldsPerRecord = -1 // a crash may have cut the last line
	for {
		row, err := in.Read()
		if errors.Is(err, io.EOF) {
			return done, nil
		}
		if err != nil || len(row) < 2 {
			continue
		}
		if n, err := strconv.Atoi(row[0]); err == nil && row[1] == "admitted" {
			done[n] = true
		}
	}
}

var errNoAgency = fmt.Errorf("the row names no agency; give --agency")

// countLines counts the lines of a file, to tell how much is left.
func countLines(file string) (int, error) {
	f, err := os.Open(filepath.Clean(file))
	if err != nil {
		return 0, err
	}
	defer func() { _ = f.Close() }()
	n := 0
	buf := make([]byte, 256<<10)
	for {
		read, err := f.Read(buf)
		n += bytes.Count(buf[:read], []byte("\n"))
		if errors.Is(err, io.EOF) {
			return n, nil
		}
		if err != nil {
			return 0, err
		}
	}
}
