// Procedure writes docs/procedure.md from the tables of package ledger.
package main

import (
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/berkas-ledger/berkas/ledger"
)

//go:generate go run . ../../docs/procedure.md

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "procedure: name the file to write")
		os.Exit(2)
	}
	if err := os.WriteFile(os.Args[1], []byte(page()), 0o644); err != nil {
		fmt.Fprintln(os.Stderr, "procedure:", err)
		os.Exit(1)
	}
}

const head = `# The procedure

Written by ` + "`go generate ./internal/procedure`" + ` from the tables that judge every event
(` + "`ledger/kind.go`, `ledger/steps.go`" + `); a test compares. What each step demands besides is told in
words and examples in [the histories of cases](../ledger/testdata/cases/README.md).

## A respondent's way

Each respondent of a case stands at one stage. Steps that leave the stage as it is are in the
table below only.

`

// page writes all of it.
func page() string {
	var b strings.Builder
	b.WriteString(head)
	diagram(&b)
	b.WriteString("\nEnds: ")
	b.WriteString(stages(ends()))
	b.WriteString(".\n`case.reopened` leads from any of them to the stage before it, and `case.returned` back to where\nthe case was forwarded from.\n\n")
	b.WriteString("Beside the stage, independently: BKN's control (none, warned, reprimanded, blocked), the remedy\n(none, filed, ")
	b.WriteString(strings.Join(ledger.RemedyOutcomes, ", "))
	b.WriteString(") and the criminal branch (none, referred, concluded).\n\n## Kinds\n\nWho holds which mandate, since when and on what basis, is data on the ledger (`mandate.granted`,\n`mandate.ended`). What the regime demands is too (`regime.published`): a reprimand before a block,\nand whether findings of the shared system skip verification; its reports never do.\nA case is read as its corrections (`event.corrected`) have it.\n\n")
	kinds(&b)
	return b.String()
}

func ends() []ledger.Stage {
	return slices.DeleteFunc(slices.Clone(ledger.Stages), func(s ledger.Stage) bool { return !s.End() })
}

// diagram draws the transitions that lead somewhere else. Many lead to the same
// ends from everywhere; these are drawn from one state that stands for all.
func diagram(b *strings.Builder) {
	b.WriteString("```mermaid\nstateDiagram-v2\n    [*] --> received: case.opened\n")
	for _, t := range ledger.Transitions() {
		for _, to := range t.To {
			if len(t.From) > 4 && len(t.From) < len(ledger.Stages) {
				fmt.Fprintf(b, "    any_before_decided --> %s: %s\n", to, t.Kind)
				continue
			}
			for _, from := range t.From {
				if slices.Contains(ledger.LeadsTo(t.Kind, from), to) {
					fmt.Fprintf(b, "    %s --> %s: %s\n", from, to, t.Kind)
				}
			}
		}
	}
	for _, s := range ends() {
		fmt.Fprintf(b, "    %s --> [*]\n", s)
	}
	b.WriteString("```\n")
}

// kinds writes the table of all kinds.
func kinds(b *strings.Builder) {
	b.WriteString("| kind | who may record it | follows | leads to |\n|---|---|---|---|\n")
	rows := map[ledger.Kind]ledger.Transition{}
	for _, t := range ledger.Transitions() {
		rows[t.Kind] = t
	}
	for _, k := range ledger.Kinds {
		follows, leads := "–", "–"
		if t, ok := rows[k.Kind]; ok {
			follows, leads = stages(t.From), destination(t)
			if len(t.From) == len(ledger.Stages) {
				follows = "any"
			}
		}
		fmt.Fprintf(b, "| `%s` | %s | %s | %s |\n", k.Kind, who(k), follows, leads)
	}
}

func destination(t ledger.Transition) string {
	var parts []string
	if len(t.To) > 0 {
		parts = append(parts, stages(t.To))
	}
	if t.Back {
		parts = append(parts, "the stage before")
	}
	if t.Stays {
		parts = append(parts, "the same stage")
	}
	return strings.Join(parts, ", or ")
}

func stages(list []ledger.Stage) string {
	words := make([]string, len(list))
	for i, s := range list {
		words[i] = string(s)
	}
	return strings.Join(words, ", ")
}

// parties says who may record a kind without a mandate of its own.
var parties = map[ledger.Party]string{
	ledger.PartyHolder:      "the holder of the case",
	ledger.PartyAddressee:   "whom the case was forwarded to",
	ledger.PartyOpener:      "who opened the case, or its successor",
	ledger.PartyParticipant: "who takes part in the case",
	ledger.PartyRecorder:    "who recorded what it is about, or its successor",
	ledger.PartyInstitution: "any agency with a mandate",
	ledger.PartyOwnRoot:     "the institution, with its root key",
	ledger.PartyRoots:       "k of n root keys",
	ledger.PartyRegistrar:   "the registrar",
}

func who(k ledger.KindInfo) string {
	if k.Kind == ledger.CaseReceivedKind {
		return parties[k.Party] + ", or the successor of who has it or was to have it"
	}
	if k.Party != ledger.PartyMandate {
		return parties[k.Party]
	}
	if k.OrMandate != "" {
		return fmt.Sprintf("mandate `%s` for an objection, `%s` for other remedies", k.Mandate, k.OrMandate)
	}
	return fmt.Sprintf("mandate `%s`", k.Mandate)
}
