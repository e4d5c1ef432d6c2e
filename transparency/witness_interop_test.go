package transparency

import (
	"net/http"
	"strings"
	"testing"

	f_log "github.com/transparency-dev/formats/log"
	f_note "github.com/transparency-dev/formats/note"
	f_witness "github.com/transparency-dev/formats/witness"
	"golang.org/x/mod/sumdb/note"
)

// TestOthersAcceptWitnesses: by transparency-dev's code the gathered checkpoint
// satisfies the policy, it finds the witnesses at the same addresses, and each
// cosignature verifies.
func TestOthersAcceptWitnesses(t *testing.T) {
	g := newGathering(t, 300)
	from := g.gatherer(t, nil)
	signed := g.gather(t, from, 5)
	var lines []string
	for line := range strings.Lines(g.policy.Text()) {
		switch word, _, _ := strings.Cut(line, " "); word {
		case "log", "witness", "group", "quorum": // the lines of C2SP tlog-policy
			lines = append(lines, line)
		}
	}
	theirs, err := f_witness.ParsePolicy([]byte(strings.Join(lines, "")))
	check(t, err)
	if !theirs.Satisfied(signed) {
		t.Errorf("their policy is not satisfied by\n%s", signed)
	}
	g.grow(301)
	if _, alone := g.at(301); theirs.Satisfied(alone) {
		t.Error("their policy is satisfied by the log's signature alone")
	}
	ends := theirs.Endpoints()
	for _, w := range from.asked {
		if ends[w.url] == nil {
			t.Errorf("they would not ask at %s", w.url)
		}
	}
	var keys []note.Verifier
	for _, r := range g.witnesses {
		v, err := f_note.NewVerifierForCosignatureV1(r.Key().String())
		check(t, err)
		keys = append(keys, v)
	}
	c, _, n, err := f_log.ParseCheckpoint(signed, testOrigin, g.verifier(), keys...)
	if err != nil || c.Size != 300 || len(n.Sigs) != 6 {
		t.Errorf("they read %+v, %+v, %v", c, n, err)
	}
	// Our secret is one that their signer takes; what it signs, we take.
	secret, text, err := newWitnessSecret("w.example/theirs")
	check(t, err)
	signer, err := f_note.NewSignerForCosignatureV1(text)
	check(t, err)
	_, plain := g.at(301)
	n, err = note.Open(plain, note.VerifierList(g.verifier()))
	check(t, err)
	cosigned, err := note.Sign(n, signer)
	check(t, err)
	if _, err := note.Open(cosigned, note.VerifierList(secret.key)); err != nil {
		t.Errorf("what their witness signs: %v", err)
	}
	// A checkpoint that carries cosignatures is as welcome as one that does not.
	status, _, answer := g.witnesses[0].post(t, addCheckpoint{300, g.from(300, 301), cosigned}.Text())
	if status != http.StatusOK {
		t.Errorf("status %d, %s", status, answer)
	}
}
