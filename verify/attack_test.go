package verify_test

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/berkas-ledger/berkas/internal/testkit"
	"github.com/berkas-ledger/berkas/ledger"
	"github.com/berkas-ledger/berkas/verify"
)

// told is a book with a case's whole way on it, from position 9, and a refusal
// at the end.
func told(t testing.TB) (b *book, caseID string) {
	b = newBook(t)
	caseID = b.NewID()
	b.write(b.Story(caseID, today.Add(-9*time.Hour), 2)...)
	b.refuse(ledger.Bawaslu, []byte("{"))
	return b, caseID
}

// first is the position of the told case's opening.
const first = 9

func TestNothingToFind(t *testing.T) {
	b, _ := told(t)
	r := b.audit()
	want(t, r)
	if j := r.Judged; j.Records != 17 || j.Cases != 1 || j.Events != 8 || j.Roster != 8 || j.Refusals != 1 || j.Signatures != 23 {
		t.Errorf("judged %+v", j)
	}
}

// attack is one way in which somebody who has all keys of registrar and log, but
// none of an agency, may try to cheat; the log is signed anew afterwards, as if
// nobody had seen it before.
type attack struct {
	name  string
	do    func(b *book, caseID string)
	found []string
}

func complete(b *book, caseID string, at time.Time, change ...func(*ledger.Event)) ledger.Submission {
	return b.Say(ledger.Bawaslu, ledger.CompletenessCheckedKind, caseID, at, ledger.CompletenessChecked{Result: "complete"}, change...)
}

// opening is an event that would be admitted.
func opening(b *book) ledger.Submission {
	return b.Say(ledger.Bawaslu, ledger.CaseOpenedKind, b.NewID(), today.Add(-time.Hour), testkit.Opened(1))
}

// swapBody replaces text in the body of a record and leaves its signature.
func (b *book) swapBody(at ledger.Position, from, to string) {
	r := &b.records[at-1]
	if !bytes.Contains(r.Body, []byte(from)) {
		b.t.Fatalf("position %d does not say %s:\n%s", at, from, r.Body)
	}
	r.Body = bytes.Replace(r.Body, []byte(from), []byte(to), 1)
}

