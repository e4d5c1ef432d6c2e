package web

import (
	"net/http"
	"net/url"
	"strings"
)

// navigation is the way to every page, in the order in which a newcomer asks:
// how much, how fair, how late, who said otherwise, which case, who checks, and
// what everybody may see. An entry shows where its page is served; paths after
// the first are reached from it and mark it, or stand in for it.
var navigation = []struct {
	Label text
	Paths []string
}{
	{text{"Angka nasional", "National figures"}, []string{nationalPath}},
	{text{"Perlakuan setara", "Equal treatment"}, []string{"/treatment"}},
	{text{"Tunggakan", "Backlog"}, []string{"/backlog", worklistPath}},
	{text{"Angka terbitan", "Published figures"}, []string{"/published"}},
	{text{"Kasus", "Cases"}, []string{casesPath, "/search"}},
	{text{"Meja auditor", "Auditor's desk"}, []string{"/desk"}},
	{text{"Publik", "Public"}, []string{"/public"}},
}

// navEntry is one entry as a page shows it.
type navEntry struct {
	Href    string
	Label   text
	Current string // value of aria-current: this page, or one below it
}

func (s *Server) navigation(path string) []navEntry {
	var out []navEntry
	for _, n := range navigation {
		entry := navEntry{Label: n.Label}
		for _, p := range n.Paths {
			if entry.Href == "" && s.serves(p) {
				entry.Href = p
			}
			switch {
			case path == p:
				entry.Current = "page"
			case strings.HasPrefix(path, p+"/"):
				entry.Current = "true"
			}
		}
		if entry.Href != "" {
			out = append(out, entry)
		}
	}
	return out
}

// serves says whether a page is served at a path.
func (s *Server) serves(path string) bool {
	_, pattern := s.mux.Handler(&http.Request{Method: http.MethodGet, URL: &url.URL{Path: path}})
	return pattern != ""
}
