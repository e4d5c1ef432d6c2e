package registrar_test

import (
	"context"
	"errors"
	"path/filepath"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nkeys"

	"github.com/berkas-ledger/berkas/eventstore"
	"github.com/berkas-ledger/berkas/internal/local"
	"github.com/berkas-ledger/berkas/internal/testkit"
	"github.com/berkas-ledger/berkas/ledger"
	"github.com/berkas-ledger/berkas/registrar"
)

// real is a registrar on a journal, an embedded NATS and its own rights there.
type real struct {
	*node
	t      *testing.T
	dir    string
	server *local.NATS
	seeds  map[eventstore.User]string
	conns  map[ledger.AgencyID]*nats.Conn
	heard  map[ledger.AgencyID]*nats.Subscription

	store  *eventstore.Store
	intake *eventstore.Intake
	end    func()
}

// realIntake puts the two halves of the store together.
type realIntake struct {
	*eventstore.Intake
	store *eventstore.Store
}

func (in realIntake) Next(ctx context.Context, limit int) ([]registrar.Message, error) {
	list, err := in.Intake.Next(ctx, limit)
	out := make([]registrar.Message, len(list))
	for i, m := range list {
		out[i] = registrar.Message{Agency: m.Agency, Header: m.Header, Body: m.Body, Ack: m.Ack}
	}
	return out, err
}

func (in realIntake) SendReceipt(a ledger.AgencyID, sum ledger.Hash, receipt []byte) error {
	return in.store.SendReceipt(a, sum, receipt)
}

func (in realIntake) Flush() error { return in.store.Flush() }

var everybody = append([]ledger.AgencyID{ledger.Vault}, testkit.Institutions...)

func newReal(t *testing.T) *real {
	r := &real{
		node: newNode(t), t: t, dir: filepath.Join(t.TempDir(), "journal"),
		seeds: map[eventstore.User]string{}, conns: map[ledger.AgencyID]*nats.Conn{}, heard: map[ledger.AgencyID]*nats.Subscription{},
	}
	users := []eventstore.User{
		{Role: eventstore.RoleRegistrar}, {Role: eventstore.RoleProvision}, {Role: eventstore.RoleFollower, Name: "auditor"},
	}
	for _, a := range everybody {
		users = append(users, eventstore.User{Role: eventstore.RoleAgency, Name: string(a)})
	}
	for i, u := range users {
		pair, err := nkeys.CreateUser()
		r.check(err)
		seed, err := pair.Seed()
		r.check(err)
		r.seeds[u] = string(seed)
		users[i].Key, err = pair.PublicKey()
		r.check(err)
	}
	accounts, err := eventstore.Accounts(users)
	r.check(err)
	r.server = testkit.NATS(t, accounts)
	r.check(eventstore.CreateJournal(r.dir, r.Origin, r.Genesis()))
	journal, err := eventstore.OpenJournal(t.Context(), r.dir, r.Origin, eventstore.JournalOptions{})
	r.check(err)
	id := journal.ID()
	r.check(journal.Close())
	r.check(eventstore.Provision(t.Context(), eventstore.Provisioning{
		Login: r.login(eventstore.User{Role: eventstore.RoleProvision}), Journal: id, Origin: r.Origin,
		Agencies: everybody, Followers: []string{"auditor"},
	}))
	r.start()
	return r
}

func (r *real) check(err error) {
	r.t.Helper()
	if err != nil {
		r.t.Fatal(err)
	}
}

func (r *real) login(u eventstore.User) eventstore.Login {
	return eventstore.Login{URL: r.server.ClientURL(), Seed: r.seeds[u], Name: string(u.Role)}
}

