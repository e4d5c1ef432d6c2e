package agencies

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/berkas-ledger/berkas/ledger"
	"github.com/berkas-ledger/berkas/seal"
)

// keyRequestType is the media type of a request for data keys. Its signature
// covers it, so that no signed event is a request and no request an event.
const keyRequestType = "application/vnd.berkas.data-key-request+json"

// maxKeyAnswer is more than an answer with the most holders has.
const maxKeyAnswer = 64 << 10

// KeyDesk is where an agency gets data keys: the ledger's HTTP server.
type KeyDesk struct {
	URL    string // of the server, for instance "https://berkas.example"
	Origin string // of the ledger
	Signer Signer // an event key of the agency
	Client *http.Client
}

// DataKeys are the keys of one case, by holder. They print as their ids.
type DataKeys map[string]seal.Key

// Seal is a SealFunc.
func (k DataKeys) Seal(place seal.Place, holder string, text []byte) (string, error) {
	key, ok := k[holder]
	if !ok {
		return "", fmt.Errorf("seal: no data key of %q", holder)
	}
	return seal.Seal(key, place, text)
}

// KeyRefusedError says that the server gave no data keys.
type KeyRefusedError struct {
	Status int         // of HTTP
	Code   ledger.Code // stable; docs/http.md lists those that are no reason code
	Detail string
	Retry  bool // the same request may succeed later
}

func (e *KeyRefusedError) Error() string {
	return fmt.Sprintf("no data keys: %s: %s", e.Code, e.Detail)
}

type keyRequest struct {
	Ledger  string   `json:"ledger"`
	Case    string   `json:"case"`
	Holders []string `json:"holders"`
	Time    string   `json:"time"`
	Nonce   string   `json:"nonce"`
}

// Ask gets the data keys under which the data of holders ("r1" to "rN", or
// Reporter) is sealed in a case; now is the present moment, which may differ from
// the server's clock by five minutes. A lost answer does no harm: ask again.
//
// Errors: *KeyRefusedError, and those of the network.
func (d KeyDesk) Ask(ctx context.Context, now time.Time, caseID string, holders ...string) (DataKeys, error) {
	var nonce [16]byte
	_, _ = rand.Read(nonce[:]) // never fails since Go 1.24
	body, err := json.Marshal(keyRequest{d.Origin, caseID, holders, now.UTC().Format(time.RFC3339Nano), hex.EncodeToString(nonce[:])})
	if err != nil {
		return nil, fmt.Errorf("ask for data keys: %w", err)
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, d.URL+"/v1/data-keys", bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("ask for data keys: %w", err)
	}
	r.Header.Set(ledger.HeaderContentType, keyRequestType)
	r.Header.Set(ledger.HeaderSignature, d.Signer.signAs(keyRequestType, body).String())
	client := d.Client
	if client == nil {
		client = http.DefaultClient
	}
	answer, err := client.Do(r)
	if err != nil {
		return nil, fmt.Errorf("ask for data keys: %w", err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(io.LimitReader(answer.Body, maxKeyAnswer))
	if err != nil {
		return nil, fmt.Errorf("ask for data keys: %w", err)
	}
	defer clear(text)
	if answer.StatusCode != http.StatusOK {
		return nil, keyRefused(answer.StatusCode, text)
	}
	of, keys, err := ParseDataKeys(text)
	if err == nil && of != caseID {
		return nil, fmt.Errorf("ask for data keys: the answer is about another case")
	}
	return keys, err
}

func keyRefused(status int, text []byte) error {
	problem := struct {
		Code   ledger.Code `json:"code"`
		Detail string      `json:"detail"`
		Retry  bool        `json:"retry"`
	}{Detail: http.StatusText(status)}
	if json.Unmarshal(text, &problem) != nil || problem.Code == "" {
		problem.Code = "http" // something in between has answered
	}
	return &KeyRefusedError{status, problem.Code, problem.Detail, problem.Retry}
}

// ParseDataKeys reads an answer of POST /v1/data-keys: the case, and the keys of
// its holders. Its errors quote nothing of it.
func ParseDataKeys(text []byte) (caseID string, keys DataKeys, err error) {
	var a struct {
		Case string `json:"case"`
		Keys []struct {
			Holder string `json:"holder"`
			JWK    struct {
				Kid string `json:"kid"`
				K   string `json:"k"`
			} `json:"jwk"`
		} `json:"keys"`
	}
	if json.Unmarshal(text, &a) != nil || a.Case == "" {
		return "", nil, fmt.Errorf("data keys: not an answer of POST /v1/data-keys")
	}
	out := DataKeys{}
	for _, k := range a.Keys {
		raw, err := base64.RawURLEncoding.Strict().DecodeString(k.JWK.K)
		if err != nil {
			return "", nil, fmt.Errorf("data keys: the answer holds what is no key")
		}
		if out[k.Holder], err = seal.ParseKey(k.JWK.Kid, raw); err != nil {
			return "", nil, fmt.Errorf("data keys: %w", err)
		}
	}
	return a.Case, out, nil
}

// signAs signs bytes of another media type than an event's, over the same
// encoding (DSSE).
func (s Signer) signAs(mediaType string, body []byte) ledger.Signature {
	pae := fmt.Appendf(nil, "DSSEv1 %d %s %d %s", len(mediaType), mediaType, len(body), body)
	out := ledger.Signature{Key: s.id}
	copy(out.Value[:], ed25519.Sign(s.private, pae))
	return out
}
