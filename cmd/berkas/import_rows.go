package main

import (
	"bufio"
	"crypto/sha256"
	"encoding/base64"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"

	"github.com/berkas-ledger/berkas/agencies"
	"github.com/berkas-ledger/berkas/ledger"
)

// rows reads a file row by row. An unreadable row is a row with an error.
func (f *importFlags) rows(file, origin string) (iter.Seq[importRow], error) {
	if strings.HasSuffix(file, ".csv") != (f.mapping != "") {
		return nil, usage("a CSV file needs --mapping, and only a CSV file")
	}
	in, err := os.Open(filepath.Clean(file))
	if err != nil {
		return nil, err
	}
	if f.mapping == "" {
		return f.ndjson(in, origin), nil
	}
	return f.csv(in, origin)
}

// described is an event that is not a CloudEvent yet: how rows of NDJSON and
// mappings of CSV describe one.
type described struct {
	Agency ledger.AgencyID `json:"agency"`
	Kind   ledger.Kind     `json:"kind"`
	Case   string          `json:"case"`
	// CaseKey and CaseDate make a case id where the source has numbers of its
	// own: the same two always give the same id.
	CaseKey  string         `json:"case_key"`
	CaseDate string         `json:"case_date"`
	ID       string         `json:"id"`
	Time     string         `json:"time"`
	Data     jsontext.Value `json:"data"`
}

const maxLine = 128 << 10

func (f *importFlags) ndjson(in io.ReadCloser, origin string) iter.Seq[importRow] {
	return func(yield func(importRow) bool) {
		defer func() { _ = in.Close() }()
		lines := bufio.NewScanner(in)
		lines.Buffer(make([]byte, 0, 64<<10), maxLine)
		n := 0
		for lines.Scan() {
			n++
			if strings.TrimSpace(lines.Text()) == "" {
				continue
			}
			if !yield(f.parseLine(n, append([]byte(nil), lines.Bytes()...), origin)) {
				return
			}
		}
		if err := lines.Err(); err != nil {
			yield(importRow{number: n + 1, err: fmt.Errorf("the line is longer than 128 KiB or cannot be read: %w", err)})
		}
	}
}

func (f *importFlags) parseLine(n int, line []byte, origin string) importRow {
	row := importRow{number: n}
	var members map[string]jsontext.Value
	if err := json.Unmarshal(line, &members); err != nil {
		row.err = errors.New("the line is not one JSON object")
		return row
	}
	switch {
	case members["specversion"] != nil:
		row.body = line
		row.agency, row.err = sourceOf(line)
	case members["signature"] != nil:
		return signedLine(row, line)
	default:
		var d described
		if err := json.Unmarshal(line, &d, json.RejectUnknownMembers(true)); err != nil {
			row.err = errors.New("the line is none of: a CloudEvent, a description of an event, a signed event")
			return row
		}
		return f.build(row, d, line, origin)
	}
	return row
}

func sourceOf(body []byte) (ledger.AgencyID, error) {
	e, bad := ledger.Decode(body)
	if bad != nil {
		return "", bad
	}
	return e.Source, nil
}

func signedLine(row importRow, line []byte) importRow {
	var s struct {
		Signature []string `json:"signature"`
		Event     string   `json:"event"`
	}
	if err := json.Unmarshal(line, &s, json.RejectUnknownMembers(true)); err != nil {
		row.err = errors.New(`a signed event is {"signature": [...], "event": "<base64>"}`)
		return row
	}
	body, err := base64.StdEncoding.Strict().DecodeString(s.Event)
	if err != nil {
		row.err = errors.New("the event is not base64")
		return row
	}
	row.body = body
	if row.agency, row.err = sourceOf(body); row.err != nil {
		return row
	}
	sigs, bad := ledger.ParseSignatures(s.Signature)
	if bad != nil {
		row.err = bad
		return row
	}
	row.signatures = sigs
	return row
}

// build makes the event of a description. Ids that it does not name are made
// from the row, so that the same file gives the same bytes again.
func (f *importFlags) build(row importRow, d described, source []byte, origin string) importRow {
	row.agency = d.Agency
	if row.agency == "" {
		row.agency = ledger.AgencyID(f.agency)
	}
	if !row.agency.Valid() {
		row.err = errNoAgency
		return row
	}
	at, err := time.Parse(time.RFC3339, d.Time)
	if err != nil {
		row.err = errors.New("time is not RFC 3339, such as 2020-09-30T10:00:00+07:00")
		return row
	}
	subject := d.Case
	if d.CaseKey != "" {
		opened := ledger.Date(d.CaseDate)
		if !opened.Valid() {
			row.err = errors.New("case_key needs case_date, a day such as 2020-09-30")
			return row
		}
		subject = derivedID(opened.Start(), origin, "case", d.CaseKey)
	}
	id := d.ID
	if id == "" {
		id = derivedID(at, origin, string(row.agency), fmt.Sprint(row.number), string(source))
	}
	draft, err := agencies.Compose(origin, row.agency, d.Kind, subject, at, d.Data, agencies.WithID(id))
	row.body, row.err = draft.Body, err
	return row
}

