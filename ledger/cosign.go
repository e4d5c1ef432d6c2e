package ledger

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"golang.org/x/mod/sumdb/note"
)

// algCosignature marks keys of timestamped Ed25519 cosignatures (C2SP
// tlog-cosignature, cosignature/v1).
const algCosignature = 4

// cosignatureSize is a time in seconds and an Ed25519 signature.
const cosignatureSize = 8 + ed25519.SignatureSize

// maxCosigned is the end of the year 9999, in seconds. A cosignature of a later
// time, which nobody could write down, is none.
const maxCosigned = 253402300799

// maxName bounds the names of witnesses, in bytes.
const maxName = 255

// WitnessKey is the key by which a witness cosigns checkpoints. It is a
// note.Verifier of such cosignatures.
type WitnessKey struct {
	name   string
	public ed25519.PublicKey
	hash   uint32
}

// NewWitnessKey names a key. Names are what the note format allows: not empty,
// no spaces and no plus sign; and they can be printed.
func NewWitnessKey(name string, public ed25519.PublicKey) (WitnessKey, error) {
	if !printable(name) || strings.Contains(name, "+") {
		return WitnessKey{}, fmt.Errorf("a witness's name has 1 to %d bytes, and no spaces, plus signs or control characters", maxName)
	}
	if len(public) != ed25519.PublicKeySize {
		return WitnessKey{}, fmt.Errorf("a witness's key has %d bytes, not %d", ed25519.PublicKeySize, len(public))
	}
	sum := sha256.Sum256(slices.Concat([]byte(name+"\n"), []byte{algCosignature}, public))
	return WitnessKey{name, slices.Clone(public), binary.BigEndian.Uint32(sum[:4])}, nil
}

// printable reports whether a name is a word that a person can read.
func printable(name string) bool {
	return name != "" && len(name) <= maxName && utf8.ValidString(name) &&
		!strings.ContainsFunc(name, func(r rune) bool { return unicode.IsSpace(r) || !unicode.IsPrint(r) })
}

// ParseWitnessKey reads a verifier key: name, key hash and key, joined by plus
// signs, of type 4.
func ParseWitnessKey(s string) (WitnessKey, error) {
	name, rest, _ := strings.Cut(s, "+")
	_, key64, _ := strings.Cut(rest, "+")
	raw, err := base64.StdEncoding.Strict().DecodeString(key64)
	if err != nil || len(raw) != 1+ed25519.PublicKeySize || raw[0] != algCosignature {
		return WitnessKey{}, fmt.Errorf("not a verifier key of cosignatures (type %d)", algCosignature)
	}
	k, err := NewWitnessKey(name, raw[1:])
	if err != nil {
		return k, err
	}
	if k.String() != s {
		return WitnessKey{}, fmt.Errorf("verifier key of %s is not in its one form, or its hash is wrong", name)
	}
	return k, nil
}

// String writes the verifier key.
func (k WitnessKey) String() string {
	return fmt.Sprintf("%s+%08x+%s", k.name, k.hash, base64.StdEncoding.EncodeToString(slices.Concat([]byte{algCosignature}, k.public)))
}

// Name is the witness's name.
func (k WitnessKey) Name() string { return k.name }

// KeyHash is the hash that signature lines carry.
func (k WitnessKey) KeyHash() uint32 { return k.hash }

// Verify reports whether sig, a time and a signature, is this witness's over the
// text of a checkpoint.
func (k WitnessKey) Verify(text, sig []byte) bool {
	if len(sig) != cosignatureSize || len(k.public) != ed25519.PublicKeySize {
		return false
	}
	seconds := binary.BigEndian.Uint64(sig)
	return seconds <= maxCosigned && ed25519.Verify(k.public, cosigned(text, seconds), sig[8:])
}

// cosigned is what a witness signs.
func cosigned(text []byte, seconds uint64) []byte {
	return slices.Concat([]byte("cosignature/v1\ntime "+strconv.FormatUint(seconds, 10)+"\n"), text)
}

// Cosign signs a checkpoint's text as a witness at a time from 1970 to 9999,
// which is kept to the second, and gives the signature's line as it stands in a
// signed note.
func Cosign(k WitnessKey, private ed25519.PrivateKey, text string, at time.Time) string {
	seconds := uint64(at.Unix())
	sig := binary.BigEndian.AppendUint32(nil, k.hash)
	sig = binary.BigEndian.AppendUint64(sig, seconds)
	sig = append(sig, ed25519.Sign(private, cosigned([]byte(text), seconds))...)
	return "— " + k.name + " " + base64.StdEncoding.EncodeToString(sig) + "\n"
}

// CosignedAt is when a verified cosignature says that it was made.
func CosignedAt(sig note.Signature) (time.Time, error) {
	raw, err := base64.StdEncoding.DecodeString(sig.Base64)
	if err != nil || len(raw) != 4+cosignatureSize {
		return time.Time{}, fmt.Errorf("not a cosignature of %d bytes", 4+cosignatureSize)
	}
	seconds := binary.BigEndian.Uint64(raw[4:])
	if seconds > maxCosigned {
		return time.Time{}, fmt.Errorf("a cosignature's time is after the year 9999")
	}
	return time.Unix(int64(seconds), 0).UTC(), nil
}
