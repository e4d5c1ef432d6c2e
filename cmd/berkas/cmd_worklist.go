package main

import (
	"context"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/berkas-ledger/berkas/ledger"
	"github.com/berkas-ledger/berkas/projections"
	"github.com/berkas-ledger/berkas/web"
)

type worklistFlags struct {
	agency, asOf, knownAt string
	all                   bool
	limit                 int
}

// formatICS is a calendar to subscribe to, besides the formats of other commands.
const formatICS = "ics"

func newWorklist(o *options) *cobra.Command {
	var f worklistFlags
	c := &cobra.Command{
		Use:   "worklist",
		Short: "Say who has to act on what since when, overdue first",
		Long: `List who has to act on what, since when and until when: what is overdue first, then
by the due day, then what waits without one. With --agency only what that agency has
to do or to watch.

A due day follows from the regime that was in force when the period began, and each
line names its legal basis and how firm the sources are (doubt: none, unsure,
conflict). Where no length is published no day is invented. Days are those of Jakarta;
a day that later published holidays may still move is provisional. See
docs/deadlines.md.

-o ics prints a calendar of what has a due day, with case ids and nothing of persons;
with --all what is over is in it as cancelled. A server gives the same at
/v1/worklist.ics, and at an address to subscribe to ('berkas tokens new --role calendar').

` + exitHelp,
		Example: `  berkas worklist --agency bkn
  berkas worklist --agency bawaslu --as-of 2020-10-04 --limit 20
  berkas worklist --agency bkn --all -o csv
  berkas worklist --agency bkn -o ics > bkn.ics`,
		Args: exactArgs(),
		PersistentPreRunE: func(cmd *cobra.Command, _ []string) error {
			if err := fromEnvironment(cmd.Flags()); err != nil || o.output == formatICS {
				return err
			}
			if err := checkOutput(o.output); err != nil {
				return usage("--output is table, json, csv or ics, not %q", o.output)
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, _ []string) error {
			r, err := o.reader(cmd.Context())
			if err != nil {
				return err
			}
			defer r.Close()
			if a := ledger.AgencyID(f.agency); a.Valid() { // a misspelled agency has nothing to do
				seen, err := r.Saw(cmd.Context(), a)
				if err != nil {
					return err
				}
				if !seen {
					o.log().Warn("no case was ever seen by this agency; see 'berkas codes agencies'", "agency", a)
				}
			}
			return f.run(cmd.Context(), r, cmd.OutOrStdout(), o.output)
		},
	}
	flags := c.Flags()
	flags.StringVar(&f.agency, "agency", "", "only what this agency has to do or to watch")
	flags.StringVar(&f.asOf, "as-of", "", "as it stood then: a date or time (default: when the last record was recorded)")
	flags.StringVar(&f.knownAt, "known-at", "", "using only what was recorded by then, regimes and holidays too: a position, date or time (default: the last record)")
	flags.BoolVar(&f.all, "all", false, "also what was done, what lapsed, and what ended otherwise")
	flags.IntVar(&f.limit, "limit", 0, "list so many at most (default: all)")
	return c
}

func (f *worklistFlags) run(ctx context.Context, r *projections.Reader, w io.Writer, format string) error {
	q := projections.WorkQuery{Agency: ledger.AgencyID(f.agency), All: f.all, Limit: f.limit}
	var err error
	switch {
	case f.agency != "" && !q.Agency.Valid():
		return usage("--agency is an agency such as bkn, not %q", f.agency)
	case f.limit < 0:
		return usage("--limit is a number of lines, not %d", f.limit)
	}
	if f.asOf != "" {
		if q.AsOf, err = ledger.ParseMoment(f.asOf); err != nil {
			return usage("--as-of: %w", err)
		}
	}
	if q.KnownAt, err = knownAt(ctx, r, f.knownAt); err != nil {
		return err
	}
	list, err := r.WorkList(ctx, q)
	if err != nil {
		return err
	}
	if format == formatICS {
		_, err := io.WriteString(w, web.Calendar(list, true))
		return err
	}
	return printWork(w, list, format)
}

// owed is what JSON prints of an obligation.
type owed struct {
	ledger.Obligation
	DaysOver *int `json:"days_over,omitempty"` // negative: days that are left
}

// worklist is what JSON prints: the question as it was answered, then the list.
type worklist struct {
	Agency      ledger.AgencyID `json:"agency,omitempty"`
	AsOf        time.Time       `json:"as_of"`
	KnownAt     ledger.Position `json:"known_at"`
	Recorded    time.Time       `json:"known_at_recorded"`
	Total       int             `json:"total"`
	Overdue     int             `json:"overdue"`
	Regimes     int             `json:"regimes"`
	Holidays    []int           `json:"holidays_published"`
	Obligations []owed          `json:"obligations"`
}

func printWork(w io.Writer, list projections.WorkList, format string) error {
	t := table{columns: []string{"state", "who", "watches", "what", "case", "respondents", "since", "due", "days over", "basis", "doubt"}}
	value := worklist{
		list.Query.Agency, list.Query.AsOf, list.Query.KnownAt, list.Known, list.Total, list.Overdue, list.Regimes, list.Holidays,
		make([]owed, len(list.Obligations)),
	}
	for i, o := range list.Obligations {
		value.Obligations[i].Obligation = o
		over := dash("")
		if days, ok := o.DaysOver(list.Query.AsOf); ok {
			value.Obligations[i].DaysOver, over = &days, strconv.Itoa(days)
		}
		t.add(string(o.State), whoOwes(&o), dash(string(o.WatchedBy)), strings.Join(append([]string{o.Code}, o.Also...), "+"), o.Case,
			strings.Join(o.Respondents, " "), string(ledger.DayOf(o.Since)), dueCell(&o), over, basisCell(&o), string(o.Doubt))
	}
	t.value = value
	if format != "table" {
		return t.print(w, format)
	}
	fmt.Fprintf(w, "as of %s, known at position %d (recorded %s): %d obligations, %d overdue\n",
		wib(list.Query.AsOf), list.Query.KnownAt, wib(list.Known), list.Total, list.Overdue)
	if err := t.print(w, format); err != nil {
		return err
	}
	return workNotes(w, list)
}

func whoOwes(o *ledger.Obligation) string {
	switch {
	case o.Authority != "":
		return o.OwedBy + " " + o.Authority
	case o.InsteadOf != "":
		return o.OwedBy + " for " + string(o.InsteadOf)
	default:
		return dash(o.OwedBy)
	}
}

// dueCell says the day, and what may still move it.
func dueCell(o *ledger.Obligation) string {
	if o.Due == "" {
		return "no length published"
	}
	cell := string(o.Due)
	if o.AtMost != "" {
		cell += ", at most " + string(o.AtMost)
	}
	if o.Provisional {
		cell += ", provisional"
	}
	return cell
}

func basisCell(o *ledger.Obligation) string {
	if o.Regime == "" {
		return "no deadline published"
	}
	return o.Basis
}

// workNotes says below the list what its words mean, as far as they occur.
func workNotes(w io.Writer, list projections.WorkList) error {
	var notes []string
	if n := len(list.Obligations); n < list.Total {
		notes = append(notes, fmt.Sprintf("%d more are not listed (--limit).", list.Total-n))
	}
	if list.Regimes == 0 {
		notes = append(notes, "No regime is published on this ledger as it is known then: nothing has a due day.")
	}
	provisional, undated, doubted := false, false, false
	for _, o := range list.Obligations {
		provisional, undated = provisional || o.Provisional, undated || o.Due == ""
		doubted = doubted || o.Due != "" && o.Doubt != ledger.DoubtNone
	}
	if provisional {
		notes = append(notes, "provisional: the holidays of a year it runs through are not published; only weekends are left out.")
	}
	if undated {
		notes = append(notes, "no length published: somebody waits, and no source says for how long.")
	}
	if doubted {
		notes = append(notes, "doubt: the sources of a length are silent (unsure) or disagree (conflict); the regime names one.")
	}
	if len(notes) == 0 {
		return nil
	}
	_, err := fmt.Fprintf(w, "\n%s\n", strings.Join(notes, "\n"))
	return err
}
