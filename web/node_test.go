package web

import (
	"context"
	"errors"
	"net/http/httptest"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nkeys"
	"golang.org/x/mod/sumdb/note"

	"github.com/berkas-ledger/berkas/eventstore"
	"github.com/berkas-ledger/berkas/internal/local"
	"github.com/berkas-ledger/berkas/internal/testkit"
	"github.com/berkas-ledger/berkas/ledger"
	"github.com/berkas-ledger/berkas/projections"
	"github.com/berkas-ledger/berkas/registrar"
	"github.com/berkas-ledger/berkas/roster"
	"github.com/berkas-ledger/berkas/schemas"
	"github.com/berkas-ledger/berkas/transparency"
	"github.com/berkas-ledger/berkas/vault"
)

func TestMain(m *testing.M) { testkit.Main(m) }

// today is the moment at which the registrar's clock stands: two weeks after the
// world was founded.
var today = time.Date(2020, 6, 15, 3, 0, 0, 0, time.UTC)

// node is a whole ledger: embedded NATS with everybody's rights, a journal, a
// registrar, projections in PostgreSQL, a vault, and the server over HTTP.
type node struct {
	*testkit.World
	t        *testing.T
	dir      string
	nats     *local.NATS
	seeds    map[eventstore.User]string
	verifier note.Verifier

	store    *eventstore.Store
	follower *eventstore.Follower
	judge    *registrar.Judge
	reader   *projections.Reader
	door     *eventstore.Door
	roster   atomic.Pointer[roster.Roster]
	head     atomic.Uint64
	stop     func() // ends the registrar
	ring     *vault.Ring
	log      *transparency.Log // seals on demand only

	config Config
	server *Server
	http   *httptest.Server

	mu  sync.Mutex
	now time.Time // the server's clock
}

func (n *node) check(err error) {
	n.t.Helper()
	if err != nil {
		n.t.Fatal(err)
	}
}

func (n *node) clock() time.Time {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.now
}

func (n *node) pass(d time.Duration) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.now = n.now.Add(d)
}

var everybody = append([]ledger.AgencyID{ledger.Vault}, testkit.Institutions...)

// newNode starts a ledger on which the world is founded. The changes are made to
// the server's config.
func newNode(t *testing.T, changes ...func(*Config)) *node {
	n := &node{World: testkit.NewWorld(), t: t, dir: t.TempDir(), seeds: map[eventstore.User]string{}, now: today}
	_, n.verifier, _ = n.NoteKeys("receipt")
	n.startNATS()
	n.openStore()
	n.startRegistrar()
	t.Cleanup(func() { n.stop() })
	n.startReaders()
	n.found()
	n.serve(changes...)
	return n
}

func (n *node) startNATS() {
	users := []eventstore.User{
		{Role: eventstore.RoleRegistrar},
		{Role: eventstore.RoleProvision},
		{Role: eventstore.RoleDoor},
		{Role: eventstore.RoleFollower, Name: "projections"},
	}
	for i, u := range users {
		pair, err := nkeys.CreateUser()
		n.check(err)
		seed, err := pair.Seed()
		n.check(err)
		n.seeds[u] = string(seed)
		users[i].Key, err = pair.PublicKey()
		n.check(err)
	}
	accounts, err := eventstore.Accounts(users)
	n.check(err)
	n.nats = testkit.NATS(n.t, accounts)
}

func (n *node) login(u eventstore.User) eventstore.Login {
	return eventstore.Login{URL: n.nats.ClientURL(), Seed: n.seeds[u], Name: string(u.Role)}
}

