package main

import (
	"github.com/berkas-ledger/berkas/ledger"
	"github.com/berkas-ledger/berkas/transparency"
	"github.com/berkas-ledger/berkas/web"
)

// desk is what the auditor's desk is told by this node.
func (n *node) desk() web.Desk {
	d := web.Desk{Policy: func() ledger.Policy { return n.witnesses.policy }, Witnesses: n.witnesses.told}
	if n.evidence != nil {
		dir := n.evidence.Dir
		d.Kept = func() ([]ledger.Position, error) { return transparency.Checkpoints(dir) }
	}
	if n.http.audits != "" {
		d.Audits = readAudits(n.http.audits, n.log)
	}
	return d
}

// told says of each witness how it did, and whether it runs here.
func (w *witnessing) told() []web.DeskWitness {
	if w.gatherer == nil {
		return nil
	}
	var out []web.DeskWitness
	for _, s := range w.gatherer.States() {
		_, own := w.own[s.Name]
		out = append(out, web.DeskWitness{WitnessState: s, Own: own})
	}
	return out
}
