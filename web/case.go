package web

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/berkas-ledger/berkas/ledger"
)

// caseAnswer is a case as it stands, and how it came there.
type caseAnswer struct {
	Case        string             `json:"case"`
	AsOf        *time.Time         `json:"as_of" doc:"What had happened by then; null: everything"`
	KnownAt     *uint64            `json:"known_at" doc:"Using only the records up to this position; null: all"`
	Version     uint64             `json:"version" doc:"What caseversion of the next event names"`
	Holder      ledger.AgencyID    `json:"holder"`
	Opened      time.Time          `json:"opened"`
	SeenBy      []ledger.AgencyID  `json:"seen_by" nullable:"false" doc:"Agencies that opened it, were sent it or acted on it"`
	DuplicateOf string             `json:"duplicate_of,omitempty" doc:"The case that this one repeats: it counts nowhere"`
	Related     []string           `json:"related,omitempty"`
	Respondents []respondentAnswer `json:"respondents" nullable:"false"`
	Timeline    []stepAnswer       `json:"timeline" nullable:"false" doc:"In the order in which things happened: at most 1,000 of them"`
	// Of a timeline that is given in parts.
	Records int    `json:"records,omitempty" doc:"How many records the timeline has, where it is not given whole"`
	Next    uint64 `json:"next,omitempty" doc:"What from is to be for the rest of the timeline, where there is more"`
}

// mostSteps is how many records of a case the operation gives at a time.
const mostSteps = 1000

// stepsAsked says which records of a timeline are wanted.
type stepsAsked struct {
	from ledger.Position // the first of them; 0: that of the timeline
	most int             // 0: all
}

// of gives the part of a case's events that is wanted.
func (a stepsAsked) of(events []ledger.CaseEvent) (part, error) {
	out := part{Of: len(events), to: len(events)}
	if a.from != 0 {
		if out.from = slices.IndexFunc(events, func(e ledger.CaseEvent) bool { return e.Position == a.from }); out.from < 0 {
			return out, errNoRecord
		}
	}
	if a.most != 0 {
		out.to = min(out.from+a.most, out.Of)
	}
	return out, nil
}

type respondentAnswer struct {
	ID          string         `json:"id"`
	Stage       ledger.Stage   `json:"stage"`
	Control     ledger.Control `json:"control" doc:"Where BKN's ladder stands: none, warned, reprimanded, blocked"`
	Class       string         `json:"class"`
	Institution string         `json:"institution"`
	Office      string         `json:"office"`
	Letter      string         `json:"recommendation,omitempty"`
	Decision    string         `json:"decision,omitempty"`
}

type stepAnswer struct {
	Position uint64          `json:"position"`
	Happened time.Time       `json:"happened" doc:"The agency says"`
	Recorded time.Time       `json:"recorded" doc:"The ledger says"`
	Late     bool            `json:"late" doc:"Recorded longer after it happened than the genesis record allows without a mandate for late recording"`
	Agency   ledger.AgencyID `json:"agency"`
	Kind     ledger.Kind     `json:"kind"`
	Version  int             `json:"kind_version"`
	Event    string          `json:"event"`
	Keys     []ledger.KeyID  `json:"keys" nullable:"false" doc:"Whose signatures it has"`
	Leaf     string          `json:"leaf" doc:"Leaf hash of the record"`
	Stages   []stageAnswer   `json:"stages" nullable:"false" doc:"Of the respondents after it"`
	Data     json.RawMessage `json:"data" doc:"The event's data as it was recorded; sealed values stay sealed"`
	// A correction changes what a record means, never the record.
	Corrected uint64 `json:"corrected_by,omitempty" doc:"Position of the correction by which it is void or says something else"`
	Void      bool   `json:"void,omitempty"`
}

type stageAnswer struct {
	Respondent string         `json:"respondent"`
	Stage      ledger.Stage   `json:"stage"`
	Control    ledger.Control `json:"control"`
}

