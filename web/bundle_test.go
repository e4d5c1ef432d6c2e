package web

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/berkas-ledger/berkas/ledger"
	"github.com/berkas-ledger/berkas/schemas"
	"github.com/berkas-ledger/berkas/verify"
)

// TestBundle: a case comes with all that was admitted of it, under a checkpoint
// made for it, and verifies.
func TestBundle(t *testing.T) {
	n := newNode(t)
	id, opened := n.open()
	n.admit(opened)
	n.admit(n.register(id))
	_, other := n.open()
	n.admit(other)
	r := n.get("/v1/cases/" + id + "/bundle")
	if r.status != http.StatusOK || !strings.Contains(r.header.Get("Content-Disposition"), id) || r.header.Get("Cache-Control") != "no-store" {
		t.Fatalf("%d %v %s", r.status, r.header, r.body)
	}
	validator, err := schemas.New()
	n.check(err)
	roster, err := n.records(t.Context(), ledger.SubjectRoster)
	n.check(err)
	policy := ledger.PolicyOf(n.roster.Load().Genesis(), roster[0].LeafHash())
	report, err := verify.JudgeBundle([]byte(r.body), verify.Config{Policy: policy, Schemas: validator})
	n.check(err)
	if !report.Valid || len(report.History) != 2 || report.History[1].Kind != ledger.CaseRegisteredKind {
		t.Errorf("%+v", report)
	}
	if again := n.get("/v1/cases/" + id + "/bundle"); again.body != r.body {
		t.Error("the same case by the same checkpoint is another file")
	}
	n.wants(n.get("/v1/cases/"+n.NewID()+"/bundle"), http.StatusNotFound, "no-such-case")
	n.wants(n.get("/v1/cases/nonsense/bundle"), http.StatusNotFound, "no-such-case")
	n.wants(n.get("/v1/cases/"+id+"/bundle?x=1"), http.StatusBadRequest, "bad-query")
}

// TestBundleIsForWhoMayReadCases: the page is for everybody, the bundle is not.
func TestBundleIsForWhoMayReadCases(t *testing.T) {
	tokens, secrets := bearers(t)
	n := &node{t: t, server: newSilent(t, func(c *Config) { c.Open, c.Tokens = false, tokens })}
	n.listen()
	path := "/v1/cases/" + exampleCase() + "/bundle"
	n.wants(n.get(path), http.StatusUnauthorized, "credential-missing")
	for reader, secret := range secrets {
		status, code := http.StatusServiceUnavailable, "unavailable" // nothing stands behind it
		if reader == ReaderDashboard {
			status, code = http.StatusForbidden, "credential-too-weak"
		}
		n.wants(n.do(http.MethodGet, path, http.Header{"Authorization": {"Bearer " + secret}}, nil), status, code)
	}
	if r := n.get("/verify"); r.status != http.StatusOK || r.body != string(verify.Page()) {
		t.Errorf("the page: %d", r.status)
	}
}

// TestVerifyPageIsServedStrictly: under a policy that lets it load and ask nothing.
func TestVerifyPageIsServedStrictly(t *testing.T) {
	n := &node{t: t, server: newSilent(t)}
	n.listen()
	header := n.get("/verify").header
	csp := header.Get("Content-Security-Policy")
	for _, want := range []string{"default-src 'none'", "script-src 'sha256-", "style-src 'sha256-", "form-action 'none'", "frame-ancestors 'none'"} {
		if !strings.Contains(csp, want) {
			t.Errorf("the policy lacks %s: %s", want, csp)
		}
	}
	if strings.Contains(csp, "self") || strings.Contains(csp, "unsafe") || strings.Contains(csp, "connect-src") {
		t.Errorf("the policy allows too much: %s", csp)
	}
	if header.Get("Content-Type") != "text/html; charset=utf-8" || header.Get("ETag") == "" {
		t.Errorf("%v", header)
	}
	var table map[string]json.RawMessage
	_, rest, _ := strings.Cut(string(verify.Page()), `id="tables">`)
	text, _, _ := strings.Cut(rest, "</script>")
	if err := json.Unmarshal([]byte(text), &table); err != nil || len(table) != 5 {
		t.Errorf("tables: %v", err)
	}
}
