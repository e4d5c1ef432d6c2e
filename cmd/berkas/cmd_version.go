package main

import (
	"runtime/debug"
	"time"

	"github.com/spf13/cobra"
)

// version is set by the linker for releases.
var version = "0.1.0-dev"

// builtAt is set by the linker; without, the time of the source's last change
// stands for it.
var builtAt string

// built is when this program was built, the zero time when that is not known.
func built() time.Time {
	text := builtAt
	if info, ok := debug.ReadBuildInfo(); ok && text == "" {
		for _, s := range info.Settings {
			if s.Key == "vcs.time" {
				text = s.Value
			}
		}
	}
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return time.Time{}
	}
	return t
}

func newVersion(o *options) *cobra.Command {
	return &cobra.Command{
		Use:     "version",
		Short:   "Print the version",
		Long:    "Print the version of this program and when it was built.\n\n" + exitHelp,
		Example: "  berkas version -o json",
		Args:    exactArgs(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			t := table{columns: []string{"version", "built"}}
			when := "-"
			if b := built(); !b.IsZero() {
				when = b.UTC().Format("2006-01-02T15:04:05Z")
			}
			t.add(version, when)
			return t.print(cmd.OutOrStdout(), o.output)
		},
	}
}
