package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/berkas-ledger/berkas/ledger"
	"github.com/berkas-ledger/berkas/transparency"
)

const (
	defaultWitnessDir    = "witness"
	defaultWitnessListen = "127.0.0.1:8090"
)

func newWitness(o *options) *cobra.Command {
	c := &cobra.Command{
		Use:   "witness",
		Short: "Watch that a ledger never takes anything back",
		Long: `A witness remembers the newest checkpoint of a ledger's log that it has seen, and
cosigns a newer one only if the log still begins with all that it has seen. It needs
no record of the ledger and learns none: a checkpoint says how many there are, and
gives a hash. With enough witnesses in hands that do not belong together the ledger
cannot show different histories to different people, nor change or shorten one.

It speaks C2SP tlog-witness (add-checkpoint), so other witnesses and other logs can
take part.

` + exitHelp,
		Example: `  berkas witness init --dir witness --name witness.example/kampus --policy policy.txt
  berkas witness run --dir witness --policy policy.txt
  berkas witness evidence witness/evidence/fork-*.txt --policy policy.txt`,
		Args: exactArgs(),
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	c.AddCommand(newWitnessInit(o), newWitnessRun(o), newWitnessEvidence(o))
	return c
}

// witnessFlags are what init and run share.
type witnessFlags struct {
	dir      string
	policies []string
}

func (w *witnessFlags) register(c *cobra.Command) {
	c.Flags().StringVar(&w.dir, "dir", defaultWitnessDir, "directory of the witness: key, state, evidence")
	c.Flags().StringArrayVar(&w.policies, "policy", nil, "policy of a ledger to watch, or a directory of such files; one for each ledger (required)")
}

func (w *witnessFlags) read() ([]ledger.Policy, error) {
	if len(w.policies) == 0 {
		return nil, &codedError{
			exitUsage, errors.New("--policy is needed: it says which ledger to watch, and by which key"),
			"'berkas trust' prints it where the ledger runs; compare it with what the institutions published before you rely on it.",
		}
	}
	var out []ledger.Policy
	for _, path := range w.policies {
		files := []string{path}
		if info, err := os.Stat(path); err == nil && info.IsDir() {
			if files, err = filepath.Glob(filepath.Join(path, "*.txt")); err != nil {
				return nil, err
			}
			if len(files) == 0 {
				return nil, notFound("no policy in %s: its files end in .txt", path)
			}
		}
		for _, file := range files {
			p, err := readPolicy(file)
			if err != nil {
				return nil, err
			}
			out = append(out, p)
		}
	}
	return out, nil
}

func newWitnessInit(o *options) *cobra.Command {
	var w witnessFlags
	var name string
	c := &cobra.Command{
		Use:   "init",
		Short: "Draw a witness's key and make its directory",
		Long: `Make a witness in a new directory: draw its key, and note for each ledger that it has
cosigned nothing of it yet. Publish the key that this prints, and give it to the
ledger's operator and to whoever is to rely on you, for the line "witness" of their
policies.

Keep a copy of the key nowhere that the ledger's operator can reach. If the directory
is ever lost or put back from an old copy, do not go on with the key: a witness that
forgot what it saw would cosign another history. Draw a new one.

` + exitHelp,
		Example: `  berkas witness init --dir witness --name witness.example/kampus --policy policy.txt`,
		Args:    exactArgs(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if name == "" {
				return usage("--name is needed: a name that tells this witness from all others, such as witness.example/kampus")
			}
			policies, err := w.read()
			if err != nil {
				return err
			}
			key, err := transparency.CreateWitness(w.dir, name, policies...)
			if err != nil {
				return err
			}
			t := table{columns: []string{"name", "key", "directory"}}
			t.add(key.Name(), key.String(), w.dir)
			return t.print(cmd.OutOrStdout(), o.output)
		},
	}
	w.register(c)
	c.Flags().StringVar(&name, "name", "", "name of the witness, like an address without https:// (required)")
	return c
}

func newWitnessRun(o *options) *cobra.Command {
	var w witnessFlags
	var listen string
	var first, proxied bool
	c := &cobra.Command{
		Use:   "run",
		Short: "Run a witness",
		Long: `Run the witness of a directory that 'berkas witness init' made. It answers
POST /add-checkpoint, and GET / with its name, key and what it has seen.

It listens on loopback and speaks plain HTTP: put a proxy that speaks TLS in front of
it. To listen elsewhere say --behind-tls.

A ledger of which the directory has no state is refused. If this witness has never
seen it, say --first once. If it has, its state was lost: draw a new key.

What it refuses it keeps in evidence/ of its directory, both signed checkpoints in one
small text; 'berkas witness evidence' says what that proves.

` + exitHelp,
		Example: `  berkas witness run --dir witness --policy policy.txt
  berkas witness run --dir witness --policy policies/ --listen 127.0.0.1:8090`,
		Args: exactArgs(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			host, _, err := net.SplitHostPort(listen)
			if err != nil {
				return usage("--listen is host:port, not %q", listen)
			}
			if !loopback(host) && !proxied {
				return usage("--listen %s is not on loopback: put a proxy that speaks TLS in front of the witness and say --behind-tls", listen)
			}
			policies, err := w.read()
			if err != nil {
				return err
			}
			return runWitness(cmd.Context(), cmd.OutOrStdout(), listen, transparency.WitnessConfig{
				Dir: w.dir, Policies: policies, First: first, Log: o.log(),
			})
		},
	}
	w.register(c)
	f := c.Flags()
	f.StringVar(&listen, "listen", defaultWitnessListen, "address of the witness, host:port; port 0 for any free one")
	f.BoolVar(&first, "first", false, "this witness has never seen the ledgers of which it has no state")
	f.BoolVar(&proxied, "behind-tls", false, "a proxy in front speaks TLS, so it may listen elsewhere than on loopback")
	return c
}

func runWitness(ctx context.Context, out io.Writer, listen string, c transparency.WitnessConfig) (err error) {
	w, err := transparency.OpenWitness(c)
	if err != nil {
		return witnessError(err, c.Dir)
	}
	defer func() { err = errors.Join(err, w.Close()) }()
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "tcp", listen)
	if err != nil {
		return &codedError{exitFailure, fmt.Errorf("listen for the witness: %w", err), "Choose another address with --listen."}
	}
	fmt.Fprintf(out, "Witness %s at http://%s\nIts key: %s\n", w.Key().Name(), listener.Addr(), w.Key())
	for _, p := range c.Policies {
		if signed := w.Latest(p.Origin); signed != nil {
			seen, err := openLog(p, signed)
			if err != nil {
				return err
			}
			fmt.Fprintf(out, "It has seen %s up to %d records.\n", p.Origin, seen.Size)
		} else {
			fmt.Fprintf(out, "It has seen nothing yet of %s.\n", p.Origin)
		}
	}
	return w.Serve(ctx, listener)
}