// start opens the store and lets a registrar work on it until end is called.
func (r *real) start() {
	r.t.Helper()
	var err error
	r.store, err = eventstore.Open(r.t.Context(), eventstore.Config{
		Dir: r.dir, Origin: r.Origin, Login: r.login(eventstore.User{Role: eventstore.RoleRegistrar}), Log: r.log,
	})
	r.check(err)
	r.intake, err = r.store.Intake(r.t.Context(), everybody...)
	r.check(err)
	read := func(p ledger.Position) (ledger.Record, error) {
		leaf, err := r.store.Journal().Leaf(p)
		if err != nil {
			return ledger.Record{}, err
		}
		return ledger.ParseLeaf(leaf)
	}
	r.judge = registrar.NewJudge(validator(), func(ledger.Kind, int) bool { return true }, read)
	r.check(r.judge.Replay(r.t.Context(), r.store.Feed()))
	c := r.config()
	c.Judge, c.Store, c.Intake = r.judge, r.store, realIntake{r.intake, r.store}
	c.Retry = func(err error) bool { return errors.Is(err, eventstore.ErrNoSpace) }
	c.Reread = func(err error) bool {
		return errors.Is(err, eventstore.ErrConflict) || errors.Is(err, eventstore.ErrUnknown)
	}
	g, err := registrar.New(c)
	r.check(err)
	ctx, cancel := context.WithCancel(r.t.Context())
	gone := make(chan error, 1)
	go func() { gone <- g.Run(ctx) }()
	var ended bool
	r.end = func() {
		if ended {
			return
		}
		ended = true
		cancel()
		if err := errors.Join(<-gone, r.intake.Close(), r.store.Close()); err != nil {
			r.t.Error(err)
		}
	}
	r.t.Cleanup(r.end)
}

// connect is an agency's own program: a plain client with the agency's rights.
func (r *real) connect(a ledger.AgencyID) (*nats.Conn, *nats.Subscription) {
	r.t.Helper()
	if c, ok := r.conns[a]; ok {
		return c, r.heard[a]
	}
	u := eventstore.User{Role: eventstore.RoleAgency, Name: string(a)}
	pair, err := nkeys.FromSeed([]byte(r.seeds[u]))
	r.check(err)
	public, err := pair.PublicKey()
	r.check(err)
	c, err := nats.Connect(r.server.ClientURL(), nats.Nkey(public, pair.Sign), nats.CustomInboxPrefix(eventstore.InboxPrefix(u)))
	r.check(err)
	r.t.Cleanup(c.Close)
	heard, err := c.SubscribeSync("receipt." + string(a) + ".*")
	r.check(err)
	r.check(c.Flush())
	r.conns[a], r.heard[a] = c, heard
	return c, heard
}

// hand puts messages into INTAKE, each acknowledged by JetStream.
func (r *real) hand(messages ...registrar.Message) {
	r.t.Helper()
	for _, m := range messages {
		c, _ := r.connect(m.Agency)
		_, err := c.RequestMsg(&nats.Msg{Subject: "intake." + string(m.Agency), Header: m.Header, Data: m.Body}, 20*time.Second)
		r.check(err)
	}
}

// hear waits for the next receipt of an agency.
func (r *real) hear(a ledger.AgencyID) ledger.Receipt {
	r.t.Helper()
	_, heard := r.connect(a)
	m, err := heard.NextMsg(20 * time.Second)
	r.check(err)
	receipt := verify(r.t, m.Data, r.verifier)
	if m.Subject != ledger.ReceiptSubject(a, receipt.Sum) {
		r.t.Errorf("a receipt for %s came on %s", receipt.Sum, m.Subject)
	}
	return receipt
}

// TestRealIntake: agencies submit through INTAKE with no more than their own
// rights and hear signed receipts; journal and LEDGER hold what they say, before
// and after a restart.
func TestRealIntake(t *testing.T) {
	r := newReal(t)
	var all []ledger.Submission
	for _, a := range everybody {
		all = append(all, r.AddKey(a, testkit.EventKey(a), today.Add(-time.Hour)))
	}
	all = append(all, r.Say(ledger.Bawaslu, ledger.ContestPublishedKind, testkit.Contest, today.Add(-time.Hour), ledger.Contest{
		ID: testkit.Contest, Kind: "pilkada", Voting: "2020-12-09", Determination: "2020-09-23", Doubt: ledger.DoubtUnsure,
	}))
	id := r.NewID()
	all = append(all, r.Story(id, today.Add(-10*time.Hour), 2)...)
	first := map[ledger.Hash]ledger.Receipt{}
	for _, s := range all {
		r.hand(message(s))
		receipt := r.hear(s.Agency)
		if receipt.Outcome != ledger.Admitted || receipt.Sum != s.Sum() {
			t.Fatalf("receipt:\n%s", receipt.Text())
		}
		first[s.Sum()] = receipt
	}
	r.badInput(id)
	r.sameReceipts(all, first)
	r.end()
	r.start()
	r.sameReceipts(all, first)

	// What comes in while no registrar works waits for the next.
	r.end()
	waiting := r.Say(ledger.BKN, ledger.ControlUnblockedKind, id, today.Add(-time.Minute), ledger.ControlStep{Letter: letter("B-1")})
	r.hand(message(waiting))
	r.start()
	if receipt := r.hear(ledger.BKN); receipt.Reason != ledger.CodeTransition {
		t.Errorf("receipt:\n%s", receipt.Text())
	}
	r.compare()
}

