package agencies

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"strconv"
	"strings"

	"github.com/berkas-ledger/berkas/ledger"
)

// Names of the files of an outbox.
const (
	submissionSuffix = ".submission"
	receiptSuffix    = ".receipt"
	temporarySuffix  = ".new" // behind one of the others, until it is whole
)

// stem is what the names of a submission and of its receipt have in common.
func stem(number uint64, sum ledger.Hash) string {
	return fmt.Sprintf("%012d-%s", number, sum)
}

// fileName is a name taken apart.
type fileName struct {
	name      string
	stem      string
	number    uint64
	sum       ledger.Hash // of the event's bytes
	receipt   bool
	temporary bool
	foreign   bool // no name of an outbox
}

func parseFileName(name string) fileName {
	n := fileName{name: name}
	rest, temporary := strings.CutSuffix(name, temporarySuffix)
	n.temporary = temporary
	if s, ok := strings.CutSuffix(rest, receiptSuffix); ok {
		n.stem, n.receipt = s, true
	} else if s, ok := strings.CutSuffix(rest, submissionSuffix); ok {
		n.stem = s
	}
	digits, digest, _ := strings.Cut(n.stem, "-")
	sum, err := ledger.ParseHash(digest)
	number, err2 := strconv.ParseUint(digits, 10, 64)
	if err != nil || err2 != nil || stem(number, sum) != n.stem {
		return fileName{name: name, foreign: true}
	}
	n.number, n.sum = number, sum
	return n
}

// A submission's file begins with what it is and with the SHA-256 of all that
// follows, so that a torn or altered file is recognised wherever it is torn:
//
//	berkas/submission/v1
//	sha256: <64 hexadecimal digits>
//	agency: <agency>
//	signature: <key-id> <base64>      one line each
//
//	<the event's bytes>
const submissionMagic = "berkas/submission/v1\nsha256: "

func formatSubmissionFile(s ledger.Submission) []byte {
	var rest bytes.Buffer
	fmt.Fprintf(&rest, "agency: %s\n", s.Agency)
	for _, sig := range s.Signatures {
		fmt.Fprintf(&rest, "signature: %s\n", sig)
	}
	rest.WriteByte('\n')
	rest.Write(s.Body)
	digest := ledger.Hash(sha256.Sum256(rest.Bytes())).String()
	return append([]byte(submissionMagic+digest+"\n"), rest.Bytes()...)
}

// parseSubmissionFile accepts only what formatSubmissionFile writes.
//
// Errors: ErrOutboxDamaged.
func parseSubmissionFile(data []byte) (ledger.Submission, error) {
	damaged := func(what string) (ledger.Submission, error) {
		return ledger.Submission{}, fmt.Errorf("%w: %s", ErrOutboxDamaged, what)
	}
	head, _, ok := bytes.Cut(data, []byte("\nagency: "))
	if !ok || !bytes.HasPrefix(head, []byte(submissionMagic)) {
		return damaged("not the file of a submission")
	}
	rest := data[len(head)+1:]
	if ledger.Hash(sha256.Sum256(rest)).String() != string(head[len(submissionMagic):]) {
		return damaged("the file is torn or altered")
	}
	lines, body, ok := bytes.Cut(rest, []byte("\n\n"))
	if !ok {
		return damaged("no empty line before the event")
	}
	fields := strings.Split(string(lines), "\n")
	agency := ledger.AgencyID(strings.TrimPrefix(fields[0], "agency: "))
	var values []string
	for _, f := range fields[1:] {
		v, ok := strings.CutPrefix(f, "signature: ")
		if !ok {
			return damaged("a line that is no signature")
		}
		values = append(values, v)
	}
	signatures, bad := ledger.ParseSignatures(values)
	if bad != nil || !agency.Valid() {
		return damaged("agency or signatures")
	}
	s := ledger.Submission{Agency: agency, Body: body, Signatures: signatures}
	if !bytes.Equal(formatSubmissionFile(s), data) {
		return damaged("not in its one form")
	}
	return s, nil
}

// outcomeOf reads a receipt that was verified before it was kept.
func outcomeOf(signed []byte) ledger.Outcome {
	text, _, _ := bytes.Cut(signed, []byte("\n\n"))
	r, err := ledger.ParseReceipt(string(text) + "\n")
	if err != nil {
		return ""
	}
	return r.Outcome
}
