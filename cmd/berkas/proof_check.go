package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/berkas-ledger/berkas/ledger"
)

// proven is what a good proof says.
type proven struct {
	Valid     bool            `json:"valid"`
	Origin    string          `json:"origin"`
	Position  ledger.Position `json:"position"`
	Leaf      string          `json:"leaf"`
	Recorded  string          `json:"recorded"`
	Subject   string          `json:"subject"`
	Size      ledger.Position `json:"size"`
	Root      string          `json:"root"`
	Quorum    string          `json:"quorum"`
	Witnesses []provenWitness `json:"witnesses"`
}

type provenWitness struct {
	Name string `json:"name"`
	At   string `json:"at"`
}

// judge checks a proof by policy and leaf; it opens those files and nothing else.
func (f *proofFlags) judge(o *options, cmd *cobra.Command) error {
	if f.from != "" || f.tokenFile != "" || f.caseID != "" || f.out != "" {
		return usage("--check judges files offline: leave out --from, --token-file, --case and --out")
	}
	if f.older != "" {
		return f.judgeConsistency(o, cmd)
	}
	policy, err := o.policy()
	if err != nil {
		return err
	}
	if f.leaf == "" {
		return usage("--leaf is needed: the record that is said to be in the log; 'berkas proof --leaf' wrote it with the proof")
	}
	text, err := readFile(f.check, 2*ledger.MaxCheckpoint)
	if err != nil {
		return err
	}
	leaf, err := readFile(f.leaf, ledger.MaxLeaf)
	if err != nil {
		return err
	}
	out, err := checkProof(policy, string(text), leaf)
	if err != nil {
		return &codedError{exitVerify, fmt.Errorf("%s does not prove that %s is in the log of %s: %w", f.check, f.leaf, policy.Origin, err), ""}
	}
	if o.output == "json" {
		return printJSON(cmd.OutOrStdout(), out)
	}
	if o.output == "csv" {
		return usage("proof --check prints a text or JSON")
	}
	return out.print(cmd.OutOrStdout())
}

// checkProof judges a proof of a leaf.
func checkProof(policy ledger.Policy, text string, leaf []byte) (proven, error) {
	p, err := ledger.ParseProof(text)
	if err != nil {
		return proven{}, err
	}
	r, err := ledger.ParseLeaf(leaf)
	if err != nil {
		return proven{}, err
	}
	w, err := p.Verify(policy, r.LeafHash())
	if err != nil {
		return proven{}, err
	}
	if r.Position != p.Position {
		return proven{}, fmt.Errorf("the record says that it stands at position %d, and the log has it at %d", r.Position, p.Position)
	}
	out := proven{
		Valid: true, Origin: w.Origin, Position: p.Position, Leaf: r.LeafHash().String(),
		Recorded: r.Recorded.Format(ledger.RecordedFormat), Subject: r.Subject,
		Size: w.Size, Root: w.Root.String(), Quorum: policy.Quorum, Witnesses: provenBy(w),
	}
	return out, nil
}

func provenBy(w ledger.Witnessed) []provenWitness {
	out := []provenWitness{}
	for _, c := range w.By {
		out = append(out, provenWitness{c.Witness, c.At.Format(time.RFC3339)})
	}
	return out
}

// witnessLine says who has seen the log.
func witnessLine(list []provenWitness, quorum string) string {
	if quorum == ledger.QuorumNone {
		return "witnesses  none asked for by the policy: the ledger's operator alone says that there is one log"
	}
	var seen []string
	for _, c := range list {
		seen = append(seen, c.Name+" ("+c.At+")")
	}
	return "witnesses  " + strings.Join(seen, ", ") + "; the policy's quorum is " + quorum
}

func (p proven) print(w io.Writer) error {
	_, err := fmt.Fprintf(w, `valid by the policy: the record is in the log of %s
  position   %d
  leaf       %s
  recorded   %s
  subject    %s
  log        %d records, root %s
  %s
What the record says, and who signed it, is judged by 'berkas audit' and 'berkas verify'.
`, p.Origin, p.Position, p.Leaf, p.Recorded, p.Subject, p.Size, p.Root, witnessLine(p.Witnesses, p.Quorum))
	return err
}

// readFile reads a file of at most so many bytes.
func readFile(name string, most int) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	raw, err := io.ReadAll(io.LimitReader(f, int64(most)+1))
	if err == nil && len(raw) > most {
		err = &codedError{exitVerify, fmt.Errorf("%s has more than %d bytes", name, most), ""}
	}
	return raw, err
}
