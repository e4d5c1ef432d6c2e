package ledger_test

import (
	"errors"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/note"
	"pgregory.net/rapid"

	"github.com/berkas-ledger/berkas/ledger"
)

// badPolicies are changes to the golden policy.
var badPolicies = []change{
	{"berkas/policy/v1", "berkas/policy/v2"},
	{"berkas/policy/v1\n", ""},
	{"berkas/policy/v1\n", "# mine\nberkas/policy/v1\n"},
	{"origin berkas", "origin Berkas"},
	{"origin berkas.example/pilkada-2020\n", ""},
	{"origin berkas.example/pilkada-2020\n", "origin berkas.example/pilkada-2021\n"},
	{"origin berkas.example/pilkada-2020\n", "origin berkas.example/pilkada-2020\norigin berkas.example/pilkada-2020\n"},
	{"origin berkas.example/pilkada-2020\n", "origin\n"},
	{"origin berkas.example/pilkada-2020\n", "origin berkas.example/pilkada-2020 x\n"},
	{"\nlog ", "\nLog "},
	{"\nlog ", "\nlogs "},
	{"+f7dbf68d+", "+F7DBF68D+"},
	{"+f7dbf68d+", "+f7dbf68e+"},
	{"+AWJUnkqkW8", "+BWJUnkqkW8"},
	{"+f7dbf68d+AWJUnkqkW83L5yT+jTXYQq2g2ewI3f2P+qquaHdwLmAC\n", "+f7dbf68d\n"},
	{"receipt berkas.example/pilkada-2020/receipt+0d2e0ab9+ARRX89wIGlSDfUnf94VMkeXqbpVDKL8zMgznB9+ICjty\n", ""},
	{"receipt berkas.example/pilkada-2020/receipt+0d2e0ab9+ARRX89wIGlSDfUnf94VMkeXqbpVDKL8zMgznB9+ICjty", "receipt berkas.example/pilkada-2020+f7dbf68d+AWJUnkqkW83L5yT+jTXYQq2g2ewI3f2P+qquaHdwLmAC"},
	{"genesis 4f", "genesis 4F"},
	{"genesis 4f", "genesis "},
	{"genesis 4f738587ee40bef3289378c8bf6cf49bee892b3c2cfadb5e86db3223329a4436\n", ""},
	{"genesis 4f738587ee40bef3289378c8bf6cf49bee892b3c2cfadb5e86db3223329a4436\n", "genesis " + strings.Repeat("0", 64) + "\n"},
	{"genesis 4f738587ee40bef3289378c8bf6cf49bee892b3c2cfadb5e86db3223329a4436\n", strings.Repeat("genesis 4f738587ee40bef3289378c8bf6cf49bee892b3c2cfadb5e86db3223329a4436\n", 2)},
	{"witness bawaslu ", "witness bkn "},
	{"witness bawaslu ", "witness none "},
	{"witness bawaslu ", "witness all "},
	{"witness bawaslu ", "witness ba#waslu "},
	{"witness bawaslu ", "witness "},
	{"witness bawaslu ", "witness ba\u2028waslu "},
	{"+8d4a908c+", "+8d4a908d+"},
	{"https://witness.bkn.example", "ftp://witness.bkn.example"},
	{"https://witness.bkn.example", "witness.bkn.example"},
	{"https://witness.bkn.example", "https://user:secret@witness.bkn.example"},
	{"https://witness.bkn.example", "https://witness.bkn.example/#x"},
	{"https://witness.bkn.example", "https://witness.bkn.example another"},
	{"group institutions 2 bkn bawaslu kemendagri\n", ""},
	{"group institutions 2 ", "group institutions 0 "},
	{"group institutions 2 ", "group institutions -1 "},
	{"group institutions 2 ", "group institutions 4 "},
	{"group institutions 2 ", "group institutions most "},
	{"group institutions 2 ", "group bkn 2 "},
	{"group institutions 2 bkn bawaslu kemendagri", "group institutions 2 bkn bkn kemendagri"},
	{"group institutions 2 bkn bawaslu kemendagri", "group institutions 2 bkn institutions"},
	{"group institutions 2 bkn bawaslu kemendagri", "group institutions 2 bkn kasn"},
	{"group institutions 2 bkn bawaslu kemendagri", "group institutions 1"},
	{"group institutions 2 bkn bawaslu kemendagri", "group institutions any none"},
	{"group everybody 2 institutions university\nquorum everybody", "quorum everybody\ngroup everybody 2 institutions university"},
	{"quorum everybody\n", ""},
	{"quorum everybody", "quorum"},
	{"quorum everybody", "quorum nobody"},
	{"quorum everybody", "quorum everybody\nquorum none"},
	{"quorum everybody\n", "quorum everybody\r\n"},
	{"quorum everybody", "quorum\u00a0everybody"},
	{"quorum everybody", "quorum everybody\x00"},
	{"quorum everybody", "quorum everybody\xff"},
	{"quorum everybody", "quorum everybody\nallow everything"},
	{"quorum everybody", "quorum everybody\nwitness\u202e x"},
}

