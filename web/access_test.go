package web

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/berkas-ledger/berkas/ledger"
)

// listen serves a server that has no ledger behind it.
func (n *node) listen() {
	n.http = httptest.NewServer(n.server)
	n.t.Cleanup(n.http.Close)
}

// bearers makes a token of every role.
func bearers(t *testing.T) (*Tokens, map[Reader]string) {
	t.Helper()
	secrets, file := map[Reader]string{}, "# tokens\n\n"
	for _, r := range []Reader{ReaderAgency, ReaderAuditor, ReaderDashboard} {
		agency := ledger.AgencyID("")
		if r == ReaderAgency {
			agency = ledger.BKN
		}
		secret, token, err := NewToken(string(r)+"-1", r, agency)
		if err != nil {
			t.Fatal(err)
		}
		secrets[r] = secret
		file += token.Line() + "\n"
	}
	tokens, err := ParseTokens(strings.NewReader(file))
	if err != nil || tokens.Len() != 3 {
		t.Fatal(err)
	}
	return tokens, secrets
}

// TestWhoMayRead: figures need a credential, cases one of an agency or auditor,
// whatever is behind them.
func TestWhoMayRead(t *testing.T) {
	tokens, secrets := bearers(t)
	n := &node{t: t, server: newSilent(t, func(c *Config) { c.Open, c.Tokens = false, tokens })}
	n.listen()
	const figures, aCase = "/v1/national", "/v1/cases/01726df4-2380-7000-8000-000000000009"
	as := func(path string, authorization ...string) reply {
		return n.do(http.MethodGet, path, http.Header{"Authorization": authorization}, nil)
	}
	for _, path := range []string{figures, aCase} {
		r := as(path)
		n.wants(r, 401, "credential-missing")
		if !strings.HasPrefix(r.header.Get("WWW-Authenticate"), "Bearer") {
			t.Error("no challenge")
		}
		for _, bad := range []string{"Bearer", "Bearer x", "Basic " + secrets[ReaderAgency], secrets[ReaderAgency], "Bearer " + secrets[ReaderAgency] + "x"} {
			n.wants(as(path, bad), 401, "credential-unknown")
		}
		n.wants(as(path, "Bearer "+secrets[ReaderAgency], "Bearer "+secrets[ReaderAuditor]), 401, "credential-unknown")
	}
	for role, secret := range secrets {
		n.wants(as(figures, "Bearer "+secret), 503, "unavailable") // behind the door nothing stands here
		if role == ReaderDashboard {
			n.wants(as(aCase, "Bearer "+secret), 403, "credential-too-weak")
		} else {
			n.wants(as(aCase, "bearer "+secret), 503, "unavailable")
		}
	}
}

// TestLogin: a person's browser turns a token into a session, and ends it.
func TestLogin(t *testing.T) {
	tokens, secrets := bearers(t)
	n := &node{t: t, now: today}
	n.server = newSilent(t, func(c *Config) { c.Open, c.Tokens, c.Now = false, tokens, n.clock })
	n.listen()
	client := n.http.Client()
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	form := func(token string) reply {
		return n.do(http.MethodPost, "/login", http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}, []byte(url.Values{"token": {token}}.Encode()))
	}
	if r := form("salah"); r.status != 401 || r.header.Get("Set-Cookie") != "" || !strings.Contains(r.body, "Token tidak dikenal") {
		t.Errorf("%d %s", r.status, r.body)
	}
	r := form(secrets[ReaderAuditor])
	cookie, err := http.ParseSetCookie(r.header.Get("Set-Cookie"))
	n.check(err)
	if r.status != http.StatusSeeOther || !cookie.HttpOnly || cookie.SameSite != http.SameSiteStrictMode || cookie.Path != "/" || strings.Contains(secrets[ReaderAuditor], cookie.Value) {
		t.Fatalf("%d %+v", r.status, cookie)
	}
	header := http.Header{"Cookie": {cookie.Name + "=" + cookie.Value}}
	n.wants(n.do(http.MethodGet, "/v1/national", header, nil), 503, "unavailable")
	n.pass(sessionLife + time.Minute)
	n.wants(n.do(http.MethodGet, "/v1/national", header, nil), 401, "credential-missing")

	r = form(secrets[ReaderAuditor])
	cookie, err = http.ParseSetCookie(r.header.Get("Set-Cookie"))
	n.check(err)
	header = http.Header{"Cookie": {cookie.Name + "=" + cookie.Value}}
	foreign := header.Clone()
	foreign.Set("Origin", "https://jahat.example")
	n.wants(n.do(http.MethodPost, "/logout", foreign, nil), 403, "cross-origin")
	n.wants(n.do(http.MethodGet, "/v1/national", header, nil), 503, "unavailable")
	if r := n.do(http.MethodPost, "/logout", header, nil); r.status != http.StatusSeeOther {
		t.Errorf("%d %s", r.status, r.body)
	}
	n.wants(n.do(http.MethodGet, "/v1/national", header, nil), 401, "credential-missing")
	if c := (&Server{Config: Config{SecureCookies: true}}).sessionCookie(); !strings.HasPrefix(c, "__Host-") {
		t.Error(c)
	}
}

