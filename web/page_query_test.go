package web

import (
	"io/fs"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"text/template/parse"

	"github.com/berkas-ledger/berkas/internal/simulate"
	"github.com/berkas-ledger/berkas/ledger"
	"github.com/berkas-ledger/berkas/projections"
	"github.com/berkas-ledger/berkas/schemas"
)

// hostileAddresses: whatever stands behind the question mark is answered
// with what is wrong, never with an internal error, and is not repeated.
func hostileAddresses(t *testing.T, s *shelf) {
	evil := url.QueryEscape(`"><script>alert(1)</script>`)
	for _, path := range []string{"/national", "/cases", "/worklist", "/published", "/cases/" + s.strange} {
		for _, query := range []string{
			"unit=" + evil, "measure=" + evil, "by=" + evil, "filter=" + evil, "f-office=" + evil, "f-" + evil + "=1", "seen-by=" + evil, "as-of=" + evil,
			"since=" + evil, "known-at=" + evil, "page=" + evil, "page=0", "page=-1", "page=99999999999999999999", "agency=" + evil, "lang=" + evil, evil + "=1",
			"unit=case&unit=case", "filter=office", "filter=office%3DIV&filter=office%3DV", "%zz", "a;b", "as-of=2020-02-30", "known-at=0",
			"known-at=18446744073709551615", "known-at=9999999", "as-of=9999-12-31", "as-of=0001-01-01", "since=9999-12-31T23:59:59Z",
			"measure=opened%2Bopened", "filter=institution%3D" + strings.Repeat("x", 65), "f-institution=" + strings.Repeat("x", maxQuery),
			"filter=institution%3D%00", "filter=item%3D" + url.QueryEscape("{}';--"), "filter=contest%3D%FF",
		} {
			status, body := s.page(path + "?" + query)
			if status >= 500 && status != http.StatusServiceUnavailable || status == 0 {
				t.Errorf("%s?%s: %d", path, query, status)
			}
			if strings.Contains(body, "<script>alert") {
				t.Errorf("%s?%s is repeated", path, query)
			}
		}
	}
}

// formsLeadToTidyAddresses: a form sends all its fields; the reader ends at
// the address that says the same and no more.
func formsLeadToTidyAddresses(t *testing.T, s *shelf) {
	for query, want := range map[string]string{
		"unit=case&seen-by=&as-of=2020-11-26&since=&known-at=&by=office&f-origin=finding&f-office=&f-institution=73.71": "/national?as-of=2020-11-26&by=office&filter=institution%3D73.71&filter=origin%3Dfinding&unit=case",
		"unit=&lang=": "/national",
	} {
		status, to := s.page("/national?" + query)
		if status != http.StatusSeeOther || strings.TrimSuffix(to, "?") != want {
			t.Errorf("%s: %d %s", query, status, to)
		}
		s.shows(to)
	}
}

// TestPagesNeedCredentials: figures need one, cases a stronger one.
func TestPagesNeedCredentials(t *testing.T) {
	tokens, secrets := bearers(t)
	n := &node{t: t, server: newSilent(t, func(c *Config) { c.Open, c.Tokens = false, tokens })}
	n.listen()
	as := func(path string, r Reader) int {
		h := http.Header{}
		if r != "" {
			h.Set("Authorization", "Bearer "+secrets[r])
		}
		return n.do(http.MethodGet, path, h, nil).status
	}
	const aCase = "/cases/01726df4-2380-7000-8000-000000000009"
	for _, path := range []string{"/national", "/published", "/cases", "/worklist", "/search", aCase} {
		if got := as(path, ""); got != http.StatusUnauthorized {
			t.Errorf("%s without a credential: %d", path, got)
		}
		want := http.StatusServiceUnavailable // there is nothing behind it
		if path != "/national" && path != "/published" {
			if got := as(path, ReaderDashboard); got != http.StatusForbidden {
				t.Errorf("%s for a dashboard: %d", path, got)
			}
		}
		if got := as(path, ReaderAuditor); got != want {
			t.Errorf("%s for an auditor: %d", path, got)
		}
	}
}

