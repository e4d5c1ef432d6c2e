package ledger_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/berkas-ledger/berkas/ledger"
)

// Stories are histories of cases as text, in testdata/cases. The README there
// says how they are written.

// story is one history: its steps stand in the order in which they were
// recorded, each with the day on which it happened.
type story struct {
	file, title string
	regimes     []ledger.Regime
	heirs       []ledger.Grant
	steps       []storyStep
}

// storyStep is a step with what is claimed about the case after it.
type storyStep struct {
	line  int
	given bool // has to be admitted
	event ledger.Event
	grant *ledger.Grant // the mandate it is recorded under, where that matters
	then  []claim
}

type claim struct {
	line int
	text string
}

// told are the stories with what came of each step, for the test of coverage.
type told struct {
	kinds map[ledger.Kind]bool // admitted
	codes map[ledger.Code]bool
	// moves are the kinds admitted of respondents at a stage, stages those that
	// somebody reached.
	moves  map[string]bool
	stages map[ledger.Stage]bool
}

func newTold() told {
	return told{map[ledger.Kind]bool{}, map[ledger.Code]bool{}, map[string]bool{}, map[ledger.Stage]bool{}}
}

// move is a row of the table of transitions.
func move(k ledger.Kind, from ledger.Stage) string { return string(k) + " of somebody " + string(from) }

func readStories(t testing.TB) []story {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("testdata", "cases", "*.txt"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no stories: %v", err)
	}
	var out []story
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		stories, err := parseStories(filepath.Base(file), string(text))
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, stories...)
	}
	return out
}

func parseStories(file, text string) ([]story, error) {
	var out []story
	n := 0
	for line := range strings.Lines(text) {
		n++
		word, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		rest = strings.TrimSpace(rest)
		if word == "" || strings.HasPrefix(word, "#") {
			continue
		}
		if word == "story" {
			out = append(out, story{file: file, title: rest})
			continue
		}
		if len(out) == 0 {
			return nil, fmt.Errorf("%s:%d: a file begins with a story", file, n)
		}
		if err := out[len(out)-1].add(n, word, rest); err != nil {
			return nil, fmt.Errorf("%s:%d: %w", file, n, err)
		}
	}
	return out, nil
}

var (
	regimeLine = regexp.MustCompile(`^from (\S+): (a reprimand before a block|findings skip verification)$`)
	heirLine   = regexp.MustCompile(`^from (\S+): ([a-z-]+) of ([a-z-]+), for (what it had processed|what it had not processed)$`)
	stepLine   = regexp.MustCompile(`^(\d{4}-\d{2}-\d{2}) ([a-z-]+) ([a-z.-]+)(?:: ([^\[]*?))?(?: \[(.*)\])?$`)
)

func (s *story) add(n int, word, rest string) error {
	switch word {
	case "regime":
		m := regimeLine.FindStringSubmatch(rest)
		if m == nil {
			return fmt.Errorf("no regime: %q", rest)
		}
		r := ledger.Regime{ID: "reprimand-first", From: ledger.Date(m[1]), ReprimandBeforeBlock: true}
		if m[2] == "findings skip verification" {
			r = ledger.Regime{ID: "findings-skip", From: r.From, FindingsSkipVerification: true}
		}
		s.regimes = append(s.regimes, r)
	case "successor":
		m := heirLine.FindStringSubmatch(rest)
		if m == nil {
			return fmt.Errorf("no successor: %q", rest)
		}
		s.heirs = append(s.heirs, ledger.Grant{
			Agency: ledger.AgencyID(m[2]), From: ledger.Date(m[1]), Predecessor: ledger.AgencyID(m[3]),
			Scope: map[string]ledger.Scope{
				"what it had processed": ledger.ScopePredecessor, "what it had not processed": ledger.ScopeNotPredecessor,
			}[m[4]],
		})
	case "given", "when":
		step, err := parseStep(len(s.steps), rest)
		step.line, step.given = n, word == "given"
		if p, ok := step.event.Payload.(*ledger.EventCorrected); ok && err == nil {
			err = s.name(p)
		}
		s.steps = append(s.steps, step)
		return err
	case "then":
		if len(s.steps) == 0 {
			return fmt.Errorf("a claim follows a step")
		}
		last := &s.steps[len(s.steps)-1]
		last.then = append(last.then, claim{n, rest})
	default:
		return fmt.Errorf("a line begins with story, regime, successor, given, when, then or #, not %q", word)
	}
	return nil
}

