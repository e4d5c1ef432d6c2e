package main

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/berkas-ledger/berkas/ledger"
)

func newCheck(o *options) *cobra.Command {
	var d draftFlags
	c := &cobra.Command{
		Use:   "check [DATA.json|-]",
		Short: "Say whether an event would be admitted now, and which rule would refuse it",
		Long: `Judge one event against the ledger as it stands, without submitting or signing it.
The rules about signatures are passed over, and kinds whose version is not frozen
yet are taken as a rehearsal takes them; everything else is judged as the registrar
would.

` + exitHelp,
		Example: `  berkas check --agency kasn --kind case.recommended --case 0193... recommendation.json
  berkas check --agency bawaslu --event event.json -o json`,
		RunE: func(cmd *cobra.Command, args []string) error {
			v, err := o.view(cmd.Context())
			if err != nil {
				return err
			}
			defer v.close()
			j, err := v.judge(cmd.Context())
			if err != nil {
				return err
			}
			now := time.Now()
			body, err := d.body(j.Roster().Genesis().Origin, args, cmd.InOrStdin(), now)
			if err != nil {
				return err
			}
			bad, err := j.Check(ledger.AgencyID(d.agency), body, time.Now())
			if err != nil {
				return err
			}
			t := table{columns: []string{"outcome", "reason", "at", "rule"}}
			if bad == nil {
				t.add("would be admitted", "-", "-", "signatures were not looked at")
				return t.print(cmd.OutOrStdout(), o.output)
			}
			rule := bad.Detail
			reason, _ := ledger.ReasonOf(bad.Code)
			if rule == "" {
				rule = reason.English
			}
			t.add("would be refused", string(bad.Code), joined(bad.Pointers), rule)
			if err := t.print(cmd.OutOrStdout(), o.output); err != nil {
				return err
			}
			if o.output == "table" {
				fmt.Fprintf(cmd.OutOrStdout(), "%s\n%s\n", reason.English, reason.Indonesian)
			}
			return &quietError{exitConflict}
		},
	}
	d.register(c)
	return c
}
