package registrar

import (
	"crypto/ed25519"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/berkas-ledger/berkas/ledger"
	"github.com/berkas-ledger/berkas/roster"
	"github.com/berkas-ledger/berkas/schemas"
)

// Message is one submission as it came in.
type Message struct {
	Agency ledger.AgencyID // authenticated sender
	Header map[string][]string
	Body   []byte
	Ack    func() // removes it from intake; buffered until the store is flushed
}

// prepared is a submission after everything that needs no state of cases: it is
// made in parallel, and ahead of the batch before it.
type prepared struct {
	message Message
	sub     ledger.Submission
	sum     ledger.Hash
	event   ledger.Event // zero when the bytes are no event
	info    ledger.KindInfo

	// Refusals by the order of the rules: before, at, and after the signature.
	form, signature, content *ledger.Refusal
	// verified are the public keys under which the signatures were found to
	// fit. The roster may have moved on when the submission is decided.
	verified []ed25519.PublicKey
}

// prepareAll does the work of a batch on all cores.
func prepareAll(messages []Message, r *roster.Roster, v *schemas.Validator, open func(ledger.Kind, int) bool) []prepared {
	out := make([]prepared, len(messages))
	workers := min(runtime.GOMAXPROCS(0), len(messages))
	var next atomic.Int64
	work := func() {
		for i := next.Add(1) - 1; i < int64(len(messages)); i = next.Add(1) - 1 {
			out[i] = prepare(messages[i], r, v, open)
		}
	}
	if workers <= 1 {
		work()
		return out
	}
	var wg sync.WaitGroup
	for range workers {
		wg.Go(work)
	}
	wg.Wait()
	return out
}

func prepare(m Message, r *roster.Roster, v *schemas.Validator, open func(ledger.Kind, int) bool) prepared {
	p := prepared{message: m}
	if p.sub, p.form = ledger.ParseSubmission(m.Agency, m.Header, m.Body); p.form != nil {
		p.sum = p.sub.Sum()
		return p
	}
	p.sum = p.sub.Sum()
	if p.event, p.form = ledger.Decode(m.Body); p.form != nil {
		return p
	}
	p.form = p.checkForm(r.Genesis().Origin, open)
	if p.form != nil {
		return p
	}
	// A payload is decoded only when its schema holds; the rule of a roster
	// kind's signatures needs it.
	if p.content = v.Refusal(p.event.Kind, p.event.Version, p.event.Data); p.content == nil {
		payload, err := ledger.DecodePayload(p.event.Kind, p.event.Version, p.event.Data)
		if err != nil {
			p.content = ledger.Refuse(ledger.CodeSchema, "/data", "")
		} else {
			p.event.Payload = payload
		}
	}
	if p.content == nil {
		p.content = ledger.CheckSealed(p.event)
	}
	p.verify(r)
	return p
}

// checkForm covers what the envelope alone tells.
func (p *prepared) checkForm(origin string, open func(ledger.Kind, int) bool) *ledger.Refusal {
	e := &p.event
	if e.Source != p.message.Agency {
		return ledger.Refuse(ledger.CodeWrongSource, "/source", "")
	}
	if e.Ledger != origin {
		return ledger.Refuse(ledger.CodeWrongLedger, "/ledger", "this ledger is %s", origin)
	}
	var known bool
	if p.info, known = ledger.LookupKind(e.Kind, e.Version); !known {
		return ledger.Refuse(ledger.CodeUnknownKind, "/type", "")
	}
	if p.info.Party == ledger.PartyRegistrar {
		return ledger.Refuse(ledger.CodeReservedKind, "/type", "")
	}
	if !open(e.Kind, e.Version) {
		return ledger.Refuse(ledger.CodeVersionNotOpen, "/type", "")
	}
	return nil
}

// verify finds the signers and checks every signature.
func (p *prepared) verify(r *roster.Roster) {
	p.verified = nil
	keys, bad := r.Signers(p.event, p.sub.Signatures)
	if bad != nil {
		p.signature = bad
		return
	}
	for i, k := range keys {
		if !p.sub.Signatures[i].Fits(k, p.sub.Body) {
			p.signature = ledger.Refuse(ledger.CodeSignatureInvalid, "", "")
			return
		}
	}
	p.signature, p.verified = nil, keys
}

// recheck repeats the judgement of the signatures when the roster has moved on
// since they were verified.
func (p *prepared) recheck(r *roster.Roster) {
	keys, bad := r.Signers(p.event, p.sub.Signatures)
	if bad != nil {
		p.signature, p.verified = bad, nil
		return
	}
	same := slices.EqualFunc(keys, p.verified, func(a, b ed25519.PublicKey) bool { return a.Equal(b) })
	if !same {
		p.verify(r)
	}
}
