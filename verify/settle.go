package verify

import (
	"bytes"
	"fmt"
	"time"

	"github.com/berkas-ledger/berkas/ledger"
	"github.com/berkas-ledger/berkas/roster"
)

// found begins the roster with the genesis record and holds that against the
// policy.
func (a *Auditor) found(leaf []byte) {
	whole := Finding{Position: 1, Agency: ledger.Registrar}
	policy := a.config.Policy
	if hash := ledger.HashLeaf(leaf); hash != policy.Genesis {
		f := whole
		f.Code, f.Expected, f.Found = CodeGenesisOther, "leaf "+policy.Genesis.String(), "leaf "+hash.String()
		a.add(f)
	}
	r, err := ledger.ParseLeaf(leaf)
	if err != nil {
		return // said when it is settled
	}
	start, err := roster.Start(r)
	if err != nil {
		f := whole
		f.Code, f.Expected, f.Found = CodeGenesisInvalid, "ledger.genesis.v1", err.Error()
		a.add(f)
		return
	}
	a.roster, a.basis = start, []placed{{1, bytes.Clone(leaf)}}
	g := start.Genesis()
	for _, pair := range [][2]string{{policy.Origin, g.Origin}, {policy.Log, g.Log}, {policy.Receipt, g.Receipt}} {
		if pair[0] != pair[1] {
			f := whole
			f.Code, f.Expected, f.Found = CodeGenesisKeys, pair[0], pair[1]
			a.add(f)
		}
	}
}

// settle judges one record with the ledger as the records before it make it, and
// takes it in. An error says that an earlier record could not be read again.
func (a *Auditor) settle(p *prepared) error {
	a.position = p.at
	a.stats.Records++
	if !a.config.Sparse {
		a.tree.add(p.hash)
	}
	if a.config.Read == nil {
		a.kept[p.at] = p.leaf
	}
	if p.broken != nil {
		a.stats.Unread++
		a.add(p.finding(*p.broken))
	}
	if p.record.Position != 0 {
		a.settlePlace(p)
	}
	if p.broken != nil {
		return nil
	}
	a.stats.Signatures += uint64(len(p.record.Signatures))
	en := entryOf(p)
	f, err := a.judge(p, en)
	if err != nil {
		return err
	}
	if f != nil {
		a.add(p.finding(*f))
	}
	return a.admit(p, en, f == nil)
}

// settlePlace judges what the ledger itself says of a record.
func (a *Auditor) settlePlace(p *prepared) {
	if p.record.Position != p.at {
		a.add(p.finding(Finding{Code: CodePositionWrong, Expected: fmt.Sprintf("position %d", p.at), Found: fmt.Sprintf("position %d", p.record.Position)}))
	}
	if p.record.Recorded.Before(a.recorded) {
		a.add(p.finding(Finding{Code: CodeRecordedBack, Expected: "not before " + stamp(a.recorded), Found: stamp(p.record.Recorded)}))
	}
	a.recorded = p.record.Recorded
}

func stamp(t time.Time) string { return t.UTC().Format(ledger.RecordedFormat) }

// admit takes a record in, if readers of the ledger can. A change of the roster
// that is not right changes nothing: what rests on it is found, too.
func (a *Auditor) admit(p *prepared, en entry, right bool) error {
	if p.event.Payload == nil {
		p.event.Payload = p.payload // on the ledger it is, all the same
	}
	if p.known && p.event.Payload == nil || p.record.Subject != p.belongs() {
		return nil
	}
	if id := p.record.CaseID(); id != "" {
		a.stats.Events++
		return a.take(id, p, en)
	}
	key := eventKey{p.record.Subject, en.id}
	if _, used := a.ids[key]; !used {
		a.ids[key] = p.at
	}
	switch {
	case !p.known:
		return nil
	case p.info.Stream == ledger.StreamRefusal:
		a.stats.Refusals++
		return nil
	case p.info.Stream == ledger.StreamFigures:
		a.stats.Events++
		return nil
	}
	a.stats.Roster++
	if a.roster == nil || p.at == 1 || !right {
		return nil
	}
	a.apply(p)
	return nil
}

// apply changes the roster.
func (a *Auditor) apply(p *prepared) {
	next, err := a.roster.Apply(p.at, p.event)
	if err != nil {
		a.add(p.finding(Finding{Code: CodeRosterBroken, Found: err.Error()}))
		return
	}
	a.roster, a.basis = next, append(a.basis, placed{p.at, bytes.Clone(p.leaf)})
}

// judge gives the first thing that is wrong with a record in the order in which
// the registrar looks; nil if nothing is.
func (a *Auditor) judge(p *prepared, en entry) (*Finding, error) {
	if p.at == 1 || a.roster == nil {
		return nil, nil // found has judged the genesis; without one nothing can be
	}
	if !p.known {
		a.stats.Unknown++
	}
	if f := p.judge(); f != nil {
		return f, nil
	}
	if first := a.usedAt(p, en); first != 0 {
		return a.again(p, first)
	}
	if p.event.Time.After(p.record.Recorded) {
		return &Finding{Code: Code(ledger.CodeTimeInFuture), Expected: "not after " + stamp(p.record.Recorded), Found: stamp(p.event.Time)}, nil
	}
	if !p.known {
		return nil, nil
	}
	bad, err := a.judgeRules(p)
	return refused(bad), err
}

// judge gives the first thing that is wrong with what was prepared.
func (p *prepared) judge() *Finding {
	if p.form != nil {
		return refused(p.form)
	}
	if want := p.belongs(); p.record.Subject != want {
		return &Finding{Code: CodeSubjectMisplaced, Expected: want, Found: p.record.Subject}
	}
	if p.signature == nil || p.signature.Code == ledger.CodeSchema && p.content != nil {
		return refused(p.content)
	}
	f := refused(p.signature)
	if f.Found == "" {
		f.Found = p.signers()
	}
	return f
}

// again tells an id that was used for something else from an event that stands
// on the ledger twice.
func (a *Auditor) again(p *prepared, first ledger.Position) (*Finding, error) {
	f := &Finding{Code: Code(ledger.CodeIDReused), Expected: "an id of its own", Found: fmt.Sprintf("the id stands at position %d", first)}
	r, ok, err := a.read(first)
	if err != nil {
		return nil, err
	}
	if ok && bytes.Equal(r.Body, p.record.Body) {
		f.Code, f.Expected, f.Found = CodeRecordAgain, "once", fmt.Sprintf("the same bytes stand at position %d", first)
	}
	return f, nil
}
