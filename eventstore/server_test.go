package eventstore

import (
	"fmt"
	"net"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nkeys"

	"github.com/berkas-ledger/berkas/internal/local"
	"github.com/berkas-ledger/berkas/internal/testkit"
	"github.com/berkas-ledger/berkas/ledger"
)

func TestMain(m *testing.M) { testkit.Main(m) }

// testServer is a NATS server in this process. The one that stands alone is the
// embedded one; those of a cluster run on the configuration that is printed.
type testServer struct {
	*server.Server // of a cluster, or flat
	options        *server.Options

	embedded *local.NATS
	config   local.NATSConfig

	seeds map[User]string
}

var testFollowers = []string{"projections", "auditor"}

func testUsers() []User {
	users := []User{{Role: RoleRegistrar}, {Role: RoleProvision}, {Role: RoleDoor}, {Role: RoleMonitoring}, {Role: RoleSystem}}
	for _, a := range []ledger.AgencyID{ledger.Bawaslu, ledger.KASN, ledger.BKN} {
		users = append(users, User{Role: RoleAgency, Name: string(a)})
	}
	for _, f := range testFollowers {
		users = append(users, User{Role: RoleFollower, Name: f})
	}
	return users
}

// newKeys draws a key for every user.
func newKeys(tb testing.TB, users []User) map[User]string {
	tb.Helper()
	seeds := map[User]string{}
	for i, u := range users {
		pair, err := nkeys.CreateUser()
		check(tb, err)
		seed, err := pair.Seed()
		check(tb, err)
		users[i].Key, err = pair.PublicKey()
		check(tb, err)
		seeds[u] = string(seed)
	}
	return seeds
}

// startServer starts the embedded server over a directory; restart does it again
// after it was stopped.
func startServer(tb testing.TB, dir string) *testServer {
	tb.Helper()
	users := testUsers()
	s := &testServer{seeds: newKeys(tb, users)}
	accounts, err := Accounts(users)
	check(tb, err)
	s.config = local.NATSConfig{Dir: dir, Accounts: accounts, MaxPayload: MaxPayload, Log: testkit.Log(tb)}
	s.restart(tb)
	address, err := url.Parse(s.ClientURL())
	check(tb, err)
	s.config.Port, err = strconv.Atoi(address.Port()) // clients find it there again
	check(tb, err)
	tb.Cleanup(s.stop)
	return s
}

// startFlatServer starts one that enforces the same rights in one account.
func startFlatServer(tb testing.TB) *testServer {
	tb.Helper()
	users := testUsers()
	seeds := newKeys(tb, users)
	o := &server.Options{
		ServerName: "flat", Host: "127.0.0.1", Port: -1, JetStream: true, StoreDir: tb.TempDir(),
		NoLog: true, NoSigs: true, MaxPayload: MaxPayload,
	}
	for _, u := range users {
		r, err := RightsOf(u)
		check(tb, err)
		o.Nkeys = append(o.Nkeys, &server.NkeyUser{Nkey: u.Key, Permissions: &server.Permissions{
			Publish: &server.SubjectPermission{Allow: r.Publish}, Subscribe: &server.SubjectPermission{Allow: r.Subscribe},
		}})
	}
	s := &testServer{options: o, seeds: seeds}
	s.restart(tb)
	tb.Cleanup(s.stop)
	return s
}

func (s *testServer) restart(tb testing.TB) {
	tb.Helper()
	var err error
	if s.options == nil {
		s.embedded, err = local.StartNATS(s.config)
		check(tb, err)
		return
	}
	s.Server, err = server.NewServer(s.options.Clone())
	check(tb, err)
	s.Start()
	if !s.ReadyForConnections(20 * time.Second) {
		tb.Fatal("the NATS server does not start")
	}
}

func (s *testServer) stop() {
	if s.options == nil {
		_ = s.embedded.Stop()
		return
	}
	s.Shutdown()
	s.WaitForShutdown()
}

