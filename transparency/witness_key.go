package transparency

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"strings"

	"golang.org/x/mod/sumdb/note"

	"github.com/berkas-ledger/berkas/ledger"
)

// witnessSecret is a witness's private key. It is kept as
// golang.org/x/mod/sumdb/note writes private keys, which other programs that
// witness logs read too.
type witnessSecret struct {
	key     ledger.WitnessKey
	private ed25519.PrivateKey
}

// newWitnessSecret draws a key and gives the line that is kept.
func newWitnessSecret(name string) (witnessSecret, string, error) {
	if _, err := ledger.NewWitnessKey(name, make([]byte, ed25519.PublicKeySize)); err != nil {
		return witnessSecret{}, "", err
	}
	text, _, err := note.GenerateKey(rand.Reader, name)
	if err != nil {
		return witnessSecret{}, "", err
	}
	s, err := parseWitnessSecret(text)
	return s, text, err
}

// parseWitnessSecret reads PRIVATE+KEY+<name>+<hash>+<base64 of the type 1 and the
// seed>.
func parseWitnessSecret(text string) (witnessSecret, error) {
	bad := fmt.Errorf("not the private key of a witness")
	if _, err := note.NewSigner(text); err != nil { // checks the hash, too
		return witnessSecret{}, bad
	}
	parts := strings.SplitN(text, "+", 5)
	if len(parts) != 5 {
		return witnessSecret{}, bad
	}
	raw, err := base64.StdEncoding.Strict().DecodeString(parts[4])
	if err != nil || len(raw) != 1+ed25519.SeedSize {
		return witnessSecret{}, bad
	}
	private := ed25519.NewKeyFromSeed(raw[1:])
	key, err := ledger.NewWitnessKey(parts[2], private.Public().(ed25519.PublicKey))
	return witnessSecret{key, private}, err
}