// badInput hands in what is refused, and then what is right.
func (r *real) badInput(caseID string) {
	r.t.Helper()
	for _, list := range [][]bad{badForms, badHeaders[:4]} {
		for _, b := range list {
			if b.want == ledger.CodeVersionNotOpen || b.want == ledger.CodeTooLarge || b.name == "sent by another" {
				continue // all versions are open here; see below; rights forbid it
			}
			m := b.make(r.node, caseID)
			r.hand(m)
			if receipt := r.hear(m.Agency); receipt.Outcome != ledger.Refused || receipt.Reason != b.want {
				r.t.Errorf("%s: %s %s, want %s", b.name, receipt.Outcome, receipt.Reason, b.want)
			}
		}
	}
	large := message(r.Sign(ledger.Bawaslu, make([]byte, ledger.MaxBody+1)))
	r.hand(large)
	if receipt := r.hear(ledger.Bawaslu); receipt.Reason != ledger.CodeTooLarge {
		r.t.Errorf("receipt:\n%s", receipt.Text())
	}
	_, opened := r.open1()
	r.hand(message(opened))
	if receipt := r.hear(ledger.Bawaslu); receipt.Outcome != ledger.Admitted {
		r.t.Errorf("receipt:\n%s", receipt.Text())
	}
}

// sameReceipts hands everything in again at once.
func (r *real) sameReceipts(all []ledger.Submission, first map[ledger.Hash]ledger.Receipt) {
	r.t.Helper()
	head := r.store.Journal().Len()
	for _, s := range all {
		r.hand(message(s))
	}
	for _, s := range all {
		receipt := r.hear(s.Agency)
		if receipt.Text() != first[receipt.Sum].Text() {
			r.t.Errorf("the same bytes again:\n%s", receipt.Text())
		}
	}
	if got := r.store.Journal().Len(); got != head {
		r.t.Errorf("%d records for bytes that were known", got-head)
	}
}

// compare holds LEDGER, read as an auditor does, against the journal, and
// re-checks every record.
func (r *real) compare() {
	r.t.Helper()
	head := r.store.Journal().Len()
	f, err := eventstore.Follow(r.t.Context(), eventstore.FollowConfig{
		Login: r.login(eventstore.User{Role: eventstore.RoleFollower, Name: "auditor"}), Follower: "auditor", Origin: r.Origin, Log: r.log,
	})
	r.check(err)
	defer func() { r.check(f.Close()) }()
	ctx, cancel := context.WithTimeout(r.t.Context(), time.Minute)
	defer cancel()
	a, read := newAuditor(), ledger.Position(0)
	err = f.Feed()(ctx, 0, func(records []ledger.Record) error {
		for _, record := range records {
			if err := a.next(record, nil); err != nil {
				return err
			}
			leaf, err := r.store.Journal().Leaf(record.Position)
			if err != nil {
				return err
			}
			if string(leaf) != string(record.Leaf()) {
				r.t.Errorf("journal and LEDGER differ at position %d", record.Position)
			}
			if read = record.Position; read == head {
				cancel()
			}
		}
		return nil
	})
	r.check(err)
	if read != head {
		r.t.Errorf("LEDGER goes to position %d, the journal to %d", read, head)
	}
}
