package web

import (
	"slices"
	"strconv"
	"time"

	"github.com/berkas-ledger/berkas/ledger"
)

// caseStep is a record as the timeline shows it.
type caseStep struct {
	Position  ledger.Position
	Happened  time.Time
	Recorded  time.Time
	Lag       text // how long after it happened it was recorded
	Late      int  // whole days, 0 unless late
	Agency    ledger.AgencyID
	Kind      ledger.Kind
	Version   int
	Known     bool // this program knows the kind
	Under     text // the mandate it was recorded under, or who recorded it as what
	Grants    []grantNote
	LateUnder []grantNote // by which it may be recorded late
	Event     string
	Keys      []keyNote
	Leaf      string
	Covered   bool // by the newest published checkpoint
	Facts     []shownFact
	Instead   []shownFact // what a correction says instead
	Moves     []text      // what it changed
	Corrected ledger.Position
	Since     time.Time       // when the correction was recorded
	Later     ledger.Position // a correction that was not known yet
	Void      bool
	Target    ledger.Position // of a correction: the record it is about
	Other     string          // another case that it names
	Upto      string          // address of the case as it was known after it
}

// shownFact is a fact beside what it was replaced by, or what it replaces.
type shownFact struct {
	fact
	Gone, Fresh bool
}

func (c *caseReading) step(e ledger.CaseEvent) caseStep {
	info, known := ledger.LookupKind(e.Kind, e.Version)
	r := c.of[e.Position]
	out := caseStep{
		Position: e.Position, Happened: e.Time, Recorded: e.Recorded, Lag: lagOf(e.Recorded.Sub(e.Time)), Agency: e.Source, Kind: e.Kind, Version: e.Version,
		Known: known, Event: e.ID, Leaf: r.LeafHash().String(), Corrected: e.Corrected, Void: e.Void, Covered: e.Position <= c.page.Sealed.Size,
		Target: targetOf(e, c.known),
	}
	late := c.current.Genesis().Late(e.Time, e.Recorded)
	if late {
		out.Late = int(e.Recorded.Sub(e.Time) / (24 * time.Hour))
	}
	if known {
		out.Under = underOf(info, e.Payload)
		var mandate ledger.Mandate
		if info.Party == ledger.PartyMandate {
			mandate = info.MandateFor(e.Payload)
		}
		out.Grants, out.LateUnder = heldThen(grantsBefore(c.roster, e.Position, c.current), e, mandate, late)
	}
	for _, sig := range r.Signatures {
		out.Keys = append(out.Keys, keyNoteOf(c.current, sig.Key, e.Position))
	}
	if l, ok := e.Payload.(*ledger.CaseLinked); ok {
		out.Other = l.Case
	}
	c.compare(&out, e)
	out.Upto = c.uptoAddress(e.Position)
	return out
}

// uptoAddress is the case as it was known at a position.
func (c *caseReading) uptoAddress(p ledger.Position) string {
	point := question{Query: ledger.Query{Unit: ledger.UnitRespondent, AsOf: c.page.AsOf}}
	if p != 0 {
		point.Known = strconv.FormatUint(uint64(p), 10)
	}
	return point.address(c.page.Now)
}

// compare puts what an event says beside what a correction says instead.
func (c *caseReading) compare(out *caseStep, e ledger.CaseEvent) {
	old := factsOf(e.Data)
	var instead []fact
	if i := slices.IndexFunc(c.known, func(o ledger.CaseEvent) bool { return e.Corrected != 0 && o.Position == e.Corrected }); i >= 0 {
		out.Since = c.known[i].Recorded
		if p, ok := c.known[i].Payload.(*ledger.EventCorrected); ok && p.Data != nil {
			instead = factsOf(p.Data)
		}
	}
	for _, f := range old {
		out.Facts = append(out.Facts, shownFact{fact: f, Gone: e.Void || instead != nil && !slices.Contains(instead, f)})
	}
	for _, f := range instead {
		if !slices.Contains(old, f) {
			out.Instead = append(out.Instead, shownFact{fact: f, Fresh: true})
		}
	}
	if e.Corrected == 0 {
		out.Later = c.correctedLater(e)
	}
}

// correctedLater is the first correction of an event that has none as it is shown. All
// events are gone through once for a page, not once for each event.
func (c *caseReading) correctedLater(e ledger.CaseEvent) ledger.Position {
	if c.later == nil {
		c.later = map[ledger.Position]ledger.Position{}
		for _, o := range ledger.Effective(c.all) {
			c.later[o.Position] = o.Corrected
		}
	}
	return c.later[e.Position]
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
