package main

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/berkas-ledger/berkas/webhooks"
)

// hook is a message as a receiver got it.
type hook struct {
	header http.Header
	body   []byte
}

// TestWebhooks adds an endpoint to a running ledger: what is recorded then arrives,
// and each of the receivers in docs/webhooks.md takes it, and nothing forged.
func TestWebhooks(t *testing.T) {
	needTools(t)
	got := make(chan hook, 100)
	receiver := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err == nil {
			got <- hook{r.Header, body}
		}
	}))
	defer receiver.Close()
	dir, h := rehearse(t)
	secret := strings.TrimSpace(berkas(t, "webhooks", "add", "--data", h.dir, "one", receiver.URL, "--from", "1", "--kind", "contest.published,case.opened"))
	m := <-got
	check := func(m hook, kind string) {
		t.Helper()
		if err := webhooks.Verify(secret, m.header, m.body, time.Now()); err != nil || !bytes.Contains(m.body, []byte(`{"type":"`+kind+`"`)) {
			t.Errorf("%v %s", err, m.body)
		}
	}
	check(m, "contest.published")
	berkas(t, "webhooks", "test", "--data", h.dir, "one")
	check(<-got, webhooks.TestType)
	berkas(t, "emit", "--data", h.dir, "--agency", "bawaslu", "--kind", "case.opened", repository(t, "schemas", "examples", "case.opened.v1", "accepted-1.json"))
	opened := <-got
	check(opened, "case.opened")
	var said struct{ Data struct{ Record string } }
	if err := json.Unmarshal(opened.body, &said); err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile(filepath.Join(dir, "access.json"))
	if err != nil {
		t.Fatal(err)
	}
	var where access
	if err := json.Unmarshal(raw, &where); err != nil {
		t.Fatal(err)
	}
	answer, err := http.Get(where.HTTP + said.Data.Record)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if feed, err := io.ReadAll(answer.Body); err != nil || !bytes.Contains(feed, []byte("event: case.opened\n")) {
		t.Errorf("%s is not where the record is: %v", said.Data.Record, err)
	}
	tryReceivers(t, secret, opened)

	// Its order again, under the same ids; then a new secret, and no endpoint.
	berkas(t, "webhooks", "replay", "--data", h.dir, "one", "--from", "1")
	if again := <-got; again.header.Get(webhooks.HeaderID) != m.header.Get(webhooks.HeaderID) || !bytes.Equal(again.body, m.body) {
		t.Error("it came under another id")
	}
	<-got
	rotated := strings.TrimSpace(berkas(t, "webhooks", "rotate", "--data", h.dir, "one"))
	berkas(t, "webhooks", "test", "--data", h.dir, "one")
	both := <-got
	check(both, webhooks.TestType)
	if err := webhooks.Verify(rotated, both.header, both.body, time.Now()); err != nil {
		t.Error(err)
	}
	list := berkas(t, "webhooks", "list", "--data", h.dir, "-o", "json")
	if !strings.Contains(list, `"state": "active"`) || strings.Contains(list, "whsec_") {
		t.Error(list)
	}
	berkas(t, "webhooks", "pause", "--data", h.dir, "one")
	if list := berkas(t, "webhooks", "list", "--data", h.dir); !strings.Contains(list, "paused") {
		t.Error(list)
	}
	berkas(t, "webhooks", "resume", "--data", h.dir, "one")
	berkas(t, "webhooks", "remove", "--data", h.dir, "one")
	if list := berkas(t, "webhooks", "list", "--data", h.dir); strings.Contains(list, "one") {
		t.Error(list)
	}
}

var verifyBlock = regexp.MustCompile("(?ms)^<!-- verify: ([a-z]+) -->\n```[a-z]+\n(.*?)^```$")

// tryReceivers runs the programs of the document over a sound message and over one
// whose body was changed.
func tryReceivers(t *testing.T, secret string, m hook) {
	t.Helper()
	doc, err := os.ReadFile(repository(t, "docs", "webhooks.md"))
	if err != nil {
		t.Fatal(err)
	}
	blocks := verifyBlock.FindAllStringSubmatch(string(doc), -1)
	if len(blocks) != 3 {
		t.Fatalf("%d programs", len(blocks))
	}
	dir := t.TempDir()
	for _, b := range blocks {
		file, run := filepath.Join(dir, "verify."+b[1]), []string(nil)
		switch b[1] {
		case "go":
			run = []string{"go", "run", file}
		case "node":
			file += ".mjs"
			run = []string{"node", file}
		default:
			run = []string{"bash", "-eu", file}
		}
		if err := os.WriteFile(file, []byte(b[2]), 0o600); err != nil {
			t.Fatal(err)
		}
		stale := strconv.FormatInt(time.Now().Add(-time.Hour).Unix(), 10)
		staleSigned, err := webhooks.Sign(secret, m.header.Get(webhooks.HeaderID), time.Now().Add(-time.Hour), m.body)
		if err != nil {
			t.Fatal(err)
		}
		for want, c := range map[string]struct {
			at, signature string
			body          []byte
		}{
			"sound":    {m.header.Get(webhooks.HeaderTimestamp), "v1,AAAA " + m.header.Get(webhooks.HeaderSignature), m.body},
			"refused":  {m.header.Get(webhooks.HeaderTimestamp), m.header.Get(webhooks.HeaderSignature), append([]byte(" "), m.body...)},
			"refused ": {stale, staleSigned, m.body},
		} {
			cmd := exec.CommandContext(t.Context(), run[0], run[1:]...)
			cmd.Dir, cmd.Stdin, cmd.WaitDelay = dir, bytes.NewReader(c.body), time.Second
			cmd.Env = append(os.Environ(), "SECRET="+secret, "WEBHOOK_ID="+m.header.Get(webhooks.HeaderID), "WEBHOOK_TIMESTAMP="+c.at, "WEBHOOK_SIGNATURE="+c.signature)
			out, err := cmd.Output()
			if strings.TrimSpace(string(out)) != strings.TrimSpace(want) || (err == nil) != (want == "sound") {
				t.Errorf("%s: %q %v, want %s", b[1], out, err, want)
			}
		}
	}
}
