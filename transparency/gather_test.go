package transparency

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/berkas-ledger/berkas/ledger"
)

// gathering is a log with five witnesses, three of which make the quorum.
type gathering struct {
	*history
	witnesses []*running
	policy    ledger.Policy
}

func newGathering(t testing.TB, size int) *gathering {
	t.Helper()
	g := &gathering{history: newHistory(t, size)}
	g.policy = g.history.policy
	dir := t.TempDir()
	group := ledger.PolicyGroup{Name: "three", Threshold: 3}
	for i := range 5 {
		name := fmt.Sprintf("w%d", i+1)
		r := startWitness(t, filepath.Join(dir, name), g.history.policy)
		g.witnesses = append(g.witnesses, r)
		g.policy.Witnesses = append(g.policy.Witnesses, ledger.PolicyWitness{Name: name, Key: r.Key(), URL: r.server.URL})
		group.Members = append(group.Members, name)
	}
	g.policy.Groups, g.policy.Quorum = []ledger.PolicyGroup{group}, "three"
	return g
}

// gatherer asks the witnesses; replaced are other addresses than theirs.
func (g *gathering) gatherer(t testing.TB, edit func(*GathererConfig)) *Gatherer {
	t.Helper()
	c := GathererConfig{Policy: g.policy}
	if edit != nil {
		edit(&c)
	}
	out, err := NewGatherer(c)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// gather offers the log as it is and requires cosignatures of so many.
func (g *gathering) gather(t testing.TB, from *Gatherer, want int) []byte {
	t.Helper()
	c, signed := g.at(len(g.leaves))
	out, err := from.Gather(t.Context(), signed, c, g.consistency)
	if err != nil {
		t.Fatalf("%d records: %v", len(g.leaves), err)
	}
	w, err := g.policy.Open(out)
	if err != nil || w.Checkpoint != c || len(w.By) != want {
		t.Fatalf("%d records: cosigned by %v, %v; want %d", len(g.leaves), w.By, err, want)
	}
	return out
}

func TestGather(t *testing.T) {
	g := newGathering(t, 7)
	from := g.gatherer(t, nil)
	one := g.gather(t, from, 5)
	if again := g.gather(t, from, 5); !bytes.Equal(one[:200], again[:200]) {
		t.Error("the same checkpoint cannot be offered twice")
	}
	for _, size := range []int{8, 300, 301, 1000} {
		g.grow(size)
		g.gather(t, from, 5)
	}
	// Another gatherer, that does not know what they know.
	g.grow(1010)
	g.gather(t, g.gatherer(t, nil), 5)
	g.grow(1020)
	g.gather(t, from, 5)
	for _, s := range from.States() {
		if s.Size != 1020 || s.Err != nil || s.At.IsZero() {
			t.Errorf("state %+v", s)
		}
	}
	for _, r := range g.witnesses {
		if kept := r.kept(t); len(kept) != 0 {
			t.Errorf("%s keeps evidence of an honest log: %v", r.Dir, kept)
		}
	}
}

// TestQuorumLost: below the quorum there is nothing to publish and the error says
// who is missing and why; when a witness is back, the same checkpoint passes.
func TestQuorumLost(t *testing.T) {
	g := newGathering(t, 7)
	clock := atomic.Int64{}
	clock.Store(time.Now().UnixNano())
	from := g.gatherer(t, func(c *GathererConfig) { c.Now = func() time.Time { return time.Unix(0, clock.Load()) } })
	g.gather(t, from, 5)
	for _, r := range g.witnesses[2:] {
		r.stop()
	}
	g.grow(12)
	c, signed := g.at(12)
	for range 3 { // failing is no reason not to be asked when the quorum needs it
		out, err := from.Gather(t.Context(), signed, c, g.consistency)
		var quorum *QuorumError
		if out != nil || !errors.Is(err, ledger.ErrNoQuorum) || !errors.As(err, &quorum) {
			t.Fatalf("%q, %v", out, err)
		}
		if len(quorum.Have) != 2 || len(quorum.Missing) != 3 || quorum.Missing["w4"] == "" || !strings.Contains(err.Error(), "2 of 5 witnesses") {
			t.Errorf("error %v", err)
		}
	}
	back := startWitness(t, g.witnesses[3].Dir, g.history.policy)
	from.asked[3].url = back.server.URL + "/add-checkpoint"
	g.gather(t, from, 3)
	// The dead are left alone for a while, and asked again later.
	back = startWitness(t, g.witnesses[2].Dir, g.history.policy)
	from.asked[2].url = back.server.URL + "/add-checkpoint"
	g.grow(14)
	g.gather(t, from, 3)
	clock.Add(int64(backoffMost))
	g.gather(t, from, 4)
}

// TestBadWitnesses: two of five are bad in every way; the other three make the
// quorum, soon, and nothing of the bad ones gets into the checkpoint.
func TestBadWitnesses(t *testing.T) {
	g := newGathering(t, 9)
	release := make(chan struct{})
	t.Cleanup(func() { close(release) })
	other := g.edited(4)
	otherCheckpoint, _ := other.at(9)
	c9, _ := g.at(9)
	secret := g.witnesses[0].secret // any key that is not w5's
	own := g.witnesses[4].secret
	say := func(status int, text string, contentType ...string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			for _, t := range contentType {
				w.Header().Set("Content-Type", t)
			}
			w.WriteHeader(status)
			fmt.Fprint(w, text)
		}
	}
	now := time.Now()
	bad := map[string]http.HandlerFunc{
		"silent": func(_ http.ResponseWriter, r *http.Request) { hang(r, release) },
		"starts and hangs": func(w http.ResponseWriter, r *http.Request) {
			say(200, "— ")(w, r)
			w.(http.Flusher).Flush()
			hang(r, release)
		},
		"endless":                   endless,
		"garbage":                   say(200, "\x00\xff—\n\n\n"),
		"nothing":                   say(200, ""),
		"another key":               say(200, ledger.Cosign(secret.key, secret.private, c9.Text(), now)),
		"another key, its own name": say(200, strings.Replace(ledger.Cosign(secret.key, secret.private, c9.Text(), now), secret.key.Name(), own.key.Name(), 1)),
		"another checkpoint":        say(200, ledger.Cosign(own.key, own.private, otherCheckpoint.Text(), now)),
		"the log's line":            say(200, string(mustSign(t, g.history, 9))),
		"the far future":            say(200, ledger.Cosign(own.key, own.private, c9.Text(), time.Unix(1<<40, 0))),
		"tomorrow":                  say(200, ledger.Cosign(own.key, own.private, c9.Text(), now.Add(25*time.Hour))),
		"last week":                 say(200, ledger.Cosign(own.key, own.private, c9.Text(), now.Add(-7*24*time.Hour))),
		"elsewhere":                 say(307, ""),
		"broken":                    say(500, "no"),
		"knows nothing":             say(409, "0\n", sizeText),
		"knows all":                 say(409, "9\n", sizeText),
		"knows more":                say(409, "12\n", sizeText),
		"knows too much":            say(409, strings.Repeat("9", 40)+"\n", sizeText),
		"no size":                   say(409, "x", sizeText),
		"a size, no type":           say(409, "3\n"),
		"does not believe":          say(422, ""),
		"many sizes":                manySizes(),
	}
	for name, handler := range bad {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewServer(handler)
			defer server.Close()
			from := g.gatherer(t, func(c *GathererConfig) {
				c.URLs = map[string]string{"w4": server.URL, "w5": server.URL}
				c.Linger, c.Timeout = 20*time.Millisecond, time.Minute
			})
			started := time.Now()
			out := g.gather(t, from, 3)
			if took := time.Since(started); took > 20*time.Second {
				t.Errorf("it took %s", took)
			}
			if lines := bytes.Count(out, []byte("\n")); lines != 3+1+1+3 {
				t.Errorf("the checkpoint has %d lines:\n%s", lines, out)
			}
			for _, s := range from.States()[3:] {
				if s.Err == nil || s.Size != 0 {
					t.Errorf("%s: %+v", s.Name, s)
				}
			}
		})
	}
}

