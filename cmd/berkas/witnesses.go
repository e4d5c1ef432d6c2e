package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"

	"github.com/berkas-ledger/berkas/ledger"
	"github.com/berkas-ledger/berkas/transparency"
	"github.com/berkas-ledger/berkas/web"
)

// A rehearsal runs witnesses of its own, a majority of which is the quorum. They
// show the protocol. They are not independent: who runs the ledger has their keys.
const (
	ownWitnesses = 5
	ownQuorum    = 3
)

func (h home) witnessDir(name string) string { return h.path("witnesses", name) }

// writePolicy keeps the operator's own policy, in one piece.
func (h home) writePolicy(p ledger.Policy) error {
	fresh := h.policyFile() + ".new"
	if err := os.Remove(fresh); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := writePublic(fresh, []byte(p.Text())); err != nil {
		return err
	}
	return os.Rename(fresh, h.policyFile())
}

// ensureWitnesses gives a rehearsal's ledger witnesses of its own, unless its
// policy names some. The policy is written last, so that one that names them
// finds them.
func (h home) ensureWitnesses() error {
	p, err := readPolicy(h.policyFile())
	if errors.Is(err, fs.ErrNotExist) {
		p, err = genesisPolicy(h.genesisFile())
	}
	if err != nil || len(p.Witnesses) > 0 {
		return err
	}
	group := ledger.PolicyGroup{Name: "majority", Threshold: ownQuorum}
	for i := range ownWitnesses {
		name := fmt.Sprintf("w%d", i+1)
		dir := h.witnessDir(name)
		key, err := transparency.ReadWitnessKey(dir)
		if errors.Is(err, transparency.ErrNoWitness) {
			// What is there without a key never cosigned: its making was cut short.
			if err := os.RemoveAll(dir); err != nil {
				return err
			}
			key, err = transparency.CreateWitness(dir, p.Origin+"/"+name, p)
		}
		if err != nil {
			return fmt.Errorf("witness %s: %w", name, err)
		}
		p.Witnesses = append(p.Witnesses, ledger.PolicyWitness{Name: name, Key: key})
		group.Members = append(group.Members, name)
	}
	p.Groups, p.Quorum = []ledger.PolicyGroup{group}, group.Name
	return h.writePolicy(p)
}

// witnessing is a running ledger's side of its witnesses.
type witnessing struct {
	policy   ledger.Policy
	gatherer *transparency.Gatherer // nil: none are asked
	own      map[string]string      // addresses of those that run here, by name
}

// startWitnesses reads the policy, starts the witnesses that it names and that lie
// in this data directory, and makes ready to ask all of them.
func (n *node) startWitnesses(ctx context.Context) error {
	p, err := n.readPolicy()
	if err != nil {
		return err
	}
	n.witnesses = witnessing{policy: p, own: map[string]string{}}
	if len(p.Witnesses) == 0 {
		n.log.Warn("checkpoints carry the log's signature only: the policy names no witnesses, so the operator could show different people different ledgers")
		return nil
	}
	for _, w := range p.Witnesses {
		if _, err := os.Stat(n.home.witnessDir(w.Name)); w.URL != "" || err != nil {
			continue
		}
		if n.witnesses.own[w.Name], err = n.runWitness(ctx, w); err != nil {
			n.log.Error("a witness of this rehearsal does not run; without the quorum no checkpoint is published", "witness", w.Name, "error", err)
		}
	}
	g, cannot := transparency.NewGatherer(transparency.GathererConfig{Policy: p, URLs: n.witnesses.own, Log: n.log})
	if cannot == nil {
		n.witnesses.gatherer, n.gather = g, g.Gather
		return nil
	}
	// Records are taken in all the same; readiness says why none is sealed.
	n.gather = func(context.Context, []byte, ledger.Checkpoint, func(context.Context, ledger.Position) ([]ledger.Hash, error)) ([]byte, error) {
		return nil, cannot
	}
	return nil
}

// readPolicy reads the operator's policy and holds it against the ledger.
func (n *node) readPolicy() (ledger.Policy, error) {
	leaf, err := n.store.Journal().Leaf(1)
	if err != nil {
		return ledger.Policy{}, err
	}
	first := ledger.PolicyOf(n.judge.Roster().Genesis(), ledger.HashLeaf(leaf))
	file := n.policyFile
	if file == "" {
		file = n.home.policyFile()
		if _, err := os.Stat(file); errors.Is(err, fs.ErrNotExist) { // a ledger from before there were policies
			return first, n.home.writePolicy(first)
		}
	}
	p, err := readPolicy(file)
	if err != nil {
		return p, err
	}
	for _, pair := range [][3]string{
		{"origin", p.Origin, first.Origin}, {"log", p.Log, first.Log}, {"receipt", p.Receipt, first.Receipt}, {"genesis", p.Genesis.String(), first.Genesis.String()},
	} {
		if pair[1] != pair[2] {
			return p, &codedError{
				exitVerify, fmt.Errorf("%s is not the policy of this ledger: its %s is %s, the ledger's is %s", file, pair[0], pair[1], pair[2]),
				"'berkas trust' prints this ledger's; add the witnesses and the quorum to that.",
			}
		}
	}
	return p, nil
}

