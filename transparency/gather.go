package transparency

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/mod/sumdb/note"

	"github.com/berkas-ledger/berkas/ledger"
)

// Gatherer asks the witnesses of a policy to cosign checkpoints. It takes nothing
// from them but cosignatures that verify, so the worst that a witness can do is
// not to answer.
type Gatherer struct {
	GathererConfig
	log       note.Verifier
	asked     []*asked
	gathering sync.Mutex // one checkpoint at a time
}

// GathererConfig says whom to ask and for how long to wait. Its zero values are
// sound but for Policy.
type GathererConfig struct {
	Policy ledger.Policy
	// URLs are addresses of witnesses by their names in the policy; they go before
	// those of the policy.
	URLs    map[string]string
	Client  *http.Client  // default: one that follows no redirects
	Timeout time.Duration // for a checkpoint; default 10 s
	// Linger is how long the rest may take when the quorum has cosigned; default
	// 300 ms.
	Linger time.Duration
	Now    func() time.Time
	Log    *slog.Logger
}

const (
	defaultGather = 10 * time.Second
	defaultLinger = 300 * time.Millisecond
	// A witness that fails is left alone for a second, then for twice as long, up to
	// a minute, as long as the others make the quorum.
	backoffFirst = time.Second
	backoffMost  = time.Minute
	// maxWitnesses: a note has at most a hundred signatures, one is the log's.
	maxWitnesses = 99
)

