package eventstore

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/nats-io/nats.go"
)

// world is a provisioned server with one message waiting in each INTAKE and
// three records on LEDGER.
type world struct {
	*testServer
	before map[string]streamInfo
}

func newWorld(t *testing.T) *world {
	n := newNode(t)
	s := n.open(t)
	commit(t, s, newRecords(2, 2, "", 100))
	check(t, s.Close())
	w := &world{testServer: n.server}
	for _, a := range []string{"bawaslu", "kasn"} {
		c := w.connect(t, User{Role: RoleAgency, Name: a})
		_, err := c.Request("intake."+a, []byte("{}"), requestTimeout)
		check(t, err)
	}
	w.before = w.state(t)
	return w
}

func (w *world) state(t *testing.T) map[string]streamInfo {
	t.Helper()
	c := w.connect(t, User{Role: RoleProvision})
	out := map[string]streamInfo{}
	for _, name := range []string{"LEDGER", "INTAKE-bawaslu", "INTAKE-kasn"} {
		var info streamInfo
		check(t, ask(t.Context(), c, "STREAM.INFO."+name, nil, &info))
		out[name] = info
	}
	return out
}

// untouched fails if a stream has gained or lost anything, but for what may be
// new in the named one.
func (w *world) untouched(t *testing.T, except string) {
	t.Helper()
	for name, now := range w.state(t) {
		before := w.before[name]
		if name == except {
			before.State = now.State
		}
		if err := differs(name, now.Config, before.Config); err != nil || now.State != before.State {
			t.Errorf("stream %s was touched: %+v, before %+v; %v", name, now.State, before.State, err)
		}
	}
}

// denied reports whether the server refused what was just done.
func denied(t *testing.T, c *nats.Conn) bool {
	t.Helper()
	check(t, flush(t.Context(), c))
	return errors.Is(c.LastError(), nats.ErrPermissionViolation)
}

