package ledger

import (
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"
)

// Outcome of a submission.
type Outcome string

// Outcomes.
const (
	Admitted Outcome = "admitted"
	Refused  Outcome = "refused"
)

// Receipt is the registrar's signed word on one submission. It is sent once the
// outcome is durable and is stored nowhere: whoever missed it sends the same
// bytes again. A receipt whose leaf is missing from a later checkpoint proves
// that the operator cheated.
type Receipt struct {
	Origin   string
	Agency   AgencyID
	Event    string // event id; "-" when the bytes were no event
	Sum      Hash   // SHA-256 of the bytes
	Outcome  Outcome
	Position Position // of the event's record, or of the refusal's
	Recorded time.Time
	Leaf     Hash // leaf hash of that record

	// Of a refusal only.
	Reason   Code
	Pointers []string
	Nonce    [32]byte // with the bytes it gives the digest on the ledger
	First    Position // position at which the id was used before, or 0
}

const receiptMagic = "berkas/receipt/v1"

// Text is what is signed: one "name: value" a line, in a fixed order.
func (r Receipt) Text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\norigin: %s\nagency: %s\nevent: %s\nsha256: %s\noutcome: %s\nposition: %d\nrecorded: %s\nleaf: %s\n",
		receiptMagic, r.Origin, r.Agency, r.Event, r.Sum, r.Outcome, r.Position, r.Recorded.UTC().Format(RecordedFormat), r.Leaf)
	if r.Outcome == Refused {
		fmt.Fprintf(&b, "reason: %s\n", r.Reason)
		for _, p := range r.Pointers {
			fmt.Fprintf(&b, "pointer: %s\n", p)
		}
		fmt.Fprintf(&b, "nonce: %s\n", hex.EncodeToString(r.Nonce[:]))
		if r.First != 0 {
			fmt.Fprintf(&b, "first: %d\n", r.First)
		}
	}
	return b.String()
}

// SignReceipt makes the signed note.
func SignReceipt(r Receipt, signer note.Signer) ([]byte, error) {
	return note.Sign(&note.Note{Text: r.Text()}, signer)
}

// OpenReceipt verifies a signed note with the receipt key and reads it.
func OpenReceipt(signed []byte, verifier note.Verifier) (Receipt, error) {
	n, err := note.Open(signed, note.VerifierList(verifier))
	if err != nil {
		return Receipt{}, fmt.Errorf("receipt: %w", err)
	}
	return ParseReceipt(n.Text)
}

// ParseReceipt reads a receipt's text strictly: what Text does not write is
// refused. It verifies nothing.
func ParseReceipt(text string) (Receipt, error) {
	var r Receipt
	rest, ok := strings.CutPrefix(text, receiptMagic+"\n")
	if !ok {
		return r, fmt.Errorf("receipt does not begin with %s", receiptMagic)
	}
	lines := strings.Split(rest, "\n")
	if len(lines) > MaxPointers+16 {
		return r, fmt.Errorf("receipt has %d lines", len(lines))
	}
	for _, line := range lines[:len(lines)-1] {
		name, value, ok := strings.Cut(line, ": ")
		if !ok {
			return r, fmt.Errorf("receipt has a line without a name")
		}
		if err := r.set(name, value); err != nil {
			return r, fmt.Errorf("receipt, %s: %w", name, err)
		}
	}
	if r.Text() != text {
		return Receipt{}, fmt.Errorf("receipt is not in its one form")
	}
	return r, nil
}

func (r *Receipt) set(name, value string) (err error) {
	switch name {
	case "origin":
		r.Origin = value
		if !ValidOrigin(value) {
			err = fmt.Errorf("not the origin of a ledger")
		}
	case "agency":
		r.Agency = AgencyID(value)
		if !r.Agency.Valid() {
			err = fmt.Errorf("not an agency")
		}
	case "event":
		r.Event = value
		if value != "-" && !isUUIDv7(value) {
			err = fmt.Errorf("neither the id of an event nor -")
		}
	case "sha256":
		r.Sum, err = ParseHash(value)
	case "outcome":
		r.Outcome = Outcome(value)
		if r.Outcome != Admitted && r.Outcome != Refused {
			err = fmt.Errorf("neither admitted nor refused")
		}
	case "position":
		r.Position, err = parsePosition(value)
	case "recorded":
		r.Recorded, err = parseRecorded(value)
	case "leaf":
		r.Leaf, err = ParseHash(value)
	default:
		return r.setRefusal(name, value)
	}
	return err
}

func (r *Receipt) setRefusal(name, value string) error {
	switch name {
	case "reason": // perhaps one of a newer registrar
		r.Reason = Code(value)
		if !isCode(value) {
			return fmt.Errorf("not a reason code")
		}
	case "pointer":
		r.Pointers = append(r.Pointers, value)
		if value[:min(len(value), 1)] != "/" || len(r.Pointers) > MaxPointers {
			return fmt.Errorf("not one of at most %d JSON pointers", MaxPointers)
		}
	case "nonce":
		h, err := ParseHash(value)
		r.Nonce = h
		return err
	case "first":
		n, err := strconv.ParseUint(value, 10, 64)
		r.First = Position(n)
		return err
	default:
		return fmt.Errorf("unknown line")
	}
	return nil
}

// ReceiptSubject is where the receipt for some bytes is sent.
func ReceiptSubject(a AgencyID, sum Hash) string { return "receipt." + string(a) + "." + sum.String() }