func (s *testServer) ClientURL() string {
	if s.options == nil {
		return s.embedded.ClientURL()
	}
	return s.Server.ClientURL()
}

func (s *testServer) login(u User) Login {
	return Login{URL: s.ClientURL(), Seed: s.seeds[u], Name: string(u.Role)}
}

func (s *testServer) connect(tb testing.TB, u User) *nats.Conn {
	tb.Helper()
	c, err := s.login(u).connect(tb.Context(), u, nil)
	check(tb, err)
	tb.Cleanup(c.Close)
	return c.Conn
}

// provision sets the server up for the journal in a directory.
func (s *testServer) provision(tb testing.TB, journal string) {
	tb.Helper()
	check(tb, Provision(tb.Context(), s.provisioning(tb, journal)))
}

func (s *testServer) provisioning(tb testing.TB, journal string) Provisioning {
	tb.Helper()
	a, err := readAbout(journal)
	check(tb, err)
	return Provisioning{
		Login: s.login(User{Role: RoleProvision}), Journal: a.ID, Origin: a.Origin,
		Agencies: []ledger.AgencyID{ledger.Bawaslu, ledger.KASN}, Followers: testFollowers,
	}
}

func freePorts(tb testing.TB, n int) []int {
	tb.Helper()
	ports := make([]int, n)
	for i := range ports {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		check(tb, err)
		defer l.Close()
		ports[i] = l.Addr().(*net.TCPAddr).Port
	}
	return ports
}

// startCluster starts three servers on the configuration that NATSConfig
// prints.
func startCluster(tb testing.TB) []*testServer {
	tb.Helper()
	users := testUsers()
	users = users[:len(users):len(users)]
	var system string
	seeds := newKeys(tb, users)
	for i, u := range users {
		if u.Role == RoleSystem {
			system = u.Key
			users = append(users[:i:i], users[i+1:]...)
			break
		}
	}
	const n = 3
	ports := freePorts(tb, 2*n)
	var routes []string
	for i := range n {
		routes = append(routes, fmt.Sprintf("nats-route://127.0.0.1:%d", ports[n+i]))
	}
	out := make([]*testServer, n)
	for i := range n {
		text, err := NATSConfig(ServerConfig{
			Name: fmt.Sprintf("node-%d", i), Cluster: "berkas",
			Listen: fmt.Sprintf("127.0.0.1:%d", ports[i]), Route: fmt.Sprintf("127.0.0.1:%d", ports[n+i]), Routes: routes,
			StoreDir: tb.TempDir(), Users: users, SystemKey: system,
		})
		check(tb, err)
		o := &server.Options{}
		check(tb, o.ProcessConfigString(text))
		if !o.SyncAlways || o.MaxPayload != MaxPayload {
			tb.Fatal("the printed configuration does not say what it should")
		}
		o.NoLog, o.NoSigs = true, true
		out[i] = &testServer{options: o, seeds: seeds}
		out[i].Server, err = server.NewServer(o.Clone())
		check(tb, err)
		out[i].Start()
		tb.Cleanup(out[i].stop)
	}
	eventually(tb, "the servers agree", func() bool {
		leaders, peers := 0, 0
		for _, s := range out {
			if s.JetStreamIsLeader() {
				leaders++
				peers = len(s.ActivePeers())
			}
		}
		for _, s := range out {
			if !s.JetStreamIsCurrent() {
				return false
			}
		}
		return leaders == 1 && peers == n
	})
	return out
}

// clusterLogin reaches any of the servers.
func clusterLogin(all []*testServer, u User) Login {
	var urls []string
	for _, s := range all {
		urls = append(urls, s.ClientURL())
	}
	l := all[0].login(u)
	l.URL = strings.Join(urls, ",")
	return l
}

// eventually waits for what a server does and gives no signal of.
func eventually(tb testing.TB, what string, ok func() bool) {
	tb.Helper()
	for end := time.Now().Add(30 * time.Second); !ok(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			tb.Fatalf("%s: not after 30 s", what)
		}
	}
}
