package main

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/nats-io/nkeys"
	"golang.org/x/mod/sumdb/note"

	"github.com/berkas-ledger/berkas/agencies"
	"github.com/berkas-ledger/berkas/eventstore"
	"github.com/berkas-ledger/berkas/ledger"
)

// home is the data directory of a ledger. Everything in it is private to its
// owner but genesis.leaf, which is for everybody.
type home struct{ dir string }

func (h home) path(parts ...string) string {
	return filepath.Join(append([]string{h.dir}, parts...)...)
}

func (h home) journal() string  { return h.path("journal") }
func (h home) ring() string     { return h.path("vault", "ring.json") }
func (h home) running() string  { return h.path("running.json") }
func (h home) postgres() string { return h.path("postgres") }
func (h home) nats() string     { return h.path("nats", "jetstream") }

// logDir is where the log's checkpoints and tiles are. Its entries are the
// journal's.
func (h home) logDir() string { return h.path("log") }

// webhooks is where the endpoints of webhooks are kept, with their secrets.
func (h home) webhooks() string { return h.path("webhooks") }

// policyFile is the operator's own policy, which 'berkas trust' prints.
func (h home) policyFile() string { return h.path("policy.txt") }

// exists reports whether a ledger was initialised here.
func (h home) exists() bool {
	_, err := os.Stat(h.path("journal", "journal.json"))
	return err == nil
}

// empty reports whether nothing is here yet.
func (h home) empty() (bool, error) {
	list, err := os.ReadDir(h.dir)
	if errors.Is(err, fs.ErrNotExist) {
		return true, nil
	}
	return len(list) == 0, err
}

// keyFile is where an event or root key lies; an agency's own keys are here only
// on a rehearsal ledger.
func (h home) keyFile(id ledger.KeyID) string {
	agency, name, _ := strings.Cut(string(id), "/")
	return h.path("keys", agency, name+".key")
}

// newSigner makes and keeps a signing key.
func (h home) newSigner(id ledger.KeyID) (agencies.Signer, error) {
	s, err := agencies.GenerateSigner(id, rand.Reader)
	if err != nil {
		return s, err
	}
	if err := os.MkdirAll(filepath.Dir(h.keyFile(id)), 0o700); err != nil {
		return s, err
	}
	return s, s.Save(h.keyFile(id))
}

func (h home) signer(id ledger.KeyID) (agencies.Signer, error) {
	s, err := agencies.LoadSigner(h.keyFile(id))
	if errors.Is(err, fs.ErrNotExist) {
		return s, notFound("key %s is not in %s", id, h.path("keys"))
	}
	return s, err
}

// newNoteKey makes and keeps a key that signs notes (receipts, checkpoints) and
// gives its verifier.
func (h home) newNoteKey(file, name string) (string, error) {
	secret, verifier, err := note.GenerateKey(rand.Reader, name)
	if err != nil {
		return "", err
	}
	return verifier, writeSecret(h.path("keys", "registrar", file), secret)
}

func (h home) noteSigner(file string) (note.Signer, error) {
	secret, err := readSecret(h.path("keys", "registrar", file))
	if err != nil {
		return nil, err
	}
	s, err := note.NewSigner(secret)
	if err != nil {
		return nil, fmt.Errorf("%s does not hold a key that signs notes: %w", h.path("keys", "registrar", file), err)
	}
	return s, nil
}

// writeSecret keeps one line that only the owner may read; it never overwrites.
func writeSecret(path, secret string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = f.WriteString(secret + "\n")
	return errors.Join(err, f.Sync(), f.Close())
}

func readSecret(path string) (string, error) {
	info, err := os.Stat(path)
	if err != nil {
		return "", err
	}
	if info.Mode().Perm()&0o077 != 0 {
		return "", fmt.Errorf("%s can be read by others; run chmod 600 on it", path)
	}
	raw, err := os.ReadFile(path)
	return strings.TrimSpace(string(raw)), err
}

// Names of followers of this program's own parts.
const (
	followerProjections = "projections"
	followerCommands    = "commands"
)

// natsUsers lists who may connect to the embedded server: the roles and one user
// for each agency. Their seeds are made when they are first asked for.
func (h home) natsUsers(list []ledger.AgencyID) ([]eventstore.User, error) {
	users := []eventstore.User{
		{Role: eventstore.RoleRegistrar},
		{Role: eventstore.RoleProvision},
		{Role: eventstore.RoleDoor},
		{Role: eventstore.RoleMonitoring},
		{Role: eventstore.RoleFollower, Name: followerProjections},
		{Role: eventstore.RoleFollower, Name: followerCommands},
	}
	for _, a := range list {
		users = append(users, eventstore.User{Role: eventstore.RoleAgency, Name: string(a)})
	}
	for i := range users {
		seed, err := h.natsSeed(users[i])
		if err != nil {
			return nil, err
		}
		pair, err := nkeys.FromSeed([]byte(seed))
		if err != nil {
			return nil, fmt.Errorf("nats seed of %s %s: %w", users[i].Role, users[i].Name, err)
		}
		if users[i].Key, err = pair.PublicKey(); err != nil {
			return nil, err
		}
	}
	return users, nil
}

