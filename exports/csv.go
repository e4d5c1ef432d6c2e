package exports

import (
	"encoding/csv"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/berkas-ledger/berkas/ledger"
)

// CSVOptions are the dialects of RFC 4180 that programs in Indonesia want.
type CSVOptions struct {
	// Semicolon separates by semicolons, writes a decimal comma and begins with the
	// mark of UTF-8, as Excel with Indonesian settings reads and writes it.
	Semicolon bool
}

// CSV writes a list row by row and keeps none of it.
type CSV struct {
	w     *csv.Writer
	comma bool // decimal
}

// NewCSV begins a file with its column names.
func NewCSV(w io.Writer, o CSVOptions, columns []string) (*CSV, error) {
	if o.Semicolon {
		if _, err := io.WriteString(w, "\ufeff"); err != nil {
			return nil, err
		}
	}
	out := &CSV{w: csv.NewWriter(w), comma: o.Semicolon}
	out.w.UseCRLF = true
	if o.Semicolon {
		out.w.Comma = ';'
	}
	return out, out.w.Write(columns)
}

// Add writes a row.
func (c *CSV) Add(row Row) error {
	cells := make([]string, len(row))
	for i, v := range row {
		var err error
		if cells[i], err = c.cell(v); err != nil {
			return err
		}
	}
	return c.w.Write(cells)
}

// End hands over what is still held back.
func (c *CSV) End() error {
	c.w.Flush()
	return c.w.Error()
}

// cell writes a value. Numbers stay numbers, also negative ones.
func (c *CSV) cell(v any) (string, error) {
	switch v := v.(type) {
	case nil:
		return "", nil
	case string:
		return Neutral(v), nil
	case bool:
		return strconv.FormatBool(v), nil
	case int:
		return strconv.Itoa(v), nil
	case int64:
		return strconv.FormatInt(v, 10), nil
	case uint64:
		return strconv.FormatUint(v, 10), nil
	case float64:
		text := strconv.FormatFloat(v, 'f', -1, 64)
		if c.comma {
			text = strings.Replace(text, ".", ",", 1)
		}
		return text, nil
	case ledger.Date:
		return string(v), nil
	case time.Time:
		if v.IsZero() {
			return "", nil
		}
		return moment(v), nil
	}
	return "", unknown(v)
}
