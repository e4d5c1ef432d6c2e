package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/berkas-ledger/berkas/agencies"
	"github.com/berkas-ledger/berkas/internal/simulate"
	"github.com/berkas-ledger/berkas/ledger"
	"github.com/berkas-ledger/berkas/projections"
)

const devOrigin = ledger.DemonstrationOrigin

func newDev(o *options) *cobra.Command {
	var demo, once, acceptTime bool
	var port int
	var http httpConfig
	c := &cobra.Command{
		Use:   "dev",
		Short: "Run everything on this machine, for rehearsal",
		Long: `Run a whole ledger in this process: NATS with JetStream, PostgreSQL, the
registrar, the projections, pages and an HTTP API, all on loopback. An empty data
directory becomes a rehearsal ledger with keys for every institution. It survives
restarts and kill -9. Five witnesses run beside it, each with a key and state of its
own; three of them have to cosign a checkpoint before it is published.

With --demo the published history of the 2020 regional elections is recorded
through the front door, like anybody's events, and the totals that were published
at the time are compared with the ledger's.

` + exitHelp,
		Example: `  berkas dev
  berkas dev --demo --once    # record the history of 2020, reconcile, end`,
		Args: exactArgs(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			h, err := o.home()
			if err != nil {
				return err
			}
			http.orAny = !cmd.Flags().Changed("http")
			return runDev(cmd.Context(), cmd.OutOrStdout(), o, devConfig{
				home: h, demo: demo, once: once, port: port, acceptTime: acceptTime, http: http,
			})
		},
	}
	f := c.Flags()
	f.BoolVar(&demo, "demo", false, "record the history of 2020 and reconcile it")
	f.BoolVar(&once, "once", false, "end when the demo is done")
	f.BoolVar(&acceptTime, "accept-time", false, "the machine's clock was looked at and is right")
	f.IntVar(&port, "nats-port", 4222, "port of the embedded NATS on 127.0.0.1; 0 for any free one")
	http.register(f)
	return c
}

type devConfig struct {
	home       home
	demo, once bool
	acceptTime bool
	port       int
	http       httpConfig
}

func runDev(ctx context.Context, out io.Writer, o *options, c devConfig) (err error) {
	if o.nats != "" {
		return usage("berkas dev runs its own NATS; for another one use 'berkas serve --nats'")
	}
	if err := c.http.onLoopback(); err != nil {
		return err
	}
	c.http.demo, c.http.open = "berkas dev", c.http.tokens == ""
	if c.http.audits == "" {
		c.http.audits = c.home.audits()
	}
	created, err := ensureRehearsal(c.home, devOrigin)
	if err != nil {
		return err
	}
	if created {
		fmt.Fprintf(out, "Made a rehearsal ledger in %s.\n", c.home.dir)
	}
	if err := c.home.ensureWitnesses(); err != nil {
		return err
	}
	n, err := startNode(ctx, nodeConfig{
		home: c.home, log: o.log(), rehearsal: true, natsPort: c.port, database: o.database, acceptTime: c.acceptTime, http: c.http,
	})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, n.close()) }()
	if url := n.web.url(); url != "" {
		fmt.Fprintf(out, "Pages: %s\n", url)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	work := make(chan error, 1)
	go func() { work <- n.run(ctx) }()
	then := make(chan error, 1)
	go func() { then <- n.afterStart(ctx, out, c) }()
	select {
	case err = <-work:
		cancel()
		return errors.Join(err, ignoreCancel(<-then))
	case err = <-then:
		if err == nil && (!c.demo || !c.once) {
			return <-work
		}
		cancel()
		return errors.Join(err, <-work)
	}
}

