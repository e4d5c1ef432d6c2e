package main

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/berkas-ledger/berkas/ledger"
	"github.com/berkas-ledger/berkas/transparency"
)

// begins is what a good proof of consistency says.
type begins struct {
	Valid     bool            `json:"valid"`
	Origin    string          `json:"origin"`
	Older     checkpointJSON  `json:"older"`
	Newer     checkpointJSON  `json:"newer"`
	Quorum    string          `json:"quorum"`
	Witnesses []provenWitness `json:"witnesses"`
}

// judgeConsistency checks by the policy that one checkpoint's log begins with
// another's; it opens those files and nothing else.
func (f *proofFlags) judgeConsistency(o *options, cmd *cobra.Command) error {
	if f.leaf != "" {
		return usage("--older is for a proof between two checkpoints, --leaf for one of a record")
	}
	policy, err := o.policy()
	if err != nil {
		return err
	}
	raw, err := readFile(f.check, transparency.MaxConsistency)
	if err != nil {
		return err
	}
	older, err := readFile(f.older, ledger.MaxCheckpoint)
	if err != nil {
		return err
	}
	c, err := transparency.ParseConsistency(raw)
	var old ledger.Checkpoint
	var w ledger.Witnessed
	if err == nil {
		old, w, err = c.Verify(policy, older)
	}
	if err != nil {
		return &codedError{exitVerify, fmt.Errorf("%s does not prove that the log of %s goes on from %s: %w", f.check, policy.Origin, f.older, err), ""}
	}
	out := begins{
		Valid: true, Origin: policy.Origin, Older: checkpointJSON{old.Size, old.Root.String()},
		Newer: checkpointJSON{w.Size, w.Root.String()}, Quorum: policy.Quorum, Witnesses: provenBy(w),
	}
	switch o.output {
	case "json":
		return printJSON(cmd.OutOrStdout(), out)
	case "csv":
		return usage("proof --check prints a text or JSON")
	}
	return out.print(cmd.OutOrStdout())
}

func (b begins) print(w io.Writer) error {
	_, err := fmt.Fprintf(w, `valid by the policy: the log of %s only grew between the two checkpoints
  older      %d records, root %s
  newer      %d records, root %s
  %s
That its records are what they should be is judged by 'berkas audit'.
`, b.Origin, b.Older.Size, b.Older.Root, b.Newer.Size, b.Newer.Root, witnessLine(b.Witnesses, b.Quorum))
	return err
}
