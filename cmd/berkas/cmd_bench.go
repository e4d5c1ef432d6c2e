package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"runtime/pprof"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
)

type benchFlags struct {
	smoke   bool
	rounds  int
	seconds time.Duration
	bulk    int
	dir     string
	only    string
	profile string

	auditRecords int
	cases        int // of the history over which pages are asked for
	records      int // of it, at most; 0: all

	fsck        string // program; "" for none
	fsckRecords int
}

func newBench(o *options) *cobra.Command {
	var f benchFlags
	c := &cobra.Command{
		Use:   "bench",
		Short: "Measure speed, each figure beside its limit in the same run",
		Long: `Measure how fast submissions become receipts and records become tables, on a ledger
of its own in a temporary directory with everything switched on, and beside it, in the
same run, what the same machine does at best: an fsynced JetStream publish for each
submission, and COPY of the same rows. The ratios are what counts; the absolute
figures are this machine's. Events are signed before the clock starts and receipts
verified after it stops, all of them: that is the agencies' work.

Work and limit take turns, and the median of the rounds is printed.

With --only pages the read models of a simulated history of --cases are filled in a
private PostgreSQL of its own, and pages are asked for over it, 20 a second for 15 times
--seconds from the start on, and as many when the server has prepared what it does then.
Otherwise that is left out.

` + exitHelp,
		Example: `  berkas bench
  berkas bench --smoke        # seconds, to see that it works`,
		Args: exactArgs(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if f.only != "" && !slices.Contains(benchParts, f.only) {
				return usage("--only is one of %s, not %q", strings.Join(benchParts, ", "), f.only)
			}
			if f.smoke {
				f.auditRecords = 5000
				f.rounds, f.seconds, f.bulk, f.cases = 1, time.Second/2, 2000, 500
			}
			lines, err := f.run(cmd.Context(), o, cmd.ErrOrStderr())
			if err != nil {
				return err
			}
			return printBench(cmd.OutOrStdout(), o.output, lines)
		},
	}
	fl := c.Flags()
	fl.BoolVar(&f.smoke, "smoke", false, "one short round of everything")
	fl.IntVar(&f.rounds, "rounds", 5, "how often work and limit take turns")
	fl.DurationVar(&f.seconds, "seconds", 4*time.Second, "how long a round lasts")
	fl.IntVar(&f.bulk, "bulk", 20000, "events of a round of bulk import")
	fl.StringVar(&f.only, "only", "", "only one of "+strings.Join(benchParts, ", "))
	fl.StringVar(&f.fsck, "fsck", "", "Tessera's fsck, which scripts/fsck.sh builds, to check a large log with (part log)")
	fl.IntVar(&f.fsckRecords, "fsck-records", 1_000_000, "how many records the log for --fsck has")
	fl.IntVar(&f.auditRecords, "audit-records", 100_000, "how many records the log has that is audited (part audit)")
	fl.IntVar(&f.records, "records", 0, "only so many of the first records of that history (part pages); 0: all")
	fl.IntVar(&f.cases, "cases", 20_000, "how many cases the history has over which pages are asked for (part pages); about ten records each")
	fl.StringVar(&f.profile, "profile", "", "write a CPU profile of the measurements to this file")
	fl.StringVar(&f.dir, "dir", "", "where to work (default: a temporary directory; a disk, not memory)")
	return c
}

// benchParts are what --only takes.
var benchParts = []string{"submit", "import", "latency", "catchup", "log", "audit", partPages}

// benchLine is one row of the result: work against its limit.
type benchLine struct {
	Work     string  `json:"work"`
	Measured float64 `json:"measured"`
	Unit     string  `json:"unit"`
	Limit    string  `json:"limit"`
	Against  float64 `json:"against"`
	Ratio    float64 `json:"ratio"`
	Least    float64 `json:"at_least,omitempty"` // of the design; for latency: at most
	Aim      float64 `json:"aim,omitempty"`
}

func printBench(w io.Writer, format string, lines []benchLine) error {
	t := table{columns: []string{"work", "measured", "limit", "against", "ratio", "wanted", "aim"}, value: lines}
	for _, l := range lines {
		ratio, least, aim := "", "", ""
		if l.Ratio != 0 {
			ratio = strconv.FormatFloat(l.Ratio, 'f', 2, 64)
		}
		if l.Least != 0 {
			least, aim = fmt.Sprint(l.Least), fmt.Sprint(l.Aim)
		}
		against := ""
		if l.Limit != "" {
			against = amount(l.Against, l.Unit)
		}
		t.add(l.Work, amount(l.Measured, l.Unit), l.Limit, against, ratio, least, aim)
	}
	return t.print(w, format)
}

func amount(v float64, unit string) string {
	if unit == "ms" {
		return strconv.FormatFloat(v, 'f', 3, 64) + " ms"
	}
	return strconv.FormatFloat(v, 'f', 0, 64) + unit
}

func (f *benchFlags) run(ctx context.Context, o *options, progress io.Writer) (_ []benchLine, err error) {
	if f.dir == "" {
		if f.dir, err = os.MkdirTemp("", "berkas-bench-"); err != nil {
			return nil, err
		}
		defer func() { err = errors.Join(err, os.RemoveAll(f.dir)) }()
		// The private PostgreSQL runs as another user when we are root.
		if err := os.Chmod(f.dir, 0o755); err != nil {
			return nil, err
		}
	}
	if f.only == partPages {
		return f.pages(ctx, o, progress)
	}
	b, err := newBencher(ctx, o, f)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, b.close()) }()
	fmt.Fprintf(progress, "%d cores, %s, rounds %d of %s\n", runtime.NumCPU(), runtime.Version(), f.rounds, f.seconds)
	var lines []benchLine
	for _, part := range []struct {
		name string
		run  func(context.Context) ([]benchLine, error)
	}{{"limits", b.limits}, {"submit", b.submit}, {"import", b.importing}, {"latency", b.latency}, {"catchup", b.catchUp}, {"log", b.sealing}, {"audit", b.auditing}} {
		if f.only != "" && f.only != part.name && part.name != "limits" {
			continue
		}
		more, err := part.run(ctx)
		if err != nil {
			return nil, err
		}
		for _, l := range more {
			fmt.Fprintf(progress, "  %-44s %14s\n", l.Work, amount(l.Measured, l.Unit))
		}
		lines = append(lines, more...)
	}
	return lines, nil
}

// profiled calls what is timed, the first time under the profile that was asked
// for: of what is measured, not of how it was prepared.
func (f *benchFlags) profiled(timed func() error) (err error) {
	if f.profile == "" {
		return timed()
	}
	file, err := os.Create(filepath.Clean(f.profile))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	f.profile = ""
	if err := pprof.StartCPUProfile(file); err != nil {
		return err
	}
	defer pprof.StopCPUProfile()
	return timed()
}

// median of figures that were measured in turns.
func median(v []float64) float64 {
	s := slices.Clone(v)
	slices.Sort(s)
	if len(s) == 0 {
		return 0
	}
	return s[len(s)/2]
}

// turns measures work and limit alternately and gives the medians, and the
// median of the ratios, which a noisy neighbour disturbs least.
func (f *benchFlags) turns(work, limit func() (float64, error)) (w, l, ratio float64, err error) {
	var ws, ls, rs []float64
	for range f.rounds {
		b, err := limit()
		if err != nil {
			return 0, 0, 0, err
		}
		a, err := work()
		if err != nil {
			return 0, 0, 0, err
		}
		ws, ls, rs = append(ws, a), append(ls, b), append(rs, a/b)
	}
	return median(ws), median(ls), median(rs), nil
}
