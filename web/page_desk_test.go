package web

import (
	"context"
	"crypto/ed25519"
	"fmt"
	"html"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/berkas-ledger/berkas/ledger"
	"github.com/berkas-ledger/berkas/transparency"
)

// leaves are the records of a book as a log reads them, as far as end.
type leaves struct {
	*book
	end int
}

func (l *leaves) Len() ledger.Position { return ledger.Position(l.end) }

func (l *leaves) Leaves(_ context.Context, first, last ledger.Position, yield func(ledger.Position, []byte) error) error {
	for p := first; p <= last; p++ {
		if err := yield(p, l.records[p-1].Leaf()); err != nil {
			return err
		}
	}
	return nil
}

// deskShelf is a shelf with a log, witnesses and reports of auditors.
type deskShelf struct {
	*shelf
	log    *transparency.Log
	policy ledger.Policy
	sizes  []ledger.Position // of the checkpoints
	audits []AuditFile
	rowsAt map[ledger.Position][]ledger.Row
}

func newDesk(t *testing.T) *deskShelf {
	t.Helper()
	d := &deskShelf{shelf: newShelf(t), rowsAt: map[ledger.Position][]ledger.Row{}}
	signer, verifier, _ := d.NoteKeys("")
	d.policy = ledger.PolicyOf(d.roster.Genesis(), d.records[0].LeafHash())
	group := ledger.PolicyGroup{Name: "majority", Threshold: 2}
	for _, name := range []string{"kampus", "media", "pengadilan"} {
		key, err := ledger.NewWitnessKey("witness.example/"+name, d.Private(ledger.KeyID("witness/"+name)).Public().(ed25519.PublicKey))
		if err != nil {
			t.Fatal(err)
		}
		d.policy.Witnesses = append(d.policy.Witnesses, ledger.PolicyWitness{Name: name, Key: key})
		group.Members = append(group.Members, name)
	}
	d.policy.Groups, d.policy.Quorum = []ledger.PolicyGroup{group}, "majority"
	source := &leaves{book: d.book}
	var err error
	d.log, err = transparency.Open(t.Context(), transparency.Config{Dir: t.TempDir(), Source: source, Signer: signer, Verifier: verifier, Gather: d.gather})
	if err != nil {
		t.Fatal(err)
	}
	for _, size := range []int{9, 257, 1000, 1001, len(d.records) - 300, len(d.records) - 2, len(d.records)} {
		source.end = size
		if _, err := d.log.Seal(t.Context()); err != nil {
			t.Fatal(err)
		}
		d.sizes = append(d.sizes, ledger.Position(size))
	}
	c := d.server.Config
	c.Files, c.Seal = d.log.Fetch, d.log.Seal
	c.Desk = Desk{
		Policy: func() ledger.Policy { return d.policy }, Kept: func() ([]ledger.Position, error) { return transparency.Checkpoints(d.log.Dir) },
		Witnesses: func() []DeskWitness {
			return []DeskWitness{
				{WitnessState: transparency.WitnessState{Name: "kampus"}},
				{WitnessState: transparency.WitnessState{Name: "media", Err: context.DeadlineExceeded}},
			}
		},
		Audits: func(context.Context, func(AuditFile) bool) ([]AuditFile, error) { return d.audits, nil },
	}
	if d.server, err = New(c); err != nil {
		t.Fatal(err)
	}
	d.http.Close()
	d.http = httptest.NewServer(d.server)
	t.Cleanup(d.http.Close)
	return d
}

// gather has the witnesses cosign: media only the first checkpoints.
func (d *deskShelf) gather(_ context.Context, signed []byte, c ledger.Checkpoint, _ func(context.Context, ledger.Position) ([]ledger.Hash, error)) ([]byte, error) {
	for i, w := range d.policy.Witnesses {
		if w.Name == "media" && c.Size > 1000 {
			continue
		}
		at := d.records[c.Size-1].Recorded.Add(time.Duration(2+i) * time.Second)
		signed = append(signed, ledger.Cosign(w.Key, d.Private(ledger.KeyID("witness/"+w.Name)), c.Text(), at)...)
	}
	return signed, nil
}

// TestDesk looks at the whole desk over one ledger.
func TestDesk(t *testing.T) {
	d := newDesk(t)
	for _, look := range []struct {
		name string
		at   func(*testing.T, *deskShelf)
	}{
		{"overview", deskOverview},
		{"checkpoints", deskListsCheckpoints},
		{"consistency", deskProves},
		{"compare", deskCompares},
		{"replay", deskReplays},
		{"case", deskReplaysCases},
		{"audits", deskQuotesAudits},
		{"sample", deskDraws},
		{"whom", deskIsForWhom},
	} {
		t.Run(look.name, func(t *testing.T) {
			d.t = t
			look.at(t, d)
		})
	}
}

func (d *deskShelf) says(path string, wants ...string) string {
	d.t.Helper()
	body := html.UnescapeString(d.shows(path))
	for _, want := range wants {
		if !strings.Contains(body, want) {
			d.t.Errorf("%s does not say %s", path, want)
		}
	}
	return body
}

