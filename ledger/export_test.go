package ledger

import "time"

// KnownNames are the names that SafePointer keeps.
func KnownNames() map[string]bool { return memberNames }

// Harmless and WalkData are the two ways of scanData.
func Harmless(data []byte) bool { return harmless(data) }

// WalkData reports whether a walk through a value that is JSON finds something.
func WalkData(data []byte) bool {
	sealed, personal, bad := walkData(data)
	return len(sealed) > 0 || personal != nil || bad != nil
}

// Forms are what form.go takes, by name.
var Forms = map[string]func(string) bool{
	"hash": isHash, "code": isCode, "uuid": isUUID, "uuidv7": isUUIDv7, "day": isDay, "time": isTime, "origin": isOrigin,
	"agency":  func(s string) bool { return AgencyID(s).Valid() },
	"key":     func(s string) bool { return KeyID(s).Valid() },
	"subject": isSubject,
}

// ParseRecorded reads a recorded time.
func ParseRecorded(s string) (time.Time, error) { return parseRecorded(s) }

// Moves reports whether an event is about a respondent of a case.
func Moves(c Case, e Event, respondent string) bool {
	if _, ok := steps[e.Kind]; !ok || e.Payload == nil {
		return false
	}
	for _, t := range c.targets(e) {
		if t.index >= 0 && c.Respondents[t.index].ID == respondent {
			return true
		}
	}
	return false
}
