package web

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

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
