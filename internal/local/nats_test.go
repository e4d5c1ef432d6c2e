package local

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/url"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/nats-io/nkeys"
)

// patience is how long a test waits for what must come.
const patience = 20 * time.Second

// somebody is a user and the key to be it.
type somebody struct {
	NATSUser
	key nkeys.KeyPair
}

func newSomebody(t *testing.T, name string, publish, subscribe Subjects) somebody {
	t.Helper()
	key, err := nkeys.CreateUser()
	if err != nil {
		t.Fatal(err)
	}
	public, err := key.PublicKey()
	if err != nil {
		t.Fatal(err)
	}
	return somebody{
		NATSUser: NATSUser{Name: name, NKey: public, Publish: publish, Subscribe: subscribe},
		key:      key,
	}
}

// link is a client's connection; refused gets the subjects it was denied and
// gone is closed when the server ends it.
type link struct {
	*nats.Conn
	refused chan string
	gone    chan struct{}
}

func (s somebody) connect(t *testing.T, serverURL string) (*link, error) {
	t.Helper()
	l := &link{refused: make(chan string, 10), gone: make(chan struct{})}
	nc, err := nats.Connect(serverURL, nats.Nkey(s.NKey, s.key.Sign), nats.NoReconnect(),
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) { l.refused <- err.Error() }),
		nats.ClosedHandler(func(*nats.Conn) { close(l.gone) }))
	if err != nil {
		return nil, err
	}
	t.Cleanup(nc.Close)
	l.Conn = nc
	return l, nil
}

func (s somebody) mustConnect(t *testing.T, serverURL string) *link {
	t.Helper()
	l, err := s.connect(t, serverURL)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// wantDenied publishes or subscribes and waits for the server's refusal.
func (l *link) wantDenied(t *testing.T, what string, do func() error) {
	t.Helper()
	if err := errors.Join(do(), l.Flush()); err != nil {
		t.Fatal(err)
	}
	select {
	case text := <-l.refused:
		if !strings.Contains(text, "Permissions Violation") {
			t.Errorf("%s: %s", what, text)
		}
	case <-time.After(patience):
		t.Errorf("%s was not refused", what)
	}
}

func startN(t *testing.T, cfg NATSConfig) *NATS {
	t.Helper()
	n, err := StartNATS(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := n.Stop(); err != nil {
			t.Error(err)
		}
	})
	return n
}

func TestNATSKeepsItsStreamsAcrossARestart(t *testing.T) {
	admin := newSomebody(t, "admin", Subjects{Allow: []string{">"}}, Subjects{Allow: []string{">"}})
	cfg := NATSConfig{Dir: filepath.Join(t.TempDir(), "js"), Users: []NATSUser{admin.NATSUser}}
	n := startN(t, cfg)
	u, err := url.Parse(n.ClientURL())
	if err != nil || u.Hostname() != "127.0.0.1" {
		t.Errorf("listens at %s (%v)", n.ClientURL(), err)
	}
	js, err := jetstream.New(admin.mustConnect(t, n.ClientURL()).Conn)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := js.CreateStream(t.Context(), jetstream.StreamConfig{Name: "S", Subjects: []string{"s"}}); err != nil {
		t.Fatal(err)
	}
	if _, err := js.Publish(t.Context(), "s", []byte("kept")); err != nil {
		t.Fatal(err)
	}
	if _, err := StartNATS(cfg); !errors.Is(err, ErrInUse) {
		t.Errorf("a second server over the same directory: %v", err)
	}
	if err := n.Stop(); err != nil {
		t.Fatal(err)
	}

	n = startN(t, cfg)
	js, err = jetstream.New(admin.mustConnect(t, n.ClientURL()).Conn)
	if err != nil {
		t.Fatal(err)
	}
	s, err := js.Stream(t.Context(), "S")
	if err != nil {
		t.Fatal(err)
	}
	msg, err := s.GetMsg(t.Context(), 1)
	if err != nil || string(msg.Data) != "kept" {
		t.Errorf("after a restart: %v, %v", msg, err)
	}
}

func TestNATSHoldsEverybodyToTheirRights(t *testing.T) {
	agency := newSomebody(t, "agency",
		Subjects{Allow: []string{"intake.>"}, Deny: []string{"intake.other"}},
		Subjects{Allow: []string{"receipt.agency.*"}})
	mute := newSomebody(t, "mute", Subjects{}, Subjects{})
	stranger := newSomebody(t, "stranger", Subjects{}, Subjects{})
	n := startN(t, NATSConfig{Dir: t.TempDir(), Users: []NATSUser{agency.NATSUser, mute.NATSUser}})

	if _, err := stranger.connect(t, n.ClientURL()); !errors.Is(err, nats.ErrAuthorization) {
		t.Errorf("a stranger: %v", err)
	}
	if nc, err := nats.Connect(n.ClientURL()); !errors.Is(err, nats.ErrAuthorization) {
		t.Errorf("without a key: %v", err)
		nc.Close()
	}

	a := agency.mustConnect(t, n.ClientURL())
	publish := func(l *link, subject string) func() error {
		return func() error { return l.Publish(subject, nil) }
	}
	subscribe := func(l *link, subject string) func() error {
		return func() error { _, err := l.SubscribeSync(subject); return err }
	}
	a.wantDenied(t, "publish under Deny", publish(a, "intake.other"))
	a.wantDenied(t, "publish outside Allow", publish(a, "ledger.case.1"))
	a.wantDenied(t, "subscribe outside Allow", subscribe(a, "receipt.other.*"))
	a.wantDenied(t, "subscribe to all", subscribe(a, ">"))
	m := mute.mustConnect(t, n.ClientURL())
	m.wantDenied(t, "publish with no rights", publish(m, "intake.agency"))
	m.wantDenied(t, "subscribe with no rights", subscribe(m, "receipt.agency.x"))

	if err := errors.Join(publish(a, "intake.agency")(), subscribe(a, "receipt.agency.x")(), a.Flush()); err != nil {
		t.Fatal(err)
	}
	select {
	case text := <-a.refused:
		t.Errorf("what is allowed was refused: %s", text)
	default: // the flush came back after any refusal would have
	}
	if got := a.MaxPayload(); got != maxPayload {
		t.Errorf("largest message %d, want %d", got, maxPayload)
	}
}

