package local

import (
	"bytes"
	"errors"
	"fmt"
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
	name, public string
	rights       string // the user's permissions, as configuration text
	key          nkeys.KeyPair
}

func newSomebody(t *testing.T, name, rights string) somebody {
	t.Helper()
	key, err := nkeys.CreateUser()
	if err != nil {
		t.Fatal(err)
	}
	public, err := key.PublicKey()
	if err != nil {
		t.Fatal(err)
	}
	return somebody{name: name, public: public, rights: rights, key: key}
}

func (s somebody) user() string {
	return fmt.Sprintf("{nkey: %s, permissions: {%s}}", s.public, s.rights)
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
	nc, err := nats.Connect(serverURL, nats.Nkey(s.public, s.key.Sign), nats.NoReconnect(),
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
	admin := newSomebody(t, "admin", everything)
	cfg := NATSConfig{Dir: filepath.Join(t.TempDir(), "js"), Accounts: accountsOf(admin)}
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
	admin := newSomebody(t, "admin", everything)
	agency := newSomebody(t, "agency", `publish: {allow: "intake.>", deny: "intake.other"}, subscribe: "receipt.agency.*"`)
	mute := newSomebody(t, "mute", `publish: {deny: ">"}, subscribe: {deny: ">"}`)
	stranger := newSomebody(t, "stranger", everything)
	n := startN(t, NATSConfig{Dir: t.TempDir(), Accounts: accountsOf(admin, agency, mute), MaxPayload: 100_000})

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
	if got := a.MaxPayload(); got != 100_000 {
		t.Errorf("largest message %d, want 100000", got)
	}
}

func TestNATSRefusesBadSettings(t *testing.T) {
	good := accountsOf(newSomebody(t, "ok", everything))
	dir := t.TempDir()
	for _, tt := range []struct {
		name string
		cfg  NATSConfig
		err  string
	}{
		{"no directory", NATSConfig{Open: true}, "no directory"},
		{"no accounts", NATSConfig{Dir: dir}, "Open"},
		{"accounts and open", NATSConfig{Dir: dir, Open: true, Accounts: good}, "not both"},
		{"negative payload", NATSConfig{Dir: dir, Open: true, MaxPayload: -1}, "-1 bytes"},
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
	if err := startN(t, NATSConfig{Dir: dir, Open: true}).Reload(good); err == nil || !strings.Contains(err.Error(), "open") {
		t.Errorf("reload of an open server: %v", err)
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
