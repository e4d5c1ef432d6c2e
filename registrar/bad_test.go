package registrar_test

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/berkas-ledger/berkas/internal/testkit"
	"github.com/berkas-ledger/berkas/ledger"
	"github.com/berkas-ledger/berkas/registrar"
)

// bad is a way to hand in something that is refused.
type bad struct {
	name     string
	want     ledger.Code
	pointers []string
	// make builds the message; the case is registered and held by Bawaslu.
	make func(n *node, caseID string) registrar.Message
	// now is when it is handed in; zero is today.
	now time.Time
}

// say makes an event of an agency two minutes before today.
func say(by ledger.AgencyID, kind ledger.Kind, payload any, change ...func(*ledger.Event)) func(*node, string) registrar.Message {
	return func(n *node, caseID string) registrar.Message {
		return message(n.Say(by, kind, caseID, today.Add(-2*time.Minute), payload, change...))
	}
}

// about is say for an event that is not about the case.
func about(by ledger.AgencyID, kind ledger.Kind, subject string, payload any) func(*node, string) registrar.Message {
	return func(n *node, _ string) registrar.Message {
		return message(n.Say(by, kind, subject, today.Add(-2*time.Minute), payload))
	}
}

// rooted is an event about BKN that is signed with root keys.
func rooted(kind ledger.Kind, payload any, keys ...ledger.KeyID) func(*node, string) registrar.Message {
	return func(n *node, _ string) registrar.Message {
		return message(n.Sign(ledger.BKN, n.Event(ledger.BKN, kind, "bkn", today.Add(-2*time.Minute), payload), keys...))
	}
}

// raw makes the message of bytes that Bawaslu signs as they are.
func raw(body func(good []byte) []byte) func(*node, string) registrar.Message {
	return func(n *node, caseID string) registrar.Message {
		good := n.Event(ledger.Bawaslu, ledger.CompletenessCheckedKind, caseID, today.Add(-2*time.Minute), complete)
		return message(n.Sign(ledger.Bawaslu, body(good)))
	}
}

// swap is raw with one part of the text replaced.
func swap(from, to string) func(*node, string) registrar.Message {
	return raw(func(good []byte) []byte {
		if !bytes.Contains(good, []byte(from)) {
			panic("the event has no " + from)
		}
		return bytes.Replace(good, []byte(from), []byte(to), 1)
	})
}

// header makes an event that is good but for its headers.
func header(change func(n *node, h map[string][]string)) func(*node, string) registrar.Message {
	return func(n *node, caseID string) registrar.Message {
		m := message(assessed(n, caseID))
		change(n, m.Header)
		return m
	}
}

var complete = ledger.CompletenessChecked{Result: "complete"}

func letter(number string) ledger.Letter { return ledger.Letter{Number: number, Date: "2020-06-12"} }

// assessed is what may come next in the case.
func assessed(n *node, caseID string) ledger.Submission {
	return n.Say(ledger.Bawaslu, ledger.CaseAssessedKind, caseID, today.Add(-2*time.Minute), violation("r1"))
}

func violation(respondent string) ledger.CaseAssessed {
	return ledger.CaseAssessed{Catalogue: ledger.CatalogueSKB2020, Respondents: []ledger.AssessedRespondent{
		{ID: respondent, Outcome: ledger.OutcomeViolation, Items: []string{"photo"}},
	}}
}

func at(t time.Time) func(*ledger.Event) { return func(e *ledger.Event) { e.Time = t } }

// sealedFor is a sealed value that names a place; there is nothing in it.
func sealedFor(origin, caseID, event, pointer string) ledger.Sealed {
	h := fmt.Sprintf(`{"alg":"dir","enc":"A256GCM","kid":%q,"ledger":%q,"case":%q,"event":%q,"pointer":%q}`,
		strings.Repeat("A", 22), origin, caseID, event, pointer)
	return ledger.Sealed(base64.RawURLEncoding.EncodeToString([]byte(h)) +
		".." + strings.Repeat("B", 16) + "." + strings.Repeat("C", 342) + "." + strings.Repeat("D", 21) + "A")
}