func TestBadPolicies(t *testing.T) {
	golden := string(goldenFile(t, "policy.txt"))
	for _, tt := range badPolicies {
		p, err := ledger.ParsePolicy(swap(t, golden, tt.old, tt.new))
		if err == nil {
			t.Errorf("%q for %q: accepted", tt.new, tt.old)
		}
		if !reflect.DeepEqual(p, ledger.Policy{}) {
			t.Errorf("%q for %q: refused, and yet gives %+v", tt.new, tt.old, p)
		}
	}
	for _, text := range []string{"", "\n", "berkas/policy/v1", golden + strings.Repeat("#", ledger.MaxPolicy)} {
		if _, err := ledger.ParsePolicy(text); err == nil {
			t.Errorf("%.40q: accepted", text)
		}
	}
}

// TestPolicyNamesTheLine: whoever writes a policy by hand is told where.
func TestPolicyNamesTheLine(t *testing.T) {
	golden := string(goldenFile(t, "policy.txt"))
	for _, tt := range []struct{ old, new, want string }{
		{"berkas/policy/v1", "berkas", "line 1"},
		{"quorum everybody", "quorum x", "line 12"},
		{"genesis 4f", "genesis ", "line 5"},
		{"+8d4a908c+", "+8d4a908d+", "line 6"},
	} {
		_, err := ledger.ParsePolicy(swap(t, golden, tt.old, tt.new))
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%q for %q: %v, which does not name %s", tt.new, tt.old, err, tt.want)
		}
	}
}

// TestPolicyAsPeopleWriteIt: comments, empty lines, tabs, words for thresholds.
func TestPolicyAsPeopleWriteIt(t *testing.T) {
	golden := string(goldenFile(t, "policy.txt"))
	text := swap(t, golden, "origin ", "\n  # of the rehearsal\n\torigin \t")
	text = swap(t, text, "group everybody 2 ", "group everybody all ") + "\n# the end"
	got, err := ledger.ParsePolicy(text)
	if err != nil || got.Text() != golden {
		t.Errorf("reads as %q, %v", got.Text(), err)
	}
}

// TestKeysInTwoRoles: the ledger does not witness itself, and no witness counts
// twice.
func TestKeysInTwoRoles(t *testing.T) {
	for _, name := range []string{origin, origin + "/receipt"} {
		p := goldenPolicy(t)
		p.Witnesses[3].Key = witnessNamed(t, name).key // the same seed as the note key's
		if _, err := ledger.ParsePolicy(p.Text()); err == nil || !strings.Contains(err.Error(), "own") {
			t.Errorf("the key of %s is a witness: %v", name, err)
		}
	}
	p := goldenPolicy(t)
	again, err := ledger.NewWitnessKey("another.example", publicKey("bkn.example/witness"))
	if err != nil {
		t.Fatal(err)
	}
	p.Witnesses[1].Key = again
	if _, err := ledger.ParsePolicy(p.Text()); err == nil || !strings.Contains(err.Error(), "same key") {
		t.Errorf("one key under two names: %v", err)
	}
}

// TestKeysThatLookAlike: base64 has plus signs, too, so different keys may end in
// the same piece after the last one.
func TestKeysThatLookAlike(t *testing.T) {
	tail := func(vkey string) string { return vkey[strings.LastIndex(vkey, "+"):] }
	seen := map[string]string{}
	for i := range 100_000 {
		name := ledger.KeyID(origin + "/" + strconv.Itoa(i))
		vkey, err := note.NewEd25519VerifierKey(string(name), publicKey(name))
		if err != nil {
			t.Fatal(err)
		}
		other, ok := seen[tail(vkey)]
		seen[tail(vkey)] = vkey
		if !ok {
			continue
		}
		p := goldenPolicy(t)
		p.Origin, _, _ = strings.Cut(vkey, "+")
		p.Log, p.Receipt = vkey, other
		if _, err := ledger.ParsePolicy(p.Text()); err != nil {
			t.Errorf("two keys that end alike: %v", err)
		}
		return
	}
	t.Fatal("no two keys end alike")
}

