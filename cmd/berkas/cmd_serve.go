package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/berkas-ledger/berkas/eventstore"
	"github.com/berkas-ledger/berkas/ledger"
)

func newServe(o *options) *cobra.Command {
	var acceptTime, rehearsal, cluster, first, trustSync bool
	var port int
	var follower, provision, system, door, policy string
	var http httpConfig
	c := &cobra.Command{
		Use:   "serve",
		Short: "Run the registrar and the projections of a ledger",
		Long: `Run the registrar and the projections over a data directory that 'berkas init' made.

Without --nats an embedded NATS listens on loopback. With --nats the registrar
works on other servers: --nats-seed is the registrar's seed, --follower-seed the
projections', --provision-seed lets it create streams. In a cluster the servers
have to run with sync_interval: always; --system-seed lets the start check it, and
--door-seed lets submissions in over HTTP.

Pages and the API are served on loopback. Elsewhere they are only with --tokens and
a proxy that speaks TLS in front (--behind-tls), or in a container whose ports are
published on loopback (--container), which marks everything as a demonstration.

The witnesses that --policy names are asked to cosign each checkpoint, and below its
quorum none is published. Without witnesses checkpoints carry the log's signature only.

Only kinds whose version is frozen are taken, unless --rehearsal is given.

` + exitHelp,
		Example: `  berkas serve --data ledger
  berkas serve --data ledger --nats nats://n1:4222,nats://n2:4222 --cluster --first-start \
    --nats-seed registrar.nk --follower-seed projections.nk --database postgres://...`,
		Args: exactArgs(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			h, err := o.home()
			if err != nil {
				return err
			}
			if !h.exists() {
				return &codedError{exitNotFound, errors.New("no ledger in " + h.dir), "Make one with 'berkas init', or rehearse with 'berkas dev'."}
			}
			if err := http.complete(); err != nil {
				return err
			}
			switch {
			case http.container:
				if err := h.invented(); err != nil {
					return err
				}
				http.demo, http.open = "container", http.tokens == ""
			case rehearsal:
				http.demo = "rehearsal"
			}
			config := nodeConfig{
				home: h, log: o.log(), rehearsal: rehearsal, acceptTime: acceptTime, natsPort: port, database: o.database, http: http,
				policyFile: policy,
			}
			if o.nats != "" {
				if config.external, err = o.external(follower, provision, system, door); err != nil {
					return err
				}
				config.external.cluster, config.external.first, config.external.trustSync = cluster, first, trustSync
			}
			return serve(cmd, config)
		},
	}
	f := c.Flags()
	f.BoolVar(&acceptTime, "accept-time", false, "the machine's clock was looked at and is right")
	f.BoolVar(&rehearsal, "rehearsal", false, "take kinds whose version is not frozen yet")
	f.BoolVar(&cluster, "cluster", false, "LEDGER is replicated and is written before the journal")
	f.BoolVar(&first, "first-start", false, "the cluster's LEDGER is new: give it the genesis record")
	f.BoolVar(&trustSync, "trust-sync", false, "do not check that the cluster's servers run with sync_interval: always")
	f.IntVar(&port, "nats-port", 4222, "port of the embedded NATS on 127.0.0.1; 0 for any free one")
	f.StringVar(&follower, "follower-seed", "", "file with the nkey seed of the projections; without, none run here")
	f.StringVar(&provision, "provision-seed", "", "file with the nkey seed that may create streams")
	f.StringVar(&policy, "policy", "", "the operator's policy: which witnesses cosign checkpoints, at which URLs, and how many have to; default: policy.txt in --data")
	http.register(f)
	f.BoolVar(&http.container, "container", false, "the port is published on loopback only; marks everything as a demonstration")
	f.BoolVar(&http.proxied, "behind-tls", false, "a proxy in front speaks TLS; cookies are for TLS only")
	f.StringVar(&door, "door-seed", "", "file with the nkey seed of the HTTP door; without, no submissions come over HTTP")
	f.StringVar(&system, "system-seed", "", "file with the nkey seed of the system account's user")
	return c
}

// external puts the logins to another NATS together.
func (o *options) external(follower, provision, system, door string) (*externalNATS, error) {
	e := &externalNATS{registrar: eventstore.Login{URL: o.nats, Credentials: o.creds, Name: "berkas registrar"}}
	var err error
	if o.seed != "" {
		if e.registrar.Seed, err = readSecret(o.seed); err != nil {
			return nil, err
		}
	}
	for _, l := range []struct {
		file string
		to   **eventstore.Login
	}{{follower, &e.follower}, {provision, &e.provision}, {system, &e.system}, {door, &e.door}} {
		if l.file == "" {
			continue
		}
		seed, err := readSecret(l.file)
		if err != nil {
			return nil, err
		}
		*l.to = &eventstore.Login{URL: o.nats, Seed: seed, Name: "berkas"}
	}
	return e, nil
}

func serve(cmd *cobra.Command, config nodeConfig) (err error) {
	n, err := startNode(cmd.Context(), config)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, n.close()) }()
	if err := n.announce(); err != nil {
		return err
	}
	fmt.Fprintf(cmd.OutOrStdout(), "Serving the ledger %s from position %d.\n", n.origin, n.judge.Chain().Position)
	if n.web != nil {
		fmt.Fprintf(cmd.OutOrStdout(), "Pages and API: %s\n", n.web.url())
	}
	n.witnesses.describe(cmd.OutOrStdout())
	if !config.rehearsal || !config.http.container {
		return n.run(cmd.Context())
	}
	ctx, cancel := context.WithCancel(cmd.Context())
	defer cancel()
	work := make(chan error, 1)
	go func() { work <- n.run(ctx) }()
	if err := n.introduce(ctx); err != nil {
		if err = ignoreCancel(err); err != nil {
			err = fmt.Errorf("give the institutions their keys: %w", err)
		}
		cancel()
		return errors.Join(err, <-work)
	}
	fmt.Fprintln(cmd.OutOrStdout(), "Every institution has its key.")
	return <-work
}

// invented refuses a ledger that may be a real one: the mark of a demonstration shows
// previews of public tables that change with each record, so that two of them tell what one
// record said; and without tokens everything is open.
func (h home) invented() error {
	g, err := readGenesis(h.genesisFile())
	if err != nil {
		return err
	}
	if !strings.HasPrefix(g.Origin, ledger.ExampleOrigins) {
		return usage("--container is for rehearsals, whose ledgers have an origin that begins with %s; that of this one is %s", ledger.ExampleOrigins, g.Origin)
	}
	return nil
}