func ignoreCancel(err error) error {
	if errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

// afterStart is what dev does once everything runs: give the institutions their
// event keys on a new ledger, play the demo, say where things are.
func (n *node) afterStart(ctx context.Context, out io.Writer, c devConfig) error {
	if err := n.introduce(ctx); err != nil {
		return fmt.Errorf("give the institutions their keys: %w", err)
	}
	if err := n.announce(); err != nil {
		return err
	}
	if !c.demo {
		n.describe(out, c.demo)
		return nil
	}
	agree, err := n.demo(ctx, out)
	if err != nil {
		return err
	}
	if c.once {
		fmt.Fprintf(out, "\nTo look around, start it again: %s dev%s\n", os.Args[0], n.dataFlag())
		n.suggest(out, c.demo)
	} else {
		n.describe(out, c.demo)
	}
	if !agree {
		return &quietError{exitVerify}
	}
	return nil
}

func (n *node) announce() error {
	r := running{PID: os.Getpid(), Origin: n.origin, Database: n.database, HTTP: n.web.url()}
	if n.nats != nil {
		r.NATS = n.nats.ClientURL()
	}
	return n.home.announce(r)
}

func (n *node) describe(out io.Writer, demo bool) {
	fmt.Fprintf(out, "\nThe ledger %s is running.\n", n.origin)
	if n.nats != nil {
		fmt.Fprintf(out, "  NATS        %s (log in with a seed of %s)\n", n.nats.ClientURL(), n.home.path("nats", "seeds"))
	}
	if n.pg != nil {
		fmt.Fprintf(out, "  PostgreSQL  %s (URL in %s)\n", n.pg.Addr(), n.home.running())
	}
	fmt.Fprint(out, n.describeHTTP())
	n.witnesses.describe(out)
	fmt.Fprintf(out, "  journal     %s\n  keys        %s\n", n.home.journal(), n.home.path("keys"))
	fmt.Fprintln(out, "Stop it with Ctrl-C.")
	if demo {
		n.showPages(out)
	}
	n.suggest(out, demo)
}

// showPages says where a browser finds what the demo recorded.
func (n *node) showPages(out io.Writer) {
	url := n.web.url()
	if url == "" {
		return
	}
	fmt.Fprintf(out, "In a browser, begin at %s/ and look at:\n", url)
	for _, p := range []string{
		"/national?as-of=2020-11-26&seen-by=bkn", "/treatment?as-of=2020-11-26&seen-by=bkn", "/backlog?as-of=2020-11-26",
		"/worklist?agency=bkn&as-of=2020-11-26", "/published", "/search", "/desk", "/public", "/verify",
	} {
		fmt.Fprintf(out, "  %s%s\n", url, p)
	}
	for _, w := range simulate.Walks(demoSeed) {
		fmt.Fprintf(out, "  %s/cases/%s\n", url, w.Case)
	}
}

// suggest says what to try next.
func (n *node) suggest(out io.Writer, demo bool) {
	fmt.Fprintln(out, "In another terminal, try:")
	tries := []string{"keys", "codes kinds", "emit --help", "replay --follow"}
	if demo {
		tries = []string{
			"national --as-of 2020-11-26 --seen-by bkn",
			"national --as-of 2020-11-26 --seen-by bkn --measure blocked --by office",
			"reconcile",
			"replay --kind case.recommended --limit 3",
			"rebuild --compare",
			"trust > policy.txt",
			"audit --policy policy.txt",
			"bundle " + simulate.Walks(demoSeed)[0].Case + " --out case.json",
			"verify case.json --policy policy.txt",
			"doctor",
		}
	}
	for _, t := range tries {
		command, more, redirected := strings.Cut(t, " > ")
		if fmt.Fprintf(out, "  %s %s%s", os.Args[0], command, n.dataFlag()); redirected {
			fmt.Fprint(out, " > ", more)
		}
		fmt.Fprintln(out)
	}
	if !demo {
		return
	}
	fmt.Fprintln(out, "Three invented cases, each from its report to its end:")
	for _, w := range simulate.Walks(demoSeed) {
		fmt.Fprintf(out, "  %s case %s%s\n      %s\n", os.Args[0], w.Case, n.dataFlag(), w.Title)
	}
}

// dataFlag is what commands need to find this ledger.
func (n *node) dataFlag() string {
	if h, err := (&options{data: "data"}).home(); err == nil && h.dir == n.home.dir {
		return ""
	}
	return " --data " + n.home.dir
}

// introduce adds the event key of every institution whose keys lie here and is
// not on the roster yet.
func (n *node) introduce(ctx context.Context) error {
	roots, err := n.home.signers("root")
	if err != nil {
		return err
	}
	events, err := n.home.signers("event")
	if err != nil {
		return err
	}
	current, err := rosterOf(ctx, n.store.Feed())
	if err != nil {
		return err
	}
	for _, a := range institutions {
		root, key := roots[a], events[a]
		if _, known := current.Key(key.ID()); known || !key.ID().Valid() || !root.ID().Valid() {
			continue
		}
		client, err := n.dial(ctx, a)
		if err != nil {
			return err
		}
		office := agencies.NewInstitution(agencies.Office{Origin: n.origin}, a)
		draft, err := office.AddKey(time.Now(), ledger.KeyAdded{Agency: a, Key: key.Public(), Role: ledger.RoleEvent})
		if err == nil {
			var s ledger.Submission
			if s, err = agencies.Sign(a, draft, root, key); err == nil {
				_, err = client.Submit(ctx, s)
			}
		}
		client.Close()
		if err != nil {
			return err
		}
	}
	return nil
}

// dial connects as an agency whose seed lies in this data directory.
func (n *node) dial(ctx context.Context, a ledger.AgencyID) (*agencies.Client, error) {
	r, err := rosterOf(ctx, n.store.Feed())
	if err != nil {
		return nil, err
	}
	if n.nats == nil {
		return dialAs(ctx, n.home, n.external.registrar.URL, a, r.Genesis())
	}
	return dialAs(ctx, n.home, n.nats.ClientURL(), a, r.Genesis())
}

// settled waits until the projections have everything that is on the ledger.
func (n *node) settled(ctx context.Context) (*projections.Reader, error) {
	head, err := n.follower.Head(ctx)
	if err != nil {
		return nil, err
	}
	r, err := projections.OpenReader(ctx, n.database)
	if err != nil {
		return nil, err
	}
	if err := r.Wait(ctx, head); err != nil {
		r.Close()
		return nil, err
	}
	return r, nil
}