// TestEveryAnswerIsGuarded: pages and problems carry the strict policy, the demo
// mark and a number; nothing points elsewhere or stands inline.
func TestEveryAnswerIsGuarded(t *testing.T) {
	n := &node{t: t, server: newSilent(t)}
	n.listen()
	page := http.Header{"Accept": {"text/html"}}
	for _, path := range []string{"/", "/login", "/nothing", "/healthz", "/readyz", "/v1/codes", "/v1/nothing"} {
		r := n.do(http.MethodGet, path, page, nil)
		for name, want := range map[string]string{
			"Content-Security-Policy": policy, "X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer", "Berkas-Demo": "test",
		} {
			if r.header.Get(name) != want {
				t.Errorf("%s: %s is %q", path, name, r.header.Get(name))
			}
		}
		if r.header.Get(headerRequestID) == "" {
			t.Errorf("%s has no number", path)
		}
		if !strings.HasPrefix(r.header.Get("Content-Type"), "text/html") {
			continue
		}
		if !strings.Contains(r.body, `class="demo"`) || !strings.Contains(r.body, `lang="id"`) {
			t.Errorf("%s: no demo mark or language:\n%s", path, r.body)
		}
		for _, bad := range []string{"http://", "https://", "<style", "style=", "onclick", "<script>"} {
			if strings.Contains(r.body, bad) {
				t.Errorf("%s holds %s", path, bad)
			}
		}
	}
	for _, policy := range strings.Split(policy, ";") {
		if strings.Contains(policy, "unsafe") || strings.Contains(policy, "*") {
			t.Errorf("policy %s", policy)
		}
	}
}

// TestLanguage: Indonesian unless asked otherwise, which is remembered.
func TestLanguage(t *testing.T) {
	n := &node{t: t, server: newSilent(t)}
	n.listen()
	r := n.get("/?lang=en&x=1")
	if !strings.Contains(r.body, `<html lang="en">`) || !strings.Contains(r.body, "/?lang=id&amp;x=1") || r.header.Get("Content-Language") != "en" {
		t.Errorf("%s", r.body)
	}
	cookie, err := http.ParseSetCookie(r.header.Get("Set-Cookie"))
	n.check(err)
	r = n.do(http.MethodGet, "/", http.Header{"Cookie": {cookie.Name + "=" + cookie.Value}}, nil)
	if !strings.Contains(r.body, `<html lang="en">`) {
		t.Error("not remembered")
	}
	for _, header := range []http.Header{nil, {"Cookie": {langCookie + "=<script>"}}, {"Accept-Language": {"en"}}} {
		if r := n.do(http.MethodGet, "/?lang=xx", header, nil); !strings.Contains(r.body, `<html lang="id">`) || r.header.Get("Set-Cookie") != "" {
			t.Errorf("%v: %s", header, r.body)
		}
	}
	if got := indonesian.moment(today); got != "15 Juni 2020, 10.00.00 WIB" {
		t.Error(got)
	}
	if got := english.day("2020-11-26"); got != "26 November 2020" {
		t.Error(got)
	}
}

// logBook collects what is logged.
type logBook struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *logBook) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *logBook) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

