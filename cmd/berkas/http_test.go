package main

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"

	"github.com/berkas-ledger/berkas/agencies"
	"github.com/berkas-ledger/berkas/internal/testkit"
	"github.com/berkas-ledger/berkas/ledger"
)

// folder makes a folder that looks like the repository's, with the program.
func folder(t *testing.T) string {
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "bin"), 0o755); err != nil {
		t.Fatal(err)
	}
	for from, to := range map[string]string{program(t): "bin/berkas", repository(t, "schemas"): "schemas"} {
		if err := os.Symlink(from, filepath.Join(dir, to)); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// background runs the program in a folder until it says something, and ends it
// with the test.
func background(t *testing.T, dir, until string, args ...string) home {
	cmd := exec.Command(filepath.Join(dir, "bin", "berkas"), args...)
	cmd.Dir, cmd.Env = dir, append(os.Environ(), "DATABASE_URL="+testkit.DB(t), "BERKAS_NATS_PORT=0", "BERKAS_HTTP=127.0.0.1:0")
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	said := &watched{want: until, seen: make(chan struct{})}
	cmd.Stdout, cmd.Stderr = said, said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		select {
		case err := <-ended:
			if err != nil {
				t.Errorf("berkas %s did not end well: %v\n%s", args[0], err, said.text())
			}
		case <-time.After(time.Minute):
			_ = cmd.Process.Kill()
			t.Errorf("berkas %s does not end\n%s", args[0], said.text())
		}
	})
	select {
	case <-said.seen:
	case err := <-ended:
		ended <- nil
		t.Fatalf("berkas %s ended: %v\n%s", args[0], err, said.text())
	case <-time.After(2 * time.Minute):
		t.Fatalf("berkas %s does not get ready\n%s", args[0], said.text())
	}
	return home{filepath.Join(dir, "data")}
}

