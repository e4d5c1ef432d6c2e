package ledger

import (
	"encoding/base64"
	"regexp"
	"strings"

	"github.com/go-json-experiment/json"
)

// sealedPattern is a compact JWE with direct encryption: five parts, the second
// empty, a 96-bit nonce and a 128-bit tag.
var sealedPattern = regexp.MustCompile(`^[A-Za-z0-9_-]+\.\.[A-Za-z0-9_-]{16}\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]{22}$`)

func looksSealed(s string) bool { return strings.HasPrefix(s, "eyJ") && sealedPattern.MatchString(s) }

// sealedHeader is the protected header of a sealed value: which data key opens
// it and the one place it was made for. Package seal writes it.
type sealedHeader struct {
	Alg     string `json:"alg"`
	Enc     string `json:"enc"`
	Kid     string `json:"kid"`
	Ledger  string `json:"ledger"`
	Case    string `json:"case"`
	Event   string `json:"event"`
	Pointer string `json:"pointer"`
}

var kidPattern = regexp.MustCompile(`^[A-Za-z0-9_-]{22}$`)

// CheckSealed refuses an event in which a sealed value stands elsewhere than in
// the place its header names, so that nobody can move one to another case.
func CheckSealed(e Event) *Refusal {
	for _, s := range e.sealed {
		first, _, _ := strings.Cut(s.value, ".")
		raw, err := base64.RawURLEncoding.Strict().DecodeString(first)
		if err != nil {
			return Refuse(CodeSealedMisplaced, SafePointer(s.pointer), "the protected header is not base64url")
		}
		var h sealedHeader
		if err := json.Unmarshal(raw, &h, json.RejectUnknownMembers(true)); err != nil {
			return Refuse(CodeSealedMisplaced, SafePointer(s.pointer), "the protected header has other members than alg, enc, kid, ledger, case, event, pointer")
		}
		if h.Alg != "dir" || h.Enc != "A256GCM" || !kidPattern.MatchString(h.Kid) {
			return Refuse(CodeSealedMisplaced, SafePointer(s.pointer), "the protected header has to name dir, A256GCM and a key id of 22 characters")
		}
		if h.Ledger != e.Ledger || h.Case != e.Subject || h.Event != e.ID || h.Pointer != s.pointer {
			return Refuse(CodeSealedMisplaced, SafePointer(s.pointer), "")
		}
	}
	return nil
}
