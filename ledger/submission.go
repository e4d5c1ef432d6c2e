package ledger

import (
	"crypto/sha256"
	"strings"
	"unicode/utf8"
)

// MaxBody is the largest event, in bytes.
const MaxBody = 48 << 10

// Names of the headers of a submission.
const (
	HeaderContentType = "Content-Type"
	HeaderSignature   = "Berkas-Signature"
	HeaderRecorded    = "Berkas-Recorded"
)

// Submission is what an agency handed in: the bytes, which are the event for
// ever, and the signatures over them. Agency is the authenticated sender, not
// what the bytes claim.
type Submission struct {
	Agency     AgencyID
	Body       []byte
	Signatures []Signature // sorted by key id, no key twice
}

// Sum is the SHA-256 of the bytes, by which a submission is recognised.
func (s Submission) Sum() Hash { return sha256.Sum256(s.Body) }

// ParseSubmission reads a message of an INTAKE stream. The header has the shape
// of nats.Header and http.Header. The returned submission carries agency and
// body even when it is refused, so that the refusal can be answered.
func ParseSubmission(agency AgencyID, header map[string][]string, body []byte) (Submission, *Refusal) {
	s := Submission{Agency: agency, Body: body}
	if len(body) > MaxBody {
		return s, Refuse(CodeTooLarge, "", "%d bytes, at most %d", len(body), MaxBody)
	}
	if err := checkHeaderNames(header); err != nil {
		return s, err
	}
	if v := header[HeaderContentType]; len(v) != 1 || v[0] != ContentType {
		return s, Refuse(CodeContentType, "", "")
	}
	sigs, err := ParseSignatures(header[HeaderSignature])
	s.Signatures = sigs
	return s, err
}

// checkHeaderNames gives the same refusal in whichever order the map yields the
// names.
func checkHeaderNames(header map[string][]string) *Refusal {
	var spelling *Refusal
	for name := range header {
		lower := strings.ToLower(name)
		switch {
		case name == HeaderSignature, name == HeaderContentType:
		case strings.HasPrefix(lower, "nats-"), strings.HasPrefix(lower, "berkas-"):
			return Refuse(CodeForbiddenHeader, "", "")
		case lower == "content-type":
			spelling = Refuse(CodeContentType, "", "the header is spelled %s", HeaderContentType)
		}
	}
	return spelling
}

// ParseSignatures reads the values of the Berkas-Signature header: one to
// MaxSignatures, no key twice. The result is sorted by key id.
func ParseSignatures(values []string) ([]Signature, *Refusal) {
	if len(values) == 0 {
		return nil, Refuse(CodeSignatureMissing, "", "")
	}
	if len(values) > MaxSignatures {
		return nil, Refuse(CodeSignatureMalformed, "", "%d signatures, at most %d", len(values), MaxSignatures)
	}
	out := make([]Signature, 0, len(values))
	for _, v := range values {
		sig, err := ParseSignature(v)
		if err != nil {
			return nil, Refuse(CodeSignatureMalformed, "", "%v", err)
		}
		out = append(out, sig)
	}
	sortSignatures(out)
	for i := 1; i < len(out); i++ {
		if out[i].Key == out[i-1].Key {
			return nil, Refuse(CodeSignatureDoubled, "", "")
		}
	}
	return out, nil
}

// Header gives the headers a submission travels with.
func (s Submission) Header() map[string][]string {
	sigs := make([]string, len(s.Signatures))
	for i, sig := range s.Signatures {
		sigs[i] = sig.String()
	}
	return map[string][]string{HeaderContentType: {ContentType}, HeaderSignature: sigs}
}

func checkBytes(body []byte) *Refusal {
	if len(body) > MaxBody {
		return Refuse(CodeTooLarge, "", "%d bytes, at most %d", len(body), MaxBody)
	}
	if !utf8.Valid(body) {
		return Refuse(CodeNotUTF8, "", "")
	}
	return nil
}
