package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"

	"github.com/berkas-ledger/berkas/eventstore"
	"github.com/berkas-ledger/berkas/internal/local"
	"github.com/berkas-ledger/berkas/ledger"
	"github.com/berkas-ledger/berkas/projections"
	"github.com/berkas-ledger/berkas/registrar"
	"github.com/berkas-ledger/berkas/schemas"
	"github.com/berkas-ledger/berkas/transparency"
	"github.com/berkas-ledger/berkas/webhooks"
)

// nodeConfig says what a running ledger consists of.
type nodeConfig struct {
	home       home
	log        *slog.Logger
	rehearsal  bool   // takes kinds whose version is not frozen yet
	acceptTime bool   // somebody has looked at the clock
	natsPort   int    // of the embedded server; 0: any free one
	database   string // PostgreSQL; "": the private one
	external   *externalNATS
	http       httpConfig
	policyFile string              // which witnesses to ask; "": the data directory's own
	gather     transparency.Gather // cosignatures of checkpoints; nil: none
}

// externalNATS is a NATS that this program does not run.
type externalNATS struct {
	registrar eventstore.Login
	follower  *eventstore.Login // for projections; nil: none run here
	provision *eventstore.Login
	system    *eventstore.Login
	door      *eventstore.Login // for the HTTP door; nil: it takes no submissions
	cluster   bool
	first     bool // LEDGER is new and gets the genesis record
	trustSync bool
}

// node is a running ledger: its servers, its registrar and its projections.
type node struct {
	nodeConfig
	origin    string
	nats      *local.NATS
	pg        *local.Postgres
	store     *eventstore.Store
	intake    *eventstore.Intake
	follower  *eventstore.Follower
	judge     *registrar.Judge
	registrar *registrar.Registrar
	projector *projections.Projector
	evidence  *transparency.Log // nil: evidenceErr says why
	witnesses witnessing
	cases     *caseIndex
	web       *webServer          // nil: no HTTP
	figures   *projections.Reader // of the HTTP server
	webhooks  *webhooks.Dispatcher
	tip       tip
	closers   []func() error    // in the order of opening
	roster    chan struct{}     // told when the roster has changed
	welcomed  []ledger.AgencyID // have their intake

	evidenceErr error // why no log is sealed
	// noProjections is why the projections ended; nil while they run.
	noProjections atomic.Pointer[error]
}

// startNode opens everything in order and recovers the ledger. What was opened
// is closed again when something fails.
func startNode(ctx context.Context, c nodeConfig) (_ *node, err error) {
	n := &node{nodeConfig: c, roster: make(chan struct{}, 1), cases: newCaseIndex()}
	defer func() {
		if err != nil {
			err = errors.Join(err, n.close())
		}
	}()
	logins, err := n.startNATS(ctx)
	if err != nil {
		return nil, err
	}
	if err := n.startDatabase(ctx); err != nil {
		return nil, err
	}
	if err := n.openStore(ctx, logins); err != nil {
		return nil, err
	}
	if err := n.startRegistrar(ctx); err != nil {
		return nil, err
	}
	if err := n.startWitnesses(ctx); err != nil {
		return nil, err
	}
	n.startLog(ctx)
	if logins.follower != nil {
		n.follower, err = eventstore.Follow(ctx, eventstore.FollowConfig{
			Login: *logins.follower, Follower: followerProjections, Origin: n.origin, Log: n.log,
		})
		if err != nil {
			return nil, err
		}
		n.closers = append(n.closers, n.follower.Close)
		n.projector = projections.NewProjector(projections.Config{URL: n.database, Log: n.log})
	}
	n.webhooks = webhooks.New(webhooks.Config{
		Dir: n.home.webhooks(), Origin: n.origin, Feed: n.store.Journal().Follow(), Head: func() ledger.Position { return ledger.Position(n.tip.head.Load()) },
		Rehearsal: n.rehearsal, Log: n.log,
	})
	return n, n.startHTTP(ctx, logins.door)
}

// startNATS starts the embedded server, unless another is used, and gives the
// logins of this program's parts.
func (n *node) startNATS(ctx context.Context) (externalNATS, error) {
	journal, err := eventstore.OpenJournal(ctx, n.home.journal(), "", eventstore.JournalOptions{Log: n.log})
	if err != nil {
		return externalNATS{}, err
	}
	n.origin = journal.Origin()
	id := journal.ID()
	agencies, err := agenciesOf(ctx, journal.Feed())
	if err := errors.Join(err, journal.Close()); err != nil {
		return externalNATS{}, err
	}
	if n.external != nil {
		return *n.external, n.provision(ctx, n.external.provision, id, agencies)
	}
	if err := n.startEmbedded(agencies); err != nil {
		return externalNATS{}, err
	}
	var out externalNATS
	logins := make([]eventstore.Login, 4)
	for i, u := range []eventstore.User{
		{Role: eventstore.RoleRegistrar}, {Role: eventstore.RoleFollower, Name: followerProjections}, {Role: eventstore.RoleProvision}, {Role: eventstore.RoleDoor},
	} {
		if logins[i], err = n.home.login(n.nats.ClientURL(), u); err != nil {
			return out, err
		}
	}
	out = externalNATS{registrar: logins[0], follower: &logins[1], provision: &logins[2], door: &logins[3]}
	return out, n.provision(ctx, out.provision, id, agencies)
}

