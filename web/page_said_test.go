package web

import (
	"html/template"
	"io"
	"io/fs"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"text/template/parse"

	"github.com/berkas-ledger/berkas/ledger"
)

// actionsOf tells all actions of a template that write something.
func actionsOf(n parse.Node, see func(*parse.ActionNode)) {
	switch n := n.(type) {
	case *parse.ListNode:
		if n != nil {
			for _, one := range n.Nodes {
				actionsOf(one, see)
			}
		}
	case *parse.ActionNode:
		see(n)
	case *parse.IfNode:
		actionsOf(n.List, see)
		actionsOf(n.ElseList, see)
	case *parse.RangeNode:
		actionsOf(n.List, see)
		actionsOf(n.ElseList, see)
	case *parse.WithNode:
		actionsOf(n.List, see)
		actionsOf(n.ElseList, see)
	}
}

func parsedAlone(t *testing.T, name string, l lang, assets map[string]asset) *template.Template {
	t.Helper()
	page, err := template.New("base.html").Funcs(pageFuncs(l, assets)).Funcs(wordFuncs(l)).Option("missingkey=error").
		ParseFS(files, "templates/base.html", "templates/part_*.html", name)
	if err != nil {
		t.Fatal(err)
	}
	return page
}

// TestConstantsStandInText: wherever templates say constants, html/template escapes
// them as text, so that they may be put there as text.
func TestConstantsStandInText(t *testing.T) {
	assets, err := readAssets()
	if err != nil {
		t.Fatal(err)
	}
	names, err := fs.Glob(files, "templates/*.html")
	if err != nil || len(names) < 20 {
		t.Fatal(names, err)
	}
	asText := []string{"_html_template_htmlescaper", "_html_template_attrescaper", "_html_template_rcdataescaper"}
	seen, unseen := map[string]bool{}, map[string]bool{}
	for _, name := range names {
		page := parsedAlone(t, name, english, assets)
		s := sayer{funcs: pageFuncs(english, assets)}
		constants := map[*parse.ActionNode]bool{}
		for _, one := range page.Templates() {
			actionsOf(one.Tree.Root, func(a *parse.ActionNode) {
				if _, ok := s.said(a.Pipe); ok {
					constants[a] = true
				}
			})
		}
		_ = page.Execute(io.Discard, nil) // which escapes it; that there are no data does not matter
		for a := range constants {
			var escapers []string
			for _, c := range a.Pipe.Cmds[1:] {
				escapers = append(escapers, c.Args[0].String())
			}
			// An address of the page's own, such as a style sheet's, needs no more.
			if strings.HasPrefix(a.Pipe.Cmds[0].String(), "asset ") {
				escapers = slices.DeleteFunc(escapers, func(e string) bool {
					return e == "_html_template_urlfilter" || e == "_html_template_urlnormalizer"
				})
			}
			call := a.Pipe.Cmds[0].String()
			if len(escapers) == 0 { // in a part that this page has no use for
				unseen[call] = true
				continue
			}
			seen[call] = true
			if len(escapers) != 1 || !slices.Contains(asText, escapers[0]) {
				t.Errorf("%s: %s", name, a)
			}
		}
	}
	for call := range unseen {
		if !seen[call] {
			t.Errorf("no page says %s", call)
		}
	}
	if len(seen) < 500 {
		t.Errorf("%d constants", len(seen))
	}
}

// TestConstantsAreSaid: pages have no constant left to say, and say it in their
// language, escaped.
func TestConstantsAreSaid(t *testing.T) {
	assets, err := readAssets()
	if err != nil {
		t.Fatal(err)
	}
	all, err := readPages(assets)
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range []lang{indonesian, english} {
		for name, page := range all[l] {
			for _, one := range page.Templates() {
				actionsOf(one.Tree.Root, func(a *parse.ActionNode) {
					if call := a.Pipe.String(); strings.HasPrefix(call, `say "`) || strings.HasPrefix(call, `asset "`) {
						t.Errorf("%s: %s", name, call)
					}
				})
			}
		}
	}
	for source, want := range map[string]string{
		`<p title="{{say "a" "\"b\" & c"}}">{{say "a" "<b>"}}</p>`: `<p title="&#34;b&#34; &amp; c">&lt;b&gt;</p>`,
		`{{if .}}{{say "a" "b"}}{{else}}{{say "c" "d"}}{{end}}`:    "b",
		`{{range .}}{{say "a" "b"}}{{end}}`:                        "bb",
		`{{with .}}{{say "a" "b"}}{{index . 0}}{{end}}`:            "bx",
		`{{range .}}{{say . "b"}}{{end}}`:                          "bb",
		`{{$w := say "a" "b"}}{{$w}}{{say "a" "b" | len}}`:         "b1",
		`{{word "unit" "case"}}`:                                   word("unit", "case").EN,
	} {
		page, err := template.New("x").Funcs(pageFuncs(english, nil)).Funcs(wordFuncs(english)).Parse(source)
		if err != nil {
			t.Fatal(err)
		}
		if err := sayConstants(page, pageFuncs(english, nil), wordFuncs(english)); err != nil {
			t.Fatal(err)
		}
		var b strings.Builder
		if err := page.Execute(&b, []string{"x", "y"}); err != nil || b.String() != want {
			t.Errorf("%s: %q, %v", source, b.String(), err)
		}
	}
	page := template.Must(template.New("x").Funcs(pageFuncs(english, nil)).Parse(`{{asset "none.css"}}`))
	if err := sayConstants(page, pageFuncs(english, nil)); err == nil {
		t.Error("a file that is not there is given an address")
	}
}

// TestNumbers: numbers are written as their language does.
func TestNumbers(t *testing.T) {
	list := []uint64{0, 1, 9, 10, 99, 100, 999, 1000, 1001, 999_999, 1_000_000, math.MaxInt64, math.MaxUint64}
	for range 1000 {
		list = append(list, rand.Uint64()>>rand.IntN(64))
	}
	for l, printer := range printers {
		for _, n := range list {
			want := printer.Sprintf("%d", n)
			if got := l.number(n); got != want {
				t.Errorf("%d is written %s in %s, not %s", n, got, l, want)
			}
			if got := string(l.counts([]uint64{n, 0})); got != `<td class="number">`+want+`</td><td class="number">0</td>` {
				t.Errorf("cells %s", got)
			}
			for _, other := range []any{int(n), ledger.Position(n), int64(n), uint32(n)} {
				if got, want := l.number(other), printer.Sprintf("%d", other); got != want {
					t.Errorf("%d is written %s in %s, not %s", other, got, l, want)
				}
			}
		}
	}
}