func TestRolesAreDeniedWhatTheyMustNot(t *testing.T) {
	w := newWorld(t)
	everybody := []string{
		"ledger.roster", "receipt.kasn.abc", "intake.kasn",
		"$JS.API.STREAM.UPDATE.LEDGER", "$JS.API.STREAM.PURGE.LEDGER", "$JS.API.STREAM.MSG.DELETE.LEDGER", "$JS.API.STREAM.MSG.GET.LEDGER",
		"$JS.API.STREAM.CREATE.OTHER", "$JS.API.STREAM.DELETE.LEDGER", "$JS.API.STREAM.DELETE.INTAKE-kasn", "$JS.API.STREAM.PURGE.INTAKE-kasn",
		"$JS.API.STREAM.UPDATE.INTAKE-kasn", "$JS.API.STREAM.SNAPSHOT.LEDGER", "$JS.API.STREAM.RESTORE.OTHER", "$JS.API.STREAM.LEADER.STEPDOWN.LEDGER",
		"$JS.API.CONSUMER.CREATE.LEDGER", "$JS.API.CONSUMER.CREATE.LEDGER.mine", "$JS.API.CONSUMER.CREATE.LEDGER.mine.ledger.roster",
		"$JS.API.CONSUMER.DURABLE.CREATE.LEDGER.mine", "$JS.API.CONSUMER.DELETE.LEDGER.projections", "$JS.API.CONSUMER.PAUSE.LEDGER.projections",
		"$JS.API.CONSUMER.MSG.NEXT.LEDGER.projections", "$JS.API.CONSUMER.RESET.LEDGER.projections",
		"$JS.API.CONSUMER.MSG.NEXT.LEDGER.registrar", "$JS.API.CONSUMER.MSG.NEXT.INTAKE-kasn.registrar", "$JS.API.CONSUMER.RESET.INTAKE-kasn.registrar",
		"$JS.ACK.INTAKE-kasn.registrar.1.1.1.1.0",
		"$JS.API.DIRECT.GET.INTAKE-kasn", "$JS.API.DIRECT.GET.LEDGER.ledger.roster", "$JS.API.DIRECT.GET.LEDGER",
		"$SYS.REQ.SERVER.PING.JSZ", "$SYS.REQ.SERVER.PING.VARZ", "$JS.API.INFO", "_INBOX.kasn.x",
	}
	hearing := []string{">", "*.>", "ledger.>", "intake.>", "intake.kasn", "receipt.>", "receipt.kasn.>", "_INBOX.>", "_INBOX.kasn.>", "$JS.>", "$SYS.>"}
	for _, u := range testUsers() {
		may, err := RightsOf(u)
		check(t, err)
		publish, subscribe := everybody, hearing
		switch u.Role {
		case RoleRegistrar:
			publish = except(publish, "ledger.roster", "receipt.kasn.abc", "$JS.API.DIRECT.GET.LEDGER", "$JS.API.CONSUMER.MSG.NEXT.LEDGER.registrar",
				"$JS.API.CONSUMER.MSG.NEXT.INTAKE-kasn.registrar", "$JS.API.CONSUMER.RESET.INTAKE-kasn.registrar", "$JS.ACK.INTAKE-kasn.registrar.1.1.1.1.0")
		case RoleProvision:
			publish = except(publish, "$JS.API.STREAM.CREATE.OTHER", "$JS.API.STREAM.DELETE.LEDGER", "$JS.API.CONSUMER.CREATE.LEDGER.mine")
		case RoleDoor:
			publish, subscribe = except(publish, "intake.kasn"), except(hearing, "receipt.>", "receipt.kasn.>")
		case RoleFollower:
			publish = except(publish, "$JS.API.DIRECT.GET.LEDGER", "$JS.API.CONSUMER.MSG.NEXT.LEDGER."+u.Name, "$JS.API.CONSUMER.RESET.LEDGER."+u.Name)
		case RoleAgency:
			if u.Name == "kasn" {
				publish, subscribe = except(publish, "intake.kasn"), except(hearing, "receipt.kasn.>", "_INBOX.kasn.>")
			}
		case RoleMonitoring:
			publish = except(publish, "$SYS.REQ.SERVER.PING.JSZ")
		case RoleSystem:
			publish = except(publish, "$SYS.REQ.SERVER.PING.VARZ")
		}
		for _, subject := range publish {
			c := w.connect(t, u)
			check(t, c.Publish(subject, nil))
			if !denied(t, c) {
				t.Errorf("%s %s may publish to %s (has %v)", u.Role, u.Name, subject, may.Publish)
			}
			c.Close()
		}
		for _, subject := range subscribe {
			c := w.connect(t, u)
			_, err := c.SubscribeSync(subject)
			check(t, err)
			if !denied(t, c) {
				t.Errorf("%s %s may subscribe to %s (has %v)", u.Role, u.Name, subject, may.Subscribe)
			}
			c.Close()
		}
	}
	w.untouched(t, "")
}

func except(list []string, without ...string) []string {
	return slices.DeleteFunc(slices.Clone(list), func(s string) bool { return slices.Contains(without, s) })
}

// TestAnswersStayWithTheAsker names somebody else's subject as the place for an
// answer. The servers do not ask whether the asker may publish there; what keeps
// the answer away is that the asker lives in another account.
func TestAnswersStayWithTheAsker(t *testing.T) {
	w := newWorld(t)
	heard := w.connect(t, User{Role: RoleAgency, Name: "kasn"})
	receipts, err := heard.SubscribeSync("receipt.kasn.>")
	check(t, err)
	check(t, flush(t.Context(), heard))
	for _, u := range []User{{Role: RoleAgency, Name: "bawaslu"}, {Role: RoleDoor}, {Role: RoleFollower, Name: "auditor"}, {Role: RoleMonitoring}} {
		w.misdirect(t, u)
	}
	check(t, flush(t.Context(), heard))
	w.untouched(t, "INTAKE-bawaslu")
	if m, err := receipts.NextMsgWithContext(canceled(t)); err == nil {
		t.Errorf("kasn heard %q", m.Data)
	}
}

