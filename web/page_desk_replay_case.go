package web

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/berkas-ledger/berkas/ledger"
	"github.com/berkas-ledger/berkas/projections"
)

// The replay of one case: one record at a time, and what it does to the case and
// to each respondent.

type caseReplay struct {
	ID       string
	Order    string // recorded or happened
	Orders   []sliderStep
	Step, Of int
	Record   replayRecord
	Effect   *ledger.CaseEvent // the event as it counts, corrections heeded
	Void     bool
	By       ledger.Position // of the correction that says otherwise; 0 for none
	Moves    []text
	States   []replayState
	All      []replayStop // of a long case those around the step
	Part     part
	Parts    partLinks
	Before   string
	After    string
	First    string
	Last     string
	Whole    string // the case page at this record
}

// replayStop is a record in the list of all.
type replayStop struct {
	Href     string
	Position ledger.Position
	Kind     ledger.Kind
	Agency   ledger.AgencyID
	Happened time.Time
	Recorded time.Time
	Here     bool
	Early    bool // of the order as recorded: something that happened later is recorded before it
}

// replayState is what one thing was before the record and is with it.
type replayState struct {
	Who    text // the case, or a respondent
	Fields []replayField
}

type replayField struct {
	Label         text
	Before, After text
}

// Moved is for templates.
func (f replayField) Moved() bool { return f.Before != f.After }

// Orders of a case's replay.
const (
	orderRecorded = "recorded"
	orderHappened = "happened"
)

func (s *Server) showCaseReplay(r *http.Request) (view, error) {
	values, err := parseValues(r.URL.RawQuery, "step", "at", "order", "lang")
	if err != nil {
		return view{}, err
	}
	id, order := r.PathValue("id"), values.Get("order")
	switch {
	case !caseID.MatchString(id):
		return view{}, errNoCase
	case s.CaseRecords == nil:
		return view{}, errUnavailable
	case order == "":
		order = orderRecorded
	case order != orderRecorded && order != orderHappened:
		return view{}, badQuery("order", "it is recorded or happened")
	}
	records, err := s.CaseRecords(r.Context(), id)
	if err != nil {
		return view{}, err
	}
	if len(records) == 0 {
		return view{}, errNoCase
	}
	page, err := newCaseReplay(id, order, records, values, s.Roster().Genesis())
	return view{Template: "desk-replay-case", Title: text{"Putar ulang kasus " + shortID(id), "Replay of case " + shortID(id)}, Data: page}, err
}

// foldStep gives a case before and after a step, and the event of the step as it then
// counts. list has the records in the order that is replayed.
func foldStep(order string, list []ledger.CaseEvent, step int) (before, after ledger.Case, effect *ledger.CaseEvent) {
	was, is := list[:step-1], list[:step] // of the order of happening: corrections are heeded already
	if order == orderRecorded {
		known := inOrder(was)
		was = ledger.Effective(known)
		is = ledger.Effective(ledger.Insert(slices.Clone(known), list[step-1]))
	}
	for i := range is {
		if is[i].Position == list[step-1].Position {
			effect = &is[i]
		}
	}
	// Up to where the step changes something both are the same: most often to its end.
	var c ledger.Case
	for len(was) > 0 && was[0].Position == is[0].Position && was[0].Corrected == is[0].Corrected {
		c, was, is = c.Apply(was[0]), was[1:], is[1:]
	}
	before, after = c, c
	for _, e := range was {
		before = before.Apply(e)
	}
	for _, e := range is {
		after = after.Apply(e)
	}
	return before, after, effect
}

func newCaseReplay(id, order string, records []ledger.Record, values url.Values, genesis ledger.Genesis) (caseReplay, error) {
	page := caseReplay{ID: id, Order: order, Of: len(records)}
	list, err := decodeEvents(records)
	if err != nil {
		return page, err
	}
	if order == orderHappened {
		list = ledger.Effective(inOrder(list))
	}
	if page.Step, err = stepIn(values, list); err != nil {
		return page, err
	}
	before, after, effect := foldStep(order, list, page.Step)
	here := list[page.Step-1]
	r := records[slices.IndexFunc(records, func(r ledger.Record) bool { return r.Position == here.Position })]
	page.Record = replayRecord{Entry: projections.Entry{
		Position: here.Position, Recorded: r.Recorded, Happened: here.Time, Case: id, Agency: here.Source, Kind: here.Kind, Version: here.Version,
		Known: here.Payload != nil, Event: here.ID, Leaf: r.LeafHash(), Late: genesis.Late(here.Time, r.Recorded),
	}, Facts: factsOf(here.Data)}
	if page.Record.Late {
		page.Record.Days = int(r.Recorded.Sub(here.Time) / (24 * time.Hour))
	}
	if page.Effect = effect; effect != nil {
		page.Void, page.By = effect.Void, effect.Corrected
	}
	page.Moves, page.States = movesOf(&before, &after), statesOf(&before, &after)
	page.link(list)
	return page, nil
}

// stepIn reads which step is asked for: by number, or by the position of its
// record.
func stepIn(values url.Values, list []ledger.CaseEvent) (int, error) {
	if raw := values.Get("at"); raw != "" {
		at, err := sizeIn(values, "at")
		if err != nil || values.Get("step") != "" {
			return 0, badQuery("at", "it is the position of a record of the case")
		}
		for i, e := range list {
			if e.Position == at {
				return i + 1, nil
			}
		}
		return 0, errNoRecord
	}
	raw := values.Get("step")
	if raw == "" {
		return 1, nil
	}
	n, err := strconv.Atoi(raw)
	if err != nil || n < 1 || strconv.Itoa(n) != raw {
		return 0, badQuery("step", "it is a number, counted from 1")
	}
	if n > len(list) {
		return 0, errNoRecord
	}
	return n, nil
}

