package agencies

import (
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/berkas-ledger/berkas/ledger"
)

var (
	// ErrKeyFile says that a file is not a signing key as Save writes it.
	ErrKeyFile = errors.New("not a signing key file")
	// ErrKeyPermissions says that others than the owner may read or write a key
	// file. Nothing was read from it.
	ErrKeyPermissions = errors.New("a signing key must be a plain file that only its owner may read and write (chmod 600)")
)

// Signer is a signing key of an agency. It prints as its id.
type Signer struct {
	id      ledger.KeyID
	private ed25519.PrivateKey
}

// NewSigner puts a signer together.
func NewSigner(id ledger.KeyID, private ed25519.PrivateKey) (Signer, error) {
	if !id.Valid() {
		return Signer{}, fmt.Errorf("key id %q is not <agency>/<name>, each [a-z0-9-]{1,32}", id)
	}
	if len(private) != ed25519.PrivateKeySize {
		return Signer{}, fmt.Errorf("key %s: an Ed25519 private key has %d bytes", id, ed25519.PrivateKeySize)
	}
	return Signer{id, private}, nil
}

// GenerateSigner draws a new key from random, in practice crypto/rand.Reader.
func GenerateSigner(id ledger.KeyID, random io.Reader) (Signer, error) {
	seed := make([]byte, ed25519.SeedSize)
	if _, err := io.ReadFull(random, seed); err != nil {
		return Signer{}, fmt.Errorf("draw key %s: %w", id, err)
	}
	return NewSigner(id, ed25519.NewKeyFromSeed(seed))
}

// ID is the key's id.
func (s Signer) ID() ledger.KeyID { return s.id }

// Agency is whose key it is.
func (s Signer) Agency() ledger.AgencyID { return s.id.Agency() }

// Public is the key as the roster names it.
func (s Signer) Public() ledger.NamedKey {
	return ledger.NamedKey{ID: s.id, Public: ledger.EncodePublicKey(s.private.Public().(ed25519.PublicKey))}
}

// Sign signs the bytes of an event.
func (s Signer) Sign(body []byte) ledger.Signature { return ledger.Sign(s.id, s.private, body) }

// Format writes the id, whatever the verb.
func (s Signer) Format(state fmt.State, _ rune) {
	_, _ = io.WriteString(state, "key "+string(s.id)) // State has nowhere to report an error to
}

// Sign makes the submission by which agency, the authenticated sender, hands in
// a draft. Statements of several institutions' roots have several signers.
func Sign(agency ledger.AgencyID, d Draft, signers ...Signer) (ledger.Submission, error) {
	return SignBytes(agency, d.Body, signers...)
}

// SignBytes is Sign for an event that another program wrote.
func SignBytes(agency ledger.AgencyID, body []byte, signers ...Signer) (ledger.Submission, error) {
	values := make([]string, len(signers))
	for i, s := range signers {
		values[i] = s.Sign(body).String()
	}
	signatures, bad := ledger.ParseSignatures(values)
	if bad != nil {
		return ledger.Submission{}, fmt.Errorf("sign: %w", bad)
	}
	return ledger.Submission{Agency: agency, Body: body, Signatures: signatures}, nil
}

// A key file has three lines: what it is, the id, and the seed of RFC 8032 in
// standard base64.
const keyMagic = "berkas/key/v1"

// Save writes the key to a new file, for its owner's eyes only, and makes it
// durable.
//
// Errors: fs.ErrExist if there is anything at path.
func (s Signer) Save(path string) (err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("save key %s: %w", s.id, err)
		}
	}()
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(f, "%s\nid: %s\nseed: %s\n", keyMagic, s.id, base64.StdEncoding.EncodeToString(s.private.Seed()))
	err = errors.Join(err, f.Sync(), f.Close())
	if err != nil {
		// Half a key is of no use and would stand in the way of the next attempt.
		return errors.Join(err, os.Remove(path))
	}
	return syncDir(filepath.Dir(path))
}

// LoadSigner reads a key that Save wrote.
//
// Errors: ErrKeyPermissions, ErrKeyFile, fs.ErrNotExist.
func LoadSigner(path string) (Signer, error) {
	f, err := os.Open(path)
	if err != nil {
		return Signer{}, fmt.Errorf("load key: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return Signer{}, fmt.Errorf("load key: %w", err)
	}
	if !info.Mode().IsRegular() || info.Mode().Perm()&0o077 != 0 {
		return Signer{}, fmt.Errorf("%s: %w", path, ErrKeyPermissions)
	}
	data, err := io.ReadAll(io.LimitReader(f, 1024))
	if err != nil {
		return Signer{}, fmt.Errorf("load key: %w", err)
	}
	s, err := parseKey(string(data))
	if err != nil {
		return Signer{}, fmt.Errorf("%s: %w", path, err)
	}
	return s, nil
}

// parseKey accepts only what Save writes. Its error quotes nothing of the file.
func parseKey(text string) (Signer, error) {
	lines := strings.Split(text, "\n")
	if len(lines) != 4 || lines[0] != keyMagic || lines[3] != "" {
		return Signer{}, ErrKeyFile
	}
	id, ok := strings.CutPrefix(lines[1], "id: ")
	encoded, ok2 := strings.CutPrefix(lines[2], "seed: ")
	if !ok || !ok2 || !ledger.KeyID(id).Valid() {
		return Signer{}, ErrKeyFile
	}
	seed, err := base64.StdEncoding.Strict().DecodeString(encoded)
	if err != nil || len(seed) != ed25519.SeedSize || base64.StdEncoding.EncodeToString(seed) != encoded {
		return Signer{}, ErrKeyFile
	}
	return NewSigner(ledger.KeyID(id), ed25519.NewKeyFromSeed(seed))
}

// syncDir makes the entries of a directory durable.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// exists reports whether there is anything at path.
func exists(path string) (bool, error) {
	_, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}