// runWitness runs a witness of this data directory on a free port of loopback
// until the node is closed, and gives its address.
func (n *node) runWitness(ctx context.Context, w ledger.PolicyWitness) (string, error) {
	witness, err := transparency.OpenWitness(transparency.WitnessConfig{
		Dir: n.home.witnessDir(w.Name), Policies: []ledger.Policy{n.witnesses.policy}, Log: n.log,
	})
	if err != nil {
		return "", err
	}
	if witness.Key().String() != w.Key.String() {
		return "", errors.Join(fmt.Errorf("%s has another key than the policy", witness.Dir), witness.Close())
	}
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", errors.Join(err, witness.Close())
	}
	run, stop := context.WithCancel(context.WithoutCancel(ctx))
	ended := make(chan error, 1)
	go func() { ended <- witness.Serve(run, listener) }()
	n.closers = append(n.closers, func() error {
		stop()
		return errors.Join(<-ended, witness.Close())
	})
	return "http://" + listener.Addr().String(), nil
}

// accept judges a checkpoint by the policy of today.
func (w *witnessing) accept(signed []byte) error {
	_, err := w.policy.Open(signed)
	return err
}

// parts says of each witness whether it cosigned when it was asked last. One that
// did not is missing, no more, while there is a quorum: the log says otherwise.
func (w *witnessing) parts(out map[string]error) {
	if w.gatherer == nil {
		return
	}
	for _, s := range w.gatherer.States() {
		out["witness "+s.Name] = nil
		if s.Err != nil {
			out["witness "+s.Name] = fmt.Errorf("%w: %w", web.ErrMissing, s.Err)
		}
	}
}

// describe says who witnesses the log, and what that is worth.
func (w *witnessing) describe(out io.Writer) {
	if w.gatherer == nil {
		return
	}
	fmt.Fprintf(out, "  witnesses   a checkpoint needs %s\n", quorumOf(w.policy))
	for _, s := range w.gatherer.States() {
		fmt.Fprintf(out, "    %-9s %s\n", s.Name, s.URL)
	}
	if len(w.own) > 0 {
		fmt.Fprintln(out, "    They run in this process, over HTTP and with keys and state of their own. That shows\n"+
			"    the protocol. It does not make them independent: whoever runs the ledger has their keys.")
	}
}

// quorumOf says which witnesses a policy asks for.
func quorumOf(p ledger.Policy) string {
	for _, g := range p.Groups {
		if g.Name == p.Quorum {
			return fmt.Sprintf("%d of %d: %s", g.Threshold, len(g.Members), strings.Join(g.Members, ", "))
		}
	}
	return p.Quorum
}

// sealed says by whom the newest checkpoint is cosigned.
func (n *node) sealed(ctx context.Context, out io.Writer) error {
	if n.evidence == nil {
		return n.evidenceErr
	}
	c, err := n.evidence.Seal(ctx)
	if err != nil {
		return fmt.Errorf("seal the log: %w", err)
	}
	signed, _ := n.evidence.Published()
	w, err := n.witnesses.policy.Open(signed)
	if err != nil {
		return err
	}
	var names []string
	for _, by := range w.By {
		names = append(names, by.Witness)
	}
	fmt.Fprintf(out, "The log is sealed at %d records, root %s.\n", c.Size, c.Root)
	if len(n.witnesses.policy.Witnesses) > 0 {
		fmt.Fprintf(out, "%d of %d witnesses have seen that it begins with all that they saw before, and cosigned: %s.\n"+
			"Without %s no checkpoint is published.\n", len(names), len(n.witnesses.policy.Witnesses), strings.Join(names, ", "), quorumOf(n.witnesses.policy))
	}
	if len(n.witnesses.own) > 0 {
		fmt.Fprintf(out, "They run in this process, each with a key and state of its own in %s.\n"+
			"That shows the protocol, not independence: real ones are run by others (docs/witness.md).\n", filepath.Join(n.home.dir, "witnesses"))
	}
	return nil
}