var attacks = []attack{
	{"alter what an agency said", func(b *book, _ string) { b.swapBody(first, `"73.71"`, `"73.72"`) }, []string{"9 signature-invalid"}},
	{"sign in an agency's name with the registrar's key", func(b *book, _ string) {
		s := opening(b)
		b.write(b.Sign(ledger.Bawaslu, s.Body, testkit.RegistrarKey))
	}, []string{"18 key-foreign"}},
	{"sign in an agency's name with a key of the operator's", func(b *book, _ string) {
		s := opening(b)
		forged := b.Sign(ledger.Bawaslu, s.Body, "bawaslu/other")
		forged.Signatures[0].Key = testkit.EventKey(ledger.Bawaslu)
		b.write(forged)
	}, []string{"18 signature-invalid"}},
	{"give an agency a key and sign with it", func(b *book, _ string) {
		body := b.Event(ledger.Bawaslu, ledger.KeyAddedKind, "bawaslu", today, ledger.KeyAdded{Agency: ledger.Bawaslu, Key: b.Named("bawaslu/x"), Role: ledger.RoleEvent})
		b.write(b.Sign(ledger.Bawaslu, body, "bawaslu/x"))
		b.write(b.Sign(ledger.Bawaslu, opening(b).Body, "bawaslu/x"))
	}, []string{"18 signature-missing", "19 key-unknown"}},
	{"use a revoked key", func(b *book, _ string) {
		b.write(b.RevokeKey(ledger.Bawaslu, testkit.EventKey(ledger.Bawaslu), today))
		b.write(opening(b))
	}, []string{"19 key-revoked"}},
	{"use a key before it is added", func(b *book, _ string) {
		b.write(b.Sign(ledger.Bawaslu, opening(b).Body, "bawaslu/b"))
		b.write(b.AddKey(ledger.Bawaslu, "bawaslu/b", today))
	}, []string{"18 key-unknown"}},
	{"record without a mandate", func(b *book, caseID string) {
		b.write(b.Say(ledger.Kemendagri, ledger.CaseOpenedKind, b.NewID(), today.Add(-time.Hour), testkit.Opened(1)))
	}, []string{"18 no-mandate-then"}},
	{"record late without the mandate", func(b *book, _ string) {
		b.write(b.Say(ledger.Bawaslu, ledger.CaseOpenedKind, b.NewID(), today.AddDate(0, 0, -40), testkit.Opened(1)))
	}, []string{"18 late-without-mandate"}},
	{"grant a mandate without the roots", func(b *book, _ string) {
		grant := ledger.Grant{Agency: ledger.Kemendagri, Mandate: ledger.MandateIntake, Scope: ledger.ScopeAll, Basis: "UU 5/2014", Doubt: ledger.DoubtNone}
		body := b.Event(ledger.Kemendagri, ledger.MandateGrantedKind, "kemendagri", today, ledger.MandateGranted{Grant: grant})
		b.write(b.Sign(ledger.Kemendagri, body, testkit.RootKey(ledger.Kemendagri)))
		b.write(b.Say(ledger.Kemendagri, ledger.CaseOpenedKind, b.NewID(), today.Add(-time.Hour), testkit.Opened(1)))
	}, []string{"18 roots-too-few", "19 no-mandate-then"}},
	{"back-date a record", func(b *book, _ string) {
		b.clock = b.clock.Add(-time.Minute)
		b.write(opening(b))
	}, []string{"18 recorded-backwards"}},
	{"record what has not happened", func(b *book, _ string) {
		b.write(b.Say(ledger.Bawaslu, ledger.CaseOpenedKind, b.NewID(), today.AddDate(0, 0, 1), testkit.Opened(1)))
	}, []string{"18 time-in-future"}},
	{"record an event twice", func(b *book, _ string) {
		r := b.records[first]
		b.write(ledger.Submission{Body: r.Body, Signatures: r.Signatures})
	}, []string{"18 record-again"}},
	{"record a change of the roster twice", func(b *book, _ string) {
		r := b.records[6] // the contest
		b.write(ledger.Submission{Body: r.Body, Signatures: r.Signatures})
	}, []string{"18 record-again"}},
	{"record a refusal twice", func(b *book, _ string) {
		r := b.records[16]
		b.records = append(b.records, ledger.Record{Position: 18, Recorded: r.Recorded, Subject: r.Subject, Signatures: r.Signatures, Body: r.Body})
	}, []string{"18 record-again"}},
	{"use an id again", func(b *book, caseID string) {
		e, _ := ledger.Decode(b.records[first].Body)
		b.write(complete(b, caseID, today, func(n *ledger.Event) { n.ID = e.ID }))
	}, []string{"18 id-reused"}},
	{"let a case stand at a stage it never reached", func(b *book, caseID string) {
		id := b.NewID()
		b.write(b.Say(ledger.Bawaslu, ledger.CaseOpenedKind, id, today.Add(-time.Hour), testkit.Opened(1)))
		b.write(b.Say(ledger.BKN, ledger.DecisionRecordedKind, id, today.Add(-time.Minute), ledger.DecisionRecorded{
			Decree: ledger.Letter{Number: "CONTOH-SK/1", Date: "2020-06-10"},
			Respondents: []ledger.DecidedRespondent{{
				ID: "r1", Outcome: ledger.OutcomeSanctioned, Family: ledger.FamilyDiscipline, Level: "medium", Kind: "promotion-held-1y",
			}},
		}))
	}, []string{"19 impossible-transition"}},
	{"slip a record in where it breaks later ones", func(b *book, caseID string) {
		b.write(b.Say(ledger.Bawaslu, ledger.CaseNotRegisteredKind, caseID, today.Add(-9*time.Hour+time.Minute), ledger.CaseNotRegistered{Reason: "not-a-violation"}))
	}, []string{"18 schema-violation"}},
	{"void what later records stand on", func(b *book, caseID string) {
		e, _ := ledger.Decode(b.records[first+2].Body) // the forwarding
		b.write(b.Say(ledger.Bawaslu, ledger.EventCorrectedKind, caseID, today, ledger.EventCorrected{
			Event: e.ID, Kind: e.Kind, Version: 1, Action: ledger.ActionVoid, Reason: "wrong-data",
		}))
	}, []string{"18 breaks-later-record"}},
	{"speak as the registrar of a case", func(b *book, caseID string) {
		body := b.Event(ledger.Registrar, ledger.CompletenessCheckedKind, caseID, today, ledger.CompletenessChecked{Result: "complete"})
		b.write(b.Sign(ledger.Registrar, body, testkit.RegistrarKey))
	}, []string{"18 wrong-source"}},
	{"found the ledger again", func(b *book, _ string) {
		r := b.records[0]
		b.write(ledger.Submission{Body: r.Body, Signatures: r.Signatures})
	}, []string{"18 record-again"}},
	{"found the ledger again with other mandates", func(b *book, _ string) {
		e, _ := ledger.Decode(b.records[0].Body)
		e.ID = b.NewID()
		body, err := e.Encode()
		if err != nil {
			b.t.Fatal(err)
		}
		b.write(b.Sign(ledger.Registrar, body, testkit.RegistrarKey))
	}, []string{"18 reserved-kind"}},
	{"take an event of another ledger", func(b *book, _ string) {
		b.write(b.Say(ledger.Bawaslu, ledger.CaseOpenedKind, b.NewID(), today.Add(-time.Hour), testkit.Opened(1), func(e *ledger.Event) { e.Ledger = "berkas.example/lain" }))
	}, []string{"18 wrong-ledger"}},
	{"hide an event on another subject", func(b *book, caseID string) {
		b.write(opening(b))
		b.records[17].Subject = ledger.SubjectCase(caseID)
	}, []string{"18 subject-misplaced"}},
	{"say another position", func(b *book, _ string) { b.records[first+1].Position = 99 }, []string{"11 position-wrong"}},
	{"refuse in another agency's name", func(b *book, _ string) {
		b.refuse(ledger.BKN, []byte("{"), func(p *ledger.SubmissionRefused, _ *ledger.Event) { p.Agency = ledger.KASN })
	}, []string{"18 refusal-malformed"}},
	{"date a refusal otherwise than its record", func(b *book, _ string) {
		b.refuse(ledger.BKN, []byte("{"), func(_ *ledger.SubmissionRefused, e *ledger.Event) { e.Time = b.clock.Add(-time.Hour) })
	}, []string{"18 refusal-malformed"}},
	{"refuse for the id that stands nowhere yet", func(b *book, _ string) {
		b.refuse(ledger.BKN, []byte("{"), func(p *ledger.SubmissionRefused, _ *ledger.Event) { p.Reason, p.First = ledger.CodeIDReused, 99 })
	}, []string{"18 refusal-malformed"}},
	{"alter a refusal without signing it anew", func(b *book, _ string) { b.swapBody(17, "not-json", "not-utf8") }, []string{"17 signature-invalid"}},
	{"refuse in the registrar's name with another key", func(b *book, _ string) {
		b.refuse(ledger.BKN, []byte("{"))
		r := &b.records[17]
		r.Signatures = []ledger.Signature{ledger.Sign(testkit.EventKey(ledger.BKN), b.Private(testkit.EventKey(ledger.BKN)), r.Body)}
	}, []string{"18 key-foreign"}},
	{"record a kind that nobody knows without an agency's key", func(b *book, caseID string) {
		s := b.Event(ledger.Bawaslu, "case.invented", caseID, today, struct{}{})
		b.write(b.Sign(ledger.Bawaslu, s, "bawaslu/other"))
	}, []string{"18 key-unknown"}},
	{"invent a kind and speak in an agency's name", func(b *book, caseID string) {
		s := b.Event(ledger.Bawaslu, "decision.annulled-again", caseID, today, struct{}{})
		b.write(b.Sign(ledger.Bawaslu, s, testkit.RegistrarKey), b.Sign(ledger.Bawaslu, s, testkit.EventKey(ledger.KASN)))
	}, []string{"18 key-foreign", "19 key-foreign"}},
	{"put an agency's event of an unknown kind on another case", func(b *book, caseID string) {
		b.write(b.Sign(ledger.Bawaslu, b.Event(ledger.Bawaslu, "case.invented", b.NewID(), today, struct{}{}), testkit.EventKey(ledger.Bawaslu)))
		b.records[17].Subject = ledger.SubjectCase(caseID)
	}, []string{"18 subject-misplaced"}},
	{"put an event of an unknown kind among another agency's figures", func(b *book, caseID string) {
		b.write(b.Sign(ledger.Bawaslu, b.Event(ledger.Bawaslu, "figures.invented", "table", today, struct{}{}), testkit.EventKey(ledger.Bawaslu)))
		b.records[17].Subject = ledger.SubjectFigures(ledger.BKN)
	}, []string{"18 subject-misplaced"}},
	{"write something that is no record", func(b *book, _ string) {
		b.write(opening(b))
		b.leaves = make([][]byte, 18)
		b.leaves[12] = []byte("berkas/record/v1\nposition: 13\n")
		// What stood there is missing in the case.
	}, []string{"13 leaf-malformed", "14 impossible-transition", "15 impossible-transition"}},
}

