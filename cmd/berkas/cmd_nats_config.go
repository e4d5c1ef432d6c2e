package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/berkas-ledger/berkas/eventstore"
	"github.com/berkas-ledger/berkas/ledger"
)

func newNATSConfig(o *options) *cobra.Command {
	var s eventstore.ServerConfig
	c := &cobra.Command{
		Use:   "nats-config",
		Short: "Print the configuration of a NATS server for this ledger",
		Long: `Print the configuration of one NATS server: every role with exactly the
rights it needs, from the same table that the embedded server enforces, and, in a
cluster, JetStream with sync_interval: always. Seeds that are missing are drawn into the data directory.

` + exitHelp,
		Example: `  berkas nats-config --server n1 --cluster berkas --listen 10.0.0.1:4222 \
    --route 10.0.0.1:6222 --routes nats-route://10.0.0.2:6222,nats-route://10.0.0.3:6222 > n1.conf`,
		Args: exactArgs(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			h, err := o.home()
			if err != nil {
				return err
			}
			v, err := o.view(cmd.Context())
			if err != nil {
				return err
			}
			defer v.close()
			list, err := agenciesOf(cmd.Context(), v.subject(ledger.SubjectRoster))
			if err != nil {
				return err
			}
			text, err := h.natsConfig(s, list)
			if err != nil {
				return err
			}
			_, err = fmt.Fprint(cmd.OutOrStdout(), text)
			return err
		},
	}
	f := c.Flags()
	f.StringVar(&s.Name, "server", "n1", "the server's name, unique in the cluster")
	f.StringVar(&s.Cluster, "cluster", "berkas", "the cluster's name; \"\" for a server that stands alone beside the registrar")
	f.StringVar(&s.Listen, "listen", "127.0.0.1:4222", "address for clients")
	f.StringVar(&s.Route, "route", "127.0.0.1:6222", "address for the other servers")
	f.StringSliceVar(&s.Routes, "routes", nil, "the other servers' routes")
	f.StringVar(&s.StoreDir, "store", "/var/lib/nats", "directory of JetStream's files")
	return c
}

// natsConfig writes the configuration of a server for these participants.
func (h home) natsConfig(s eventstore.ServerConfig, list []ledger.AgencyID) (string, error) {
	var err error
	if s.Users, err = h.natsUsers(list); err != nil {
		return "", err
	}
	if s.SystemKey, err = h.systemKey(); err != nil {
		return "", err
	}
	text, err := eventstore.NATSConfig(s)
	if err != nil {
		return "", usage("%w", err)
	}
	return text, nil
}
