package simulate

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/berkas-ledger/berkas/ledger"
)

// saying is one event of a case that is to be told.
type saying struct {
	at, recorded instant
	by           ledger.AgencyID
	kind         ledger.Kind
	id           string
	payload      any
	marks        []mark
}

// party is a respondent of a case that is being told.
type party struct {
	ledger.NewRespondent
	family, sanction string
	level            string // of the sanction that stands
	decree           ledger.Letter
	counted          counted
}

// telling tells one case from its opening to wherever it gets. What each event
// says is settled at once, when it is recorded too: the ledger has it in order of
// the latter.
//
// now is when the last thing happened on the line that is told, known when it was
// recorded: what builds on it is recorded later. What nothing builds on is told
// aside and may come late.
type telling struct {
	*course
	draw
	outset
	now, known instant
	pace       float64
	// supervisor has to clarify and recommend; processed says that KASN has.
	supervisor ledger.AgencyID
	processed  bool
	people     []*party // whose part is open
	everybody  int
	says       []saying
	numbers    int
}

// tell makes all events of a case, in order of recording.
func (c *course) tell(number int) *telling {
	d := c.draws(number)
	t := &telling{course: c, draw: d, outset: c.outset(d, number), supervisor: ledger.KASN}
	t.now, t.known = t.opened, t.opened
	t.pace = c.terrain.pace[t.at.Key()]
	t.says = c.scratch[:0]
	t.begin()
	// The order of telling decides between equals.
	slices.SortStableFunc(t.says, func(a, b saying) int {
		switch {
		case a.recorded < b.recorded:
			return -1
		case a.recorded > b.recorded:
			return 1
		default:
			return 0
		}
	})
	// What waits for months is kept in no more room than it takes.
	t.says, c.scratch = slices.Clone(t.says), t.says
	clear(c.scratch)
	return t
}

// wait lets time pass on the line that is told, until offices are open.
func (t *telling) wait(median, spread float64) {
	t.now = t.atWork(t.now + t.after(median, spread))
}

// say tells an event that others build on.
func (t *telling) say(by ledger.AgencyID, kind ledger.Kind, payload any) *saying {
	s := t.aside(by, kind, payload)
	t.known = s.recorded
	return s
}

// aside tells an event that nothing builds on.
func (t *telling) aside(by ledger.AgencyID, kind ledger.Kind, payload any) *saying {
	recorded := t.now + t.lag(t.draw)
	if t.weekend(recorded) {
		recorded = t.atWork(recorded)
	}
	recorded = max(recorded, t.known+instant(t.between(1, 900))*second)
	if kind == ledger.CaseOpenedKind {
		recorded = t.recorded
	}
	t.says = append(t.says, saying{
		at: t.now, recorded: recorded + instant(t.IntN(int(second))), by: by, kind: kind, id: t.draw.id(t.now.time()), payload: payload,
	})
	return &t.says[len(t.says)-1]
}

func (t *telling) weekend(i instant) bool { return i.weekend() && t.chance(85) }

// letter numbers a letter of the day; the number says that it is simulated.
func (t *telling) letter(by string) ledger.Letter {
	t.numbers++
	return ledger.Letter{Number: "SIM-" + strconv.Itoa(t.number) + "." + strconv.Itoa(t.numbers) + "/" + by, Date: t.now.date()}
}

// begin opens the case and tells it on its way.
func (t *telling) begin() {
	by, channel := ledger.Bawaslu, ledger.ChannelOffice
	switch t.way {
	case wayReport:
		by, channel = ledger.BKN, ledger.ChannelSharedSystem
	case wayFinding:
		channel = ledger.ChannelSharedSystem
	case wayBawaslu:
	}
	p := ledger.CaseOpened{
		Channel: channel, Origin: t.origin, Contest: t.contest, Act: t.act, Catalogue: catalogueOf(t.items), Items: t.items,
	}
	original, linked := outset{}, false
	if t.repeats {
		if original, linked = t.other(t.draw, t.number, t.recorded+3*daily); linked {
			p.Contest, p.Act, p.Items = original.contest, original.act, original.items
			p.Catalogue, t.items, t.where, t.at = catalogueOf(p.Items), p.Items, original.where, original.at
		}
	}
	for range t.respondents() {
		p.Respondents = append(p.Respondents, t.joins().NewRespondent)
	}
	opening := t.say(by, ledger.CaseOpenedKind, p)
	opening.marks = t.seenOpening(by)
	id := opening.id
	switch {
	case t.void:
		t.mistakenOpening(by, id)
	case linked && t.recordedSince(original):
		t.duplicate(by, original)
	default:
		t.vaulted(id)
		t.redated(by, id, p)
		t.goOn()
	}
}

