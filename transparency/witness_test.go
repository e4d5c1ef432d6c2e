package transparency

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/berkas-ledger/berkas/ledger"
)

const testOrigin = "berkas.example/witnessed"

// history is a log in memory, made by golang.org/x/mod/sumdb/tlog alone: what it
// had, how it signs, what it proves.
type history struct {
	t      testing.TB
	signer note.Signer
	policy ledger.Policy // asks for no witness
	leaves []string
	stored []tlog.Hash
}

// newHistory draws a log with a number of records.
func newHistory(t testing.TB, size int) *history {
	t.Helper()
	secret, verifier, err := note.GenerateKey(rand.Reader, testOrigin)
	if err != nil {
		t.Fatal(err)
	}
	_, receipt, err := note.GenerateKey(rand.Reader, testOrigin+"/receipt")
	if err != nil {
		t.Fatal(err)
	}
	h := &history{t: t, policy: ledger.Policy{Origin: testOrigin, Log: verifier, Receipt: receipt, Genesis: ledger.Hash{1}, Quorum: ledger.QuorumNone}}
	if h.signer, err = note.NewSigner(secret); err != nil {
		t.Fatal(err)
	}
	h.grow(size)
	return h
}

func (h *history) verifier() note.Verifier {
	h.t.Helper()
	v, _, err := h.policy.Verifiers()
	if err != nil {
		h.t.Fatal(err)
	}
	return v
}

// grow adds records until there are as many.
func (h *history) grow(size int) {
	h.t.Helper()
	for len(h.leaves) < size {
		h.add(fmt.Sprintf("record %d", len(h.leaves)+1))
	}
}

func (h *history) add(leaf string) {
	h.t.Helper()
	hashes, err := tlog.StoredHashes(int64(len(h.leaves)), []byte(leaf), h.reader())
	if err != nil {
		h.t.Fatal(err)
	}
	h.leaves, h.stored = append(h.leaves, leaf), append(h.stored, hashes...)
}

// edited is the log with the same key and size in which one record was changed.
func (h *history) edited(position int) *history {
	h.t.Helper()
	out := &history{t: h.t, signer: h.signer, policy: h.policy}
	for i, leaf := range h.leaves {
		if i+1 == position {
			leaf += ", changed"
		}
		out.add(leaf)
	}
	return out
}

func (h *history) reader() tlog.HashReaderFunc {
	return func(index []int64) ([]tlog.Hash, error) {
		out := make([]tlog.Hash, len(index))
		for i, n := range index {
			out[i] = h.stored[n]
		}
		return out, nil
	}
}

// at is the checkpoint of the first records, and the same signed.
func (h *history) at(size int) (ledger.Checkpoint, []byte) {
	h.t.Helper()
	root, err := tlog.TreeHash(int64(size), h.reader())
	if err != nil {
		h.t.Fatal(err)
	}
	c := ledger.Checkpoint{Origin: testOrigin, Size: ledger.Position(size), Root: ledger.Hash(root)}
	signed, err := ledger.SignCheckpoint(c, h.signer)
	if err != nil {
		h.t.Fatal(err)
	}
	return c, signed
}

// from gives the proof between two sizes.
func (h *history) from(older, newer int) []ledger.Hash {
	h.t.Helper()
	if older == 0 || older == newer {
		return nil
	}
	proof, err := tlog.ProveTree(int64(newer), int64(older), h.reader())
	if err != nil {
		h.t.Fatal(err)
	}
	return hashes(proof)
}

// consistency is from as a Gatherer wants it, for the whole log.
func (h *history) consistency(_ context.Context, older ledger.Position) ([]ledger.Hash, error) {
	if int(older) > len(h.leaves) {
		return nil, fmt.Errorf("this log never had %d records", older)
	}
	return h.from(int(older), len(h.leaves)), nil
}

// fetch serves the tiles of hashes.
func (h *history) fetch(_ context.Context, path string) ([]byte, error) {
	tile, err := ledger.ParseTile(path)
	if err != nil {
		return nil, fs.ErrNotExist
	}
	return tlog.ReadTileData(tlog.Tile{H: 8, L: tile.Level, N: int64(tile.Index), W: tile.Width}, h.reader())
}

// request is the body that asks for a cosignature on the first newer records.
func (h *history) request(older, newer int) []byte {
	h.t.Helper()
	_, signed := h.at(newer)
	return addCheckpoint{ledger.Position(older), h.from(older, newer), signed}.Text()
}

// running is a witness that listens.
type running struct {
	*Witness
	server *httptest.Server
	stop   func()
}

