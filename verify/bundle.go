package verify

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/berkas-ledger/berkas/ledger"
)

// Bundle is one case with what it takes to check it without asking anybody: a
// signed checkpoint, and records that each prove to be in its log. They are the
// whole roster, which says whose keys and mandates are whose, and the case's own,
// in order of position. docs/bundles.md describes the file.
//
// A bundle proves that what is in it stands in the log. That nothing was left out
// only the log itself can show.
type Bundle struct {
	Case       string
	Checkpoint []byte // signed
	Records    []Proven
}

// Proven is a record's leaf and its inclusion proof (RFC 6962 section 2.1.1).
type Proven struct {
	Leaf      []byte
	Inclusion []ledger.Hash
}

const (
	// BundleFormat is the first word of every bundle.
	BundleFormat = "berkas/bundle/v1"
	// MaxBundle bounds a bundle, in bytes.
	MaxBundle = 32 << 20
	// MaxBundleRecords bounds its records.
	MaxBundleRecords = 50_000
	// maxInclusion bounds a proof: a log has at most 2^63 records.
	maxInclusion = 63
)

// bundleFile is the file as JSON. Bytes are base64.
type bundleFile struct {
	Format     string         `json:"format"`
	Case       string         `json:"case"`
	Checkpoint string         `json:"checkpoint"`
	Records    []bundleRecord `json:"records"`
}

type bundleRecord struct {
	Leaf      string   `json:"leaf"`
	Inclusion []string `json:"inclusion"`
}

// Encode writes the bundle in its one form: JSON with a line for each record.
func (b Bundle) Encode() ([]byte, error) {
	if err := b.sound(); err != nil {
		return nil, err
	}
	return b.encode()
}

func (b Bundle) encode() ([]byte, error) {
	checkpoint, err := jsontext.AppendQuote(nil, b.Checkpoint)
	if err != nil {
		return nil, fmt.Errorf("bundle: the checkpoint is not text: %w", err)
	}
	var out bytes.Buffer
	fmt.Fprintf(&out, "{\"format\":%q,\n\"case\":%q,\n\"checkpoint\":%s,\n\"records\":[", BundleFormat, b.Case, checkpoint)
	for i, r := range b.Records {
		if i > 0 {
			out.WriteByte(',')
		}
		out.WriteString("\n" + `{"leaf":"` + base64.StdEncoding.EncodeToString(r.Leaf) + `","inclusion":[`)
		for j, h := range r.Inclusion {
			if j > 0 {
				out.WriteByte(',')
			}
			out.WriteString(`"` + base64.StdEncoding.EncodeToString(h[:]) + `"`)
		}
		out.WriteString("]}")
	}
	out.WriteString("\n]}\n")
	if out.Len() > MaxBundle {
		return nil, fmt.Errorf("bundle of %d bytes, at most %d", out.Len(), MaxBundle)
	}
	return out.Bytes(), nil
}

// sound checks the parts' form and bounds.
func (b Bundle) sound() error {
	switch {
	case !ValidCase(b.Case):
		return errors.New("bundle: the case is not a UUID of version 7 in lower case")
	case len(b.Checkpoint) == 0 || len(b.Checkpoint) > ledger.MaxCheckpoint:
		return fmt.Errorf("bundle: checkpoint of %d bytes, at least 1 and at most %d", len(b.Checkpoint), ledger.MaxCheckpoint)
	case len(b.Records) == 0 || len(b.Records) > MaxBundleRecords:
		return fmt.Errorf("bundle of %d records, at least 1 and at most %d", len(b.Records), MaxBundleRecords)
	}
	for i, r := range b.Records {
		if len(r.Leaf) == 0 || len(r.Leaf) > ledger.MaxLeaf || len(r.Inclusion) > maxInclusion {
			return fmt.Errorf("bundle, record %d: leaf of %d bytes and proof of %d hashes", i+1, len(r.Leaf), len(r.Inclusion))
		}
	}
	return nil
}

