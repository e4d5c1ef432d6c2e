package roster_test

import (
	"crypto/ed25519"
	"slices"
	"testing"

	"github.com/berkas-ledger/berkas/ledger"
	"github.com/berkas-ledger/berkas/roster"
)

// signatures name keys only: Signers does not look at the values.
func signatures(keys ...ledger.KeyID) []ledger.Signature {
	out := make([]ledger.Signature, len(keys))
	for i, k := range keys {
		out[i].Key = k
	}
	return out
}

// peopled is a roster at position 10: bawaslu has two event keys and one that
// is revoked, bkn has one, kasn's root is revoked and its new one is root-b.
func peopled(t testing.TB) *roster.Roster {
	t.Helper()
	return apply(t, start(t), 2,
		addKey("bawaslu/1", ledger.RoleEvent), addKey("bawaslu/2", ledger.RoleEvent), addKey("bawaslu/3", ledger.RoleEvent),
		revokeKey(ledger.Bawaslu, "bawaslu/3"), addKey("bkn/1", ledger.RoleEvent), addKey("kasn/1", ledger.RoleEvent),
		revokeKey(ledger.BKN, "kasn/root"), addKey("kasn/root-b", ledger.RoleRoot), addKey("vault/1", ledger.RoleEvent),
	)
}

// Events whose signers are tried.
var (
	figures         = event(ledger.Bawaslu, &ledger.FiguresPublished{Table: "x"})
	newKey, newRoot = addKey("bawaslu/4", ledger.RoleEvent), addKey("kasn/root-c", ledger.RoleRoot)
	control         = granted(asIs)
	controlEnded    = ended(ledger.BKN, ledger.MandateControl, "2030-01-01")
	undecoded       = ledger.Event{Kind: ledger.MandateGrantedKind, Version: 1, Source: ledger.BKN}
	undecodedKey    = ledger.Event{Kind: ledger.KeyAddedKind, Version: 1, Source: ledger.BKN}
	undecodedCase   = ledger.Event{Kind: ledger.CaseOpenedKind, Version: 1, Source: ledger.BKN}
	badKey          = with(addKey("bawaslu/4", ledger.RoleEvent), "x")
	badRoot         = event(ledger.BKN, &ledger.InstitutionAdded{ID: "kpu", Root: ledger.NamedKey{ID: "kpu/root", Public: "x"}})
)