// name puts into a correction the id of the event that it speaks of: the last one
// of its kind and day before it. A story may speak of one that it does not tell.
func (s *story) name(p *ledger.EventCorrected) error {
	day := ledger.Date(p.Event)
	if !day.Valid() {
		return fmt.Errorf("a correction names a day, not %q", p.Event)
	}
	p.Event = eventID(0xfff)
	for _, step := range s.steps {
		if step.event.Kind == p.Kind && step.event.Time.Equal(day.Start().Add(10*time.Hour)) {
			p.Event = step.event.ID
		}
	}
	return nil
}

// parseStep reads "<day> <agency> <kind>: <what> [<remarks>]". Everything
// happens at ten in the morning in Jakarta.
func parseStep(n int, text string) (storyStep, error) {
	m := stepLine.FindStringSubmatch(text)
	if m == nil || !ledger.Date(m[1]).Valid() {
		return storyStep{}, fmt.Errorf("no step: %q", text)
	}
	e := ledger.Event{
		ID: eventID(n + 1), Source: ledger.AgencyID(m[2]), Kind: ledger.Kind(m[3]), Version: 1,
		Subject: caseID, Time: ledger.Date(m[1]).Start().Add(10 * time.Hour), Ledger: origin,
	}
	step := storyStep{event: e}
	if _, known := ledger.LookupKind(e.Kind, 1); known {
		payload, err := parsePayload(e.Kind, m[4])
		if err != nil {
			return storyStep{}, err
		}
		step.event.Payload = payload
	}
	if m[5] == "" {
		return step, nil
	}
	for remark := range strings.SplitSeq(m[5], "; ") {
		if err := step.remark(remark); err != nil {
			return storyStep{}, err
		}
	}
	return step, nil
}

func (s *storyStep) remark(text string) error {
	var version uint64
	if _, err := fmt.Sscanf(text, "seeing version %d", &version); err == nil {
		s.event.CaseVersion = &version
		return nil
	}
	g := ledger.Grant{Agency: s.event.Source}
	switch {
	case text == "mandate for all cases":
		g.Scope = ledger.ScopeAll
	case text == "mandate for own recommendations":
		g.Scope = ledger.ScopeOwnRecommendations
	case strings.HasPrefix(text, "mandate for what "):
		var predecessor string
		if _, err := fmt.Sscanf(text, "mandate for what %s had processed", &predecessor); err == nil {
			g.Scope, g.Predecessor = ledger.ScopePredecessor, ledger.AgencyID(predecessor)
		} else if _, err := fmt.Sscanf(text, "mandate for what %s had not processed", &predecessor); err != nil {
			return fmt.Errorf("no remark: %q", text)
		}
		if strings.Contains(text, "had not") {
			g.Scope, g.Predecessor = ledger.ScopeNotPredecessor, ledger.AgencyID(predecessor)
		}
	default:
		return fmt.Errorf("no remark: %q", text)
	}
	s.grant = &g
	return nil
}

func (s story) lawAt(t time.Time) ledger.Law {
	law := ledger.Law{At: t, Heirs: s.heirs}
	for _, r := range s.regimes {
		if !t.Before(r.From.Start()) {
			law.Regime = r
		}
	}
	return law
}

// tell goes through a story as the registrar would.
func (s story) tell(t *testing.T, seen told) {
	var history []ledger.CaseEvent
	for i, step := range s.steps {
		draft := ledger.CaseEvent{Position: ledger.Position(i + 1), Event: step.event}
		bad := s.judge(history, draft, step.grant)
		if bad == nil {
			seen.note(history, draft)
			history = ledger.Insert(history, draft)
			seen.kinds[step.event.Kind] = true
		} else {
			sound(t, bad)
			seen.codes[bad.Code] = true
		}
		if step.given && bad != nil {
			t.Fatalf("%s:%d: given, and refused %v", s.file, step.line, bad)
		}
		s.claims(t, step, history, bad)
	}
}

// note takes down whom an admitted event moves from where.
func (seen told) note(history []ledger.CaseEvent, e ledger.CaseEvent) {
	then := slices.DeleteFunc(slices.Clone(ledger.Effective(history)), func(o ledger.CaseEvent) bool { return o.Time.After(e.Time) })
	before := ledger.Fold(then)
	for _, r := range before.Respondents {
		seen.stages[r.Stage] = true
		if ledger.Moves(before, e.Event, r.ID) {
			seen.moves[move(e.Kind, r.Stage)] = true
		}
	}
	for _, r := range before.Apply(e).Respondents {
		seen.stages[r.Stage] = true
	}
}

