package projections

import "testing"

// TestMemoClear: what was remembered of columns that are gone is not kept, nor
// what somebody was still working out of them.
func TestMemoClear(t *testing.T) {
	var m memo
	worked := 0
	ask := func(meanwhile func()) {
		if _, err := m.answer(t.Context(), "asked", func() (any, int) {
			worked++
			meanwhile()
			return worked, 10
		}); err != nil {
			t.Fatal(err)
		}
	}
	ask(func() {})
	ask(func() {})
	if worked != 1 || len(m.by) != 1 {
		t.Fatalf("worked %d times, remembers %d", worked, len(m.by))
	}
	m.clear()
	ask(m.clear)
	if worked != 2 || len(m.by) != 0 || m.words != 0 {
		t.Errorf("afterwards worked %d times, remembers %d of %d words", worked, len(m.by), m.words)
	}
	ask(func() {})
	if worked != 3 || len(m.by) != 1 {
		t.Errorf("at last worked %d times, remembers %d", worked, len(m.by))
	}
}
