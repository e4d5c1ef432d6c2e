package web

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/berkas-ledger/berkas/ledger"
)

// fact is one thing that an event says, in words.
type fact struct{ Label, Value text }

// factsOf writes the data of an event in words, member by member in the order of
// the catalogue. It knows names and codes, not kinds, so that it can show the
// data of a kind that came later, too. Sealed values stay sealed.
func factsOf(data []byte) []fact {
	var members map[string]any
	if json.Unmarshal(data, &members) != nil { // no object: records always have one
		return nil
	}
	var out []fact
	for _, name := range orderOf(members) {
		v := members[name]
		if list, ok := v.([]any); ok && name == "respondents" && isObjects(list) {
			for _, one := range list {
				object := one.(map[string]any)
				id := fmt.Sprint(object["id"])
				delete(object, "id")
				out = append(out, fact{text{id, id}, wordsOf(object)})
			}
			continue
		}
		out = append(out, fact{fieldWord(name), valueOf(name, v)})
	}
	return out
}

func isObjects(list []any) bool {
	return !slices.ContainsFunc(list, func(v any) bool { _, ok := v.(map[string]any); return !ok })
}

// orderOf gives the names of members in the order of fieldOrder, others last.
func orderOf(members map[string]any) []string {
	names := make([]string, 0, len(members))
	for name := range members {
		names = append(names, name)
	}
	slices.SortFunc(names, func(a, b string) int {
		i, j := slices.Index(fieldOrder, a), slices.Index(fieldOrder, b)
		if i != j && i >= 0 && j >= 0 {
			return i - j
		}
		if (i < 0) != (j < 0) {
			return j - i
		}
		return strings.Compare(a, b)
	})
	return names
}

// wordsOf writes an object's members in one line.
func wordsOf(members map[string]any) text {
	var id, en []string
	for _, name := range orderOf(members) {
		label, value := fieldWord(name), valueOf(name, members[name])
		id = append(id, label.ID+": "+value.ID)
		en = append(en, label.EN+": "+value.EN)
	}
	return text{strings.Join(id, "; "), strings.Join(en, "; ")}
}

// valueOf writes the value of a member.
func valueOf(name string, v any) text {
	switch v := v.(type) {
	case map[string]any:
		return objectOf(name, v)
	case []any:
		var id, en []string
		for _, one := range v {
			t := valueOf(name, one)
			id, en = append(id, t.ID), append(en, t.EN)
		}
		return text{strings.Join(id, ", "), strings.Join(en, ", ")}
	case string:
		return codeOf(name, v)
	case float64:
		return text{indonesian.number(int64(v)), english.number(int64(v))}
	default:
		s := fmt.Sprint(v)
		return text{s, s}
	}
}

// objectOf writes the objects that payloads have: letters, places, authorities.
func objectOf(name string, members map[string]any) text {
	get := func(key string) string { s, _ := members[key].(string); return s }
	switch name {
	case "letter", "decree", "ruling":
		day := ledger.Date(get("date"))
		return text{get("number") + ", " + indonesian.day(day), get("number") + ", " + english.day(day)}
	case "appointing_authority":
		a := ledger.Authority{Kind: get("kind"), Region: get("region"), Code: get("code")}
		return authorityWord(a.Key())
	case "institution":
		i := ledger.Institution{Kind: get("kind"), Region: get("region"), Code: get("code"), Office: get("office")}
		place, office := regionWord(i.Key()), officeWord(i.Office)
		return text{place.ID + " (" + office.ID + " BKN)", place.EN + " (BKN " + strings.ToLower(office.EN[:1]) + office.EN[1:] + ")"}
	case "respondents":
		id, rest := get("id"), maps.Clone(members)
		delete(rest, "id")
		if words := wordsOf(rest); id != "" && words.ID != "" {
			return text{id + " (" + words.ID + ")", id + " (" + words.EN + ")"}
		}
		return wordsOf(members)
	case "recommendation":
		a := word("agency", get("agency"))
		return text{a.ID + " " + get("number"), a.EN + " " + get("number")}
	default:
		return wordsOf(members)
	}
}

// sealedLength is more than any code has: a compact JWE is longer.
const sealedLength = 200

// codeOf writes a code in words, by the name of the member it stands in.
func codeOf(name, v string) text {
	if len(v) > sealedLength && strings.Count(v, ".") == 4 {
		return text{"tersegel", "sealed"}
	}
	switch name {
	case "to", "from", "copies", "members", "agency", "seen_by", "publisher":
		return word("agency", v)
	case "items":
		return itemWord(v)
	case "contest":
		return contestWord(contestNamed(v))
	case "basis":
		return basisWord(v)
	case "region":
		return regionWord(v)
	case "level", "sanction":
		return word("sanction", v)
	case "kind":
		if t, ok := dataWords["sanction-kind"][v]; ok {
			return t
		}
		return word("kind", v)
	}
	if d := ledger.Date(v); d.Valid() {
		return text{indonesian.day(d), english.day(d)}
	}
	for _, group := range []string{"value", "family", "class", "origin"} {
		if t := word(group, v); t.ID != v {
			return t
		}
	}
	return text{v, v}
}

func fieldWord(name string) text { return word("field", name) }

// fieldOrder is the order in which members are told.
var fieldOrder = []string{
	"id", "channel", "origin", "contest", "act", "catalogue", "items", "register", "result", "to", "from", "by", "remedy", "outcome", "family", "level",
	"sanction", "kind", "letter", "decree", "ruling", "number", "date", "sent", "region", "appointing_authority", "recommendation", "institution",
	"employment", "class", "link", "case", "action", "event", "version", "data", "reason", "members", "copies", "respondents", "identity", "reporter",
}