// accounts prints the rights of all users for the embedded server.
func (h home) accounts(list []ledger.AgencyID) (string, error) {
	users, err := h.natsUsers(list)
	if err != nil {
		return "", err
	}
	return eventstore.Accounts(users)
}

func (h home) seedFile(u eventstore.User) string {
	name := string(u.Role)
	if u.Name != "" {
		name += "-" + u.Name
	}
	return h.path("nats", "seeds", name+".nk")
}

// natsSeed reads the seed by which a user logs in, and makes it if it is
// missing.
func (h home) natsSeed(u eventstore.User) (string, error) {
	file := h.seedFile(u)
	seed, err := readSecret(file)
	if !errors.Is(err, fs.ErrNotExist) {
		return seed, err
	}
	pair, err := nkeys.CreateUser()
	if err != nil {
		return "", err
	}
	raw, err := pair.Seed()
	if err != nil {
		return "", err
	}
	return string(raw), writeSecret(file, string(raw))
}

// login gives the way to the embedded server for one of its users.
func (h home) login(url string, u eventstore.User) (eventstore.Login, error) {
	seed, err := h.natsSeed(u)
	name := "berkas " + string(u.Role) + " " + u.Name
	return eventstore.Login{URL: url, Seed: seed, Name: strings.TrimSpace(name)}, err
}

// running says where the parts of a running ledger listen. It holds the
// database's password, so it is as private as the rest.
type running struct {
	PID      int    `json:"pid"`
	Origin   string `json:"origin"`
	NATS     string `json:"nats"`
	Database string `json:"database"`
	HTTP     string `json:"http,omitempty"`
}

// announce writes running.json in one piece.
func (h home) announce(r running) error {
	raw, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	tmp := h.running() + ".new"
	if err := os.WriteFile(tmp, raw, 0o600); err != nil {
		return err
	}
	return os.Rename(tmp, h.running())
}

// found reads where the running ledger of this directory listens; ok is false
// when none runs.
func (h home) found() (r running, ok bool) {
	raw, err := os.ReadFile(h.running())
	if err != nil || json.Unmarshal(raw, &r) != nil {
		return running{}, false
	}
	p, err := os.FindProcess(r.PID)
	if err != nil || !alive(p) {
		return running{}, false
	}
	return r, true
}

// runs is found for who cannot do without; instead says what would do as well.
func (h home) runs(instead string) (running, error) {
	r, ok := h.found()
	if !ok {
		return r, unreachable("Start one with 'berkas dev', or "+instead+".", "no ledger is running over %s", h.dir)
	}
	return r, nil
}

// alive reports whether a process exists.
func alive(p *os.Process) bool {
	err := p.Signal(syscall.Signal(0))
	return err == nil || errors.Is(err, os.ErrPermission)
}

// registrarKey loads the key of the registrar's own records.
func (h home) registrarKey(id ledger.KeyID) (ed25519.PrivateKey, error) {
	raw, err := readSecret(h.path("keys", "registrar", "seed.hex"))
	if err != nil {
		return nil, fmt.Errorf("key %s of the registrar: %w", id, err)
	}
	seed, err := ledger.ParseHash(raw)
	if err != nil {
		return nil, fmt.Errorf("key %s of the registrar: %w", id, err)
	}
	return ed25519.NewKeyFromSeed(seed[:]), nil
}

// signers finds the agencies whose keys lie here: those of a rehearsal ledger.
func (h home) signers(name string) (map[ledger.AgencyID]agencies.Signer, error) {
	out := map[ledger.AgencyID]agencies.Signer{}
	files, err := filepath.Glob(h.path("keys", "*", name+".key"))
	if err != nil {
		return nil, err
	}
	slices.Sort(files)
	for _, f := range files {
		s, err := agencies.LoadSigner(f)
		if err != nil {
			return nil, err
		}
		out[s.Agency()] = s
	}
	return out, nil
}

// systemKey gives the public nkey of the system account's user; the seed is made
// when it is first asked for.
func (h home) systemKey() (string, error) {
	seed, err := h.natsSeed(eventstore.User{Role: eventstore.RoleSystem})
	if err != nil {
		return "", err
	}
	pair, err := nkeys.FromSeed([]byte(seed))
	if err != nil {
		return "", err
	}
	return pair.PublicKey()
}
