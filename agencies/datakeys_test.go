package agencies

import (
	"crypto/ed25519"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/berkas-ledger/berkas/ledger"
	"github.com/berkas-ledger/berkas/seal"
)

// desk answers requests for data keys with what it is told, and keeps the last.
// The real desk is package web's; cmd/berkas runs examples/agency-go against it.
func desk(t *testing.T, status int, answer string) (d KeyDesk, header http.Header, body *string) {
	header, body = http.Header{}, new(string)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		raw, _ := io.ReadAll(r.Body)
		*body = string(raw)
		for name, values := range r.Header {
			header[name] = values
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, answer)
	}))
	t.Cleanup(server.Close)
	signer, err := NewSigner("bawaslu/event", ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize)))
	if err != nil {
		t.Fatal(err)
	}
	return KeyDesk{URL: server.URL, Origin: "berkas.example/uji", Signer: signer}, header, body
}

const (
	keyCase  = "01746ac6-7800-7cc3-9bd1-2f5a6c0d4e11"
	keyEvent = "01746ac6-7800-7cc3-9bd1-2f5a6c0d4e12"
	keyText  = "AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA"
)

func TestAskForDataKeys(t *testing.T) {
	answer := `{"case":"` + keyCase + `","keys":[{"holder":"r1","made":true,"jwk":{"kty":"oct","kid":"szQMEx0zwC1l1gjI_OKQdA","k":"` + keyText + `"}}]}`
	d, header, body := desk(t, http.StatusOK, answer)
	keys, err := d.Ask(t.Context(), time.Date(2024, 10, 2, 3, 0, 0, 0, time.UTC), keyCase, "r1")
	if err != nil {
		t.Fatal(err)
	}
	want := `{"ledger":"berkas.example/uji","case":"` + keyCase + `","holders":["r1"],"time":"2024-10-02T03:00:00Z","nonce":"`
	if !strings.HasPrefix(*body, want) || len(*body) != len(want)+32+2 {
		t.Errorf("asked %s", *body)
	}
	signature, err := ledger.ParseSignature(header.Get("Berkas-Signature"))
	if err != nil {
		t.Fatal(err)
	}
	covered := fmt.Sprintf("DSSEv1 44 application/vnd.berkas.data-key-request+json %d %s", len(*body), *body)
	public := d.Signer.private.Public().(ed25519.PublicKey)
	if !ed25519.Verify(public, []byte(covered), signature.Value[:]) || signature.Fits(public, []byte(*body)) {
		t.Error("the signature does not cover the request as a request, or covers it as an event")
	}
	place := seal.Place{Ledger: d.Origin, Case: keyCase, Event: keyEvent, Pointer: "/data/respondents/0/identity"}
	sealed, err := keys.Seal(place, "r1", []byte("Contoh Satu"))
	if err != nil {
		t.Fatal(err)
	}
	if text, err := seal.Open(keys["r1"], sealed, place); err != nil || string(text) != "Contoh Satu" {
		t.Errorf("%q, %v", text, err)
	}
	if _, err := keys.Seal(place, "r2", nil); err == nil {
		t.Error("sealed under a key that is not there")
	}
	if text := fmt.Sprintf("%v %+v %x", keys, keys, keys["r1"]); strings.Contains(text, keyText[:8]) || strings.Contains(text, "010203") {
		t.Errorf("a key prints itself: %s", text)
	}
}

func TestNoDataKeys(t *testing.T) {
	for name, test := range map[string]struct {
		status int
		answer string
		code   ledger.Code // "": no problem of the desk's, something else is wrong
	}{
		"problem":       {http.StatusForbidden, `{"code":"not-holder","detail":"no","retry":false}`, ledger.CodeNotHolder},
		"a proxy":       {http.StatusBadGateway, `<html>`, "http"},
		"not JSON":      {http.StatusOK, `<html>`, ""},
		"another case":  {http.StatusOK, `{"case":"` + keyEvent + `","keys":[]}`, ""},
		"not base64":    {http.StatusOK, `{"case":"` + keyCase + `","keys":[{"holder":"r1","jwk":{"kid":"szQMEx0zwC1l1gjI_OKQdA","k":"???"}}]}`, ""},
		"a short key":   {http.StatusOK, `{"case":"` + keyCase + `","keys":[{"holder":"r1","jwk":{"kid":"szQMEx0zwC1l1gjI_OKQdA","k":"AQID"}}]}`, ""},
		"a strange kid": {http.StatusOK, `{"case":"` + keyCase + `","keys":[{"holder":"r1","jwk":{"kid":"x","k":"` + keyText + `"}}]}`, ""},
	} {
		t.Run(name, func(t *testing.T) {
			d, _, _ := desk(t, test.status, test.answer)
			keys, err := d.Ask(t.Context(), time.Now(), keyCase, "r1")
			if err == nil || keys != nil {
				t.Fatalf("got %v", keys)
			}
			var refused *KeyRefusedError
			if errors.As(err, &refused) != (test.code != "") || refused != nil && (refused.Code != test.code || refused.Status != test.status) {
				t.Errorf("%v", err)
			}
			if strings.Contains(err.Error(), keyText[:8]) {
				t.Errorf("the error quotes a key: %v", err)
			}
		})
	}
	d, _, _ := desk(t, http.StatusOK, "")
	d.URL = "http://127.0.0.1:1"
	if _, err := d.Ask(t.Context(), time.Now(), keyCase, "r1"); err == nil {
		t.Error("nobody is there")
	}
}

// An answer comes over the network: whatever it is, it gives keys that can seal,
// or an error that quotes nothing of it.
func FuzzKeyAnswer(f *testing.F) {
	for _, text := range []string{
		`{"case":"` + keyCase + `","keys":[{"holder":"r1","made":true,"jwk":{"kty":"oct","kid":"szQMEx0zwC1l1gjI_OKQdA","k":"` + keyText + `"}}]}`,
		`{"case":"` + keyCase + `","keys":[]}`, `{"case":"` + keyCase + `","keys":[{"holder":"r1","jwk":{"kid":"","k":"` + keyText + `"}}]}`, `null`, ``,
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		_, keys, err := ParseDataKeys(text)
		if err != nil && strings.Contains(err.Error(), keyText) {
			t.Errorf("%v", err)
		}
		place := seal.Place{Ledger: "berkas.example/uji", Case: keyCase, Event: keyEvent, Pointer: "/data/reporter"}
		for holder := range keys {
			if _, err := keys.Seal(place, holder, []byte("x")); err != nil {
				t.Errorf("a key that cannot seal: %v", err)
			}
		}
	})
}
