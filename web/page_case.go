package web

import (
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/berkas-ledger/berkas/ledger"
	"github.com/berkas-ledger/berkas/roster"
)

// One case: where it stands, every record with both its times, what may follow.

type casePage struct {
	ID          string
	AsOf        time.Time // zero: everything
	KnownAt     ledger.Position
	Field       momentField
	Now         string // address without the two times
	Case        ledger.Case
	Respondents []respondentLine
	Steps       []caseStep
	Head        ledger.Position // the ledger's last record
	LateDays    int
	Next        []nextBy
	Bundles     bool // there is a log to make bundles from
}

type respondentLine struct {
	ledger.Respondent
	Place    text
	Items    []text
	Standing string // level of the sanction that stands, "" if none does
}

// caseStep is a record as the timeline shows it.
type caseStep struct {
	Position  ledger.Position
	Happened  time.Time
	Recorded  time.Time
	Late      int // whole days, 0 unless late
	Agency    ledger.AgencyID
	Kind      ledger.Kind
	Version   int
	Known     bool // this program knows the kind
	Under     text // the mandate it was recorded under, or who recorded it as what
	Event     string
	Keys      []ledger.KeyID
	Leaf      string
	Facts     []fact
	Moves     []text // what it changed
	Corrected ledger.Position
	Void      bool
	Target    ledger.Position // of a correction: the record it is about
	Other     string          // another case that it names
	Upto      string          // address of the case as it was known after it
}

// nextBy is what an agency may record about a case now.
type nextBy struct {
	Agency ledger.AgencyID
	Moves  []nextKind // what moves the case
	Always []nextKind // what takes part at any time: links, evidence, corrections
}

type nextKind struct {
	Kind        ledger.Kind
	Respondents []string // for whom; none where it is about the case
}

func (s *Server) showCase(w http.ResponseWriter, r *http.Request) error {
	values, changed, err := tidy(r.URL.RawQuery)
	if err != nil {
		return err
	}
	at, err := parseCasePoint(values.Encode())
	if err != nil || redirected(w, r, values, changed) {
		return err
	}
	page, err := s.casePage(r, at)
	if err != nil {
		return err
	}
	return s.render(w, r, view{Template: "case", Title: text{"Kasus " + shortID(page.ID), "Case " + shortID(page.ID)}, Data: page})
}

func (s *Server) casePage(r *http.Request, at casePoint) (casePage, error) {
	id := r.PathValue("id")
	page := casePage{
		ID: id, AsOf: at.asOf, KnownAt: at.knownAt, Head: s.Head(), Now: casesPath + "/" + id,
		Field: fieldOf("as-of", at.asOf, string(dayOf(s.Now()))), Bundles: s.Files != nil && s.RosterRecords != nil,
	}
	if !caseID.MatchString(id) {
		return page, errNoCase
	}
	if s.CaseRecords == nil {
		return page, errUnavailable
	}
	records, err := s.CaseRecords(r.Context(), id)
	if err != nil {
		return page, err
	}
	current := s.Roster()
	page.LateDays = current.Genesis().LateAfterDays
	if err := page.read(records, at, current.Genesis()); err != nil {
		return page, err
	}
	for i := range page.Case.Respondents {
		page.Respondents = append(page.Respondents, respondentOf(page.Case.Respondents[i]))
	}
	if at == (casePoint{}) {
		page.Next = nextOf(page.Case, current, s.Now())
	}
	return page, nil
}

// read folds the records of the case that are asked for into steps, corrections
// heeded.
func (p *casePage) read(records []ledger.Record, at casePoint, genesis ledger.Genesis) error {
	var history []ledger.CaseEvent
	of := map[ledger.Position]ledger.Record{}
	for _, r := range records {
		e, err := ledger.DecodeRecord(r)
		if err != nil {
			return err
		}
		if at.knownAt != 0 && r.Position > at.knownAt {
			continue
		}
		of[r.Position] = r
		history = ledger.Insert(history, ledger.CaseEvent{Position: r.Position, Recorded: r.Recorded, Event: e})
	}
	var c ledger.Case
	// A correction that is known is heeded, whenever it happened.
	for _, e := range ledger.Effective(history) {
		if !at.asOf.IsZero() && e.Time.After(at.asOf) {
			break
		}
		next := c.Apply(e)
		step := p.step(e, of[e.Position], genesis)
		step.Moves = movesOf(&c, &next)
		step.Target = targetOf(e, history)
		p.Steps = append(p.Steps, step)
		c = next
	}
	if len(p.Steps) == 0 {
		return errNoCase
	}
	p.Case = c
	return nil
}

func (p *casePage) step(e ledger.CaseEvent, r ledger.Record, genesis ledger.Genesis) caseStep {
	info, known := ledger.LookupKind(e.Kind, e.Version)
	out := caseStep{
		Position: e.Position, Happened: e.Time, Recorded: e.Recorded, Agency: e.Source, Kind: e.Kind, Version: e.Version,
		Known: known, Event: e.ID, Leaf: r.LeafHash().String(), Corrected: e.Corrected, Void: e.Void, Facts: factsOf(e.Data),
	}
	if genesis.Late(e.Time, e.Recorded) {
		out.Late = int(e.Recorded.Sub(e.Time) / (24 * time.Hour))
	}
	if known {
		out.Under = underOf(info, e.Payload)
	}
	for _, sig := range r.Signatures {
		out.Keys = append(out.Keys, sig.Key)
	}
	if l, ok := e.Payload.(*ledger.CaseLinked); ok {
		out.Other = l.Case
	}
	point := question{Known: strconv.FormatUint(uint64(e.Position), 10), Query: ledger.Query{Unit: ledger.UnitRespondent, AsOf: p.AsOf}}
	out.Upto = point.address(p.Now)
	return out
}