// TestPanicAndLog: a panic is one failed request, and the log says which without
// repeating an address, a query, a token or a value.
func TestPanicAndLog(t *testing.T) {
	tokens, secrets := bearers(t)
	var book logBook
	n := &node{t: t}
	n.server = newSilent(t, func(c *Config) {
		c.Open, c.Tokens, c.Log = false, tokens, slog.New(slog.NewTextHandler(&book, nil))
	})
	n.server.page("GET /rusak/{id}", needNothing, func(*http.Request) (view, error) { panic("198501012010011001") })
	n.server.serve("GET /setengah", needNothing, func(w http.ResponseWriter, _ *http.Request) error {
		_, _ = io.WriteString(w, "setengah")
		panic("198501012010011001")
	})
	n.listen()
	const id = "01726df4-2380-7000-8000-000000000009"
	p := n.wants(n.get("/rusak/"+id+"?nip=198501012010011001"), 500, "internal")
	n.do(http.MethodGet, "/v1/cases/"+id+"?x=198501012010011001", http.Header{"Authorization": {"Bearer " + secrets[ReaderAgency]}}, nil)
	if answer, err := n.http.Client().Get(n.http.URL + "/setengah"); err == nil {
		_, err = io.ReadAll(answer.Body)
		answer.Body.Close()
		if err == nil {
			t.Error("half an answer passed for a whole one")
		}
	}
	if r := n.get("/healthz"); r.status != 200 {
		t.Error("the next one is not served")
	}
	said := book.String()
	for _, want := range []string{p.Request, `pattern="GET /v1/cases/{id}"`, `caller="agency bkn"`, "status=500", "code=internal", "took="} {
		if !strings.Contains(said, want) {
			t.Errorf("the log does not say %s", want)
		}
	}
	for _, secret := range []string{id, "1985", secrets[ReaderAgency], "127.0.0.1"} {
		if strings.Contains(said, secret) {
			t.Errorf("the log repeats %s:\n%s", secret, said)
		}
	}
}

// TestCrowd: beyond the limit requests are turned away at once, and health is
// always answered.
func TestCrowd(t *testing.T) {
	n := &node{t: t, server: newSilent(t, func(c *Config) { c.Limits.InFlight = 1 })}
	inside, leave := make(chan struct{}), make(chan struct{})
	n.server.serve("GET /lama", needNothing, func(http.ResponseWriter, *http.Request) error {
		close(inside)
		<-leave
		return nil
	})
	n.listen()
	done := make(chan struct{})
	go func() {
		defer close(done)
		if answer, err := n.http.Client().Get(n.http.URL + "/lama"); err == nil {
			answer.Body.Close()
		}
	}()
	<-inside
	if r := n.get("/v1/schemas"); n.wants(r, 503, "crowded").Retry != true || r.header.Get("Retry-After") != "1" {
		t.Errorf("%+v", r)
	}
	if r := n.get("/healthz"); r.status != 200 {
		t.Errorf("health: %d", r.status)
	}
	if r := n.do(http.MethodPost, "/v1/events", nil, nil); r.status == 503 {
		t.Errorf("whoever reads keeps events out: %d %s", r.status, r.body)
	}
	close(leave)
	<-done
	if r := n.get("/v1/schemas"); r.status != 200 {
		t.Errorf("afterwards: %d", r.status)
	}
}

// TestCrowdOfOne: no credential takes the places of the others, and strangers take
// nobody's.
func TestCrowdOfOne(t *testing.T) {
	tokens, secrets := bearers(t)
	n := &node{t: t, server: newSilent(t, func(c *Config) {
		c.Open, c.Tokens = false, tokens
		c.Limits.InFlight, c.Limits.InFlightEach, c.Limits.InFlightStrangers = 4, 2, 1
	})}
	inside, leave := make(chan struct{}), make(chan struct{})
	n.server.serve("GET /lama", needNothing, func(http.ResponseWriter, *http.Request) error {
		inside <- struct{}{}
		<-leave
		return nil
	})
	n.listen()
	as := func(r Reader) http.Header { return http.Header{"Authorization": {"Bearer " + secrets[r]}} }
	var slow sync.WaitGroup
	begin := func(h http.Header) {
		slow.Go(func() { n.do(http.MethodGet, "/lama", h, nil) })
		<-inside
	}
	begin(as(ReaderDashboard))
	begin(as(ReaderDashboard))
	if r := n.do(http.MethodGet, "/v1/schemas", as(ReaderDashboard), nil); n.wants(r, 429, "credential-crowded").Retry != true || r.header.Get("Retry-After") == "" {
		t.Errorf("%+v", r)
	}
	begin(nil) // strangers have one place
	n.wants(n.get("/v1/schemas"), 503, "crowded")
	n.wants(n.do(http.MethodPost, "/login", nil, nil), 503, "crowded")
	if r := n.get("/readyz"); r.status != 200 {
		t.Errorf("strangers keep out who asks whether it is ready: %d %s", r.status, r.body)
	}
	n.wants(n.do(http.MethodGet, "/v1/schemas", http.Header{"Authorization": {"Bearer x"}}, nil), 503, "crowded")
	if r := n.do(http.MethodPost, "/v1/events", nil, nil); r.status == 503 || r.status == 429 {
		t.Errorf("whoever reads keeps events out: %d %s", r.status, r.body)
	}
	begin(as(ReaderAuditor))
	begin(as(ReaderAgency))
	n.wants(n.do(http.MethodGet, "/v1/schemas", as(ReaderAuditor), nil), 503, "crowded")
	n.wants(n.do(http.MethodGet, "/live", as(ReaderAuditor), nil), 503, "unavailable") // counted where streams are
	close(leave)
	slow.Wait()
	for _, r := range []Reader{ReaderDashboard, ReaderAuditor} {
		if got := n.do(http.MethodGet, "/v1/schemas", as(r), nil); got.status != 200 {
			t.Errorf("afterwards: %d", got.status)
		}
	}
}