func (s *Server) describeCases() {
	s.operation(operation{
		Operation: huma.Operation{
			OperationID: "case", Method: http.MethodGet, Path: "/v1/cases/{id}", Tags: []string{"read"},
			Summary:     "One case: where it stands, and every record with both its times",
			Description: "Read from the ledger itself, so what a receipt says is in it at once.",
			Parameters: []*huma.Param{
				inPath("id", "The case's id", exampleCase()),
				inQuery("as-of", "Only what had happened by then: a date or a time with its zone", nil),
				inQuery("known-at", "Only records up to this position, or made by this date or time", nil),
				inQuery("from", "Begin the timeline with the record at this position: 'next' of the answer before. Parts are of one moment if known-at is the same", nil),
				inQuery("limit", "So many records of the timeline, up to 1000, which it is without", nil),
			},
		},
		Needs:   needCases,
		Answers: map[int]answerKind{200: {Says: "The case", Body: caseAnswer{}}},
	}, s.getCase)
}

var (
	errNoCase = problem(http.StatusNotFound, "no-such-case", text{"Tidak ada kasus dengan id itu pada waktu dan posisi yang ditanyakan.", "There is no case of that id at the time and position asked for."})

	caseID = regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`)
)

// casePoint is from when a case is looked at; zero values are now.
type casePoint struct {
	asOf    time.Time
	knownAt ledger.Position
	known   time.Time // known-at as a time, until settle has found what that is
}

// settle finds the position that a time means: of the case's last record that had
// been made by then. It needs no tables.
func (p *casePoint) settle(records []ledger.Record, now time.Time) error {
	if p.known.IsZero() {
		return nil
	}
	if p.known.After(now) {
		return problem(http.StatusConflict, "not-settled", text{
			"Saat itu belum lewat: jawabannya masih dapat berubah.", "That moment is not over: the answer could still change.",
		})
	}
	for _, r := range records {
		if !r.Recorded.After(p.known) {
			p.knownAt = max(p.knownAt, r.Position)
		}
	}
	if p.known = (time.Time{}); p.knownAt == 0 {
		return errNoCase
	}
	return nil
}

func parseCasePoint(raw string) (casePoint, error) {
	values, err := parseValues(raw, "as-of", "known-at", "lang")
	if err != nil {
		return casePoint{}, err
	}
	return casePointOf(values)
}

func casePointOf(values url.Values) (p casePoint, err error) {
	if err := checkValues(values, "as-of", "known-at", "lang"); err != nil {
		return p, err
	}
	if p.asOf, err = momentIn(values, "as-of"); err != nil {
		return p, err
	}
	if text := values.Get("known-at"); text != "" {
		n, err := strconv.ParseUint(text, 10, 64)
		switch {
		case err == nil && n == 0:
			return p, badQuery("known-at", "positions count from 1")
		case err == nil:
			p.knownAt = ledger.Position(n)
		default:
			if p.known, err = ledger.ParseMoment(text); err != nil {
				return p, badQuery("known-at", "it is a position, a date or a time with its zone")
			}
		}
	}
	return p, nil
}

func (s *Server) getCase(w http.ResponseWriter, r *http.Request) error {
	at, steps, err := parseCaseSteps(r.URL.RawQuery)
	if err != nil {
		return err
	}
	a, err := s.caseAt(r.Context(), r.PathValue("id"), at, steps)
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusOK, a)
}

// parseCaseSteps reads from when a case is looked at, and which part of its timeline
// is wanted.
func parseCaseSteps(raw string) (at casePoint, steps stepsAsked, err error) {
	values, err := parseValues(raw, "as-of", "known-at", "from", "limit", "lang")
	if err != nil {
		return at, steps, err
	}
	if values.Get("from") != "" {
		if steps.from, err = sizeIn(values, "from"); err != nil {
			return at, steps, badQuery("from", "it is the position of a record of the case")
		}
	}
	if steps.most, err = numberIn(values, "limit", mostSteps, 1, mostSteps, "it is a number from 1 to 1000"); err != nil {
		return at, steps, err
	}
	values.Del("from")
	values.Del("limit")
	at, err = casePointOf(values)
	return at, steps, err
}

// caseAt reads and folds a case.
func (s *Server) caseAt(ctx context.Context, id string, at casePoint, steps stepsAsked) (caseAnswer, error) {
	if !caseID.MatchString(id) {
		return caseAnswer{}, errNoCase
	}
	if s.CaseRecords == nil {
		return caseAnswer{}, errUnavailable
	}
	records, err := s.CaseRecords(ctx, id)
	if err != nil {
		return caseAnswer{}, err
	}
	if err := at.settle(records, s.Now()); err != nil {
		return caseAnswer{}, err
	}
	return foldCase(id, records, at, steps, s.Roster().Genesis())
}

func foldCase(id string, records []ledger.Record, at casePoint, steps stepsAsked, genesis ledger.Genesis) (caseAnswer, error) {
	events, err := decodeEvents(records)
	if err != nil {
		return caseAnswer{}, err
	}
	of := make(map[ledger.Position]int, len(events))
	for i, e := range events {
		of[e.Position] = i
	}
	out := caseAnswer{Case: id}
	if !at.asOf.IsZero() {
		out.AsOf = &at.asOf
	}
	if at.knownAt != 0 {
		known := uint64(at.knownAt)
		out.KnownAt = &known
	}
	shown := at.shown(inOrder(events))
	if len(shown) == 0 {
		return caseAnswer{}, errNoCase
	}
	p, err := steps.of(shown)
	if err != nil {
		return caseAnswer{}, err
	}
	var c ledger.Case
	for i, e := range shown {
		if c = c.Apply(e); p.has(i) {
			out.Timeline = append(out.Timeline, stepOf(e, c, records[of[e.Position]], json.RawMessage(events[of[e.Position]].Data), genesis))
		}
	}
	if !p.Whole() {
		out.Records = p.Of
	}
	if p.to < p.Of {
		out.Next = uint64(shown[p.to].Position)
	}
	out.fill(c)
	return out, nil
}

// shown gives the events of a case that count at this point, corrections heeded: one
// that is known is, whenever it happened.
func (p *casePoint) shown(history []ledger.CaseEvent) []ledger.CaseEvent {
	out := ledger.Effective(upTo(p.knownAt, history))
	if p.asOf.IsZero() {
		return out
	}
	if i := slices.IndexFunc(out, func(e ledger.CaseEvent) bool { return e.Time.After(p.asOf) }); i >= 0 {
		return out[:i]
	}
	return out
}

// stepOf tells of a record, by its event as it counts, the case after it, and the data
// that were recorded.
func stepOf(e ledger.CaseEvent, after ledger.Case, r ledger.Record, data json.RawMessage, genesis ledger.Genesis) stepAnswer {
	out := stepAnswer{
		Position: uint64(e.Position), Happened: e.Time, Recorded: e.Recorded, Late: genesis.Late(e.Time, e.Recorded),
		Agency: e.Source, Kind: e.Kind, Version: e.Version, Event: e.ID, Keys: []ledger.KeyID{}, Leaf: r.LeafHash().String(),
		Stages: stagesOf(after), Data: data, Corrected: uint64(e.Corrected), Void: e.Void,
	}
	for _, sig := range r.Signatures {
		out.Keys = append(out.Keys, sig.Key)
	}
	return out
}

func (a *caseAnswer) fill(c ledger.Case) {
	a.Version, a.Holder, a.Opened = c.Version, c.Holder, c.Opened
	a.DuplicateOf, a.Related = c.DuplicateOf, c.Related
	a.SeenBy = append([]ledger.AgencyID{}, c.Participants...)
	slices.Sort(a.SeenBy)
	a.Respondents = []respondentAnswer{}
	for _, r := range c.Respondents {
		one := respondentAnswer{
			ID: r.ID, Stage: r.Stage, Control: r.Control, Class: r.Class, Institution: r.Institution.Key(), Office: r.Institution.Office,
		}
		if r.Recommendation != nil {
			one.Letter = r.Recommendation.Key()
		}
		if r.Decision != nil {
			one.Decision = strings.TrimSpace(r.Decision.Outcome + " " + r.Decision.Kind)
		}
		a.Respondents = append(a.Respondents, one)
	}
}

func stagesOf(c ledger.Case) []stageAnswer {
	out := []stageAnswer{}
	for _, r := range c.Respondents {
		out = append(out, stageAnswer{r.ID, r.Stage, r.Control})
	}
	return out
}
