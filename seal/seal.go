// Package seal closes one string of personal data under one key, bound to the
// place where it stands, and opens it again. It is pure: it reads no file, no
// clock and no network; whoever calls it keeps the keys (package vault).
//
// A sealed value is a compact JWE (RFC 7516) with alg "dir" and enc "A256GCM".
// Its protected header has exactly the members alg, enc, kid, ledger, case,
// event and pointer. The header is authenticated with the text, so a sealed
// value that is copied to another event, another case or another respondent
// does not open there. The header is not secret: it says where the value
// stands and nothing about whom it is about.
//
// The plaintext is padded before it is encrypted, so that the length of a name
// does not show: one byte 0x80, then as few zero bytes as bring it to a
// multiple of 256 (ISO/IEC 7816-4). Any plaintext has one padding, and any
// padding that was not made so is refused.
//
// No error of this package carries key bytes, plaintext, or text of a header
// that was refused.
package seal

import (
	"errors"
	"fmt"

	"github.com/go-jose/go-jose/v4"
)

const (
	// Block is the multiple to which plaintext is padded, in bytes.
	Block = 256
	// MaxPlaintext is the longest plaintext, in bytes: eight blocks less the
	// one byte that padding takes at least.
	MaxPlaintext = 8*Block - 1
	// MaxSealed is the length above which a sealed value is not looked at, in
	// characters. The longest that Seal makes has 3,521.
	MaxSealed = 4096
)

var (
	// ErrMalformed says that a text is not a sealed value in its one strict form.
	ErrMalformed = errors.New("seal: not a sealed value")
	// ErrMoved says that a value was sealed for another place than the one it
	// was found at.
	ErrMoved = errors.New("seal: sealed for another place")
	// ErrWrongKey says that a value was sealed under a key with another id.
	ErrWrongKey = errors.New("seal: sealed under another key")
	// ErrTampered says that key id and place fit but the value does not
	// authenticate: header, text or tag were changed, or the key was.
	ErrTampered = errors.New("seal: value does not authenticate")
	// ErrTooLong says that a plaintext is longer than MaxPlaintext.
	ErrTooLong = fmt.Errorf("seal: plaintext is longer than %d bytes", MaxPlaintext)
	// ErrPlace says that a place names no string in an event.
	ErrPlace = errors.New("seal: not a place")
	// ErrKey says that a key is incomplete or its id is not one of NewKey's.
	ErrKey = errors.New("seal: not a key")
)

// Seal returns plaintext, at most MaxPlaintext bytes, sealed under key for
// place. The initialisation vector is random, so sealing twice gives two
// different values; with 96 random bits a key may seal far more values
// (2^32, NIST SP 800-38D section 8.3) than one person's data ever has.
//
// Errors: ErrKey, ErrPlace, ErrTooLong.
func Seal(key Key, place Place, plaintext []byte) (string, error) {
	if err := key.check(); err != nil {
		return "", err
	}
	if err := place.check(); err != nil {
		return "", err
	}
	if len(plaintext) > MaxPlaintext {
		return "", ErrTooLong
	}
	options := new(jose.EncrypterOptions).
		WithHeader("ledger", place.Ledger).
		WithHeader("case", place.Case).
		WithHeader("event", place.Event).
		WithHeader("pointer", place.Pointer)
	to := jose.Recipient{Algorithm: jose.DIRECT, Key: key.Bytes[:], KeyID: key.ID}
	encrypter, err := jose.NewEncrypter(jose.A256GCM, to, options)
	if err != nil {
		return "", fmt.Errorf("seal: prepare cipher: %w", err)
	}
	padded := pad(plaintext)
	defer clear(padded)
	message, err := encrypter.Encrypt(padded)
	if err != nil {
		return "", fmt.Errorf("seal: encrypt: %w", err)
	}
	return message.CompactSerialize()
}

// Open returns the plaintext of sealed, which the caller found at the place at.
// The slice is the caller's to clear.
//
// Errors: ErrMalformed, ErrMoved, ErrWrongKey, ErrTampered, ErrKey. With any of
// them no plaintext is returned.
func Open(key Key, sealed string, at Place) ([]byte, error) {
	if err := key.check(); err != nil {
		return nil, err
	}
	place, kid, err := Header(sealed)
	if err != nil {
		return nil, err
	}
	if member := place.differs(at); member != "" {
		return nil, fmt.Errorf("%w: other %s", ErrMoved, member)
	}
	if kid != key.ID {
		return nil, ErrWrongKey
	}
	message, err := jose.ParseEncryptedCompact(sealed,
		[]jose.KeyAlgorithm{jose.DIRECT}, []jose.ContentEncryption{jose.A256GCM})
	if err != nil {
		return nil, ErrMalformed // unwrapped: the library's error may quote the header
	}
	padded, err := message.Decrypt(key.Bytes[:])
	if err != nil {
		return nil, ErrTampered
	}
	plaintext, ok := unpad(padded)
	if !ok {
		clear(padded)
		return nil, fmt.Errorf("%w: padding", ErrMalformed)
	}
	return plaintext, nil
}

// pad returns a padded copy of plaintext.
func pad(plaintext []byte) []byte {
	padded := make([]byte, (len(plaintext)/Block+1)*Block)
	copy(padded, plaintext)
	padded[len(plaintext)] = 0x80
	return padded
}

// unpad returns the plaintext inside padded, sharing its bytes, and false
// unless pad would have made the same padding. It runs only over authenticated
// text, so that its time depends on the text tells a stranger nothing.
func unpad(padded []byte) ([]byte, bool) {
	for n := len(padded) - 1; n >= 0 && n >= len(padded)-Block; n-- {
		switch padded[n] {
		case 0:
		case 0x80:
			return padded[:n:n], true
		default:
			return nil, false
		}
	}
	return nil, false
}