func (t *telling) recordedSince(o outset) bool { return t.known > o.recorded }

// joins makes one more respondent, who works where the case is about; one in ten
// of a regency's works for its province.
func (t *telling) joins() *party {
	t.everybody++
	r := &party{NewRespondent: ledger.NewRespondent{
		ID: respondentID(t.everybody), Employment: employment(t.draw), Class: position(t.draw), Institution: t.at,
	}}
	r.family, r.sanction = severity(t.draw, t.items)
	if slices.Contains(t.items, "discipline-5") || slices.Contains(t.items, "party-membership") {
		r.family, r.sanction = ledger.FamilyDiscipline, pick(t.draw, []string{"heavy", "dismissal"})
	}
	t.people = append(t.people, r)
	return r
}

// mistakenOpening takes back a case that should not have been opened.
func (t *telling) mistakenOpening(by ledger.AgencyID, id string) {
	marks := t.says[len(t.says)-1].marks
	t.wait(2, 0.6)
	s := t.say(by, ledger.EventCorrectedKind, ledger.EventCorrected{
		Event: id, Kind: ledger.CaseOpenedKind, Version: 1, Action: ledger.ActionVoid, Reason: "recorded-twice",
	})
	s.marks = reversed(marks)
}

// duplicate links a case to the one that it repeats; it goes no further.
func (t *telling) duplicate(by ledger.AgencyID, o outset) {
	t.wait(2, 0.5)
	t.now = max(t.now, t.recorded+3*daily)
	t.now = t.atWork(t.now)
	s := t.say(by, ledger.CaseLinkedKind, ledger.CaseLinked{Link: ledger.LinkDuplicate, Case: o.id})
	s.marks = t.uncounted(t.now)
}

// vaulted tells that somebody had an identity opened, or that its key was
// destroyed. The vault records at once; it has no mandate to do so late. In a
// simulated ledger no identity is sealed, so the keys named are nobody's.
func (t *telling) vaulted(opening string) {
	if !t.chance(3) {
		return
	}
	was, known := t.now, t.known
	key := strings.Repeat("A", 9) + fmt.Sprintf("%012x", t.Uint64()>>16) + "A"
	t.now = max(t.known, t.now) + hour + t.after(5, 0.7)
	p := ledger.Unsealed{
		Event: opening, Pointer: "/data/respondents/0/identity", Key: key, Reason: pick(t.draw, []string{"case-handling", "objection", "audit"}),
		Agency: ledger.Bawaslu, Officer: "contoh-" + strconv.Itoa(t.between(1, 20)),
	}
	s := t.aside(ledger.Vault, ledger.UnsealedKind, p)
	s.recorded = s.at + second
	if t.chance(10) {
		t.now += t.after(200, 0.5)
		s := t.aside(ledger.Vault, ledger.ErasedKind, ledger.PersonalDataErased{
			Key: key, Holder: "r1", Reason: "retention-ended", Agency: ledger.BKN, Officer: p.Officer,
		})
		s.recorded = s.at + second
	}
	t.now, t.known = was, known
}

// redated corrects the day of the act, which was mistyped.
func (t *telling) redated(by ledger.AgencyID, opening string, p ledger.CaseOpened) {
	if !t.chance(1) {
		return
	}
	wrong := t.now
	t.now = t.atWork(t.now + instant(t.between(1, 30))*hour)
	p.Act.Date = (wrong - instant(t.between(1, 40))*daily).date()
	t.say(by, ledger.EventCorrectedKind, replaced{opening, ledger.CaseOpenedKind, p})
}

// replaced is a correction that says something else instead; it is written out
// only when the event is.
type replaced struct {
	event   string
	kind    ledger.Kind
	payload any
}
