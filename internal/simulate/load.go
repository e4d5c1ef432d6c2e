package simulate

import (
	"errors"
	"iter"
)

// LoadConfig says how large a generated history is.
type LoadConfig struct {
	Config
	Cases int
}

// Load yields valid histories of any number of cases.
func Load(c LoadConfig) iter.Seq2[Step, error] {
	return func(yield func(Step, error) bool) { yield(Step{}, errors.ErrUnsupported) }
}