func TestAttacks(t *testing.T) {
	for _, a := range attacks {
		t.Run(a.name, func(t *testing.T) {
			t.Parallel()
			b, caseID := told(t)
			a.do(b, caseID)
			want(t, b.audit(), a.found...)
			// Leaves that are kept are as good as leaves that are read again.
			want(t, b.audit(func(c *verify.Config) { c.Read = nil }), a.found...)
		})
	}
}

// TestRewritten: a log that is signed anew after it was published is found by
// whoever has an earlier checkpoint, and by whoever has a receipt.
func TestRewritten(t *testing.T) {
	for _, a := range []struct {
		name string
		do   func(b *book)
		log  []string
		lost int // receipts whose records are not there
	}{
		{"omit a record", func(b *book) { b.drop(13) }, []string{"17 log-shorter", "13 impossible-transition"}, 5},
		{"omit a record and write another", func(b *book) {
			b.drop(17)
			b.write(opening(b))
		}, []string{"0 log-forked"}, 1},
		{"omit the last record", func(b *book) { b.drop(17) }, []string{"17 log-shorter"}, 1},
		{"omit a whole case", func(b *book) {
			for range 8 {
				b.drop(first)
			}
		}, []string{"10 log-shorter"}, 9},
		{"change the order of two records", func(b *book) {
			b.records[10], b.records[11] = b.records[11], b.records[10]
			b.renumber()
		}, []string{"0 log-forked", "12 recorded-backwards"}, 2},
		{"change a refusal and sign it anew", func(b *book) {
			b.drop(17)
			b.refuse(ledger.Bawaslu, []byte("{"), func(p *ledger.SubmissionRefused, _ *ledger.Event) { p.Reason = ledger.CodeSchema })
		}, []string{"0 log-forked"}, 1},
		{"change when it was recorded", func(b *book) { b.records[13].Recorded = b.records[13].Recorded.Add(time.Millisecond) }, []string{"0 log-forked"}, 1},
	} {
		t.Run(a.name, func(t *testing.T) {
			t.Parallel()
			b, _ := told(t)
			earlier, receipts := b.checkpoint(b.all()), b.receipts()
			a.do(b)
			leaves := b.all()
			auditor := b.auditor(leaves)
			b.take(auditor, 1, leaves)
			if err := auditor.Hold("the first checkpoint", earlier); err != nil {
				t.Fatal(err)
			}
			r := b.finish(auditor, b.checkpoint(leaves))
			for _, w := range a.log {
				if !slices.Contains(words(r), w) {
					t.Errorf("found %v, want %s", words(r), w)
				}
			}
			if r.Valid || len(r.Held) != 1 || r.Held[0].Agrees || r.Held[0].Signed != string(earlier) {
				t.Errorf("the earlier checkpoint is no evidence: %+v", r.Held)
			}
			b.wantLost(leaves, receipts, a.lost)
		})
	}
}

