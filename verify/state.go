package verify

import (
	"bufio"
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"io"
	"maps"
	"slices"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/berkas-ledger/berkas/ledger"
)

// stateMagic begins what an auditor keeps. What follows changes with the
// program: a state of another version is refused.
const stateMagic = "berkas/audit-state/v1\n"

// ErrState says that what an auditor kept cannot be gone on from: it is damaged,
// of another ledger, or of another version of the program. The audit has to
// begin anew, without it.
var ErrState = errors.New("the auditor's state cannot be used")

// stateHead is the part of the state that is JSON.
type stateHead struct {
	Program  string          `json:"program"`
	Origin   string          `json:"origin"`
	Genesis  string          `json:"genesis"`
	Log      string          `json:"log"`
	Receipt  string          `json:"receipt"`
	Schemas  bool            `json:"schemas"`
	Position ledger.Position `json:"position"`
	Recorded string          `json:"recorded"`
	Stats    Stats           `json:"stats"`
	Counts   map[Code]uint64 `json:"counts"`
	Findings []Finding       `json:"findings"`
	Last     []byte          `json:"last"`
	Repeats  map[string]int  `json:"repeats"`
	Basis    int             `json:"basis"`
	IDs      int             `json:"ids"`
	Cases    int             `json:"cases"`
}

// ofRun are the codes of what is found anew by each run, and not kept: it is
// about the checkpoint, the receipts and the tables of that run. A record that was
// another when it was read again is not among them: the case was folded without
// it, so what was judged since may be wrong.
var ofRun = map[Code]bool{
	CodeCheckpoint: true, CodeQuorum: true, CodeRootDiffers: true, CodeRecordsMissing: true, CodeLogShorter: true,
	CodeForked: true, CodeTileDiffers: true, CodeReceiptForged: true, CodeReceiptMissing: true,
	CodeReceiptContradicts: true, CodeReceiptOverdue: true, CodeTableDiffers: true,
}

func (a *Auditor) head() stateHead {
	p := a.config.Policy
	h := stateHead{
		Program: a.config.Program, Origin: p.Origin, Genesis: p.Genesis.String(), Log: p.Log, Receipt: p.Receipt,
		Schemas: a.config.Schemas != nil && !a.lax, Position: a.position, Stats: a.stats, Counts: map[Code]uint64{},
		Last: a.last, Repeats: a.repeats, Basis: len(a.basis), IDs: len(a.ids), Cases: len(a.cases),
	}
	for c, n := range a.counts {
		if !ofRun[c] {
			h.Counts[c] = n
		}
	}
	for _, f := range a.list {
		if !ofRun[f.Code] {
			h.Findings = append(h.Findings, f)
		}
	}
	if !a.recorded.IsZero() {
		h.Recorded = stamp(a.recorded)
	}
	return h
}

// Save settles everything and writes what the auditor knows, so that another run
// goes on from here (Resume). It ends with a digest of itself: it is guarded
// against damage, not against whoever may write where it is kept.
func (a *Auditor) Save(w io.Writer) error {
	if a.config.Sparse {
		return errors.New("audit: what was seen of a bundle is not kept")
	}
	if err := a.Settle(); err != nil {
		return err
	}
	s := &stateWriter{sum: sha256.New()}
	s.w = bufio.NewWriterSize(io.MultiWriter(w, s.sum), 1<<20)
	head, err := json.Marshal(a.head(), json.Deterministic(true))
	if err != nil {
		return fmt.Errorf("save the audit: %w", err)
	}
	s.bytes([]byte(stateMagic))
	s.block(head)
	for _, leaf := range a.tree.leaves {
		s.bytes(leaf[:])
	}
	for _, b := range a.basis {
		s.number(uint64(b.at))
		s.block(b.leaf)
	}
	keys := slices.SortedFunc(maps.Keys(a.ids), func(x, y eventKey) int {
		return cmp.Or(cmp.Compare(x.subject, y.subject), bytes.Compare(x.id[:], y.id[:]))
	})
	for _, k := range keys {
		s.block([]byte(k.subject))
		s.bytes(k.id[:])
		s.number(uint64(a.ids[k]))
	}
	if err := s.cases(a.cases); err != nil {
		return err
	}
	if s.err == nil {
		s.err = s.w.Flush()
	}
	if s.err == nil {
		_, s.err = w.Write(s.sum.Sum(nil))
	}
	if s.err != nil {
		return fmt.Errorf("save the audit: %w", s.err)
	}
	return nil
}

type stateWriter struct {
	w   *bufio.Writer
	sum hash.Hash
	err error
}

func (s *stateWriter) bytes(b []byte) {
	if s.err == nil {
		_, s.err = s.w.Write(b)
	}
}