// TestWhyAccounts shows that the test above can fail, and why the table of
// rights alone is not enough: in one account a follower, who may publish to
// three subjects, has the server delete another agency's submissions.
func TestWhyAccounts(t *testing.T) {
	w := &world{testServer: startFlatServer(t)}
	w.provision(t, newJournal(t, 0))
	w.misdirect(t, User{Role: RoleFollower, Name: "auditor"})
	c := w.connect(t, User{Role: RoleProvision})
	eventually(t, "INTAKE-kasn is deleted", func() bool {
		return isCode(ask(t.Context(), c, "STREAM.INFO.INTAKE-kasn", nil, nil), codeStreamNotFound)
	})
}

// misdirect makes every request that a user may make and has the answers sent
// to other people's subjects.
func (w *world) misdirect(t *testing.T, u User) {
	t.Helper()
	requests := map[string]string{
		"intake.bawaslu": "{}",
		"$JS.API.CONSUMER.MSG.NEXT.LEDGER.auditor": `{"batch":10,"no_wait":true}`,
		"$JS.API.CONSUMER.RESET.LEDGER.auditor":    `{"seq":1}`,
		"$JS.API.DIRECT.GET.LEDGER":                `{"seq":99}`,
		"$SYS.REQ.SERVER.PING.JSZ":                 "",
	}
	r, err := RightsOf(u)
	check(t, err)
	conn := w.connect(t, u)
	for _, subject := range r.Publish {
		subject = strings.ReplaceAll(subject, "*", "bawaslu")
		body, ok := requests[subject]
		if !ok {
			t.Fatalf("how to ask %s?", subject)
		}
		for _, target := range []string{
			"ledger.roster", "intake.kasn", "receipt.kasn.abc", "$JS.API.STREAM.DELETE.LEDGER", "$JS.API.STREAM.DELETE.INTAKE-kasn",
			"$JS.API.STREAM.PURGE.INTAKE-kasn", "$JS.API.CONSUMER.MSG.NEXT.INTAKE-kasn.registrar", "$JS.API.CONSUMER.RESET.INTAKE-kasn.registrar",
			"$JS.API.CONSUMER.DELETE.LEDGER.registrar", "$JS.ACK.INTAKE-kasn.registrar.1.1.1.1.0",
		} {
			check(t, conn.PublishRequest(subject, target, []byte(body)))
			// Once more, when nothing is left: the answer is empty then, which is
			// what a request to delete looks like.
			check(t, conn.PublishRequest(subject, target, []byte(body)))
		}
		m := nats.NewMsg(subject)
		m.Header.Set("Nats-Trace-Dest", "ledger.roster")
		check(t, conn.PublishMsg(m))
	}
	check(t, flush(t.Context(), conn))
}

func canceled(t *testing.T) context.Context {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	return ctx
}

func TestRolesCanDoWhatTheyMust(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()

	agency := w.connect(t, User{Role: RoleAgency, Name: "kasn"})
	door := w.connect(t, User{Role: RoleDoor})
	own, err := agency.SubscribeSync("receipt.kasn.>")
	check(t, err)
	all, err := door.SubscribeSync("receipt.>")
	check(t, err)
	check(t, errors.Join(flush(ctx, agency), flush(ctx, door)))
	for _, c := range []*nats.Conn{agency, door} {
		m, err := c.Request("intake.kasn", []byte("{}"), requestTimeout)
		check(t, err)
		if !strings.Contains(string(m.Data), `"stream":"INTAKE-kasn"`) {
			t.Errorf("intake answers %q", m.Data)
		}
	}
	registrar := w.connect(t, User{Role: RoleRegistrar})
	check(t, registrar.Publish("receipt.kasn.abc", []byte("receipt")))
	check(t, registrar.Publish("receipt.bkn.def", []byte("not for kasn")))
	check(t, flush(ctx, registrar))
	for _, sub := range []*nats.Subscription{own, all} {
		m, err := sub.NextMsg(requestTimeout)
		check(t, err)
		if m.Subject != "receipt.kasn.abc" || string(m.Data) != "receipt" {
			t.Errorf("heard %s %q", m.Subject, m.Data)
		}
	}
	m, err := all.NextMsg(requestTimeout)
	check(t, err)
	if m.Subject != "receipt.bkn.def" {
		t.Errorf("the door heard %s", m.Subject)
	}
	monitoring := w.connect(t, User{Role: RoleMonitoring})
	m, err = monitoring.Request("$SYS.REQ.SERVER.PING.JSZ", []byte(`{"streams":true}`), requestTimeout)
	check(t, err)
	if !strings.Contains(string(m.Data), `"LEDGER"`) || strings.Contains(string(m.Data), "position") {
		t.Errorf("monitoring sees %q", m.Data)
	}
	system := w.connect(t, User{Role: RoleSystem})
	m, err = system.Request("$SYS.REQ.SERVER.PING.VARZ", nil, requestTimeout)
	check(t, err)
	if !strings.Contains(string(m.Data), "sync_interval") {
		t.Errorf("system sees %q", m.Data)
	}
}

