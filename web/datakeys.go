package web

import (
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"
	jsonv2 "github.com/go-json-experiment/json"

	"github.com/berkas-ledger/berkas/ledger"
	"github.com/berkas-ledger/berkas/roster"
	"github.com/berkas-ledger/berkas/vault"
)

// DataKey is a key under which personal data is sealed.
type DataKey struct {
	ID  string   // as sealed values name it
	Key [32]byte // A256GCM
}

// Format writes the id, whatever the verb.
func (k DataKey) Format(state fmt.State, _ rune) {
	_, _ = io.WriteString(state, "key "+k.ID) // State has nowhere to report an error to
}

// KeyRequestType is the media type of a request for data keys, and the payload
// type that its signature covers: no signed event is a request, and no request
// an event.
const KeyRequestType = "application/vnd.berkas.data-key-request+json"

// keyRequest asks for the data keys of a case.
type keyRequest struct {
	Ledger  string   `json:"ledger" doc:"The ledger's origin"`
	Case    string   `json:"case" doc:"The case's id, which the agency draws itself for a case it is about to open"`
	Holders []string `json:"holders" minItems:"1" maxItems:"32" nullable:"false" doc:"Whose data is to be sealed: r1, r2, ... or reporter"`
	Time    string   `json:"time" doc:"Now, RFC 3339 in UTC; at most 5 minutes from the server's clock and not before the server started"`
	Nonce   string   `json:"nonce" doc:"32 hexadecimal digits, drawn anew for every request"`
}

// keyAnswer gives keys.
type keyAnswer struct {
	Case string     `json:"case"`
	Keys []givenKey `json:"keys" nullable:"false"`
}

type givenKey struct {
	Holder string `json:"holder"`
	Made   bool   `json:"made" doc:"False: made by an earlier request of this agency"`
	JWK    jwk    `json:"jwk" doc:"For JWE with alg dir and enc A256GCM"`
}

type jwk struct {
	Kty string `json:"kty"`
	Kid string `json:"kid"`
	K   string `json:"k"`
}

// Bounds of requests for keys.
const (
	maxKeyRequest = 4 << 10
	maxHolders    = 32
	keySkew       = 5 * time.Minute
	// keyGiven is how long a key is given again to the agency that it was made
	// for, in case the answer was lost.
	keyGiven    = time.Hour
	maxKeyNotes = 100_000
)

// keyDesk remembers what was asked and for whom keys were made. It forgets both
// at the end of the program: then older requests are refused by their time, and
// keys made before are not given again.
type keyDesk struct {
	began time.Time

	mu     sync.Mutex
	nonces map[string]time.Time // key id and nonce, until when a repeat would still be in time
	given  map[string]forAgency // by the key's id
}

type forAgency struct {
	agency ledger.AgencyID
	until  time.Time
}

func (s *Server) describeKeys() {
	s.operation(operation{
		Operation: huma.Operation{
			OperationID: "data-keys", Method: http.MethodPost, Path: "/v1/data-keys", Tags: []string{"submit"},
			Summary: "Get data keys to seal personal data with",
			Description: "The request is signed like an event, with an event key of the agency, over the DSSE pre-authentication encoding of this media type and the body. " +
				"For a case that is on the ledger the agency has to have opened it or to hold it. A key is given to the agency it was made for, for an hour; " +
				"afterwards what is sealed under it is opened only by an unsealing, which is recorded.",
			Parameters: []*huma.Param{{
				Name: ledger.HeaderSignature, In: "header", Required: true, Schema: &huma.Schema{Type: "string"},
				Description: "'<key-id> <88 characters of base64>', once", Example: exampleText("keys.signature"),
			}},
			RequestBody: &huma.RequestBody{
				Required: true,
				Content:  map[string]*huma.MediaType{KeyRequestType: {Schema: s.schemaOf(keyRequest{}), Example: json.RawMessage(exampleText("keys.json"))}},
			},
			Security: []map[string][]string{{"signature": {}}},
		},
		Answers: map[int]answerKind{200: {Says: "The keys. Keep them no longer than sealing takes", Body: keyAnswer{}}},
	}, s.postKeys)
}

