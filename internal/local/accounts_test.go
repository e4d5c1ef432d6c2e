package local

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

const (
	everything = `publish: ">", subscribe: ">"`
	// agencyRights lets an agency submit, hear its receipts, and pull from a
	// consumer.
	agencyRights = `publish: ["intake.*", "$JS.API.CONSUMER.MSG.NEXT.S.c"], subscribe: ["receipt.>", "_INBOX.>"]`
)

// accountsOf gives admin the account with JetStream and every agency one of its
// own, into which it imports what it may reach.
func accountsOf(admin somebody, agencies ...somebody) string {
	var b strings.Builder
	var names []string
	var services, streams strings.Builder
	for _, a := range agencies {
		names = append(names, strconv.Quote(a.name))
		fmt.Fprintf(&services, "{service: \"intake.%s\", accounts: [%[1]s]}\n", a.name)
		fmt.Fprintf(&streams, "{stream: \"receipt.%s.>\", accounts: [%[1]s]}\n", a.name)
		fmt.Fprintf(&b, `%q {
			users: [%s]
			imports: [
				{service: {account: "BERKAS", subject: "intake.%[1]s"}}
				{service: {account: "BERKAS", subject: "$JS.API.CONSUMER.MSG.NEXT.S.c"}}
				{stream: {account: "BERKAS", subject: "receipt.%[1]s.>"}}
			]
		}
		`, a.name, a.user())
	}
	pull := ""
	if len(names) > 0 {
		pull = fmt.Sprintf(`{service: "$JS.API.CONSUMER.MSG.NEXT.S.c", response_type: stream, accounts: [%s]}`, strings.Join(names, ", "))
	}
	return fmt.Sprintf(`accounts {
		"BERKAS" { jetstream: enabled, users: [%s]
			exports: [%s %s %s] }
		%s
		"SYS" {}
	}
	system_account: "SYS"`, admin.user(), services.String(), streams.String(), pull, b.String())
}

