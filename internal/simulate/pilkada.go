package simulate

import (
	"errors"
	"iter"
)

// Pilkada2020 yields the history of examples/pilkada-2020.
func Pilkada2020(c Config) iter.Seq2[Step, error] {
	return func(yield func(Step, error) bool) { yield(Step{}, errors.ErrUnsupported) }
}
