package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/berkas-ledger/berkas/ledger"
	"github.com/berkas-ledger/berkas/projections"
)

type searchFlags struct {
	in, knownAt, after string
	limit              int
}

func newSearch(o *options) *cobra.Command {
	var f searchFlags
	c := &cobra.Command{
		Use:   "search TEXT",
		Short: "Find cases by what is written on paper about them",
		Long: `Find cases by the number of a letter, decree, register, ruling or document, by a
document's SHA-256, by a case's id or its beginning, by institution or place
(Kemendagri's or BKN's code, or words of a name).

Numbers are compared from their beginning on; capitals, spaces, punctuation and
leading zeros make no difference. Numbers that were corrected later still find their
case. Names of people, NIP and NIK are sealed and cannot be searched.

` + exitHelp,
		Example: `  berkas search "CONTOH-0001/KASN"
  berkas search --in institution 73.71
  berkas search makassar -o json`,
		Args: exactArgs("TEXT"),
		RunE: func(cmd *cobra.Command, args []string) error {
			r, err := o.reader(cmd.Context())
			if err != nil {
				return err
			}
			defer r.Close()
			return f.run(cmd.Context(), r, cmd.OutOrStdout(), args[0], o.output)
		},
	}
	c.Flags().StringVar(&f.in, "in", "", "only in this field: "+strings.Join(searchFieldNames(), ", "))
	c.Flags().StringVar(&f.knownAt, "known-at", "", "using only what was recorded by then: a position, date or time (default: the last record)")
	c.Flags().StringVar(&f.after, "after", "", "go on where the list before ended, with --in")
	c.Flags().IntVar(&f.limit, "limit", 50, "list so many of each field at most")
	return c
}

func searchFieldNames() []string {
	var out []string
	for _, f := range projections.Fields {
		out = append(out, string(f))
	}
	return out
}

// foundCase is what JSON prints of what was found.
type foundCase struct {
	Field       projections.Field `json:"field"`
	Text        string            `json:"text"`
	Exact       bool              `json:"exact"`
	Case        string            `json:"case"`
	Position    ledger.Position   `json:"position"`
	Kind        ledger.Kind       `json:"kind"`
	Agency      ledger.AgencyID   `json:"agency"`
	CorrectedBy ledger.Position   `json:"corrected_by,omitempty"`
	Respondents []string          `json:"respondents"`
}

// foundCases is what JSON prints of a search.
type foundCases struct {
	KnownAt ledger.Position              `json:"known_at"`
	Found   []foundCase                  `json:"found"`
	After   map[projections.Field]string `json:"after,omitempty"` // where lists go on
	Places  []projections.Place          `json:"places"`
}

func (f *searchFlags) run(ctx context.Context, r *projections.Reader, w io.Writer, text, format string) error {
	q := projections.SearchQuery{Text: text, After: f.after, Limit: f.limit}
	if f.in != "" {
		if q.Fields = []projections.Field{projections.Field(f.in)}; !slices.Contains(projections.Fields, q.Fields[0]) {
			return usage("--in is one of %s, not %q", strings.Join(searchFieldNames(), ", "), f.in)
		}
	}
	if f.limit < 1 || f.limit > projections.MostFound {
		return usage("--limit is a number from 1 to %d", projections.MostFound)
	}
	var err error
	if q.KnownAt, err = knownAt(ctx, r, f.knownAt); err != nil {
		return err
	}
	answer, err := r.Search(ctx, q)
	switch {
	case errors.Is(err, projections.ErrPersonal):
		return usage("%w: search by the number of a letter or decree, or by institution", err)
	case errors.Is(err, projections.ErrSearch):
		return usage("%w", err)
	case err != nil:
		return err
	}
	places, more := projections.Places(text)
	return printFound(w, answer, places, more, format)
}

func printFound(w io.Writer, answer projections.SearchAnswer, places []projections.Place, more bool, format string) error {
	t := table{columns: []string{"matched", "as recorded", "case", "said by", "position", "respondents"}}
	value := foundCases{KnownAt: answer.KnownAt, Found: []foundCase{}, After: map[projections.Field]string{}, Places: append([]projections.Place{}, places...)}
	var notes []string
	for _, g := range answer.Groups {
		for _, f := range g.Found {
			one := foundCase{g.Field, f.Text, f.Exact, f.Case, f.Last.Position, f.Last.Kind, f.Last.Agency, f.Corrected, []string{}}
			for _, p := range f.Respondents {
				one.Respondents = append(one.Respondents, fmt.Sprintf("%s %s %s", p.Respondent, p.Institution, p.Stage))
			}
			said := f.Text
			if f.Corrected > 0 {
				said += fmt.Sprintf(" (corrected at %d)", f.Corrected)
			}
			value.Found = append(value.Found, one)
			t.add(string(g.Field), said, f.Case, fmt.Sprintf("%s %s", f.Last.Agency, f.Last.Kind), fmt.Sprint(f.Last.Position), strings.Join(one.Respondents, ", "))
		}
		if g.After != "" {
			value.After[g.Field] = g.After
			notes = append(notes, fmt.Sprintf("more by %s: --in %s --after %s", g.Field, g.Field, g.After))
		}
	}
	t.value = value
	if format != "table" {
		return t.print(w, format)
	}
	fmt.Fprintf(w, "known at position %d (recorded %s)\n", answer.KnownAt, wib(answer.Known))
	if len(value.Found) == 0 {
		notes = append(notes, "no case was found: numbers are searched from their beginning on")
	} else if err := t.print(w, format); err != nil {
		return err
	}
	for _, p := range places {
		notes = append(notes, fmt.Sprintf("place: %s %s (search by its code)", p.Code, p.Name))
	}
	if more {
		notes = append(notes, "there are other places: write more of the name")
	}
	if len(notes) == 0 {
		return nil
	}
	_, err := fmt.Fprintf(w, "\n%s\n", strings.Join(notes, "\n"))
	return err
}