// hang ends when the client has gone, which is noticed once its request was read.
func hang(r *http.Request, release <-chan struct{}) {
	_, _ = io.Copy(io.Discard, r.Body)
	select {
	case <-r.Context().Done():
	case <-release:
	}
}

func endless(w http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body)
	for r.Context().Err() == nil {
		if _, err := w.Write(bytes.Repeat([]byte("— x AAAAAAAA\n"), 1000)); err != nil {
			return
		}
	}
}

func manySizes() http.HandlerFunc {
	var n atomic.Int64
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", sizeText)
		w.WriteHeader(http.StatusConflict)
		fmt.Fprintf(w, "%d\n", n.Add(1)%9)
	}
}

// TestLogRolledBack: a log that was put back, or edited, is told so by its
// witnesses and gets nothing to publish.
func TestLogRolledBack(t *testing.T) {
	g := newGathering(t, 20)
	g.gather(t, g.gatherer(t, nil), 5)
	for _, c := range []struct {
		name string
		log  *history
		size int
		want error
	}{
		{"rolled back", g.history, 12, ErrWitnessAhead},
		{"forked", g.edited(4), 20, ErrWitnessDiffers},
		{"edited and longer", func() *history { h := g.edited(4); h.grow(25); return h }(), 25, ErrWitnessDiffers},
	} {
		checkpoint, signed := c.log.at(c.size)
		from := g.gatherer(t, nil)
		out, err := from.Gather(t.Context(), signed, checkpoint, func(_ context.Context, older ledger.Position) ([]ledger.Hash, error) {
			return c.log.from(int(older), c.size), nil
		})
		if out != nil || !errors.Is(err, ledger.ErrNoQuorum) {
			t.Errorf("%s: %q, %v", c.name, out, err)
		}
		for _, s := range from.States() {
			if !errors.Is(s.Err, c.want) {
				t.Errorf("%s: %s says %v", c.name, s.Name, s.Err)
			}
		}
		if !strings.Contains(err.Error(), c.want.Error()) {
			t.Errorf("%s: the error does not say so: %v", c.name, err)
		}
	}
	for _, r := range g.witnesses {
		if kept := r.kept(t); len(kept) != 3 {
			t.Errorf("%s keeps %d pieces of evidence, want 3", r.Dir, len(kept))
		}
	}
	g.grow(21)
	g.gather(t, g.gatherer(t, nil), 5) // the true log goes on
}