func (n *node) startEmbedded(agencies []ledger.AgencyID) error {
	accounts, err := n.home.accounts(agencies)
	if err != nil {
		return err
	}
	if err := eventstore.CheckStored(n.home.nats()); err != nil {
		return &codedError{exitVerify, err, "Nothing was changed. 'berkas doctor' says what is damaged, and repairs LEDGER with --repair. " +
			"What waits in an INTAKE stream its sender has: set the stream's directory aside."}
	}
	n.nats, err = local.StartNATS(local.NATSConfig{
		Dir: n.home.nats(), Port: n.natsPort, Accounts: accounts, MaxPayload: eventstore.MaxPayload, Log: n.log,
	})
	if err != nil {
		return err
	}
	n.closers = append(n.closers, n.nats.Stop)
	return nil
}

func (n *node) provision(ctx context.Context, login *eventstore.Login, journal string, agencies []ledger.AgencyID) error {
	if login == nil {
		return nil // provisioned by somebody else
	}
	replicas := 1
	if n.external != nil && n.external.cluster {
		replicas = 3
	}
	return eventstore.Provision(ctx, eventstore.Provisioning{
		Login: *login, Journal: journal, Origin: n.origin, Agencies: agencies,
		Followers: []string{followerProjections, followerCommands}, Replicas: replicas,
	})
}

func (n *node) startDatabase(ctx context.Context) (err error) {
	if n.database != "" {
		return nil
	}
	n.pg, err = local.StartPostgres(ctx, local.PostgresConfig{Dir: n.home.postgres(), BinDir: os.Getenv("PG_BINDIR"), Log: n.log})
	if err != nil {
		return err
	}
	n.closers = append(n.closers, n.pg.Stop)
	n.database = n.pg.URL()
	return nil
}

func (n *node) openStore(ctx context.Context, l externalNATS) (err error) {
	n.store, err = eventstore.Open(ctx, eventstore.Config{
		Dir: n.home.journal(), Origin: n.origin, Login: l.registrar, Cluster: l.cluster, First: l.first, Followers: []string{followerProjections, followerCommands},
		Provision: l.provision, System: l.system, TrustSync: l.trustSync, Log: n.log,
	})
	if err != nil {
		return err
	}
	n.closers = append(n.closers, n.store.Close)
	return nil
}

// startRegistrar brings the judge up from the journal and begins to take in.
func (n *node) startRegistrar(ctx context.Context) error {
	validator, err := schemas.New()
	if err != nil {
		return err
	}
	n.judge = registrar.NewJudge(validator, n.open(validator), n.record)
	if err := n.judge.Replay(ctx, n.cases.watch(n.store.Feed())); err != nil {
		return err
	}
	genesis := n.judge.Roster().Genesis()
	private, err := n.home.registrarKey(genesis.Registrar.ID)
	if err != nil {
		return err
	}
	receipt, err := n.home.noteSigner("receipt.key")
	if err != nil {
		return err
	}
	n.showTip()
	n.welcomed = participants(n.judge.Roster().Institutions())
	if n.intake, err = n.store.Intake(ctx, n.welcomed...); err != nil {
		return err
	}
	n.closers = append(n.closers, n.intake.Close)
	started := time.Now()
	n.registrar, err = registrar.New(registrar.Config{
		Judge: n.judge, Store: n.store, Intake: intake{n.intake, n.store, n.showTip},
		Key: genesis.Registrar.ID, Private: private, Receipt: receipt,
		Retry: func(err error) bool { return errors.Is(err, eventstore.ErrNoSpace) },
		Reread: func(err error) bool {
			return errors.Is(err, eventstore.ErrConflict) || errors.Is(err, eventstore.ErrUnknown)
		},
		Wall: time.Now, Mono: func() time.Duration { return time.Since(started) },
		Built: built(), AcceptTime: n.acceptTime,
		Random: func(b []byte) { _, _ = rand.Read(b) }, // never fails since Go 1.24
		NewID:  func() string { return uuid.Must(uuid.NewV7()).String() },
		OnRoster: func() {
			select {
			case n.roster <- struct{}{}:
			default:
			}
		},
		Log: n.log,
	})
	return err
}