var badForms = []bad{
	{name: "not JSON", want: ledger.CodeNotJSON, make: raw(func([]byte) []byte { return []byte("Budi tidak netral") })},
	{name: "empty", want: ledger.CodeNotJSON, make: raw(func([]byte) []byte { return nil })},
	{name: "half an event", want: ledger.CodeNotJSON, make: raw(func(b []byte) []byte { return b[:len(b)-9] })},
	{name: "two events", want: ledger.CodeNotJSON, make: raw(func(b []byte) []byte { return append(b, b...) })},
	{name: "wrong UTF-8", want: ledger.CodeNotUTF8, make: raw(func(b []byte) []byte { return bytes.Replace(b, []byte("complete"), []byte("compl\xffte"), 1) })},
	{name: "duplicate attribute", want: ledger.CodeDuplicateKey, make: swap(`"ledger"`, `"id":"x","ledger"`), pointers: []string{"/id"}},
	{name: "duplicate member of the data", want: ledger.CodeDuplicateKey, make: swap(`{"result"`, `{"result":"complete","result"`), pointers: []string{"/data/result"}},
	{
		name: "duplicate member that says who it is", want: ledger.CodeDuplicateKey, pointers: []string{"/data"},
		make: swap(`{"result"`, `{"budi_contoh":1,"budi_contoh":2,"result"`),
	},
	{name: "too large", want: ledger.CodeTooLarge, make: raw(func(b []byte) []byte { return append(b, bytes.Repeat([]byte(" "), ledger.MaxBody)...) })},
	{name: "unknown kind", want: ledger.CodeUnknownKind, pointers: []string{"/type"}, make: say(ledger.Bawaslu, "case.vanished", complete)},
	{
		name: "unknown version", want: ledger.CodeUnknownKind, pointers: []string{"/type"},
		make: say(ledger.Bawaslu, ledger.CompletenessCheckedKind, complete, func(e *ledger.Event) { e.Version = 2 }),
	},
	{
		name: "reserved kind", want: ledger.CodeReservedKind, pointers: []string{"/type"},
		make: about(ledger.Bawaslu, ledger.SubmissionRefusedKind, "bkn", ledger.SubmissionRefused{Agency: ledger.BKN, Reason: ledger.CodeNotJSON, Digest: strings.Repeat("0", 64)}),
	},
	{
		name: "version not open", want: ledger.CodeVersionNotOpen, pointers: []string{"/type"},
		make: about(ledger.KemenPANRB, ledger.HolidaysPublishedKind, "holidays-2020", ledger.Holidays{Year: 2020, Days: []ledger.Date{"2020-12-25"}, Basis: "SKB"}),
	},
	{
		name: "other ledger", want: ledger.CodeWrongLedger, pointers: []string{"/ledger"},
		make: say(ledger.Bawaslu, ledger.CompletenessCheckedKind, complete, func(e *ledger.Event) { e.Ledger = "berkas.example/latihan" }),
	},
	{name: "unknown attribute", want: ledger.CodeUnknownAttribute, make: swap(`"data":`, `"nama":"Budi Contoh","data":`)},
	{name: "id of another version", want: ledger.CodeBadEnvelope, pointers: []string{"/id"}, make: swap(`-7000-8`, `-4000-8`)},
	{name: "case id of another version", want: ledger.CodeBadEnvelope, pointers: []string{"/subject"}, make: func(n *node, _ string) registrar.Message {
		return message(n.Say(ledger.Bawaslu, ledger.CompletenessCheckedKind, "1", today, complete))
	}},
	{
		name: "sent by another", want: ledger.CodeWrongSource, pointers: []string{"/source"},
		make: func(n *node, caseID string) registrar.Message {
			m := message(assessed(n, caseID))
			m.Agency = ledger.BKN
			return m
		},
	},
	{name: "another's source", want: ledger.CodeWrongSource, pointers: []string{"/source"}, make: func(n *node, caseID string) registrar.Message {
		body := n.Event(ledger.KASN, ledger.CaseAssessedKind, caseID, today, violation("r1"))
		return message(n.Sign(ledger.Bawaslu, body))
	}},
	{name: "the registrar's source", want: ledger.CodeWrongSource, pointers: []string{"/source"}, make: func(n *node, caseID string) registrar.Message {
		body := n.Event(ledger.Registrar, ledger.CaseAssessedKind, caseID, today, violation("r1"))
		return message(n.Sign(ledger.Bawaslu, body))
	}},
}

