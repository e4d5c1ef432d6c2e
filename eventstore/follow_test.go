package eventstore

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/berkas-ledger/berkas/internal/testkit"
	"github.com/berkas-ledger/berkas/ledger"
)

func (n *node) follow(tb testing.TB, name string) *Follower {
	tb.Helper()
	f, err := Follow(tb.Context(), FollowConfig{Login: n.server.login(User{Role: RoleFollower, Name: name}), Follower: name, Log: testkit.Log(tb)})
	check(tb, err)
	tb.Cleanup(func() { check(tb, f.Close()) })
	return f
}

// following runs a feed beside the test and checks the chain.
type following struct {
	seen chan ledger.Position
	done chan error
	stop context.CancelFunc
}

func startFollowing(tb testing.TB, feed ledger.Feed, from ledger.Chain) *following {
	tb.Helper()
	ctx, stop := context.WithCancel(tb.Context())
	f := &following{make(chan ledger.Position, 10000), make(chan error, 1), stop}
	go func() {
		f.done <- feed(ctx, from.Resume(), func(records []ledger.Record) error {
			for _, r := range records {
				if _, err := from.Next(r); err != nil {
					return err
				}
			}
			f.seen <- from.Position
			return nil
		})
	}()
	tb.Cleanup(stop)
	return f
}

// reach waits until the follower has come to a position.
func (f *following) reach(tb testing.TB, p ledger.Position) {
	tb.Helper()
	for {
		select {
		case at := <-f.seen:
			if at >= p {
				return
			}
		case err := <-f.done:
			tb.Fatalf("the feed ended: %v", err)
		case <-time.After(30 * time.Second):
			tb.Fatalf("position %d was not reached", p)
		}
	}
}

func TestFollowerCatchesUpAndStaysLive(t *testing.T) {
	n := newNode(t)
	s := n.open(t)
	for range 6 {
		commit(t, s, newRecords(s.Journal().Len()+1, 900, "", 4000)) // more than two requests' worth
	}
	a := startFollowing(t, n.follow(t, "auditor").Feed(), ledger.Chain{})
	b := startFollowing(t, n.follow(t, "projections").Feed(), ledger.Chain{Position: 5000, Leaf: newRecord(5000, "", 4000).LeafHash()})
	a.reach(t, 5401)
	b.reach(t, 5401)
	for range 20 {
		commit(t, s, newRecords(s.Journal().Len()+1, 3, "", 300))
		a.reach(t, s.Journal().Len())
		b.reach(t, s.Journal().Len())
	}
	a.stop()
	b.stop()
	check(t, errors.Join(<-a.done, <-b.done))
}

func TestFollowerSurvivesAServerAndANewLedger(t *testing.T) {
	n := newNode(t)
	s := n.open(t)
	commit(t, s, newRecords(2, 500, "", 300))
	f := startFollowing(t, n.follow(t, "auditor").Feed(), ledger.Chain{})
	f.reach(t, 501)
	n.server.stop()
	n.server.restart(t)
	check(t, s.Recover(t.Context()))
	commit(t, s, newRecords(502, 100, "", 300))
	f.reach(t, 601)
	// LEDGER is lost under a running registrar.
	c := n.server.connect(t, User{Role: RoleProvision})
	check(t, ask(t.Context(), c, "STREAM.DELETE.LEDGER", nil, nil))
	check(t, s.Commit(t.Context(), newRecords(602, 10, "", 300), func() {}))
	if err := s.Commit(t.Context(), newRecords(612, 10, "", 300), nil); !errors.Is(err, ErrUnknown) {
		t.Fatalf("commit without LEDGER: %v", err)
	}
	check(t, s.Recover(t.Context()))
	commit(t, s, newRecords(612, 10, "", 300))
	f.reach(t, 621)
	f.stop()
	check(t, <-f.done)
}

func TestFollowerNoticesWhatIsWrong(t *testing.T) {
	n := newNode(t)
	s := n.open(t)
	commit(t, s, newRecords(2, 20, "", 300))
	ends := func(what string, feed ledger.Feed, from ledger.Chain, at ledger.Position) {
		t.Helper()
		f := startFollowing(t, feed, from)
		select {
		case err := <-f.done:
			var broken *ledger.ErrBroken
			if !errors.As(err, &broken) || broken.Position != at {
				t.Errorf("%s: ended with %v, want broken at %d", what, err, at)
			}
		case <-time.After(20 * time.Second):
			t.Errorf("%s: the feed goes on", what)
		}
		f.stop()
	}
	f := n.follow(t, "auditor")
	f.rewindPatience = 50 * time.Millisecond
	ends("a rewind", f.Feed(), ledger.Chain{Position: 30, Leaf: ledger.Hash{1}}, 22)
	ends("another record seen before", f.Feed(), ledger.Chain{Position: 20, Leaf: ledger.Hash{1}}, 20)
	c := n.server.connect(t, User{Role: RoleRegistrar})
	_, err := c.Request("ledger.roster", []byte("a stranger"), requestTimeout)
	check(t, err)
	ends("a stranger's message", f.Feed(), ledger.Chain{}, 22)
}

