package main

import (
	"fmt"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/berkas-ledger/berkas/ledger"
	"github.com/berkas-ledger/berkas/projections"
)

func newRebuild(o *options) *cobra.Command {
	var compare bool
	c := &cobra.Command{
		Use:   "rebuild",
		Short: "Fill the read models anew from the ledger, and switch",
		Long: `Fill a new generation of the read models beside the one in use and switch to it in
one transaction. Readers and the projections go on meanwhile. With --compare old and
new are compared row by row before the switch; any difference is printed and the
exit code is 5: tables are a pure function of the ledger, so there should be none.

` + exitHelp,
		Example: `  berkas rebuild --compare`,
		Args:    exactArgs(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			url, err := o.databaseURL()
			if err != nil {
				return err
			}
			v, err := o.view(cmd.Context())
			if err != nil {
				return err
			}
			defer v.close()
			feed, err := v.feed(cmd.Context())
			if err != nil {
				return err
			}
			bar, done := progress[ledger.Position](-1, "records")
			built, err := projections.Rebuild(cmd.Context(), projections.Config{URL: url, Log: o.log()}, feed, projections.RebuildOptions{
				Compare: compare, Progress: bar,
			})
			done()
			if err != nil {
				return err
			}
			return printRebuilt(cmd, o.output, built, compare)
		},
	}
	c.Flags().BoolVar(&compare, "compare", false, "compare old and new row by row before the switch")
	return c
}

func printRebuilt(cmd *cobra.Command, format string, built projections.Rebuilt, compare bool) error {
	t := table{columns: []string{"table", "only in the old", "only in the new"}, value: built}
	for _, d := range built.Differences {
		t.add(d.Table, strconv.FormatInt(d.OnlyOld, 10), strconv.FormatInt(d.OnlyNew, 10))
	}
	if format != "table" {
		if err := t.print(cmd.OutOrStdout(), format); err != nil {
			return err
		}
	} else {
		fmt.Fprintf(cmd.OutOrStdout(), "Rebuilt up to position %d.\n", built.Position)
		switch {
		case len(built.Differences) > 0:
			if err := t.print(cmd.OutOrStdout(), format); err != nil {
				return err
			}
		case built.Compared:
			fmt.Fprintln(cmd.OutOrStdout(), "Old and new tables are equal, row by row.")
		case compare:
			fmt.Fprintln(cmd.OutOrStdout(), "There was nothing of the same position to compare with.")
		}
	}
	if len(built.Differences) > 0 {
		return &quietError{exitVerify}
	}
	return nil
}
