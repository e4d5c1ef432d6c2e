package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/berkas-ledger/berkas/ledger"
)

func newTrust(o *options) *cobra.Command {
	return &cobra.Command{
		Use:   "trust",
		Short: "Print the policy by which this ledger can be judged",
		Long: `Print the policy of the data directory: the ledger's origin, the keys of its checkpoints
and receipts, the leaf hash of its first record, its witnesses and how many of them have
to have seen a checkpoint. 'berkas audit', 'berkas proof --check' and 'berkas verify' judge
by it and call nothing valid without it.

A policy is worth as much as the way by which it reached you. Whoever operates the ledger
could print another one: compare its lines with what the institutions and the witnesses
publish themselves, over a channel that the operator does not hold. The comment lines say
which ones, and with whom.

With --genesis FILE the policy is made from a genesis record that you have from elsewhere;
it names no witnesses. Add their lines by hand.

` + exitHelp,
		Example: `  berkas trust > policy.txt
  berkas trust --genesis genesis.leaf`,
		Args: exactArgs(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if cmd.Flags().Changed("output") {
				return usage("a policy has one form: leave out --output")
			}
			policy, err := o.ownPolicy()
			if err != nil {
				return err
			}
			_, err = io.WriteString(cmd.OutOrStdout(), explained(policy))
			return err
		},
	}
}

// ownPolicy is the policy that the data directory's own files stand for, or that
// follows from --genesis.
func (o *options) ownPolicy() (ledger.Policy, error) {
	if o.genesisFile != "" {
		return genesisPolicy(o.genesisFile)
	}
	h, err := o.home()
	if err != nil {
		return ledger.Policy{}, err
	}
	first, err := genesisPolicy(h.genesisFile())
	if errors.Is(err, fs.ErrNotExist) {
		return first, &codedError{exitNotFound, errors.New("no ledger in " + h.dir), "Name its directory with --data, or a genesis record with --genesis."}
	}
	if err != nil {
		return first, err
	}
	policy, err := readPolicy(h.policyFile())
	if errors.Is(err, fs.ErrNotExist) {
		return first, nil // it names no witnesses
	}
	if err != nil {
		return policy, err
	}
	if policy.Origin != first.Origin || policy.Log != first.Log || policy.Receipt != first.Receipt || policy.Genesis != first.Genesis {
		return policy, &codedError{
			exitVerify, fmt.Errorf("%s is not the policy of the ledger that began with %s", h.policyFile(), h.genesisFile()),
			"One of the two files is not this ledger's. Nothing was changed; put the right one back from a copy.",
		}
	}
	return policy, nil
}

// genesisPolicy is what a genesis record stands for.
func genesisPolicy(file string) (ledger.Policy, error) {
	g, err := readGenesis(file)
	if err != nil {
		return ledger.Policy{}, err
	}
	leaf, err := os.ReadFile(file)
	if err != nil {
		return ledger.Policy{}, err
	}
	return ledger.PolicyOf(g, ledger.HashLeaf(leaf)), nil
}

// explained is a policy with comments that say what each line is worth.
func explained(p ledger.Policy) string {
	comments := map[string]string{
		"origin":  "The policy of the ledger " + p.Origin + ".\nIt is worth as much as the way by which it reached you: compare what follows with\nwhat others than the ledger's operator say, over a channel that he does not hold.",
		"log":     "Keys of checkpoints and of receipts. Both stand in the genesis record, too.",
		"genesis": "The genesis record names every institution's root key. Each institution keeps its copy\nof genesis.leaf; ask one or more what this prints over theirs:\n  { printf '\\0'; cat genesis.leaf; } | sha256sum",
		"witness": "Witnesses' keys. Each witness publishes its own, and is asked there, not here.",
		"quorum":  "Which witnesses have to have seen a checkpoint before it counts.",
	}
	if p.Quorum == ledger.QuorumNone {
		comments["quorum"] = "No witness has to have seen a checkpoint: the operator could show different people\ndifferent logs, and nothing here would tell."
	}
	var b strings.Builder
	for line := range strings.Lines(p.Text()) {
		word, _, _ := strings.Cut(line, " ")
		if text, ok := comments[word]; ok {
			b.WriteString("\n# " + strings.ReplaceAll(text, "\n", "\n# ") + "\n")
			delete(comments, word)
		}
		b.WriteString(line)
	}
	return b.String()
}
