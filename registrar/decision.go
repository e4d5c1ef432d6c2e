package registrar

import (
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/berkas-ledger/berkas/ledger"
)

// decision is what a batch comes to, before it is durable.
type decision struct {
	batch   []prepared
	tx      *tx
	records []ledger.Record
	answers []answer // one for each of batch
	// signed gives the outcome of signing the answers' receipts, which goes on
	// while the batch is being made durable. Before, nobody may read them.
	signed chan error
}

type answer struct {
	receipt ledger.Receipt
	fresh   bool // a record was made; otherwise the bytes were recognised
	signed  []byte
}

// decide gives every submission of a batch its outcome, in order.
func (g *Registrar) decide(batch []prepared) (*decision, error) {
	recorded, err := g.clock.next(g.Judge.last)
	if err != nil {
		return nil, err
	}
	d := &decision{batch: batch, tx: g.Judge.begin(), answers: make([]answer, len(batch))}
	refusedNow := make(map[refusedKey]ledger.Receipt)
	for i := range batch {
		if d.answers[i], err = g.decideOne(d, &batch[i], recorded, refusedNow); err != nil {
			return nil, err
		}
	}
	d.signed = make(chan error, 1)
	go func() { d.signed <- g.sign(d.answers) }()
	return d, nil
}

func (g *Registrar) decideOne(d *decision, p *prepared, recorded time.Time, refusedNow map[refusedKey]ledger.Receipt) (answer, error) {
	if first, ok, err := d.tx.recognise(p); err != nil {
		return answer{}, err
	} else if ok {
		first.Origin = d.tx.roster.Genesis().Origin
		return answer{receipt: first}, nil
	}
	bad, err := d.tx.judge(p, recorded)
	if err != nil {
		return answer{}, err
	}
	if bad == nil {
		return g.admit(d, p, recorded)
	}
	key, pointers := refusedKey{p.message.Agency, p.sum}, safe(bad.Pointers)
	earlier, ok := refusedNow[key]
	if !ok {
		earlier, ok = g.refused.find(key)
	}
	// Decided anew, with the same result: no record.
	if ok && earlier.Reason == bad.Code && slices.Equal(earlier.Pointers, pointers) {
		return answer{receipt: earlier}, nil
	}
	a, err := g.refuse(d, p, bad, pointers, recorded)
	refusedNow[key] = a.receipt
	return a, err
}

// recognise finds the record of a submission whose bytes were admitted before
// and gives its first receipt.
func (t *tx) recognise(p *prepared) (ledger.Receipt, bool, error) {
	en, ok := t.admitted(p)
	if !ok {
		return ledger.Receipt{}, false, nil
	}
	r, err := t.record(en.position)
	if err != nil {
		return ledger.Receipt{}, false, err
	}
	return receiptOf(r, r.LeafHash(), p), true, nil
}

// admitted finds what is kept of a submission's bytes, if they stand on the
// ledger.
func (t *tx) admitted(p *prepared) (entry, bool) {
	if !p.known {
		return entry{}, false
	}
	en, ok := t.find(p.event, p.info)
	return en, ok && en.sum == p.sum && en.agency == p.sub.Agency
}

func receiptOf(r ledger.Record, leaf ledger.Hash, p *prepared) ledger.Receipt {
	id := p.event.ID
	if id == "" {
		id = "-"
	}
	return ledger.Receipt{
		Agency: p.message.Agency, Event: id, Sum: p.sum, Outcome: ledger.Admitted,
		Position: r.Position, Recorded: r.Recorded, Leaf: leaf,
	}
}

func (g *Registrar) admit(d *decision, p *prepared, recorded time.Time) (answer, error) {
	r := ledger.Record{
		Position: d.tx.chain.Position + 1, Recorded: recorded,
		Subject: ledger.SubjectOf(p.event, p.info), Signatures: p.sub.Signatures, Body: p.sub.Body,
	}
	if err := d.add(r, p.event, p.sum); err != nil {
		return answer{}, err
	}
	receipt := receiptOf(r, d.tx.chain.Leaf, p)
	receipt.Origin = d.tx.roster.Genesis().Origin
	return answer{receipt: receipt, fresh: true}, nil
}

func (d *decision) add(r ledger.Record, e ledger.Event, sum ledger.Hash) error {
	d.records = append(d.records, r)
	return d.tx.admit(r, r.LeafHash(), e, sum)
}

// refuse makes the record of a refusal, an event of the registrar's own.
func (g *Registrar) refuse(d *decision, p *prepared, bad *ledger.Refusal, pointers []string, recorded time.Time) (answer, error) {
	var nonce [32]byte
	g.Random(nonce[:])
	payload := ledger.SubmissionRefused{
		Agency: p.message.Agency, Reason: bad.Code, Pointers: pointers,
		Digest: Digest(nonce, p.sub.Body).String(), First: bad.First,
	}
	r, e, err := g.own(d, payload, recorded)
	if err != nil {
		return answer{}, err
	}
	if err := d.add(r, e, ledger.Submission{Body: r.Body}.Sum()); err != nil {
		return answer{}, err
	}
	receipt := receiptOf(r, d.tx.chain.Leaf, p)
	receipt.Origin = d.tx.roster.Genesis().Origin
	receipt.Outcome, receipt.Reason, receipt.Pointers = ledger.Refused, bad.Code, pointers
	receipt.Nonce, receipt.First = nonce, bad.First
	return answer{receipt: receipt, fresh: true}, nil
}

// safe gives the pointers of a refusal as they may stand on the ledger, without
// doubles; nil where nothing safe is left.
func safe(pointers []string) []string {
	var out []string
	for _, p := range pointers[:min(len(pointers), ledger.MaxPointers)] {
		if p = ledger.SafePointer(p); p != "" && !slices.Contains(out, p) {
			out = append(out, p)
		}
	}
	return out
}

// own makes the record of a refusal as a CloudEvent signed by the registrar.
func (g *Registrar) own(d *decision, payload ledger.SubmissionRefused, recorded time.Time) (ledger.Record, ledger.Event, error) {
	info, _ := ledger.LookupKind(ledger.SubmissionRefusedKind, 1)
	data, err := json.Marshal(payload)
	if err != nil {
		return ledger.Record{}, ledger.Event{}, err
	}
	body, err := ledger.Event{
		ID: g.NewID(), Source: ledger.Registrar, Kind: info.Kind, Version: info.Version,
		Subject: string(payload.Agency), Time: recorded, Ledger: d.tx.roster.Genesis().Origin, Data: data,
	}.Encode()
	if err != nil {
		return ledger.Record{}, ledger.Event{}, err
	}
	r := ledger.Record{
		Position: d.tx.chain.Position + 1, Recorded: recorded, Subject: ledger.SubjectRefusal(payload.Agency),
		Signatures: []ledger.Signature{ledger.Sign(g.Key, g.Private, body)}, Body: body,
	}
	e, err := ledger.DecodeRecord(r)
	return r, e, err
}

// sign signs the receipts on all cores.
func (g *Registrar) sign(answers []answer) error {
	var failed atomic.Pointer[error]
	parallel(len(answers), func(i int) {
		signed, err := ledger.SignReceipt(answers[i].receipt, g.Receipt)
		if err != nil {
			err = fmt.Errorf("sign the receipt for position %d: %w", answers[i].receipt.Position, err)
			failed.Store(&err)
		}
		answers[i].signed = signed
	})
	if err := failed.Load(); err != nil {
		return *err
	}
	return nil
}
