package web

import (
	"fmt"
	"io"
)

// DataKey is a key under which personal data is sealed.
type DataKey struct {
	ID  string   // as sealed values name it
	Key [32]byte // A256GCM
}

// Format writes the id, whatever the verb.
func (k DataKey) Format(state fmt.State, _ rune) {
	_, _ = io.WriteString(state, "key "+k.ID) // State has nowhere to report an error to
}