// TestBelowQuorumNothingIsValid goes through every subset of the witnesses.
func TestBelowQuorumNothingIsValid(t *testing.T) {
	p, w := goldenPolicy(t), goldenWitnesses(t)
	c := goldenLog(t).at(t, 50)
	for set := range 1 << len(w) {
		var by []testWitness
		for i := range w {
			if set>>i&1 == 1 {
				by = append(by, w[i])
			}
		}
		enough := set&8 != 0 && (set&3 == 3 || set&5 == 5 || set&6 == 6) // the university and two institutions
		got, err := p.Open(cosignedBy(t, c, by...))
		switch {
		case enough && (err != nil || got.Checkpoint != c):
			t.Errorf("witnesses %04b: %+v, %v", set, got, err)
		case !enough && !errors.Is(err, ledger.ErrNoQuorum):
			t.Errorf("witnesses %04b: %v, not too few", set, err)
		case len(got.By) != len(by):
			t.Errorf("witnesses %04b: %d cosignatures are counted", set, len(got.By))
		}
	}
}

// TestOneWitnessManyTimes: repeating a signature line adds nothing.
func TestOneWitnessManyTimes(t *testing.T) {
	w := goldenWitnesses(t)
	signed := cosignedBy(t, goldenLog(t).at(t, 50), w[0], w[0], w[0], w[3], w[3])
	if got, err := goldenPolicy(t).Open(signed); !errors.Is(err, ledger.ErrNoQuorum) || len(got.By) != 2 {
		t.Errorf("two witnesses, one three times: %+v, %v", got.By, err)
	}
}

