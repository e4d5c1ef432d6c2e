package webhooks

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Headers of a message.
const (
	HeaderID        = "webhook-id"
	HeaderTimestamp = "webhook-timestamp" // seconds since 1970: of the attempt
	HeaderSignature = "webhook-signature"
)

// Tolerance is how far a receiver lets the timestamp be off his clock.
const Tolerance = 5 * time.Minute

const (
	secretPrefix    = "whsec_"
	secretBytes     = 32
	leastSecret     = 24 // bytes: what the specification wants
	mostSecret      = 64
	signaturePrefix = "v1,"
)

// NewSecret draws a secret as the specification writes them.
func NewSecret() string {
	b := make([]byte, secretBytes)
	_, _ = rand.Read(b) // never fails since Go 1.24
	return secretPrefix + base64.StdEncoding.EncodeToString(b)
}

// keyOf reads a secret. Its errors do not quote it.
func keyOf(secret string) ([]byte, error) {
	text, ok := strings.CutPrefix(secret, secretPrefix)
	key, err := base64.StdEncoding.Strict().DecodeString(text)
	if !ok || err != nil || len(key) < leastSecret || len(key) > mostSecret || base64.StdEncoding.EncodeToString(key) != text {
		return nil, fmt.Errorf("a secret is %s and %d to %d bytes in base64", secretPrefix, leastSecret, mostSecret)
	}
	return key, nil
}

// Sign gives the signature of a message under a secret, with its version: "v1,...".
func Sign(secret, id string, at time.Time, body []byte) (string, error) {
	key, err := keyOf(secret)
	if err != nil {
		return "", err
	}
	m := hmac.New(sha256.New, key)
	fmt.Fprintf(m, "%s.%d.", id, at.Unix())
	m.Write(body)
	return signaturePrefix + base64.StdEncoding.EncodeToString(m.Sum(nil)), nil
}

// Errors of Verify.
var (
	ErrUnsigned = errors.New("the message has no signature under the secret")
	ErrStale    = errors.New("the message's time is too far from now: it may have been kept and sent again")
)

// Verify tells whether a message that came now was signed with a secret. A receiver
// does this before he reads the body, and notes webhook-id to know a message that
// comes twice.
func Verify(secret string, h http.Header, body []byte, now time.Time) error {
	seconds, err := strconv.ParseInt(h.Get(HeaderTimestamp), 10, 64)
	if err != nil {
		return ErrUnsigned
	}
	at := time.Unix(seconds, 0)
	want, err := Sign(secret, h.Get(HeaderID), at, body)
	if err != nil {
		return err
	}
	found := false
	for one := range strings.SplitSeq(h.Get(HeaderSignature), " ") {
		found = hmac.Equal([]byte(one), []byte(want)) || found
	}
	switch {
	case !found || h.Get(HeaderID) == "":
		return ErrUnsigned
	case at.Before(now.Add(-Tolerance)), at.After(now.Add(Tolerance)):
		return ErrStale
	}
	return nil
}
