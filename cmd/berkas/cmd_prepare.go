package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/berkas-ledger/berkas/eventstore"
	"github.com/berkas-ledger/berkas/projections"
)

func newPrepare(o *options) *cobra.Command {
	var origin, config string
	s := eventstore.ServerConfig{Name: "n1"}
	c := &cobra.Command{
		Use:   "prepare",
		Short: "Make what a rehearsal in containers needs before it starts",
		Long: `Make what is missing and leave what is there: a rehearsal ledger in the data
directory, the configuration of a NATS server that stands alone beside it, and the
tables in the database. It may be run before every start; docker-compose.yml does.

` + exitHelp,
		Example: `  berkas prepare --origin berkas.example/container --nats-config nats.conf --listen 0.0.0.0:4222`,
		Args:    exactArgs(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if config == "" || o.database == "" {
				return usage("--nats-config and --database are needed")
			}
			h, err := o.home()
			if err != nil {
				return err
			}
			if created, err := ensureRehearsal(h, origin); err != nil {
				return err
			} else if created {
				fmt.Fprintf(cmd.OutOrStdout(), "Made a rehearsal ledger in %s.\n", h.dir)
			}
			if err := prepareNATS(cmd.Context(), h, config, s); err != nil {
				return err
			}
			fmt.Fprintf(cmd.OutOrStdout(), "Wrote %s.\n", config)
			if err := projections.Migrate(cmd.Context(), o.database); err != nil {
				return err
			}
			fmt.Fprintln(cmd.OutOrStdout(), "The tables are there.")
			return nil
		},
	}
	f := c.Flags()
	f.StringVar(&origin, "origin", "berkas.example/container", "name of the ledger, if it has to be made")
	f.StringVar(&config, "nats-config", "", "file to write the NATS server's configuration to (required)")
	f.StringVar(&s.Listen, "listen", "127.0.0.1:4222", "address on which the NATS server listens")
	f.StringVar(&s.StoreDir, "store", "/var/lib/nats", "directory of JetStream's files")
	return c
}

// prepareNATS writes the configuration in one piece. It holds public keys only.
func prepareNATS(ctx context.Context, h home, file string, s eventstore.ServerConfig) error {
	journal, err := eventstore.OpenJournal(ctx, h.journal(), "", eventstore.JournalOptions{})
	if err != nil {
		return err
	}
	list, err := agenciesOf(ctx, journal.Feed())
	if closeErr := journal.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		return err
	}
	text, err := h.natsConfig(s, list)
	if err != nil {
		return err
	}
	fresh := filepath.Clean(file) + ".new"
	if err := os.WriteFile(fresh, []byte(text), 0o644); err != nil {
		return err
	}
	return os.Rename(fresh, file)
}