// derivedID makes a UUID of version 7 whose time is given and whose other bits
// come from a hash: the same words give the same id.
func derivedID(at time.Time, words ...string) string {
	h := sha256.New()
	for _, w := range words {
		fmt.Fprintf(h, "%d:%s", len(w), w)
	}
	var u uuid.UUID
	copy(u[:], h.Sum(nil))
	ms := uint64(at.UnixMilli())
	for i := range 6 {
		u[i] = byte(ms >> (40 - 8*i))
	}
	u[6] = u[6]&0x0f | 0x70
	u[8] = u[8]&0x3f | 0x80
	return u.String()
}

// csv reads a CSV file by a mapping: a description in which {column} stands for
// a cell. A string that is only "{column:number}" becomes a number; a member
// whose string becomes empty is left out.
func (f *importFlags) csv(in io.ReadCloser, origin string) (iter.Seq[importRow], error) {
	raw, err := os.ReadFile(filepath.Clean(f.mapping))
	if err != nil {
		return nil, err
	}
	var mapping any
	if err := json.Unmarshal(raw, &mapping); err != nil {
		return nil, usage("%s is not JSON", f.mapping)
	}
	reader := csv.NewReader(in)
	columns, err := reader.Read()
	if err != nil {
		return nil, usage("the CSV file has no header line")
	}
	if len(columns) == 1 && strings.Contains(columns[0], ";") {
		return nil, usage("the CSV file is separated by semicolons; save it with commas")
	}
	columns[0] = strings.TrimPrefix(columns[0], "\ufeff")
	if err := errors.Join(checkTwice(columns), checkColumns(mapping, columns)); err != nil {
		return nil, usage("%s: %w", f.mapping, err)
	}
	return func(yield func(importRow) bool) {
		defer func() { _ = in.Close() }()
		for {
			cells, err := reader.Read()
			if errors.Is(err, io.EOF) {
				return
			}
			var row importRow
			var wrong *csv.ParseError
			switch {
			case errors.As(err, &wrong): // FieldPos knows no line then
				row.number = wrong.StartLine
				row.err = errors.New("the line does not have the cells of the header, or its quotes are wrong")
			case err != nil:
				row.err = err
			default:
				row.number, _ = reader.FieldPos(0)
				row = f.mapRow(row, mapping, columns, cells, origin)
			}
			if !yield(row) || err != nil && wrong == nil {
				return
			}
		}
	}, nil
}

func (f *importFlags) mapRow(row importRow, mapping any, columns, cells []string, origin string) importRow {
	numbers := make(map[string]string, len(columns))
	var pairs []string
	for i, c := range columns {
		cell := strings.TrimSpace(cells[i])
		numbers["{"+c+":number}"] = cell
		pairs = append(pairs, "{"+c+"}", cell)
	}
	// One pass: what stands in a cell is not taken for a column's name.
	filled, err := json.Marshal(fill(mapping, numbers, strings.NewReplacer(pairs...)), json.Deterministic(true))
	if err != nil {
		row.err = err
		return row
	}
	var d described
	if err := json.Unmarshal(filled, &d, json.RejectUnknownMembers(true)); err != nil {
		row.err = errors.New("the mapping makes no description of an event: agency, kind, case or case_key and case_date, time, data")
		return row
	}
	return f.build(row, d, filled, origin)
}

// fill puts a row's cells into a mapping.
func fill(node any, numbers map[string]string, cells *strings.Replacer) any {
	switch v := node.(type) {
	case map[string]any:
		out := make(map[string]any, len(v))
		for name, child := range v {
			if filled := fill(child, numbers, cells); filled != "" {
				out[name] = filled
			}
		}
		return out
	case []any:
		out := make([]any, 0, len(v))
		for _, child := range v {
			if filled := fill(child, numbers, cells); filled != "" {
				out = append(out, filled)
			}
		}
		return out
	case string:
		if number, ok := numbers[v]; ok {
			return jsontext.Value(number)
		}
		return cells.Replace(v)
	default:
		return node
	}
}

// checkTwice finds a name that two columns have.
func checkTwice(columns []string) error {
	for i, c := range columns {
		if slices.Contains(columns[:i], c) {
			return fmt.Errorf("the CSV file has two columns %q", c)
		}
	}
	return nil
}

// checkColumns finds {names} that are no columns.
func checkColumns(node any, columns []string) error {
	switch v := node.(type) {
	case map[string]any:
		for _, child := range v {
			if err := checkColumns(child, columns); err != nil {
				return err
			}
		}
	case []any:
		for _, child := range v {
			if err := checkColumns(child, columns); err != nil {
				return err
			}
		}
	case string:
		for _, c := range columns {
			v = strings.ReplaceAll(strings.ReplaceAll(v, "{"+c+"}", ""), "{"+c+":number}", "")
		}
		if strings.ContainsAny(v, "{}") {
			return fmt.Errorf("%q names a column that the file does not have (%s)", v, strings.Join(columns, ", "))
		}
	}
	return nil
}