// signers are tried on the peopled roster. Without a code they satisfy the rule.
var signers = []struct {
	name string
	e    ledger.Event
	keys []ledger.KeyID
	code ledger.Code
	at   string
}{
	{"its event key", figures, ids("bawaslu/1"), "", ""},
	{"all its event keys", figures, ids("bawaslu/1 bawaslu/2"), "", ""},
	{"a service's event key", event(ledger.Vault, &ledger.CaseOpened{}), ids("vault/1"), "", ""},
	{"nobody", figures, nil, ledger.CodeSignatureMissing, ""},
	{"an unknown key", figures, ids("bawaslu/9"), ledger.CodeKeyUnknown, ""},
	{"a stranger", figures, ids("kpu/1"), ledger.CodeKeyUnknown, ""},
	{"a revoked key", figures, ids("bawaslu/3"), ledger.CodeKeyRevoked, ""},
	{"a good and a revoked key", figures, ids("bawaslu/1 bawaslu/3"), ledger.CodeKeyRevoked, ""},
	{"another's key", figures, ids("bkn/1"), ledger.CodeKeyForeign, ""},
	{"its own and another's", figures, ids("bawaslu/1 bkn/1"), ledger.CodeKeyForeign, ""},
	{"its root for an event", figures, ids("bawaslu/root"), ledger.CodeKeyForeign, ""},
	{"the registrar's key", figures, ids("registrar/1"), ledger.CodeKeyForeign, ""},
	{"another's revoked key", event(ledger.BKN, &ledger.FiguresPublished{}), ids("bawaslu/3"), ledger.CodeKeyForeign, ""},

	{"a new key: root and new key", newKey, ids("bawaslu/4 bawaslu/root"), "", ""},
	{"a new key: the root alone", newKey, ids("bawaslu/root"), ledger.CodeSignatureMissing, ""},
	{"a new key: itself alone", newKey, ids("bawaslu/4"), ledger.CodeSignatureMissing, ""},
	{"a new key: an event key for the root", newKey, ids("bawaslu/1 bawaslu/4"), ledger.CodeKeyForeign, ""},
	{"a new key: another's root", newKey, ids("bawaslu/4 bkn/root"), ledger.CodeKeyForeign, ""},
	{"a new key: both roots", newKey, ids("bawaslu/4 bawaslu/root bkn/root"), ledger.CodeKeyForeign, ""},
	{"a new key: a root that is gone", addKey("kasn/2", ledger.RoleEvent), ids("kasn/2 kasn/root"), ledger.CodeKeyRevoked, ""},
	{"a new key: the root that came after", addKey("kasn/2", ledger.RoleEvent), ids("kasn/2 kasn/root-b"), "", ""},
	{"a new key of a service", addKey("vault/2", ledger.RoleEvent), ids("vault/2 vault/root"), "", ""},
	{"a new key that is none", badKey, ids("bawaslu/4 bawaslu/root"), ledger.CodeSchema, "/data/key/public"},

	{"a new root: two roots and itself", newRoot, ids("bawaslu/root bkn/root kasn/root-c"), "", ""},
	{"a new root: all roots and itself", newRoot, ids("bawaslu/root bkn/root kasn/root-b kasn/root-c kemendagri/root"), "", ""},
	{"a new root: two roots alone", newRoot, ids("bawaslu/root bkn/root"), ledger.CodeSignatureMissing, ""},
	{"a new root: one root and itself", newRoot, ids("bkn/root kasn/root-c"), ledger.CodeRootsTooFew, ""},
	{"a new root: a service has no vote", newRoot, ids("bkn/root kasn/root-c vault/root"), ledger.CodeKeyForeign, ""},
	{"a new root: an event key has no vote", newRoot, ids("bawaslu/1 bkn/root kasn/root-c"), ledger.CodeKeyForeign, ""},
	{"a new root: a revoked root has no vote", newRoot, ids("bkn/root kasn/root kasn/root-c"), ledger.CodeKeyRevoked, ""},

	{"a key revoked: its root", revokeKey(ledger.BKN, "bkn/1"), ids("bkn/root"), "", ""},
	{"a key revoked: itself", revokeKey(ledger.BKN, "bkn/1"), ids("bkn/1"), ledger.CodeKeyForeign, ""},
	{"a key revoked: other roots", revokeKey(ledger.BKN, "bkn/1"), ids("bawaslu/root kasn/root-b"), ledger.CodeKeyForeign, ""},
	{"a key nobody added", revokeKey(ledger.BKN, "bkn/9"), ids("bkn/root"), "", ""}, // Check refuses it
	{"a root revoked: two roots", revokeKey(ledger.BKN, "bkn/root"), ids("bawaslu/root kasn/root-b"), "", ""},
	{"a root revoked: it may vote", revokeKey(ledger.BKN, "bkn/root"), ids("bawaslu/root bkn/root"), "", ""},
	{"a root revoked: itself alone", revokeKey(ledger.BKN, "bkn/root"), ids("bkn/root"), ledger.CodeRootsTooFew, ""},

	{"a newcomer: two roots and its own", event(ledger.BKN, newcomer), ids("bawaslu/root bkn/root kpu/root"), "", ""},
	{"a newcomer: without its own", event(ledger.BKN, newcomer), ids("bawaslu/root bkn/root"), ledger.CodeSignatureMissing, ""},
	{"a newcomer: with one root", event(ledger.BKN, newcomer), ids("bkn/root kpu/root"), ledger.CodeRootsTooFew, ""},
	{"a newcomer whose root is no key", badRoot, ids("bawaslu/root bkn/root kpu/root"), ledger.CodeSchema, "/data/root/public"},

	{"a mandate: two roots", control, ids("bawaslu/root bkn/root"), "", ""},
	{"a mandate: one root", control, ids("bkn/root"), ledger.CodeRootsTooFew, ""},
	{"a mandate: nobody", control, nil, ledger.CodeRootsTooFew, ""},
	{"a mandate: an unknown root", control, ids("bkn/root kpu/root"), ledger.CodeKeyUnknown, ""},
	{"a mandate's end: two roots", controlEnded, ids("kasn/root-b kemendagri/root"), "", ""},
	{"a mandate's end: event keys", controlEnded, ids("bawaslu/1 bkn/1"), ledger.CodeKeyForeign, ""},
	{"a mandate that did not decode", undecoded, ids("bawaslu/root bkn/root"), ledger.CodeSchema, "/data"},
	{"a key that did not decode", undecodedKey, ids("bkn/root"), ledger.CodeSchema, "/data"},
	{"an event that did not decode", undecodedCase, ids("bkn/1"), "", ""}, // its schema refuses it
	{"a regime: an event key", event(ledger.BKN, &ledger.Regime{ID: "x"}), ids("bkn/1"), "", ""},
	{"a regime: roots", event(ledger.BKN, &ledger.Regime{ID: "x"}), ids("bawaslu/root bkn/root"), ledger.CodeKeyForeign, ""},
}