// startWitness opens a witness of a log, made if it is missing.
func startWitness(t testing.TB, dir string, policies ...ledger.Policy) *running {
	t.Helper()
	if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
		if _, err := CreateWitness(dir, "w.example/"+filepath.Base(dir), policies...); err != nil {
			t.Fatal(err)
		}
	}
	w, err := OpenWitness(WitnessConfig{Dir: dir, Policies: policies})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(w)
	r := &running{w, server, sync.OnceFunc(func() {
		server.Close()
		if err := w.Close(); err != nil {
			t.Error(err)
		}
	})}
	t.Cleanup(r.stop)
	return r
}

func (r *running) post(t testing.TB, body []byte) (int, string, string) {
	t.Helper()
	return send(t, http.MethodPost, r.server.URL+"/add-checkpoint", body)
}

func send(t testing.TB, method, url string, body []byte) (status int, contentType, text string) {
	t.Helper()
	q, err := http.NewRequestWithContext(t.Context(), method, url, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	a, err := http.DefaultClient.Do(q)
	if err != nil {
		t.Fatal(err)
	}
	defer a.Body.Close()
	got, err := io.ReadAll(a.Body)
	if err != nil {
		t.Fatal(err)
	}
	return a.StatusCode, a.Header.Get("Content-Type"), string(got)
}

// cosigns asks for a cosignature and requires it.
func (r *running) cosigns(t testing.TB, h *history, older, newer int) {
	t.Helper()
	status, _, text := r.post(t, h.request(older, newer))
	if status != http.StatusOK {
		t.Fatalf("from %d to %d: status %d, %s", older, newer, status, text)
	}
	c, _ := h.at(newer)
	n, err := note.Open([]byte(c.Text()+"\n"+text), note.VerifierList(r.Key()))
	if err != nil {
		t.Fatalf("from %d to %d: the cosignature does not verify: %v", older, newer, err)
	}
	at, err := ledger.CosignedAt(n.Sigs[0])
	if err != nil || time.Since(at).Abs() > time.Minute {
		t.Fatalf("cosigned at %v, %v", at, err)
	}
}

// kept reads the evidence that a witness keeps.
func (r *running) kept(t testing.TB) []Evidence {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(r.Dir, "evidence", "*"))
	if err != nil {
		t.Fatal(err)
	}
	var out []Evidence
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		e, err := ParseEvidence(string(text))
		if err != nil {
			t.Fatalf("%s: %v", f, err)
		}
		out = append(out, e)
	}
	return out
}

// TestAddCheckpoint walks the protocol: every status that the specification has.
func TestAddCheckpoint(t *testing.T) {
	h := newHistory(t, 20)
	stranger := newHistory(t, 20) // the same origin, another key
	r := startWitness(t, filepath.Join(t.TempDir(), "w1"), h.policy)
	_, signed5 := h.at(5)
	_, signed9 := h.at(9)
	size := func(n int) string { return fmt.Sprintf("%d\n", n) }
	r.cosigns(t, h, 0, 5)
	for _, c := range []struct {
		name   string
		body   []byte
		status int
		answer string // with the content type of sizes, if it is one
	}{
		{"nothing", nil, 400, ""},
		{"no checkpoint", []byte("old 5\n\n"), 400, ""},
		{"a leading zero", append([]byte("old 05\n\n"), signed9...), 400, ""},
		{"no size", append([]byte("old\n\n"), signed9...), 400, ""},
		{"a carriage return", append([]byte("old 5\r\n\n"), signed9...), 400, ""},
		{"a short hash", append([]byte("old 5\nAAAA\n\n"), signed9...), 400, ""},
		{"more hashes than a proof has", append([]byte("old 5\n"+strings.Repeat(encode64(make([]byte, 32))+"\n", 64)+"\n"), signed9...), 400, ""},
		{"unsigned", []byte("old 5\n\n" + testOrigin + "\n9\n" + encode64(make([]byte, 32)) + "\n"), 400, ""},
		{"old above the checkpoint", addCheckpoint{10, nil, signed9}.Text(), 400, ""},
		{"another log", bytes.ReplaceAll(h.request(5, 9), []byte(testOrigin), []byte("berkas.example/other")), 404, ""},
		{"another key", stranger.request(5, 9), 403, ""},
		{"a damaged signature", bytes.Replace(h.request(5, 9), []byte("\n9\n"), []byte("\n8\n"), 1), 403, ""},
		{"old below", h.request(3, 9), 409, size(5)},
		{"old above", h.request(7, 9), 409, size(5)},
		{"nothing known", h.request(0, 9), 409, size(5)},
		{"no proof", addCheckpoint{5, nil, signed9}.Text(), 422, ""},
		{"a wrong proof", addCheckpoint{5, h.from(4, 9), signed9}.Text(), 422, ""},
		{"a proof where there is nothing to prove", addCheckpoint{5, h.from(4, 9), signed5}.Text(), 422, ""},
		{"the same again", h.request(5, 5), 200, "— w.example/w1 "},
		{"the next", h.request(5, 9), 200, "— w.example/w1 "},
		{"with signatures of others", append(h.request(9, 12), "— somebody.example AAAAAAAAAAAA\n"...), 200, "— w.example/w1 "},
	} {
		t.Run(c.name, func(t *testing.T) {
			status, contentType, text := r.post(t, c.body)
			if status != c.status || !strings.HasPrefix(text, c.answer) {
				t.Errorf("status %d, %q; want %d, %q", status, text, c.status, c.answer)
			}
			if isSize := contentType == sizeText; isSize != (c.status == 409) {
				t.Errorf("content type %q with status %d", contentType, status)
			}
		})
	}
	if c, _, err := openSigned(r.Latest(testOrigin), h.verifier()); err != nil || c.Size != 12 {
		t.Errorf("the witness knows %v (%v) at the end, not 12 records", c, err)
	}
	// What others signed is not kept.
	if bytes.Contains(r.Latest(testOrigin), []byte("somebody")) {
		t.Error("a stranger's signature is in the state")
	}
}

