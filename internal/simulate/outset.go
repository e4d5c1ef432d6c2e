package simulate

import (
	"slices"
	"strconv"

	"github.com/berkas-ledger/berkas/ledger"
)

// Days on which the procedure changed.
const (
	courseBegins ledger.Date = "2020-01-06" // the first case is opened
	sharedSystem ledger.Date = "2023-03-21" // takes reports
	endOfKASN    ledger.Date = "2024-09-04"
	annulments   ledger.Date = "2022-09-14" // decrees are checked since
	appealBoard  ledger.Date = "2021-08-10"
	disciplined  ledger.Date = "2021-08-31" // PP 94/2021
	reprimanded  ledger.Date = "2023-01-10" // before a block
)

// way is how a case goes until somebody recommends.
type way byte

const (
	wayBawaslu way = iota // a desk of Bawaslu, then KASN or who came after it
	wayReport             // the shared system, the task force, Bawaslu, BKN
	wayFinding            // Bawaslu's own, in the shared system: no verification
)

// outset is what is settled of a case when it is opened. It follows from the seed
// and the case's number alone, so that any other case can ask for it.
type outset struct {
	number   int
	id       string
	opened   instant
	recorded instant // of the opening
	way      way
	contest  string
	where    region
	at       ledger.Institution
	act      ledger.Act
	items    []string
	origin   string
	// repeats: the case is a duplicate of an earlier one. void: its opening was
	// a mistake. Nothing is linked to either.
	repeats, void bool
}

// draws gives the choices of a case.
func (c *course) draws(number int) draw { return newDraw(c.seed^0x6b61737573, uint64(number)) }

// outset makes the outset of a case, numbered from 1, from its draws.
func (c *course) outset(d draw, number int) outset {
	h := outset{number: number, opened: c.season.at((float64(number-1) + d.Float64()) / float64(c.cases))}
	h.id = d.id(h.opened.time())
	lot := d.IntN(1000)
	h.repeats, h.void = lot < 15, lot >= 996
	day := h.opened.date()
	h.way, h.origin = wayAt(d, day)
	h.recorded = min(h.opened+c.lag(d), c.end-minute)
	h.recorded = max(h.recorded, h.opened+second)
	h.contest = contestAt(day)
	h.where, h.at = c.terrain.anywhere(d, day)
	h.act = ledger.Act{Date: (h.opened - d.after(6, 0.8)).date(), Region: h.where.code}
	h.items = c.alleged(d, h.contest, h.act.Date)
	return h
}

func wayAt(d draw, day ledger.Date) (way, string) {
	origin := ledger.OriginFinding
	switch {
	case day < sharedSystem:
	case day < endOfKASN:
		if d.chance(2) { // these wait for a task force that is not there yet
			return wayReport, ledger.OriginReport
		}
	default:
		switch d.weighted(62, 26, 12) {
		case 0:
			return wayReport, ledger.OriginReport
		case 1:
			return wayFinding, origin
		}
	}
	if d.chance(22) {
		origin = ledger.OriginReport
	}
	return wayBawaslu, origin
}

// contestAt gives the contest that most cases opened on a day are about.
func contestAt(day ledger.Date) string {
	switch {
	case day < "2022-07-01":
		return "pilkada-2020"
	case day < "2024-03-16":
		return "pemilu-2024"
	default:
		return "pilkada-2024"
	}
}

// determinations are the days that turn prospective candidates into candidates.
var determinations = map[string]ledger.Date{
	"pilkada-2020": "2020-09-23", "pemilu-2024": "2023-11-13", "pilkada-2024": "2024-09-22",
}

// alleged draws one or two violations of the catalogue in force that fit the day
// of the act; one in forty does not fit, as happens.
func (c *course) alleged(d draw, contest string, act ledger.Date) []string {
	if act < ledger.SKB2022From {
		return alleged(d)
	}
	side := ledger.SinceDetermination
	if act < determinations[contest] {
		side = ledger.BeforeDetermination
	}
	list := c.catalogue[side]
	if d.IntN(40) == 0 {
		list = c.catalogue[""]
	}
	first := d.IntN(len(list))
	if d.chance(82) {
		return []string{list[first]}
	}
	return []string{list[first], list[(first+1+d.IntN(len(list)-1))%len(list)]}
}

// itemsBySide lists the items of 2022 that an act on either side of the
// determination may be, and all of them under "".
func itemsBySide() map[ledger.When][]string {
	out := map[ledger.When][]string{}
	for _, it := range ledger.Items {
		if it.Catalogue != ledger.CatalogueSKB2022 {
			continue
		}
		out[""] = append(out[""], it.Code)
		for _, side := range []ledger.When{ledger.BeforeDetermination, ledger.SinceDetermination} {
			if it.When == "" || it.When == side {
				out[side] = append(out[side], it.Code)
			}
		}
	}
	return out
}

func catalogueOf(items []string) string {
	if i := slices.IndexFunc(ledger.Items, func(it ledger.Item) bool { return it.Code == items[0] }); i >= 0 {
		return ledger.Items[i].Catalogue
	}
	return ledger.CatalogueSKB2020
}

// other finds an earlier case to link to, about to be linked at a moment: one
// that stands on the ledger for two days at least. ok is false if none was found.
func (c *course) other(d draw, number int, at instant) (outset, bool) {
	near := max(3, c.cases/200)
	for range 6 {
		n := number - 1 - d.IntN(near)
		if n < 1 {
			continue
		}
		if h := c.outset(c.draws(n), n); !h.repeats && !h.void && h.recorded+2*daily < at {
			return h, true
		}
	}
	return outset{}, false
}

// lag draws how long it takes until what happened is recorded: mostly hours or
// days, at times weeks, rarely months. It is invented.
func (c *course) lag(d draw) instant {
	switch d.weighted(640, 215, 100, 33, 12) {
	case 0:
		return instant(d.between(60, 5*3600)) * second
	case 1:
		return instant(d.between(8, 72)) * hour
	case 2:
		return instant(d.between(3*24, 14*24)) * hour
	case 3:
		return instant(d.between(14*24, 45*24)) * hour
	default:
		return instant(d.between(45*24, 200*24)) * hour
	}
}

// respondents draws how many a case has: mostly one, seldom more than four.
func (d draw) respondents() int {
	switch n := 1 + d.weighted(700, 180, 70, 45, 5); {
	case n < 5:
		return n
	case d.chance(4):
		return d.between(20, 40) // a whole office at one event
	default:
		return d.between(5, 9)
	}
}

func respondentID(n int) string { return "r" + strconv.Itoa(n) }
