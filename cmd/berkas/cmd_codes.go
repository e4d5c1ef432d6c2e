package main

import (
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/berkas-ledger/berkas/web"
)

func newCodes(o *options) *cobra.Command {
	tables := web.Codes(institutions)
	var names []string
	for n := range tables {
		names = append(names, n)
	}
	slices.Sort(names)
	return &cobra.Command{
		Use:   "codes [TABLE]",
		Short: "Print the codes that events and figures use, as JSON",
		Long: `Print the closed vocabularies as JSON, all or one of: ` + strings.Join(names, ", ") + `.

` + exitHelp,
		Example: `  berkas codes reasons
  berkas codes items | jq '.[].code'`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 1 || len(args) == 1 && tables[args[0]] == nil {
				return usage("berkas codes takes one of %s", strings.Join(names, ", "))
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := onlyJSON(cmd, o.output); err != nil {
				return err
			}
			if len(args) == 1 {
				return printJSON(cmd.OutOrStdout(), tables[args[0]])
			}
			return printJSON(cmd.OutOrStdout(), tables)
		},
	}
}