// TestFollowerNoticesAHole flips a byte in JetStream's own file. The server drops
// what it cannot read and says nothing.
func TestFollowerNoticesAHole(t *testing.T) {
	n := newNode(t)
	s := n.open(t)
	for range 5 {
		commit(t, s, newRecords(s.Journal().Len()+1, 1000, "", 2000))
	}
	check(t, s.Close())
	n.server.stop()
	blocks, err := filepath.Glob(filepath.Join(n.server.config.Dir, "jetstream", "*", "streams", "LEDGER", "msgs", "*.blk"))
	check(t, err)
	if len(blocks) < 2 {
		t.Fatalf("LEDGER lies in %v", blocks)
	}
	content := readFile(t, blocks[0])
	content[len(content)/2] ^= 1
	check(t, os.WriteFile(blocks[0], content, 0o644))
	state, err := filepath.Glob(filepath.Join(filepath.Dir(blocks[0]), "index.db"))
	check(t, err)
	for _, path := range state {
		check(t, os.Remove(path))
	}
	n.server.restart(t)
	f := startFollowing(t, n.follow(t, "auditor").Feed(), ledger.Chain{})
	var broken *ledger.ErrBroken
	select {
	case err = <-f.done:
	case <-time.After(30 * time.Second):
	}
	if !errors.As(err, &broken) || broken.Position > 5001 {
		t.Fatalf("a follower of a LEDGER with a hole ended with %v", err)
	}
	// Recovery finds the hole, too, and makes LEDGER anew.
	s = n.open(t)
	sameRecords(t, "LEDGER", n.onLedger(t), collect(t, s.Feed(), 0))
}

func TestFollowerSubject(t *testing.T) {
	n := newNode(t)
	s := n.open(t)
	for range 4 {
		commit(t, s, newRecords(s.Journal().Len()+1, 1000, "", 700))
	}
	f := n.follow(t, "auditor")
	subject := ledger.SubjectCase(testCase(5))
	var want []ledger.Record
	for _, r := range collect(t, s.Feed(), 0) {
		if r.Subject == subject {
			want = append(want, r)
		}
	}
	if len(want) < 2*directBatch/2 {
		t.Fatalf("only %d records", len(want))
	}
	for _, after := range []int{0, 1, len(want) - 1} {
		var position ledger.Position
		if after > 0 {
			position = want[after-1].Position
		}
		got := collect(t, f.Subject(subject), position)
		if len(got) != len(want)-after {
			t.Fatalf("%d records after position %d, want %d", len(got), position, len(want)-after)
		}
		for i, r := range got {
			if r.LeafHash() != want[after+i].LeafHash() {
				t.Fatalf("record %d differs", r.Position)
			}
		}
	}
	if got := collect(t, f.Subject("ledger.case.nobody"), 0); len(got) != 0 {
		t.Errorf("a case that does not exist has %d records", len(got))
	}
	head, err := f.Head(t.Context())
	check(t, err)
	if head != 4001 {
		t.Errorf("head is %d", head)
	}
}

func TestFollowRefuses(t *testing.T) {
	if _, err := Follow(t.Context(), FollowConfig{Follower: "*", Login: Login{URL: "nats://127.0.0.1:1"}}); err == nil {
		t.Error("a wildcard follows")
	}
	if _, err := Follow(t.Context(), FollowConfig{Follower: "auditor"}); err == nil {
		t.Error("nobody is followed")
	}
}

func TestFollowerChecksTheOrigin(t *testing.T) {
	genesis := newRecord(1, "", 10)
	genesis.Body = []byte(`{"ledger":"` + testOrigin + `"}`)
	n := &node{server: startServer(t, t.TempDir()), journal: filepath.Join(t.TempDir(), "journal")}
	check(t, CreateJournal(n.journal, testOrigin, genesis))
	n.server.provision(t, n.journal)
	n.config = Config{Dir: n.journal, Origin: testOrigin, Login: n.server.login(User{Role: RoleRegistrar})}
	n.open(t)
	right, wrong := n.follow(t, "auditor"), n.follow(t, "projections")
	right.Origin, wrong.Origin = testOrigin, "other.example"
	f := startFollowing(t, right.Feed(), ledger.Chain{})
	f.reach(t, 1)
	if err := wrong.Feed()(t.Context(), 0, nil); !errors.Is(err, ErrWrongJournal) {
		t.Errorf("another ledger: %v", err)
	}
}
