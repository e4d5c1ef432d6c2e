package registrar

import "github.com/berkas-ledger/berkas/ledger"

// checkLinks judges what an event says of other cases: the registrar has them
// all, as they stand now.
func (t *tx) checkLinks(e ledger.Event) *ledger.Refusal {
	switch p := e.Payload.(type) {
	case *ledger.CaseLinked:
		return t.checkLink(p)
	case *ledger.EventCorrected:
		if link, ok := p.Replacement().(*ledger.CaseLinked); ok {
			if bad := t.checkLink(link); bad != nil {
				return bad.Within("/data/data")
			}
		}
		if p.Kind == ledger.CaseOpenedKind && p.Action == ledger.ActionVoid && t.duplicated(e.Subject) {
			return ledger.Refuse(ledger.CodeBreaksLater, "", "another case is linked as a duplicate of this one")
		}
	}
	return nil
}

// checkLink refuses a link with a case that is not there, and a duplicate of a
// duplicate: so no ring can come about, and what is repeated counts.
func (t *tx) checkLink(p *ledger.CaseLinked) *ledger.Refusal {
	switch other := t.caseOf(p.Case).folded; {
	case other.ID == "":
		return ledger.Refuse(ledger.CodeReferenceUnknown, "/data/case", "there is no such case on this ledger")
	case p.Link == ledger.LinkDuplicate && other.DuplicateOf != "":
		return ledger.Refuse(ledger.CodeReferenceUnknown, "/data/case", "the other case is a duplicate itself")
	default:
		return nil
	}
}

// duplicated reports whether some case is a duplicate of another.
func (t *tx) duplicated(id string) bool { return t.j.repeats[id]+t.repeats[id] > 0 }

// repeat counts, for the case that another repeats, how often that is so, when
// a case changes: looking through all cases would make everybody wait.
func (t *tx) repeat(old, now string) {
	if old == now {
		return
	}
	if old != "" {
		t.repeats[old]--
	}
	if now != "" {
		t.repeats[now]++
	}
}
