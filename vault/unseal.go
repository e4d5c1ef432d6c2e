package vault

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"

	"github.com/berkas-ledger/berkas/ledger"
	"github.com/berkas-ledger/berkas/seal"
)

// Reason is why a sealed value is opened.
type Reason string

// The closed list of reasons.
const (
	CaseHandling       Reason = "case-handling"        // by who handles the case
	Objection          Reason = "objection"            // an objection, appeal or court case is being answered
	Audit              Reason = "audit"                // an auditor checks the handling
	DataSubjectRequest Reason = "data-subject-request" // the person asks for what is kept about him or her (UU 27/2022 Ps 7)
	CourtOrder         Reason = "court-order"          // a court orders disclosure
)

// Reasons lists the reasons in the order in which pages and commands offer them.
func Reasons() []Reason {
	return []Reason{CaseHandling, Objection, Audit, DataSubjectRequest, CourtOrder}
}

// officerPattern is a code that the agency can trace to a person and nobody
// else can: a unit of letters and at most six digits. Neither a name in two
// words nor a NIP (18 digits) fits.
var officerPattern = regexp.MustCompile(`^[a-z]{1,16}-[0-9]{1,6}$`)

// ErrRequest says that a request to unseal is incomplete or not in codes.
var ErrRequest = errors.New("vault: not a request to unseal")

// UnsealRequest asks for the text of one sealed value.
type UnsealRequest struct {
	Sealed  string
	Place   seal.Place // where the asker found it
	Reason  Reason
	Agency  ledger.AgencyID // who asks, as authenticated by the caller
	Officer string          // the asking officer's code, for instance "intake-17"
}

func (q UnsealRequest) check() error {
	switch {
	case !slices.Contains(Reasons(), q.Reason):
		return fmt.Errorf("%w: reason is none of %q", ErrRequest, Reasons())
	case !q.Agency.Valid():
		return fmt.Errorf("%w: agency", ErrRequest)
	case !officerPattern.MatchString(q.Officer):
		return fmt.Errorf("%w: officer is not a code of letters, a hyphen and up to six digits", ErrRequest)
	}
	return nil
}

// Unseal returns the text of a sealed value after record has made the unsealing
// durable, and never before: if record fails, the text is wiped here.
//
// record submits the payload as personal-data.unsealed with caseID as its
// subject, and returns nil only when it holds a receipt that says admitted. It
// is not given the text, and called once at most.
//
// The value is opened before it is recorded, so that nothing is recorded that
// could not have happened. If the process dies in between, or record fails after
// it took hold, the ledger tells of an opening whose text nobody got; never is
// there a text of which it does not tell. The slice is the caller's to clear.
//
// Errors: ErrRequest, ErrNoKey, ErrOtherCase, ErrClosed, those of seal.Open,
// and record's own, wrapped.
func (r *Ring) Unseal(
	ctx context.Context,
	request UnsealRequest,
	record func(ctx context.Context, caseID string, payload ledger.Unsealed) error,
) ([]byte, error) {
	if err := request.check(); err != nil {
		return nil, err
	}
	_, kid, err := seal.Header(request.Sealed)
	if err != nil {
		return nil, err
	}
	key, err := r.keyAt(kid, request.Place)
	if err != nil {
		return nil, err
	}
	text, err := seal.Open(key, request.Sealed, request.Place)
	if err != nil {
		return nil, err
	}
	return handOut(text, func() error {
		return record(ctx, request.Place.Case, ledger.Unsealed{
			Event:   request.Place.Event,
			Pointer: request.Place.Pointer,
			Key:     kid,
			Reason:  string(request.Reason),
			Agency:  request.Agency,
			Officer: request.Officer,
		})
	})
}

// handOut returns text once recorded returns nil. Otherwise, also when recorded
// panics, it wipes it.
func handOut(text []byte, recorded func() error) ([]byte, error) {
	durable := false
	defer func() {
		if !durable {
			clear(text)
		}
	}()
	if err := recorded(); err != nil {
		return nil, fmt.Errorf("vault: not recorded, so not opened: %w", err)
	}
	durable = true
	return text, nil
}
