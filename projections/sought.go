package projections

import (
	"slices"
	"strings"

	"github.com/google/uuid"

	"github.com/berkas-ledger/berkas/ledger"
)

// Model sought: what a case can be found by. Every row follows from one record
// alone, so it is added with its record and never changed.

const soughtTable = "sought"

var soughtColumns = []string{"field", "value", "position", "case_id"}

// Field says what of a case is searched.
type Field string

// Fields of a search.
const (
	FieldCase        Field = "case"     // its id, or the beginning of it
	FieldRegister    Field = "register" // number in Bawaslu's register
	FieldLetter      Field = "letter"   // number of any agency's letter
	FieldDecree      Field = "decree"   // number of an appointing authority's decree
	FieldRuling      Field = "ruling"   // number of a decision on a remedy
	FieldDocument    Field = "document" // reference or SHA-256 of an attached document
	FieldInstitution Field = "institution"
	FieldRegion      Field = "region" // where the act took place
)

// fieldLink is the other case of a link. Nobody searches for it: LinkedTo asks.
const fieldLink Field = "link"

// Fields lists them in the order in which answers are given.
var Fields = []Field{
	FieldCase, FieldRegister, FieldLetter, FieldDecree, FieldRuling, FieldDocument, FieldInstitution, FieldRegion,
}

// soughtNumbers are the fields that hold numbers as offices write them.
var soughtNumbers = []Field{FieldRegister, FieldLetter, FieldDecree, FieldRuling, FieldDocument}

// digestPrefix keeps digests apart from numbers.
const digestPrefix = "sha256/"

// normalLength bounds a normal form, in bytes: a number in a payload has at most
// 64 characters, and no normal form is longer than twice that.
const normalLength = 128

// Normal writes a number of a letter, register or decree in the form in which
// numbers are compared: runs of letters and runs of digits, in lower case and
// without leading zeros, with a slash between them. So "B-0123/KASN/10/2020",
// "b 123 kasn 10 2020" and "B123.KASN.10.2020" are one. Whatever is neither an
// ASCII letter nor a digit only divides. It is "" for a text without any.
func Normal(text string) string {
	var b []byte
	for i := 0; i < len(text) && len(b) < normalLength; {
		run := runOf(text[i:])
		if run == "" {
			i++
			continue
		}
		i += len(run)
		if len(b) > 0 {
			b = append(b, '/')
		}
		if text[i-1] <= '9' { // digits
			run = run[:len(run)-1]
			run = strings.TrimLeft(run, "0") + text[i-1:i]
		}
		b = append(b, strings.ToLower(run)...)
	}
	return strings.TrimSuffix(string(b[:min(len(b), normalLength)]), "/")
}

// runOf gives the letters or the digits that a text begins with.
func runOf(text string) string {
	n := 0
	for n < len(text) && classOf(text[n]) != 0 && classOf(text[n]) == classOf(text[0]) {
		n++
	}
	return text[:n]
}

func classOf(c byte) int {
	switch {
	case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z':
		return 1
	case c >= '0' && c <= '9':
		return 2
	default:
		return 0
	}
}

// saying is one thing that a record says and its case can be found by.
type saying struct {
	field Field
	value string // as it is compared
	text  string // as the record says it
}

func number(f Field, text string) saying { return saying{f, Normal(text), text} }

// saidBy lists what a payload says that its case can be found by, without
// repetition. Only the record that issues a number says it, not those that refer
// to it.
func saidBy(payload any) []saying {
	var list []saying
	switch p := payload.(type) {
	case *ledger.CaseOpened:
		list = append(institutionsOf(p.Respondents), saying{FieldRegion, p.Act.Region, p.Act.Region})
	case *ledger.RespondentAdded:
		list = institutionsOf(p.Respondents)
	case *ledger.CaseRegistered:
		list = append(list, number(FieldRegister, p.Register))
	case *ledger.DecisionRecorded:
		list = append(list, number(FieldDecree, p.Decree.Number))
	case *ledger.RemedyDecided:
		list = append(list, number(FieldRuling, p.Ruling.Number))
	case *ledger.EvidenceAttached:
		list = append(list, number(FieldDocument, p.Reference), saying{FieldDocument, digestPrefix + p.Digest, p.Digest})
	case *ledger.CaseLinked:
		list = append(list, saying{fieldLink, p.Case, p.Case})
	case *ledger.EventCorrected:
		if instead := p.Replacement(); instead != nil {
			return saidBy(instead)
		}
	default:
		if l, ok := letterOf(payload); ok {
			list = append(list, number(FieldLetter, l.Number))
		}
	}
	list = slices.DeleteFunc(list, func(s saying) bool { return s.value == "" })
	slices.SortFunc(list, func(a, b saying) int {
		return strings.Compare(string(a.field)+" "+a.value, string(b.field)+" "+b.value)
	})
	return slices.CompactFunc(list, func(a, b saying) bool { return a.field == b.field && a.value == b.value })
}

// letterOf gives the letter that a payload issues.
func letterOf(payload any) (ledger.Letter, bool) {
	switch p := payload.(type) {
	case *ledger.CaseForwarded:
		return p.Letter, true
	case *ledger.CaseReturned:
		return p.Letter, true
	case *ledger.CaseRecommended:
		return p.Letter, true
	case *ledger.DecisionAnnulled:
		return p.Letter, true
	case *ledger.ControlStep:
		return p.Letter, true
	case *ledger.PPKAdmonished:
		return p.Letter, true
	case *ledger.PPKSanctioned:
		return p.Letter, true
	case *ledger.CriminalReferred:
		return p.Letter, true
	default:
		return ledger.Letter{}, false
	}
}

func institutionsOf(list []ledger.NewRespondent) []saying {
	var out []saying
	for _, r := range list {
		key := r.Institution.Key()
		out = append(out, saying{FieldInstitution, key, key})
	}
	return out
}

func putSought(b []byte, d *decoded) []byte {
	for _, s := range saidBy(d.event.Payload) {
		b = putTuple(b, len(soughtColumns))
		b = putText(b, string(s.field))
		b = putText(b, s.value)
		b = putInt8(b, int64(d.record.Position))
		b = putUUID(b, d.caseID)
	}
	return b
}

// textOf is what a record says in a field under a value, as it wrote it.
func textOf(payload any, f Field, value string) string {
	for _, s := range saidBy(payload) {
		if s.field == f && s.value == value {
			return s.text
		}
	}
	return value
}

// parseCasePrefix reads the beginning of a case's id: at least its first eight
// digits, with or without hyphens, or the short form of pages, which has the last
// six as well ("01726df4…000009").
func parseCasePrefix(text string) (first, last uuid.UUID, tail string, ok bool) {
	text = strings.ToLower(strings.TrimSpace(text))
	text, tail, _ = strings.Cut(strings.ReplaceAll(text, "...", "…"), "…")
	text = strings.ReplaceAll(text, "-", "")
	if len(text) < 8 || len(text) > 32 || len(tail) > 12 || !isHex(text) || !isHex(tail) {
		return first, last, "", false
	}
	first, err := uuid.Parse(text + strings.Repeat("0", 32-len(text)))
	if err != nil {
		return first, last, "", false
	}
	last, err = uuid.Parse(text + strings.Repeat("f", 32-len(text)))
	return first, last, tail, err == nil
}

func isHex(s string) bool { return strings.Trim(s, "0123456789abcdef") == "" }
