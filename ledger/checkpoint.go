package ledger

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
)

// Checkpoint is the log's word on itself: how many records there are, and the
// Merkle root over their leaves (RFC 6962). It is signed as C2SP tlog-checkpoint
// says, without extension lines.
type Checkpoint struct {
	Origin string
	Size   Position // number of records, which is the position of the last
	Root   Hash
}

// MaxCheckpoint bounds a signed checkpoint, in bytes: three lines and at most a
// hundred signatures, as golang.org/x/mod/sumdb/note allows.
const MaxCheckpoint = 64 << 10

// Text is what is signed: origin, size and root in base64, a line each.
func (c Checkpoint) Text() string {
	return c.Origin + "\n" + strconv.FormatUint(uint64(c.Size), 10) + "\n" + base64.StdEncoding.EncodeToString(c.Root[:]) + "\n"
}

// ParseCheckpoint reads a checkpoint's text strictly: what Text does not write is
// refused. It verifies nothing.
func ParseCheckpoint(text string) (Checkpoint, error) {
	var c Checkpoint
	lines := strings.Split(text, "\n")
	if len(lines) != 4 || lines[3] != "" {
		return c, fmt.Errorf("a checkpoint has three lines: origin, size, root")
	}
	if !ValidOrigin(lines[0]) {
		return c, fmt.Errorf("checkpoint, line 1: not the origin of a ledger")
	}
	size, err := strconv.ParseUint(lines[1], 10, 63)
	if err != nil {
		return c, fmt.Errorf("checkpoint, line 2: not a number of records")
	}
	root, err := parseHash64(lines[2])
	if err != nil {
		return c, fmt.Errorf("checkpoint, line 3: %w", err)
	}
	c = Checkpoint{Origin: lines[0], Size: Position(size), Root: root}
	if c.Text() != text {
		return Checkpoint{}, fmt.Errorf("checkpoint is not in its one form")
	}
	if c.Size == 0 && c.Root != emptyRoot {
		return Checkpoint{}, fmt.Errorf("checkpoint, line 3: not the root of no records")
	}
	return c, nil
}

// UnverifiedCheckpoint reads what a signed checkpoint says, whoever signed it.
func UnverifiedCheckpoint(signed []byte) (Checkpoint, error) {
	if len(signed) > MaxCheckpoint {
		return Checkpoint{}, fmt.Errorf("checkpoint of %d bytes, at most %d", len(signed), MaxCheckpoint)
	}
	text, _, ok := strings.Cut(string(signed), "\n\n")
	if !ok {
		return Checkpoint{}, fmt.Errorf("checkpoint has no signatures")
	}
	return ParseCheckpoint(text + "\n")
}

// emptyRoot is the root of a log without records (RFC 6962 section 2.1).
var emptyRoot = Hash(sha256.Sum256(nil))

// parseHash64 reads a hash as the formats of the log write it: strict base64.
func parseHash64(s string) (Hash, error) {
	var h Hash
	raw, err := base64.StdEncoding.Strict().DecodeString(s)
	if err != nil || len(raw) != len(h) || base64.StdEncoding.EncodeToString(raw) != s {
		return h, fmt.Errorf("not a hash of 32 bytes in strict standard base64")
	}
	copy(h[:], raw)
	return h, nil
}

// SignCheckpoint makes the signed note. The signer's name has to be the origin;
// what nobody could read is not signed.
func SignCheckpoint(c Checkpoint, signer note.Signer) ([]byte, error) {
	if _, err := ParseCheckpoint(c.Text()); err != nil {
		return nil, err
	}
	if signer.Name() != c.Origin {
		return nil, fmt.Errorf("the key of checkpoints is named %s, not %s", signer.Name(), c.Origin)
	}
	return note.Sign(&note.Note{Text: c.Text()}, signer)
}

// OpenCheckpoint verifies the log's signature on a signed checkpoint and reads
// it. Signatures of others are passed over: whether there are enough witnesses
// is said by Policy.Open alone.
func OpenCheckpoint(signed []byte, log note.Verifier) (Checkpoint, *note.Note, error) {
	if len(signed) > MaxCheckpoint {
		return Checkpoint{}, nil, fmt.Errorf("checkpoint of %d bytes, at most %d", len(signed), MaxCheckpoint)
	}
	n, err := note.Open(signed, note.VerifierList(log))
	if err != nil {
		return Checkpoint{}, nil, fmt.Errorf("checkpoint: %w", err)
	}
	c, err := ParseCheckpoint(n.Text)
	if err != nil {
		return Checkpoint{}, nil, err
	}
	if c.Origin != log.Name() {
		return Checkpoint{}, nil, fmt.Errorf("checkpoint of %s is signed by the key of %s", c.Origin, log.Name())
	}
	return c, n, nil
}
