package web

import (
	"bufio"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"

	"github.com/berkas-ledger/berkas/ledger"
)

// Reader is what a credential is for.
type Reader string

// Kinds of readers.
const (
	ReaderAgency    Reader = "agency"    // one of the institutions: figures and cases
	ReaderAuditor   Reader = "auditor"   // figures and cases
	ReaderDashboard Reader = "dashboard" // figures only
	ReaderCalendar  Reader = "calendar"  // nothing but a calendar of deadlines, whose address holds the token
)

// Token is a credential for reading. Of the secret only the SHA-256 is kept: it
// has 130 random bits, which nobody finds by trying.
type Token struct {
	Name   string // of the program or desk that uses it, never a person's
	Reader Reader
	Agency ledger.AgencyID // of ReaderAgency; of ReaderCalendar, "" for everybody's; else ""
	Hash   ledger.Hash
}

var tokenName = regexp.MustCompile(`^[a-z0-9-]{1,32}$`)

func (t Token) check() error {
	switch {
	case !tokenName.MatchString(t.Name):
		return fmt.Errorf("a token's name is [a-z0-9-]{1,32}")
	case t.Reader != ReaderAgency && t.Reader != ReaderAuditor && t.Reader != ReaderDashboard && t.Reader != ReaderCalendar:
		return fmt.Errorf("a token is for an agency, auditor, dashboard or calendar")
	case t.Reader == ReaderCalendar && (t.Agency == "" || t.Agency.Valid()):
	case t.Reader == ReaderAgency && !t.Agency.Valid(), t.Reader != ReaderAgency && t.Agency != "":
		return fmt.Errorf("a token of role agency names its agency, one of role calendar may, and no other does")
	}
	return nil
}

// Line is how a file of tokens holds it: name, role, agency or "-", and hash.
func (t Token) Line() string {
	agency := string(t.Agency)
	if agency == "" {
		agency = "-"
	}
	return fmt.Sprintf("%s %s %s sha256:%s", t.Name, t.Reader, agency, t.Hash)
}

// NewToken draws a secret for a token, which is the only time that it is seen.
func NewToken(name string, reader Reader, agency ledger.AgencyID) (secret string, t Token, err error) {
	secret = "berkas-" + strings.ToLower(rand.Text())
	t = Token{name, reader, agency, sha256.Sum256([]byte(secret))}
	return secret, t, t.check()
}

// Tokens are the credentials of a server.
type Tokens struct{ list []Token }

// Bounds of a file of tokens.
const (
	maxTokens    = 1000
	maxTokenLine = 256
)

// ParseTokens reads a token a line, as Line writes it. Empty lines and lines
// that begin with # are left out. Its errors quote nothing of the file.
func ParseTokens(in io.Reader) (*Tokens, error) {
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, maxTokenLine)
	out := &Tokens{}
	names, hashes := map[string]bool{}, map[ledger.Hash]bool{}
	for n := 1; lines.Scan(); n++ {
		line := strings.TrimSpace(lines.Text())
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		t, err := parseToken(line)
		switch {
		case err != nil:
			return nil, fmt.Errorf("tokens, line %d: %w", n, err)
		case names[t.Name] || hashes[t.Hash]:
			return nil, fmt.Errorf("tokens, line %d: the name or the hash stands there twice", n)
		case len(out.list) == maxTokens:
			return nil, fmt.Errorf("tokens: more than %d", maxTokens)
		}
		names[t.Name], hashes[t.Hash] = true, true
		out.list = append(out.list, t)
	}
	if lines.Err() != nil {
		return nil, fmt.Errorf("tokens: a line is longer than %d bytes, or the file cannot be read", maxTokenLine)
	}
	return out, nil
}

func parseToken(line string) (Token, error) {
	parts := strings.Fields(line)
	if len(parts) != 4 {
		return Token{}, fmt.Errorf("not name, role, agency or -, and sha256:<hex>")
	}
	digest, ok := strings.CutPrefix(parts[3], "sha256:")
	hash, err := ledger.ParseHash(digest)
	if !ok || err != nil {
		return Token{}, fmt.Errorf("the last word is not sha256:<64 hexadecimal digits>")
	}
	t := Token{Name: parts[0], Reader: Reader(parts[1]), Hash: hash}
	if parts[2] != "-" {
		t.Agency = ledger.AgencyID(parts[2])
	}
	return t, t.check()
}

// find looks a secret up. How long it takes says nothing about which tokens
// there are.
func (t *Tokens) find(secret string) (Token, bool) {
	if t == nil {
		return Token{}, false
	}
	sum := sha256.Sum256([]byte(secret))
	found := -1
	for i := range t.list {
		if subtle.ConstantTimeCompare(sum[:], t.list[i].Hash[:]) == 1 {
			found = i
		}
	}
	if found < 0 {
		return Token{}, false
	}
	return t.list[found], true
}

// Len is how many tokens there are.
func (t *Tokens) Len() int {
	if t == nil {
		return 0
	}
	return len(t.list)
}

// Has tells whether there is a token of that name.
func (t *Tokens) Has(name string) bool {
	return t != nil && slices.ContainsFunc(t.list, func(o Token) bool { return o.Name == name })
}
