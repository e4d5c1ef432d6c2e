package main

import (
	"context"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/berkas-ledger/berkas/ledger"
)

// caseStep is one record of a case as the timeline shows it.
type caseStep struct {
	Position ledger.Position `json:"position"`
	Happened time.Time       `json:"happened"`
	Recorded time.Time       `json:"recorded"`
	Late     bool            `json:"late"`
	Agency   ledger.AgencyID `json:"agency"`
	Kind     ledger.Kind     `json:"kind"`
	Event    string          `json:"event"`
	Keys     []string        `json:"keys"`
	Stages   string          `json:"stages"` // of the respondents after it
}

type caseView struct {
	Case        string            `json:"case"`
	Version     uint64            `json:"version"`
	Holder      ledger.AgencyID   `json:"holder"`
	Opened      time.Time         `json:"opened"`
	SeenBy      []ledger.AgencyID `json:"seen_by"`
	Respondents []respondentView  `json:"respondents"`
	Timeline    []caseStep        `json:"timeline"`
}

type respondentView struct {
	ID          string         `json:"id"`
	Stage       ledger.Stage   `json:"stage"`
	Control     ledger.Control `json:"control"`
	Class       string         `json:"class"`
	Institution string         `json:"institution"`
	Office      string         `json:"office"`
	Letter      string         `json:"recommendation,omitempty"`
	Decision    string         `json:"decision,omitempty"`
}

func newCase(o *options) *cobra.Command {
	return &cobra.Command{
		Use:   "case ID",
		Short: "Show a case: every record with both its times, and where it stands",
		Long: `Show one case: its records in the order in which things happened, each with the
time when it happened (the agency says) and when it was recorded (the ledger says),
and where each respondent stands.

` + exitHelp,
		Example: `  berkas case 01746ac6-7800-7cc3-9bd1-2f5a6c0d4e11
  berkas case 01746ac6-7800-7cc3-9bd1-2f5a6c0d4e11 -o json`,
		Args: exactArgs("a case id"),
		RunE: func(cmd *cobra.Command, args []string) error {
			v, err := o.view(cmd.Context())
			if err != nil {
				return err
			}
			defer v.close()
			view, err := v.caseView(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			return view.print(cmd.OutOrStdout(), o.output)
		},
	}
}

func (v *view) caseView(ctx context.Context, id string) (*caseView, error) {
	r, err := rosterOf(ctx, v.subject(ledger.SubjectRoster))
	if err != nil {
		return nil, err
	}
	genesis := r.Genesis()
	var history []ledger.CaseEvent
	keys := map[ledger.Position][]string{}
	err = v.subject(ledger.SubjectCase(id))(ctx, 0, func(records []ledger.Record) error {
		for _, r := range records {
			e, err := ledger.DecodeRecord(r)
			if err != nil {
				return err
			}
			for _, s := range r.Signatures {
				keys[r.Position] = append(keys[r.Position], string(s.Key))
			}
			history = ledger.Insert(history, ledger.CaseEvent{Position: r.Position, Recorded: r.Recorded, Event: e})
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	if len(history) == 0 {
		return nil, notFound("no case %s on the ledger", id)
	}
	out := &caseView{Case: id}
	var c ledger.Case
	for _, e := range ledger.Effective(history) {
		c = c.Apply(e)
		out.Timeline = append(out.Timeline, caseStep{
			Position: e.Position, Happened: e.Time, Recorded: e.Recorded, Late: genesis.Late(e.Time, e.Recorded),
			Agency: e.Source, Kind: e.Kind, Event: e.ID, Keys: keys[e.Position], Stages: stagesOf(c),
		})
	}
	out.Version, out.Holder, out.Opened, out.SeenBy = c.Version, c.Holder, c.Opened, c.Participants
	for _, r := range c.Respondents {
		rv := respondentView{ID: r.ID, Stage: r.Stage, Control: r.Control, Class: r.Class, Institution: r.Institution.Key(), Office: r.Institution.Office}
		if r.Recommendation != nil {
			rv.Letter = r.Recommendation.Key()
		}
		if r.Decision != nil {
			rv.Decision = strings.TrimSpace(r.Decision.Outcome + " " + r.Decision.Kind)
		}
		out.Respondents = append(out.Respondents, rv)
	}
	return out, nil
}

func stagesOf(c ledger.Case) string {
	var parts []string
	for _, r := range c.Respondents {
		s := r.ID + " " + string(r.Stage)
		if r.Control != ledger.ControlNone {
			s += " (" + string(r.Control) + ")"
		}
		parts = append(parts, s)
	}
	return strings.Join(parts, ", ")
}

func (v *caseView) print(w io.Writer, format string) error {
	steps := table{columns: []string{"position", "happened", "recorded", "late", "agency", "kind", "then"}, value: v}
	for _, s := range v.Timeline {
		late := ""
		if s.Late {
			late = "late"
		}
		steps.add(strconv.FormatUint(uint64(s.Position), 10), wib(s.Happened), wib(s.Recorded), late, string(s.Agency), string(s.Kind), s.Stages)
	}
	if format != "table" {
		return steps.print(w, format)
	}
	fmt.Fprintf(w, "Case %s, version %d, held by %s, seen by %s\n\n", v.Case, v.Version, v.Holder, joined(v.SeenBy))
	people := table{columns: []string{"respondent", "stage", "control", "class", "institution", "office", "recommendation", "decision"}}
	for _, r := range v.Respondents {
		people.add(r.ID, string(r.Stage), string(r.Control), r.Class, r.Institution, r.Office, dash(r.Letter), dash(r.Decision))
	}
	if err := people.print(w, format); err != nil {
		return err
	}
	fmt.Fprintln(w)
	return steps.print(w, format)
}
