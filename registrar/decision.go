package registrar

import (
	"fmt"
	"runtime"
	"sync"
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
}

type answer struct {
	receipt ledger.Receipt
	fresh   bool // a record was made; otherwise the bytes were recognised
	signed  []byte
}

// decide gives every submission of a batch its outcome, in order.
func (g *Registrar) decide(batch []prepared) (*decision, error) {
	recorded, err := g.clock.next(g.Judge.LastRecorded())
	if err != nil {
		return nil, err
	}
	d := &decision{batch: batch, tx: g.Judge.begin(), answers: make([]answer, len(batch))}
	refusedNow := make(map[refusedKey]ledger.Receipt)
	for i := range batch {
		a, err := g.decideOne(d, &batch[i], recorded, refusedNow)
		if err != nil {
			return nil, err
		}
		d.answers[i] = a
	}
	return d, g.sign(d.answers)
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
	key := refusedKey{p.message.Agency, p.sum}
	if r, ok := g.refused.find(key, bad); ok {
		return answer{receipt: r}, nil
	}
	if r, ok := refusedNow[key]; ok && r.Reason == bad.Code {
		return answer{receipt: r}, nil
	}
	a, err := g.refuse(d, p, bad, recorded)
	refusedNow[key] = a.receipt
	return a, err
}

// recognise finds the record of a submission whose bytes were admitted before
// and gives its first receipt.
func (t *tx) recognise(p *prepared) (ledger.Receipt, bool, error) {
	if p.form != nil {
		return ledger.Receipt{}, false, nil
	}
	en, ok := t.find(p.event, p.info)
	if !ok || en.sum != p.sum || en.agency != p.message.Agency {
		return ledger.Receipt{}, false, nil
	}
	r, ok := t.records[en.position]
	if !ok {
		var err error
		if r, err = t.j.read(en.position); err != nil {
			return ledger.Receipt{}, false, fmt.Errorf("read position %d: %w", en.position, err)
		}
	}
	return receiptOf(r, p), true, nil
}

func receiptOf(r ledger.Record, p *prepared) ledger.Receipt {
	id := p.event.ID
	if id == "" {
		id = "-"
	}
	return ledger.Receipt{
		Agency: p.message.Agency, Event: id, Sum: p.sum, Outcome: ledger.Admitted,
		Position: r.Position, Recorded: r.Recorded, Leaf: r.LeafHash(),
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
	receipt := receiptOf(r, p)
	receipt.Origin = d.tx.roster.Genesis().Origin
	return answer{receipt: receipt, fresh: true}, nil
}

func (d *decision) add(r ledger.Record, e ledger.Event, sum ledger.Hash) error {
	if err := d.tx.admit(r, e, sum); err != nil {
		return err
	}
	d.tx.records[r.Position] = r
	d.records = append(d.records, r)
	return nil
}

// refuse makes the record of a refusal, an event of the registrar's own.
func (g *Registrar) refuse(d *decision, p *prepared, bad *ledger.Refusal, recorded time.Time) (answer, error) {
	var nonce [32]byte
	g.Random(nonce[:])
	payload := ledger.SubmissionRefused{
		Agency: p.message.Agency, Reason: bad.Code, Pointers: safe(bad.Pointers),
		Digest: Digest(nonce, p.sub.Body).String(), First: bad.First,
	}
	r, e, err := g.own(d, payload, recorded)
	if err != nil {
		return answer{}, err
	}
	if err := d.add(r, e, ledger.Submission{Body: r.Body}.Sum()); err != nil {
		return answer{}, err
	}
	receipt := receiptOf(r, p)
	receipt.Origin = d.tx.roster.Genesis().Origin
	receipt.Outcome, receipt.Reason, receipt.Pointers = ledger.Refused, bad.Code, payload.Pointers
	receipt.Nonce, receipt.First = nonce, bad.First
	return answer{receipt: receipt, fresh: true}, nil
}

func safe(pointers []string) []string {
	out := make([]string, 0, min(len(pointers), ledger.MaxPointers))
	for _, p := range pointers[:min(len(pointers), ledger.MaxPointers)] {
		out = append(out, ledger.SafePointer(p))
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
	var next, failed atomic.Int64
	failed.Store(-1)
	var wg sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), len(answers)) {
		wg.Go(func() {
			for i := next.Add(1) - 1; i < int64(len(answers)); i = next.Add(1) - 1 {
				signed, err := ledger.SignReceipt(answers[i].receipt, g.Receipt)
				if err != nil {
					failed.Store(i)
					return
				}
				answers[i].signed = signed
			}
		})
	}
	wg.Wait()
	if i := failed.Load(); i >= 0 {
		return fmt.Errorf("sign the receipt for position %d: the receipt key does not work", answers[i].receipt.Position)
	}
	return nil
}