// TestReady: a part that fails is named, its error is not, unless it was written
// for everybody.
func TestReady(t *testing.T) {
	failing := error(nil)
	n := &node{t: t, server: newSilent(t)}
	n.server.Parts = func(_ context.Context) map[string]error { return map[string]error{"ledger": failing, "registrar": nil} }
	n.server.Head = func() ledger.Position { return 7 }
	n.listen()
	if r := n.get("/readyz"); r.status != 200 || !strings.Contains(r.body, `"ready":true`) {
		t.Errorf("%d %s", r.status, r.body)
	}
	var got readiness
	failing = errors.Join(errors.New("witness w3"), ErrMissing)
	r := n.get("/readyz")
	n.check(json.Unmarshal([]byte(r.body), &got))
	if r.status != 200 || !got.Ready || got.Parts["ledger"] != "missing" {
		t.Errorf("%d %s", r.status, r.body)
	}
	failing = io.ErrUnexpectedEOF
	r = n.get("/readyz")
	n.check(json.Unmarshal([]byte(r.body), &got))
	if r.status != 503 || got.Ready || got.Parts["ledger"] != "failing" || got.Parts["registrar"] != "ok" || got.Position != 7 || strings.Contains(r.body, "EOF") || got.Because != nil {
		t.Errorf("%d %s", r.status, r.body)
	}
	failing = &Cause{"position 9 is not what was sealed", io.ErrUnexpectedEOF}
	r = n.get("/readyz")
	n.check(json.Unmarshal([]byte(r.body), &got))
	if r.status != 503 || got.Because["ledger"] != "position 9 is not what was sealed" || strings.Contains(r.body, "EOF") {
		t.Errorf("%d %s", r.status, r.body)
	}
}

// TestConfig: what would show cases to strangers is refused.
func TestConfig(t *testing.T) {
	base := newSilent(t).Config
	for name, change := range map[string]func(*Config){
		"no roster": func(c *Config) { c.Roster = nil },
		"unmarked":  func(c *Config) { c.Demo = "" },
		"both":      func(c *Config) { c.Tokens = &Tokens{} },
	} {
		c := base
		change(&c)
		if _, err := New(c); err == nil {
			t.Errorf("%s is taken", name)
		}
	}
}

func TestTokens(t *testing.T) {
	good := "a agency bkn sha256:" + strings.Repeat("0", 64)
	for _, bad := range []string{
		"a agency bkn", good + " x", "a agency - sha256:" + strings.Repeat("0", 64), "a auditor bkn sha256:" + strings.Repeat("0", 64),
		"A agency bkn sha256:" + strings.Repeat("0", 64), "a boss bkn sha256:" + strings.Repeat("0", 64), "a agency bkn " + strings.Repeat("0", 64),
		"a agency bkn sha256:0", good + "\n" + good, strings.Repeat("x", 300),
	} {
		if _, err := ParseTokens(strings.NewReader(bad)); err == nil {
			t.Errorf("%q is taken", bad)
		}
	}
	if tokens, err := ParseTokens(strings.NewReader(good)); err != nil || tokens.Len() != 1 {
		t.Errorf("%v", err)
	}
	if _, _, err := NewToken("x", ReaderAgency, ""); err == nil {
		t.Error("an agency's token without its agency")
	}
}

// FuzzTokens: a file of tokens is read without panic, and what is read is
// written as it was.
func FuzzTokens(f *testing.F) {
	f.Add("a agency bkn sha256:" + strings.Repeat("0", 64) + "\n# x\n\nb auditor - sha256:" + strings.Repeat("1", 64))
	f.Add("a a a a a")
	f.Add("\xff\x00")
	f.Fuzz(func(t *testing.T, file string) {
		tokens, err := ParseTokens(strings.NewReader(file))
		if err != nil {
			return
		}
		var again string
		for _, one := range tokens.list {
			again += one.Line() + "\n"
		}
		if same, err := ParseTokens(strings.NewReader(again)); err != nil || same.Len() != tokens.Len() {
			t.Fatalf("written as %q: %v", again, err)
		}
	})
}
