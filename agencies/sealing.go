package agencies

import (
	"fmt"
	"strconv"

	"github.com/berkas-ledger/berkas/ledger"
	"github.com/berkas-ledger/berkas/seal"
)

// Reporter is the holder of the key under which a case's reporter is sealed;
// respondents hold theirs under their own numbers, r1, r2 and so on.
const Reporter = "reporter"

// SealFunc closes text for its place under the data key of holder, "r1" to "rN"
// or Reporter, in the place's case. The vault's key ring gives one.
type SealFunc func(place seal.Place, holder string, text []byte) (string, error)

// Persons are the personal data of an opening, in clear. They never leave the
// agency but sealed.
type Persons struct {
	// Respondents says who r1, r2, ... are, in their order; "" leaves one out.
	Respondents []string
	// Reporter is who reported; "" leaves it out.
	Reporter string
}

// Format writes nothing of the persons, whatever the verb.
func (p Persons) Format(state fmt.State, _ rune) {
	_, _ = state.Write([]byte(strconv.Itoa(len(p.Respondents)) + " respondents"))
}

// SealInto seals the persons of a case into the payload that opens it. The
// event has to be given the id eventID (WithID), which the sealed values name
// along with ledger, case and the place in the event.
func (o Office) SealInto(p *ledger.CaseOpened, caseID, eventID string, persons Persons, with SealFunc) error {
	at := seal.Place{Ledger: o.Origin, Case: caseID, Event: eventID}
	if err := sealRespondents(p.Respondents, at, persons.Respondents, with); err != nil || persons.Reporter == "" {
		return err
	}
	at.Pointer = "/data/reporter"
	sealed, err := with(at, Reporter, []byte(persons.Reporter))
	if err != nil {
		return fmt.Errorf("seal reporter: %w", err)
	}
	p.Reporter = ledger.Sealed(sealed)
	return nil
}

// SealAdded is SealInto for respondents who are added to a case; who says who
// they are, in their order, and "" leaves one out.
func (o Office) SealAdded(p *ledger.RespondentAdded, caseID, eventID string, who []string, with SealFunc) error {
	return sealRespondents(p.Respondents, seal.Place{Ledger: o.Origin, Case: caseID, Event: eventID}, who, with)
}

func sealRespondents(list []ledger.NewRespondent, at seal.Place, who []string, with SealFunc) error {
	if len(who) > len(list) {
		return fmt.Errorf("seal: %d persons for %d respondents", len(who), len(list))
	}
	for i, text := range who {
		if text == "" {
			continue
		}
		at.Pointer = "/data/respondents/" + strconv.Itoa(i) + "/identity"
		sealed, err := with(at, list[i].ID, []byte(text))
		if err != nil {
			return fmt.Errorf("seal respondent %s: %w", list[i].ID, err)
		}
		list[i].Identity = ledger.Sealed(sealed)
	}
	return nil
}
