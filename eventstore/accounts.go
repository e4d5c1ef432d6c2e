package eventstore

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/nats-io/nkeys"
)

// ServerConfig is one server of a cluster, or one that stands alone beside the
// registrar's journal.
type ServerConfig struct {
	Name      string   // the server's name, unique in the cluster
	Cluster   string   // the cluster's name; "": it stands alone
	Listen    string   // host:port for clients
	Route     string   // host:port for the other servers of a cluster
	Routes    []string // nats-route://host:port of all servers
	StoreDir  string
	Users     []User
	SystemKey string // public nkey of the system account's user
}

// MaxPayload is the largest message that the servers have to take, in bytes:
// what an INTAKE stream takes, and as much as headers need besides.
const MaxPayload = maxMessage + 4<<10

var plain = regexp.MustCompile(`^[A-Za-z0-9_.:/@\[\]-]+$`)

// NATSConfig prints the configuration of one server of a cluster: accounts,
// users with their rights, JetStream with sync_interval: always.
func NATSConfig(c ServerConfig) (string, error) {
	values := map[string]string{"name": c.Name, "listen address": c.Listen, "store directory": c.StoreDir}
	if c.Cluster != "" {
		values["cluster name"], values["route address"] = c.Cluster, c.Route
	}
	for name, value := range values {
		if !plain.MatchString(value) {
			return "", fmt.Errorf("NATS configuration: the %s %q is empty or has a character that does not belong there", name, value)
		}
	}
	for _, route := range c.Routes {
		if !plain.MatchString(route) {
			return "", fmt.Errorf("NATS configuration: the route %q has a character that does not belong there", route)
		}
	}
	users := c.Users
	if c.SystemKey != "" {
		users = append(slices.Clone(users), User{Role: RoleSystem, Key: c.SystemKey})
	}
	accounts, err := Accounts(users)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	b.WriteString("# A NATS server of this ledger, printed by berkas nats-config.\n" +
		"# Clients and other servers are strangers until you add tls {} here and in\n" +
		"# cluster {}; keep routes in a network of their own.\n")
	fmt.Fprintf(&b, "server_name: %q\nlisten: %q\nmax_payload: %d\n\njetstream {\n  store_dir: %q\n", c.Name, c.Listen, MaxPayload, c.StoreDir)
	if c.Cluster == "" {
		b.WriteString("  # A receipt means that the record is in the registrar's journal, fsynced.\n}\n\n")
	} else {
		fmt.Fprintf(&b, `  # A receipt means that the record is on the disks of a majority.
  sync_interval: always
}

cluster {
  name: %q
  listen: %q
  routes: [%s]
}

`, c.Cluster, c.Route, quoted(c.Routes))
	}
	b.WriteString(accounts)
	return b.String(), nil
}

// account is one block of the configuration.
type account struct {
	users, imports []string
	exports        []export
}

// export opens a subject of an account to other accounts.
type export struct {
	kind, subject, more string
	to                  []string
}

func (a *account) open(kind, subject, more, to string) {
	for i, e := range a.exports {
		if e.kind == kind && e.subject == subject {
			a.exports[i].to = append(e.to, to)
			return
		}
	}
	a.exports = append(a.exports, export{kind, subject, more, []string{to}})
}

func (a *account) print(b *strings.Builder, name string) {
	fmt.Fprintf(b, "  %q {\n", name)
	if name == accountLedger {
		b.WriteString("    jetstream: enabled\n")
	}
	exports := make([]string, len(a.exports))
	for i, e := range a.exports {
		exports[i] = fmt.Sprintf("{%s: %q%s, accounts: [%s]}", e.kind, e.subject, e.more, quoted(e.to))
	}
	for _, list := range []struct {
		name  string
		items []string
	}{{"users", a.users}, {"exports", exports}, {"imports", a.imports}} {
		if len(list.items) > 0 {
			fmt.Fprintf(b, "    %s: [\n      %s\n    ]\n", list.name, strings.Join(list.items, "\n      "))
		}
	}
	b.WriteString("  }\n")
}

// Accounts prints the table of rights for these users as NATS configuration:
// the blocks "accounts" and "system_account". The embedded server reads the
// same text as the servers of a cluster.
func Accounts(users []User) (string, error) {
	all := map[string]*account{accountLedger: {}, accountSystem: {}}
	seen := map[string]User{}
	for _, u := range users {
		r, err := u.right()
		if err != nil {
			return "", fmt.Errorf("NATS configuration: %w", err)
		}
		if !nkeys.IsValidPublicUserKey(u.Key) {
			return "", fmt.Errorf("NATS configuration: %s %s: %q is no public user nkey", u.Role, u.Name, u.Key)
		}
		if other, ok := seen[u.Key]; ok {
			return "", fmt.Errorf("NATS configuration: %s %s and %s %s have the same nkey", other.Role, other.Name, u.Role, u.Name)
		}
		seen[u.Key] = u
		if err := enter(all, u, r); err != nil {
			return "", err
		}
	}
	var b strings.Builder
	b.WriteString("accounts {\n")
	names := make([]string, 0, len(all))
	for name := range all {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		all[name].print(&b, name)
	}
	fmt.Fprintf(&b, "}\nsystem_account: %q\n", accountSystem)
	return b.String(), nil
}

// enter puts a user into its account and opens to the account what the user
// may do.
func enter(all map[string]*account, u User, r right) error {
	name := u.account(r)
	a := all[name]
	first := a == nil // several users may be one agency
	if first {
		a = &account{}
		all[name] = a
	}
	rights, err := RightsOf(u)
	if err != nil {
		return err
	}
	publish := fmt.Sprintf("allow: [%s]", quoted(rights.Publish))
	if len(rights.Publish) == 0 { // which the server would take for everything
		publish = `deny: [">"]`
	}
	a.users = append(a.users, fmt.Sprintf("{nkey: %s, permissions: {publish: {%s}, subscribe: {allow: [%s]}}}", u.Key, publish, quoted(rights.Subscribe)))
	if r.inside || name == accountSystem || !first {
		return nil
	}
	exporter := accountLedger
	if u.Role == RoleMonitoring {
		exporter = accountSystem
	}
	share := func(kind, subject, more string) {
		all[exporter].open(kind, subject, more, name)
		a.imports = append(a.imports, fmt.Sprintf("{%s: {account: %q, subject: %q}}", kind, exporter, subject))
	}
	for _, s := range r.publish {
		share("service", s, "")
	}
	for _, s := range r.many {
		share("service", s, ", response_type: stream")
	}
	for _, s := range r.subscribe {
		share("stream", s, "")
	}
	return nil
}

func quoted(list []string) string {
	out := make([]string, len(list))
	for i, s := range list {
		out[i] = strconv.Quote(s)
	}
	return strings.Join(out, ", ")
}
