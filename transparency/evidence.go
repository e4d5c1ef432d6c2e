package transparency

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"

	"github.com/berkas-ledger/berkas/ledger"
)

// Misbehaviour is the way in which two checkpoints of one log do not go together.
type Misbehaviour string

// What a witness refuses, and keeps.
const (
	// Fork: as many records, another root.
	Fork Misbehaviour = "fork"
	// Edited: more records, and no proof that the log begins with those seen.
	Edited Misbehaviour = "edited"
	// Rollback: fewer records than were seen.
	Rollback Misbehaviour = "rollback"
)

// Evidence is what a witness keeps of a checkpoint that it refused: the one that
// it had cosigned, the one that was offered, and the proof that came with it. It
// convinces by the log's signatures on the two, not by who kept it.
type Evidence struct {
	Kind    Misbehaviour
	At      time.Time // when it was offered, by the witness's clock, to the second
	Witness ledger.WitnessKey
	Proof   []ledger.Hash
	Known   []byte // signed by the log, cosigned by the witness
	Offered []byte // signed by the log
}

const (
	evidenceMagic = "berkas/evidence/v1"
	// MaxEvidence bounds evidence, in bytes.
	MaxEvidence = 1<<10 + maxProofLines*hashLine + 2*ledger.MaxCheckpoint
)

// Text writes the evidence: a line for each thing, then the two signed
// checkpoints, each after the number of its lines.
func (e Evidence) Text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\nkind %s\nat %s\nwitness %s\n", evidenceMagic, e.Kind, e.At.UTC().Format(time.RFC3339), e.Witness)
	fmt.Fprintf(&b, "proof %d\n", len(e.Proof))
	for _, h := range e.Proof {
		b.WriteString(encode64(h[:]) + "\n")
	}
	fmt.Fprintf(&b, "known %d\n%s", strings.Count(string(e.Known), "\n"), e.Known)
	fmt.Fprintf(&b, "offered %d\n%s", strings.Count(string(e.Offered), "\n"), e.Offered)
	return b.String()
}

// ParseEvidence reads evidence strictly: what Text does not write is refused. It
// verifies nothing.
func ParseEvidence(text string) (Evidence, error) {
	var e Evidence
	if len(text) > MaxEvidence {
		return e, fmt.Errorf("evidence has at most %d bytes, not %d", MaxEvidence, len(text))
	}
	r := lineReader{rest: text}
	if r.line() != evidenceMagic {
		return e, fmt.Errorf("evidence does not begin with %s", evidenceMagic)
	}
	e.Kind = Misbehaviour(r.word("kind"))
	at := r.word("at")
	key := r.word("witness")
	proof := r.block("proof", maxProofLines)
	e.Known = []byte(r.block("known", ledger.MaxCheckpoint))
	e.Offered = []byte(r.block("offered", ledger.MaxCheckpoint))
	if r.bad != "" {
		return Evidence{}, fmt.Errorf("evidence: the line %q is missing or wrong", r.bad)
	}
	var err error
	if e.At, err = time.Parse(time.RFC3339, at); err != nil {
		return Evidence{}, fmt.Errorf("evidence, line 3: not a time")
	}
	e.At = e.At.UTC()
	if e.Witness, err = ledger.ParseWitnessKey(key); err != nil {
		return Evidence{}, fmt.Errorf("evidence, line 4: %w", err)
	}
	if proof != "" {
		if e.Proof, err = parseHashes(strings.Split(strings.TrimSuffix(proof, "\n"), "\n"), 6); err != nil {
			return Evidence{}, fmt.Errorf("evidence, %w", err)
		}
	}
	if e.Kind != Fork && e.Kind != Edited && e.Kind != Rollback {
		return Evidence{}, fmt.Errorf("evidence, line 2: not a kind of evidence")
	}
	if e.Text() != text {
		return Evidence{}, fmt.Errorf("evidence is not in its one form")
	}
	return e, nil
}

// lineReader takes a text apart from its beginning; bad is the first line that
// was not what it had to be.
type lineReader struct{ rest, bad string }

func (r *lineReader) line() string {
	line, rest, _ := strings.Cut(r.rest, "\n")
	r.rest = rest
	return line
}

func (r *lineReader) word(name string) string {
	value, ok := strings.CutPrefix(r.line(), name+" ")
	if !ok && r.bad == "" {
		r.bad = name
	}
	return value
}