func TestRightsOf(t *testing.T) {
	for _, u := range []User{
		{Role: "admin"},
		{Role: RoleAgency},
		{Role: RoleFollower},
		{Role: RoleRegistrar, Name: "x"},
		{Role: RoleAgency, Name: "a.b"},
		{Role: RoleAgency, Name: "*"},
		{Role: RoleAgency, Name: ">"},
		{Role: RoleAgency, Name: "Bawaslu"},
		{Role: RoleAgency, Name: "door"},
		{Role: RoleAgency, Name: "follower-x"},
		{Role: RoleFollower, Name: "registrar"},
		{Role: RoleAgency, Name: strings.Repeat("a", 33)},
	} {
		if r, err := RightsOf(u); err == nil || r.Publish != nil || r.Subscribe != nil || InboxPrefix(u) != "" {
			t.Errorf("%v has %v and inbox %q", u, r, InboxPrefix(u))
		}
	}
	r, err := RightsOf(User{Role: RoleAgency, Name: "bawaslu"})
	check(t, err)
	if !slices.Equal(r.Publish, []string{"intake.bawaslu"}) || !slices.Equal(r.Subscribe, []string{"receipt.bawaslu.>", "_INBOX.bawaslu.>"}) {
		t.Errorf("an agency's rights are %v", r)
	}
	if InboxPrefix(User{Role: RoleAgency, Name: "bawaslu"}) != "_INBOX.bawaslu" {
		t.Error("an agency's inbox moved")
	}
}

func TestAccountsRefuse(t *testing.T) {
	users := testUsers()
	newKeys(t, users)
	for name, list := range map[string][]User{
		"no key":       {{Role: RoleRegistrar}},
		"a wild key":   {{Role: RoleRegistrar, Key: `U" }`}},
		"a wild name":  {{Role: RoleAgency, Name: `x" }`, Key: users[0].Key}},
		"a key twice":  {{Role: RoleRegistrar, Key: users[0].Key}, {Role: RoleProvision, Key: users[0].Key}},
		"unknown role": {{Role: "x", Key: users[0].Key}},
	} {
		if text, err := Accounts(list); err == nil {
			t.Errorf("%s: %s", name, text)
		}
	}
	good := ServerConfig{Name: "n1", Cluster: "berkas", Listen: "127.0.0.1:4222", Route: "127.0.0.1:6222", StoreDir: "/var/lib/nats"}
	if _, err := NATSConfig(good); err != nil {
		t.Error(err)
	}
	alone := good
	alone.Cluster, alone.Route = "", ""
	if text, err := NATSConfig(alone); err != nil || strings.Contains(text, "\ncluster {") || strings.Contains(text, "sync_interval") {
		t.Errorf("a server that stands alone: %v\n%s", err, text)
	}
	for name, change := range map[string]func(*ServerConfig){
		"no route":      func(c *ServerConfig) { c.Route = "" },
		"no name":       func(c *ServerConfig) { c.Name = "" },
		"a wild name":   func(c *ServerConfig) { c.Name = "n1\"\nlisten: 0.0.0.0" },
		"a wild route":  func(c *ServerConfig) { c.Routes = []string{`x"]`} },
		"no directory":  func(c *ServerConfig) { c.StoreDir = "" },
		"a wild listen": func(c *ServerConfig) { c.Listen = "1 }" },
	} {
		c := good
		change(&c)
		if text, err := NATSConfig(c); err == nil {
			t.Errorf("%s: %s", name, text)
		}
	}
}
