package main

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/berkas-ledger/berkas/ledger"
	"github.com/berkas-ledger/berkas/projections"
)

func newLate(o *options) *cobra.Command {
	var by, known string
	c := &cobra.Command{
		Use:   "late",
		Short: "Say how long after it happened things are recorded, and what was corrected",
		Long: `Say how long after it happened each agency's events are recorded: median, nine in ten,
longest; how many later than the genesis record allows without a mandate for late
recording; and how many corrections it made, voids among them.

History that was imported is late by design: it happened before there was this
ledger, and the time of recording cannot be set.

` + exitHelp,
		Example: `  berkas late
  berkas late --by month --known-at 2026-11-30
  berkas late --by kind -o csv`,
		Args: exactArgs(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if !slices.Contains(projections.LagBy, by) {
				return usage("--by is one of %s, not %q", strings.Join(projections.LagBy, ", "), by)
			}
			r, err := o.reader(cmd.Context())
			if err != nil {
				return err
			}
			defer r.Close()
			position, err := knownAt(cmd.Context(), r, known)
			if err != nil {
				return err
			}
			lags, err := r.Lags(cmd.Context(), by, position)
			if err != nil {
				return err
			}
			return printLags(cmd.OutOrStdout(), lags, by, o.output)
		},
	}
	c.Flags().StringVar(&by, "by", "agency", "one line for each agency, kind or month of recording")
	c.Flags().StringVar(&known, "known-at", "", "using only what was recorded by then: a position, date or time (default: the last record)")
	return c
}

// lag is what JSON prints of a group.
type lag struct {
	Group       string  `json:"group"`
	Events      uint64  `json:"events"`
	Median      float64 `json:"median_seconds"`
	P90         float64 `json:"p90_seconds"`
	Max         float64 `json:"max_seconds"`
	Late        uint64  `json:"late"`
	Corrections uint64  `json:"corrections"`
	Voids       uint64  `json:"voids"`
}

// lags is what JSON prints.
type lags struct {
	By        string          `json:"by"`
	KnownAt   ledger.Position `json:"known_at"`
	Recorded  time.Time       `json:"known_at_recorded"`
	LateAfter int             `json:"late_after_days"`
	Groups    []lag           `json:"groups"`
	All       lag             `json:"all"`
}

func lagOf(l projections.Lag) lag {
	return lag{l.Group, l.Events, l.Median.Seconds(), l.P90.Seconds(), l.Max.Seconds(), l.Late, l.Corrections, l.Voids}
}

func printLags(w io.Writer, list projections.Lags, by, format string) error {
	days := int(list.LateAfter / (24 * time.Hour))
	t := table{columns: []string{by, "events", "median", "p90", "max", "late", "corrections", "voids"}}
	value := lags{by, list.KnownAt, list.Known, days, []lag{}, lagOf(list.All)}
	number := func(n uint64) string { return strconv.FormatUint(n, 10) }
	add := func(name string, l projections.Lag) {
		t.add(name, number(l.Events), span(l.Median), span(l.P90), span(l.Max), number(l.Late), number(l.Corrections), number(l.Voids))
	}
	for _, l := range list.Groups {
		value.Groups = append(value.Groups, lagOf(l))
		add(l.Group, l)
	}
	if format == "table" {
		add("all", list.All)
		fmt.Fprintf(w, "recorded minus happened, known at position %d (recorded %s); late: after more than %d days\n", list.KnownAt, wib(list.Known), days)
	}
	t.value = value
	if err := t.print(w, format); err != nil || format != "table" || list.All.Late == 0 {
		return err
	}
	_, err := fmt.Fprint(w, "\nImported history is late by design: it happened before it could be recorded here, and the time of recording cannot be set.\n")
	return err
}

// span writes how long something took: days and hours, hours and minutes, or
// seconds.
func span(d time.Duration) string {
	d = d.Round(time.Second)
	switch days := d / (24 * time.Hour); {
	case days > 0:
		return fmt.Sprintf("%d d %d h", days, d%(24*time.Hour)/time.Hour)
	case d >= time.Hour:
		return fmt.Sprintf("%d h %d min", d/time.Hour, d%time.Hour/time.Minute)
	case d >= time.Minute:
		return fmt.Sprintf("%d min %d s", d/time.Minute, d%time.Minute/time.Second)
	default:
		return fmt.Sprintf("%d s", d/time.Second)
	}
}
