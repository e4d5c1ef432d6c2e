package local

import (
	"context"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

func TestClusterOutlivesAMinority(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	admin, agency := newSomebody(t, "admin", everything), newSomebody(t, "agency", agencyRights)
	c, err := StartCluster(ctx, 3, NATSConfig{Dir: t.TempDir(), Accounts: accountsOf(admin)})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := c.Stop(); err != nil {
			t.Error(err)
		}
	}()
	for i := range 3 {
		if !c.Node(i).srv.JetStreamConfig().SyncAlways {
			t.Errorf("node %d acknowledges before it has synced", i)
		}
	}
	nc, err := nats.Connect(c.ClientURL(), nats.Nkey(admin.public, admin.key.Sign),
		nats.MaxReconnects(-1), nats.ReconnectWait(50*time.Millisecond))
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	cfg := jetstream.StreamConfig{Name: "S", Subjects: []string{"s", "intake.*"}, Replicas: 3}
	if _, err := js.CreateStream(ctx, cfg); err != nil {
		t.Fatal(err)
	}
	s, err := js.Stream(ctx, "S")
	if err != nil {
		t.Fatal(err)
	}
	leader, err := strconv.Atoi(strings.TrimPrefix(s.CachedInfo().Cluster.Leader, "node-"))
	if err != nil {
		t.Fatal(err)
	}
	publish(ctx, t, js)
	if err := c.StopNode(leader); err != nil {
		t.Fatal(err)
	}
	publish(ctx, t, js)
	if err := c.StartNode(leader); err != nil {
		t.Fatal(err)
	}
	if err := c.WaitReady(ctx); err != nil {
		t.Fatal(err)
	}
	info, err := s.Info(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if info.State.Msgs < 2 {
		t.Errorf("%d messages are left of at least 2", info.State.Msgs)
	}
	for _, r := range info.Cluster.Replicas {
		if !r.Current {
			t.Errorf("%s has not read what it missed", r.Name)
		}
	}

	for i := range 3 {
		if err := c.Node(i).Reload(accountsOf(admin, agency)); err != nil {
			t.Fatal(err)
		}
	}
	if err := c.WaitReady(ctx); err != nil {
		t.Error(err)
	}
	for i := range 3 {
		agency.mustConnect(t, c.Node(i).ClientURL()).submit(t, "agency", 0)
	}
}

// publish sends until it is acknowledged: while a new leader is chosen nobody
// answers.
func publish(ctx context.Context, t *testing.T, js jetstream.JetStream) {
	t.Helper()
	for {
		once, cancel := context.WithTimeout(ctx, time.Second)
		_, err := js.Publish(once, "s", []byte("x"))
		cancel()
		if err == nil {
			return
		}
		if ctx.Err() != nil {
			t.Fatal(err)
		}
	}
}
