package web

import (
	"context"
	"errors"
	"io"
	"mime"
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/berkas-ledger/berkas/ledger"
	"github.com/berkas-ledger/berkas/roster"
	"github.com/berkas-ledger/berkas/schemas"
)

// noteType is the media type of a signed note, which has none of its own.
const noteType = "text/plain; charset=utf-8"

func (s *Server) describeEvents() {
	s.operation(operation{
		Operation: huma.Operation{
			OperationID: "submit", Method: http.MethodPost, Path: "/v1/events", Tags: []string{"submit"},
			Summary: "Submit one signed event",
			Description: "The body is the event, byte for byte as it was signed, at most 48 KiB. The answer is the registrar's receipt, which stands for an fsync. " +
				"Whoever misses it sends the same bytes again, as often as need be: it is recognised and gets the first receipt.",
			Parameters: []*huma.Param{{
				Name: ledger.HeaderSignature, In: "header", Required: true, Schema: &huma.Schema{Type: "string"}, Examples: exampleSignatures(),
				Description: "'<key-id> <88 characters of base64>'; the header may be repeated, up to 16 times",
			}},
			RequestBody: &huma.RequestBody{
				Required: true, Description: "A CloudEvent 1.0 in structured JSON",
				Content: map[string]*huma.MediaType{ledger.ContentType: {Schema: &huma.Schema{Type: "object"}, Examples: exampleEvents()}},
			},
			Security: []map[string][]string{{"signature": {}}},
		},
		Answers: map[int]answerKind{
			201: {Says: "Admitted. The signed receipt", Media: "text/plain", Body: ""},
			200: {Says: "Admitted before. The first receipt, signed", Media: "text/plain", Body: ""},
			504: {Says: "No receipt within the wait; the event may be on the ledger. Send the same bytes again", Media: problemType, Body: Problem{}},
		},
	}, s.postEvent)
}

func (s *Server) postEvent(w http.ResponseWriter, r *http.Request) error {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, ledger.MaxBody))
	if err != nil {
		var large *http.MaxBytesError
		if errors.As(err, &large) {
			return s.turnAway(ledger.Refuse(ledger.CodeTooLarge, "", ""))
		}
		return errBodyCut
	}
	a := s.submit(r.Context(), r.Header, body)
	if a.sender != "" {
		trailOf(r.Context()).caller = "signed " + string(a.sender)
	}
	if a.problem != nil {
		return a.problem
	}
	h := w.Header()
	h.Set("Content-Type", noteType)
	if a.caseID != "" {
		h.Set("Location", "/v1/cases/"+a.caseID)
	}
	w.WriteHeader(a.status)
	_, _ = w.Write(a.note) // whoever has gone sends the same bytes again
	return nil
}

var (
	errBodyCut  = problem(http.StatusBadRequest, "body-cut", text{"Isi permintaan terputus.", "The request's body was cut short."}).again(1)
	errNoDoor   = problem(http.StatusServiceUnavailable, "door-closed", text{"Peladen ini tidak menerima peristiwa.", "This server takes no events."})
	errBusy     = problem(http.StatusServiceUnavailable, "intake-full", text{"Antrean penuh; tidak ada yang diterima. Kirim lagi byte yang sama.", "The intake is full; nothing was taken in. Send the same bytes again."}).again(2)
	errAway     = problem(http.StatusServiceUnavailable, "intake-away", text{"Antrean lembaga ini sedang tidak berjalan. Kirim lagi byte yang sama.", "The agency's intake is not running. Send the same bytes again."}).again(5)
	errNoAnswer = problem(http.StatusGatewayTimeout, "receipt-pending", text{
		"Belum ada tanda terima. Peristiwa mungkin sudah tercatat: kirim lagi byte yang sama.",
		"No receipt yet. The event may be on the ledger: send the same bytes again.",
	}).again(5)
)

// answer is what became of a submission: a note, or a problem.
type answer struct {
	status  int
	note    []byte
	caseID  string          // of an admitted event of a case
	sender  ledger.AgencyID // whose signature fits; "" when the door turned it away
	problem *Problem
}

