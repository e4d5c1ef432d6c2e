package main

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/schollz/progressbar/v3"
	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/berkas-ledger/berkas/ledger"
)

func checkOutput(format string) error {
	if !slices.Contains([]string{"table", "json", "csv"}, format) {
		return usage("--output is table, json or csv, not %q", format)
	}
	return nil
}

// onlyJSON refuses a format that a command cannot print. Without --output it
// prints JSON, whatever the default of the others is.
func onlyJSON(cmd *cobra.Command, format string) error {
	if f := cmd.Flags().Lookup("output"); f.Changed && format != "json" {
		return usage("%s prints JSON only: leave out --output, or make it json", cmd.CommandPath())
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
// numbers, and the dash that stands for nothing stays one.
func neutral(cell string) string {
	if cell == "" || !strings.ContainsRune("=+-@\t\r", rune(cell[0])) {
		return cell
	}
	if cell == dash("") || strings.Trim(cell[1:], "0123456789") == "" && len(cell) > 1 {
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

// printInvented says that a ledger is no real one, when its origin says so.
func printInvented(w io.Writer, origin string) {
	if english, _ := ledger.Invented(origin); english != "" {
		fmt.Fprintln(w, english)
	}
}

// wib writes a time as people in western Indonesia read it.
func wib(t time.Time) string { return t.In(ledger.Jakarta).Format("2006-01-02 15:04:05 WIB") }

// dash stands for nothing in a table.
func dash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

// joined writes a list into one cell.
func joined[T ~string](list []T) string {
	words := make([]string, len(list))
	for i, v := range list {
		words[i] = string(v)
	}
	return dash(strings.Join(words, " "))
}

// progress shows a bar on a terminal's standard error, with rate and time left;
// elsewhere nothing. The function moves it to a number, the other ends it.
func progress[N ~uint64 | ~int](total int, what string) (to func(N), done func()) {
	if !term.IsTerminal(int(os.Stderr.Fd())) {
		return func(N) {}, func() {}
	}
	bar := progressbar.NewOptions(total, progressbar.OptionSetWriter(os.Stderr), progressbar.OptionSetDescription(what),
		progressbar.OptionShowIts(), progressbar.OptionShowCount(), progressbar.OptionSetPredictTime(true), progressbar.OptionClearOnFinish())
	return func(n N) { _ = bar.Set64(int64(n)) }, func() { _ = bar.Finish() }
}
