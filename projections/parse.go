package projections

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/berkas-ledger/berkas/ledger"
)

// publishedColumns are the columns of a file of published figures.
var publishedColumns = []string{"id", "as_of", "since", "agency", "unit", "measure", "filter", "value", "source"}

var publicationPattern = regexp.MustCompile(`^[a-z0-9-]{1,64}$`)

// maxLine is the longest line of a file of published figures, in bytes.
const maxLine = 64 << 10

// ErrTable says where a file of published figures is wrong.
type ErrTable struct {
	Line    int    // from 1
	Column  string // name of the column, "" when it is the line as a whole
	Problem string
}

func (e *ErrTable) Error() string {
	if e.Column == "" {
		return fmt.Sprintf("line %d: %s", e.Line, e.Problem)
	}
	return fmt.Sprintf("line %d, column %s: %s", e.Line, e.Column, e.Problem)
}

// ParsePublished reads tab-separated figures: a header line with the columns id,
// as_of, since, agency, unit, measure, filter (k=v, several joined with ";"),
// value, source; then a figure a line. The agency is both publisher and
// observer. Lines end in LF or CRLF. It is strict: every error is an *ErrTable
// or one of the reader.
func ParsePublished(in io.Reader) ([]PublishedFigure, error) {
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, maxLine)
	var out []PublishedFigure
	n := 0
	for lines.Scan() {
		n++
		line := lines.Text()
		if n == 1 {
			line = strings.TrimPrefix(line, "\ufeff") // as spreadsheets write it
		}
		fields, bad := splitLine(line, n)
		if bad != nil {
			return nil, bad
		}
		if n == 1 {
			if !slices.Equal(fields, publishedColumns) {
				return nil, &ErrTable{1, "", "the header has to be " + strings.Join(publishedColumns, ", ") + ", tab-separated"}
			}
			continue
		}
		f, bad := parseFigure(fields, n)
		if bad != nil {
			return nil, bad
		}
		out = append(out, f)
	}
	if err := lines.Err(); errors.Is(err, bufio.ErrTooLong) {
		return nil, &ErrTable{n + 1, "", fmt.Sprintf("longer than %d bytes", maxLine)}
	} else if err != nil {
		return nil, err
	}
	if n == 0 {
		return nil, &ErrTable{1, "", "there is no header"}
	}
	return out, nil
}

func splitLine(line string, n int) ([]string, *ErrTable) {
	if !utf8.ValidString(line) {
		return nil, &ErrTable{n, "", "not UTF-8"}
	}
	fields := strings.Split(line, "\t")
	if len(fields) != len(publishedColumns) {
		return nil, &ErrTable{n, "", fmt.Sprintf("%d columns, not %d", len(fields), len(publishedColumns))}
	}
	for i, f := range fields {
		if strings.ContainsFunc(f, unicode.IsControl) {
			return nil, &ErrTable{n, publishedColumns[i], "a control character"}
		}
		if strings.TrimSpace(f) != f {
			return nil, &ErrTable{n, publishedColumns[i], "spaces before or after the value"}
		}
	}
	return fields, nil
}

func parseFigure(fields []string, n int) (PublishedFigure, *ErrTable) {
	f := PublishedFigure{
		Table: fields[0], AsOf: ledger.Date(fields[1]), Since: ledger.Date(fields[2]), Publisher: ledger.AgencyID(fields[3]),
		SeenBy: ledger.AgencyID(fields[3]), Unit: ledger.Unit(fields[4]), Measure: fields[5], Source: fields[8],
	}
	bad := func(column int, format string, args ...any) (PublishedFigure, *ErrTable) {
		return PublishedFigure{}, &ErrTable{n, publishedColumns[column], fmt.Sprintf(format, args...)}
	}
	switch {
	case !publicationPattern.MatchString(f.Table):
		return bad(0, "an id is [a-z0-9-]{1,64}")
	case !f.AsOf.Valid():
		return bad(1, "%q is no day; write 2020-11-26", f.AsOf)
	case f.Since != "" && !f.Since.Valid():
		return bad(2, "%q is no day; write 2020-11-26, or nothing", f.Since)
	case f.Since != "" && f.Since >= f.AsOf:
		return bad(2, "%s does not lie before as_of", f.Since)
	case !f.Publisher.Valid():
		return bad(3, "an agency is [a-z0-9-]{1,32}")
	case !slices.Contains(ledger.Units, f.Unit):
		return bad(4, "%q is none of case, respondent, recommendation, ppk", f.Unit)
	}
	if _, err := ledger.ParseMeasures(f.Measure); err != nil {
		return bad(5, "%v", err)
	}
	var err error
	if f.Filter, err = parseFilter(fields[6]); err != nil {
		return bad(6, "%v", err)
	}
	if f.Value, err = strconv.ParseUint(fields[7], 10, 64); err != nil || strconv.FormatUint(f.Value, 10) != fields[7] {
		return bad(7, "%q is no whole number", fields[7])
	}
	if _, err := f.Query(0); err != nil { // what is left to be wrong is a filter's name or value
		return bad(6, "%v", err)
	}
	return f, nil
}

// parseFilter reads "k=v" or "k=v;k=v"; nothing is no filter.
func parseFilter(s string) (map[string]string, error) {
	if s == "" {
		return nil, nil
	}
	out := make(map[string]string)
	for _, part := range strings.Split(s, ";") {
		name, value, ok := strings.Cut(part, "=")
		if !ok || name == "" || value == "" {
			return nil, fmt.Errorf("%q is not name=value", part)
		}
		if _, twice := out[name]; twice {
			return nil, fmt.Errorf("%s stands twice", name)
		}
		out[name] = value
	}
	return out, nil
}
