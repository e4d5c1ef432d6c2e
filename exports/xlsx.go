package exports

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/xuri/excelize/v2"

	"github.com/berkas-ledger/berkas/ledger"
)

// Bounds of the form (ECMA-376, as Excel has them).
const (
	MaxXLSXRows = 1<<20 - 1 // beside the column names
	maxCell     = 32767     // characters
	maxExact    = 1 << 53   // whole numbers that a cell holds without rounding
)

// XLSX writes a workbook of two sheets: the list, and what it is of. Rows go to a
// temporary file once there are more than 16 MiB of them.
type XLSX struct {
	file   *excelize.File
	data   *excelize.StreamWriter
	row    int
	date   int // styles
	moment int
	head   int
	about  About
}

// Names of the sheets.
const (
	sheetData  = "data"
	sheetAbout = "about"
)

// NewXLSX begins a workbook with a frozen row of column names. Close it whatever
// happens.
func NewXLSX(a About, columns []string) (_ *XLSX, err error) {
	x := &XLSX{file: excelize.NewFile(), row: 1, about: a}
	defer func() {
		if err != nil {
			err = errors.Join(err, x.Close())
		}
	}()
	if err := x.styles(); err != nil {
		return nil, err
	}
	if err := x.file.SetSheetName("Sheet1", sheetData); err != nil {
		return nil, err
	}
	if x.data, err = x.file.NewStreamWriter(sheetData); err != nil {
		return nil, err
	}
	if err := x.data.SetColWidth(1, max(1, len(columns)), 18); err != nil {
		return nil, err
	}
	if err := x.data.SetPanes(&excelize.Panes{Freeze: true, YSplit: 1, TopLeftCell: "A2", ActivePane: "bottomLeft"}); err != nil {
		return nil, err
	}
	head := make([]any, len(columns))
	for i, c := range columns {
		head[i] = excelize.Cell{StyleID: x.head, Value: clean(c)}
	}
	return x, x.data.SetRow("A1", head)
}

func (x *XLSX) styles() (err error) {
	for _, s := range []struct {
		to *int
		of excelize.Style
	}{
		{&x.head, excelize.Style{Font: &excelize.Font{Bold: true}, Fill: excelize.Fill{Type: "pattern", Pattern: 1, Color: []string{"E7ECEF"}}}},
		{&x.date, excelize.Style{CustomNumFmt: new("yyyy-mm-dd")}},
		{&x.moment, excelize.Style{CustomNumFmt: new("yyyy-mm-dd hh:mm:ss")}},
	} {
		if *s.to, err = x.file.NewStyle(&s.of); err != nil {
			return err
		}
	}
	return nil
}

// Add writes a row.
func (x *XLSX) Add(row Row) error {
	if x.row > MaxXLSXRows {
		return fmt.Errorf("exports: a sheet holds %d rows; CSV holds any number", MaxXLSXRows)
	}
	cells := make([]any, len(row))
	for i, v := range row {
		var err error
		if cells[i], err = x.cell(v); err != nil {
			return err
		}
	}
	x.row++
	return x.data.SetRow(fmt.Sprintf("A%d", x.row), cells)
}

// cell types a value. Texts are texts, which no program reads as formulas. Times are
// those of a clock in Jakarta: a sheet knows no zones.
func (x *XLSX) cell(v any) (any, error) {
	switch v := v.(type) {
	case nil, bool, int, float64:
		return v, nil
	case string:
		return clean(v), nil
	case int64:
		if v > maxExact || v < -maxExact {
			return fmt.Sprint(v), nil
		}
		return v, nil
	case uint64:
		if v > maxExact {
			return fmt.Sprint(v), nil
		}
		return v, nil
	case ledger.Date:
		if !v.Valid() {
			return nil, nil
		}
		return excelize.Cell{StyleID: x.date, Value: serial(v.Start())}, nil
	case time.Time:
		if v.IsZero() {
			return nil, nil
		}
		return excelize.Cell{StyleID: x.moment, Value: serial(v)}, nil
	}
	return nil, unknown(v)
}

// serial is a time as sheets count: days since the end of 1899, by the clock in
// Jakarta, to the second (ECMA-376 part 1, 18.17.4.1).
func serial(t time.Time) float64 {
	t = t.In(ledger.Jakarta)
	wall := time.Date(t.Year(), t.Month(), t.Day(), t.Hour(), t.Minute(), t.Second(), 0, time.UTC)
	return wall.Sub(time.Date(1899, 12, 30, 0, 0, 0, 0, time.UTC)).Seconds() / (24 * 3600)
}

// clean leaves out what XML cannot hold, and what a cell cannot.
func clean(s string) string {
	s = strings.Map(func(r rune) rune {
		if r == utf8.RuneError || r < ' ' && r != '\t' && r != '\n' || r == 0xfffe || r == 0xffff {
			return '\ufffd'
		}
		return r
	}, s)
	if utf8.RuneCountInString(s) > maxCell {
		s = string([]rune(s)[:maxCell])
	}
	return s
}

// End writes the workbook.
func (x *XLSX) End(w io.Writer) error {
	if err := x.data.Flush(); err != nil {
		return err
	}
	if err := x.tell(); err != nil {
		return err
	}
	made := x.about.Made.UTC().Format(time.RFC3339)
	err := x.file.SetDocProps(&excelize.DocProperties{
		Title: clean(x.about.Title), Creator: "Berkas", LastModifiedBy: "Berkas", Created: made, Modified: made, Language: x.about.Lang,
	})
	if err != nil {
		return err
	}
	_, err = x.file.WriteTo(w)
	return err
}

// Close lets the workbook and its temporary files go.
func (x *XLSX) Close() error { return x.file.Close() }

// tell writes the second sheet.
func (x *XLSX) tell() error {
	if _, err := x.file.NewSheet(sheetAbout); err != nil {
		return err
	}
	w, err := x.file.NewStreamWriter(sheetAbout)
	if err != nil {
		return err
	}
	if err := errors.Join(w.SetColWidth(1, 1, 28), w.SetColWidth(2, 2, 110)); err != nil {
		return err
	}
	rows := [][]any{{excelize.Cell{StyleID: x.head, Value: clean(x.about.Title)}}}
	add := func(lines []Line) {
		for _, l := range lines {
			rows = append(rows, []any{clean(l.Name), clean(l.Text)})
		}
	}
	add(x.about.Lines)
	add(x.about.Proof.lines(x.about.Lang))
	rows = append(rows, nil)
	add(x.about.Columns)
	for i, r := range rows {
		if err := w.SetRow(fmt.Sprintf("A%d", i+1), r); err != nil {
			return err
		}
	}
	return w.Flush()
}

// lines say by what the file is proven.
func (p Proof) lines(lang string) []Line {
	say := func(id, en string) string {
		if lang == "en" {
			return en
		}
		return id
	}
	out := []Line{
		{say("Buku besar", "Ledger"), p.Origin},
		{say("Catatan sampai posisi", "Records up to position"), fmt.Sprint(uint64(p.Known))},
	}
	if p.Covered {
		out = append(out,
			Line{say("Titik periksa: jumlah catatan", "Checkpoint: number of records"), fmt.Sprint(uint64(p.At.Size))},
			Line{say("Titik periksa: hash akar", "Checkpoint: root hash"), p.At.Root.String()})
	} else {
		out = append(out, Line{say("Titik periksa", "Checkpoint"), say("belum ada yang mencakup posisi itu", "none covers that position yet")})
	}
	if p.Address != "" {
		out = append(out, Line{say("Alamat pertanyaan ini", "Address of this question"), p.Address})
	}
	return out
}