func TestNATSReload(t *testing.T) {
	admin := newSomebody(t, "admin", everything)
	stays, leaves := newSomebody(t, "stays", agencyRights), newSomebody(t, "leaves", agencyRights)
	shrinks, comes := newSomebody(t, "shrinks", agencyRights), newSomebody(t, "comes", agencyRights)
	n := startN(t, NATSConfig{Dir: t.TempDir(), Accounts: accountsOf(admin, stays, leaves, shrinks)})
	url := n.ClientURL()
	d := admin.mustConnect(t, url)
	consumer := intakeStream(t, d)
	s, l, k := stays.mustConnect(t, url), leaves.mustConnect(t, url), shrinks.mustConnect(t, url)
	s.submit(t, "stays", 1)
	receipts, err := s.SubscribeSync("receipt.stays.>")
	if err != nil {
		t.Fatal(err)
	}

	shrinks.rights = `publish: "intake.none", subscribe: "_INBOX.>"`
	if err := n.Reload(accountsOf(admin, stays, shrinks, comes)); err != nil {
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
	k.wantDenied(t, "publish what is no longer allowed", func() error { return k.Publish("intake.shrinks", nil) })

	// The stream is there with what it had, for those who were and those who come.
	s.submit(t, "stays", 2)
	comes.mustConnect(t, url).submit(t, "comes", 3)
	batch, err := consumer.Fetch(3, jetstream.FetchMaxWait(patience))
	if err != nil {
		t.Fatal(err)
	}
	var subjects []string
	for msg := range batch.Messages() {
		subjects = append(subjects, msg.Subject())
	}
	if want := []string{"intake.stays", "intake.stays", "intake.comes"}; !slices.Equal(subjects, want) {
		t.Errorf("the stream has %q (%v), want %q", subjects, batch.Error(), want)
	}
	// A subscription from before hears what is said now.
	if err := d.Publish("receipt.stays.1", []byte("hello")); err != nil {
		t.Fatal(err)
	}
	if msg, err := receipts.NextMsg(patience); err != nil || string(msg.Data) != "hello" {
		t.Errorf("who stays gets %v, %v", msg, err)
	}
	for _, c := range []*link{s, d} {
		if !c.IsConnected() {
			t.Error("who stays was disconnected")
		}
	}
}

// TestNATSReloadKeepsWhoWaits: a pull that waits for messages when the reload
// comes gets them, in the stream's own account and in another.
func TestNATSReloadKeepsWhoWaits(t *testing.T) {
	admin := newSomebody(t, "admin", everything)
	stays, comes := newSomebody(t, "stays", agencyRights), newSomebody(t, "comes", agencyRights)
	n := startN(t, NATSConfig{Dir: t.TempDir(), Accounts: accountsOf(admin, stays)})
	d, s := admin.mustConnect(t, n.ClientURL()), stays.mustConnect(t, n.ClientURL())
	consumer := intakeStream(t, d)
	for _, who := range []*link{d, s} {
		inbox := who.NewInbox()
		sub, err := who.SubscribeSync(inbox)
		if err != nil {
			t.Fatal(err)
		}
		pull := []byte(`{"batch": 1, "expires": 60000000000}`)
		if err := who.PublishRequest("$JS.API.CONSUMER.MSG.NEXT.S.c", inbox, pull); err != nil {
			t.Fatal(err)
		}
		for end := time.Now().Add(patience); ; {
			info, err := consumer.Info(t.Context())
			if err != nil || time.Now().After(end) {
				t.Fatalf("the pull does not arrive: %v", err)
			}
			if info.NumWaiting == 1 {
				break
			}
		}
		if err := n.Reload(accountsOf(admin, stays, comes)); err != nil {
			t.Fatal(err)
		}
		comes.mustConnect(t, n.ClientURL()).submit(t, "comes", 0)
		if msg, err := sub.NextMsg(patience); err != nil || msg.Header.Get("Status") != "" {
			t.Errorf("who waits gets %v, %v", msg, err)
		}
		if err := n.Reload(accountsOf(admin, stays)); err != nil {
			t.Fatal(err)
		}
	}
}

// intakeStream makes a stream of all submissions and a consumer of it.
func intakeStream(t *testing.T, admin *link) jetstream.Consumer {
	t.Helper()
	js, err := jetstream.New(admin.Conn)
	if err != nil {
		t.Fatal(err)
	}
	cfg := jetstream.StreamConfig{Name: "S", Subjects: []string{"intake.*"}}
	if _, err := js.CreateStream(t.Context(), cfg); err != nil {
		t.Fatal(err)
	}
	c, err := js.CreateConsumer(t.Context(), "S", jetstream.ConsumerConfig{Durable: "c", AckPolicy: jetstream.AckNonePolicy})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// submit wants the acknowledgement with that sequence number; 0: with any.
func (l *link) submit(t *testing.T, agency string, seq uint64) {
	t.Helper()
	msg, err := l.Request("intake."+agency, nil, patience)
	if err != nil {
		t.Fatalf("%s submits: %v", agency, err)
	}
	var ack struct{ Seq uint64 }
	if err := json.Unmarshal(msg.Data, &ack); err != nil || ack.Seq == 0 || seq != 0 && ack.Seq != seq {
		t.Errorf("%s gets %s (%v), want number %d", agency, msg.Data, err, seq)
	}
}

func TestNATSRefusesBadAccounts(t *testing.T) {
	admin, agency := newSomebody(t, "admin", everything), newSomebody(t, "agency", agencyRights)
	good := accountsOf(admin, agency)
	twice, badSubject := agency, agency
	twice.name = "other"
	badSubject.rights = `publish: "a..b"`
	n := startN(t, NATSConfig{Dir: t.TempDir(), Accounts: good})
	a := agency.mustConnect(t, n.ClientURL())
	for _, tt := range []struct{ name, text, err string }{
		{"no configuration", "{]", "accounts: "},
		{"cut off", good[:len(good)/2], "accounts: "},
		{"another setting", good + "\nlisten: \"0.0.0.0:4222\"", `"listen" does not belong there`},
		{"another setting of an account", strings.Replace(good, "jetstream:", "jetsteam:", 1), `unknown field "jetsteam"`},
		{"no accounts", `system_account: "SYS"`, "no user"},
		{"accounts of another kind", "accounts: 5", "no user"},
		{"no users", "accounts { A { jetstream: enabled } }", "no user"},
		{"no key", strings.Replace(good, agency.public, "UNOKEY", 1), "public nkey"},
		{"twice", accountsOf(admin, agency, twice), "Duplicate nkey"},
		{"bad subject", accountsOf(admin, badSubject), `"a..b"`},
		{"import of what is not exported", strings.Replace(good, `{stream: "receipt.agency.>"`, `{stream: "receipt.other.>"`, 1), "import"},
		{"unknown system account", strings.Replace(good, `system_account: "SYS"`, `system_account: "NONE"`, 1), `"NONE"`},
		{"no streams", strings.Replace(good, "jetstream: enabled", "jetstream: disabled", 1), "jetstream: enabled"},
		{"system account alone", fmt.Sprintf(`accounts { SYS { users: [%s] } }, system_account: SYS`, admin.user()), "jetstream: enabled"},
	} {
		other, err := StartNATS(NATSConfig{Dir: t.TempDir(), Accounts: tt.text})
		if err == nil {
			t.Errorf("%s: started", tt.name)
			_ = other.Stop()
		} else if !strings.Contains(err.Error(), tt.err) {
			t.Errorf("%s: %v, want %q", tt.name, err, tt.err)
		}
		if err := n.Reload(tt.text); err == nil || !strings.Contains(err.Error(), tt.err) {
			t.Errorf("%s: reload: %v, want %q", tt.name, err, tt.err)
		}
	}
	if err := n.Reload(strings.ReplaceAll(good, "BERKAS", "OTHER")); err == nil || !strings.Contains(err.Error(), `"BERKAS"`) {
		t.Errorf("a reload without the account of the streams: %v", err)
	}
	intakeStream(t, admin.mustConnect(t, n.ClientURL()))
	a.submit(t, "agency", 1) // what is refused changes nothing
}