// deskOverview: the newest checkpoint, who has seen it and who has not, and how
// to check it with this ledger's own names.
func deskOverview(t *testing.T, d *deskShelf) {
	_, c := d.log.Published()
	body := d.says("/desk?lang=en", c.Root.String(), english.number(c.Size), "2 of 3", "The newest checkpoint has them", "Did not cosign the newest checkpoint: <strong>media",
		"witness.example/pengadilan", "did not answer when asked last", english.number(1000)+" records", "origin "+d.Origin, d.roster.Genesis().Log,
		"berkas audit --policy policy.txt --from http://example.com ", "The policy must not come from here")
	if strings.Count(body, `class="yes"`) != 2 || strings.Count(body, `class="no"`) != 1 {
		t.Error("the witnesses of the newest checkpoint are not two of three")
	}
	if got := addressOf(httptest.NewRequest("GET", "/", nil), true); got != "https://example.com" {
		t.Errorf("the address is %s", got)
	}
	hostile := httptest.NewRequest("GET", "/desk", nil)
	hostile.Host = "a.example;rm -rf ~"
	if got := addressOf(hostile, false); got != "https://ledger.example" {
		t.Errorf("a command would name %s", got)
	}
}

// deskListsCheckpoints: all of them, newest first, with what each says of itself.
func deskListsCheckpoints(t *testing.T, d *deskShelf) {
	body := d.says("/desk/checkpoints?lang=en")
	at := 0
	for i := len(d.sizes) - 1; i >= 0; i-- {
		signed, err := d.log.Fetch(t.Context(), fmt.Sprintf("checkpoints/%d", d.sizes[i]))
		if err != nil {
			t.Fatal(err)
		}
		c, err := ledger.UnverifiedCheckpoint(signed)
		if err != nil {
			t.Fatal(err)
		}
		next := strings.Index(body[at:], c.Root.String())
		if next < 0 {
			t.Fatalf("the checkpoint of %d records is not there in its order", c.Size)
		}
		at += next
		if status, raw := d.page(fmt.Sprintf("/checkpoints/%d", c.Size)); status != 200 || raw != string(signed) {
			t.Errorf("the note of %d records: %d", c.Size, status)
		}
	}
	// Signatures are verified once, as long as bytes and policy are the same.
	key := d.server.notes.by[d.sizes[2]]
	key.c.Root = ledger.Hash{9, 9}
	d.server.notes.by[d.sizes[2]] = key
	d.says("/desk/checkpoints?lang=en", key.c.Root.String())
	was := d.policy.Quorum
	d.policy.Quorum = ledger.QuorumNone
	if strings.Contains(d.shows("/desk/checkpoints?lang=en"), key.c.Root.String()) {
		t.Error("a checkpoint is shown by another policy than today's")
	}
	d.policy.Quorum = was
	for path, want := range map[string]int{
		"/desk/checkpoints?page=2": 404, "/desk/checkpoints?page=0": 400, "/desk/checkpoints?page=x": 400, "/desk/checkpoints?page=1&page=1": 400, "/desk/checkpoints?size=1": 400,
	} {
		if got, _ := d.page(path); got != want {
			t.Errorf("%s: %d", path, got)
		}
	}
}

// deskProves: between any two checkpoints the page shows a proof, and its file is
// one that holds by a policy of one's own.
func deskProves(t *testing.T, d *deskShelf) {
	line := regexp.MustCompile(`<li class="code">([^<]+)</li>`)
	for i, from := range d.sizes {
		for _, to := range d.sizes[i:] {
			path := proofAddress(from, to)
			body := d.says(path+"&lang=en", fmt.Sprintf("berkas proof --check %d-%d.consistency --older %d.checkpoint", from, to, from))
			_, file := d.page(path + "&format=proof")
			c, err := transparency.ParseConsistency([]byte(file))
			if err != nil {
				t.Fatalf("%s: %v", path, err)
			}
			_, older := d.page(fmt.Sprintf("/checkpoints/%d", from))
			if old, w, err := c.Verify(d.policy, []byte(older)); err != nil || old.Size != from || w.Size != to {
				t.Errorf("%s: %v, %v, %v", path, old, w, err)
			}
			if got := len(line.FindAllString(body, -1)); got != len(c.Hashes) {
				t.Errorf("%s shows %d hashes of %d", path, got, len(c.Hashes))
			}
			if from < to && len(c.Hashes) == 0 {
				t.Errorf("%s proves nothing", path)
			}
		}
	}
	if a, b := d.shows(proofAddress(9, 257)), d.shows(proofAddress(257, 9)); line.FindString(a) != line.FindString(b) {
		t.Error("the order of two checkpoints matters")
	}
	for path, want := range map[string]int{
		proofAddress(9, 258): 404, proofAddress(1, 9): 404, "/desk/consistency": 400, "/desk/consistency?from=9": 400, "/desk/consistency?from=09&to=257": 400,
		"/desk/consistency?from=0&to=9": 400, "/desk/consistency?from=-1&to=9": 400, proofAddress(9, 257) + "&format=exe": 400, "/desk/consistency?from=9&to=99999999999999999999": 400,
	} {
		if got, _ := d.page(path); got != want {
			t.Errorf("%s: %d, not %d", path, got, want)
		}
	}
}
