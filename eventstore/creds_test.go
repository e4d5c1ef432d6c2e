package eventstore

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/jwt/v2"
	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nkeys"

	"github.com/berkas-ledger/berkas/ledger"
)

// TestLoginByCredentials: a server whose users are signed by an operator takes
// the credentials file that such a user has, and nobody else's.
func TestLoginByCredentials(t *testing.T) {
	operator, account, stranger := pairOf(t, nkeys.CreateOperator), pairOf(t, nkeys.CreateAccount), pairOf(t, nkeys.CreateAccount)
	system := pairOf(t, nkeys.CreateAccount)
	resolver := new(server.MemAccResolver)
	for _, a := range []nkeys.KeyPair{account, system} {
		claims := jwt.NewAccountClaims(publicOf(t, a))
		if a == account {
			claims.Limits.JetStreamLimits = jwt.JetStreamLimits{MemoryStorage: -1, DiskStorage: -1, Streams: -1, Consumer: -1}
		}
		signed, err := claims.Encode(operator)
		check(t, err)
		check(t, resolver.Store(publicOf(t, a), signed))
	}
	root := jwt.NewOperatorClaims(publicOf(t, operator))
	_, err := root.Encode(operator)
	check(t, err)
	srv, err := server.NewServer(&server.Options{
		Host: "127.0.0.1", Port: -1, NoLog: true, NoSigs: true, JetStream: true, StoreDir: t.TempDir(),
		TrustedOperators: []*jwt.OperatorClaims{root}, AccountResolver: resolver, SystemAccount: publicOf(t, system),
	})
	check(t, err)
	srv.Start()
	t.Cleanup(func() { srv.Shutdown(); srv.WaitForShutdown() })
	if !srv.ReadyForConnections(10 * time.Second) {
		t.Fatal("the server does not listen")
	}
	provision := func(file string) error {
		return Provision(t.Context(), Provisioning{
			Login: Login{URL: srv.ClientURL(), Credentials: file}, Journal: "j", Origin: "berkas.example/creds",
			Agencies: []ledger.AgencyID{ledger.Bawaslu}, Followers: []string{"auditor"},
		})
	}
	if err := provision(credsFile(t, account)); err != nil {
		t.Fatal(err)
	}
	if err := provision(credsFile(t, stranger)); err == nil || !strings.Contains(err.Error(), "connect to NATS at") {
		t.Errorf("a user whom nobody vouches for: %v", err)
	}
	if err := provision(filepath.Join(t.TempDir(), "none.creds")); err == nil {
		t.Error("a file that is not there was no error")
	}
}

func pairOf(t *testing.T, create func() (nkeys.KeyPair, error)) nkeys.KeyPair {
	t.Helper()
	pair, err := create()
	check(t, err)
	return pair
}

func publicOf(t *testing.T, pair nkeys.KeyPair) string {
	t.Helper()
	public, err := pair.PublicKey()
	check(t, err)
	return public
}

// credsFile writes the credentials of a new user of an account.
func credsFile(t *testing.T, account nkeys.KeyPair) string {
	t.Helper()
	user := pairOf(t, nkeys.CreateUser)
	token, err := jwt.NewUserClaims(publicOf(t, user)).Encode(account)
	check(t, err)
	seed, err := user.Seed()
	check(t, err)
	text, err := jwt.FormatUserConfig(token, seed)
	check(t, err)
	file := filepath.Join(t.TempDir(), "user.creds")
	check(t, os.WriteFile(file, text, 0o600))
	return file
}
