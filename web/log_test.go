package web

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	f_log "github.com/transparency-dev/formats/log"
	f_proof "github.com/transparency-dev/formats/proof"
	"github.com/transparency-dev/merkle/proof"
	"github.com/transparency-dev/merkle/rfc6962"

	"github.com/berkas-ledger/berkas/internal/testkit"
	"github.com/berkas-ledger/berkas/ledger"
	"github.com/berkas-ledger/berkas/transparency"
)

// TestLogFiles: the log over HTTP is the log, byte for byte, as far as it is
// published; every answer says who may keep it for how long.
func TestLogFiles(t *testing.T) {
	n := newNode(t)
	for _, path := range []string{"/checkpoint", "/checkpoints/1", "/tile/0/000.p/1", "/tile/entries/000.p/1"} {
		if r := n.get(path); r.header.Get("Cache-Control") != "no-store" {
			t.Errorf("%s: not there yet, and %q", path, r.header.Get("Cache-Control"))
		}
		n.wants(n.get(path), 404, "not-in-log")
	}
	_, opened := n.open()
	n.admit(opened)
	c, err := n.log.Seal(t.Context())
	n.check(err)
	if c.Size != n.length() {
		t.Fatalf("sealed %d of %d records", c.Size, n.length())
	}
	files := map[string]string{"checkpoint": "no-cache", "checkpoints/" + position(c.Size): keepForEver}
	for _, level := range []int{ledger.LevelEntries, 0, 1} {
		keep := keepForEver
		if level == ledger.LevelEntries {
			keep = keepPrivate
		}
		for _, tile := range ledger.Tiles(level, 0, c.Size) {
			for ; tile.Width > 0; tile.Width-- { // of every size that the log has had
				files[tile.Path()] = keep
			}
		}
	}
	for path, keep := range files {
		media := tileType
		if strings.HasPrefix(path, "checkpoint") {
			media = noteType
		}
		want, err := n.log.Fetch(t.Context(), path)
		n.check(err)
		r := n.get("/" + path)
		if r.status != 200 || r.body != string(want) || r.header.Get("Content-Type") != media || r.header.Get("Cache-Control") != keep {
			t.Errorf("%s: %d %v, %d bytes, want %d", path, r.status, r.header, len(r.body), len(want))
		}
		if vary := r.header.Get("Vary"); strings.Contains(vary, "Authorization") != strings.Contains(path, "entries") {
			t.Errorf("%s varies by %q", path, vary)
		}
		head := n.do(http.MethodHead, "/"+path, nil, nil)
		if head.status != 200 || head.body != "" || head.header.Get("Cache-Control") != keep || head.header.Get("Content-Type") != media {
			t.Errorf("HEAD %s: %d %v", path, head.status, head.header)
		}
		if again := n.do(http.MethodGet, "/"+path, http.Header{"If-None-Match": {r.header.Get("ETag")}}, nil); again.status != 304 {
			t.Errorf("%s is sent again: %d", path, again.status)
		}
	}
	n.readOverHTTP(c)
}

// readOverHTTP reads the log as a program elsewhere does.
func (n *node) readOverHTTP(want ledger.Checkpoint) {
	n.t.Helper()
	fetch, err := transparency.HTTPFetch(n.http.URL, "", nil)
	n.check(err)
	signed, err := fetch(n.t.Context(), "checkpoint")
	n.check(err)
	_, verifier, _ := n.NoteKeys("")
	c, _, err := ledger.OpenCheckpoint(signed, verifier)
	n.check(err)
	if c != want {
		n.t.Fatalf("read %+v, want %+v", c, want)
	}
	prover := transparency.NewProver(fetch, c)
	for p := ledger.Position(1); p <= c.Size; p++ {
		leaf, err := prover.Leaf(n.t.Context(), p)
		n.check(err)
		if r, err := ledger.ParseLeaf(leaf); err != nil || r.Position != p {
			n.t.Errorf("position %d: %+v, %v", p, r, err)
		}
	}
}

