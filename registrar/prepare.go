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
	known   bool // the bytes are an event of a kind that info describes

	// Refusals by the order of the rules: before, at, and after the signature.
	form, signature, content *ledger.Refusal
	// verified are the public keys under which the signatures were found to
	// fit, with the roster as it was then. It may have moved on when the
	// submission is decided.
	verified []ed25519.PublicKey
	roster   *roster.Roster
	unsigned bool // a dry run that leaves the signatures out
}

// rules are what preparing needs of the ledger.
type rules struct {
	roster  *roster.Roster
	schemas *schemas.Validator
	open    func(ledger.Kind, int) bool
}

// prepareAll does the work of a batch on all cores.
func (u rules) prepareAll(messages []Message) []prepared {
	out := make([]prepared, len(messages))
	parallel(len(messages), func(i int) { out[i] = u.prepare(messages[i], len(messages) == 1) })
	return out
}

// parallel calls do for 0 to n-1 on all cores.
func parallel(n int, do func(int)) {
	workers := min(runtime.GOMAXPROCS(0), n)
	var next atomic.Int64
	work := func() {
		for i := int(next.Add(1) - 1); i < n; i = int(next.Add(1) - 1) {
			do(i)
		}
	}
	if workers <= 1 {
		work()
		return
	}
	var wg sync.WaitGroup
	for range workers {
		wg.Go(work)
	}
	wg.Wait()
}

// prepare does the work of one submission; alone, when it is the only one at
// hand, its signatures and its data are checked at the same time.
func (u rules) prepare(m Message, alone bool) prepared {
	p := prepared{message: m}
	p.sub, p.form = ledger.ParseSubmission(m.Agency, m.Header, m.Body)
	p.sum = p.sub.Sum()
	u.decode(&p)
	switch {
	case p.form != nil:
	case alone && p.info.Stream == ledger.StreamCase:
		verified := make(chan prepared, 1)
		beside := p
		go func() {
			beside.verify(u.roster)
			verified <- beside
		}()
		u.check(&p)
		v := <-verified
		p.signature, p.verified, p.roster = v.signature, v.verified, v.roster
	default: // who signs a roster event stands in its data
		u.check(&p)
		p.verify(u.roster)
	}
	return p
}

// decode reads the bytes. What is refused for its headers is decoded too: a
// submission is its bytes, and these may have been admitted before.
func (u rules) decode(p *prepared) {
	event, bad := ledger.Decode(p.sub.Body)
	p.event = event
	if bad == nil || bad.Code == ledger.CodePersonalData {
		// What looks like personal data is an event all the same, and may have
		// been admitted when the rules were others.
		p.info, p.known = ledger.LookupKind(event.Kind, event.Version)
	}
	if bad == nil {
		bad = p.checkForm(u.roster.Genesis().Origin, u.open)
	}
	if p.form == nil {
		p.form = bad
	}
}

// check holds the data against its schema. A payload is decoded only when that
// holds.
func (u rules) check(p *prepared) {
	if p.content = u.schemas.Refusal(p.event.Kind, p.event.Version, p.event.Data); p.content == nil {
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
}

// checkForm covers what the envelope alone tells.
func (p *prepared) checkForm(origin string, open func(ledger.Kind, int) bool) *ledger.Refusal {
	e := &p.event
	switch {
	case e.Source != p.sub.Agency:
		return ledger.Refuse(ledger.CodeWrongSource, "/source", "")
	case e.Ledger != origin:
		return ledger.Refuse(ledger.CodeWrongLedger, "/ledger", "this ledger is %s", origin)
	case !p.known:
		return ledger.Refuse(ledger.CodeUnknownKind, "/type", "")
	case p.info.Party == ledger.PartyRegistrar:
		return ledger.Refuse(ledger.CodeReservedKind, "/type", "")
	case !open(e.Kind, e.Version):
		return ledger.Refuse(ledger.CodeVersionNotOpen, "/type", "")
	}
	return nil
}

// verify finds the signers and checks every signature.
func (p *prepared) verify(r *roster.Roster) {
	p.verified, p.roster = nil, r
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
	if p.roster == r {
		return // rosters are values: the same one says the same
	}
	keys, bad := r.Signers(p.event, p.sub.Signatures)
	if bad != nil {
		p.signature, p.verified, p.roster = bad, nil, r
		return
	}
	same := slices.EqualFunc(keys, p.verified, func(a, b ed25519.PublicKey) bool { return a.Equal(b) })
	if !same {
		p.verify(r)
	}
}
