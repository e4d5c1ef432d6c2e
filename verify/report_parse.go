package verify

import (
	"errors"
	"fmt"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/go-json-experiment/json"

	"github.com/berkas-ledger/berkas/ledger"
)

// Bounds of a report that is read. Finish keeps to them: it keeps a hundred
// findings of a code.
const (
	// MaxReport bounds a report as JSON, in bytes.
	MaxReport = 16 << 20
	// MaxReportFindings bounds its findings, and each other list of it.
	MaxReportFindings = 10_000
	maxReportText     = 4 << 10 // of a finding's words
)

// ParseReport reads an audit report that somebody wrote: one JSON object in UTF-8,
// no name twice, as audit-report.schema.json says, and at one with itself. Members that it
// does not know are passed over, for reports grow; null is nowhere. What it says
// is its author's word: nothing is judged here.
func ParseReport(raw []byte) (Report, error) {
	r, err := readReport(raw)
	if err != nil {
		return Report{}, fmt.Errorf("report: %w", err)
	}
	return r, nil
}

func readReport(raw []byte) (r Report, err error) {
	if len(raw) > MaxReport {
		return r, fmt.Errorf("%d bytes, at most %d", len(raw), MaxReport)
	}
	if err := json.Unmarshal(raw, &r); err != nil {
		return r, err
	}
	// Written again it has every member that a report has: they have to be there.
	again, err := json.Marshal(r)
	if err != nil {
		return r, err
	}
	var said, known any
	if err := errors.Join(json.Unmarshal(raw, &said), json.Unmarshal(again, &known)); err != nil {
		return r, err
	}
	if err := covers("", said, known); err != nil {
		return r, err
	}
	return r, r.check()
}

// covers reports what a JSON value lacks that another has.
func covers(at string, said, known any) error {
	switch known := known.(type) {
	case map[string]any:
		object, _ := said.(map[string]any)
		for name, v := range object {
			if v == nil {
				return fmt.Errorf("%s/%s is null", at, name)
			}
		}
		for name, v := range known {
			if _, ok := object[name]; !ok {
				return fmt.Errorf("there is no %s/%s", at, name)
			}
			if err := covers(at+"/"+name, object[name], v); err != nil {
				return err
			}
		}
	case []any:
		list, ok := said.([]any)
		if !ok || len(list) != len(known) {
			return fmt.Errorf("%s is not a list", at)
		}
		for i, v := range known {
			if err := covers(fmt.Sprintf("%s/%d", at, i), list[i], v); err != nil {
				return err
			}
		}
	default:
		if said != known {
			return fmt.Errorf("%s is not of its form", at)
		}
	}
	return nil
}

// check holds a report that was read against itself.
func (r *Report) check() error {
	switch {
	case r.Format != ReportFormat:
		return fmt.Errorf("format is not %s", ReportFormat)
	case !ledger.ValidOrigin(r.Origin):
		return errors.New("origin is not the name of a ledger")
	case r.Valid && (r.Total != 0 || r.Checkpoint.Signed == "" || r.Checkpoint.Size == 0):
		return errors.New("it finds nothing wrong, and has findings or no checkpoint")
	case r.Recorded != "" && !isStamp(r.Recorded, ledger.RecordedFormat):
		return errors.New("recorded is no time as records write it")
	case max(len(r.Held), len(r.Unchecked), len(r.Proofs), len(r.Counts), len(r.Findings)) > MaxReportFindings:
		return fmt.Errorf("a list has more than %d lines", MaxReportFindings)
	case r.Tables != nil && len(r.Tables.Tables) > MaxReportFindings:
		return errors.New("tables: too many")
	}
	if err := r.checkCheckpoint(); err != nil {
		return fmt.Errorf("checkpoint: %w", err)
	}
	if err := r.checkLists(); err != nil {
		return err
	}
	if err := r.checkCounts(); err != nil {
		return err
	}
	return r.checkFindings()
}

func (r *Report) checkLists() error {
	for i, h := range r.Held {
		if !isHex(h.Root) || !words(h.Source) || h.Seen != "" && !isStamp(h.Seen, time.RFC3339) {
			return fmt.Errorf("held, %d: not a checkpoint's source, root and time", i+1)
		}
	}
	for i, p := range r.Proofs {
		if !words(p.File) || !p.Agency.Valid() || len(p.Receipt) > maxReportNote || len(p.Checkpoint) > ledger.MaxCheckpoint {
			return fmt.Errorf("proofs, %d: not a file, an agency and two notes", i+1)
		}
	}
	for _, u := range r.Unchecked {
		if !isCode(Code(u)) {
			return errors.New("unchecked: not a code")
		}
	}
	return nil
}

// maxReportNote bounds a receipt that stands in a report, in bytes.
const maxReportNote = 16 << 10

func (r *Report) checkCheckpoint() error {
	c := &r.Checkpoint
	switch {
	case len(c.Signed) > ledger.MaxCheckpoint || len(c.Witnesses) > 100 || !words(c.Quorum):
		return errors.New("it is larger than any checkpoint")
	case c.Signed == "" && c.Root != "":
		return errors.New("a root that nobody signed")
	case c.Signed != "":
		said, err := ledger.UnverifiedCheckpoint([]byte(c.Signed))
		if err != nil {
			return err
		}
		if said.Size != c.Size || said.Root.String() != c.Root || said.Origin != r.Origin {
			return errors.New("size and root are not those of the signed note")
		}
	}
	for _, w := range c.Witnesses {
		if w.Name == "" || !words(w.Name) || !isStamp(w.At, time.RFC3339) {
			return errors.New("a witness without name or time")
		}
	}
	return nil
}

func (r *Report) checkCounts() error {
	var total uint64
	for code, n := range r.Counts {
		if !isCode(code) || n == 0 || total+n < total {
			return errors.New("findings_by_code: not a code and how many there are")
		}
		total += n
	}
	if total != r.Total {
		return errors.New("findings_total is not the sum of findings_by_code")
	}
	return nil
}

func (r *Report) checkFindings() error {
	listed := map[Code]uint64{}
	for i, f := range r.Findings {
		if listed[f.Code]++; listed[f.Code] > r.Counts[f.Code] {
			return fmt.Errorf("findings, %d: one more of its code than were counted", i+1)
		}
		if f.Agency != "" && !f.Agency.Valid() {
			return fmt.Errorf("findings, %d: not an agency", i+1)
		}
		for _, text := range []string{f.Event, f.Expected, f.Found, f.English, f.Indonesian} {
			if !words(text) {
				return fmt.Errorf("findings, %d: words of more than %d bytes, or with signs that are none", i+1, maxReportText)
			}
		}
	}
	return nil
}

// words reports whether a text is one that a person may be shown.
func words(s string) bool {
	if len(s) > maxReportText || !utf8.ValidString(s) {
		return false
	}
	for _, c := range s {
		if unicode.IsControl(c) && c != '\n' && c != '\t' {
			return false
		}
	}
	return true
}

func isHex(s string) bool {
	_, err := ledger.ParseHash(s)
	return err == nil
}

func isStamp(s, format string) bool {
	t, err := time.Parse(format, s)
	return err == nil && t.Format(format) == s
}

// isCode reports whether a text has the form of a code: lower-case words with
// hyphens between them.
func isCode(c Code) bool {
	if len(c) == 0 || len(c) > 64 {
		return false
	}
	for _, b := range []byte(c) {
		if (b < 'a' || b > 'z') && (b < '0' || b > '9') && b != '-' {
			return false
		}
	}
	return true
}
