package eventstore

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/berkas-ledger/berkas/internal/testkit"
	"github.com/berkas-ledger/berkas/ledger"
)

// cluster is three servers and the journals of two registrars.
type cluster struct {
	servers []*testServer
	configs []Config
}

func newCluster(t *testing.T) *cluster {
	t.Helper()
	c := &cluster{servers: startCluster(t)}
	journal := newJournal(t, 0)
	p := c.servers[0].provisioning(t, journal)
	p.Login, p.Replicas = clusterLogin(c.servers, User{Role: RoleProvision}), 3
	eventually(t, "the cluster is provisioned", func() bool {
		err := Provision(t.Context(), p)
		// 10005: the meta leader has not heard of all its peers yet.
		if err != nil && !transient(err) && !isCode(err, 10005) {
			t.Fatal(err)
		}
		return err == nil
	})
	system := clusterLogin(c.servers, User{Role: RoleSystem})
	c.configs = []Config{{Dir: journal, Origin: testOrigin, Login: clusterLogin(c.servers, User{Role: RoleRegistrar}), Cluster: true, First: true, System: &system, PublishTimeout: 5 * time.Second, Log: testkit.Log(t)}}
	return c
}

// join gives the cluster a second registrar.
func (c *cluster) join(t *testing.T) {
	t.Helper()
	second := c.configs[0]
	second.First = false
	second.Dir = filepath.Join(t.TempDir(), "second")
	check(t, Join(t.Context(), second.Dir, testOrigin, second.Login))
	c.configs = append(c.configs, second)
}

func (c *cluster) open(t *testing.T, i int) *Store {
	t.Helper()
	s, err := Open(t.Context(), c.configs[i])
	check(t, err)
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func (c *cluster) onLedger(t *testing.T) []ledger.Record {
	t.Helper()
	return readLedger(t, clusterLogin(c.servers, User{Role: RoleFollower, Name: "auditor"}))
}

// TestClusterRace has two registrars commit different batches to the same place,
// again and again: of each pair one goes in whole and the other not at all.
func TestClusterRace(t *testing.T) {
	c := newCluster(t)
	stores := []*Store{c.open(t, 0)}
	c.join(t)
	stores = append(stores, c.open(t, 1))
	want := []ledger.Record{newRecord(1, "", 300)}
	wins := [2]int{}
	for round := range 12 {
		size := []int{1, 3, 40, MaxBatch}[round%4]
		batches := [2][]ledger.Record{}
		told := [2]bool{}
		errs := [2]error{}
		var both sync.WaitGroup
		for i, s := range stores {
			batches[i] = newRecords(s.Journal().Len()+1, size, fmt.Sprintf("%d-%d", round, i), 300)
			both.Go(func() { errs[i] = s.Commit(t.Context(), batches[i], func() { told[i] = true }) })
		}
		both.Wait()
		winner := 0
		if errs[0] != nil {
			winner = 1
		}
		loser := 1 - winner
		if errs[winner] != nil || !told[winner] || told[loser] || !errors.Is(errs[loser], ErrConflict) && !errors.Is(errs[loser], ErrUnknown) {
			t.Fatalf("round %d: %v, told %v", round, errs, told)
		}
		wins[winner]++
		if err := stores[loser].Commit(t.Context(), batches[loser], nil); err == nil {
			t.Fatal("the loser goes on without reading")
		}
		check(t, stores[loser].Recover(t.Context()))
		want = append(want, batches[winner]...)
	}
	t.Logf("won: %v", wins)
	for i, s := range stores {
		sameRecords(t, fmt.Sprintf("journal %d", i), collect(t, s.Feed(), 0), want)
	}
	sameRecords(t, "LEDGER", c.onLedger(t), want)
}

// TestClusterLosesItsLeader stops the server that leads LEDGER while batches are
// being committed.
func TestClusterLosesItsLeader(t *testing.T) {
	c := newCluster(t)
	s := c.open(t, 0)
	var stood []ledger.Record
	var tried [][]ledger.Record
	commit := func(attempt string) error {
		batch := newRecords(s.Journal().Len()+1, 25, attempt, 300)
		tried = append(tried, batch)
		before := s.Journal().Len()
		err := s.Commit(t.Context(), batch, func() { stood = append(stood, batch...) })
		if err == nil {
			return nil
		}
		if !errors.Is(err, ErrUnknown) && !errors.Is(err, ErrConflict) {
			t.Fatal(err)
		}
		t.Logf("%s: %v", attempt, err)
		check(t, s.Recover(t.Context()))
		// What was in doubt is there whole or not at all, and then it stands. It
		// may also be an earlier attempt at the same place, which came late.
		if there := collect(t, s.Feed(), before); len(there) > 0 {
			if !slices.ContainsFunc(tried, func(b []ledger.Record) bool {
				return slices.EqualFunc(b, there, func(x, y ledger.Record) bool { return x.LeafHash() == y.LeafHash() })
			}) {
				t.Fatalf("%d records are there that are no batch", len(there))
			}
			stood = append(stood, there...)
		}
		return err
	}
	for i := range 5 {
		if err := commit(fmt.Sprintf("before %d", i)); err != nil {
			t.Fatal(err)
		}
	}
	leader := -1
	for i, srv := range c.servers {
		if srv.JetStreamIsStreamLeader(accountLedger, streamLedger) {
			leader = i
		}
	}
	if leader < 0 {
		t.Fatal("LEDGER has no leader")
	}
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		c.servers[leader].stop()
	}()
	for i := 0; i < 200; i++ {
		_ = commit(fmt.Sprintf("during %d", i))
		select {
		case <-stopped:
			i = max(i, 180)
		default:
		}
	}
	c.servers[leader].restart(t)
	_ = commit("after")
	check(t, s.Recover(t.Context()))
	want := append([]ledger.Record{newRecord(1, "", 300)}, stood...)
	sameRecords(t, "journal", collect(t, s.Feed(), 0), want)
	sameRecords(t, "LEDGER", c.onLedger(t), want)
}

