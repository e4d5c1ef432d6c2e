package seal

import (
	"encoding/base64"
	"fmt"
	"io"
)

// Key is a data key. Its id tells nothing about whose data it seals; it is
// written in clear in every value sealed under it.
//
// However a key is printed, logged or marshalled, its bytes stay out of it. Only
// fmt cannot be told so about an unexported field of another struct: a type that
// keeps keys in one needs a Format of its own.
type Key struct {
	ID    string   // 128 random bits in unpadded base64url: 22 characters
	Bytes [32]byte `json:"-"`
}

// NewKey draws a key's id and bytes from random, in practice crypto/rand.Reader.
func NewKey(random io.Reader) (Key, error) {
	var drawn [16 + 32]byte
	defer clear(drawn[:])
	if _, err := io.ReadFull(random, drawn[:]); err != nil {
		return Key{}, fmt.Errorf("seal: draw key: %w", err)
	}
	return ParseKey(base64.RawURLEncoding.EncodeToString(drawn[:16]), drawn[16:])
}

// ParseKey puts a key together from its stored id and its 32 bytes.
//
// Errors: ErrKey.
func ParseKey(id string, bytes []byte) (Key, error) {
	if len(bytes) != 32 {
		return Key{}, fmt.Errorf("%w: not 32 bytes", ErrKey)
	}
	key := Key{ID: id, Bytes: [32]byte(bytes)}
	if err := key.check(); err != nil {
		return Key{}, err
	}
	return key, nil
}

// Format writes the id, whatever the verb.
func (k Key) Format(state fmt.State, _ rune) {
	_, _ = io.WriteString(state, "key "+k.ID) // State has nowhere to report an error to
}

// check refuses what can only be a mistake: an id of another form, and the zero
// bytes of a key that nobody filled in.
func (k Key) check() error {
	if !validKeyID(k.ID) {
		return fmt.Errorf("%w: id", ErrKey)
	}
	if k.Bytes == ([32]byte{}) {
		return fmt.Errorf("%w: bytes are all zero", ErrKey)
	}
	return nil
}

func validKeyID(id string) bool {
	raw, ok := decode(id)
	return ok && len(raw) == 16
}
