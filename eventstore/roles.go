package eventstore

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/berkas-ledger/berkas/ledger"
)

// Role is what a user of the NATS servers is there for.
type Role string

// The roles. Their rights are one table, which the embedded server enforces and
// NATSConfig prints for a cluster.
const (
	RoleRegistrar  Role = "registrar"  // writes LEDGER, takes from INTAKE, sends receipts
	RoleProvision  Role = "provision"  // creates streams and consumers, deletes LEDGER to make it anew
	RoleDoor       Role = "door"       // the HTTP server: puts submissions of any agency into INTAKE
	RoleFollower   Role = "follower"   // reads LEDGER: projections, auditors, copies
	RoleAgency     Role = "agency"     // submits under its own name and hears its own receipts
	RoleMonitoring Role = "monitoring" // reads states and sizes, no message
	RoleSystem     Role = "system"     // asks a cluster's servers how they run, before the registrar starts
)

// Names of streams and consumers.
const (
	streamLedger      = "LEDGER"
	consumerRegistrar = "registrar" // the registrar's, on every stream
	prefixIntake      = "intake."
	prefixReceipt     = "receipt."

	accountLedger = "BERKAS"
	accountSystem = "SYS"
)

func streamIntake(a ledger.AgencyID) string { return "INTAKE-" + string(a) }

// right is one line of the table. {name} stands for the user's name.
type right struct {
	// inside is the ledger's own account. Everybody else has an account of his
	// own, into which what he may publish is imported as a service and what he
	// may hear as a stream. That is not tidiness: a NATS server sends an answer
	// to whatever subject a request names, without asking whether the requester
	// may publish there. In one account with the registrar an agency could have
	// the acknowledgement of its own submission put onto LEDGER, and a follower
	// the status of a pull onto "$JS.API.STREAM.DELETE.LEDGER", which obeys.
	// Through an import answers reach the requester's own account only.
	inside bool
	named  bool
	inbox  string

	publish   []string
	many      []string // as publish, where one request gets many answers
	subscribe []string
}

var rights = map[Role]right{
	RoleRegistrar: {
		inside: true, inbox: "registrar",
		publish: []string{
			ledger.SubjectsLedger,
			prefixReceipt + ">",
			subjectSealed,
			"$JS.API.STREAM.INFO." + streamSealed,
			"$JS.API.STREAM.MSG.GET." + streamSealed,
			"$JS.API.STREAM.INFO." + streamLedger,
			"$JS.API.DIRECT.GET." + streamLedger,
			"$JS.API.CONSUMER.INFO.*." + consumerRegistrar,
			"$JS.API.CONSUMER.MSG.NEXT.*." + consumerRegistrar,
			"$JS.API.CONSUMER.RESET.*." + consumerRegistrar,
			"$JS.ACK.*." + consumerRegistrar + ".>",
			"$JS.ACK.*.*.*." + consumerRegistrar + ".>", // the form with domain and account
		},
	},
	// Not UPDATE: lowering a limit deletes messages, whatever the deny flags say.
	RoleProvision: {
		inside: true, inbox: "provision",
		publish: []string{
			"$JS.API.STREAM.CREATE.*",
			"$JS.API.STREAM.INFO.*",
			"$JS.API.STREAM.DELETE." + streamLedger,
			"$JS.API.CONSUMER.CREATE.*.*",
			"$JS.API.CONSUMER.INFO.*.*",
			"$JS.API.CONSUMER.NAMES." + streamLedger,
		},
	},
	RoleDoor: {
		inbox:     "door",
		publish:   []string{prefixIntake + "*"},
		subscribe: []string{prefixReceipt + ">"},
	},
	// All of LEDGER, and of its consumers the follower's own: with another's it
	// could take away what the other waits for.
	RoleFollower: {
		named: true, inbox: "follower-{name}",
		publish: []string{"$JS.API.CONSUMER.RESET." + streamLedger + ".{name}"},
		many: []string{
			"$JS.API.CONSUMER.MSG.NEXT." + streamLedger + ".{name}",
			"$JS.API.DIRECT.GET." + streamLedger,
		},
	},
	RoleAgency: {
		named: true, inbox: "{name}",
		publish:   []string{prefixIntake + "{name}"},
		subscribe: []string{prefixReceipt + "{name}.>"},
	},
	RoleMonitoring: {
		inbox: "monitoring",
		many:  []string{"$SYS.REQ.SERVER.PING.JSZ"},
	},
	RoleSystem: {
		inbox: "system",
		many:  []string{"$SYS.REQ.SERVER.PING.VARZ"},
	},
}

// User is somebody who may connect.
type User struct {
	Role Role
	// Name is the agency of RoleAgency and the follower's name of RoleFollower;
	// other roles have none.
	Name string
	Key  string // public nkey ("U...")
}

var userName = regexp.MustCompile(`^[a-z0-9-]{1,32}$`)

func (u User) right() (right, error) {
	r, ok := rights[u.Role]
	if !ok {
		return right{}, fmt.Errorf("there is no role %q", u.Role)
	}
	if r.named != (u.Name != "") || r.named && !userName.MatchString(u.Name) {
		return right{}, fmt.Errorf("role %s does not go with the name %q", u.Role, u.Name)
	}
	if _, taken := rights[Role(u.Name)]; u.Role == RoleAgency && (taken || strings.HasPrefix(u.Name, "follower-")) {
		return right{}, fmt.Errorf("an agency cannot have the name %q here", u.Name)
	}
	if u.Role == RoleFollower && u.Name == consumerRegistrar {
		return right{}, fmt.Errorf("a follower cannot have the name %q", u.Name)
	}
	named := func(list []string) []string {
		out := make([]string, len(list))
		for i, s := range list {
			out[i] = strings.ReplaceAll(s, "{name}", u.Name)
		}
		return out
	}
	r.publish, r.many, r.subscribe = named(r.publish), named(r.many), named(r.subscribe)
	r.inbox = "_INBOX." + strings.ReplaceAll(r.inbox, "{name}", u.Name)
	return r, nil
}

// account is where a user lives.
func (u User) account(r right) string {
	switch {
	case r.inside:
		return accountLedger
	case u.Role == RoleSystem:
		return accountSystem
	case u.Name == "":
		return string(u.Role)
	}
	return string(u.Role) + "-" + u.Name
}

// Rights lists the subjects that a user may publish to and subscribe to, with
// NATS wildcards; nothing else is allowed.
type Rights struct {
	Publish   []string
	Subscribe []string
}

// RightsOf reads the table for one user. A user with a role or name that does
// not exist has no rights and gets an error. Rights alone do not keep users
// apart: see Accounts.
func RightsOf(u User) (Rights, error) {
	r, err := u.right()
	if err != nil {
		return Rights{}, err
	}
	return Rights{
		Publish:   slices.Concat(r.publish, r.many),
		Subscribe: append(r.subscribe, r.inbox+".>"),
	}, nil
}

// InboxPrefix is the inbox that a user subscribes to for answers; clients other
// than this package's have to set it. A user that does not exist has none.
func InboxPrefix(u User) string {
	r, err := u.right()
	if err != nil {
		return ""
	}
	return r.inbox
}