func TestClusterRecovery(t *testing.T) {
	c := newCluster(t)
	first := c.open(t, 0)
	c.join(t)
	second := c.open(t, 1)
	check(t, second.Close())
	var want []ledger.Record
	for _, n := range []int{1, 700, 1000, 1000, 3} {
		check(t, first.Commit(t.Context(), newRecords(first.Journal().Len()+1, n, "", 300), func() {}))
	}
	want = collect(t, first.Feed(), 0)
	// A journal that is behind follows.
	second = c.open(t, 1)
	sameRecords(t, "the second journal", collect(t, second.Feed(), 0), want)
	check(t, errors.Join(second.Close(), first.Close()))

	halts := func(what string, change func(*Journal) error, at ledger.Position) {
		t.Helper()
		j, err := OpenJournal(t.Context(), c.configs[1].Dir, testOrigin, JournalOptions{})
		check(t, err)
		check(t, errors.Join(change(j), j.Close()))
		c.configs[1].PublishTimeout = 100 * time.Millisecond
		_, err = Open(t.Context(), c.configs[1])
		var broken *ledger.ErrBroken
		if !errors.As(err, &broken) || broken.Position != at {
			t.Errorf("%s: opened with %v, want broken at %d", what, err, at)
		}
	}
	halts("a longer journal", func(j *Journal) error {
		return j.Append(leavesOf(newRecords(j.Len()+1, 2, "invented", 300)))
	}, 2706)
	// LEDGER moves on over what the journal has invented.
	first = c.open(t, 0)
	check(t, first.Commit(t.Context(), newRecords(2706, 5, "", 300), func() {}))
	halts("a differing record", func(*Journal) error { return nil }, 2706)
}

func TestClusterNeedsSync(t *testing.T) {
	c := newCluster(t)
	config := c.configs[0]
	config.First = false
	var broken *ledger.ErrBroken
	config.PublishTimeout = 100 * time.Millisecond
	if _, err := Open(t.Context(), config); !errors.As(err, &broken) || broken.Position != 1 {
		t.Errorf("an empty LEDGER was filled without a word: %v", err)
	}
	config.First, config.PublishTimeout = true, 0
	config.System = nil
	if _, err := Open(t.Context(), config); err == nil || !strings.Contains(err.Error(), "sync_interval") {
		t.Errorf("nobody says how the servers sync: %v", err)
	}
	config.TrustSync = true
	s, err := Open(t.Context(), config)
	check(t, err)
	check(t, s.Close())
	config = c.configs[0]
	config.Cluster = false
	if _, err := Open(t.Context(), config); !errors.Is(err, ErrNotProvisioned) {
		t.Errorf("a cluster opened as one machine: %v", err)
	}

	c.servers[1].stop()
	c.servers[1].options.SyncAlways, c.servers[1].options.SyncInterval = false, 2*time.Minute
	c.servers[1].restart(t)
	eventually(t, "the lazy server is back", func() bool { return c.servers[1].JetStreamIsCurrent() })
	if _, err := Open(t.Context(), c.configs[0]); err == nil || !strings.Contains(err.Error(), "node-1") {
		t.Errorf("one server syncs every two minutes: %v", err)
	}
}

// TestClusterFollower follows LEDGER while the server it is connected to goes.
func TestClusterFollower(t *testing.T) {
	c := newCluster(t)
	s := c.open(t, 0)
	check(t, s.Commit(t.Context(), newRecords(2, 500, "", 300), func() {}))
	follower, err := Follow(t.Context(), FollowConfig{Login: clusterLogin(c.servers, User{Role: RoleFollower, Name: "auditor"}), Follower: "auditor", Log: testkit.Log(t)})
	check(t, err)
	defer follower.Close()
	f := startFollowing(t, follower.Feed(), ledger.Chain{})
	f.reach(t, 501)
	server := follower.conn.ConnectedServerName()
	gone := slices.IndexFunc(c.servers, func(s *testServer) bool { return s.Name() == server })
	c.servers[gone].stop()
	for {
		err := s.Commit(t.Context(), newRecords(502, 10, "", 300), func() {})
		if err == nil {
			break
		}
		check(t, s.Recover(context.WithoutCancel(t.Context())))
		if s.Journal().Len() > 501 {
			break
		}
	}
	f.reach(t, 511)
	c.servers[gone].restart(t)
	f.stop()
	check(t, <-f.done)
}
