package transparency

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"

	"github.com/berkas-ledger/berkas/ledger"
)

// The body of add-checkpoint, as C2SP tlog-witness says.

const (
	// maxProofLines bounds a consistency proof: a log has at most 2^63 records.
	maxProofLines = 63
	// hashLine is a hash in base64 and the line's end, in bytes.
	hashLine = 45
	// maxRequest bounds the body of add-checkpoint, in bytes: the size, the proof,
	// the empty line and the checkpoint.
	maxRequest = 32 + maxProofLines*hashLine + 1 + ledger.MaxCheckpoint
)

// addCheckpoint asks a witness to cosign a checkpoint. Nothing in it was verified.
type addCheckpoint struct {
	Old    ledger.Position // how many records the witness is said to have seen
	Proof  []ledger.Hash   // from there to the checkpoint, RFC 6962 section 2.1.2
	Signed []byte          // the signed checkpoint
}

// Text writes the request: "old" and the size, a hash a line, an empty line, the
// signed checkpoint.
func (r addCheckpoint) Text() []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "old %d\n", uint64(r.Old))
	for _, h := range r.Proof {
		b.WriteString(encode64(h[:]) + "\n")
	}
	b.WriteByte('\n')
	b.Write(r.Signed)
	return b.Bytes()
}

// parseAddCheckpoint reads a request strictly: what Text does not write is
// refused. The checkpoint is looked at by who verifies it.
func parseAddCheckpoint(body []byte) (addCheckpoint, error) {
	var r addCheckpoint
	if len(body) > maxRequest {
		return r, fmt.Errorf("a request has at most %d bytes, not %d", maxRequest, len(body))
	}
	head, signed, ok := bytes.Cut(body, []byte("\n\n"))
	lines := strings.Split(string(head), "\n")
	if !ok || len(signed) == 0 {
		return r, fmt.Errorf("a request is a line \"old <size>\", a line for each hash of the proof, an empty line, and the signed checkpoint")
	}
	if len(lines)-1 > maxProofLines {
		return r, fmt.Errorf("a proof has at most %d hashes, not %d", maxProofLines, len(lines)-1)
	}
	size, ok := strings.CutPrefix(lines[0], "old ")
	old, err := strconv.ParseUint(size, 10, 63)
	if !ok || err != nil {
		return r, fmt.Errorf("line 1: not \"old\" and a number of records")
	}
	r.Old, r.Signed = ledger.Position(old), signed
	if r.Proof, err = parseHashes(lines[1:], 2); err != nil {
		return addCheckpoint{}, err
	}
	if !bytes.Equal(r.Text(), body) {
		return addCheckpoint{}, fmt.Errorf("the request is not in its one form")
	}
	return r, nil
}

// parseHashes reads a hash a line, in strict base64; first is the number of the
// first line, for errors.
func parseHashes(lines []string, first int) ([]ledger.Hash, error) {
	var out []ledger.Hash
	for i, line := range lines {
		var h ledger.Hash
		raw, err := base64.StdEncoding.Strict().DecodeString(line)
		if err != nil || len(raw) != len(h) || encode64(raw) != line {
			return nil, fmt.Errorf("line %d: not a hash of 32 bytes in strict standard base64", first+i)
		}
		copy(h[:], raw)
		out = append(out, h)
	}
	return out, nil
}

// parseSize reads the body of a witness's answer 409: a number and a newline.
func parseSize(body []byte) (ledger.Position, error) {
	text := strings.TrimSuffix(string(body), "\n")
	n, err := strconv.ParseUint(text, 10, 63)
	if err != nil || strconv.FormatUint(n, 10) != text {
		return 0, fmt.Errorf("not a number of records")
	}
	return ledger.Position(n), nil
}

func encode64(raw []byte) string { return base64.StdEncoding.EncodeToString(raw) }