var (
	errKeyType    = problem(http.StatusUnsupportedMediaType, string(ledger.CodeContentType), text{"Content-Type harus " + KeyRequestType + ".", "Content-Type has to be " + KeyRequestType + "."})
	errKeyRequest = problem(http.StatusBadRequest, "bad-key-request", text{"Permintaan kunci tidak berbentuk yang diuraikan.", "The request for keys is not of the form that is described."})
	errKeyLedger  = problem(http.StatusUnprocessableEntity, string(ledger.CodeWrongLedger), text{"Permintaan untuk buku besar lain.", "The request is for another ledger."})
	errKeyTime    = problem(http.StatusConflict, "request-too-old", text{"Waktu permintaan terlalu jauh dari jam peladen, atau sebelum peladen dijalankan. Buat permintaan baru.", "The request's time is too far from the server's clock, or before the server started. Make a new request."})
	errKeyRepeat  = problem(http.StatusConflict, "request-repeated", text{"Permintaan ini sudah pernah dijawab. Buat permintaan baru.", "This request was answered before. Make a new one."})
	errKeyCase    = problem(http.StatusForbidden, string(ledger.CodeNotHolder), text{"Hanya lembaga pembuka atau pemegang kasus yang mendapat kunci data baru.", "Only the agency that opened or holds the case gets new data keys."})
	errKeyGiven   = problem(http.StatusConflict, "data-key-given", text{"Kunci ini dibuat untuk lembaga lain, atau lebih dari satu jam lalu. Yang tersegel dibuka lewat pembukaan segel yang tercatat.", "This key was made for another agency, or more than an hour ago. What is sealed is opened by an unsealing, which is recorded."})
)

func (s *Server) postKeys(w http.ResponseWriter, r *http.Request) error {
	if r.Header.Get(ledger.HeaderContentType) != KeyRequestType {
		return errKeyType
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxKeyRequest))
	if err != nil {
		return err
	}
	agency, key, bad := signedBy(s.Roster(), r.Header.Values(ledger.HeaderSignature), body)
	if bad != nil {
		return s.turnAway(bad)
	}
	trailOf(r.Context()).caller = "signed " + string(agency)
	q, at, err := parseKeyRequest(body)
	if err != nil {
		return err
	}
	if q.Ledger != s.origin {
		return errKeyLedger
	}
	if err := s.keys.claim(string(key)+" "+q.Nonce, at, s.Now()); err != nil {
		return err
	}
	if err := s.mayGetKeys(r.Context(), agency, q.Case); err != nil {
		return err
	}
	out, err := s.giveKeys(agency, q)
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusOK, out)
}

// keyPAE is what a request's signature covers: the pre-authentication encoding
// of DSSE v1, as for events.
func keyPAE(body []byte) []byte {
	out := "DSSEv1 " + strconv.Itoa(len(KeyRequestType)) + " " + KeyRequestType + " " + strconv.Itoa(len(body)) + " "
	return append([]byte(out), body...)
}

// signedBy finds the institution that has signed a request.
func signedBy(r *roster.Roster, values []string, body []byte) (ledger.AgencyID, ledger.KeyID, *ledger.Refusal) {
	sigs, bad := ledger.ParseSignatures(values)
	if bad != nil {
		return "", "", bad
	}
	if len(sigs) != 1 {
		return "", "", ledger.Refuse(ledger.CodeSignatureMalformed, "", "a request for keys has one signature")
	}
	k, ok := r.Key(sigs[0].Key)
	switch {
	case !ok:
		return "", "", ledger.Refuse(ledger.CodeKeyUnknown, "", "")
	case k.Role != ledger.RoleEvent || !isInstitution(r, k.Agency):
		return "", "", ledger.Refuse(ledger.CodeKeyForeign, "", "")
	case k.Revoked != 0:
		return "", "", ledger.Refuse(ledger.CodeKeyRevoked, "", "")
	}
	public, err := k.Public.Key()
	if err != nil || !ed25519.Verify(public, keyPAE(body), sigs[0].Value[:]) {
		return "", "", ledger.Refuse(ledger.CodeSignatureInvalid, "", "")
	}
	return k.Agency, k.ID, nil
}

func isInstitution(r *roster.Roster, a ledger.AgencyID) bool {
	return slices.ContainsFunc(r.Institutions(), func(i roster.Institution) bool {
		return i.ID == a && i.Kind == ledger.KindInstitution
	})
}

