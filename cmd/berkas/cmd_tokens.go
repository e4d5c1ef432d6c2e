package main

import (
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/berkas-ledger/berkas/ledger"
	"github.com/berkas-ledger/berkas/web"
)

func newTokens() *cobra.Command {
	c := &cobra.Command{
		Use:   "tokens",
		Short: "Make credentials for reading over HTTP",
		Long: `Credentials let programs and people read over HTTP: national figures need any of
them, cases need one of an agency or an auditor. One of role calendar opens nothing but
/v1/calendars/<token>, a calendar of deadlines to subscribe to: calendar programs
take only an address, so the token is part of it. They let nobody submit; that
needs an agency's signing key.

` + exitHelp,
		Example: `  berkas tokens new --file tokens --name dasbor-1 --role dashboard
  berkas serve --tokens tokens`,
		Args: exactArgs(),
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	c.AddCommand(newTokensNew())
	return c
}

func newTokensNew() *cobra.Command {
	var file, name, role, agency string
	var everybody bool
	c := &cobra.Command{
		Use:   "new",
		Short: "Draw a token, print it once, and keep its SHA-256 in a file",
		Long: `Draw a token and print it; it is not kept and cannot be shown again. The file gets a
line with its name, role, agency and SHA-256. The server reads the file when it
starts. The provider of a calendar program reads the ids of cases and the deadlines that
stand in it: give each calendar to one agency, unless --everybody says otherwise. To take
a token away, delete its line and start the server again.

` + exitHelp,
		Example: `  berkas tokens new --file tokens --name bkn-pusat --role agency --agency bkn
  berkas tokens new --file tokens --name auditor-1 --role auditor
  berkas tokens new --file tokens --name kalender-bkn --role calendar --agency bkn`,
		Args: exactArgs(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if file == "" {
				return usage("--file is needed: the file of tokens to add to")
			}
			if web.Reader(role) == web.ReaderCalendar && (agency == "") != everybody {
				return usage("a calendar is of --agency NAME, or with --everybody of all agencies; whoever keeps it reads every case id and deadline that is in it")
			}
			if everybody && web.Reader(role) != web.ReaderCalendar {
				return usage("--everybody is for --role calendar")
			}
			secret, token, err := web.NewToken(name, web.Reader(role), ledger.AgencyID(agency))
			if err != nil {
				return usage("%w", err)
			}
			if err := addToken(file, token); err != nil {
				return err
			}
			_, err = fmt.Fprintln(cmd.OutOrStdout(), secret)
			return err
		},
	}
	f := c.Flags()
	f.StringVar(&file, "file", "", "file of tokens to add to (required)")
	f.StringVar(&name, "name", "", "name of the program or desk that will use it, [a-z0-9-]; not a person's (required)")
	f.StringVar(&role, "role", "", "agency, auditor, dashboard or calendar (required)")
	f.StringVar(&agency, "agency", "", "whose it is, with --role agency; whose deadlines, with --role calendar")
	f.BoolVar(&everybody, "everybody", false, "with --role calendar: the deadlines of all agencies")
	return c
}

// addToken adds a line to a file of tokens that stays readable as one.
func addToken(file string, token web.Token) (err error) {
	f, err := os.OpenFile(file, os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	old, err := web.ParseTokens(f)
	if err != nil {
		return err
	}
	if old.Has(token.Name) {
		return usage("%s has a token of the name %s already", file, token.Name)
	}
	if _, err := f.WriteString(token.Line() + "\n"); err != nil {
		return err
	}
	return f.Sync()
}