func TestSigners(t *testing.T) {
	for _, tt := range signers {
		t.Run(tt.name, func(t *testing.T) {
			keys, bad := peopled(t).Signers(tt.e, signatures(tt.keys...))
			if tt.code != "" {
				wantRefusal(t, tt.name, bad, tt.code, tt.at)
				if keys != nil {
					t.Errorf("refused, with keys %v", keys)
				}
				return
			}
			if bad != nil {
				t.Fatal(bad)
			}
			var want []ed25519.PublicKey
			for _, k := range tt.keys {
				want = append(want, publicKey(string(k)))
			}
			if !slices.EqualFunc(keys, want, func(a, b ed25519.PublicKey) bool { return a.Equal(b) }) {
				t.Errorf("the keys are not those of %v in their order", tt.keys)
			}
		})
	}
}

func ids(list string) []ledger.KeyID {
	var out []ledger.KeyID
	for _, s := range split(list) {
		out = append(out, ledger.KeyID(s))
	}
	return out
}

// TestKeyLifetimes: a key signs what stands after the record that added it, up
// to and with the one that revokes it.
func TestKeyLifetimes(t *testing.T) {
	use := event(ledger.BKN, &ledger.FiguresPublished{Table: "x"})
	rosters := []*roster.Roster{nil, start(t)} // by position of the last record
	for p, e := range []ledger.Event{
		addKey("bkn/1", ledger.RoleEvent), event(ledger.BKN, &ledger.Holidays{Year: 2020}),
		revokeKey(ledger.BKN, "bkn/1"), addKey("bkn/2", ledger.RoleEvent),
	} {
		rosters = append(rosters, apply(t, rosters[len(rosters)-1], ledger.Position(p+2), e))
	}
	want := map[string][]ledger.Code{ // of a record at positions 2 to 6
		"bkn/1": {ledger.CodeKeyUnknown, "", "", ledger.CodeKeyRevoked, ledger.CodeKeyRevoked},
		"bkn/2": {ledger.CodeKeyUnknown, ledger.CodeKeyUnknown, ledger.CodeKeyUnknown, ledger.CodeKeyUnknown, ""},
	}
	for key, codes := range want {
		for i, code := range codes {
			_, bad := rosters[i+1].Signers(use, signatures(ledger.KeyID(key)))
			if got := codeOf(bad); got != code {
				t.Errorf("%s at position %d: %q, want %q", key, i+2, got, code)
			}
		}
	}
	k, _ := rosters[5].Key("bkn/1")
	if k.Added != 2 || k.Revoked != 4 {
		t.Errorf("bkn/1 was added at %d and revoked at %d", k.Added, k.Revoked)
	}
}

func codeOf(bad *ledger.Refusal) ledger.Code {
	if bad == nil {
		return ""
	}
	return bad.Code
}