func TestWitnessHTTP(t *testing.T) {
	h := newHistory(t, 3)
	r := startWitness(t, filepath.Join(t.TempDir(), "w1"), h.policy)
	for _, c := range []struct {
		method, path string
		body         []byte
		status       int
		answer       string
	}{
		{"GET", "/", nil, 200, r.Key().String()},
		{"HEAD", "/", nil, 200, ""},
		{"POST", "/", nil, 405, ""},
		{"GET", "/add-checkpoint", nil, 405, ""},
		{"PUT", "/add-checkpoint", h.request(0, 3), 405, ""},
		{"GET", "/key", nil, 404, ""},
		{"POST", "/add-checkpoint/", nil, 404, ""},
		{"POST", "/add-checkpoint", bytes.Repeat([]byte("x"), maxRequest+1), 413, ""},
		{"POST", "/add-checkpoint", h.request(0, 3), 200, "— w.example/w1 "},
	} {
		status, _, text := send(t, c.method, r.server.URL+c.path, c.body)
		if status != c.status || !strings.Contains(text, c.answer) {
			t.Errorf("%s %s: status %d, %q; want %d, %q", c.method, c.path, status, text, c.status, c.answer)
		}
	}
	if _, _, text := send(t, "GET", r.server.URL+"/", nil); !strings.Contains(text, testOrigin+": cosigned up to 3 records") {
		t.Errorf("it describes itself so: %s", text)
	}
}

// TestFirstCheckpoint: there is a first one once, and it needs no proof.
func TestFirstCheckpoint(t *testing.T) {
	h := newHistory(t, 8)
	r := startWitness(t, filepath.Join(t.TempDir(), "w1"), h.policy)
	if status, _, text := r.post(t, addCheckpoint{0, h.from(3, 8), mustSign(t, h, 8)}.Text()); status != 422 {
		t.Errorf("a proof from nothing: %d, %s", status, text)
	}
	r.cosigns(t, h, 0, 0)
	r.cosigns(t, h, 0, 8)
	if status, contentType, text := r.post(t, h.request(0, 8)); status != 409 || contentType != sizeText || text != "8\n" {
		t.Errorf("a first checkpoint after the first: %d, %s", status, text)
	}
}

func mustSign(t *testing.T, h *history, size int) []byte {
	t.Helper()
	_, signed := h.at(size)
	return signed
}

// TestRaceOfForks: of many different checkpoints of one size that come at once,
// one is cosigned.
func TestRaceOfForks(t *testing.T) {
	h := newHistory(t, 6)
	r := startWitness(t, filepath.Join(t.TempDir(), "w1"), h.policy)
	r.cosigns(t, h, 0, 3)
	bodies := [][]byte{}
	for i := 4; i <= 6; i++ {
		bodies = append(bodies, h.edited(i).request(3, 6))
	}
	var mu sync.Mutex
	got := map[int]int{}
	var wg sync.WaitGroup
	for range 4 {
		for i, body := range bodies {
			wg.Go(func() {
				status, _, _ := r.post(t, body)
				mu.Lock()
				defer mu.Unlock()
				if status == 200 {
					got[i]++
				}
			})
		}
	}
	wg.Wait()
	if len(got) != 1 {
		t.Errorf("%d of three histories were cosigned, want one", len(got))
	}
	if kept := r.kept(t); len(kept) != 2 {
		t.Errorf("%d pieces of evidence are kept, want one for each of the other two", len(kept))
	}
}
