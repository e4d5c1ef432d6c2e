package main

import (
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/berkas-ledger/berkas/projections"
)

func newReports(o *options) *cobra.Command {
	c := &cobra.Command{
		Use:   "reports",
		Short: "Let BI tools read the views of the schema laporan",
		Long: `The database of the projections has a schema laporan: flat, commented views with names
that stay (docs/laporan.md). Two group roles may read it and nothing else:
` + projections.RoleReader + ` figures, definitions and progress, ` + projections.RoleCaseReader + ` also rows
of single cases, which are pseudonymous and not public.

` + exitHelp,
		Example: `  berkas reports login dasbor_pusat
  berkas reports login kajian --cases`,
		Args: exactArgs(),
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	c.AddCommand(newReportsRoles(o), newReportsLogin(o))
	return c
}

func newReportsRoles(o *options) *cobra.Command {
	return &cobra.Command{
		Use:   "roles",
		Short: "Make the group roles where they are missing, for logins that you make yourself",
		Long: `Make ` + projections.RoleReader + ` and ` + projections.RoleCaseReader + ` where they are missing and let them
read laporan of this database. Roles are of the whole server, and making them needs the
right to (CREATEROLE). It may be repeated.

` + exitHelp,
		Example: `  berkas reports roles --database "$DATABASE_URL"`,
		Args:    exactArgs(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			url, err := o.databaseURL()
			if err != nil {
				return err
			}
			if err := projections.MakeReportRoles(cmd.Context(), url); err != nil {
				return reportsError(err)
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s and %s may read laporan.\n", projections.RoleReader, projections.RoleCaseReader)
			return err
		},
	}
}

func newReportsLogin(o *options) *cobra.Command {
	var cases bool
	var timeout time.Duration
	var connections int
	c := &cobra.Command{
		Use:   "login NAME",
		Short: "Make a login that only reads laporan, and print its URL once",
		Long: `Make a login with a drawn password and print the URL to connect with. The password is
kept nowhere and cannot be shown again; to replace a login, drop it and make it anew:
DROP ROLE name. It reads figures, definitions and progress; with --cases rows of single
cases too. Its transactions are read-only and its statements end after --timeout.

` + exitHelp,
		Example: `  berkas reports login dasbor_pusat --timeout 30s
  berkas reports login kajian --cases -o json`,
		Args: exactArgs("a name for the login, of a program or a desk"),
		RunE: func(cmd *cobra.Command, args []string) error {
			l := projections.ReportLogin{Name: args[0], Cases: cases, Timeout: timeout, Connections: connections}
			if err := l.Validate(); err != nil {
				return usage("%w", err)
			}
			database, err := o.databaseURL()
			if err != nil {
				return err
			}
			url, err := projections.CreateReportLogin(cmd.Context(), database, l)
			if err != nil {
				return reportsError(err)
			}
			if o.output == "table" { // nothing but the secret, for a file or a pipe
				_, err = fmt.Fprintln(cmd.OutOrStdout(), url)
				return err
			}
			role := projections.RoleReader
			if cases {
				role = projections.RoleCaseReader
			}
			t := table{columns: []string{"login", "role", "url"}}
			t.add(l.Name, role, url)
			return t.print(cmd.OutOrStdout(), o.output)
		},
	}
	f := c.Flags()
	f.BoolVar(&cases, "cases", false, "rows of single cases, too: pseudonymous data")
	f.DurationVar(&timeout, "timeout", time.Minute, "end a statement after so long")
	f.IntVar(&connections, "connections", 10, "connections at once")
	return c
}

// reportsError gives exit codes and hints.
func reportsError(err error) error {
	switch {
	case errors.Is(err, projections.ErrRoleExists):
		return usage("%w", err)
	case errors.Is(err, projections.ErrNoReports):
		return unreachable("Is it the database of the projections? See --database.", "%w", err)
	}
	return err
}
