package web

import (
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"strings"

	"github.com/berkas-ledger/berkas/ledger"
)

// Problem is an answer that is no success (RFC 9457). It holds nothing of what
// the caller sent: codes, places and words of this program only.
type Problem struct {
	Type   string `json:"type" doc:"urn:berkas:problem: and the code"`
	Title  string `json:"title" doc:"What the HTTP status means"`
	Status int    `json:"status" doc:"The HTTP status"`
	Code   string `json:"code" doc:"Stable code: one of /v1/codes/reasons, or of docs/http.md"`
	// The messages may be reworded, the code may not.
	Detail           string   `json:"detail" doc:"What is wrong, in English"`
	DetailIndonesian string   `json:"detail_id" doc:"What is wrong, in Indonesian"`
	Pointers         []string `json:"pointers,omitempty" doc:"JSON pointers (RFC 6901) into the event"`
	Retry            bool     `json:"retry" doc:"Whether the same bytes may succeed later"`
	First            uint64   `json:"first,omitempty" doc:"Position at which the event's id was used before"`
	Receipt          string   `json:"receipt,omitempty" doc:"The registrar's signed word on the refusal; absent when the door itself turned the submission away, which is not recorded"`
	Request          string   `json:"request_id" doc:"Names this request in the server's log"`

	after int // seconds until it makes sense to try again; 0: not said
}

func (p *Problem) Error() string { return p.Code + ": " + p.Detail }

const problemType = "application/problem+json"

// problem makes a problem of this package's own.
func problem(status int, code string, t text) *Problem {
	return &Problem{Status: status, Code: code, Detail: t.EN, DetailIndonesian: t.ID}
}

func (p *Problem) again(seconds int) *Problem {
	p.Retry, p.after = true, seconds
	return p
}

// Problems that do not depend on the request.
var (
	errInternal          = problem(500, "internal", text{"Kesalahan di peladen. Dicatat dengan nomor permintaan ini.", "Something went wrong in the server. It is logged under this request's id."})
	errCrowded           = problem(503, "crowded", text{"Terlalu banyak permintaan sedang dikerjakan. Coba lagi sebentar.", "Too many requests are under way. Try again in a moment."}).again(1)
	errTooLong           = problem(503, "too-slow", text{"Jawaban tidak selesai dalam batas waktu. Coba lagi.", "The answer was not ready within the time limit. Try again."}).again(2)
	errUnavailable       = problem(503, "unavailable", text{"Bagian ini sedang tidak berjalan.", "This part is not running at present."}).again(5)
	errNotFound          = problem(404, "not-found", text{"Tidak ada yang beralamat demikian.", "There is nothing at this address."})
	errMethod            = problem(405, "method-not-allowed", text{"Alamat ini tidak menerima metode itu.", "This address does not take that method."})
	errForeignOrigin     = problem(403, "cross-origin", text{"Permintaan datang dari situs lain.", "The request comes from another site."})
	errNoCredential      = problem(401, "credential-missing", text{"Perlu token: Authorization: Bearer <token>, atau masuk lewat /login.", "A token is needed: Authorization: Bearer <token>, or log in at /login."})
	errUnknownCredential = problem(401, "credential-unknown", text{"Token tidak dikenal.", "The token is not known."})
	errTooWeak           = problem(403, "credential-too-weak", text{"Kredensial ini tidak cukup: ia hanya untuk angka, atau hanya untuk sebuah kalender.", "This credential is not enough: it is for figures only, or for a calendar only."})
	errBadForm           = problem(400, "bad-form", text{"Formulir tidak terbaca.", "The form cannot be read."})
	errTooMuch           = problem(403, "credential-too-strong", text{"Token ini membuka lebih dari sebuah kalender; jangan taruh dalam alamat. Buat token berperan calendar.", "This token opens more than a calendar; do not put it into an address. Make one of role calendar."})
)

