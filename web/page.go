package web

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"html/template"
	"io/fs"
	"mime"
	"net/http"
	"net/url"
	"path"
	"strings"
	"time"
)

//go:embed templates static
var files embed.FS

// view is what a page shows.
type view struct {
	Template string // file in templates, without .html
	Title    text
	Data     any
	Status   int      // 0: 200
	Problem  *Problem // why the question is not answered; the form stands nevertheless
	Latest   string   // address of the same question without its times
	Records  bool     // it is made from records, and needs no tables
}

// sheet is what the layout is executed with; a page's own data is .Data.
type sheet struct {
	Lang    lang
	Title   string
	Origin  string
	Demo    string
	Path    string // of this page, without its query
	Nav     []navEntry
	Other   string // address of this page in the other language
	Request string
	Login   bool // there is something to log in to
	Problem *Problem
	Latest  string
	Data    any
}

// pages are the parsed templates by language and name.
type pages map[lang]map[string]*template.Template

// asset is a file of static.
type asset struct {
	body  []byte
	media string
	tag   string // first digits of its SHA-256
}

func readAssets() (map[string]asset, error) {
	out := map[string]asset{}
	err := fs.WalkDir(files, "static", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		body, err := files.ReadFile(name)
		if err != nil {
			return err
		}
		media := mime.TypeByExtension(path.Ext(name))
		if media == "" {
			return fmt.Errorf("%s: no media type goes with its name", name)
		}
		sum := sha256.Sum256(body)
		out[strings.TrimPrefix(name, "static/")] = asset{body, media, hex.EncodeToString(sum[:8])}
		return nil
	})
	return out, err
}

func readPages(assets map[string]asset) (pages, error) {
	names, err := fs.Glob(files, "templates/*.html")
	if err != nil {
		return nil, err
	}
	out := pages{}
	for _, l := range []lang{indonesian, english} {
		out[l] = map[string]*template.Template{}
		base, err := template.New("base.html").Funcs(pageFuncs(l, assets)).Funcs(wordFuncs(l)).Option("missingkey=error").
			ParseFS(files, "templates/base.html", "templates/part_*.html")
		if err != nil {
			return nil, err
		}
		for _, name := range names {
			if name == "templates/base.html" || strings.HasPrefix(name, "templates/part_") {
				continue
			}
			page, err := base.Clone()
			if err == nil {
				page, err = page.ParseFS(files, name)
			}
			if err != nil {
				return nil, err
			}
			if err := sayConstants(page, pageFuncs(l, assets), wordFuncs(l)); err != nil {
				return nil, fmt.Errorf("%s: %w", name, err)
			}
			out[l][strings.TrimSuffix(path.Base(name), ".html")] = page
		}
	}
	return out, nil
}

// pageFuncs are what templates may call, in one language.
func pageFuncs(l lang, assets map[string]asset) template.FuncMap {
	return template.FuncMap{
		"say":    func(id, en string) string { return text{id, en}.in(l) },
		"text":   func(t text) string { return t.in(l) },
		"moment": l.moment,
		"day":    l.day,
		"places": l.places,
		"asset": func(name string) (string, error) {
			a, ok := assets[name]
			if !ok {
				return "", fmt.Errorf("there is no static/%s", name)
			}
			return "/static/" + name + "?v=" + a.tag, nil
		},
	}
}

// page registers a page.
func (s *Server) page(pattern string, n need, show func(*http.Request) (view, error)) {
	s.serve(pattern, n, func(w http.ResponseWriter, r *http.Request) error {
		v, err := show(r)
		if err != nil {
			return err
		}
		return s.render(w, r, v)
	})
}

// serve registers a handler that returns its error, after asking who calls and
// within the time of an ordinary answer.
func (s *Server) serve(pattern string, n need, handle func(http.ResponseWriter, *http.Request) error) {
	s.serveWithin(s.Limits.Request, pattern, n, handle)
}

func (s *Server) serveWithin(limit time.Duration, pattern string, n need, handle func(http.ResponseWriter, *http.Request) error) {
	s.mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
		limited, cancel := within(limit, r)
		defer cancel()
		err := s.allow(limited, n)
		if err == nil {
			err = handle(w, limited)
		}
		if err != nil {
			s.fail(w, limited, err)
		}
	})
}

// render writes a page whole or not at all.
func (s *Server) render(w http.ResponseWriter, r *http.Request, v view) error {
	l := langOf(r.Context())
	t, ok := s.pages[l][v.Template]
	if !ok {
		return fmt.Errorf("there is no template %s", v.Template)
	}
	var b bytes.Buffer
	err := t.Execute(&b, sheet{
		Lang: l, Title: v.Title.in(l), Origin: s.origin, Demo: s.Demo, Path: r.URL.Path, Nav: s.navigation(r.URL.Path), Other: otherLang(r.URL, l),
		Request: trailOf(r.Context()).id, Login: !s.Open, Problem: v.Problem, Latest: v.Latest, Data: v.Data,
	})
	if err != nil {
		return fmt.Errorf("template %s: %w", v.Template, err)
	}
	if v.Status == 0 {
		v.Status = http.StatusOK
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Language", string(l))
	w.WriteHeader(v.Status)
	_, _ = w.Write(b.Bytes()) // a reader who has gone sees nothing
	return nil
}

// otherLang is the address of the same page in the other language. A path that was not
// found may begin with two slashes, and would name another host.
func otherLang(u *url.URL, l lang) string {
	q := u.Query()
	q.Set("lang", string(english))
	if l == english {
		q.Set("lang", string(indonesian))
	}
	return (&url.URL{Path: "/" + strings.TrimLeft(u.Path, "/"), RawQuery: q.Encode()}).String()
}

// serveAsset gives a static file. Its address names its content, so it may be
// kept for ever.
func (s *Server) serveAsset(w http.ResponseWriter, r *http.Request) error {
	a, ok := s.assets[r.PathValue("name")]
	if !ok {
		return errNotFound
	}
	if r.URL.Query().Get("v") == a.tag {
		w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
	}
	s.content(w, r, a.media, a.tag, a.body)
	return nil
}

// content answers with bytes that may be kept as long as their tag is the same.
func (s *Server) content(w http.ResponseWriter, r *http.Request, media, tag string, body []byte) {
	h := w.Header()
	if h.Get("Cache-Control") == "no-store" {
		h.Set("Cache-Control", "no-cache") // kept, and asked about each time
	}
	h.Set("ETag", `"`+tag+`"`)
	h.Set("Content-Type", media)
	if noneMatch(r.Header.Values("If-None-Match"), tag) {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	if r.Method != http.MethodHead {
		_, _ = w.Write(body)
	}
}

// noneMatch reads If-None-Match (RFC 9110 section 13.1.2).
func noneMatch(values []string, tag string) bool {
	for _, v := range values {
		for _, one := range strings.Split(v, ",") {
			one = strings.TrimPrefix(strings.TrimSpace(one), "W/")
			if one == "*" || one == `"`+tag+`"` {
				return true
			}
		}
	}
	return false
}
