package schemas

import (
	"cmp"
	"errors"
	"slices"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"

	"github.com/berkas-ledger/berkas/ledger"
)

// Problem is one place at which data breaks its schema. It holds names from the
// schema, indexes and nothing of what the sender wrote, so it may be logged,
// answered and recorded.
type Problem struct {
	// Pointer is a JSON pointer (RFC 6901) relative to the data. For a missing
	// member it is where the member should stand; for a member that the schema
	// does not know it is the object around it, since the name is the sender's.
	Pointer string
	// Keyword is the JSON Schema keyword that failed, for instance "required",
	// "pattern", "enum"; "false" for a member that may not stand there.
	Keyword string
}

func comparePlace(a, b Problem) int {
	return cmp.Or(strings.Compare(a.Pointer, b.Pointer), strings.Compare(a.Keyword, b.Keyword))
}

// problems turns what the library says into places.
func problems(err error) []Problem {
	if err == nil {
		return nil
	}
	var ve *jsonschema.ValidationError
	if !errors.As(err, &ve) {
		return []Problem{{Keyword: "json"}}
	}
	out := collect(nil, ve)
	slices.SortFunc(out, comparePlace)
	out = slices.Compact(out)
	return out[:min(len(out), ledger.MaxPointers)]
}

// collect appends the leaves of a tree of errors: only they name a place and a
// rule, what is above them repeats it.
func collect(out []Problem, e *jsonschema.ValidationError) []Problem {
	if len(e.Causes) > 0 {
		for _, c := range e.Causes {
			out = collect(out, c)
		}
		return out
	}
	at := pointer(e.InstanceLocation)
	switch k := e.ErrorKind.(type) {
	case *kind.Required:
		for _, m := range k.Missing {
			out = append(out, Problem{at + "/" + m, "required"})
		}
		return out
	case *kind.DependentRequired:
		for _, m := range k.Missing {
			out = append(out, Problem{at + "/" + m, "dependentRequired"})
		}
		return out
	case *kind.FalseSchema:
		return append(out, Problem{at, "false"})
	}
	keyword := "schema"
	if path := e.ErrorKind.KeywordPath(); len(path) > 0 {
		keyword = path[0]
	}
	return append(out, Problem{at, keyword})
}

// pointer joins a location. Every object is closed, so its parts are members of
// schemas and indexes; neither needs escaping.
func pointer(location []string) string {
	if len(location) == 0 {
		return ""
	}
	return "/" + strings.Join(location, "/")
}

func describe(found []Problem) string {
	var b strings.Builder
	for i, p := range found {
		if i > 0 {
			b.WriteString("; ")
		}
		b.WriteString(p.Keyword)
		b.WriteString(" at /data")
		b.WriteString(p.Pointer)
	}
	return b.String()
}