func (s *stateWriter) number(n uint64) { s.bytes(binary.BigEndian.AppendUint64(nil, n)) }

// block is bytes after their number.
func (s *stateWriter) block(b []byte) {
	s.number(uint64(len(b)))
	s.bytes(b)
}

func (s *stateWriter) cases(cases map[string]*caseState) error {
	for _, id := range slices.Sorted(maps.Keys(cases)) {
		c := cases[id]
		folded, err := json.Marshal(c.folded, json.FormatNilSliceAsNull(true))
		if err != nil {
			return fmt.Errorf("save case %s: %w", id, err)
		}
		s.block([]byte(id))
		s.block(folded)
		s.number(uint64(len(c.entries)))
		for _, en := range c.entries {
			s.bytes(en.id[:])
			s.number(uint64(en.micro))
			s.number(uint64(en.position))
		}
	}
	return nil
}

// Resume makes an auditor that goes on from what another saved, under the same
// policy. Errors are ErrState.
func Resume(c Config, saved []byte) (*Auditor, error) {
	a := New(c)
	if err := a.resume(saved); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrState, err)
	}
	return a, nil
}

func (a *Auditor) resume(saved []byte) error {
	if a.config.Sparse || a.config.Read == nil {
		return errors.New("without reading records again nothing can be gone on from")
	}
	body, ok := bytes.CutPrefix(saved, []byte(stateMagic))
	if !ok || len(body) < sha256.Size {
		return errors.New("it does not begin as one of this program")
	}
	end := len(saved) - sha256.Size
	if sha256.Sum256(saved[:end]) != ledger.Hash(saved[end:]) {
		return errors.New("it is damaged: its digest does not fit")
	}
	s := &stateReader{rest: body[:len(body)-sha256.Size]}
	var h stateHead
	if err := json.Unmarshal(s.block(), &h, json.RejectUnknownMembers(true)); err != nil || s.failed {
		return errors.New("its head cannot be read")
	}
	if err := a.mine(h); err != nil {
		return err
	}
	if err := a.resumeHead(s, h); err != nil {
		return err
	}
	if err := a.resumeRoster(s, h.Basis); err != nil {
		return err
	}
	if err := a.resumeCases(s, h); err != nil || len(h.Last) == 0 {
		return err
	}
	return a.Hold(HeldLast, h.Last)
}

// resumeHead takes what was counted and found, and the hashes of all leaves.
func (a *Auditor) resumeHead(s *stateReader, h stateHead) error {
	a.position, a.taken, a.from = h.Position, h.Position, h.Position
	a.stats, a.counts, a.list, a.last = h.Stats, h.Counts, h.Findings, h.Last
	if h.Repeats != nil {
		a.repeats = h.Repeats
	}
	if h.Recorded != "" {
		t, err := time.Parse(ledger.RecordedFormat, h.Recorded)
		if err != nil {
			return errors.New("its last recorded time cannot be read")
		}
		a.recorded = t
	}
	for range h.Position {
		a.tree.add(s.hash())
		if s.failed {
			return errShort
		}
	}
	return nil
}

// mine refuses a state that was made by another program, by another policy, or
// with less looked at.
func (a *Auditor) mine(h stateHead) error {
	p := a.config.Policy
	switch {
	case h.Program != a.config.Program:
		return fmt.Errorf("version %s of the program made it, this is %s", h.Program, a.config.Program)
	case h.Origin != p.Origin || h.Genesis != p.Genesis.String() || h.Log != p.Log || h.Receipt != p.Receipt:
		return fmt.Errorf("it is of %s with genesis %.16s, under other keys or of another ledger than the policy's %s", h.Origin, h.Genesis, p.Origin)
	case a.config.Schemas != nil && !h.Schemas:
		return errors.New("it was made without schemas")
	}
	// Judged with schemas until now, and without from now on.
	a.lax = a.config.Schemas == nil
	return nil
}

var errShort = errors.New("it ends too early")

type stateReader struct {
	rest   []byte
	failed bool
}

func (s *stateReader) take(n uint64) []byte {
	if n > uint64(len(s.rest)) {
		s.failed, s.rest = true, nil
		return nil
	}
	out := s.rest[:n:n]
	s.rest = s.rest[n:]
	return out
}

func (s *stateReader) number() uint64 {
	b := s.take(8)
	if s.failed {
		return 0
	}
	return binary.BigEndian.Uint64(b)
}

func (s *stateReader) block() []byte { return s.take(s.number()) }

func (s *stateReader) hash() (h ledger.Hash) {
	copy(h[:], s.take(sha256.Size))
	return h
}
