package main

import (
	"crypto/rand"
	"fmt"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/berkas-ledger/berkas/agencies"
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
