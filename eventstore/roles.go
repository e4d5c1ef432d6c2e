package eventstore

import "errors"

// Role is what a user of the NATS servers is there for.
type Role string

// The roles. Their rights are one table, which the embedded server enforces and
// NATSConfig prints for a cluster.
const (
	RoleRegistrar  Role = "registrar"  // writes LEDGER, takes from INTAKE, sends receipts
	RoleProvision  Role = "provision"  // creates streams and consumers, nothing else
	RoleDoor       Role = "door"       // the HTTP server: puts submissions of any agency into INTAKE
	RoleFollower   Role = "follower"   // reads LEDGER: projections, auditors, copies
	RoleAgency     Role = "agency"     // submits under its own name and hears its own receipts
	RoleMonitoring Role = "monitoring" // reads states and sizes, no message
)

// User is somebody who may connect.
type User struct {
	Role Role
	// Name is the agency of RoleAgency and the follower's name of RoleFollower;
	// other roles have none.
	Name string
	Key  string // public nkey ("U...")
}

// Rights lists the subjects that a user may publish to and subscribe to, with
// NATS wildcards; nothing else is allowed.
type Rights struct {
	Publish   []string
	Subscribe []string
}

// RightsOf reads the table for one user. A user with a role or name that does
// not exist has no rights and gets an error.
func RightsOf(u User) (Rights, error) { return Rights{}, errors.ErrUnsupported }

// InboxPrefix is the inbox that a user subscribes to for answers; clients other
// than this package's have to set it.
func InboxPrefix(u User) string { return "" }

// NATSConfig prints the configuration of one server of a cluster: the account,
// its users with their rights, the system account, JetStream with
// sync_interval: always.
func NATSConfig(c ServerConfig) (string, error) { return "", errors.ErrUnsupported }

// ServerConfig is one server of a cluster.
type ServerConfig struct {
	Name      string   // the server's name, unique in the cluster
	Cluster   string   // the cluster's name
	Listen    string   // host:port for clients
	Route     string   // host:port for the other servers
	Routes    []string // nats-route://host:port of all servers
	StoreDir  string
	Users     []User
	SystemKey string // public nkey of the system account's user
}
