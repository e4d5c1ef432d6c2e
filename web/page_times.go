package web

import (
	"encoding/json"
	"strconv"
	"time"

	"github.com/berkas-ledger/berkas/ledger"
	"github.com/berkas-ledger/berkas/projections"
)

// The two sliders of the national page: what had happened, and what was known.
// Everything they do can be done by the links below them and by the form.

// slider moves one of the two times. Its last place is the latest.
type slider struct {
	Name     string // of the parameter that it sets
	Stops    int    // places before the latest
	At       int
	Position bool // it moves by positions, not by days
	Step     int  // positions from one place to the next
	First    ledger.Date
	From, To text
	Now      text // what it says
	Steps    []sliderStep
	Places   []sliderPlace // what the places are, where they are neither days nor steps
}

// sliderPlace is one place of a slider.
type sliderPlace struct {
	Value uint64
	Says  text
}

type sliderStep struct {
	Label text
	Href  string
}

// places writes them for the script: pairs of a value and its words.
func (l lang) places(list []sliderPlace) (string, error) {
	out := make([][2]any, len(list))
	for i, p := range list {
		out[i] = [2]any{p.Value, p.Says.in(l)}
	}
	body, err := json.Marshal(out)
	return string(body), err
}

var theLatest = text{"terbaru", "the latest"}

// asOfSlider moves as-of by days, from the first on which something happened to
// the last; the latest lies after it.
func (q *question) asOfSlider(e projections.Extent) slider {
	if e.First.IsZero() {
		return slider{}
	}
	first, last := ledger.DayOf(e.First), ledger.DayOf(e.Last)
	at := q.Query.AsOf
	out := slider{Name: "as-of", Stops: ledger.DaysBetween(first, last) + 1, First: first, From: dayText(first), To: theLatest, Now: theLatest}
	out.At = out.Stops
	if !at.IsZero() {
		out.At = min(max(0, ledger.DaysBetween(first, ledger.DayOf(at))), out.Stops)
		out.Now = dayText(ledger.DayOf(at))
	}
	from := at
	if at.IsZero() {
		from = last.End()
	}
	out.Steps = daySteps(from, first, last, !at.IsZero(), q.dayAddress("as-of"))
	return out
}

// knownSlider moves known-at by the days on which records were made. A ledger
// whose records were all made within some days, for instance one that has just
// taken in old history, moves by positions.
func (q *question) knownSlider(e projections.Extent, p projections.Progress, known ledger.Position, when time.Time) slider {
	if p.Position < 2 || e.Recorded.IsZero() {
		return slider{}
	}
	first, last := ledger.DayOf(e.Recorded), ledger.DayOf(p.Recorded)
	out := slider{Name: "known-at", Stops: ledger.DaysBetween(first, last), First: first, From: dayText(first), To: theLatest, Now: theLatest}
	if out.Stops < 4 {
		return q.positionSlider(p.Position, known)
	}
	out.At = out.Stops
	if q.Known != "" {
		out.At = min(max(0, ledger.DaysBetween(first, ledger.DayOf(when))), out.Stops)
		out.Now = dayText(ledger.DayOf(when))
	} else {
		when = last.Start()
	}
	out.Steps = daySteps(when, first, ledger.Date(last.Start().AddDate(0, 0, -1).Format(time.DateOnly)), q.Known != "", q.dayAddress("known-at"))
	return out
}

// positionPlaces is about how many places a slider of positions has.
const positionPlaces = 200

func (q *question) positionSlider(head, known ledger.Position) slider {
	step := max(1, (int(head)+positionPlaces-1)/positionPlaces)
	out := slider{
		Name: "known-at", Position: true, Step: step, Stops: (int(head) - 1) / step,
		From: positionText(ledger.Position(step)), To: theLatest, Now: theLatest,
	}
	out.At = out.Stops
	if q.Known != "" {
		out.At = min(max(0, int(known)/step-1), out.Stops)
		out.Now = positionText(known)
	} else {
		known = head
	}
	for _, jump := range []int{-10 * step, -step, step, 10 * step} {
		to := int(known) + jump
		if to < 1 || to >= int(head) {
			continue
		}
		sign := map[bool]string{true: "+ ", false: "− "}[jump > 0]
		label := text{sign + indonesian.number(max(jump, -jump)) + " catatan", sign + english.number(max(jump, -jump)) + " records"}
		out.Steps = append(out.Steps, sliderStep{label, q.address(nationalPath, "known-at", strconv.Itoa(to))})
	}
	if q.Known != "" {
		out.Steps = append(out.Steps, sliderStep{theLatest, q.address(nationalPath, "known-at", "")})
	}
	return out
}

func dayText(d ledger.Date) text { return text{indonesian.day(d), english.day(d)} }

func positionText(p ledger.Position) text {
	return text{"catatan ke-" + indonesian.number(p), "record " + english.number(p)}
}

// daySteps are links to other days, those between first and last; address gives a
// day's, and that of the latest for "".
func daySteps(from time.Time, first, last ledger.Date, forward bool, address func(day string) string) []sliderStep {
	var out []sliderStep
	step := func(label text, to time.Time) {
		if day := ledger.DayOf(to); day >= first && day <= last {
			out = append(out, sliderStep{label, address(string(day))})
		}
	}
	step(text{"− 1 tahun", "− 1 year"}, from.AddDate(-1, 0, 0))
	step(text{"− 1 bulan", "− 1 month"}, from.AddDate(0, -1, 0))
	step(text{"− 1 hari", "− 1 day"}, from.AddDate(0, 0, -1))
	if forward {
		step(text{"+ 1 hari", "+ 1 day"}, from.AddDate(0, 0, 1))
		step(text{"+ 1 bulan", "+ 1 month"}, from.AddDate(0, 1, 0))
		step(text{"+ 1 tahun", "+ 1 year"}, from.AddDate(1, 0, 0))
		out = append(out, sliderStep{theLatest, address("")})
	}
	return out
}

// dayAddress gives the address of this question with a parameter set to a day.
func (q *question) dayAddress(name string) func(day string) string {
	return func(day string) string { return q.address(nationalPath, name, day) }
}

// times are both sliders, and the way to what this page showed on the day that it
// speaks of.
type times struct {
	AsOf, Known slider
	AsShown     sliderStep // no address: there is none
	Shown       bool       // this is it
}

func (q *question) times(e projections.Extent, p projections.Progress, known ledger.Position, when time.Time) times {
	out := times{AsOf: q.asOfSlider(e), Known: q.knownSlider(e, p, known, when)}
	if q.Query.AsOf.IsZero() || e.Recorded.IsZero() || q.Query.AsOf.Before(e.Recorded) {
		return out
	}
	day := string(ledger.DayOf(q.Query.AsOf))
	if out.Shown = q.Known == day; !out.Shown {
		out.AsShown = sliderStep{dayText(ledger.Date(day)), q.address(nationalPath, "known-at", day)}
	}
	return out
}