// wantLost holds receipts against a log: those of records that are gone are
// proofs, or receipts of what lies behind its end.
func (b *book) wantLost(leaves [][]byte, receipts map[string][]byte, lost int) {
	b.t.Helper()
	auditor := b.auditor(leaves)
	b.take(auditor, 1, leaves)
	for name, signed := range receipts {
		auditor.Receipt(name, signed, nil)
	}
	r := b.finish(auditor, b.checkpoint(leaves))
	if got := int(r.Counts[verify.CodeReceiptMissing]) + int(r.Receipts.Newer); got != lost {
		b.t.Errorf("%d receipts without their records, want %d: %+v", got, lost, r.Receipts)
	}
	for _, p := range r.Proofs {
		opened, err := b.policy.OpenReceipt([]byte(p.Receipt))
		if err != nil || opened.Leaf == ledger.HashLeaf([]byte(p.Leaf)) || !strings.HasPrefix(p.Checkpoint, b.Origin+"\n") {
			b.t.Errorf("this proves nothing: %v %+v", err, p)
		}
	}
}

func words(r verify.Report) []string {
	var out []string
	for _, f := range r.Findings {
		out = append(out, strings.TrimSpace(strings.Join([]string{itoa(f.Position), string(f.Code)}, " ")))
	}
	return out
}