// TestNoFilesButTheLogs: only addresses of the layout are answered, and only what
// is published.
func TestNoFilesButTheLogs(t *testing.T) {
	n := newNode(t)
	c, err := n.log.Seal(t.Context())
	n.check(err)
	_, opened := n.open()
	n.admit(opened) // not published
	for _, path := range []string{
		"/checkpoints/0", "/checkpoints/01", "/checkpoints/" + position(c.Size-1), "/checkpoints/" + position(c.Size+1), "/checkpoints/x", "/checkpoints/..%2fsealed",
		"/checkpoints/%2e%2e%2fsealed", "/checkpoints/18446744073709551616",
		fmt.Sprintf("/tile/0/000.p/%d", c.Size+1), fmt.Sprintf("/tile/entries/000.p/%d", c.Size+1), "/tile/0/000", "/tile/entries/000", "/tile/0/001", "/tile/1/000.p/1",
		"/tile/0/000.p/0", "/tile/0/000.p/256", "/tile/00/000.p/1", "/tile/0/0.p/1", "/tile/7/000.p/1", "/tile/x/000", "/tile/", "/tile/0", "/tile/entries/", "/tile/entries/x",
		"/tile/%2e%2e/sealed", "/tile/..%2f..%2fsealed", "/tile/entries/..%2f..%2f..%2fjournal%2fjournal.json", "/tile/entries%2f000.p/1/..", "/tile/0/000.p%2f1%00",
		"/tile/0/x001/x234/x567/890", "/tile/entries/x036/x028/x797/x018/x963/968.p/1",
	} {
		n.wants(n.get(path), 404, "not-in-log")
	}
	n.wants(n.do(http.MethodPost, "/checkpoint", nil, nil), 405, "method-not-allowed")
	n.wants(n.do(http.MethodDelete, "/tile/0/000.p/1", nil, nil), 405, "method-not-allowed")
}

// TestWhoMayReadTheLog: checkpoints and hashes are public, entries and proofs
// are for whom cases are.
func TestWhoMayReadTheLog(t *testing.T) {
	tokens, secrets := bearers(t)
	var asked []string
	n := &node{t: t, server: newSilent(t, func(c *Config) {
		c.Open, c.Tokens = false, tokens
		c.Files = func(_ context.Context, path string) ([]byte, error) {
			asked = append(asked, path)
			return []byte("x"), nil
		}
	})}
	n.listen()
	as := func(path, secret string) reply {
		return n.do(http.MethodGet, path, http.Header{"Authorization": {"Bearer " + secret}}, nil)
	}
	for _, path := range []string{"/checkpoint", "/checkpoints/7", "/tile/0/000", "/tile/3/000.p/1"} {
		if r := n.get(path); r.status != 200 || r.body != "x" {
			t.Errorf("%s: %d %s", path, r.status, r.body)
		}
	}
	asked = nil
	for _, path := range []string{"/tile/entries/000", "/tile/entries/000.p/1", "/tile/entries/x001/000", "/v1/events/1/proof"} {
		n.wants(n.get(path), 401, "credential-missing")
		n.wants(as(path, "x"), 401, "credential-unknown")
		n.wants(as(path, secrets[ReaderDashboard]), 403, "credential-too-weak")
	}
	// No other way to write the address goes round the credential.
	for _, path := range []string{"/tile/%65ntries/000", "/tile/entries%2f000", "/tile//entries/000", "/tile/./entries/000", "/tile/0/../entries/000"} {
		if r := n.get(path); r.status != 401 && r.status != 404 {
			t.Errorf("%s: %d", path, r.status)
		}
	}
	if len(asked) > 0 {
		t.Errorf("without a credential %q was read", asked)
	}
	for _, role := range []Reader{ReaderAgency, ReaderAuditor} {
		if r := as("/tile/entries/000", secrets[role]); r.status != 200 || r.header.Get("Cache-Control") != keepPrivate {
			t.Errorf("%s: %d %v", role, r.status, r.header)
		}
	}
	silent := &node{t: t, server: newSilent(t)}
	silent.listen()
	silent.wants(silent.get("/checkpoint"), 503, "unavailable")
}

// TestBrokenLog: a log that cannot be read is an error of the server, which
// says nothing of paths.
func TestBrokenLog(t *testing.T) {
	n := &node{t: t, server: newSilent(t, func(c *Config) {
		c.Head = func() ledger.Position { return 9 }
		c.Files = func(context.Context, string) ([]byte, error) { return nil, errors.New("/rahasia: input/output error") }
	})}
	n.listen()
	for _, path := range []string{"/checkpoint", "/tile/0/000", "/tile/entries/000", "/v1/events/1/proof"} {
		r := n.get(path)
		n.wants(r, 500, "internal")
		if strings.Contains(r.body, "rahasia") || r.header.Get("Cache-Control") != "no-store" {
			t.Errorf("%s: %s, %s", path, r.body, r.header.Get("Cache-Control"))
		}
	}
}

