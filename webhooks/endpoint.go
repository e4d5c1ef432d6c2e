package webhooks

import (
	"crypto/rand"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/berkas-ledger/berkas/ledger"
)

// Endpoint is where an institution wants to be told, as the operator keeps it.
type Endpoint struct {
	Name string `json:"name"` // [a-z0-9-]{1,32}
	ID   string `json:"id"`   // random; part of every webhook-id, so a new endpoint of an old name is another
	URL  string `json:"url"`
	// Private lets it be at an address of the operator's own network, or this machine.
	Private bool            `json:"private,omitempty"`
	CA      string          `json:"ca,omitempty"`     // PEM of its own authority; "": those of the system
	Kinds   []ledger.Kind   `json:"kinds,omitempty"`  // none: all
	Agency  ledger.AgencyID `json:"agency,omitempty"` // "": every agency's events
	Paused  bool            `json:"paused,omitempty"`
	Secrets []Secret        `json:"secrets"` // the newest first; all that have not ended sign
	Order   Order           `json:"order"`
	// First is the position to begin after when nothing else says where: the last record
	// when the endpoint was added. Should the program's note of how far it is be lost, the
	// receiver gets again what it had since, and misses nothing.
	First *ledger.Position `json:"first,omitempty"`
}

// Secret is what messages are signed with.
type Secret struct {
	Value string    `json:"value"`
	Until time.Time `json:"until,omitzero"` // zero: until it is replaced
}

// Order is the newest thing that the operator wants done once. The dispatcher notes
// the number of the last one that it has followed.
type Order struct {
	Number uint64 `json:"number"` // counted from 1
	// After is the position to begin after; nil: where the dispatcher is, and where it
	// has no note of that the endpoint's First.
	After *ledger.Position `json:"after,omitempty"`
}

var (
	nameForm = regexp.MustCompile(`^[a-z0-9-]{1,32}$`)
	idForm   = regexp.MustCompile(`^[a-z0-9]{16,32}$`)
)

// maxSecrets sign at a time while they are replaced.
const maxSecrets = 4

// NewEndpoint makes an endpoint with a secret of its own.
func NewEndpoint(name, address string) Endpoint {
	return Endpoint{
		Name: name, ID: strings.ToLower(rand.Text()), URL: address,
		Secrets: []Secret{{Value: NewSecret()}}, Order: Order{Number: 1},
	}
}

// Check says what is wrong with an endpoint.
func (e *Endpoint) Check() error {
	if !nameForm.MatchString(e.Name) {
		return errors.New("the name of an endpoint is [a-z0-9-]{1,32}")
	}
	if !idForm.MatchString(e.ID) || e.Order.Number == 0 {
		return errors.New("the endpoint has no id or no order")
	}
	if err := e.checkURL(); err != nil {
		return err
	}
	if e.CA != "" && !x509.NewCertPool().AppendCertsFromPEM([]byte(e.CA)) {
		return errors.New("the endpoint's authority is no certificate in PEM")
	}
	for _, k := range e.Kinds {
		if _, known := ledger.LookupKind(k, 1); !known {
			return errors.New("an endpoint asks for a kind that is not known; see 'berkas codes kinds'")
		}
	}
	if e.Agency != "" && !e.Agency.Valid() {
		return errors.New("an agency's name is [a-z0-9-]{1,32}")
	}
	if len(e.Secrets) == 0 || len(e.Secrets) > maxSecrets {
		return fmt.Errorf("an endpoint has 1 to %d secrets", maxSecrets)
	}
	for _, s := range e.Secrets {
		if _, err := keyOf(s.Value); err != nil {
			return err
		}
	}
	return nil
}

// checkURL: https, or http to this very machine, where nobody listens in.
func (e *Endpoint) checkURL() error {
	u, err := url.Parse(e.URL)
	switch {
	case err != nil || u.Host == "" || u.Opaque != "" || len(e.URL) > 2048:
		return errors.New("the address of an endpoint is https://host/path")
	case u.User != nil || u.Fragment != "":
		return errors.New("the address of an endpoint has no user and no fragment")
	case u.Scheme == "http" && !onMachine(u.Hostname()):
		return errors.New("the address of an endpoint is https; http only to 127.0.0.1, ::1 or localhost")
	case u.Scheme != "https" && u.Scheme != "http":
		return errors.New("the address of an endpoint is https")
	}
	if a, err := netip.ParseAddr(u.Hostname()); err == nil && u.Scheme == "https" && !e.Private && !public(a) {
		return fmt.Errorf("%w: say so if it is meant", ErrAddress)
	}
	return nil
}

// onMachine reports whether a host is this machine by its very name.
func onMachine(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// plain reports whether messages go unencrypted, which never leaves this machine.
func (e *Endpoint) plain() bool { return strings.HasPrefix(strings.ToLower(e.URL), "http:") }

func (e *Endpoint) reach() reach {
	switch {
	case e.plain():
		return reachLoopback
	case e.Private:
		return reachPrivate
	}
	return reachPublic
}

func (e *Endpoint) roots() *x509.CertPool {
	if e.CA == "" {
		return nil
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM([]byte(e.CA)) // Check has read it
	return pool
}

func (e *Endpoint) wants(ev ledger.Event) bool {
	return (len(e.Kinds) == 0 || slices.Contains(e.Kinds, ev.Kind)) && (e.Agency == "" || e.Agency == ev.Source)
}

// signatures are those of all secrets that sign now.
func (e *Endpoint) signatures(m Message, now time.Time) (string, error) {
	var out []string
	for i, s := range e.Secrets {
		if i > 0 && !s.Until.IsZero() && !now.Before(s.Until) {
			continue
		}
		one, err := Sign(s.Value, m.ID, now, m.Body)
		if err != nil {
			return "", err
		}
		out = append(out, one)
	}
	return strings.Join(out, " "), nil
}

// ErrSecrets says that as many secrets sign as may at a time. None is dropped unasked:
// its receiver would refuse what comes next.
var ErrSecrets = fmt.Errorf("%d secrets sign already", maxSecrets)

// Rotate gives the endpoint a new secret. The others go on signing until a time, so
// that the receiver has until then to take the new one. After ErrSecrets nothing has
// changed.
func (e *Endpoint) Rotate(now, until time.Time) (secret string, err error) {
	secret = NewSecret()
	list := []Secret{{Value: secret}}
	for _, s := range e.Secrets {
		if s.Until.IsZero() || s.Until.After(until) {
			s.Until = until
		}
		if s.Until.After(now) {
			list = append(list, s)
		}
	}
	if len(list) > maxSecrets {
		return "", ErrSecrets
	}
	e.Secrets = list
	return secret, nil
}
