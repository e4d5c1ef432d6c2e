package web

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
)

// TestLinksStayHere: whatever address a reader was sent to, the page that answers it
// leads nowhere but here.
func TestLinksStayHere(t *testing.T) {
	s := newSilent(t, func(*Config) {})
	href := regexp.MustCompile(`href="([^"]*)"`)
	for _, path := range []string{"//elsewhere.example/x", "///elsewhere.example", "/\\elsewhere.example", "//elsewhere.example/cases/..", "/x//elsewhere.example", "//", "/nothing"} {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.URL.Path = path
		r.Header.Set("Accept", "text/html")
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		if to := w.Header().Get("Location"); to != "" {
			stays(t, path, to)
		}
		for _, link := range href.FindAllStringSubmatch(w.Body.String(), -1) {
			stays(t, path, link[1])
		}
	}
}

func stays(t *testing.T, path, link string) {
	t.Helper()
	base := url.URL{Scheme: "https", Host: "berkas.example", Path: "/"}
	to, err := base.Parse(link)
	slashes := len(link) > 1 && strings.Trim(link[:2], `/\`) == "" // however many, browsers read a host after them
	if err != nil || slashes || to.Host != base.Host || to.Scheme != base.Scheme {
		t.Errorf("%s leads to %s", path, link)
	}
}
