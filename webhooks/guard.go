package webhooks

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"syscall"
	"time"
)

// What a message may be sent to is decided when the connection is made, by the address
// that is then dialled: a name that was looked up before may lead elsewhere now.

// ErrAddress says that an endpoint's name leads where messages are not sent.
var ErrAddress = errors.New("the address is not a public one")

// closedNets are addresses that reach no public host although their bits do not say
// so. Source: IANA, IPv4 and IPv6 Special-Purpose Address Registries.
var closedNets = []netip.Prefix{
	netip.MustParsePrefix("0.0.0.0/8"),
	netip.MustParsePrefix("100.64.0.0/10"), // shared by carriers
	netip.MustParsePrefix("192.0.0.0/24"),
	netip.MustParsePrefix("192.0.2.0/24"), // documentation, as the next three
	netip.MustParsePrefix("198.51.100.0/24"),
	netip.MustParsePrefix("203.0.113.0/24"),
	netip.MustParsePrefix("2001:db8::/32"),
	netip.MustParsePrefix("198.18.0.0/15"), // benchmarks
	netip.MustParsePrefix("240.0.0.0/4"),
	netip.MustParsePrefix("64:ff9b::/96"), // these five carry an IPv4 address in them
	netip.MustParsePrefix("64:ff9b:1::/48"),
	netip.MustParsePrefix("2002::/16"),
	netip.MustParsePrefix("2001::/23"),
	netip.MustParsePrefix("::/96"),
	netip.MustParsePrefix("fec0::/10"),
	netip.MustParsePrefix("100::/64"),
}

// public reports whether an address is one that strangers reach.
func public(a netip.Addr) bool {
	a = a.Unmap()
	if !a.IsGlobalUnicast() || a.IsPrivate() || a.IsLoopback() || a.IsLinkLocalUnicast() || a.Zone() != "" {
		return false
	}
	for _, n := range closedNets {
		if n.Contains(a) {
			return false
		}
	}
	return true
}

// reach says which addresses an endpoint may be at.
type reach int

const (
	reachPublic   reach = iota
	reachPrivate        // also those of the operator's own network
	reachLoopback       // this machine and no other
)

// control refuses a connection before it is made.
func (r reach) control(_ context.Context, _, address string, _ syscall.RawConn) error {
	to, err := netip.ParseAddrPort(address)
	if err != nil {
		return fmt.Errorf("%w: %q", ErrAddress, address)
	}
	a := to.Addr().Unmap()
	ok := false
	switch r {
	case reachPublic:
		ok = public(a)
	case reachPrivate: // never what no host has: nobody, everybody, many
		ok = !a.IsUnspecified() && !a.IsMulticast() && a != netip.AddrFrom4([4]byte{255, 255, 255, 255})
	case reachLoopback:
		ok = a.IsLoopback()
	}
	if !ok {
		return fmt.Errorf("%w (it may be allowed when the endpoint is added)", ErrAddress)
	}
	return nil
}

// Bounds of one attempt.
const (
	attemptTime   = 15 * time.Second
	dialTime      = 5 * time.Second
	maxAnswerHead = 16 << 10
	maxAnswer     = 16 << 10 // of its body, which nobody reads, so that the connection may be used again
)

// client makes the client of one endpoint: it uses no proxy of the environment, which
// would dial unguarded, follows no redirect, and believes no certificate but those of
// the system or the endpoint's own authority.
func client(r reach, roots *x509.CertPool, limit time.Duration) *http.Client {
	dialer := &net.Dialer{Timeout: dialTime, KeepAlive: 30 * time.Second, ControlContext: r.control}
	return &http.Client{
		Timeout:       limit,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{
			DialContext: dialer.DialContext, TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: roots}, ForceAttemptHTTP2: true,
			TLSHandshakeTimeout: dialTime, ResponseHeaderTimeout: limit, MaxResponseHeaderBytes: maxAnswerHead,
			MaxConnsPerHost: 2, MaxIdleConns: 1, IdleConnTimeout: time.Minute, DisableCompression: true,
		},
	}
}
