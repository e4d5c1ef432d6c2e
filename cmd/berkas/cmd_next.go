package main

import (
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/berkas-ledger/berkas/ledger"
)

func newNext(o *options) *cobra.Command {
	var agency string
	c := &cobra.Command{
		Use:   "next CASE",
		Short: "Say what an agency may record about a case now",
		Long: `List the kinds of event that an agency may record about a case now, and for which
respondents; for the others the rule that stands against it.

` + exitHelp,
		Example: `  berkas next 01746ac6-7800-7cc3-9bd1-2f5a6c0d4e11 --agency bkn`,
		Args:    exactArgs("a case id"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if agency == "" {
				return usage("--agency is needed: who asks")
			}
			v, err := o.view(cmd.Context())
			if err != nil {
				return err
			}
			defer v.close()
			j, err := v.judge(cmd.Context())
			if err != nil {
				return err
			}
			if _, ok := j.Case(args[0]); !ok {
				return notFound("no case %s on the ledger", args[0])
			}
			possible := j.Next(args[0], ledger.AgencyID(agency), time.Now())
			t := table{columns: []string{"kind", "may", "respondents", "why not"}, value: possible}
			for _, p := range possible {
				may := "no"
				if p.WhyNot == "" {
					may = "yes"
				}
				t.add(string(p.Kind), may, joined(p.Respondents), dash(p.WhyNot))
			}
			slices.SortStableFunc(t.rows, func(a, b []string) int { return strings.Compare(b[1], a[1]) })
			return t.print(cmd.OutOrStdout(), o.output)
		},
	}
	c.Flags().StringVar(&agency, "agency", "", "the agency that asks (required)")
	return c
}