// underOf says under which mandate an event is recorded, or as whom.
func underOf(info ledger.KindInfo, payload any) text {
	switch info.Party {
	case ledger.PartyMandate:
		t := word("mandate", string(info.MandateFor(payload)))
		return text{"mandat " + t.ID, "mandate: " + t.EN}
	case ledger.PartyHolder:
		return text{"sebagai pemegang kasus", "as holder of the case"}
	case ledger.PartyAddressee:
		return text{"sebagai penerima penerusan", "as addressee"}
	case ledger.PartyOpener:
		return text{"sebagai pembuka kasus", "as opener of the case"}
	case ledger.PartyParticipant:
		return text{"sebagai peserta kasus", "as participant in the case"}
	case ledger.PartyRecorder:
		return text{"sebagai pencatat semula atau penggantinya", "as the one who recorded it, or its successor"}
	default:
		return text{}
	}
}

// targetOf is the record that a correction is about.
func targetOf(e ledger.CaseEvent, history []ledger.CaseEvent) ledger.Position {
	p, ok := e.Payload.(*ledger.EventCorrected)
	if !ok {
		return 0
	}
	i := slices.IndexFunc(history, func(o ledger.CaseEvent) bool { return o.ID == p.Event && o.Position < e.Position })
	if i < 0 {
		return 0
	}
	return history[i].Position
}

// movesOf says what an event changed, by comparing the case before and after.
func movesOf(before, after *ledger.Case) []text {
	var out []text
	say := func(id, en string) { out = append(out, text{id, en}) }
	from := func(group, old, now string, id, en string) {
		if old == now {
			return
		}
		a, b := word(group, old), word(group, now)
		if old == "" {
			say(id+b.ID, en+b.EN)
			return
		}
		say(id+a.ID+" → "+b.ID, en+a.EN+" → "+b.EN)
	}
	for i := range after.Respondents {
		now := &after.Respondents[i]
		old := &ledger.Respondent{Control: ledger.ControlNone, Criminal: ledger.CriminalNone}
		if i < len(before.Respondents) {
			old = &before.Respondents[i]
		}
		from("stage", string(old.Stage), string(now.Stage), now.ID+": ", now.ID+": ")
		from("control", string(old.Control), string(now.Control), now.ID+", pengendalian: ", now.ID+", control: ")
		from("criminal", string(old.Criminal), string(now.Criminal), now.ID+", pidana: ", now.ID+", criminal branch: ")
		from("remedy", old.Remedy(), now.Remedy(), now.ID+", upaya: ", now.ID+", remedy: ")
	}
	from("agency", string(before.Holder), string(after.Holder), "pemegang: ", "holder: ")
	if after.Addressee != "" && before.Addressee != after.Addressee {
		t := word("agency", string(after.Addressee))
		say("menunggu diterima oleh "+t.ID, "waits to be received by "+t.EN)
	}
	if before.DuplicateOf == "" && after.DuplicateOf != "" {
		say("tidak dihitung lagi: duplikat", "counts no more: a duplicate")
	}
	return out
}

func respondentOf(r ledger.Respondent) respondentLine {
	out := respondentLine{Respondent: r, Place: regionWord(r.Institution.Key())}
	for _, item := range r.Items {
		out.Items = append(out.Items, itemWord(item))
	}
	if r.Decision != nil && r.Stage == ledger.StageDecided {
		if standing, ok := r.Decision.Standing(); ok {
			out.Standing = standing.Level
		}
	}
	return out
}

// nextOf says of each institution what it may record about a case at a moment.
// It asks what the registrar asks: mandate, its scope, and the rules of the case.
func nextOf(c ledger.Case, r *roster.Roster, at time.Time) []nextBy {
	var out []nextBy
	law := r.LawAt(at)
	for _, i := range r.Institutions() {
		if i.Kind != ledger.KindInstitution {
			continue
		}
		next := nextBy{Agency: i.ID}
		for _, info := range ledger.Kinds {
			if info.Stream != ledger.StreamCase || info.NoVersion || r.Entitled(c, info, i.ID, at) != nil {
				continue
			}
			may := c.May(i.ID, info, law)
			if may.WhyNot != "" {
				continue
			}
			kind := nextKind{info.Kind, may.Respondents}
			if info.Kind == ledger.CaseLinkedKind || info.Kind == ledger.EvidenceAttachedKind || info.Kind == ledger.EventCorrectedKind {
				next.Always = append(next.Always, kind)
			} else {
				next.Moves = append(next.Moves, kind)
			}
		}
		if len(next.Moves)+len(next.Always) > 0 {
			out = append(out, next)
		}
	}
	slices.SortStableFunc(out, func(a, b nextBy) int { return len(b.Moves) - len(a.Moves) })
	return out
}