func (n *node) openStore() {
	dir := filepath.Join(n.dir, "journal")
	n.check(eventstore.CreateJournal(dir, n.Origin, n.Genesis()))
	journal, err := eventstore.OpenJournal(n.t.Context(), dir, n.Origin, eventstore.JournalOptions{})
	n.check(err)
	id := journal.ID()
	n.check(journal.Close())
	n.check(eventstore.Provision(n.t.Context(), eventstore.Provisioning{
		Login: n.login(eventstore.User{Role: eventstore.RoleProvision}), Journal: id, Origin: n.Origin,
		Agencies: everybody, Followers: []string{"projections"},
	}))
	n.store, err = eventstore.Open(n.t.Context(), eventstore.Config{
		Dir: dir, Origin: n.Origin, Login: n.login(eventstore.User{Role: eventstore.RoleRegistrar}), Log: testkit.Log(n.t),
	})
	n.check(err)
	n.t.Cleanup(func() { _ = n.store.Close() })
}

// tested puts the two halves of the store together, and shows the tip as
// cmd/berkas does.
type tested struct {
	*eventstore.Intake
	n *node
}

func (in tested) Next(ctx context.Context, limit int) ([]registrar.Message, error) {
	list, err := in.Intake.Next(ctx, limit)
	out := make([]registrar.Message, len(list))
	for i, m := range list {
		out[i] = registrar.Message{Agency: m.Agency, Header: m.Header, Body: m.Body, Ack: m.Ack}
	}
	return out, err
}

func (in tested) SendReceipt(a ledger.AgencyID, sum ledger.Hash, receipt []byte) error {
	in.n.showTip()
	return in.n.store.SendReceipt(a, sum, receipt)
}

func (in tested) Flush() error { return in.n.store.Flush() }

func (n *node) showTip() {
	n.roster.Store(n.judge.Roster())
	n.head.Store(uint64(n.judge.Chain().Position))
}

// startRegistrar lets a registrar work until stop is called.
func (n *node) startRegistrar() {
	intake, err := n.store.Intake(n.t.Context(), everybody...)
	n.check(err)
	validator, err := schemas.New()
	n.check(err)
	read := func(p ledger.Position) (ledger.Record, error) {
		leaf, err := n.store.Journal().Leaf(p)
		if err != nil {
			return ledger.Record{}, err
		}
		return ledger.ParseLeaf(leaf)
	}
	n.judge = registrar.NewJudge(validator, func(ledger.Kind, int) bool { return true }, read)
	n.check(n.judge.Replay(n.t.Context(), n.store.Feed()))
	n.showTip()
	signer, _, _ := n.NoteKeys("receipt")
	g, err := registrar.New(registrar.Config{
		Judge: n.judge, Store: n.store, Intake: tested{intake, n},
		Key: testkit.RegistrarKey, Private: n.Private(testkit.RegistrarKey), Receipt: signer,
		Wall: func() time.Time { return today }, Mono: func() time.Duration { return 0 },
		Random: n.Random, NewID: n.NewID, Log: testkit.Log(n.t),
	})
	n.check(err)
	ctx, cancel := context.WithCancel(n.t.Context())
	gone := make(chan error, 1)
	go func() { gone <- g.Run(ctx) }()
	n.stop = sync.OnceFunc(func() {
		cancel()
		if err := errors.Join(<-gone, intake.Close()); err != nil {
			n.t.Error(err)
		}
	})
}

// startReaders starts what follows LEDGER.
func (n *node) startReaders() {
	var err error
	n.follower, err = eventstore.Follow(n.t.Context(), eventstore.FollowConfig{
		Login: n.login(eventstore.User{Role: eventstore.RoleFollower, Name: "projections"}), Follower: "projections", Origin: n.Origin,
	})
	n.check(err)
	url := testkit.DB(n.t)
	projector := projections.NewProjector(projections.Config{URL: url, Log: testkit.Log(n.t)})
	ctx, cancel := context.WithCancel(n.t.Context())
	gone := make(chan error, 1)
	go func() { gone <- projector.Run(ctx, n.follower.Feed()) }()
	n.reader, err = projections.OpenReader(n.t.Context(), url)
	n.check(err)
	n.t.Cleanup(func() {
		cancel()
		if err := <-gone; err != nil && !errors.Is(err, context.Canceled) {
			n.t.Error(err)
		}
		n.reader.Close()
		_ = n.follower.Close()
	})
}