// statuses is the one table from reason codes to HTTP status: 400 for what is no
// event, 401 and 403 for who signed and what he may do, 409 for what the state
// of the ledger does not allow, 413 and 415 for size and media type, 422 for
// what no state would allow.
var statuses = map[ledger.Code]int{
	ledger.CodeTooLarge:    http.StatusRequestEntityTooLarge,
	ledger.CodeContentType: http.StatusUnsupportedMediaType,

	ledger.CodeNotUTF8:            http.StatusBadRequest,
	ledger.CodeNotJSON:            http.StatusBadRequest,
	ledger.CodeDuplicateKey:       http.StatusBadRequest,
	ledger.CodeBadEnvelope:        http.StatusBadRequest,
	ledger.CodeUnknownAttribute:   http.StatusBadRequest,
	ledger.CodeForbiddenHeader:    http.StatusBadRequest,
	ledger.CodeSignatureMalformed: http.StatusBadRequest,
	ledger.CodeSignatureDoubled:   http.StatusBadRequest,

	ledger.CodeSignatureMissing: http.StatusUnauthorized,
	ledger.CodeSignatureInvalid: http.StatusUnauthorized,
	ledger.CodeKeyUnknown:       http.StatusUnauthorized,

	ledger.CodeKeyRevoked:         http.StatusForbidden,
	ledger.CodeKeyForeign:         http.StatusForbidden,
	ledger.CodeRootsTooFew:        http.StatusForbidden,
	ledger.CodeWrongSource:        http.StatusForbidden,
	ledger.CodeReservedKind:       http.StatusForbidden,
	ledger.CodeNoMandateThen:      http.StatusForbidden,
	ledger.CodeNoMandateNow:       http.StatusForbidden,
	ledger.CodeLateWithoutMandate: http.StatusForbidden,
	ledger.CodeOutsideScope:       http.StatusForbidden,
	ledger.CodeNotHolder:          http.StatusForbidden,
	ledger.CodeNotAddressee:       http.StatusForbidden,
	ledger.CodeNotOpener:          http.StatusForbidden,
	ledger.CodeNotParticipant:     http.StatusForbidden,
	ledger.CodeNotRecorder:        http.StatusForbidden,

	ledger.CodeIDReused:          http.StatusConflict,
	ledger.CodeCaseUnknown:       http.StatusConflict,
	ledger.CodeCaseExists:        http.StatusConflict,
	ledger.CodeStaleVersion:      http.StatusConflict,
	ledger.CodeTransition:        http.StatusConflict,
	ledger.CodeBreaksLater:       http.StatusConflict,
	ledger.CodeRespondentUnknown: http.StatusConflict,
	ledger.CodeReferenceUnknown:  http.StatusConflict,
	ledger.CodeRegime:            http.StatusConflict,
	ledger.CodeRosterConflict:    http.StatusConflict,

	ledger.CodeUnknownKind:        http.StatusUnprocessableEntity,
	ledger.CodeVersionNotOpen:     http.StatusUnprocessableEntity,
	ledger.CodeWrongLedger:        http.StatusUnprocessableEntity,
	ledger.CodePersonalData:       http.StatusUnprocessableEntity,
	ledger.CodeSealedMisplaced:    http.StatusUnprocessableEntity,
	ledger.CodeSchema:             http.StatusUnprocessableEntity,
	ledger.CodeTimeInFuture:       http.StatusUnprocessableEntity,
	ledger.CodeSubject:            http.StatusUnprocessableEntity,
	ledger.CodeInstitutionUnknown: http.StatusUnprocessableEntity,
}

// statusOf gives a code's status. One that a newer registrar made up is 422.
func statusOf(c ledger.Code) int {
	if status, ok := statuses[c]; ok {
		return status
	}
	return http.StatusUnprocessableEntity
}

// refusalProblem says why a submission may not enter.
func refusalProblem(r *ledger.Refusal) *Problem {
	reason, _ := ledger.ReasonOf(r.Code)
	p := &Problem{
		Status: statusOf(r.Code), Code: string(r.Code), Detail: reason.English, DetailIndonesian: reason.Indonesian,
		Pointers: r.Pointers, Retry: reason.Retry, First: uint64(r.First),
	}
	if r.Detail != "" {
		p.Detail = strings.TrimSpace(p.Detail + " " + r.Detail)
	}
	return p
}

// fail answers an error: to a program as a problem, to a person as a page.
func (s *Server) fail(w http.ResponseWriter, r *http.Request, err error) {
	t := trailOf(r.Context())
	p := s.problemOf(r, err)
	t.code = p.Code
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	h.Del("ETag")
	h.Del("Content-Disposition") // what is wrong is to be read, not to be saved
	if p.after > 0 {
		h.Set("Retry-After", strconv.Itoa(p.after))
	}
	if p.Status == http.StatusUnauthorized {
		h.Set("WWW-Authenticate", `Bearer realm="berkas"`)
	}
	if wantsPage(r) {
		v := view{Template: "problem", Title: text{p.DetailIndonesian, p.Detail}, Data: p, Status: p.Status}
		if s.render(w, r, v) == nil {
			return
		}
	}
	writeProblem(w, p)
}

// problemOf makes an error presentable. What is no problem is logged, not shown.
func (s *Server) problemOf(r *http.Request, err error) *Problem {
	var p *Problem
	var large *http.MaxBytesError
	id := trailOf(r.Context()).id
	switch {
	case errors.As(err, &p):
	case errors.As(err, &large):
		p = problem(http.StatusRequestEntityTooLarge, string(ledger.CodeTooLarge), text{"Isi permintaan terlalu besar.", "The request's body is too large."})
	case r.Context().Err() != nil:
		p = errTooLong
	default:
		s.Log.Error("request failed", "request", id, "pattern", r.Pattern, "error", err)
		p = errInternal
	}
	out := *p
	out.Type, out.Title, out.Request = "urn:berkas:problem:"+p.Code, http.StatusText(p.Status), id
	return &out
}

func writeProblem(w http.ResponseWriter, p *Problem) {
	body, err := json.Marshal(p)
	if err != nil { // strings and numbers always marshal
		body = []byte(`{"code":"internal"}`)
	}
	w.Header().Set("Content-Type", problemType)
	w.WriteHeader(p.Status)
	_, _ = w.Write(append(body, '\n')) // a caller who has gone hears nothing
}

// wantsPage tells a browser that looks at a page from a program.
func wantsPage(r *http.Request) bool {
	return !strings.HasPrefix(r.URL.Path, "/v1/") && strings.Contains(r.Header.Get("Accept"), "text/html")
}