// FuzzPageAddress: an address is read without panic, and one that is read says
// the same question when it is written again.
func FuzzPageAddress(f *testing.F) {
	for _, q := range []string{
		"", "unit=case&f-origin=finding&as-of=2020-11-26", "filter=office%3DIV&by=office&page=3", "page=0", "f-=1", "f-a=b&f-a=c", "a;b=%zz",
		"known-at=2020-01-01&since=2020-01-01T00:00:00.5%2B07:00&seen-by=bkn&lang=en", "agency=bkn&page=2&as-of=2020-01-01",
	} {
		f.Add(q)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		values, _, err := tidy(raw)
		if err != nil {
			return
		}
		if again, changed, err := tidy(values.Encode()); len(values.Encode()) <= maxQuery && (err != nil || changed || again.Encode() != values.Encode()) {
			t.Fatalf("%q is not tidy: %v %v", raw, again, err)
		}
		if w, err := parseWorkPageQuestion(values); err == nil && w.page < 1 {
			t.Fatalf("%q is page %d", raw, w.page)
		}
		q, page, err := listQuestion(values)
		if err != nil {
			return
		}
		address, err := url.Parse(q.address(casesPath))
		if err != nil || page < 1 {
			t.Fatal(err)
		}
		if len(address.RawQuery) > maxQuery {
			return
		}
		again, err := parseQuestion(address.RawQuery)
		if err != nil || again.address(casesPath) != q.address(casesPath) || !again.Query.AsOf.Equal(q.Query.AsOf) || again.Query.Unit != q.Query.Unit {
			t.Fatalf("%q became %q: %v", raw, address.RawQuery, err)
		}
	})
}

// FuzzFacts: the data of any event is written without panic.
func FuzzFacts(f *testing.F) {
	f.Add([]byte(`{"respondents":[{"id":"r1","outcome":"proven","items":["photo"]}],"letter":{"number":"1","date":"2020-01-01"}}`))
	f.Add([]byte(`{"respondents":["r1"],"institution":{"kind":1,"office":null},"appointing_authority":{},"data":{"a":[[{}]]}}`))
	f.Add([]byte(`{"respondents":[{}],"institution":{}}`))
	f.Add([]byte(`[]`))
	f.Fuzz(func(_ *testing.T, data []byte) { factsOf(data) })
}

// TestWordsAreComplete: every code of every vocabulary that pages show has words
// in both languages.
func TestWordsAreComplete(t *testing.T) {
	need := map[string][]string{
		"unit": asStrings(ledger.Units), "unit-says": asStrings(ledger.Units), "filter": ledger.Filters, "stage": asStrings(ledger.Stages),
		"sanction": ledger.Sanctions, "class": ledger.PositionClasses, "institution-kind": ledger.InstitutionKinds, "ppk-kind": ledger.AuthorityKinds,
		"mandate": asStrings(ledger.Mandates), "remedy": append([]string{ledger.RemedyNone, ledger.RemedyPending}, ledger.RemedyOutcomes...),
		"origin": {ledger.OriginFinding, ledger.OriginReport}, "family": {ledger.FamilyDiscipline, ledger.FamilyEthics},
		"control":  {"none", "warned", "reprimanded", "blocked"},
		"criminal": {"none", "referred", "concluded"}, "doubt": {"none", "unsure", "conflict"},
		"agency": {"bawaslu", "kasn", "bkn", "kemenpanrb", "kemendagri", "vault", "registrar"},
		"value":  slices.Concat(ledger.Remedies, ledger.RemedyOutcomes, ledger.Employments),
		"difference": asStrings([]projections.Reason{
			projections.ReasonEqual, projections.ReasonLate, projections.ReasonWindow, projections.ReasonObserver, projections.ReasonUnit,
			projections.ReasonDuplicate, projections.ReasonScope, projections.ReasonUnknown, projections.ReasonNotSettled,
		}),
		"owed-by":    {ledger.OwedByAuthority, ledger.OwedByRespond, ledger.OwedByTaskForce, ledger.OwedByBoard},
		"deadline":   {ledger.NextStep},
		"obligation": asStrings(obligationStates), "milestone": asStrings(ledger.Milestones), "work-filter": workFilters,
	}
	for _, m := range ledger.MeasureTable {
		need["measure"] = append(need["measure"], m.Name)
	}
	for _, k := range ledger.Kinds {
		if k.Stream == ledger.StreamCase {
			need["kind"] = append(need["kind"], string(k.Kind))
		}
	}
	for _, k := range ledger.SanctionKinds {
		need["sanction-kind"] = append(need["sanction-kind"], k.Code)
	}
	for _, r := range simulate.Regimes() {
		for _, d := range r.Deadlines {
			need["deadline"] = append(need["deadline"], d.Code)
		}
	}
	for group, codes := range need {
		for _, code := range codes {
			_, one := words[group][code]
			_, other := dataWords[group][code]
			if _, backlog := backlogWords[group][code]; !one && !other && !backlog {
				t.Errorf("%s %s has no words", group, code)
			}
		}
	}
	for _, catalogue := range []map[string]map[string]text{words, dataWords, backlogWords} {
		for group, list := range catalogue {
			for code, says := range list {
				if says.ID == "" || says.EN == "" {
					t.Errorf("%s %s lacks a language", group, code)
				}
			}
		}
	}
	for _, name := range fieldOrder {
		if dataWords["field"][name].ID == "" {
			t.Errorf("field %s has no words", name)
		}
	}
}