var badHeaders = []bad{
	{name: "NATS header", want: ledger.CodeForbiddenHeader, make: header(func(_ *node, h map[string][]string) { h["Nats-Msg-Id"] = []string{"1"} })},
	{name: "NATS header in small letters", want: ledger.CodeForbiddenHeader, make: header(func(_ *node, h map[string][]string) { h["nats-rollup"] = []string{"all"} })},
	{name: "recorded time of one's own", want: ledger.CodeForbiddenHeader, make: header(func(_ *node, h map[string][]string) {
		h[ledger.HeaderRecorded] = []string{"2020-06-01T00:00:00.000000Z"}
	})},
	{name: "signature in small letters", want: ledger.CodeForbiddenHeader, make: header(func(_ *node, h map[string][]string) { h["berkas-signature"] = h[ledger.HeaderSignature] })},
	{name: "no content type", want: ledger.CodeContentType, make: header(func(_ *node, h map[string][]string) { delete(h, ledger.HeaderContentType) })},
	{name: "other content type", want: ledger.CodeContentType, make: header(func(_ *node, h map[string][]string) { h[ledger.HeaderContentType] = []string{"application/json"} })},
	{name: "doubled content type", want: ledger.CodeContentType, make: header(func(_ *node, h map[string][]string) {
		h[ledger.HeaderContentType] = []string{ledger.ContentType, ledger.ContentType}
	})},
	{name: "content type in small letters", want: ledger.CodeContentType, make: header(func(_ *node, h map[string][]string) { h["content-type"] = []string{ledger.ContentType} })},
	{name: "no signature", want: ledger.CodeSignatureMissing, make: header(func(_ *node, h map[string][]string) { delete(h, ledger.HeaderSignature) })},
	{name: "signature cut off", want: ledger.CodeSignatureMalformed, make: header(func(_ *node, h map[string][]string) {
		h[ledger.HeaderSignature][0] = h[ledger.HeaderSignature][0][:80]
	})},
	{name: "signature with a line break", want: ledger.CodeSignatureMalformed, make: header(func(_ *node, h map[string][]string) {
		s := h[ledger.HeaderSignature][0]
		h[ledger.HeaderSignature][0] = s[:40] + "\n" + s[41:]
	})},
	{name: "signature doubled", want: ledger.CodeSignatureDoubled, make: header(func(_ *node, h map[string][]string) {
		h[ledger.HeaderSignature] = append(h[ledger.HeaderSignature], h[ledger.HeaderSignature][0])
	})},
	{name: "too many signatures", want: ledger.CodeSignatureMalformed, make: header(func(_ *node, h map[string][]string) {
		h[ledger.HeaderSignature] = slices.Repeat(h[ledger.HeaderSignature], ledger.MaxSignatures+1)
	})},
	{name: "signature of other bytes", want: ledger.CodeSignatureInvalid, make: header(func(n *node, h map[string][]string) {
		h[ledger.HeaderSignature] = n.Sign(ledger.Bawaslu, []byte("{}")).Header()[ledger.HeaderSignature]
	})},
	{name: "one good signature and one bad", want: ledger.CodeSignatureInvalid, make: func(n *node, caseID string) registrar.Message {
		n.admit(n.AddKey(ledger.Bawaslu, "bawaslu/b", today.Add(-time.Minute)))
		m := message(assessed(n, caseID))
		other := n.Sign(ledger.Bawaslu, []byte("{}"), "bawaslu/b")
		m.Header[ledger.HeaderSignature] = append(m.Header[ledger.HeaderSignature], other.Header()[ledger.HeaderSignature]...)
		return m
	}},
}

