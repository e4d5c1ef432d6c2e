package agencies

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/nats-io/nats.go"
	"golang.org/x/mod/sumdb/note"

	"github.com/berkas-ledger/berkas/ledger"
)

const (
	maxPatience = time.Minute
	// A full intake empties within a second or two of the registrar's work.
	firstBackoff = 50 * time.Millisecond
	maxBackoff   = 5 * time.Second
)

const turnedAway = "submission turned away, to be sent again"

// wait is one submission that waits for its receipt.
type wait struct {
	sum    ledger.Hash
	token  string        // names it to INTAKE
	notes  chan []byte   // receipts that came for these bytes, not verified
	turned chan error    // INTAKE did not take it
	again  chan struct{} // the connection was lost and is back
}

// Submit hands a submission in and waits for the registrar's receipt. A receipt
// that says admitted is returned without error.
//
// A publish acknowledgement promises nothing, so until a receipt that verifies
// is at hand the same bytes are sent again: when Patience has passed, when the
// connection was lost, and when INTAKE turned them away because it is full. To
// send the same bytes twice does no harm.
//
// Errors: *RefusedError, *NoReceiptError when ctx ended first, ErrTooLarge,
// ErrDenied, ErrClosed. Only the first is an answer; after the others it is not
// known whether the submission is on the ledger.
func (c *Client) Submit(ctx context.Context, s ledger.Submission) (ledger.Receipt, error) {
	a, err := c.submit(ctx, s)
	return a.receipt, err
}

// answer is a receipt and the signed note that says it.
type answer struct {
	receipt ledger.Receipt
	note    []byte
}

func (c *Client) submit(ctx context.Context, s ledger.Submission) (answer, error) {
	if s.Agency != c.config.Agency {
		return answer{}, fmt.Errorf("%w: a submission of %q through the connection of %q", ErrDenied, s.Agency, c.config.Agency)
	}
	w := c.register(s.Sum())
	defer c.forget(w)
	var last error
	patience, backoff := c.config.Patience, firstBackoff
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case signed := <-w.notes:
			a, err := c.open(signed, w.sum)
			if err != nil {
				last = err
				c.log.WarnContext(ctx, "ignored a receipt", "agency", s.Agency, "error", err)
				continue
			}
			if a.receipt.Outcome == ledger.Refused {
				return a, &RefusedError{a.receipt, signed}
			}
			return a, nil
		case err := <-w.turned:
			if errors.Is(err, ErrTooLarge) {
				return answer{}, err
			}
			last = err
			c.log.DebugContext(ctx, turnedAway, "agency", s.Agency, "bytes", w.sum, "error", err)
			timer.Reset(backoff + rand.N(backoff))
			backoff = min(2*backoff, maxBackoff)
		case <-w.again:
			timer.Reset(0)
		case <-timer.C:
			if last = c.publish(w, s); errors.Is(last, ErrTooLarge) || errors.Is(last, ErrClosed) {
				return answer{}, last
			}
			timer.Reset(patience)
			patience = min(2*patience, maxPatience)
		case <-c.down:
			return answer{}, c.why
		case <-ctx.Done():
			return answer{}, noReceipt(ctx, w.sum, last)
		}
	}
}

// publish sends once. The stream behind the subject answers a publish only when
// asked: the answer of interest is that it did not take it.
func (c *Client) publish(w *wait, s ledger.Submission) error {
	err := c.conn.PublishMsg(&nats.Msg{
		Subject: "intake." + string(s.Agency),
		Reply:   c.inbox + w.token,
		Header:  s.Header(), // a new one each time: clients may change what they are given
		Data:    s.Body,
	})
	switch {
	case err == nil:
		return nil
	case errors.Is(err, nats.ErrMaxPayload):
		return fmt.Errorf("%w: %w", ErrTooLarge, err)
	case errors.Is(err, nats.ErrConnectionClosed):
		return ErrClosed
	default: // while it looks for the server; what is under way is sent again then
		return fmt.Errorf("%w: %w", ErrDisconnected, err)
	}
}

// open verifies that a note is the registrar's word on these bytes.
func (c *Client) open(signed []byte, sum ledger.Hash) (answer, error) {
	r, err := verifyReceipt(signed, c.config.Receipts, c.config.Origin, c.config.Agency, sum)
	return answer{r, signed}, err
}

func verifyReceipt(signed []byte, verifier note.Verifier, origin string, agency ledger.AgencyID, sum ledger.Hash) (ledger.Receipt, error) {
	r, err := ledger.OpenReceipt(signed, verifier)
	if err != nil {
		return ledger.Receipt{}, fmt.Errorf("%w: %w", ErrReceipt, err)
	}
	switch {
	case r.Origin != origin:
		return ledger.Receipt{}, fmt.Errorf("%w: it is of the ledger %s", ErrReceipt, r.Origin)
	case r.Agency != agency:
		return ledger.Receipt{}, fmt.Errorf("%w: it is for %s", ErrReceipt, r.Agency)
	case r.Sum != sum:
		return ledger.Receipt{}, fmt.Errorf("%w: it is for the bytes %s", ErrReceipt, r.Sum)
	}
	return r, nil
}

// JetStream's codes for a message that is larger than the stream takes, and
// for one that the stream could not store.
const (
	codeMessageTooLarge = 10054
	codeNotStored       = 10077
)

// answerError reads what INTAKE answers to a publish; nil when it was taken in.
func answerError(m *nats.Msg) error {
	if len(m.Data) == 0 && m.Header.Get("Status") == "503" {
		return ErrNoIntake
	}
	var a struct {
		Error *struct {
			Code        int    `json:"err_code"`
			Description string `json:"description"`
		} `json:"error"`
	}
	if err := json.Unmarshal(m.Data, &a); err != nil {
		return fmt.Errorf("%w: its answer is not JSON", ErrNoIntake)
	}
	switch {
	case a.Error == nil:
		return nil
	case a.Error.Code == codeMessageTooLarge:
		return fmt.Errorf("%w: %s", ErrTooLarge, a.Error.Description)
	case a.Error.Code == codeNotStored:
		return fmt.Errorf("%w: %s", ErrIntakeFull, a.Error.Description)
	default:
		return fmt.Errorf("%w: %s", ErrNoIntake, a.Error.Description)
	}
}
