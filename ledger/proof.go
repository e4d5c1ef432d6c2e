package ledger

import (
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/tlog"
)

// Proof says that a record is in the log: C2SP tlog-proof, which whoever has the
// leaf and the policy can check without asking anybody.
type Proof struct {
	Position   Position // the leaf's index plus 1
	Hashes     []Hash   // inclusion proof, RFC 6962 section 2.1.1
	Checkpoint []byte   // signed
}

const (
	proofMagic = "c2sp.org/tlog-proof@v1"
	// maxProof bounds the hashes of a proof: a log has at most 2^63 records.
	maxProof = 63
)

// Text writes the proof: a line that names the format, the index, a hash a line,
// an empty line, the signed checkpoint.
func (p Proof) Text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\nindex %d\n", proofMagic, uint64(p.Position)-1)
	for _, h := range p.Hashes {
		b.WriteString(base64.StdEncoding.EncodeToString(h[:]) + "\n")
	}
	b.WriteString("\n")
	b.Write(p.Checkpoint)
	return b.String()
}

// ParseProof reads a proof strictly: what Text does not write is refused, an
// "extra" line too. It verifies nothing.
func ParseProof(text string) (Proof, error) {
	var p Proof
	head, checkpoint, ok := strings.Cut(text, "\n\n")
	lines := strings.Split(head, "\n")
	if !ok || checkpoint == "" || len(lines) < 2 || lines[0] != proofMagic {
		return p, fmt.Errorf("proof does not begin with %s, or has no checkpoint", proofMagic)
	}
	if len(lines)-2 > maxProof || len(checkpoint) > MaxCheckpoint {
		return p, fmt.Errorf("proof of %d hashes and a checkpoint of %d bytes", len(lines)-2, len(checkpoint))
	}
	index, ok := strings.CutPrefix(lines[1], "index ")
	n, err := strconv.ParseUint(index, 10, 62)
	if !ok || err != nil {
		return p, fmt.Errorf("proof, line 2: not \"index\" and a number")
	}
	p.Position = Position(n) + 1
	for i, line := range lines[2:] {
		h, err := parseHash64(line)
		if err != nil {
			return Proof{}, fmt.Errorf("proof, line %d: %w", i+3, err)
		}
		p.Hashes = append(p.Hashes, h)
	}
	p.Checkpoint = []byte(checkpoint)
	if p.Text() != text {
		return Proof{}, fmt.Errorf("proof is not in its one form")
	}
	return p, nil
}

// Verify checks by a policy that the log of the proof's checkpoint holds a leaf
// hash at the proof's position.
func (p Proof) Verify(policy Policy, leaf Hash) (Witnessed, error) {
	w, err := policy.Open(p.Checkpoint)
	if err != nil {
		return w, err
	}
	return w, CheckInclusion(w.Checkpoint, p.Position, leaf, p.Hashes)
}

// CheckInclusion checks that the log of a checkpoint holds a leaf hash at a
// position. It does not look at who signed the checkpoint.
func CheckInclusion(c Checkpoint, p Position, leaf Hash, proof []Hash) error {
	if p == 0 || p > c.Size {
		return fmt.Errorf("position %d is not in a log of %d records", p, c.Size)
	}
	if err := tlog.CheckRecord(tlogHashes(proof), int64(c.Size), tlog.Hash(c.Root), int64(p-1), tlog.Hash(leaf)); err != nil {
		return fmt.Errorf("the leaf of position %d is not in the log of %d records with root %s: %w", p, c.Size, c.Root, err)
	}
	return nil
}

// CheckConsistency checks that the log of the newer checkpoint begins with all
// of the older one's. It does not look at who signed them. Whatever there is
// begins with nothing: an older size of 0 fits every newer one.
func CheckConsistency(older, newer Checkpoint, proof []Hash) error {
	if older.Origin != newer.Origin && older.Origin != "" && newer.Origin != "" {
		return fmt.Errorf("checkpoints of two logs: %s and %s", older.Origin, newer.Origin)
	}
	if older.Size == 0 || older.Size == newer.Size {
		if len(proof) > 0 || older.Size > 0 && older.Root != newer.Root {
			return fmt.Errorf("two roots for a log of %d records: %s and %s", older.Size, older.Root, newer.Root)
		}
		return nil
	}
	if older.Size > newer.Size {
		return fmt.Errorf("a log of %d records is no older than one of %d", older.Size, newer.Size)
	}
	if err := tlog.CheckTree(tlogHashes(proof), int64(newer.Size), tlog.Hash(newer.Root), int64(older.Size), tlog.Hash(older.Root)); err != nil {
		return fmt.Errorf("the log of %d records with root %s does not begin with that of %d records with root %s: %w", newer.Size, newer.Root, older.Size, older.Root, err)
	}
	return nil
}

func tlogHashes(list []Hash) []tlog.Hash {
	out := make([]tlog.Hash, len(list))
	for i, h := range list {
		out[i] = tlog.Hash(h)
	}
	return out
}
