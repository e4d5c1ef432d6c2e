package main

import (
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/berkas-ledger/berkas/ledger"
)

type kindCode struct {
	Kind    ledger.Kind    `json:"kind"`
	Version int            `json:"version"`
	Type    string         `json:"type"`
	Schema  string         `json:"schema"`
	Mandate ledger.Mandate `json:"mandate,omitempty"`
}

// codeTables lists the closed vocabularies by name.
func codeTables() map[string]any {
	kinds := make([]kindCode, len(ledger.Kinds))
	for i, k := range ledger.Kinds {
		kinds[i] = kindCode{k.Kind, k.Version, k.Type(), k.Schema(), k.Mandate}
	}
	return map[string]any{
		"agencies":  institutions,
		"provinces": ledger.Provinces(),
		"regencies": ledger.Regencies(),
		"items":     ledger.Items,
		"classes":   ledger.PositionClasses,
		"offices":   ledger.Offices,
		"sanctions": ledger.SanctionKinds,
		"mandates":  ledger.Mandates,
		"stages":    ledger.Stages,
		"measures":  ledger.MeasureTable,
		"filters":   ledger.Filters,
		"kinds":     kinds,
		"reasons":   ledger.Reasons(),
	}
}

func newCodes() *cobra.Command {
	tables := codeTables()
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
			if len(args) == 1 {
				return printJSON(cmd.OutOrStdout(), tables[args[0]])
			}
			return printJSON(cmd.OutOrStdout(), tables)
		},
	}
}
