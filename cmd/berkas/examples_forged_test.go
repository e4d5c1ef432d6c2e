package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/berkas-ledger/berkas/internal/testkit"
	"github.com/berkas-ledger/berkas/ledger"
)

// forged is a note, and whether the registrar of the world signed it for these
// bytes.
type forged struct {
	Name    string `json:"name"`
	Note    string `json:"note"`
	Genuine bool   `json:"genuine"`
}

func forgeries(t *testing.T, w *testkit.World, body []byte) []forged {
	t.Helper()
	signer, _, _ := w.NoteKeys("receipt")
	stranger, _, _ := w.NoteKeys("")
	other := testkit.NewWorld()
	other.Origin = "berkas.example/lain"
	receipt := ledger.Receipt{
		Origin: w.Origin, Agency: ledger.Bawaslu, Event: w.NewID(), Sum: ledger.Submission{Body: body}.Sum(),
		Outcome: ledger.Admitted, Position: 9, Recorded: w.Start, Leaf: ledger.HashLeaf(body),
	}
	sign := func(change func(*ledger.Receipt)) string {
		r := receipt
		change(&r)
		signed, err := ledger.SignReceipt(r, signer)
		if err != nil {
			t.Fatal(err)
		}
		return string(signed)
	}
	good := sign(func(*ledger.Receipt) {})
	foreign, err := ledger.SignReceipt(receipt, stranger)
	if err != nil {
		t.Fatal(err)
	}
	text, line, _ := strings.Cut(good, "\n\n")
	return []forged{
		{"genuine", good, true},
		{"a refusal", sign(func(r *ledger.Receipt) {
			r.Outcome, r.Reason, r.Pointers = ledger.Refused, ledger.CodeSchema, []string{"/data"}
		}), true},
		{"with a stranger's signature beside it", good + strings.SplitAfter(string(foreign), "\n\n")[1], true},
		{"another position", strings.Replace(good, "position: 9", "position: 8", 1), false},
		{"signed by another key", string(foreign), false},
		{"another key under the name", text + "\n\n" + strings.Replace(strings.SplitAfter(string(foreign), "\n\n")[1], w.Origin+" ", w.Origin+"/receipt ", 1), false},
		{"not signed", text + "\n\n", false},
		{"only a signature", line, false},
		{"nothing", "", false},
		{"other bytes", sign(func(r *ledger.Receipt) { r.Sum[0]++ }), false},
		{"another agency", sign(func(r *ledger.Receipt) { r.Agency = ledger.BKN }), false},
		{"another ledger", sign(func(r *ledger.Receipt) { r.Origin = other.Origin }), false},
	}
}

// TestNodeKnowsForgeries gives examples/agency-node receipts that are none.
func TestNodeKnowsForgeries(t *testing.T) {
	needTools(t)
	w, body := testkit.NewWorld(), []byte(`{"contoh":1}`)
	_, _, key := w.NoteKeys("receipt")
	list := forgeries(t, w, body)
	input, err := json.Marshal(map[string]any{
		"access": map[string]any{"origin": w.Origin, "agency": "bawaslu", "receipt_key": key}, "bytes": string(body), "notes": list,
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "node", "--input-type=module", "-e", `
		import { readFileSync } from "node:fs";
		import { openReceipt } from "./ledger.mjs";
		const { access, bytes, notes } = JSON.parse(readFileSync(0, "utf8"));
		console.log(JSON.stringify(notes.map(({ note }) => {
			try { return openReceipt(note, access, Buffer.from(bytes)).outcome; } catch { return ""; }
		})));`)
	cmd.Dir, cmd.Stdin, cmd.Stderr = repository(t, "examples", "agency-node"), bytes.NewReader(input), os.Stderr
	readAll(t, cmd.Dir)
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	var outcomes []string
	if err := json.Unmarshal(out, &outcomes); err != nil || len(outcomes) != len(list) {
		t.Fatalf("%v: %s", err, out)
	}
	for i, f := range list {
		if (outcomes[i] != "") != f.Genuine {
			t.Errorf("%s: taken for %q", f.Name, outcomes[i])
		}
	}
}

// TestShellKnowsForgeries stands between examples/agency-sh and the ledger and
// alters what the ledger answers.
func TestShellKnowsForgeries(t *testing.T) {
	needTools(t)
	dir, h := rehearse(t)
	running, _ := h.found()
	to, err := url.Parse(running.HTTP)
	if err != nil {
		t.Fatal(err)
	}
	access, err := os.ReadFile(filepath.Join(dir, "access.json"))
	if err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string][2]string{
		"another position": {"position: ", "position: 1"},
		"another agency":   {"agency: bawaslu", "agency: bkn"},
		"nobody signed":    {"\u2014 ", "- "},
	} {
		t.Run(name, func(t *testing.T) {
			proxy := httputil.NewSingleHostReverseProxy(to)
			proxy.ModifyResponse = func(r *http.Response) error {
				body, err := io.ReadAll(r.Body)
				if strings.HasSuffix(r.Request.URL.Path, "/v1/events") {
					body = []byte(strings.Replace(string(body), change[0], change[1], 1))
				}
				r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
				r.Header.Del("Content-Length")
				return err
			}
			between := httptest.NewServer(proxy)
			defer between.Close()
			file := filepath.Join(t.TempDir(), "access.json")
			if err := os.WriteFile(file, []byte(strings.Replace(string(access), running.HTTP, between.URL, 1)), 0o600); err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			cmd := exec.CommandContext(ctx, repository(t, "examples", "agency-sh", "agency.sh"), file)
			cmd.Env, cmd.WaitDelay = append(os.Environ(), "BERKAS="+filepath.Join(dir, "bin", "berkas")), time.Second
			out, err := cmd.CombinedOutput()
			if err == nil || !strings.Contains(string(out), "not the registrar's receipt") || strings.Contains(string(out), "admitted") {
				t.Errorf("%v; it said\n%s", err, out)
			}
		})
	}
}
