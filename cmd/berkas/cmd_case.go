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
	// Corrected is the position of the correction by which the record says
	// something else, or is void.
	Corrected ledger.Position `json:"corrected,omitzero"`
	Void      bool            `json:"void,omitzero"`
	Stages    string          `json:"stages"` // of the respondents after it
}

type caseView struct {
	Case        string            `json:"case"`
	Version     uint64            `json:"version"`
	Holder      ledger.AgencyID   `json:"holder"`
	Addressee   ledger.AgencyID   `json:"addressee,omitempty"`
	DuplicateOf string            `json:"duplicate_of,omitempty"`
	Related     []string          `json:"related,omitempty"`
	Evidence    int               `json:"evidence"`
	Opened      time.Time         `json:"opened"`
	SeenBy      []ledger.AgencyID `json:"seen_by"`
	Respondents []respondentView  `json:"respondents"`
	Timeline    []caseStep        `json:"timeline"`
	// Misfits are items that do not go with the dates of the case.
	Misfits []ledger.Misfit `json:"misfits,omitempty"`
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
	// Sanction is the one that stands after remedies; Annulled names decrees that
	// were annulled.
	Sanction string          `json:"sanction,omitempty"`
	Annulled []string        `json:"annulled,omitempty"`
	Remedy   string          `json:"remedy"`
	Criminal ledger.Criminal `json:"criminal"`
	// Records is what each agency recorded of the decree; Disputed says that they
	// differ.
	Records  []decreeView `json:"decree_records,omitempty"`
	Disputed bool         `json:"disputed"`
}

// decreeView is one agency's record of a decree.
type decreeView struct {
	Agency   ledger.AgencyID `json:"agency"`
	Position ledger.Position `json:"position"`
	Happened time.Time       `json:"happened"`
	Verdict  string          `json:"verdict"`
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
			Corrected: e.Corrected, Void: e.Void,
		})
	}
	out.Version, out.Holder, out.Addressee, out.Opened, out.SeenBy = c.Version, c.Holder, c.Addressee, c.Opened, c.Participants
	out.DuplicateOf, out.Related, out.Evidence = c.DuplicateOf, c.Related, c.Evidence
	for _, r := range c.Respondents {
		out.Respondents = append(out.Respondents, viewRespondent(r))
	}
	var contest ledger.Contest
	for _, k := range r.Contests() {
		if k.ID == c.Contest {
			contest = k
		}
	}
	out.Misfits = c.Misfits(contest)
	return out, nil
}

func viewRespondent(r ledger.Respondent) respondentView {
	out := respondentView{
		ID: r.ID, Stage: r.Stage, Control: r.Control, Class: r.Class, Institution: r.Institution.Key(), Office: r.Institution.Office,
		Remedy: r.Remedy(), Criminal: r.Criminal,
	}
	if r.Recommendation != nil {
		out.Letter = r.Recommendation.Key()
	}
	for _, d := range r.Annulled {
		out.Annulled = append(out.Annulled, d.Decree.Number)
	}
	d := r.Decision
	if d == nil {
		return out
	}
	out.Decision = verdict(d.Verdict)
	if standing, ok := d.Standing(); ok {
		out.Sanction = standing.Kind
	}
	out.Disputed = len(d.Disputed) > 0
	for _, o := range d.Records {
		out.Records = append(out.Records, decreeView{o.By, o.Position, o.Happened, verdict(o.Verdict)})
	}
	return out
}

func verdict(v ledger.Verdict) string { return strings.TrimSpace(v.Outcome + " " + v.Kind) }

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
		steps.add(strconv.FormatUint(uint64(s.Position), 10), wib(s.Happened), wib(s.Recorded), late, string(s.Agency), string(s.Kind), s.then())
	}
	if format != "table" {
		return steps.print(w, format)
	}
	v.printHead(w)
	people := table{columns: []string{
		"respondent", "stage", "control", "class", "institution", "office", "recommendation", "decision", "sanction", "remedy", "criminal",
	}}
	for _, r := range v.Respondents {
		people.add(r.ID, string(r.Stage), string(r.Control), r.Class, r.Institution, r.Office, dash(r.Letter), dash(r.Decision),
			dash(r.Sanction), r.Remedy, string(r.Criminal))
	}
	if err := people.print(w, format); err != nil {
		return err
	}
	v.printDoubts(w)
	fmt.Fprintln(w)
	return steps.print(w, format)
}

// then says what became of the respondents and of the record itself.
func (s caseStep) then() string {
	switch {
	case s.Void:
		return fmt.Sprintf("void by position %d", s.Corrected)
	case s.Corrected > 0:
		return fmt.Sprintf("%s; corrected by position %d", s.Stages, s.Corrected)
	default:
		return s.Stages
	}
}

func (v *caseView) printHead(w io.Writer) {
	if v.Opened.IsZero() {
		fmt.Fprintf(w, "Case %s, version %d: its opening is void, so there is no case\n\n", v.Case, v.Version)
		return
	}
	fmt.Fprintf(w, "Case %s, version %d, held by %s, seen by %s\n", v.Case, v.Version, v.Holder, joined(v.SeenBy))
	if v.Addressee != "" {
		fmt.Fprintf(w, "Forwarded to %s, which has not received it yet\n", v.Addressee)
	}
	if v.DuplicateOf != "" {
		fmt.Fprintf(w, "A duplicate of %s: it counts in no figure\n", v.DuplicateOf)
	}
	if len(v.Related) > 0 {
		fmt.Fprintf(w, "Related to %s\n", joined(v.Related))
	}
	if v.Evidence > 0 {
		fmt.Fprintf(w, "Documents attached: %d\n", v.Evidence)
	}
	fmt.Fprintln(w)
}

// printDoubts prints what agencies disagree on, and items that do not fit the
// dates.
func (v *caseView) printDoubts(w io.Writer) {
	for _, r := range v.Respondents {
		if len(r.Annulled) > 0 {
			fmt.Fprintf(w, "%s: decree %s was annulled\n", r.ID, joined(r.Annulled))
		}
		if !r.Disputed {
			continue
		}
		for _, o := range r.Records {
			fmt.Fprintf(w, "%s: %s recorded the decree as %s (position %d): the records differ\n", r.ID, o.Agency, o.Verdict, o.Position)
		}
	}
	for _, m := range v.Misfits {
		doubt := ""
		if m.Doubt != ledger.DoubtNone && m.Doubt != "" {
			doubt = " (sources: " + string(m.Doubt) + ")"
		}
		fmt.Fprintf(w, "%s: item %s does not fit: %s%s\n", m.Respondent, m.Item, m.Why, doubt)
	}
}
