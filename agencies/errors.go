package agencies

import (
	"context"
	"errors"
	"fmt"

	"github.com/berkas-ledger/berkas/ledger"
)

var (
	// ErrUnreachable says that no connection could be made. Trying again later
	// helps.
	ErrUnreachable = errors.New("the ledger's NATS server cannot be reached")
	// ErrDenied says that the server does not know the agency's credentials, or
	// that they do not allow it to submit. Somebody has to look.
	ErrDenied = errors.New("the agency's credentials do not allow this")
	// ErrTooLarge says that a submission does not fit into a message.
	ErrTooLarge = errors.New("the submission does not fit into a message")
	// ErrIntakeFull says that what waits for the registrar has reached its
	// limit: the submission was turned away and is sent again by and by.
	ErrIntakeFull = errors.New("the intake is full")
	// ErrNoIntake says that nothing takes the agency's submissions: its intake
	// is not set up, or JetStream is down.
	ErrNoIntake = errors.New("nothing takes in the agency's submissions")
	// ErrDisconnected says that the connection is lost; the client is looking
	// for the server.
	ErrDisconnected = errors.New("the connection to the ledger is lost")
	// ErrReceipt says that a receipt came that is not the registrar's word on
	// the submission. It was ignored.
	ErrReceipt = errors.New("a receipt is not genuine")
	// ErrClosed says that the client was closed.
	ErrClosed = errors.New("the client is closed")
	// ErrHeldBack says that a submission was not sent because an earlier one
	// about the same case was not admitted.
	ErrHeldBack = errors.New("not sent: an earlier event of the same case was not admitted")
)

// RefusedError says that the registrar refused a submission and has recorded
// that it did. Receipt is its signed word, Note the word itself.
type RefusedError struct {
	Receipt ledger.Receipt
	Note    []byte
}

func (e *RefusedError) Error() string {
	r := ledger.Refusal{Code: e.Receipt.Reason, Pointers: e.Receipt.Pointers}
	return "refused: " + r.Error()
}

// Retry reports whether the same bytes may be admitted later, when something
// else has changed.
func (e *RefusedError) Retry() bool {
	r, ok := ledger.ReasonOf(e.Receipt.Reason)
	return ok && r.Retry
}

// NoReceiptError says that the context ended before a receipt came. Whether the
// submission is on the ledger is not known: send the same bytes again.
type NoReceiptError struct {
	Sum   ledger.Hash // of the bytes
	Cause error       // why the context ended
	// Last is the last thing that stood in the way, for instance ErrIntakeFull;
	// nil when the submission was taken in and no answer came.
	Last error
}

func (e *NoReceiptError) Error() string {
	text := fmt.Sprintf("no receipt yet for the bytes %s: %v", e.Sum, e.Cause)
	if e.Last != nil {
		text += "; last problem: " + e.Last.Error()
	}
	return text + "; send the same bytes again"
}

func (e *NoReceiptError) Unwrap() []error {
	if e.Last == nil {
		return []error{e.Cause}
	}
	return []error{e.Cause, e.Last}
}

func noReceipt(ctx context.Context, sum ledger.Hash, last error) error {
	return &NoReceiptError{sum, context.Cause(ctx), last}
}