// caseID is the form of a case's id, the subject of its events.
var caseID = regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`)

// ValidCase reports whether a string has the form of a case's id.
func ValidCase(id string) bool { return caseID.MatchString(id) }

// ParseBundle reads a bundle strictly: what Encode does not write is refused. It
// verifies nothing.
func ParseBundle(raw []byte) (Bundle, error) {
	var b Bundle
	if len(raw) > MaxBundle {
		return b, fmt.Errorf("bundle of %d bytes, at most %d", len(raw), MaxBundle)
	}
	var f bundleFile
	if err := json.Unmarshal(raw, &f, json.RejectUnknownMembers(true)); err != nil {
		return b, errors.New("not a bundle: " + place(err))
	}
	if f.Format != BundleFormat {
		return b, fmt.Errorf("not a bundle: its format is not %q", BundleFormat)
	}
	b.Case, b.Checkpoint = f.Case, []byte(f.Checkpoint)
	for i, r := range f.Records {
		p, err := r.read()
		if err != nil {
			return Bundle{}, fmt.Errorf("bundle, record %d: %w", i+1, err)
		}
		b.Records = append(b.Records, p)
	}
	if err := b.sound(); err != nil {
		return Bundle{}, err
	}
	again, err := b.encode()
	if err != nil || !bytes.Equal(again, raw) {
		return Bundle{}, errors.New("bundle is not in its one form: it was not written by berkas bundle, or was changed since")
	}
	return b, nil
}

// place says where the JSON breaks off, without quoting it.
func place(err error) string {
	var syntax *jsontext.SyntacticError
	var wrong *json.SemanticError
	switch {
	case errors.As(err, &syntax) && errors.Is(err, jsontext.ErrDuplicateName):
		return fmt.Sprintf("a member is named twice at byte %d", syntax.ByteOffset)
	case errors.As(err, &syntax):
		return fmt.Sprintf("the JSON is broken at byte %d", syntax.ByteOffset)
	case errors.As(err, &wrong):
		return fmt.Sprintf("it has another member or type at byte %d", wrong.ByteOffset)
	default:
		return "the JSON ends too soon"
	}
}

func (r bundleRecord) read() (Proven, error) {
	var p Proven
	var err error
	if p.Leaf, err = base64.StdEncoding.Strict().DecodeString(r.Leaf); err != nil {
		return p, errors.New("the leaf is not base64")
	}
	if len(r.Inclusion) > maxInclusion {
		return p, fmt.Errorf("proof of %d hashes, at most %d", len(r.Inclusion), maxInclusion)
	}
	for _, text := range r.Inclusion {
		raw, err := base64.StdEncoding.Strict().DecodeString(text)
		if err != nil || len(raw) != len(ledger.Hash{}) {
			return p, errors.New("a hash of the proof is not 32 bytes in base64")
		}
		p.Inclusion = append(p.Inclusion, ledger.Hash(raw))
	}
	return p, nil
}

// ErrNoRecords says that a checkpoint covers no record of a case.
var ErrNoRecords = errors.New("no record of the case is in the log")

// MakeBundle puts a bundle together from leaves of the roster and of a case, in any
// order, of which those that the checkpoint does not cover are left out. prove
// gives inclusion proofs; each is checked, so that no bundle is made that could not
// be verified. Who signed the checkpoint is for its readers to judge.
func MakeBundle(ctx context.Context, id string, signed []byte, c ledger.Checkpoint, leaves [][]byte, prove func(context.Context, ledger.Position) ([]ledger.Hash, error)) (Bundle, error) {
	b := Bundle{Case: id, Checkpoint: signed}
	at, own := map[ledger.Position][]byte{}, false
	for _, leaf := range leaves {
		r, err := ledger.ParseLeaf(leaf)
		if err != nil {
			return Bundle{}, fmt.Errorf("bundle: %w", err)
		}
		if r.Subject != ledger.SubjectRoster && r.CaseID() != id {
			return Bundle{}, fmt.Errorf("bundle: the record of position %d is of %s", r.Position, r.Subject)
		}
		if r.Position <= c.Size {
			at[r.Position], own = leaf, own || r.CaseID() == id
		}
	}
	if !own {
		return Bundle{}, fmt.Errorf("case %s, %d records: %w", id, c.Size, ErrNoRecords)
	}
	for _, p := range slices.Sorted(maps.Keys(at)) {
		path, err := prove(ctx, p)
		if err == nil {
			err = ledger.CheckInclusion(c, p, ledger.HashLeaf(at[p]), path)
		}
		if err != nil {
			return Bundle{}, fmt.Errorf("bundle: %w", err)
		}
		b.Records = append(b.Records, Proven{at[p], path})
	}
	return b, nil
}
