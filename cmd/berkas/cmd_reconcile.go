package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/berkas-ledger/berkas/projections"
)

func newReconcile(o *options) *cobra.Command {
	var known string
	var all bool
	c := &cobra.Command{
		Use:   "reconcile [FILE.tsv]",
		Short: "Compare published figures with the ledger, line by line",
		Long: `Compare totals that agencies published with what the ledger counts for the same
measure, unit, filters, observer and dates: those published on the ledger, or those
of a file with the columns id, as_of, since, agency, unit, measure, filter, value,
source, separated by tabs.

Nothing is forced to agree. A difference is printed with the cases on each side and
its reason where that is known, and the exit code is 5.

` + exitHelp,
		Example: `  berkas reconcile
  berkas reconcile examples/published/bkn20.tsv
  berkas reconcile --known-at 2026-11-30 -o csv`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 1 {
				return usage("berkas reconcile takes one file at most")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			r, err := o.reader(cmd.Context())
			if err != nil {
				return err
			}
			defer r.Close()
			lines, err := reconcile(cmd.Context(), r, args, known)
			if err != nil {
				return err
			}
			if err := o.sayInvented(cmd, r); err != nil {
				return err
			}
			if err := printLines(cmd.OutOrStdout(), o.output, lines, all); err != nil {
				return err
			}
			if differing(lines) > 0 {
				return &quietError{exitVerify}
			}
			return nil
		},
	}
	c.Flags().StringVar(&known, "known-at", "", "using only what was recorded by then: a position, date or time (default: the last record)")
	c.Flags().BoolVar(&all, "all-cases", false, "list every case behind a difference, not the first few")
	return c
}

func reconcile(ctx context.Context, r *projections.Reader, args []string, known string) ([]projections.Line, error) {
	position, err := knownAt(ctx, r, known)
	if err != nil {
		return nil, err
	}
	var figures []projections.PublishedFigure
	if len(args) == 1 {
		f, err := os.Open(filepath.Clean(args[0]))
		if err != nil {
			return nil, err
		}
		figures, err = projections.ParsePublished(f)
		if err := f.Close(); err != nil {
			return nil, err
		}
		if err != nil {
			return nil, usage("%s: %w", args[0], err)
		}
	} else if figures, err = r.PublishedFigures(ctx); err != nil {
		return nil, err
	}
	switch {
	case len(figures) == 0 && len(args) == 1:
		return nil, notFound("%s holds no figures", args[0])
	case len(figures) == 0:
		return nil, notFound("no figures are published on the ledger; name a file, or see 'berkas dev --demo'")
	}
	return r.Reconcile(ctx, figures, position)
}

func differing(lines []projections.Line) int {
	n := 0
	for _, l := range lines {
		if l.Reason != projections.ReasonEqual {
			n++
		}
	}
	return n
}

// reconciled is what JSON prints of a line.
type reconciled struct {
	Table      string                  `json:"table"`
	AsOf       string                  `json:"as_of"`
	Since      string                  `json:"since,omitempty"`
	Publisher  string                  `json:"publisher"`
	SeenBy     string                  `json:"seen_by"`
	Unit       string                  `json:"unit"`
	Measure    string                  `json:"measure"`
	Filter     map[string]string       `json:"filter,omitempty"`
	Published  uint64                  `json:"published"`
	Ledger     uint64                  `json:"ledger"`
	Difference int64                   `json:"difference"`
	Reason     string                  `json:"reason"`
	Source     string                  `json:"source"`
	Cases      []projections.Counted   `json:"cases,omitempty"`
	Candidates []projections.Candidate `json:"candidates,omitempty"`
	Disputes   []projections.Dispute   `json:"disputes,omitempty"`
}

func printLines(w io.Writer, format string, lines []projections.Line, all bool) error {
	t := table{columns: []string{"table", "publisher", "as of", "since", "seen by", "unit", "measure", "filter", "published", "ledger", "difference", "reason"}}
	value := make([]reconciled, len(lines))
	for i, l := range lines {
		f := l.Figure
		t.add(f.Table, string(f.Publisher), string(f.AsOf), dash(string(f.Since)), string(f.SeenBy), string(f.Unit), f.Measure, dash(filterText(f.Filter)),
			strconv.FormatUint(f.Value, 10), strconv.FormatUint(l.Answer.Value, 10), fmt.Sprintf("%+d", l.Difference), string(l.Reason))
		value[i] = reconciled{
			f.Table, string(f.AsOf), string(f.Since), string(f.Publisher), string(f.SeenBy), string(f.Unit), f.Measure, f.Filter,
			f.Value, l.Answer.Value, l.Difference, string(l.Reason), f.Source, l.Cases, l.Candidates, l.Disputes,
		}
	}
	t.value = value
	if err := t.print(w, format); err != nil || format != "table" {
		return err
	}
	for _, l := range lines {
		if l.Reason != projections.ReasonEqual {
			explain(w, l, all)
		}
	}
	_, err := fmt.Fprintf(w, "\n%d of %d published figures equal the ledger's.\n", len(lines)-differing(lines), len(lines))
	return err
}

const shownCases = 5

// explain writes what is known of a difference.
func explain(w io.Writer, l projections.Line, all bool) {
	f := l.Figure
	fmt.Fprintf(w, "\n%s, %s as of %s: published %d, ledger %d (%s)\n", f.Table, f.Measure, f.AsOf, f.Value, l.Answer.Value, l.Reason)
	for _, c := range l.Candidates {
		fmt.Fprintf(w, "  equal with %s: %d (%s)\n", c.Change, f.Value, c.Reason)
		printCounted(w, "  only in ours", c.OnlyOurs, all)
		printCounted(w, "  only in that", c.OnlyOther, all)
	}
	printCounted(w, "  counted by the ledger", l.Cases, all)
	for _, d := range l.Disputes {
		fmt.Fprintf(w, "  agencies disagree on decree %s on %s of %s:\n", d.Decree.Number, d.Respondent, d.Case)
		for _, o := range d.Records {
			fmt.Fprintf(w, "    %s recorded %s\n", o.By, verdict(o.Verdict))
		}
	}
}

func printCounted(w io.Writer, head string, list []projections.Counted, all bool) {
	if len(list) == 0 {
		return
	}
	shown := list
	if !all && len(shown) > shownCases {
		shown = shown[:shownCases]
	}
	fmt.Fprintf(w, "%s:\n", head)
	for _, c := range shown {
		fmt.Fprintf(w, "    %s %s since %s\n", c.Case, c.Respondent, wib(c.Since))
	}
	if len(shown) < len(list) {
		fmt.Fprintf(w, "    and %d more (--all-cases)\n", len(list)-len(shown))
	}
}

func filterText(m map[string]string) string {
	var parts []string
	for k, v := range m {
		parts = append(parts, k+"="+v)
	}
	slices.Sort(parts)
	return strings.Join(parts, ";")
}
