package vault

import "testing"

// A key is given with its bytes, the same ones each time, and is new once.
func TestGive(t *testing.T) {
	ring := newRing(t)
	key, made, err := ring.Give(first, noon)
	if err != nil || !made {
		t.Fatalf("made %v, %v", made, err)
	}
	again, made, err := ring.Give(first, noon)
	if err != nil || made || again != key {
		t.Errorf("another key, or made %v, %v", made, err)
	}
	other, made, err := ring.Give(reporter, noon)
	if err != nil || !made || other.Bytes == key.Bytes || other.ID == key.ID {
		t.Errorf("made %v, %v", made, err)
	}
	if _, _, err := ring.Give(Holder{Case: caseOne, Label: "budi"}, noon); err == nil {
		t.Error("no holder got a key")
	}
	if err := ring.Close(); err != nil {
		t.Fatal(err)
	}
	if key, _, err := ring.Give(first, noon); err == nil || key.ID != "" {
		t.Error("a closed ring gave a key")
	}
}