// TestWitnessRestored: one witness was put back to an older state; it catches up
// by itself.
func TestWitnessRestored(t *testing.T) {
	g := newGathering(t, 5)
	from := g.gatherer(t, nil)
	g.gather(t, from, 5)
	dir := g.witnesses[1].Dir
	backup, err := os.ReadFile(stateFile(dir, testOrigin))
	check(t, err)
	g.grow(10)
	g.gather(t, from, 5)
	g.witnesses[1].stop()
	check(t, os.WriteFile(stateFile(dir, testOrigin), backup, 0o600))
	back := startWitness(t, dir, g.history.policy)
	from.asked[1].url = back.server.URL + "/add-checkpoint"
	g.grow(15)
	g.gather(t, from, 5)
}

// TestGatherCancelled: at the end of the program nobody is waited for.
func TestGatherCancelled(t *testing.T) {
	g := newGathering(t, 5)
	asked := make(chan struct{}, 5)
	release := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		asked <- struct{}{}
		hang(r, release)
	}))
	t.Cleanup(server.Close)
	t.Cleanup(func() { close(release) })
	from := g.gatherer(t, func(c *GathererConfig) {
		c.URLs = map[string]string{}
		for _, w := range g.policy.Witnesses {
			c.URLs[w.Name] = server.URL
		}
	})
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-asked; cancel() }()
	c, signed := g.at(5)
	if out, err := from.Gather(ctx, signed, c, g.consistency); out != nil || !errors.Is(err, context.Canceled) {
		t.Errorf("%q, %v", out, err)
	}
}

func TestNewGatherer(t *testing.T) {
	g := newGathering(t, 5)
	p := g.policy
	p.Witnesses = append([]ledger.PolicyWitness{}, p.Witnesses...)
	for i := range 3 {
		p.Witnesses[i].URL = ""
	}
	if _, err := NewGatherer(GathererConfig{Policy: p}); err == nil || !strings.Contains(err.Error(), "w1, w2, w3") {
		t.Errorf("a quorum that cannot be reached: %v", err)
	}
	if _, err := NewGatherer(GathererConfig{Policy: p, URLs: map[string]string{"w1": "http://127.0.0.1:1"}}); err != nil {
		t.Errorf("with an address for w1: %v", err)
	}
	g.gather(t, g.gatherer(t, func(c *GathererConfig) {
		c.Policy.Witnesses = append([]ledger.PolicyWitness{}, c.Policy.Witnesses...)
		c.Policy.Witnesses[4].URL = ""
	}), 4)
	from := g.gatherer(t, nil)
	c, _ := g.at(5)
	if _, err := from.Gather(t.Context(), mustSign(t, g.history, 4), c, g.consistency); err == nil {
		t.Error("another checkpoint than the signed one is gathered")
	}
	if _, err := from.Gather(t.Context(), mustSign(t, newHistory(t, 5), 5), c, g.consistency); err == nil {
		t.Error("a checkpoint that the log did not sign is gathered")
	}
	none := GathererConfig{Policy: g.history.policy}
	without, err := NewGatherer(none)
	check(t, err)
	if out, err := without.Gather(t.Context(), mustSign(t, g.history, 5), c, g.consistency); err != nil || !bytes.Equal(out, mustSign(t, g.history, 5)) {
		t.Errorf("a policy without witnesses: %q, %v", out, err)
	}
}

// BenchmarkGather is a checkpoint of a growing log with five witnesses, each with
// its state on the disk, over HTTP on loopback.
func BenchmarkGather(b *testing.B) {
	g := newGathering(b, 1)
	from := g.gatherer(b, nil)
	for b.Loop() {
		g.grow(len(g.leaves) + 1)
		g.gather(b, from, 5)
	}
}
