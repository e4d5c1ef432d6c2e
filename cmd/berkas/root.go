package main

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// options are what every command may be told.
type options struct {
	data     string // data directory
	database string // PostgreSQL; "": the private one
	nats     string // NATS; "": the embedded one
	seed     string // file with the nkey seed to log in to NATS with
	creds    string // or a credentials file
	output   string
	// genesisFile is the genesis record of the ledger to submit to; "": that of
	// the data directory.
	genesisFile string
	policyFile  string // see policy
	verbose     bool
}

func newRoot() *cobra.Command {
	o := &options{}
	root := &cobra.Command{
		Use:   "berkas",
		Short: "A ledger of neutrality cases that nobody has to take on trust",
		Long: `berkas keeps, reads and checks a ledger of cases that several institutions share.

Agencies submit signed events; the registrar records each one, or records why it
was refused; projections make one national view of them. 'berkas dev' runs all
of it on this machine.

Every flag can also be given as an environment variable: --as-of as
BERKAS_AS_OF, --database as DATABASE_URL.

` + exitHelp,
		SilenceUsage:  true,
		SilenceErrors: true,
		PersistentPreRunE: func(cmd *cobra.Command, _ []string) error {
			if err := fromEnvironment(cmd.Flags()); err != nil {
				return err
			}
			return checkOutput(o.output)
		},
	}
	root.CompletionOptions.DisableDefaultCmd = true
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error {
		return &codedError{code: exitUsage, err: err}
	})
	f := root.PersistentFlags()
	f.StringVar(&o.data, "data", "data", "directory of the ledger's data")
	f.StringVar(&o.database, "database", "", "PostgreSQL URL (environment: DATABASE_URL); default: the private one of --data")
	f.StringVar(&o.nats, "nats", "", "NATS URL; default: the embedded server of --data")
	f.StringVar(&o.seed, "nats-seed", "", "file with the nkey seed to log in to --nats with")
	f.StringVar(&o.creds, "nats-creds", "", "credentials file to log in to --nats with")
	f.StringVar(&o.genesisFile, "genesis", "", "genesis record of the ledger to submit to; default: genesis.leaf in --data")
	f.StringVarP(&o.output, "output", "o", "table", "how data is printed: table, json or csv")
	f.BoolVarP(&o.verbose, "verbose", "v", false, "say more on standard error")
	root.AddCommand(
		newInit(o), newPrepare(o), newDev(o), newServe(o), newHealth(),
		newEmit(o), newImport(o), newCheck(o),
		newAudit(o), newBundle(o), newVerify(o),
		newCase(o), newSearch(o), newNext(o), newNational(o), newWorklist(o), newLate(o), newReconcile(o), newReplay(o), newRebuild(o), newDoctor(o), newReports(o),
		newCodes(o), newKeys(o), newAccess(o), newTokens(), newNATSConfig(o), newSeal(o), newOpen(o),
		newTrust(o), newProof(o), newSample(o), newExport(o), newWitness(o), newWebhooks(o),
		newSimulate(o), newBench(o), newVersion(o),
	)
	return root
}

// fromEnvironment sets flags that were not given from the environment.
func fromEnvironment(flags *pflag.FlagSet) error {
	var failed error
	flags.VisitAll(func(f *pflag.Flag) {
		if f.Changed || failed != nil {
			return
		}
		name := "BERKAS_" + strings.ToUpper(strings.ReplaceAll(f.Name, "-", "_"))
		if f.Name == "database" {
			name = "DATABASE_URL"
		}
		if v, ok := os.LookupEnv(name); ok && v != "" {
			if err := flags.Set(f.Name, v); err != nil {
				failed = usage("environment variable %s: %w", name, err)
			}
		}
	})
	return failed
}

// log writes to standard error: one line of text an event.
func (o *options) log() *slog.Logger {
	level := slog.LevelWarn
	if o.verbose {
		level = slog.LevelInfo
	}
	return slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: level}))
}

func (o *options) home() (home, error) {
	dir, err := filepath.Abs(o.data)
	if err != nil {
		return home{}, fmt.Errorf("data directory: %w", err)
	}
	return home{dir}, nil
}

// exactArgs is cobra.ExactArgs with words a newcomer understands.
func exactArgs(names ...string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) != len(names) {
			if len(names) == 0 {
				return usage("%s takes no arguments", cmd.CommandPath())
			}
			return usage("%s needs %s", cmd.CommandPath(), strings.Join(names, " and "))
		}
		return nil
	}
}