// submit takes one submission through the door and waits for its receipt.
func (s *Server) submit(ctx context.Context, header http.Header, body []byte) answer {
	sub, event, bad := examine(s.Roster(), s.validator, header, body)
	if bad != nil {
		return answer{problem: s.turnAway(bad)}
	}
	return s.handIn(ctx, sub, event)
}

// turnAway counts what does not touch INTAKE.
func (s *Server) turnAway(bad *ledger.Refusal) *Problem {
	s.door.turn(bad.Code)
	return refusalProblem(bad)
}

func (s *Server) handIn(ctx context.Context, sub ledger.Submission, event ledger.Event) answer {
	out := answer{sender: sub.Agency}
	if s.Submit == nil {
		out.problem = errNoDoor
		return out
	}
	// A receipt that stands further on than this was earned by this request or
	// by one beside it.
	before := s.Head()
	waiting, cancel := context.WithTimeout(ctx, s.Limits.ReceiptWait)
	defer cancel()
	receipt, note, err := s.Submit(waiting, sub)
	switch {
	case errors.Is(err, ErrBusy):
		out.problem = errBusy
	case errors.Is(err, ErrAway):
		out.problem = errAway
	case err != nil:
		s.door.pend()
		out.problem = errNoAnswer
	case receipt.Outcome == ledger.Refused:
		s.door.pass()
		out.problem = refusalProblem(&ledger.Refusal{Code: receipt.Reason, Pointers: receipt.Pointers, First: receipt.First})
		out.problem.Receipt = string(note)
	default:
		s.door.pass()
		out.note, out.status = note, http.StatusOK
		if receipt.Position > before {
			out.status = http.StatusCreated
		}
		if info, ok := ledger.LookupKind(event.Kind, event.Version); ok && info.Stream == ledger.StreamCase {
			out.caseID = event.Subject
		}
	}
	return out
}

// examine is the door: size, form and signature, so that a stranger cannot write
// refusals into the record. What passes is decided by the registrar alone. The
// sender is the event's source, whose key has signed it.
func examine(r *roster.Roster, v *schemas.Validator, header http.Header, body []byte) (ledger.Submission, ledger.Event, *ledger.Refusal) {
	sub, bad := ledger.ParseSubmission("", plainType(header), body)
	if bad != nil {
		return sub, ledger.Event{}, bad
	}
	event, bad := ledger.Decode(body)
	if bad != nil {
		return sub, event, bad
	}
	sub.Agency = event.Source
	// Who has to sign an event of the roster, its payload says.
	if info, ok := ledger.LookupKind(event.Kind, event.Version); ok && (info.Party == ledger.PartyRoots || info.Party == ledger.PartyOwnRoot) {
		if bad := v.Refusal(event.Kind, event.Version, event.Data); bad != nil {
			return sub, event, bad
		}
		payload, err := ledger.DecodePayload(event.Kind, event.Version, event.Data)
		if err != nil {
			return sub, event, ledger.Refuse(ledger.CodeSchema, "/data", "")
		}
		event.Payload = payload
	}
	keys, bad := r.Signers(event, sub.Signatures)
	if bad != nil {
		return sub, event, bad
	}
	for i, k := range keys {
		if !sub.Signatures[i].Fits(k, body) {
			return sub, event, ledger.Refuse(ledger.CodeSignatureInvalid, "", "")
		}
	}
	return sub, event, nil
}

// plainType takes off the charset that some libraries of CloudEvents put behind
// the media type; UTF-8 is the only one that JSON has.
func plainType(header http.Header) map[string][]string {
	values := header[ledger.HeaderContentType]
	if len(values) != 1 || values[0] == ledger.ContentType {
		return header
	}
	media, params, err := mime.ParseMediaType(values[0])
	if err != nil || media != ledger.ContentType || len(params) != 1 || !strings.EqualFold(params["charset"], "utf-8") {
		return header
	}
	out := header.Clone()
	out[ledger.HeaderContentType] = []string{ledger.ContentType}
	return out
}