// openLog verifies that a checkpoint is signed by a policy's log.
func openLog(p ledger.Policy, signed []byte) (ledger.Checkpoint, error) {
	log, _, err := p.Verifiers()
	if err != nil {
		return ledger.Checkpoint{}, err
	}
	c, _, err := ledger.OpenCheckpoint(signed, log)
	return c, err
}

// witnessError says what to do when a witness cannot be opened.
func witnessError(err error, dir string) error {
	switch {
	case errors.Is(err, transparency.ErrNoWitness):
		return &codedError{exitNotFound, err, "Make one with 'berkas witness init --dir " + dir + "'."}
	case errors.Is(err, transparency.ErrWitnessLocked):
		return &codedError{exitConflict, err, ""}
	case errors.Is(err, transparency.ErrWitnessState):
		return &codedError{
			exitVerify, err,
			"If this witness has never seen that ledger, say --first. If it has, its state is lost: do not go on with this key, for it might cosign a second history. Draw a new one with 'berkas witness init' and publish it.",
		}
	}
	return err
}

func newWitnessEvidence(o *options) *cobra.Command {
	var from logFlags
	c := &cobra.Command{
		Use:   "evidence FILE",
		Short: "Say what a witness's evidence proves, and what not",
		Long: `Read what a witness kept of a checkpoint that it refused, and say what it proves to
whoever holds the ledger's policy. It is judged by the log's two signatures, never by
what the witness says.

Two checkpoints for the same number of records with different roots prove a fork by
themselves. Of two with different numbers the larger log's tiles decide: name them
with --from. They need not be trusted; each is checked against the signed root.

The exit code is 5 when cheating is proven and 0 when it is not.

` + exitHelp,
		Example: `  berkas witness evidence witness/evidence/fork-0f3a.txt --policy policy.txt
  berkas witness evidence edited-77c1.txt --policy policy.txt --from https://ledger.example/`,
		Args: exactArgs("FILE"),
		RunE: func(cmd *cobra.Command, args []string) error {
			policy, err := o.policy()
			if err != nil {
				return err
			}
			text, err := readBounded(args[0], transparency.MaxEvidence)
			if err != nil {
				return err
			}
			e, err := transparency.ParseEvidence(string(text))
			if err != nil {
				return fmt.Errorf("%s: %w", args[0], err)
			}
			v, undecided, err := o.judgeEvidence(cmd.Context(), e, policy, from)
			if err != nil {
				return fmt.Errorf("%s: %w", args[0], err)
			}
			if err := (said{e, v, undecided, policy}).print(cmd.OutOrStdout(), o.output); err != nil {
				return err
			}
			if v.Proven {
				return &quietError{exitVerify}
			}
			return nil
		},
	}
	o.policyFlag(c.Flags())
	from.register(c.Flags())
	return c
}

// judgeEvidence judges by the file, and by the log's tiles if they were named.
// undecided is why those did not help.
func (o *options) judgeEvidence(ctx context.Context, e transparency.Evidence, policy ledger.Policy, from logFlags) (v transparency.Verdict, undecided, err error) {
	v, err = e.Judge(policy)
	if err != nil || v.Proven || from.from == "" {
		return v, nil, err
	}
	fetch, closeLog, err := o.logSource(ctx, from.from, from.tokenFile)
	if err != nil {
		return v, nil, err
	}
	defer func() { err = errors.Join(err, closeLog()) }()
	v, err = e.JudgeBy(ctx, policy, fetch)
	if errors.Is(err, transparency.ErrNotEvidence) {
		return v, nil, err
	}
	return v, err, nil
}