var badKeys = []bad{
	{name: "unknown key", want: ledger.CodeKeyUnknown, make: func(n *node, caseID string) registrar.Message {
		return message(n.Sign(ledger.Bawaslu, assessed(n, caseID).Body, "bawaslu/never-added"))
	}},
	{name: "revoked key", want: ledger.CodeKeyRevoked, make: func(n *node, caseID string) registrar.Message {
		n.admit(
			n.AddKey(ledger.Bawaslu, "bawaslu/old", today.Add(-time.Hour)),
			n.RevokeKey(ledger.Bawaslu, "bawaslu/old", today.Add(-time.Minute)),
		)
		// It happened before the key was revoked; positions count, not times.
		return message(n.Sign(ledger.Bawaslu, assessed(n, caseID).Body, "bawaslu/old"))
	}},
	{name: "another agency's key", want: ledger.CodeKeyForeign, make: func(n *node, caseID string) registrar.Message {
		return message(n.Sign(ledger.Bawaslu, assessed(n, caseID).Body, testkit.EventKey(ledger.BKN)))
	}},
	{name: "own root key", want: ledger.CodeKeyForeign, make: func(n *node, caseID string) registrar.Message {
		return message(n.Sign(ledger.Bawaslu, assessed(n, caseID).Body, testkit.RootKey(ledger.Bawaslu)))
	}},
	{name: "the registrar's key", want: ledger.CodeKeyForeign, make: func(n *node, caseID string) registrar.Message {
		return message(n.Sign(ledger.Bawaslu, assessed(n, caseID).Body, testkit.RegistrarKey))
	}},
	{name: "new key does not sign", want: ledger.CodeSignatureMissing, make: rooted(ledger.KeyAddedKind,
		ledger.KeyAdded{Agency: ledger.BKN, Key: testkit.NewWorld().Named("bkn/new"), Role: ledger.RoleEvent}, testkit.RootKey(ledger.BKN))},
	{name: "too few roots", want: ledger.CodeRootsTooFew, make: rooted(ledger.MandateGrantedKind, grant,
		testkit.RootKey(ledger.BKN), testkit.RootKey(ledger.KASN))},
	{name: "roots of which one has no vote", want: ledger.CodeKeyForeign, make: rooted(ledger.MandateGrantedKind, grant,
		testkit.RootKey(ledger.BKN), testkit.RootKey(ledger.KASN), testkit.RootKey(ledger.Vault))},
	{
		name: "roster event that does not fit its schema", want: ledger.CodeSchema, pointers: []string{"/data/grant/basis"},
		make: rooted(ledger.MandateGrantedKind, ledger.MandateGranted{Grant: ledger.Grant{
			Agency: ledger.BKN, Mandate: ledger.MandateIntake, Scope: ledger.ScopeAll, Doubt: ledger.DoubtNone,
		}}, testkit.RootKey(ledger.BKN)),
	},
	{name: "key used before", want: ledger.CodeRosterConflict, pointers: []string{"/data/key/id"}, make: func(n *node, _ string) registrar.Message {
		return message(n.AddKey(ledger.BKN, testkit.EventKey(ledger.BKN), today.Add(-time.Minute)))
	}},
	{
		name: "roster event about another", want: ledger.CodeSubject, pointers: []string{"/subject"},
		make: about(ledger.Bawaslu, ledger.ContestPublishedKind, "pemilu-2024", ledger.Contest{
			ID: "pilkada-2024", Kind: "pilkada", Voting: "2024-11-27", Determination: "2024-09-22", Doubt: ledger.DoubtNone,
		}),
	},
}

var grant = ledger.MandateGranted{Grant: ledger.Grant{
	Agency: ledger.BKN, Mandate: ledger.MandateIntake, Scope: ledger.ScopeAll, Basis: "SE 1/2020", Doubt: ledger.DoubtNone,
}}
