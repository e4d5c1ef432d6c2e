package projections

import (
	"bytes"
	"slices"
	"testing"
	"unicode/utf8"
)

// FuzzTextsOf: what is read of an array as PostgreSQL sends it is what was written, and
// of other bytes no more than they hold.
func FuzzTextsOf(f *testing.F) {
	for _, list := range [][]string{nil, {"kasn"}, {"kasn", ""}, {"kasn", "bkn", "kasn"}} {
		f.Add(putTexts(nil, list)[4:])
	}
	f.Add([]byte{0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, oidText, 255, 255, 255, 255, 0, 0, 0, 1, 255, 255, 255, 255}) // a null of very many
	f.Fuzz(func(t *testing.T, sent []byte) {
		list, err := textsOf(sent)
		if err != nil {
			return
		}
		var texts []string
		size, plain := 12, true
		for _, text := range list {
			texts, size = append(texts, string(text)), size+4+len(text)
			plain = plain && utf8.Valid(text) && !slices.Contains(text, 0) // PostgreSQL has no other
		}
		if len(list) > 0 && size+8 != len(sent) {
			t.Fatalf("%d bytes are read of %d", size+8, len(sent))
		}
		again, err := textsOf(putTexts(nil, texts)[4:])
		if err != nil || plain && !slices.EqualFunc(list, again, bytes.Equal) {
			t.Fatalf("%q is read as %q: %v", list, again, err)
		}
	})
}
