package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/berkas-ledger/berkas/internal/simulate"
	"github.com/berkas-ledger/berkas/ledger"
)

// importable is the last day of what a new ledger lets be imported: its mandates
// for late recording reach no further.
const importable ledger.Date = "2025-12-31"

type simulateFlags struct {
	cases     int
	seed      uint64
	until     string
	out, into string
}

func newSimulate(o *options) *cobra.Command {
	var f simulateFlags
	c := &cobra.Command{
		Use:   "simulate",
		Short: "Make up a history of any size, to rehearse and measure with",
		Long: `Make up a history of so many cases from January 2020 on: every kind of event, several
respondents, corrections, duplicates, late records, the end of KASN in September 2024,
the season of each election. Nobody in it exists, and nothing in it says anything about
the institutions and regions it names: docs/simulate.md says what is invented. The same
--cases, --seed and --until give the same history.

It is written as lines that 'berkas import' takes, to standard output or --out. Or, with
--into, as a whole ledger in a new directory, signed by every agency and recorded at
simulated times, as if it had run since 2020. That ledger is called
` + simulate.OriginPrefix + `<seed> and its keys follow from the seed, so it is worth nothing as
evidence and cannot become part of a real one. 'berkas dev --data DIR' runs it.

` + exitHelp,
		Example: `  berkas simulate --cases 1000 --out history.ndjson
  berkas simulate --cases 20000 --seed 7 --into rehearsal && berkas dev --data rehearsal`,
		Args: exactArgs(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return f.run(cmd, o, time.Now())
		},
	}
	fl := c.Flags()
	fl.IntVar(&f.cases, "cases", 1000, "how many cases; each has about ten events")
	fl.Uint64Var(&f.seed, "seed", 1, "another seed gives another history")
	fl.StringVar(&f.until, "until", "", "the last day (default: "+string(importable)+", with --into yesterday)")
	fl.StringVar(&f.out, "out", "", "write the lines to this new file")
	fl.StringVar(&f.into, "into", "", "make a ledger in this new directory instead")
	return c
}

func (f *simulateFlags) run(cmd *cobra.Command, o *options, now time.Time) error {
	course := simulate.Course{Cases: f.cases, Seed: f.seed, Until: ledger.Date(f.until)}
	switch {
	case f.out != "" && f.into != "":
		return usage("--out and --into exclude each other")
	case f.into != "" && f.until == "":
		course.Until = simulate.LastDay(now)
	case f.until == "":
		course.Until = importable
	}
	if err := course.Check(); err != nil {
		return usage("%w", err)
	}
	if f.into == "" {
		return f.lines(cmd, o, course)
	}
	if course.Until > simulate.LastDay(now) {
		return usage("--until %s: the last record has to lie in the past, or the ledger could record nothing after it", course.Until)
	}
	dir, err := filepath.Abs(f.into)
	if err != nil {
		return err
	}
	began := time.Now()
	made, err := simulateInto(cmd.Context(), home{dir}, course, o)
	if err != nil {
		return err
	}
	took := time.Since(began).Seconds()
	t := table{columns: []string{"origin", "records", "until", "genesis", "directory", "seconds"}, value: made}
	t.add(made.Origin, strconv.FormatUint(uint64(made.Records), 10), string(course.Until), made.Genesis, dir, strconv.FormatFloat(took, 'f', 1, 64))
	return t.print(cmd.OutOrStdout(), o.output)
}

// lines writes the course for an import. What was said of a file goes to standard
// error, so that standard output holds lines only.
func (f *simulateFlags) lines(cmd *cobra.Command, o *options, course simulate.Course) (err error) {
	if cmd.Flags().Changed("output") && o.output != "table" {
		return usage("the lines have one form: leave out --output")
	}
	out := cmd.OutOrStdout()
	if f.out != "" {
		file, err := os.OpenFile(filepath.Clean(f.out), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
		if err != nil {
			return err
		}
		defer func() {
			// Half a history would be taken for one.
			if err = errors.Join(err, file.Close()); err != nil {
				err = errors.Join(err, os.Remove(f.out))
			}
		}()
		out = file
	}
	return writeLines(cmd.Context(), out, cmd.ErrOrStderr(), course, f.out != "")
}

func writeLines(ctx context.Context, out, words io.Writer, course simulate.Course, tell bool) error {
	began, events := time.Now(), 0
	bar, end := progress[int](-1, "events")
	w := bufio.NewWriterSize(out, 1<<20)
	err := course.Lines(ctx, w, func(n int) {
		events = n
		bar(n)
	})
	end()
	if err := errors.Join(err, w.Flush()); err != nil {
		return err
	}
	if tell {
		took := time.Since(began)
		fmt.Fprintf(words, "%d events of %d cases in %.1f s, %.0f a second\n", events, course.Cases, took.Seconds(), float64(events)/took.Seconds())
	}
	return nil
}
