package main

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
)

func checkOutput(format string) error {
	if !slices.Contains([]string{"table", "json", "csv"}, format) {
		return usage("--output is table, json or csv, not %q", format)
	}
	return nil
}

// table is data to print: rows for people and spreadsheets, and the value for
// programs. Values says what JSON prints; nil prints the rows as objects.
type table struct {
	columns []string
	rows    [][]string
	value   any
}

func (t *table) add(cells ...string) { t.rows = append(t.rows, cells) }

func (t *table) print(w io.Writer, format string) error {
	switch format {
	case "json":
		return printJSON(w, t.json())
	case "csv":
		return t.csv(w)
	default:
		return t.text(w)
	}
}

func (t *table) json() any {
	if t.value != nil {
		return t.value
	}
	out := make([]map[string]string, len(t.rows))
	for i, row := range t.rows {
		out[i] = make(map[string]string, len(row))
		for c, cell := range row {
			out[i][t.columns[c]] = cell
		}
	}
	return out
}

func printJSON(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(v)
}

func (t *table) csv(w io.Writer) error {
	c := csv.NewWriter(w)
	if err := c.Write(t.columns); err != nil {
		return err
	}
	for _, row := range t.rows {
		safe := make([]string, len(row))
		for i, cell := range row {
			safe[i] = neutral(cell)
		}
		if err := c.Write(safe); err != nil {
			return err
		}
	}
	c.Flush()
	return c.Error()
}

// neutral keeps a spreadsheet from reading a cell as a formula. Numbers stay
// numbers.
func neutral(cell string) string {
	if cell == "" || !strings.ContainsRune("=+-@\t\r", rune(cell[0])) {
		return cell
	}
	if strings.Trim(cell[1:], "0123456789") == "" && len(cell) > 1 {
		return cell
	}
	return "'" + cell
}

func (t *table) text(w io.Writer) error {
	tw := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
	if _, err := fmt.Fprintln(tw, strings.ToUpper(strings.Join(t.columns, "\t"))); err != nil {
		return err
	}
	for _, row := range t.rows {
		if _, err := fmt.Fprintln(tw, strings.Join(row, "\t")); err != nil {
			return err
		}
	}
	return tw.Flush()
}