// found hands in the world's founding as its participants would.
func (n *node) found() {
	var err error
	n.door, err = eventstore.OpenDoor(n.t.Context(), eventstore.DoorConfig{
		Login: n.login(eventstore.User{Role: eventstore.RoleDoor}), Origin: n.Origin, Receipts: n.verifier, Log: testkit.Log(n.t),
	})
	n.check(err)
	n.t.Cleanup(func() { _ = n.door.Close() })
	for _, r := range n.Founding()[1:] {
		e, err := ledger.DecodeRecord(r)
		n.check(err)
		receipt, _, err := n.door.Submit(n.t.Context(), ledger.Submission{Agency: e.Source, Body: r.Body, Signatures: r.Signatures})
		n.check(err)
		if receipt.Outcome != ledger.Admitted {
			n.t.Fatalf("the world was not founded: %s", receipt.Reason)
		}
	}
}

// serve starts the server, open to everybody unless a change says otherwise.
func (n *node) serve(changes ...func(*Config)) {
	var err error
	n.ring, err = vault.Create(filepath.Join(n.dir, "ring.json"))
	n.check(err)
	signer, verifier, _ := n.NoteKeys("")
	n.log, err = transparency.Open(n.t.Context(), transparency.Config{
		Dir: filepath.Join(n.dir, "log"), Source: n.store.Journal(), Signer: signer, Verifier: verifier, Log: testkit.Log(n.t),
	})
	n.check(err)
	n.config = Config{
		Demo: "test", Open: true, Roster: n.roster.Load, Head: func() ledger.Position { return ledger.Position(n.head.Load()) },
		Submit: func(ctx context.Context, s ledger.Submission) (ledger.Receipt, []byte, error) {
			r, signed, err := n.door.Submit(ctx, s)
			switch {
			case errors.Is(err, eventstore.ErrIntakeFull):
				err = ErrBusy
			case errors.Is(err, eventstore.ErrNoIntake):
				err = ErrAway
			}
			return r, signed, err
		},
		CaseRecords: func(ctx context.Context, id string) ([]ledger.Record, error) {
			return n.records(ctx, ledger.SubjectCase(id))
		},
		RosterRecords: func(ctx context.Context) ([]ledger.Record, error) { return n.records(ctx, ledger.SubjectRoster) },
		Figures:       n.reader,
		Feed:          n.store.Journal().Follow(),
		GiveKey: func(h vault.Holder, now time.Time) (DataKey, bool, error) {
			k, made, err := n.ring.Give(h, now)
			return DataKey{k.ID, k.Bytes}, made, err
		},
		Files: n.log.Fetch, Seal: n.log.Seal,
		Now: n.clock, Log: testkit.Log(n.t),
	}
	for _, change := range changes {
		change(&n.config)
	}
	n.server, err = New(n.config)
	n.check(err)
	n.http = httptest.NewServer(n.server)
	n.t.Cleanup(func() {
		n.http.Close()
		_ = n.ring.Close()
	})
}

func (n *node) records(ctx context.Context, subject string) ([]ledger.Record, error) {
	if err := n.follower.Reach(ctx, n.length()); err != nil {
		return nil, err
	}
	var out []ledger.Record
	err := n.follower.Subject(subject)(ctx, 0, func(records []ledger.Record) error {
		out = append(out, records...)
		return nil
	})
	return out, err
}

// settled waits until the projections have everything that is on the ledger.
func (n *node) settled() {
	n.t.Helper()
	n.check(n.reader.Wait(n.t.Context(), n.length()))
}

// length is how many records are durable.
func (n *node) length() ledger.Position { return ledger.Position(n.head.Load()) }
