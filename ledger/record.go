package ledger

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// MaxLeaf is the largest leaf in bytes: its length is written in two bytes.
const MaxLeaf = 65535

const leafMagic = "berkas/record/v1\n"

// Record is an event with its place on the ledger.
type Record struct {
	Position   Position
	Recorded   time.Time // UTC, microseconds
	Subject    string    // for instance "ledger.case.<id>"
	Signatures []Signature
	Body       []byte
}

// Subjects of the LEDGER stream.
const (
	SubjectRoster  = "ledger.roster"
	prefixCase     = "ledger.case."
	prefixFigures  = "ledger.figures."
	prefixRefusal  = "ledger.refusal."
	SubjectsLedger = "ledger.>"
)

// SubjectCase is where a case's records stand.
func SubjectCase(id string) string { return prefixCase + id }

// SubjectFigures is where an agency's published figures stand.
func SubjectFigures(a AgencyID) string { return prefixFigures + string(a) }

// SubjectRefusal is where refusals of an agency's submissions stand.
func SubjectRefusal(a AgencyID) string { return prefixRefusal + string(a) }

// isSubject: ledger.roster, ledger.case.<id of a case>, ledger.figures.<agency>,
// ledger.refusal.<agency>.
func isSubject(s string) bool {
	if id, ok := strings.CutPrefix(s, prefixCase); ok {
		return len(id) == 36 && caseClass.all(id)
	}
	for _, prefix := range []string{prefixFigures, prefixRefusal} {
		if agency, ok := strings.CutPrefix(s, prefix); ok {
			return codeClass.fits(agency, 32)
		}
	}
	return s == SubjectRoster
}

// CaseID gives the case of a record's subject; "" for other subjects.
func (r Record) CaseID() string {
	id, ok := strings.CutPrefix(r.Subject, prefixCase)
	if !ok {
		return ""
	}
	return id
}

// Leaf is the record's byte string in the log; record and leaf determine each
// other.
func (r Record) Leaf() []byte {
	out := make([]byte, 0, len(r.Body)+len(r.Subject)+160+160*len(r.Signatures))
	out = append(out, leafMagic...)
	out = append(out, "position: "...)
	out = strconv.AppendUint(out, uint64(r.Position), 10)
	out = append(out, "\nrecorded: "...)
	out = r.Recorded.UTC().AppendFormat(out, RecordedFormat)
	out = append(out, "\nsubject: "...)
	out = append(out, r.Subject...)
	for _, s := range r.Signatures {
		out = append(out, "\nsignature: "...)
		out = append(out, s.String()...)
	}
	out = append(out, "\n\n"...)
	return append(out, r.Body...)
}

// LeafHash is the RFC 6962 leaf hash of the record: SHA-256 of 0x00 and the
// leaf.
func (r Record) LeafHash() Hash { return HashLeaf(r.Leaf()) }

// HashLeaf hashes the bytes of a leaf.
func HashLeaf(leaf []byte) Hash {
	h := sha256.New()
	h.Write([]byte{0})
	h.Write(leaf)
	var out Hash
	h.Sum(out[:0])
	return out
}

// ParseLeaf reads a leaf and refuses every byte string that Leaf does not make.
// The record's body aliases the leaf.
func ParseLeaf(leaf []byte) (Record, error) {
	var r Record
	if len(leaf) > MaxLeaf {
		return r, fmt.Errorf("leaf of %d bytes, at most %d", len(leaf), MaxLeaf)
	}
	rest, ok := bytes.CutPrefix(leaf, []byte(leafMagic))
	if !ok {
		return r, fmt.Errorf("leaf does not begin with %q", strings.TrimSpace(leafMagic))
	}
	head, body, ok := bytes.Cut(rest, []byte("\n\n"))
	if !ok {
		return r, fmt.Errorf("leaf has no empty line after its header")
	}
	lines := strings.Split(string(head), "\n")
	if len(lines) < 3 {
		return r, fmt.Errorf("leaf header has %d lines, at least 3", len(lines))
	}
	values := make([]string, len(lines))
	for i, name := range []string{"position", "recorded", "subject"} {
		if values[i], ok = strings.CutPrefix(lines[i], name+": "); !ok {
			return r, fmt.Errorf("leaf line %d is not %q", i+2, name)
		}
	}
	for i := 3; i < len(lines); i++ {
		if values[i], ok = strings.CutPrefix(lines[i], "signature: "); !ok {
			return r, fmt.Errorf("leaf line %d is not a signature", i+2)
		}
	}
	position, err := parsePosition(values[0])
	if err != nil {
		return r, err
	}
	return buildRecord(position, values[1], values[2], values[3:], body)
}

func parsePosition(s string) (Position, error) {
	n, err := strconv.ParseUint(s, 10, 64)
	if err != nil || n == 0 || strconv.FormatUint(n, 10) != s {
		return 0, fmt.Errorf("position has to be a whole number from 1, without leading zeros")
	}
	return Position(n), nil
}

// buildRecord checks the parts that leaf and stream message have in common.
func buildRecord(p Position, recorded, subject string, signatures []string, body []byte) (Record, error) {
	r := Record{Position: p, Subject: subject, Body: body}
	var err error
	if r.Recorded, err = parseRecorded(recorded); err != nil {
		return Record{}, err
	}
	if !isSubject(subject) {
		return Record{}, fmt.Errorf("record %d: unknown subject", p)
	}
	if len(signatures) == 0 || len(signatures) > MaxSignatures {
		return Record{}, fmt.Errorf("record %d has %d signatures", p, len(signatures))
	}
	for i, text := range signatures {
		sig, err := ParseSignature(text)
		if err != nil {
			return Record{}, fmt.Errorf("record %d: %w", p, err)
		}
		if i > 0 && r.Signatures[i-1].Key >= sig.Key {
			return Record{}, fmt.Errorf("record %d: signatures are not sorted by key id", p)
		}
		r.Signatures = append(r.Signatures, sig)
	}
	if len(body) > MaxBody {
		return Record{}, fmt.Errorf("record %d: body of %d bytes", p, len(body))
	}
	return r, nil
}

// Header gives the headers of the record's message on the LEDGER stream.
func (r Record) Header() map[string][]string {
	h := Submission{Signatures: r.Signatures}.Header()
	h[HeaderRecorded] = []string{r.Recorded.UTC().Format(RecordedFormat)}
	return h
}

// ParseRecord reads a message of the LEDGER stream, whose sequence is the
// position. Headers other than the three of a record are refused, so that
// message and leaf determine each other; names the server sets for itself are
// to be removed by the caller.
func ParseRecord(p Position, subject string, header map[string][]string, body []byte) (Record, error) {
	if p == 0 {
		return Record{}, fmt.Errorf("a record's position counts from 1")
	}
	if len(header) != 3 || len(header[HeaderContentType]) != 1 || len(header[HeaderRecorded]) != 1 {
		return Record{}, fmt.Errorf("record %d: headers are not exactly %s, %s and %s", p, HeaderContentType, HeaderSignature, HeaderRecorded)
	}
	if header[HeaderContentType][0] != ContentType {
		return Record{}, fmt.Errorf("record %d: unknown content type", p)
	}
	return buildRecord(p, header[HeaderRecorded][0], subject, header[HeaderSignature], body)
}