// open says which versions are taken: a rehearsal takes all, production those
// that are frozen.
func (n *node) open(v *schemas.Validator) func(ledger.Kind, int) bool {
	if n.rehearsal {
		return func(ledger.Kind, int) bool { return true }
	}
	return v.Frozen
}

func (n *node) record(p ledger.Position) (ledger.Record, error) {
	leaf, err := n.store.Journal().Leaf(p)
	if err != nil {
		return ledger.Record{}, err
	}
	return ledger.ParseLeaf(leaf)
}

// run works until the context ends or one part fails; then all end.
func (n *node) run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	parts := map[string]func(context.Context) error{
		"registrar": n.registrar.Run,
		"roster":    n.followRoster,
		"cases":     n.followCases,
		"webhooks":  n.webhooks.Run,
	}
	if n.nats != nil {
		parts["NATS"] = n.watchNATS
	}
	if n.pg != nil {
		parts["PostgreSQL"] = func(ctx context.Context) error {
			n.pg.Keep(ctx)
			return nil
		}
	}
	if n.evidence != nil {
		parts["log"] = n.evidence.Run
	}
	if n.web != nil {
		parts["HTTP"] = n.web.run
	}
	if n.projector != nil {
		parts["projections"] = func(ctx context.Context) error { return n.projector.Run(ctx, n.follower.Feed()) }
	}
	var wg sync.WaitGroup
	errs := make(chan error, len(parts))
	for name, part := range parts {
		wg.Go(func() {
			if err := part(ctx); err != nil {
				errs <- fmt.Errorf("%s: %w", name, err)
				// Intake goes on while PostgreSQL or a projection is broken; a
				// registrar that stopped ends the process.
				if name == "projections" {
					n.noProjections.Store(&err)
					n.log.Error("projections stopped; intake goes on", "error", err)
					return
				}
			}
			cancel()
		})
	}
	wg.Wait()
	close(errs)
	var all []error
	for err := range errs {
		all = append(all, err)
	}
	return errors.Join(all...)
}

// watchNATS ends the process when a stream cannot be written: only a new start
// makes the server try again.
func (n *node) watchNATS(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return nil
	case err := <-n.nats.Failed():
		return fmt.Errorf("%w; make room on the disk of %s and start again, what has a receipt is safe", err, n.home.dir)
	}
}

// followRoster gives new participants their intake.
func (n *node) followRoster(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-n.roster:
		}
		if err := n.welcome(ctx); err != nil && ctx.Err() == nil {
			n.log.Error("a new participant has no intake yet; start again to give it one", "error", err)
		}
	}
}

func (n *node) welcome(ctx context.Context) error {
	agencies, err := agenciesOf(ctx, n.store.Feed())
	if err != nil || slices.Equal(agencies, n.welcomed) {
		return err
	}
	if n.nats != nil {
		accounts, err := n.home.accounts(agencies)
		if err != nil {
			return err
		}
		if err := n.nats.Reload(accounts); err != nil {
			return err
		}
		login, err := n.home.login(n.nats.ClientURL(), eventstore.User{Role: eventstore.RoleProvision})
		if err != nil {
			return err
		}
		if err := n.provision(ctx, &login, n.store.Journal().ID(), agencies); err != nil {
			return err
		}
	}
	for _, a := range agencies {
		if err := n.intake.AddAgency(ctx, a); err != nil {
			return err
		}
	}
	n.welcomed = agencies
	return nil
}

// close ends everything in reverse order.
func (n *node) close() error {
	var errs []error
	for _, c := range slices.Backward(n.closers) {
		errs = append(errs, c())
	}
	n.closers = nil
	return errors.Join(errs...)
}

// intake puts eventstore's two halves together as the registrar wants them.
type intake struct {
	*eventstore.Intake
	store *eventstore.Store
	// before is called before a receipt leaves, when its record is durable and
	// the judge knows it.
	before func()
}

func (i intake) Next(ctx context.Context, limit int) ([]registrar.Message, error) {
	list, err := i.Intake.Next(ctx, limit)
	out := make([]registrar.Message, len(list))
	for k, m := range list {
		out[k] = registrar.Message{Agency: m.Agency, Header: m.Header, Body: m.Body, Ack: m.Ack}
	}
	return out, err
}

func (i intake) SendReceipt(a ledger.AgencyID, sum ledger.Hash, receipt []byte) error {
	i.before()
	return i.store.SendReceipt(a, sum, receipt)
}

func (i intake) Flush() error { return i.store.Flush() }