var nonceForm = regexp.MustCompile(`^[0-9a-f]{32}$`)

// parseKeyRequest reads a request strictly.
func parseKeyRequest(body []byte) (keyRequest, time.Time, error) {
	var q keyRequest
	if err := jsonv2.Unmarshal(body, &q, jsonv2.RejectUnknownMembers(true)); err != nil {
		return q, time.Time{}, errKeyRequest
	}
	at, err := time.Parse(time.RFC3339, q.Time)
	if err != nil || !caseID.MatchString(q.Case) || !nonceForm.MatchString(q.Nonce) || len(q.Holders) == 0 || len(q.Holders) > maxHolders {
		return q, time.Time{}, errKeyRequest
	}
	for i, h := range q.Holders {
		if slices.Contains(q.Holders[:i], h) {
			return q, time.Time{}, errKeyRequest
		}
	}
	return q, at, nil
}

// claim lets a request in once. A request that is older than the program may
// have been answered by the one before.
func (d *keyDesk) claim(id string, at, now time.Time) error {
	if at.Before(now.Add(-keySkew)) || at.After(now.Add(keySkew)) || at.Before(d.began) {
		return errKeyTime
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.sweep(now)
	if _, seen := d.nonces[id]; seen {
		return errKeyRepeat
	}
	if len(d.nonces) >= maxKeyNotes {
		return errCrowded
	}
	if d.nonces == nil {
		d.nonces, d.given = map[string]time.Time{}, map[string]forAgency{}
	}
	d.nonces[id] = at.Add(keySkew)
	return nil
}

// sweep forgets what is over, once there is much of it; d.mu is held.
func (d *keyDesk) sweep(now time.Time) {
	if len(d.nonces) < maxKeyNotes/2 && len(d.given) < maxKeyNotes/2 {
		return
	}
	for id, until := range d.nonces {
		if now.After(until) {
			delete(d.nonces, id)
		}
	}
	for kid, g := range d.given {
		if now.After(g.until) {
			delete(d.given, kid)
		}
	}
}

// mayGive says whether a key may be given to an agency, and remembers for whom
// a new one was made.
func (d *keyDesk) mayGive(kid string, made bool, a ledger.AgencyID, now time.Time) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if made {
		d.given[kid] = forAgency{a, now.Add(keyGiven)}
		return true
	}
	g, ok := d.given[kid]
	return ok && g.agency == a && !now.After(g.until)
}

// mayGetKeys: nobody else knows the id of a case that is not on the ledger yet;
// of one that is, strangers must not take the keys of respondents to come.
func (s *Server) mayGetKeys(ctx context.Context, a ledger.AgencyID, id string) error {
	if s.CaseRecords == nil || s.GiveKey == nil {
		return errUnavailable
	}
	records, err := s.CaseRecords(ctx, id)
	if err != nil {
		return err
	}
	if len(records) == 0 {
		return nil
	}
	var history []ledger.CaseEvent
	for _, r := range records {
		e, err := ledger.DecodeRecord(r)
		if err != nil {
			return err
		}
		history = ledger.Insert(history, ledger.CaseEvent{Position: r.Position, Recorded: r.Recorded, Event: e})
	}
	if c := ledger.Fold(history); c.Holder != a && c.Opener != a {
		return errKeyCase
	}
	return nil
}

func (s *Server) giveKeys(a ledger.AgencyID, q keyRequest) (keyAnswer, error) {
	out := keyAnswer{Case: q.Case}
	for _, holder := range q.Holders {
		now := s.Now()
		key, made, err := s.GiveKey(vault.Holder{Case: q.Case, Label: holder}, now)
		switch {
		case errors.Is(err, vault.ErrHolder):
			return keyAnswer{}, errKeyRequest
		case errors.Is(err, vault.ErrInUse):
			return keyAnswer{}, errUnavailable
		case err != nil:
			return keyAnswer{}, fmt.Errorf("give a data key: %w", err)
		case !s.keys.mayGive(key.ID, made, a, now):
			return keyAnswer{}, errKeyGiven
		}
		out.Keys = append(out.Keys, givenKey{holder, made, jwk{"oct", key.ID, base64.RawURLEncoding.EncodeToString(key.Key[:])}})
		clear(key.Key[:])
	}
	return out, nil
}