// block reads a number of lines and those lines, at most a number of each.
func (r *lineReader) block(name string, limit int) string {
	n, err := strconv.Atoi(r.word(name))
	if err != nil || n < 0 || n > limit {
		if r.bad == "" {
			r.bad = name
		}
		return ""
	}
	start := r.rest
	for range n {
		if r.rest == "" && r.bad == "" {
			r.bad = name
		}
		r.line()
	}
	return start[:len(start)-len(r.rest)]
}

// Verdict is what evidence proves to somebody who holds the log's key.
type Verdict struct {
	Kind Misbehaviour // as the two checkpoints have it, whatever the file says
	// Proven: the log's key signed two checkpoints that cannot both be of one log
	// to which records are only ever added. Who can sign with it has cheated, or
	// has lost it.
	Proven         bool
	Known, Offered ledger.Checkpoint
	// Cosigned: the policy's witness of this name had cosigned the known one; ""
	// if none of the policy had.
	Cosigned string
}

// ErrNotEvidence says that a file does not show what evidence has to show: two
// different checkpoints, both signed by the log of the policy.
var ErrNotEvidence = errors.New("this is no evidence")

// Judge says what the evidence proves by itself. It fails with ErrNotEvidence when
// it is none against the log of the policy.
func (e Evidence) Judge(policy ledger.Policy) (Verdict, error) {
	var v Verdict
	log, _, err := policy.Verifiers()
	if err != nil {
		return v, err
	}
	if v.Known, _, err = ledger.OpenCheckpoint(e.Known, log); err != nil {
		return v, fmt.Errorf("%w: the one that the witness knew is not the log's: %w", ErrNotEvidence, err)
	}
	if v.Offered, _, err = ledger.OpenCheckpoint(e.Offered, log); err != nil {
		return v, fmt.Errorf("%w: the one that it was offered is not the log's: %w", ErrNotEvidence, err)
	}
	switch {
	case v.Known == v.Offered:
		return v, fmt.Errorf("%w: the two checkpoints are the same", ErrNotEvidence)
	case v.Known.Size == 0 || v.Offered.Size == 0:
		return v, fmt.Errorf("%w: every log begins with no records", ErrNotEvidence)
	case v.Known.Size == v.Offered.Size:
		v.Kind, v.Proven = Fork, true
	case v.Known.Size < v.Offered.Size:
		v.Kind = Edited
		if ledger.CheckConsistency(v.Known, v.Offered, e.Proof) == nil {
			return v, fmt.Errorf("%w: the proof in it shows that the log of %d records begins with that of %d", ErrNotEvidence, v.Offered.Size, v.Known.Size)
		}
	default:
		v.Kind = Rollback
	}
	v.Cosigned = cosigner(policy, e.Known)
	return v, nil
}

func cosigner(policy ledger.Policy, signed []byte) string {
	for _, w := range policy.Witnesses {
		if _, err := note.Open(signed, note.VerifierList(w.Key)); err == nil {
			return w.Name
		}
	}
	return ""
}

// JudgeBy is Judge with the log's data at hand: what one of the two checkpoints
// does not show of itself follows from the tiles of the larger, whoever serves
// them, since each is authenticated by that checkpoint's root. With tiles that
// prove nothing it fails, and the verdict is that of Judge.
func (e Evidence) JudgeBy(ctx context.Context, policy ledger.Policy, log Fetch) (Verdict, error) {
	v, err := e.Judge(policy)
	if err != nil || v.Proven {
		return v, err
	}
	older, newer := v.Known, v.Offered
	if older.Size > newer.Size {
		older, newer = newer, older
	}
	proof, err := NewProver(log, newer).Consistency(ctx, older.Size)
	if err != nil {
		return v, fmt.Errorf("the tiles are not there, or not those of the checkpoint of %d records, so they prove nothing: %w", newer.Size, err)
	}
	// The hashes are the larger log's own. If they do not lead to the smaller
	// one's root, that log never began with those records.
	if ledger.CheckConsistency(older, newer, proof) == nil {
		return v, fmt.Errorf("%w: the log of %d records begins with that of %d, nothing was changed", ErrNotEvidence, newer.Size, older.Size)
	}
	v.Proven = true
	return v, nil
}
