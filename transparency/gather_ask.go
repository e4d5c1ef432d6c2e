package transparency

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"golang.org/x/mod/sumdb/note"

	"github.com/berkas-ledger/berkas/ledger"
)

const (
	// maxAnswer bounds what is read of a witness's answer, in bytes, and maxLines
	// how many lines of it are looked at.
	maxAnswer = 16 << 10
	maxLines  = 32
	// A cosignature's time may differ that much from this machine's.
	maxAhead  = time.Hour
	maxBehind = 24 * time.Hour
)

// ErrWitnessAhead says that a witness has cosigned a larger log than this one: it
// was rolled back, or somebody else signs with its key.
var ErrWitnessAhead = errors.New("this log was rolled back, or somebody else has its key")

// ErrWitnessDiffers says that a witness has cosigned another log of this size or
// one that this does not begin with: it was forked or edited.
var ErrWitnessDiffers = errors.New("this log's history is not the one that the witness has seen")

// asked is a witness as the gatherer knows it.
type asked struct {
	name string
	key  ledger.WitnessKey
	url  string // of add-checkpoint; "": nobody knows it

	mu       sync.Mutex
	known    ledger.Position // what it is thought to have cosigned last
	failures int             // one after another
	rest     time.Time       // it is left alone until then
	state    WitnessState
}

// WitnessState is how a witness did when it was asked last.
type WitnessState struct {
	Name string
	URL  string
	Size ledger.Position // newest checkpoint that it cosigned; 0: none yet
	At   time.Time       // when it answered with that; zero: never
	Err  error           // why it did not cosign when it was asked last
}

// States tells of every witness of the policy, in its order.
func (g *Gatherer) States() []WitnessState {
	out := make([]WitnessState, len(g.asked))
	for i, w := range g.asked {
		w.mu.Lock()
		out[i] = w.state
		w.mu.Unlock()
		out[i].Name, out[i].URL = w.name, strings.TrimSuffix(w.url, "/add-checkpoint")
	}
	return out
}

func (w *asked) rested(now time.Time) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return !now.Before(w.rest)
}

// note remembers how it went, and gives how it went before.
func (w *asked) note(a answered, size ledger.Position, now time.Time) (before error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	before, w.state.Err = w.state.Err, a.err
	if a.err == nil {
		w.state.Size, w.state.At = size, now
		w.failures, w.rest = 0, time.Time{}
		return before
	}
	w.rest = now.Add(min(backoffFirst<<min(w.failures, 10), backoffMost))
	w.failures++
	return before
}

func (w *asked) knows() ledger.Position {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.known
}

func (w *asked) setKnown(p ledger.Position) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.known = p
}

// offer is a checkpoint on its way to the witnesses.
type offer struct {
	ledger.Checkpoint
	signed      []byte
	consistency func(ctx context.Context, older ledger.Position) ([]ledger.Hash, error)

	mu     sync.Mutex
	proofs map[ledger.Position][]ledger.Hash
}

// from gives the proof from an older size. Witnesses mostly know the same, so it
// is made once.
func (o *offer) from(ctx context.Context, older ledger.Position) ([]ledger.Hash, error) {
	if older == 0 || older == o.Size {
		return nil, nil
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if p, ok := o.proofs[older]; ok {
		return p, nil
	}
	p, err := o.consistency(ctx, older)
	if err != nil {
		return nil, fmt.Errorf("prove that the log of %d records begins with the %d that the witness knows: %w", o.Size, older, err)
	}
	if o.proofs == nil {
		o.proofs = map[ledger.Position][]ledger.Hash{}
	}
	o.proofs[older] = p
	return p, nil
}

// ask gets a witness's cosignature, as a line of a note. A witness that knows
// another size than was thought says so and is asked once more; that may happen
// twice, if somebody else offers it checkpoints meanwhile.
func (g *Gatherer) ask(ctx context.Context, w *asked, o *offer) (string, error) {
	old := w.knows()
	if old > o.Size {
		old = 0 // to be told
	}
	for range 3 {
		proof, err := o.from(ctx, old)
		if err != nil {
			return "", err
		}
		a, err := g.post(ctx, w.url, addCheckpoint{old, proof, o.signed}.Text())
		if err != nil {
			return "", err
		}
		switch a.status {
		case http.StatusOK:
			line, err := w.take(o.Text(), []byte(a.body), g.Now())
			if err == nil {
				w.setKnown(o.Size)
			}
			return line, err
		case http.StatusConflict:
			size, err := parseSize([]byte(a.body))
			switch {
			case err != nil || a.contentType != sizeText:
				return "", fmt.Errorf("answered 409 without a size (%s)", sizeText)
			case size > o.Size:
				w.setKnown(size)
				return "", fmt.Errorf("has cosigned %d records, more than this log's %d: %w", size, o.Size, ErrWitnessAhead)
			case size == old:
				return "", fmt.Errorf("has cosigned another checkpoint of %d records: %w", size, ErrWitnessDiffers)
			}
			w.setKnown(size)
			old = size
		case http.StatusUnprocessableEntity:
			return "", fmt.Errorf("refused the proof from %d to %d records: %w", old, o.Size, ErrWitnessDiffers)
		default:
			return "", fmt.Errorf("answered %d: %.200q", a.status, strings.TrimSpace(a.body))
		}
	}
	return "", errors.New("named another size each time it was asked")
}

// take finds the witness's cosignature in its answer. Everything else in it is
// passed over.
func (w *asked) take(text string, body []byte, now time.Time) (string, error) {
	var last error
	for i, line := range bytes.SplitAfter(body, []byte("\n")) {
		if i == maxLines {
			break
		}
		n, err := note.Open(append([]byte(text+"\n"), line...), note.VerifierList(w.key))
		if err != nil {
			continue
		}
		at, err := ledger.CosignedAt(n.Sigs[0])
		if err != nil || at.After(now.Add(maxAhead)) || at.Before(now.Add(-maxBehind)) {
			last = fmt.Errorf("cosigned at a time that is not now: look at its clock and at this machine's")
			continue
		}
		return signatureLine(n.Sigs[0])
	}
	if last == nil {
		last = errors.New("answered without a cosignature by the key that the policy has")
	}
	return "", last
}

// post sends a request and reads as much of the answer as an honest witness
// sends.
func (g *Gatherer) post(ctx context.Context, url string, body []byte) (answer, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return answer{}, err
	}
	r.Header.Set("Content-Type", plainText)
	got, err := g.Client.Do(r)
	if err != nil {
		return answer{}, fmt.Errorf("cannot be asked: %w", withoutURL(err))
	}
	defer got.Body.Close()
	text, err := io.ReadAll(io.LimitReader(got.Body, maxAnswer+1))
	if err != nil {
		return answer{}, fmt.Errorf("broke off: %w", err)
	}
	if len(text) > maxAnswer {
		return answer{}, fmt.Errorf("answered with more than %d bytes", maxAnswer)
	}
	return answer{got.StatusCode, got.Header.Get("Content-Type"), string(text)}, nil
}

// withoutURL is the error without "Post" and the address, which is known.
func withoutURL(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		return u.Err
	}
	return err
}

// newWitnessClient goes where it is sent and nowhere else.
func newWitnessClient() *http.Client {
	return &http.Client{
		Transport: &http.Transport{
			Proxy: http.ProxyFromEnvironment, MaxIdleConnsPerHost: 2, IdleConnTimeout: 2 * time.Minute,
			TLSHandshakeTimeout: 5 * time.Second, MaxResponseHeaderBytes: 16 << 10, DisableCompression: true,
			ForceAttemptHTTP2: true,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}
