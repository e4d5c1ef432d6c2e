package seal

import (
	"encoding/base64"
	"fmt"
	"regexp"
	"strings"

	"github.com/go-json-experiment/json"
)

// Place says where a sealed value stands: which string of which event.
type Place struct {
	Ledger  string // the ledger's origin, at most 255 characters: "ledger.example/pilkada-2020"
	Case    string // case id, UUIDv7 in lower case
	Event   string // event id, UUIDv7 in lower case
	Pointer string // JSON pointer of the string in the event, at most 128 characters: "/data/respondents/0/identity"
}

// The patterns leave no character that JSON would escape, and in case, event
// and pointer no room for a name.
var (
	ledgerPattern  = regexp.MustCompile(`^[a-z0-9][a-z0-9.-]{0,62}(/[a-z0-9][a-z0-9.-]{0,62}){0,3}$`)
	uuidPattern    = regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`)
	pointerPattern = regexp.MustCompile(`^/data(/[a-z0-9_]{1,32}){1,6}$`)
)

const maxPointer = 128

func (p Place) check() error {
	switch {
	case !ledgerPattern.MatchString(p.Ledger):
		return fmt.Errorf("%w: ledger", ErrPlace)
	case !uuidPattern.MatchString(p.Case):
		return fmt.Errorf("%w: case", ErrPlace)
	case !uuidPattern.MatchString(p.Event):
		return fmt.Errorf("%w: event", ErrPlace)
	case len(p.Pointer) > maxPointer || !pointerPattern.MatchString(p.Pointer):
		return fmt.Errorf("%w: pointer", ErrPlace)
	}
	return nil
}

// differs names the first member in which p and q differ, "" if they agree.
func (p Place) differs(q Place) string {
	switch {
	case p.Ledger != q.Ledger:
		return "ledger"
	case p.Case != q.Case:
		return "case"
	case p.Event != q.Event:
		return "event"
	case p.Pointer != q.Pointer:
		return "pointer"
	}
	return ""
}

// header is the protected header. Its members may stand in any order.
type header struct {
	Alg     string `json:"alg"`
	Case    string `json:"case"`
	Enc     string `json:"enc"`
	Event   string `json:"event"`
	Kid     string `json:"kid"`
	Ledger  string `json:"ledger"`
	Pointer string `json:"pointer"`
}

// Header reads where sealed stands and under which key, without a key. It
// accepts one form only: five parts in strict unpadded base64url, the encrypted
// key empty, 12 bytes of vector, one to eight blocks of text, 16 bytes of tag,
// and a header with each of its seven members once and nothing else.
//
// What it returns is authentic only once Open has accepted sealed. A value that
// it accepts may still be one that nobody can open.
//
// Errors: ErrMalformed.
func Header(sealed string) (place Place, kid string, err error) {
	if len(sealed) > MaxSealed {
		return Place{}, "", fmt.Errorf("%w: longer than %d characters", ErrMalformed, MaxSealed)
	}
	parts := strings.Split(sealed, ".")
	if len(parts) != 5 {
		return Place{}, "", fmt.Errorf("%w: %d parts, not five", ErrMalformed, len(parts))
	}
	var decoded [5][]byte
	for i, part := range parts {
		raw, ok := decode(part)
		if !ok {
			return Place{}, "", fmt.Errorf("%w: part %d is not strict base64url", ErrMalformed, i+1)
		}
		decoded[i] = raw
	}
	protected, encryptedKey, vector, text, tag := decoded[0], decoded[1], decoded[2], decoded[3], decoded[4]
	switch {
	case len(encryptedKey) != 0:
		return Place{}, "", fmt.Errorf("%w: the encrypted key is not empty", ErrMalformed)
	case len(vector) != 12:
		return Place{}, "", fmt.Errorf("%w: the vector has not 12 bytes", ErrMalformed)
	case len(text) == 0 || len(text) > MaxPlaintext+1 || len(text)%Block != 0:
		return Place{}, "", fmt.Errorf("%w: the text has not one to eight blocks", ErrMalformed)
	case len(tag) != 16:
		return Place{}, "", fmt.Errorf("%w: the tag has not 16 bytes", ErrMalformed)
	}
	return parseProtected(protected)
}

// parseProtected reads a protected header. A missing member is an empty one,
// which no check lets pass.
func parseProtected(protected []byte) (Place, string, error) {
	var h header
	if err := json.Unmarshal(protected, &h, json.RejectUnknownMembers(true)); err != nil {
		// Unwrapped: the error quotes the header, which may hold anything.
		return Place{}, "", fmt.Errorf("%w: header is not the one JSON object with seven members", ErrMalformed)
	}
	if h.Alg != "dir" || h.Enc != "A256GCM" {
		return Place{}, "", fmt.Errorf("%w: alg and enc are not dir and A256GCM", ErrMalformed)
	}
	if !validKeyID(h.Kid) {
		return Place{}, "", fmt.Errorf("%w: kid", ErrMalformed)
	}
	place := Place{Ledger: h.Ledger, Case: h.Case, Event: h.Event, Pointer: h.Pointer}
	if err := place.check(); err != nil {
		return Place{}, "", fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	return place, h.Kid, nil
}

// decode reads unpadded base64url. Go's decoder skips line breaks and forgives
// stray bits in the last character, so the result is encoded again and compared.
func decode(s string) ([]byte, bool) {
	raw, err := base64.RawURLEncoding.DecodeString(s)
	return raw, err == nil && base64.RawURLEncoding.EncodeToString(raw) == s
}
