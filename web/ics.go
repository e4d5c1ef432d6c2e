package web

import (
	"fmt"
	"strings"
	"time"

	ics "github.com/arran4/golang-ical"

	"github.com/berkas-ledger/berkas/ledger"
	"github.com/berkas-ledger/berkas/projections"
)

// calendarMedia is the media type of a calendar (RFC 5545 section 8.1).
const calendarMedia = "text/calendar; charset=utf-8"

// calendarAgain is how often a program that subscribes asks again.
const calendarAgain = "PT6H"

// Calendar makes a calendar (RFC 5545) of what has a due day: an entry for the
// whole of that day in Jakarta, known by the obligation's UID, so that a later
// calendar moves it. What a list holds that is not pending any more is cancelled;
// what is not on the list is gone from a calendar that is subscribed to. It names
// the case by its id, and no person, no institution and no place. English chooses
// the language of its words.
func Calendar(list projections.WorkList, inEnglish bool) string {
	l := indonesian
	if inEnglish {
		l = english
	}
	c := ics.NewCalendarFor("berkas")
	c.SetProductId("-//berkas//work list//EN")
	c.SetMethod(ics.MethodPublish)
	name := text{"Berkas: tenggat", "Berkas: deadlines"}.in(l)
	if a := list.Query.Agency; a != "" {
		name += " " + word("agency", string(a)).in(l)
	}
	c.SetName(name)
	c.SetRefreshInterval(calendarAgain)
	c.SetXPublishedTTL(calendarAgain)
	c.SetDescription(calendarSays(list, l))
	for i := range list.Obligations {
		addDue(c, &list.Obligations[i], list, l)
	}
	return c.Serialize(ics.WithNewLineWindows)
}

// calendarSays says what the calendar is of, and what is missing.
func calendarSays(list projections.WorkList, l lang) string {
	says := text{"Keadaan per", "As of"}.in(l) + " " + l.moment(list.Query.AsOf) + "; " +
		text{"menurut catatan s.d. posisi", "known at position"}.in(l) + " " + l.number(list.Query.KnownAt) + "."
	if n := list.Total - len(list.Obligations); n > 0 {
		says += " " + text{
			indonesian.number(n) + " hal lain tidak dimuat.", english.number(n) + " more are not in this calendar.",
		}.in(l)
	}
	return says
}

func addDue(c *ics.Calendar, o *ledger.Obligation, list projections.WorkList, l lang) {
	begins, err := time.Parse(time.DateOnly, string(o.Due))
	if err != nil {
		return // nothing is due, or on a day that does not exist
	}
	e := c.AddEvent(o.UID())
	e.SetDtStampTime(list.Known)
	e.SetAllDayStartAt(begins)
	e.SetAllDayEndAt(begins.AddDate(0, 0, 1))
	e.SetSequence(int(list.Query.KnownAt)) // a later position says it anew
	e.SetTimeTransparency(ics.TransparencyTransparent)
	e.SetClass(ics.ClassificationConfidential)
	e.SetStatus(ics.ObjectStatusConfirmed)
	if !o.State.Pending() {
		e.SetStatus(ics.ObjectStatusCancelled)
	}
	line := func(id, en, value string) string { return text{id, en}.in(l) + ": " + value }
	e.SetSummary(fmt.Sprintf("%s: %s, %s", word("deadline", o.Code).in(l), partyWord(o.OwedBy).in(l), o.Case))
	basis := text{"tidak ada tenggat yang diumumkan", "no deadline published"}.in(l)
	if o.Regime != "" {
		basis = word("basis", o.Basis).in(l)
	}
	says := []string{
		line("Keadaan", "State", word("obligation", string(o.State)).in(l)),
		line("Yang perlu bertindak", "Owed by", partyWord(o.OwedBy).in(l)),
		line("Sejak", "Since", l.date(o.Since)),
		line("Dasar", "Basis", basis),
		line("Keraguan", "Doubt", word("doubt", string(o.Doubt)).in(l)),
	}
	if o.Right {
		says = append(says, text{"Hak, bukan kewajiban.", "A right, not a duty."}.in(l))
	}
	if o.Provisional {
		says = append(says, text{"Dapat bergeser: hari libur yang diumumkan kemudian dapat memindahkan hari ini.", "Provisional: holidays that are published later may move the day."}.in(l))
	}
	e.SetDescription(strings.Join(says, "\n"))
}
