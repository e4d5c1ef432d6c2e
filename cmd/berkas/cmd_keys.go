package main

import (
	"crypto/rand"
	"fmt"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/berkas-ledger/berkas/agencies"
	"github.com/berkas-ledger/berkas/eventstore"
	"github.com/berkas-ledger/berkas/ledger"
)

func newKeys(o *options) *cobra.Command {
	c := &cobra.Command{
		Use:   "keys",
		Short: "Draw signing keys, and list those on the roster",
		Long: `Without a subcommand: list every key that was ever on the roster, with the positions
over which it is valid.

` + exitHelp,
		Example: `  berkas keys
  berkas keys new bawaslu/2026a --out bawaslu-2026a.key`,
		Args: exactArgs(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			v, err := o.view(cmd.Context())
			if err != nil {
				return err
			}
			defer v.close()
			r, err := rosterOf(cmd.Context(), v.subject(ledger.SubjectRoster))
			if err != nil {
				return err
			}
			t := table{columns: []string{"key", "agency", "role", "valid after", "revoked at", "public"}, value: r.Keys()}
			for _, k := range r.Keys() {
				revoked := "-"
				if k.Revoked != 0 {
					revoked = strconv.FormatUint(uint64(k.Revoked), 10)
				}
				t.add(string(k.ID), string(k.Agency), k.Role, strconv.FormatUint(uint64(k.Added), 10), revoked, string(k.Public))
			}
			return t.print(cmd.OutOrStdout(), o.output)
		},
	}
	c.AddCommand(newKeysNew())
	return c
}

func newKeysNew() *cobra.Command {
	var out string
	c := &cobra.Command{
		Use:   "new KEY-ID",
		Short: "Draw a new signing key and print its public half",
		Long: `Draw an Ed25519 key, keep it in a file that only its owner may read, and print its
public half as 'berkas init --root' takes it.

` + exitHelp,
		Example: `  berkas keys new bawaslu/root --out bawaslu-root.key > bawaslu.pub`,
		Args:    exactArgs("a key id such as bawaslu/root"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if !ledger.KeyID(args[0]).Valid() {
				return usage("a key id is <agency>/<name>, each of lower-case letters, digits and hyphens")
			}
			if out == "" {
				return usage("--out is needed: the file to keep the key in")
			}
			s, err := agencies.GenerateSigner(ledger.KeyID(args[0]), rand.Reader)
			if err != nil {
				return err
			}
			if err := s.Save(out); err != nil {
				return err
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s %s\n", s.ID(), s.Public().Public)
			return err
		},
	}
	c.Flags().StringVar(&out, "out", "", "file to keep the private key in (required)")
	return c
}

func newNATSConfig(o *options) *cobra.Command {
	var s eventstore.ServerConfig
	c := &cobra.Command{
		Use:   "nats-config",
		Short: "Print the configuration of a NATS server for this ledger",
		Long: `Print the configuration of one NATS server of a cluster: every role with exactly the
rights it needs, from the same table that the embedded server enforces, and JetStream
with sync_interval: always. Seeds that are missing are drawn into the data directory.

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
			if s.Users, err = h.natsUsers(list); err != nil {
				return err
			}
			system, err := h.systemKey()
			if err != nil {
				return err
			}
			s.SystemKey = system
			text, err := eventstore.NATSConfig(s)
			if err != nil {
				return usage("%w", err)
			}
			_, err = fmt.Fprint(cmd.OutOrStdout(), text)
			return err
		},
	}
	f := c.Flags()
	f.StringVar(&s.Name, "server", "n1", "the server's name, unique in the cluster")
	f.StringVar(&s.Cluster, "cluster", "berkas", "the cluster's name")
	f.StringVar(&s.Listen, "listen", "127.0.0.1:4222", "address for clients")
	f.StringVar(&s.Route, "route", "127.0.0.1:6222", "address for the other servers")
	f.StringSliceVar(&s.Routes, "routes", nil, "the other servers' routes")
	f.StringVar(&s.StoreDir, "store", "/var/lib/nats", "directory of JetStream's files")
	return c
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