func (s story) judge(history []ledger.CaseEvent, draft ledger.CaseEvent, grant *ledger.Grant) *ledger.Refusal {
	now := ledger.Fold(history)
	if bad := ledger.CheckVersion(now, draft.Event); bad != nil {
		return bad
	}
	if draft.Payload == nil {
		return nil // recorded by a newer program
	}
	if _, bad := ledger.Place(history, draft, s.lawAt); bad != nil {
		return bad
	}
	if grant != nil {
		return ledger.CheckScope(now, draft.Event, []ledger.Grant{*grant})
	}
	return nil
}

func (s story) claims(t *testing.T, step storyStep, history []ledger.CaseEvent, bad *ledger.Refusal) {
	answered := false
	for _, c := range step.then {
		if want, ok := strings.CutPrefix(c.text, "refused "); ok {
			answered = true
			if bad == nil {
				t.Errorf("%s:%d: admitted, want refused %s", s.file, c.line, want)
			} else if got := strings.TrimSuffix(bad.Error(), ": "); got != want {
				t.Errorf("%s:%d: refused %s\nwant refused %s", s.file, c.line, got, want)
			}
			continue
		}
		if err := checkClaim(history, c.text); err != nil {
			t.Errorf("%s:%d: %v", s.file, c.line, err)
		}
	}
	if bad != nil && !answered {
		t.Errorf("%s:%d: refused %v", s.file, step.line, bad)
	}
}

func TestStories(t *testing.T) {
	titles := map[string]bool{}
	for _, s := range readStories(t) {
		if titles[s.title] || s.title == "" {
			t.Errorf("%s: the title %q stands twice", s.file, s.title)
		}
		titles[s.title] = true
		t.Run(s.title, func(t *testing.T) { s.tell(t, newTold()) })
	}
}

// TestStoriesComplain: a story that says what is not so fails.
func TestStoriesComplain(t *testing.T) {
	const good = "story x\ngiven 2020-09-28 bawaslu case.opened: report of r1, r2\n"
	for _, text := range []string{
		"given 2020-09-28 bawaslu case.opened: report of r1\n",
		"story x\nthen r1 is received\n",
		"story x\nand 2020-09-28 bawaslu case.opened: report of r1\n",
		good + "when 2020-02-30 bawaslu case.registered\n",
		good + "when 2020-09-29 bawaslu case.assessed: r1 maybe\n",
		good + "when 2020-09-29 bawaslu case.registered [seeing nothing]\n",
		good + "regime from now on\n",
		good + "successor from 2024-09-04: bkn\n",
		good + "when 2020-09-29 bawaslu event.corrected: it was not so\n",
	} {
		if s, err := parseStories("x", text); err == nil {
			t.Errorf("%q reads as %+v", text, s)
		}
	}
	stories, err := parseStories("x", good)
	if err != nil {
		t.Fatal(err)
	}
	history := []ledger.CaseEvent{{Position: 1, Event: stories[0].steps[0].event}}
	for _, c := range trueClaims {
		if err := checkClaim(history, c); err != nil {
			t.Errorf("%q: %v", c, err)
		}
	}
	for _, c := range falseClaims {
		if checkClaim(history, c) == nil {
			t.Errorf("%q is taken for true", c)
		}
	}
}

var trueClaims = []string{
	"r1, r2 are received", "bawaslu holds the case", "nobody is to receive it", "the case is at version 1",
	"bawaslu takes part", "control of r1 is none", "r1 counts as opened, in_process", "on 2020-09-28 r1 was received",
	"on 2020-09-27 there was no case", "r1 has no decision", "r2 is of no family",
}

var falseClaims = []string{
	"r1 is registered", "r3 is received", "kasn holds the case", "kasn is to receive it", "the case is at version 2",
	"bawaslu, kasn take part", "control of r1 is blocked", "r1 counts as opened", "r1 counts as opened, in_process, blocked",
	"on 2020-09-27 r1 was received", "on 2020-09-28 r1 was registered", "on 2020-09-28 there was no case",
	"r1 has the decision SK-1 of bkn", "r2 is of family ethics", "all is well", "",
}

func splitList(s string) []string {
	if s == "" {
		return nil
	}
	return strings.Split(s, ", ")
}

func sortedStrings[T ~string](list []T) []string {
	out := make([]string, len(list))
	for i, v := range list {
		out[i] = string(v)
	}
	slices.Sort(out)
	return out
}