// TestBasesHaveWords: a part of a basis that is not the number of a law or a
// letter is worded in both languages.
func TestBasesHaveWords(t *testing.T) {
	law := regexp.MustCompile(`^(UU|PP|Perpres|PerBKN|SE|SKB|MK) ?[A-Za-z]* ?[0-9]`)
	var bases []string
	for _, r := range simulate.Regimes() {
		bases = append(bases, r.Basis)
		for _, d := range r.Deadlines {
			bases = append(bases, d.Basis)
		}
	}
	for _, h := range simulate.Holidays() {
		bases = append(bases, h.Basis)
	}
	for _, basis := range bases {
		for part := range strings.SplitSeq(basis, "; ") {
			if _, ok := dataWords["basis"][part]; !ok && !law.MatchString(part) {
				t.Errorf("%q has no words", part)
			}
		}
	}
	if got, want := basisWord("PP 53/2010; by practice"), (text{"PP 53/2010; menurut praktik", "PP 53/2010; by practice"}); got != want {
		t.Errorf("%+v", got)
	}
	// What the demonstration's first record gives as bases.
	for _, basis := range []string{"by practice; no basis sourced", "by practice; IDIS since Jan 2021", "by practice since 2020", "letters of 27 Oct 2020", "history before this ledger"} {
		if got := basisWord(basis).ID; regexp.MustCompile(`practice|since|letters|history|basis`).MatchString(got) {
			t.Errorf("%q is %q in Indonesian", basis, got)
		}
	}
}

// TestEventsHaveWords: every code that the schema of a case's event lists itself
// is shown in words.
func TestEventsHaveWords(t *testing.T) {
	looked := 0
	for _, k := range ledger.Kinds {
		if k.Stream != ledger.StreamCase {
			continue
		}
		body, err := schemas.File(string(k.Kind) + ".v1")
		if err != nil {
			t.Fatal(err)
		}
		for _, list := range regexp.MustCompile(`"enum":\s*\[([^\]]*)\]`).FindAllStringSubmatch(string(body), -1) {
			for _, code := range regexp.MustCompile(`"([^"]+)"`).FindAllStringSubmatch(list[1], -1) {
				looked++
				known := strings.ContainsAny(code[1], "/0") // media types and catalogues are shown as they are
				for _, group := range []string{"value", "kind", "sanction", "sanction-kind", "family", "class", "origin"} {
					known = known || dataWords[group][code[1]].EN != "" || words[group][code[1]].EN != ""
				}
				if !known {
					t.Errorf("%s: %s has no words", k.Kind, code[1])
				}
			}
		}
	}
	if looked < 40 {
		t.Errorf("only %d codes were found", looked)
	}
}