// TestForgedCosignatures: what stands in a witness's name and is not its own
// spoils the checkpoint; what strangers add is passed over.
func TestForgedCosignatures(t *testing.T) {
	p, w := goldenPolicy(t), goldenWitnesses(t)
	l := goldenLog(t)
	c, older := l.at(t, 50), l.at(t, 49)
	good := string(cosignedBy(t, c, w[0], w[1]))
	stranger := witnessNamed(t, "stranger.example")
	for name, line := range map[string]string{
		"over another checkpoint": w[3].cosign(older.Text()),
		"by another's key":        ledger.Cosign(w[3].key, stranger.private, c.Text(), cosignedAt),
		"under another's name":    ledger.Cosign(w[3].key, w[0].private, c.Text(), cosignedAt),
	} {
		if _, err := p.Open([]byte(good + line)); err == nil || errors.Is(err, ledger.ErrNoQuorum) {
			t.Errorf("a cosignature %s: %v", name, err)
		}
	}
	if _, err := p.Open([]byte(good + stranger.cosign(c.Text()))); !errors.Is(err, ledger.ErrNoQuorum) {
		t.Errorf("a stranger's cosignature in the place of the university's: %v", err)
	}
	if got, err := p.Open([]byte(good + stranger.cosign(c.Text()) + w[3].cosign(c.Text()))); err != nil || len(got.By) != 3 {
		t.Errorf("a stranger's cosignature beside a quorum: %+v, %v", got, err)
	}
	// A name may be taken by anybody: the key decides.
	imposter, err := ledger.NewWitnessKey("university.example/witness", publicKey("stranger.example"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.Open([]byte(good + ledger.Cosign(imposter, stranger.private, c.Text(), cosignedAt))); !errors.Is(err, ledger.ErrNoQuorum) {
		t.Errorf("a stranger's cosignature under the university's name: %v", err)
	}
}

// TestWitnessesWithoutTheLog: witnesses alone make no checkpoint.
func TestWitnessesWithoutTheLog(t *testing.T) {
	c := goldenLog(t).at(t, 50)
	text := c.Text() + "\n"
	for _, w := range goldenWitnesses(t) {
		text += w.cosign(c.Text())
	}
	if got, err := goldenPolicy(t).Open([]byte(text)); err == nil {
		t.Errorf("opens as %+v", got)
	}
}

// TestPolicyOfAnotherLedger: checkpoint and receipt of another ledger, with its
// own good signatures, are refused.
func TestPolicyOfAnotherLedger(t *testing.T) {
	other := goldenPolicy(t)
	_, other.Log = noteKeys(t, "berkas.example/other")
	_, other.Receipt = noteKeys(t, "berkas.example/other/receipt")
	other.Origin = "berkas.example/other"
	if got, err := other.Open(goldenFile(t, "checkpoint-cosigned.note")); err == nil {
		t.Errorf("opens as %+v", got)
	}
	if r, err := other.OpenReceipt(goldenFile(t, "receipt-admitted.note")); err == nil {
		t.Errorf("opens as %+v", r)
	}
	if r, err := goldenPolicy(t).OpenReceipt(goldenFile(t, "receipt-admitted.note")); err != nil || r.Position != 42 {
		t.Errorf("the golden receipt opens as %+v, %v", r, err)
	}
	// The right key, and another ledger's name in what it signed.
	wrong := goldenReceipts(t)["receipt-admitted.note"]
	wrong.Origin = "berkas.example/other"
	signer, _ := noteKeys(t, origin+"/receipt")
	signed, err := ledger.SignReceipt(wrong, signer)
	if err != nil {
		t.Fatal(err)
	}
	if r, err := goldenPolicy(t).OpenReceipt(signed); err == nil || r.Position != 0 {
		t.Errorf("a receipt of another ledger opens as %+v, %v", r, err)
	}
}

// TestPolicyThatAsksForNobody: one that was put together, not read, may be
// broken; it must not let everything through.
func TestPolicyThatAsksForNobody(t *testing.T) {
	signed := cosignedBy(t, goldenLog(t).at(t, 50), goldenWitnesses(t)[0])
	for name, change := range map[string]func(*ledger.Policy){
		"no quorum":      func(p *ledger.Policy) { p.Quorum = "" },
		"an unknown one": func(p *ledger.Policy) { p.Quorum = "nobody" },
		"threshold of 0": func(p *ledger.Policy) {
			p.Groups[1].Threshold, p.Groups[0].Threshold = 0, 0
			p.Groups[1].Members = []string{"university"}
		},
		"no members": func(p *ledger.Policy) { p.Groups[1].Members, p.Groups[1].Threshold = nil, 0 },
		"one member twice": func(p *ledger.Policy) {
			p.Groups[1] = ledger.PolicyGroup{Name: "everybody", Threshold: 2, Members: []string{"bkn", "bkn"}}
		},
	} {
		p := goldenPolicy(t)
		change(&p)
		if _, err := p.Open(signed); !errors.Is(err, ledger.ErrNoQuorum) {
			t.Errorf("%s: %v", name, err)
		}
	}
	none := goldenPolicy(t)
	none.Quorum = ledger.QuorumNone
	if got, err := none.Open(signed); err != nil || len(got.By) != 1 {
		t.Errorf("a policy that asks for no witness: %+v, %v", got, err)
	}
	if _, err := (ledger.Policy{}).Open(signed); err == nil {
		t.Error("a policy that is none opens a checkpoint")
	}
}

// drawPolicy draws witnesses and nested groups; which of them is the quorum, too.
func drawPolicy(t *rapid.T, all []testWitness, policy ledger.Policy) ledger.Policy {
	policy.Witnesses, policy.Groups = nil, nil
	var names []string
	for i := range rapid.IntRange(1, len(all)).Draw(t, "witnesses") {
		names = append(names, "w"+string(rune('a'+i)))
		policy.Witnesses = append(policy.Witnesses, ledger.PolicyWitness{Name: names[i], Key: all[i].key, URL: "http://127.0.0.1/" + names[i]})
	}
	for i := range rapid.IntRange(0, 4).Draw(t, "groups") {
		members := slices.Clone(names)
		members = rapid.Permutation(members).Draw(t, "order")[:rapid.IntRange(1, len(members)).Draw(t, "members")]
		g := ledger.PolicyGroup{Name: "g" + string(rune('a'+i)), Threshold: rapid.IntRange(1, len(members)).Draw(t, "threshold"), Members: members}
		policy.Groups = append(policy.Groups, g)
		names = append(names, g.Name)
	}
	policy.Quorum = rapid.SampledFrom(append(names, ledger.QuorumNone)).Draw(t, "quorum")
	return policy
}

func TestPolicyRoundTrip(t *testing.T) {
	base, all := goldenPolicy(t), goldenWitnesses(t)
	rapid.Check(t, func(t *rapid.T) {
		p := drawPolicy(t, all, base)
		got, err := ledger.ParsePolicy(p.Text())
		if err != nil || !reflect.DeepEqual(got, p) || got.Text() != p.Text() {
			t.Errorf("%q reads as %+v, %v", p.Text(), got, err)
		}
	})
}