// TestHTTPDocument types what docs/http.md tells a programmer to type, with
// openssl and curl, and checks the receipts.
func TestHTTPDocument(t *testing.T) {
	for _, tool := range []string{"openssl", "curl"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Fatalf("%s is missing: sudo apt-get install %s", tool, tool)
		}
	}
	raw, err := os.ReadFile(repository(t, "docs", "http.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, ok := strings.Cut(string(raw), "<!-- snippets:begin -->\n```sh\n")
	script, _, ok2 := strings.Cut(rest, "```\n<!-- snippets:end -->")
	if !ok || !ok2 {
		t.Fatal("docs/http.md has no block of snippets")
	}
	dir := folder(t)
	h := background(t, dir, "is running", "dev")
	running, ok := h.found()
	if !ok {
		t.Fatal("nothing is running")
	}
	cmd := exec.Command("bash", "-euo", "pipefail", "-c", script)
	cmd.Dir, cmd.Env = dir, append(os.Environ(), "BERKAS_URL="+running.HTTP)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	statuses := regexp.MustCompile(`(?m)^[0-9]{3}$`).FindAllString(string(out), -1)
	if want := []string{"201", "200", "201", "409"}; !slices.Equal(statuses, want) {
		t.Fatalf("answered %v, want %v\n%s", statuses, want, out)
	}
	g, err := readGenesis(h.genesisFile())
	if err != nil {
		t.Fatal(err)
	}
	verifier, err := note.NewVerifier(g.Receipt)
	if err != nil {
		t.Fatal(err)
	}
	notes := regexp.MustCompile(`(?s)berkas/receipt/v1\n.*?\n\n— .*?\n`).FindAllString(string(out), -1)
	if len(notes) != 3 || notes[0] != notes[1] {
		t.Fatalf("%d receipts\n%s", len(notes), out)
	}
	for _, signed := range notes {
		if r, err := ledger.OpenReceipt([]byte(signed), verifier); err != nil || r.Outcome != ledger.Admitted {
			t.Errorf("%v\n%s", err, signed)
		}
	}
	if !regexp.MustCompile(`(?m)^c2sp.org/tlog-proof@v1\nindex [0-9]+\n`).Match(out) {
		t.Errorf("no proof\n%s", out)
	}
	if !strings.Contains(string(out), `"code":"case-exists"`) || strings.Contains(string(out), "Contoh Satu") {
		t.Errorf("%s", out)
	}
}

// TestServeWithTokens: a served ledger shows nothing without a token, and marks a
// rehearsal on every answer.
func TestServeWithTokens(t *testing.T) {
	dir := folder(t)
	data := filepath.Join(dir, "data")
	tokens := filepath.Join(dir, "tokens")
	berkas(t, "init", "--data", data, "--origin", "berkas.example/served", "--rehearsal")
	secret := strings.TrimSpace(berkas(t, "tokens", "new", "--file", tokens, "--name", "dasbor-1", "--role", "dashboard"))
	berkas(t, "tokens", "new", "--file", tokens, "--name", "bkn-1", "--role", "agency", "--agency", "bkn")
	h := background(t, dir, "Pages and API", "serve", "--rehearsal", "--tokens", tokens)
	running, ok := h.found()
	if !ok {
		t.Fatal("nothing is running")
	}
	ask := func(path, token string) (int, string) {
		t.Helper()
		q, err := http.NewRequestWithContext(t.Context(), http.MethodGet, running.HTTP+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		if token != "" {
			q.Header.Set("Authorization", "Bearer "+token)
		}
		client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
		r, err := client.Do(q)
		if err != nil {
			t.Fatal(err)
		}
		defer r.Body.Close()
		body, err := io.ReadAll(r.Body)
		if err != nil || r.Header.Get("Berkas-Demo") != "rehearsal" {
			t.Errorf("%s: %v, mark %q", path, err, r.Header.Get("Berkas-Demo"))
		}
		return r.StatusCode, string(body)
	}
	const aCase = "/v1/cases/01746ac6-7800-7cc3-9bd1-2f5a6c0d4e11"
	for _, tt := range []struct {
		path, token string
		want        int
	}{
		{"/healthz", "", 200},
		{"/v1/codes", "", 200},
		{"/v1/national", "", 401},
		{"/v1/national", "berkas-salah", 401},
		{aCase, secret, 403},
		{aCase, "", 401},
	} {
		if got, body := ask(tt.path, tt.token); got != tt.want {
			t.Errorf("%s: %d, want %d: %s", tt.path, got, tt.want, body)
		}
	}
	// The projections take a moment to apply the genesis record.
	deadline := time.After(30 * time.Second)
	for {
		status, body := ask("/v1/national", secret)
		if status == http.StatusOK {
			var a struct{ Figures []struct{ Value uint64 } }
			if err := json.Unmarshal([]byte(body), &a); err != nil || len(a.Figures) != len(ledger.MeasureTable) {
				t.Errorf("%v %s", err, body)
			}
			break
		}
		select {
		case <-deadline:
			t.Fatalf("no figures: %d %s", status, body)
		case <-time.After(50 * time.Millisecond):
		}
	}
	raw, err := os.ReadFile(tokens)
	if err != nil || strings.Contains(string(raw), secret) {
		t.Errorf("the file of tokens keeps the token: %v", err)
	}
}

// TestServeInAContainer: everybody whom the published port reaches may read, and
// every answer is marked.
func TestServeInAContainer(t *testing.T) {
	dir := folder(t)
	berkas(t, "init", "--data", filepath.Join(dir, "data"), "--origin", "berkas.example/boxed", "--rehearsal")
	h := background(t, dir, "Pages and API", "serve", "--rehearsal", "--container")
	running, ok := h.found()
	if !ok {
		t.Fatal("nothing is running")
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	for path, want := range map[string]int{"/": 200, "/v1/cases/01746ac6-7800-7cc3-9bd1-2f5a6c0d4e11": 404} {
		r, err := client.Get(running.HTTP + path)
		if err != nil {
			t.Fatal(err)
		}
		r.Body.Close()
		if r.StatusCode != want || r.Header.Get("Berkas-Demo") != "container" {
			t.Errorf("%s: %d, want %d, mark %q", path, r.StatusCode, want, r.Header.Get("Berkas-Demo"))
		}
	}
}

// submitOverHTTP hands one event of Bawaslu's in over HTTP, twice.
func submitOverHTTP(t *testing.T, h home, origin string) {
	t.Helper()
	signer, err := h.signer("bawaslu/event")
	if err != nil {
		t.Fatal(err)
	}
	draft, err := agencies.NewBawaslu(agencies.Office{Origin: origin}).PublishContest(time.Now(), ledger.Contest{
		ID: "pemilu-2024", Kind: "pemilu", Voting: "2024-02-14", Determination: "2023-11-13", Doubt: ledger.DoubtUnsure,
	})
	if err != nil {
		t.Fatal(err)
	}
	s, err := agencies.Sign(ledger.Bawaslu, draft, signer)
	if err != nil {
		t.Fatal(err)
	}
	running, ok := h.found()
	if !ok {
		t.Fatal("nothing is running")
	}
	for _, want := range []int{http.StatusCreated, http.StatusOK} {
		q, err := http.NewRequestWithContext(t.Context(), http.MethodPost, running.HTTP+"/v1/events", bytes.NewReader(s.Body))
		if err != nil {
			t.Fatal(err)
		}
		q.Header = s.Header()
		client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
		r, err := client.Do(q)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(r.Body)
		r.Body.Close()
		if err != nil || r.StatusCode != want || !strings.Contains(string(body), "outcome: admitted") {
			t.Errorf("%d, want %d: %v\n%s", r.StatusCode, want, err, body)
		}
	}
}

// TestWhereHTTPListens: elsewhere than on loopback only with identities and TLS,
// or in a container.
func TestWhereHTTPListens(t *testing.T) {
	for _, tt := range []struct {
		config httpConfig
		ok     bool
	}{
		{httpConfig{addr: "off"}, true},
		{httpConfig{addr: "127.0.0.1:8080"}, true},
		{httpConfig{addr: "[::1]:8080"}, true},
		{httpConfig{addr: "localhost:8080"}, true},
		{httpConfig{addr: "0.0.0.0:8080", container: true}, true},
		{httpConfig{addr: "192.0.2.1:80", tokens: "t", proxied: true}, true},
		{httpConfig{addr: ":8080"}, false},
		{httpConfig{addr: "0.0.0.0:8080"}, false},
		{httpConfig{addr: "0.0.0.0:8080", proxied: true}, false},
		{httpConfig{addr: "0.0.0.0:8080", tokens: "t"}, false},
		{httpConfig{addr: "berkas.example:80"}, false},
		{httpConfig{addr: "8080"}, false},
	} {
		if err := tt.config.complete(); (err == nil) != tt.ok {
			t.Errorf("%+v: %v", tt.config, err)
		}
	}
}
