package web

import (
	"fmt"
	"time"

	"github.com/berkas-ledger/berkas/ledger"
)

// Lanes of a case: who held it, and each respondent's way, drawn to one scale of
// time. The picture is for the eye; the lists beside it say the same.

type caseChart struct {
	From, To time.Time
	Ticks    []caseTick
	Holder   caseBar
	Lanes    []caseLane
}

// Few and Many divide the lanes: those of a case with many respondents are opened
// by who wants to see them.
func (c caseChart) Few() []caseLane  { return c.Lanes[:min(len(c.Lanes), fewLanes)] }
func (c caseChart) Many() []caseLane { return c.Lanes[min(len(c.Lanes), fewLanes):] }

const fewLanes = 4

type caseLane struct {
	ID   string
	Bars []caseBar // stages first, then what ran beside them
}

type caseBar struct {
	Name     text
	Segments []caseSegment // the last ones
	Earlier  int           // how many there were before those
}

// mostSegments is how many states a bar shows.
const mostSegments = 200

// caseSegment is a state over a span of time. X and W are where it lies, in per cent.
type caseSegment struct {
	Says   text
	Class  string
	From   time.Time
	To     time.Time // of an open one the end of the picture
	Open   bool
	Number int
	X, W   string
	Wide   bool // there is room for its number
}

// Days is how long it lasted, in whole days.
func (s caseSegment) Days() int { return int(s.To.Sub(s.From) / (24 * time.Hour)) }

type caseTick struct {
	At   time.Time
	X    string
	Last bool
}

// caseStrip collects the segments of one bar as events are told.
type caseStrip struct {
	name     text
	segments []caseSegment
	value    string
}

func (s *caseStrip) say(at time.Time, value string, says text, class string) {
	if value == s.value {
		return
	}
	s.value = value
	if n := len(s.segments); n > 0 && s.segments[n-1].Open {
		last := &s.segments[n-1]
		last.To, last.Open = at, false
		if !last.From.Before(at) { // it had no duration
			s.segments = s.segments[:n-1]
		}
	}
	if value != "" {
		s.segments = append(s.segments, caseSegment{Says: says, Class: class, From: at, Open: true})
	}
}

// caseStrips follows a case event by event.
type caseStrips struct {
	holder caseStrip
	of     map[string]*[4]caseStrip // of each respondent: stage, control, remedy, criminal branch
	order  []string
}

func newCaseStrips() *caseStrips {
	return &caseStrips{holder: caseStrip{name: text{"Pemegang", "Holder"}}, of: map[string]*[4]caseStrip{}}
}

func (s *caseStrips) tell(c *ledger.Case, at time.Time) {
	s.holder.say(at, string(c.Holder), word("agency", string(c.Holder)), "h"+fmt.Sprint(len(s.holder.segments)%3))
	for i := range c.Respondents {
		r := &c.Respondents[i]
		own, ok := s.of[r.ID]
		if !ok {
			own = &[4]caseStrip{
				{name: text{"Tahap", "Stage"}},
				{name: text{"Pengendalian BKN", "BKN's control"}},
				{name: text{"Upaya administratif", "Remedies"}},
				{name: text{"Jalur pidana", "Criminal branch"}},
			}
			s.of[r.ID], s.order = own, append(s.order, r.ID)
		}
		own[0].say(at, string(r.Stage), word("stage", string(r.Stage)), stageClass(r.Stage))
		own[1].say(at, except(string(r.Control), string(ledger.ControlNone)), word("control", string(r.Control)), "c-"+string(r.Control))
		own[2].say(at, except(r.Remedy(), ledger.RemedyNone), remedyWords(r), "remedy")
		own[3].say(at, except(string(r.Criminal), string(ledger.CriminalNone)), word("criminal", string(r.Criminal)), "criminal")
	}
}

func except(value, none string) string {
	if value == none {
		return ""
	}
	return value
}

// remedyWords name the remedy that is pending or was decided last.
func remedyWords(r *ledger.Respondent) text {
	state := word("remedy", r.Remedy())
	if r.Decision == nil || len(r.Decision.Remedies) == 0 {
		return state
	}
	kind := word("value", r.Decision.Remedies[len(r.Decision.Remedies)-1].Kind)
	return text{kind.ID + " " + state.ID, kind.EN + ": " + state.EN}
}

// stageClass groups stages by where the case is with: intake, on its way, supervisor,
// authority, decided, ended.
func stageClass(s ledger.Stage) string {
	switch s {
	case ledger.StageReceived, ledger.StageRegistered, ledger.StageAssessment:
		return "s-intake"
	case ledger.StageForwarded:
		return "s-way"
	case ledger.StageClarification:
		return "s-clarify"
	case ledger.StageRecommended, ledger.StageExamined:
		return "s-ppk"
	case ledger.StageDecided:
		return "s-decided"
	default:
		return "s-end"
	}
}

// chart lays the strips out from the first event to the end of what is shown:
// until while something is open, else a little after the last event.
func (s *caseStrips) chart(first, last, until time.Time, pending bool) caseChart {
	to := last
	if pending && until.After(last) {
		to = until
	}
	to = to.Add(max(to.Sub(first)/25, 24*time.Hour))
	c := caseChart{From: first, To: to}
	c.Ticks = c.ticks()
	c.Holder = c.bar(s.holder)
	for _, id := range s.order {
		l := caseLane{ID: id}
		for i, st := range s.of[id] {
			if i == 0 || len(st.segments) > 0 {
				l.Bars = append(l.Bars, c.bar(st))
			}
		}
		c.Lanes = append(c.Lanes, l)
	}
	return c
}

func (c *caseChart) share(t time.Time) float64 {
	return 100 * float64(t.Sub(c.From)) / float64(c.To.Sub(c.From))
}

func (c *caseChart) bar(s caseStrip) caseBar {
	b := caseBar{Name: s.name, Earlier: max(0, len(s.segments)-mostSegments)}
	for i, seg := range s.segments {
		if i < b.Earlier {
			continue
		}
		if seg.Open {
			seg.To = c.To
		}
		x, w := c.share(seg.From), c.share(seg.To)-c.share(seg.From)
		seg.X, seg.W, seg.Wide, seg.Number = percent(x, 100), percent(max(w, 0.3), 100), w > 4, i+1
		b.Segments = append(b.Segments, seg)
	}
	return b
}

// ticks are first days of months, at most five.
func (c *caseChart) ticks() []caseTick {
	const most = 5
	from := c.From.In(ledger.Jakarta)
	for _, months := range []int{1, 2, 3, 6, 12, 24, 60, 120} {
		var out []caseTick
		t := time.Date(from.Year(), time.Month((int(from.Month())-1)/min(months, 12)*min(months, 12)+1), 1, 0, 0, 0, 0, ledger.Jakarta)
		for ; t.Before(c.To) && len(out) <= most; t = t.AddDate(0, months, 0) {
			if x := c.share(t); !t.Before(c.From) && x < 96 {
				out = append(out, caseTick{At: t, X: percent(x, 100), Last: x > 80})
			}
		}
		if len(out) <= most {
			return c.withFirst(out)
		}
	}
	return nil
}

// withFirst names the month in which the case begins, where there is room.
func (c *caseChart) withFirst(list []caseTick) []caseTick {
	const room = 14
	if len(list) > 0 && c.share(list[0].At) < room {
		return list
	}
	return append([]caseTick{{At: c.From, X: percent(0, 100)}}, list...)
}