// NewGatherer fails when the quorum could never be reached: too few of its
// witnesses have an address.
func NewGatherer(c GathererConfig) (*Gatherer, error) {
	if c.Timeout == 0 {
		c.Timeout = defaultGather
	}
	if c.Linger == 0 {
		c.Linger = defaultLinger
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Client == nil {
		c.Client = newWitnessClient()
	}
	log, _, err := c.Policy.Verifiers()
	if err != nil {
		return nil, err
	}
	if len(c.Policy.Witnesses) > maxWitnesses {
		return nil, fmt.Errorf("a policy for gathering has at most %d witnesses, not %d", maxWitnesses, len(c.Policy.Witnesses))
	}
	g := &Gatherer{GathererConfig: c, log: log}
	var without []string
	for _, w := range c.Policy.Witnesses {
		url := w.URL
		if u := c.URLs[w.Name]; u != "" {
			url = u
		}
		one := &asked{name: w.Name, key: w.Key}
		if url == "" {
			without = append(without, w.Name)
			one.state.Err = errNoAddress
		} else {
			one.url = strings.TrimSuffix(url, "/") + "/add-checkpoint"
		}
		g.asked = append(g.asked, one)
	}
	if !c.Policy.Enough(g.hopes(g.reachable())) {
		return nil, fmt.Errorf("the quorum %q can never be reached: the policy has no URL of %s", c.Policy.Quorum, strings.Join(without, ", "))
	}
	return g, nil
}

// hopes is what witnesses would give if all of them cosigned.
func (g *Gatherer) hopes(list []*asked) []ledger.Cosignature {
	out := make([]ledger.Cosignature, len(list))
	for i, w := range list {
		out[i].Witness = w.name
	}
	return out
}

// reachable are the witnesses that have an address.
func (g *Gatherer) reachable() []*asked {
	var out []*asked
	for _, w := range g.asked {
		if w.url != "" {
			out = append(out, w)
		}
	}
	return out
}

// due are the witnesses to ask now: those that have not failed just before, or
// all, if those would be too few.
func (g *Gatherer) due(now time.Time) []*asked {
	var out []*asked
	all := g.reachable()
	for _, w := range all {
		if w.rested(now) {
			out = append(out, w)
		}
	}
	if !g.Policy.Enough(g.hopes(out)) {
		return all
	}
	return out
}

// Gather asks the witnesses in parallel to cosign a checkpoint that the log has
// signed, and gives it with their cosignatures, in the order of the policy. When
// the quorum has cosigned, the others have a short moment more. consistency gives
// the proof from an older size to the checkpoint; it is called by one goroutine at
// a time.
//
// Below the quorum the error is a *QuorumError, and nothing may be published. The
// same checkpoint can be offered again.
func (g *Gatherer) Gather(ctx context.Context, signed []byte, c ledger.Checkpoint, consistency func(ctx context.Context, older ledger.Position) ([]ledger.Hash, error)) ([]byte, error) {
	g.gathering.Lock()
	defer g.gathering.Unlock()
	if own, _, err := ledger.OpenCheckpoint(signed, g.log); err != nil {
		return nil, err
	} else if own != c {
		return nil, fmt.Errorf("the signed checkpoint of %d records is not the one of %d that it is said to be", own.Size, c.Size)
	}
	answers, err := g.askAll(ctx, &offer{signed: signed, Checkpoint: c, consistency: consistency})
	if err != nil {
		return nil, err
	}
	out := slices.Clone(signed)
	for _, w := range g.asked {
		out = append(out, answers[w.name].line...)
	}
	_, err = g.Policy.Open(out)
	if errors.Is(err, ledger.ErrNoQuorum) {
		return nil, g.tooFew(c, answers)
	}
	if err != nil {
		return nil, fmt.Errorf("the gathered checkpoint does not verify: %w", err)
	}
	return out, nil
}

// answered is what came of asking a witness; line is "" when there is an error.
type answered struct {
	witness *asked
	line    string
	err     error
}

// errLate says that a witness had not answered when the quorum had, nor shortly
// after.
var errLate = errors.New("has not answered in time")

// errNoAddress says that nobody knows where to ask a witness.
var errNoAddress = errors.New("cannot be asked: the policy has no URL of it")

// askAll gives the answers by the names of witnesses.
func (g *Gatherer) askAll(parent context.Context, o *offer) (map[string]answered, error) {
	ctx, cancel := context.WithTimeout(parent, g.Timeout)
	defer cancel()
	list := g.due(g.Now())
	come := make(chan answered, len(list))
	for _, w := range list {
		go func() {
			line, err := g.ask(ctx, w, o)
			if ctx.Err() != nil && err != nil {
				err = errLate
			}
			come <- answered{w, line, err}
		}()
	}
	out := map[string]answered{}
	var enough []ledger.Cosignature
	var linger <-chan time.Time
	// Every one is waited for: when the context has ended they end at once.
	for len(out) < len(list) {
		select {
		case a := <-come:
			out[a.witness.name] = a
			if a.err == nil {
				enough = append(enough, ledger.Cosignature{Witness: a.witness.name})
			}
			if linger == nil && g.Policy.Enough(enough) {
				linger = time.After(g.Linger)
			}
		case <-linger:
			cancel()
		}
	}
	if err := parent.Err(); err != nil {
		return nil, err
	}
	for _, a := range out {
		g.remember(a, o.Size)
	}
	return out, nil
}

// remember keeps how a witness answered, and logs when that has changed: one may
// be away for days.
func (g *Gatherer) remember(a answered, size ledger.Position) {
	switch before := a.witness.note(a, size, g.Now()); {
	case a.err != nil && before == nil:
		g.Log.Warn("a witness does not cosign", "witness", a.witness.name, "size", uint64(size), "error", a.err)
	case a.err == nil && before != nil:
		g.Log.Info("a witness cosigns again", "witness", a.witness.name, "size", uint64(size))
	}
}

// QuorumError says which witnesses did not cosign, and why. It is
// ledger.ErrNoQuorum.
type QuorumError struct {
	Size    ledger.Position
	Quorum  string
	Of      int               // witnesses of the policy
	Have    []string          // have cosigned
	Missing map[string]string // by name: why not
}

func (e *QuorumError) Error() string {
	var why []string
	for name, reason := range e.Missing {
		why = append(why, name+" "+reason)
	}
	slices.Sort(why)
	return fmt.Sprintf("the checkpoint of %d records has cosignatures of %d of %d witnesses, which are fewer than the quorum %q asks for: %s",
		e.Size, len(e.Have), e.Of, e.Quorum, strings.Join(why, "; "))
}

func (e *QuorumError) Unwrap() error { return ledger.ErrNoQuorum }

func (g *Gatherer) tooFew(c ledger.Checkpoint, answers map[string]answered) error {
	e := &QuorumError{Size: c.Size, Quorum: g.Policy.Quorum, Of: len(g.asked), Missing: map[string]string{}}
	for _, w := range g.asked {
		a, was := answers[w.name]
		switch {
		case w.url == "":
			e.Missing[w.name] = errNoAddress.Error()
		case !was:
			e.Missing[w.name] = "was not asked, for it failed just before"
		case a.err != nil:
			e.Missing[w.name] = a.err.Error()
		default:
			e.Have = append(e.Have, w.name)
		}
	}
	return e
}