// TestProof: what is recorded can be proven at once, by position or by event and
// case, and others' programs find the proof right.
func TestProof(t *testing.T) {
	n := newNode(t)
	id, opened := n.open()
	receipt := n.admit(opened)
	byPosition := n.get("/v1/events/" + position(receipt.Position) + "/proof")
	if byPosition.status != 200 || byPosition.header.Get("Content-Type") != noteType || byPosition.header.Get("Cache-Control") != "no-store" {
		t.Fatalf("%d %v %s", byPosition.status, byPosition.header, byPosition.body)
	}
	if byEvent := n.get("/v1/events/" + receipt.Event + "/proof?case=" + id); byEvent.body != byPosition.body {
		t.Errorf("by event and case:\n%s\nby position:\n%s", byEvent.body, byPosition.body)
	}
	leaf, err := n.store.Journal().Leaf(receipt.Position)
	n.check(err)
	n.others(byPosition.body, uint64(receipt.Position-1), leaf)
	if n.get("/v1/events/1/proof").body == byPosition.body {
		t.Error("two records have one proof")
	}

	// A refusal is a record, too.
	r := n.post(n.Say(ledger.Bawaslu, ledger.CaseOpenedKind, id, today.Add(-time.Minute), testkit.Opened(2)))
	p := n.wants(r, 409, string(ledger.CodeCaseExists))
	refused, err := ledger.OpenReceipt([]byte(p.Receipt), n.verifier)
	n.check(err)
	leaf, err = n.store.Journal().Leaf(refused.Position)
	n.check(err)
	n.others(n.get("/v1/events/"+position(refused.Position)+"/proof").body, uint64(refused.Position-1), leaf)

	other, second := n.open()
	n.admit(second)
	for path, code := range map[string]string{
		"/v1/events/" + receipt.Event + "/proof":                         "400 case-missing",
		"/v1/events/" + receipt.Event + "/proof?case=" + other:           "404 no-such-record",
		"/v1/events/" + receipt.Event + "/proof?case=" + n.NewID():       "404 no-such-case",
		"/v1/events/" + receipt.Event + "/proof?case=*":                  "404 no-such-case",
		"/v1/events/" + id + "/proof?case=" + id:                         "404 no-such-record", // in the record, and not its id
		"/v1/events/" + position(receipt.Position) + "/proof?case=" + id: "400 bad-query",
		"/v1/events/" + position(n.length()+1) + "/proof":                "404 no-such-record",

		"/v1/events/0/proof":                    "404 no-such-record",
		"/v1/events/01/proof":                   "404 no-such-record",
		"/v1/events/-1/proof":                   "404 no-such-record",
		"/v1/events/18446744073709551616/proof": "404 no-such-record",
		"/v1/events/*/proof":                    "404 no-such-record",
		"/v1/events/1/proof?x=1":                "400 bad-query",
	} {
		var status int
		var want string
		_, err := fmt.Sscan(code, &status, &want)
		n.check(err)
		n.wants(n.get(path), status, want)
	}
}

// others has a proof checked by programs that are not ours.
func (n *node) others(text string, index uint64, leaf []byte) {
	n.t.Helper()
	var p f_proof.TLogProof
	n.check(p.Unmarshal([]byte(text)))
	_, verifier, _ := n.NoteKeys("")
	c, _, _, err := f_log.ParseCheckpoint(p.Checkpoint, n.Origin, verifier)
	n.check(err)
	hashes := make([][]byte, len(p.Hashes))
	for i := range p.Hashes {
		hashes[i] = p.Hashes[i][:]
	}
	hasher := rfc6962.DefaultHasher
	if err := proof.VerifyInclusion(hasher, p.Index, c.Size, hasher.HashLeaf(leaf), hashes, c.Hash); err != nil || p.Index != index {
		n.t.Errorf("index %d, want %d: %v", p.Index, index, err)
	}
}

// TestProofWithoutCheckpoint: when no checkpoint can be had, the answer is to ask
// again, not a proof of something else.
func TestProofWithoutCheckpoint(t *testing.T) {
	n := newNode(t, func(c *Config) {
		c.Seal = func(context.Context) (ledger.Checkpoint, error) { return ledger.Checkpoint{}, ledger.ErrNoQuorum }
	})
	p := n.wants(n.get("/v1/events/1/proof"), 503, "not-sealed")
	if !p.Retry {
		t.Error("it is not said that it may be asked again")
	}
	_, err := n.log.Seal(t.Context())
	n.check(err)
	_, opened := n.open()
	receipt := n.admit(opened)
	if r := n.get("/v1/events/" + position(receipt.Position) + "/proof"); r.header.Get("Retry-After") == "" {
		t.Errorf("%d, and not said when to ask again", r.status)
	}
	n.wants(n.get("/v1/events/"+position(receipt.Position)+"/proof"), 503, "not-sealed")
	if r := n.get("/v1/events/1/proof"); r.status != 200 {
		t.Errorf("a record that is covered: %d %s", r.status, r.body)
	}
}