func asStrings[S ~string](list []S) []string {
	out := make([]string, len(list))
	for i, s := range list {
		out[i] = string(s)
	}
	return out
}

// TestSectionsHoldEveryMeasure: each measure stands once on the national page.
func TestSectionsHoldEveryMeasure(t *testing.T) {
	var all []ledger.Measure
	for _, s := range sections {
		all = append(all, s.Measures...)
	}
	slices.Sort(all)
	if len(all) != ledger.MeasureCount || len(slices.Compact(all)) != ledger.MeasureCount {
		t.Errorf("%d measures of %d", len(all), ledger.MeasureCount)
	}
}

// TestTemplatesSayBothLanguages: every sentence of a template, as it is written, is
// there in both.
func TestTemplatesSayBothLanguages(t *testing.T) {
	said := 0
	names, err := fs.Glob(files, "templates/*.html")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		written, err := fs.ReadFile(files, name)
		if err != nil {
			t.Fatal(err)
		}
		trees := make(map[string]*parse.Tree)
		tree := parse.New(name)
		tree.Mode = parse.SkipFuncCheck
		if _, err := tree.Parse(string(written), "", "", trees); err != nil {
			t.Fatal(err)
		}
		for _, tree := range trees {
			walkTemplate(tree.Root, func(c *parse.CommandNode) {
				f, ok := c.Args[0].(*parse.IdentifierNode)
				if !ok || f.Ident != "say" {
					return
				}
				said++
				if len(c.Args) != 3 {
					t.Errorf("%s: %s has not two sentences", name, c)
					return
				}
				for _, arg := range c.Args[1:] {
					if text, ok := arg.(*parse.StringNode); ok && strings.TrimSpace(text.Text) == "" {
						t.Errorf("%s: %s lacks a language", name, c)
					}
				}
			})
		}
	}
	if said < 1000 {
		t.Errorf("only %d sentences were found", said)
	}
}

func walkTemplate(n parse.Node, look func(*parse.CommandNode)) {
	list := func(l *parse.ListNode) {
		if l != nil {
			for _, one := range l.Nodes {
				walkTemplate(one, look)
			}
		}
	}
	pipe := func(p *parse.PipeNode) {
		if p == nil {
			return
		}
		for _, c := range p.Cmds {
			look(c)
			for _, arg := range c.Args {
				walkTemplate(arg, look)
			}
		}
	}
	switch n := n.(type) {
	case *parse.ListNode:
		list(n)
	case *parse.ActionNode:
		pipe(n.Pipe)
	case *parse.PipeNode:
		pipe(n)
	case *parse.IfNode:
		pipe(n.Pipe)
		list(n.List)
		list(n.ElseList)
	case *parse.RangeNode:
		pipe(n.Pipe)
		list(n.List)
		list(n.ElseList)
	case *parse.WithNode:
		pipe(n.Pipe)
		list(n.List)
		list(n.ElseList)
	case *parse.TemplateNode:
		pipe(n.Pipe)
	}
}

// TestNumbersAndDates: each language writes them its own way.
func TestNumbersAndDates(t *testing.T) {
	for got, want := range map[string]string{
		indonesian.number(1234567): "1.234.567", english.number(uint64(1005)): "1,005",
		indonesian.signed(-1200): "−1.200", english.signed(3): "+3", indonesian.signed(0): "0",
		indonesian.signed(-1 << 63): "−9.223.372.036.854.775.808",
		indonesian.clock(imported):  "22 Nov 2026, 08.00 WIB", english.clock(imported): "22 Nov 2026, 08:00 WIB",
		indonesian.days(1): "hari", english.days(uint64(1)): "day", english.days(-1): "days", english.days(12): "days",
		indonesian.moment(imported): "22 November 2026, 08.00.00 WIB",
	} {
		if got != want {
			t.Errorf("%s, not %s", got, want)
		}
	}
	if !regexp.MustCompile(`^0172.*…`).MatchString(shortID("01726df4-2380-7000-8000-000000000009")) || shortID("x") != "x" {
		t.Error("short ids")
	}
}
