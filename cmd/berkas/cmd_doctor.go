package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/berkas-ledger/berkas/eventstore"
)

func newDoctor(o *options) *cobra.Command {
	var repair bool
	c := &cobra.Command{
		Use:   "doctor",
		Short: "Compare journal, log, LEDGER and PostgreSQL, and repair the damaged one",
		Long: `Read every copy of the ledger in full and say what differs where: file and byte,
position, table and row. The journal's records, LEDGER's messages, the log's tiles
and signed checkpoints, and the rows and indexes of PostgreSQL have to be the same
ledger. Nothing is changed.

With --repair a damaged copy is made anew from records that are proven: they give
exactly the root of the newest signed checkpoint. What was there before is kept
beside it as <name>.damaged-<n>. What nothing proves is not repaired, and the reason
is said; nothing is ever signed, or changed to contradict what was signed.

A stopped ledger is read whole. Of a running one PostgreSQL's pages are not, and
nothing is repaired.

` + exitHelp,
		Example: `  berkas doctor
  berkas doctor --data ledger -o json
  berkas doctor --data ledger --repair`,
		Args: exactArgs(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			d, err := o.doctor()
			if err != nil {
				return err
			}
			out, err := d.run(cmd.Context(), repair)
			if err != nil {
				return err
			}
			return printDiagnosis(cmd.OutOrStdout(), o.output, out)
		},
	}
	c.Flags().BoolVar(&repair, "repair", false, "make damaged copies anew from what is proven")
	return c
}

func (o *options) doctor() (*doctor, error) {
	h, err := o.home()
	if err != nil {
		return nil, err
	}
	d := &doctor{home: h, log: o.log(), database: o.database}
	if o.nats == "" {
		return d, nil
	}
	d.external = &eventstore.Login{URL: o.nats, Credentials: o.creds, Name: "berkas doctor"}
	if o.seed != "" {
		d.external.Seed, err = readSecret(o.seed)
	}
	return d, err
}

// run examines, and with repair mends what it may and examines again.
func (d *doctor) run(ctx context.Context, repair bool) (out diagnosis, err error) {
	if err := d.open(ctx); err != nil {
		return out, err
	}
	defer func() { err = errors.Join(err, d.close()) }()
	if err := d.examine(ctx); err != nil || !repair || d.out.Sound {
		return d.out, err
	}
	if err := d.repair(ctx); err != nil {
		return d.out, err
	}
	done := d.out.Remedies
	if err := d.release(); err != nil {
		return d.out, err
	}
	err = d.examine(ctx)
	d.out.Remedies = append(kept(done), d.out.Remedies...)
	return d.out, err
}

// kept are the remedies that were carried out.
func kept(list []remedy) []remedy {
	var out []remedy
	for _, r := range list {
		if r.Done != "" {
			out = append(out, r)
		}
	}
	return out
}

func printDiagnosis(w io.Writer, format string, d diagnosis) error {
	t := table{columns: []string{"copy", "place", "problem"}, value: d}
	for _, f := range d.Findings {
		t.add(f.Copy, f.where(), f.Problem)
	}
	if format != "table" || !d.Sound {
		if err := t.print(w, format); err != nil {
			return err
		}
	}
	if format == "table" {
		d.say(w)
	}
	if !d.Sound {
		return &quietError{exitVerify}
	}
	return nil
}

// where is the place of a finding in words.
func (f finding) where() string {
	var words []string
	if f.File != "" {
		words = append(words, f.File)
	}
	if f.Byte != nil {
		words = append(words, "byte "+strconv.FormatInt(*f.Byte, 10))
	}
	switch {
	case f.First > 0 && f.Last > f.First:
		words = append(words, fmt.Sprintf("positions %d to %d", f.First, f.Last))
	case f.First > 0:
		words = append(words, fmt.Sprintf("position %d", f.First))
	}
	if f.Table != "" {
		words = append(words, "table "+f.Table)
	}
	if f.Row != "" {
		words = append(words, "row "+f.Row)
	}
	return dash(strings.Join(words, ", "))
}

func (d diagnosis) say(w io.Writer) {
	if len(d.Remedies) > 0 {
		fmt.Fprintln(w)
	}
	for _, r := range d.Remedies {
		switch {
		case r.Done != "":
			fmt.Fprintf(w, "%s was repaired from %s: %s.\n", r.Copy, r.From, r.Done)
		case r.From != "":
			fmt.Fprintf(w, "%s can be repaired from %s ('berkas doctor --repair').\n", r.Copy, r.From)
		default:
			fmt.Fprintf(w, "%s cannot be repaired here: %s.\n", r.Copy, r.Why)
		}
	}
	if d.Sound {
		fmt.Fprintf(w, "%s: %d records, the same in %s.\n", dash(d.Origin), d.Records, strings.Join(d.Looked, ", "))
		if d.Proven > 0 {
			fmt.Fprintf(w, "The first %d give the root that was signed in %s.\n", d.Proven, d.By)
		}
	}
	for _, n := range d.Notes {
		fmt.Fprintf(w, "Note: %s.\n", n)
	}
	for _, n := range d.NotSeen {
		fmt.Fprintf(w, "Not looked at: %s.\n", n)
	}
}