func (p *caseReplay) address(step int, order string) string {
	v := url.Values{"step": {strconv.Itoa(step)}}
	if order == orderHappened {
		v.Set("order", order)
	}
	return replayPath + "/" + p.ID + "?" + v.Encode()
}

// link fills in the list of all records and the ways to others.
func (p *caseReplay) link(list []ledger.CaseEvent) {
	p.Part = partAround(p.Step-1, len(list))
	p.Parts = p.Part.links(func(i int) string { return p.address(i+1, p.Order) + "#all" })
	var latest time.Time
	for i, e := range list[:p.Part.to] {
		if !p.Part.has(i) {
			latest = later(latest, e.Time)
			continue
		}
		p.All = append(p.All, replayStop{
			p.address(i+1, p.Order), e.Position, e.Kind, e.Source, e.Time, e.Recorded, i+1 == p.Step, p.Order == orderRecorded && e.Time.Before(latest),
		})
		latest = later(latest, e.Time)
	}
	at := "?at=" + strconv.FormatUint(uint64(p.Record.Position), 10)
	for _, o := range []struct {
		name string
		says text
	}{{orderRecorded, text{"urut pencatatan: apa yang diketahui kapan", "as recorded: what was known when"}}, {orderHappened, text{"urut kejadian: menurut semua catatan", "as it happened: by all records"}}} {
		step := sliderStep{Label: o.says}
		if o.name != p.Order {
			step.Href = replayPath + "/" + p.ID + at
			if o.name == orderHappened {
				step.Href += "&order=" + o.name
			}
		}
		p.Orders = append(p.Orders, step)
	}
	if p.Step > 1 {
		p.First, p.Before = p.address(1, p.Order), p.address(p.Step-1, p.Order)
	}
	if p.Step < len(list) {
		p.After, p.Last = p.address(p.Step+1, p.Order), p.address(len(list), p.Order)
	}
	q := question{Query: ledger.Query{Unit: ledger.UnitRespondent}}
	if p.Order == orderRecorded {
		q.Known = strconv.FormatUint(uint64(p.Record.Position), 10)
	} else {
		q.Query.AsOf = p.Record.Happened
	}
	p.Whole = q.address(casesPath + "/" + p.ID)
}

// statesOf sets the case and each respondent before a record beside those with it.
func statesOf(before, after *ledger.Case) []replayState {
	agency := func(a ledger.AgencyID) text {
		if a == "" {
			return text{"–", "–"}
		}
		return word("agency", string(a))
	}
	plain := func(s string) text {
		if s == "" {
			return text{"–", "–"}
		}
		return text{s, s}
	}
	out := []replayState{{text{"Kasus", "The case"}, []replayField{
		{text{"Pemegang", "Holder"}, agency(before.Holder), agency(after.Holder)},
		{text{"Menunggu diterima oleh", "Waits to be received by"}, agency(before.Addressee), agency(after.Addressee)},
		{text{"Duplikat dari", "Duplicate of"}, plain(shortID(before.DuplicateOf)), plain(shortID(after.DuplicateOf))},
	}}}
	for i := range max(len(before.Respondents), len(after.Respondents)) {
		var a, b *ledger.Respondent
		if i < len(before.Respondents) {
			a = &before.Respondents[i]
		}
		if i < len(after.Respondents) {
			b = &after.Respondents[i]
		}
		named := b
		if named == nil {
			named = a
		}
		state := replayState{Who: text{"Terlapor " + named.ID, "Respondent " + named.ID}}
		for _, f := range respondentFields {
			state.Fields = append(state.Fields, replayField{f.label, f.of(a), f.of(b)})
		}
		out = append(out, state)
	}
	return out
}

// respondentFields are what a replay shows of a respondent; nil is one who is not
// there.
var respondentFields = []struct {
	label text
	of    func(*ledger.Respondent) text
}{
	{text{"Tahap", "Stage"}, coded("stage", func(r *ledger.Respondent) string { return string(r.Stage) })},
	{text{"Pengendalian", "Control"}, coded("control", func(r *ledger.Respondent) string { return string(r.Control) })},
	{text{"Upaya administratif", "Remedies"}, coded("remedy", func(r *ledger.Respondent) string { return r.Remedy() })},
	{text{"Pidana", "Criminal branch"}, coded("criminal", func(r *ledger.Respondent) string { return string(r.Criminal) })},
	{text{"Rekomendasi", "Recommendation"}, coded("", func(r *ledger.Respondent) string {
		if r.Recommendation == nil {
			return ""
		}
		return word("agency", string(r.Recommendation.Agency)).ID + " " + r.Recommendation.Number
	})},
	{text{"Keputusan PPK", "Decree"}, coded("", func(r *ledger.Respondent) string {
		if r.Decision == nil {
			return ""
		}
		return r.Decision.Decree.Number
	})},
	{text{"Sanksi yang berlaku", "Sanction that stands"}, coded("sanction", func(r *ledger.Respondent) string { return respondentOf(*r).Standing })},
}

func coded(group string, of func(*ledger.Respondent) string) func(*ledger.Respondent) text {
	return func(r *ledger.Respondent) text {
		if r == nil {
			return text{"belum ada", "not there yet"}
		}
		code := of(r)
		switch {
		case code == "":
			return text{"–", "–"}
		case group == "":
			return text{code, code}
		}
		return word(group, code)
	}
}
