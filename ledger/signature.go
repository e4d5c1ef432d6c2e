package ledger

import (
	"crypto/ed25519"
	"encoding/base64"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// ContentType is the media type of a submission, and the payload type that its
// signatures cover.
const ContentType = "application/cloudevents+json"

// MaxSignatures bounds the signatures of one submission: k of n root keys and a
// new key fit.
const MaxSignatures = 16

// Signature is an Ed25519 signature over PAE(body) and the id of its key.
type Signature struct {
	Key   KeyID
	Value [ed25519.SignatureSize]byte
}

// String is the signature's one spelling: "<key-id> <88 characters of base64>".
func (s Signature) String() string {
	return string(s.Key) + " " + base64.StdEncoding.EncodeToString(s.Value[:])
}

// strict64 refuses tails that are not canonical. It still passes over line breaks,
// but then less is decoded than a value of this length has to give.
var strict64 = base64.StdEncoding.Strict()

// ParseSignature reads the one spelling and refuses every other: Go's decoder
// alone takes line breaks and non-canonical tails.
func ParseSignature(text string) (Signature, error) {
	var s Signature
	key, value, ok := strings.Cut(text, " ")
	if !ok || !KeyID(key).Valid() || len(value) != 88 {
		return s, fmt.Errorf("a signature is '<key-id> <88 characters of base64>'")
	}
	var raw [66]byte // what 88 characters can give at most
	n, err := strict64.Decode(raw[:], []byte(value))
	if err != nil || n != len(s.Value) {
		return s, fmt.Errorf("a signature's value is 64 bytes in strict standard base64")
	}
	s.Key = KeyID(key)
	copy(s.Value[:], raw[:])
	return s, nil
}

// PAE is the DSSE v1 pre-authentication encoding of (ContentType, body): what
// is signed. The JSON is never serialised again.
// Source: github.com/secure-systems-lab/dsse, protocol.md.
func PAE(body []byte) []byte {
	out := make([]byte, 0, len(body)+len(ContentType)+24)
	out = append(out, "DSSEv1 "...)
	out = strconv.AppendInt(out, int64(len(ContentType)), 10)
	out = append(out, ' ')
	out = append(out, ContentType...)
	out = append(out, ' ')
	out = strconv.AppendInt(out, int64(len(body)), 10)
	out = append(out, ' ')
	return append(out, body...)
}

// Sign signs the bytes of an event.
func Sign(key KeyID, private ed25519.PrivateKey, body []byte) Signature {
	s := Signature{Key: key}
	copy(s.Value[:], ed25519.Sign(private, PAE(body)))
	return s
}

// Fits reports whether the signature is valid for the bytes under a public key.
// crypto/ed25519 is the definition of valid.
func (s Signature) Fits(public ed25519.PublicKey, body []byte) bool {
	return len(public) == ed25519.PublicKeySize && ed25519.Verify(public, PAE(body), s.Value[:])
}

// sortSignatures orders signatures by key id, as leaf and record have them.
func sortSignatures(s []Signature) {
	slices.SortFunc(s, func(a, b Signature) int { return strings.Compare(string(a.Key), string(b.Key)) })
}
