package web

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// deskPages are addresses of every kind of page of the desk.
func (d *deskShelf) deskPages() []string {
	last := len(d.records)
	return []string{
		"/desk", "/desk/checkpoints", proofAddress(d.sizes[1], d.sizes[len(d.sizes)-1]),
		"/desk/compare?as-of=2020-10-04&then-as-of=2020-11-26&measure=recommended",
		fmt.Sprintf("/desk/replay?at=%d", last-40),
		"/desk/replay/" + d.walks[1].Case + "?step=6", "/desk/audits",
		"/desk/sample?measure=not_followed_up&as-of=2020-11-26&n=3&by=office&seed=undian+2711",
	}
}

// deskIsForWhom: what shows checkpoints is for everybody, what names records or
// cases for agencies and auditors.
func deskIsForWhom(t *testing.T, d *deskShelf) {
	tokens, secrets := bearers(t)
	c := d.server.Config
	c.Open, c.Tokens = false, tokens
	server, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	body := func(path, secret string) (int, string) {
		r := httptest.NewRequest(http.MethodGet, path, nil)
		if secret != "" {
			r.Header.Set("Authorization", "Bearer "+secret)
		}
		w := httptest.NewRecorder()
		server.ServeHTTP(w, r)
		return w.Code, w.Body.String()
	}
	ask := func(path, secret string) int {
		status, _ := body(path, secret)
		return status
	}
	for _, path := range d.deskPages() {
		open := path == "/desk" || strings.HasPrefix(path, "/desk/checkpoints") || strings.HasPrefix(path, "/desk/consistency")
		for reader, want := range map[Reader]int{"": 401, ReaderDashboard: 403, ReaderAuditor: 200, ReaderAgency: 200} {
			if open {
				want = 200
			}
			if got := ask(path, secrets[reader]); got != want {
				t.Errorf("%s as %q: %d, not %d", path, reader, got, want)
			}
		}
	}
	for reader, want := range map[Reader]bool{"": false, ReaderDashboard: false, ReaderAuditor: true} {
		if _, got := body("/desk", secrets[reader]); strings.Contains(got, "/desk/audits#") != want {
			t.Errorf("/desk as %q names who reported: %v", reader, !want)
		}
	}
	if got := ask("/desk/audits/universitas-contoh.json", ""); got != 401 {
		t.Errorf("a report without a credential: %d", got)
	}
}