func TestNATSReload(t *testing.T) {
	rights := Subjects{Allow: []string{"a.>"}}
	stays := newSomebody(t, "stays", rights, rights)
	leaves := newSomebody(t, "leaves", rights, rights)
	shrinks := newSomebody(t, "shrinks", rights, rights)
	comes := newSomebody(t, "comes", rights, rights)
	n := startN(t, NATSConfig{Dir: t.TempDir(), Users: []NATSUser{stays.NATSUser, leaves.NATSUser, shrinks.NATSUser}})
	s, l, k := stays.mustConnect(t, n.ClientURL()), leaves.mustConnect(t, n.ClientURL()), shrinks.mustConnect(t, n.ClientURL())
	sub, err := s.SubscribeSync("a.x")
	if err != nil {
		t.Fatal(err)
	}
	url := n.ClientURL()

	shrinks.Publish = Subjects{Allow: []string{"a.y"}}
	if err := n.Reload([]NATSUser{stays.NATSUser, shrinks.NATSUser, comes.NATSUser}); err != nil {
		t.Fatal(err)
	}
	if n.ClientURL() != url {
		t.Errorf("moved from %s to %s", url, n.ClientURL())
	}
	select {
	case <-l.gone:
	case <-time.After(patience):
		t.Error("who is no longer a user stays connected")
	}
	if _, err := leaves.connect(t, url); !errors.Is(err, nats.ErrAuthorization) {
		t.Errorf("who is no longer a user connects again: %v", err)
	}
	k.wantDenied(t, "publish what is no longer allowed", func() error { return k.Publish("a.x", nil) })
	c := comes.mustConnect(t, url)
	if err := c.Publish("a.x", []byte("hello")); err != nil {
		t.Fatal(err)
	}
	if msg, err := sub.NextMsg(patience); err != nil || string(msg.Data) != "hello" {
		t.Errorf("who stays gets %v, %v", msg, err)
	}
	if !s.IsConnected() || s.Stats().Reconnects != 0 {
		t.Error("who stays was disconnected")
	}
	if err := n.Reload(nil); err == nil {
		t.Error("a reload without users is taken")
	}
}

func TestNATSRefusesBadSettings(t *testing.T) {
	ok := newSomebody(t, "ok", Subjects{}, Subjects{})
	bad := ok.NATSUser
	bad.Publish.Allow = []string{"a..b"}
	badSub := ok.NATSUser
	badSub.Subscribe.Deny = []string{"a b"}
	dir := t.TempDir()
	for _, tt := range []struct {
		name string
		cfg  NATSConfig
		err  string
	}{
		{"no directory", NATSConfig{Open: true}, "no directory"},
		{"no users", NATSConfig{Dir: dir}, "Open"},
		{"users and open", NATSConfig{Dir: dir, Open: true, Users: []NATSUser{ok.NATSUser}}, "not both"},
		{"no key", NATSConfig{Dir: dir, Users: []NATSUser{{Name: "x"}}}, `user "x"`},
		{"twice", NATSConfig{Dir: dir, Users: []NATSUser{ok.NATSUser, ok.NATSUser}}, "same NKey"},
		{"bad subject", NATSConfig{Dir: dir, Users: []NATSUser{bad}}, `"a..b"`},
		{"bad denied subject", NATSConfig{Dir: dir, Users: []NATSUser{badSub}}, `"a b"`},
	} {
		n, err := StartNATS(tt.cfg)
		if err == nil {
			t.Errorf("%s: started", tt.name)
			_ = n.Stop()
			continue
		}
		if !strings.Contains(err.Error(), tt.err) {
			t.Errorf("%s: %v, want %q", tt.name, err, tt.err)
		}
	}
}

func TestNATSSaysWhyItCannotStart(t *testing.T) {
	a := startN(t, NATSConfig{Dir: t.TempDir(), Open: true})
	u, err := url.Parse(a.ClientURL())
	if err != nil {
		t.Fatal(err)
	}
	port, err := strconv.Atoi(u.Port())
	if err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	dir := t.TempDir()
	cfg := NATSConfig{Dir: dir, Open: true, Port: port, Log: slog.New(slog.NewTextHandler(&log, nil))}
	if _, err := StartNATS(cfg); err == nil || !strings.Contains(err.Error(), "address already in use") {
		t.Errorf("on a taken port: %v", err)
	}
	if !strings.Contains(log.String(), "level=ERROR") || !strings.Contains(log.String(), "address already in use") {
		t.Errorf("the log has %q", log.String())
	}
	cfg.Port = 0
	startN(t, cfg) // the failed start holds nothing
}

func TestClusterOutlivesAMinority(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	c, err := StartCluster(ctx, 3, NATSConfig{Dir: t.TempDir(), Open: true})
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
	nc, err := nats.Connect(c.ClientURL(), nats.MaxReconnects(-1), nats.ReconnectWait(50*time.Millisecond))
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	cfg := jetstream.StreamConfig{Name: "S", Subjects: []string{"s"}, Replicas: 3}
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
