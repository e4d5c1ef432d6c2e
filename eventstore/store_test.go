package eventstore

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/nats-io/nats.go"

	"github.com/berkas-ledger/berkas/internal/testkit"
	"github.com/berkas-ledger/berkas/ledger"
)

// node is a journal, a server and the way to open a store over both.
type node struct {
	server  *testServer
	journal string
	config  Config
}

func newNode(tb testing.TB) *node {
	tb.Helper()
	n := &node{server: startServer(tb, tb.TempDir()), journal: newJournal(tb, 0)}
	n.server.provision(tb, n.journal)
	provision := n.server.login(User{Role: RoleProvision})
	n.config = Config{Dir: n.journal, Origin: testOrigin, Login: n.server.login(User{Role: RoleRegistrar}), Provision: &provision, Followers: testFollowers, Log: testkit.Log(tb)}
	return n
}

func (n *node) open(tb testing.TB) *Store {
	tb.Helper()
	s, err := Open(tb.Context(), n.config)
	check(tb, err)
	tb.Cleanup(func() { _ = s.Close() })
	return s
}

// commit commits one batch and returns when LEDGER has it, too.
func commit(tb testing.TB, s *Store, records []ledger.Record) {
	tb.Helper()
	told := 0
	check(tb, s.Commit(tb.Context(), records, func() { told++ }))
	if told != 1 {
		tb.Fatalf("durable was called %d times", told)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	check(tb, s.settle(tb.Context()))
}

// onLedger reads all of LEDGER as a follower does.
func (n *node) onLedger(tb testing.TB) []ledger.Record {
	tb.Helper()
	return readLedger(tb, n.server.login(User{Role: RoleFollower, Name: "auditor"}))
}

func readLedger(tb testing.TB, login Login) []ledger.Record {
	tb.Helper()
	f, err := Follow(tb.Context(), FollowConfig{Login: login, Follower: "auditor"})
	check(tb, err)
	defer f.Close()
	head, err := f.Head(tb.Context())
	check(tb, err)
	var out []ledger.Record
	if head == 0 {
		return nil
	}
	ctx, cancel := context.WithCancel(tb.Context())
	defer cancel()
	check(tb, f.Feed()(ctx, 0, func(records []ledger.Record) error {
		out = append(out, records...)
		if len(out) >= int(head) {
			cancel()
		}
		return nil
	}))
	return out
}

// same fails unless both hold the same records, by leaf hash, without a gap.
func sameRecords(tb testing.TB, what string, got, want []ledger.Record) {
	tb.Helper()
	var chain ledger.Chain
	for i, r := range got {
		if _, err := chain.Next(r); err != nil {
			tb.Fatalf("%s: %v", what, err)
		}
		if i < len(want) && r.LeafHash() != want[i].LeafHash() {
			tb.Fatalf("%s: record %d differs", what, r.Position)
		}
	}
	if len(got) != len(want) {
		tb.Fatalf("%s: %d records, want %d", what, len(got), len(want))
	}
}

func TestStoreCommits(t *testing.T) {
	n := newNode(t)
	s := n.open(t)
	want := []ledger.Record{newRecord(1, "", 300)}
	for _, size := range []int{1, 2, 64, MaxBatch, 1} {
		batch := newRecords(s.Journal().Len()+1, size, "", 700)
		commit(t, s, batch)
		want = append(want, batch...)
	}
	sameRecords(t, "journal", collect(t, s.Feed(), 0), want)
	sameRecords(t, "LEDGER", n.onLedger(t), want)
	head, err := s.Head()
	check(t, err)
	if last := want[len(want)-1]; head.Position != last.Position || head.Leaf != last.LeafHash() {
		t.Errorf("head is %v", head)
	}
	for name, records := range map[string][]ledger.Record{
		"none":        nil,
		"too many":    newRecords(head.Position+1, MaxBatch+1, "", 10),
		"a gap":       newRecords(head.Position+2, 1, "", 10),
		"a rewind":    newRecords(head.Position, 1, "", 10),
		"not running": {newRecord(head.Position+1, "", 10), newRecord(head.Position+3, "", 10)},
	} {
		if err := s.Commit(t.Context(), records, func() { t.Error("durable was called") }); err == nil {
			t.Errorf("%s was committed", name)
		}
	}
	check(t, s.Close())
	if err := s.Commit(t.Context(), newRecords(head.Position+1, 1, "", 10), nil); !errors.Is(err, ErrClosed) {
		t.Errorf("commit to a closed store: %v", err)
	}
	again := n.open(t)
	sameRecords(t, "journal", collect(t, again.Feed(), 0), want)
}

// TestStoreCommitsTheLargest commits as many of the largest records as there may
// be at once; in a cluster, which syncs them three times, fewer.
func TestStoreCommitsTheLargest(t *testing.T) {
	largest := func(first ledger.Position, n int) []ledger.Record {
		records := newRecords(first, n, "", ledger.MaxBody)
		for i := range records {
			for k := range ledger.MaxSignatures - 1 {
				s := testSignature(records[i].Body)
				s.Key = ledger.KeyID(fmt.Sprintf("kemendagri/%032d", k))
				records[i].Signatures = append(records[i].Signatures, s)
			}
		}
		return records
	}
	n := newNode(t)
	s := n.open(t)
	commit(t, s, largest(2, MaxBatch))
	check(t, s.Close())
	s = n.open(t)
	sameRecords(t, "LEDGER", n.onLedger(t), collect(t, s.Feed(), 0))

	c := newCluster(t)
	s = c.open(t, 0)
	check(t, s.Commit(t.Context(), largest(2, 300), func() {}))
	sameRecords(t, "LEDGER of a cluster", c.onLedger(t), collect(t, s.Feed(), 0))
}

func TestStoreIsFencedByTheJournalsLock(t *testing.T) {
	n := newNode(t)
	s := n.open(t)
	if _, err := Open(t.Context(), n.config); !errors.Is(err, ErrLocked) {
		t.Fatalf("second store: %v", err)
	}
	n.config.LockWait = -1
	opened := make(chan error, 1)
	go func() {
		second, err := Open(t.Context(), n.config)
		if err == nil {
			err = second.Close()
		}
		opened <- err
	}()
	check(t, s.Close())
	check(t, <-opened)
}

// recovery is a state of LEDGER that a start may find.
type recovery struct {
	name   string
	change func(t *testing.T, n *node, want []ledger.Record)
	halts  ledger.Position // 0: recovers
	is     error
}

// inside asks in the provisioning role.
func (n *node) inside(t *testing.T, subject string, in any) {
	t.Helper()
	check(t, ask(t.Context(), n.server.connect(t, User{Role: RoleProvision}), subject, in, nil))
}

// republish makes LEDGER anew with other records.
func (n *node) republish(t *testing.T, records []ledger.Record) {
	t.Helper()
	n.inside(t, "STREAM.DELETE.LEDGER", nil)
	n.server.provision(t, n.journal)
	c := n.server.connect(t, User{Role: RoleRegistrar})
	for i, r := range records {
		m := messageOf(r, "")
		expect(m, ledger.Position(i))
		if i < len(records)-1 {
			check(t, c.PublishMsg(m))
			continue
		}
		_, err := c.RequestMsg(m, requestTimeout) // answered when all are stored
		check(t, err)
	}
}

var recoveries = []recovery{
	{"as it was", func(*testing.T, *node, []ledger.Record) {}, 0, nil},
	{"empty", func(t *testing.T, n *node, _ []ledger.Record) { n.republish(t, nil) }, 0, nil},
	{"one record", func(t *testing.T, n *node, want []ledger.Record) { n.republish(t, want[:1]) }, 0, nil},
	{"shorter", func(t *testing.T, n *node, want []ledger.Record) { n.republish(t, want[:1234]) }, 0, nil},
	{"longer", func(t *testing.T, n *node, want []ledger.Record) {
		n.republish(t, append(want[:recoveryLength:recoveryLength], newRecord(recoveryLength+1, "", 10)))
	}, recoveryLength + 1, nil},
	{"a differing record", func(t *testing.T, n *node, want []ledger.Record) {
		other := append([]ledger.Record{}, want...)
		other[776] = newRecord(777, "other", 300)
		n.republish(t, other)
	}, 777, nil},
	{"a differing last record of a shorter one", func(t *testing.T, n *node, want []ledger.Record) {
		n.republish(t, append(want[:500:500], newRecord(501, "other", 300)))
	}, 501, nil},
	{"a stranger's message", func(t *testing.T, n *node, want []ledger.Record) {
		n.republish(t, want[:20])
		conn := n.server.connect(t, User{Role: RoleRegistrar})
		_, err := conn.Request("ledger.roster", []byte(`{"hello":"world"}`), requestTimeout)
		check(t, err)
	}, 21, nil},
	{"gone", func(t *testing.T, n *node, _ []ledger.Record) {
		n.inside(t, "STREAM.DELETE.LEDGER", nil)
	}, 0, nil},
	{"gone, and no right to make it anew", func(t *testing.T, n *node, _ []ledger.Record) {
		n.inside(t, "STREAM.DELETE.LEDGER", nil)
		n.config.Provision = nil
	}, 0, ErrNotProvisioned},
	{"of another journal", func(t *testing.T, n *node, _ []ledger.Record) {
		n.inside(t, "STREAM.DELETE.LEDGER", nil)
		other := n.server.provisioning(t, n.journal)
		other.Journal = "00000000000000000000000000000000"
		check(t, Provision(t.Context(), other))
	}, 0, ErrWrongJournal},
	{"its limits changed", func(t *testing.T, n *node, _ []ledger.Record) {
		n.inside(t, "STREAM.DELETE.LEDGER", nil)
		a, err := readAbout(n.journal)
		check(t, err)
		other := ledgerStream(a.ID, testOrigin, 1)
		other.MaxMsgs = 10
		n.inside(t, "STREAM.CREATE.LEDGER", other)
	}, 0, ErrNotProvisioned},
}

// recoveryLength is how many records the journal of these tests has.
const recoveryLength = 2500

// TestStoreRecovers puts LEDGER into every state that a start may find.
func TestStoreRecovers(t *testing.T) {
	for _, c := range recoveries {
		t.Run(c.name, func(t *testing.T) {
			n := newNode(t)
			s := n.open(t)
			want := append([]ledger.Record{newRecord(1, "", 300)}, newRecords(2, recoveryLength-1, "", 300)...)
			for i := 1; i < recoveryLength; i += MaxBatch {
				commit(t, s, want[i:min(i+MaxBatch, recoveryLength)])
			}
			check(t, s.Close())
			c.change(t, n, want)
			s, err := Open(t.Context(), n.config)
			var broken *ledger.ErrBroken
			switch {
			case c.halts > 0:
				if !errors.As(err, &broken) || broken.Position != c.halts {
					t.Fatalf("opened with %v, want it to halt at %d", err, c.halts)
				}
			case c.is != nil:
				if !errors.Is(err, c.is) {
					t.Fatalf("opened with %v, want %v", err, c.is)
				}
			default:
				check(t, err)
				more := newRecords(recoveryLength+1, 3, "", 300)
				commit(t, s, more)
				check(t, s.Close())
				sameRecords(t, "LEDGER", n.onLedger(t), append(want, more...))
			}
		})
	}
}

func TestStoreConflict(t *testing.T) {
	n := newNode(t)
	s := n.open(t)
	commit(t, s, newRecords(2, 5, "", 100))
	// A second writer has to have stolen the registrar's key; the fence of one
	// machine is the lock, and LEDGER follows the journal.
	c := n.server.connect(t, User{Role: RoleRegistrar})
	_, err := c.RequestMsg(messageOf(newRecord(7, "stranger", 100), ""), requestTimeout)
	check(t, err)
	told := false
	check(t, s.Commit(t.Context(), newRecords(7, 3, "", 100), func() { told = true }))
	if !told {
		t.Fatal("the records are in the journal and nobody was told")
	}
	for range 2 {
		err := s.Commit(t.Context(), newRecords(10, 1, "", 100), func() { t.Error("durable was called") })
		if !errors.Is(err, ErrConflict) {
			t.Fatalf("commit: %v", err)
		}
	}
	var broken *ledger.ErrBroken
	if err := s.Recover(t.Context()); !errors.As(err, &broken) || broken.Position != 7 {
		t.Fatalf("recover: %v", err)
	}
	if s.Journal().Len() != 9 {
		t.Fatalf("the journal has %d records", s.Journal().Len())
	}
}

func TestStoreLostConnection(t *testing.T) {
	n := newNode(t)
	s := n.open(t)
	commit(t, s, newRecords(2, 5, "", 100))
	n.server.stop()
	check(t, s.Commit(t.Context(), newRecords(7, 3, "", 100), func() {}))
	if err := s.Commit(t.Context(), newRecords(10, 1, "", 100), nil); !errors.Is(err, ErrUnknown) {
		t.Fatalf("commit without a server: %v", err)
	}
	recovered := make(chan error, 1)
	go func() { recovered <- s.Recover(t.Context()) }()
	n.server.restart(t)
	check(t, <-recovered)
	commit(t, s, newRecords(10, 1, "", 100))
	want := append([]ledger.Record{newRecord(1, "", 300)}, newRecords(2, 9, "", 100)...)
	sameRecords(t, "LEDGER", n.onLedger(t), want)
}

func TestOpenRefuses(t *testing.T) {
	n := newNode(t)
	for name, c := range map[string]struct {
		change func(*Config)
		is     error
	}{
		"no directory":    {func(c *Config) { c.Dir = "" }, nil},
		"no origin":       {func(c *Config) { c.Origin = "" }, nil},
		"no journal":      {func(c *Config) { c.Dir = t.TempDir() }, ErrNoJournal},
		"another origin":  {func(c *Config) { c.Origin = "other.example" }, ErrWrongJournal},
		"no server":       {func(c *Config) { c.Login.URL = "nats://127.0.0.1:1" }, nats.ErrNoServers},
		"another's role":  {func(c *Config) { c.Login = n.server.login(User{Role: RoleAgency, Name: "kasn"}) }, nats.ErrPermissionViolation},
		"nobody's key":    {func(c *Config) { c.Login = Login{URL: c.Login.URL} }, nats.ErrAuthorization},
		"not a cluster":   {func(c *Config) { c.Cluster, c.TrustSync = true, true }, ErrNotProvisioned},
		"a lazy cluster":  {func(c *Config) { c.Cluster = true }, nil},
		"seed and file":   {func(c *Config) { c.Login.Credentials = "x" }, nil},
		"an invalid seed": {func(c *Config) { c.Login.Seed = "SUx" }, nil},
	} {
		config := n.config
		c.change(&config)
		s, err := Open(t.Context(), config)
		if err == nil {
			_ = s.Close()
		}
		if err == nil || c.is != nil && !errors.Is(err, c.is) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
