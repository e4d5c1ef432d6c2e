package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/spf13/pflag"

	"github.com/berkas-ledger/berkas/ledger"
)

// policyFlag registers the flag of commands that judge.
func (o *options) policyFlag(fl *pflag.FlagSet) {
	fl.StringVar(&o.policyFile, "policy", "", "the policy to judge by, which 'berkas trust' printed; nothing is called valid without one")
}

// policy reads the policy that was given. There is no default: what a ledger
// says of itself is no ground to trust it.
func (o *options) policy() (ledger.Policy, error) {
	if o.policyFile == "" {
		return ledger.Policy{}, &codedError{
			exitUsage, fmt.Errorf("--policy is needed: without a policy nothing can be called valid"),
			"'berkas trust' prints it where the ledger runs; compare it with what the institutions published before you rely on it.",
		}
	}
	return readPolicy(o.policyFile)
}

func readPolicy(file string) (ledger.Policy, error) {
	f, err := os.Open(filepath.Clean(file))
	if err != nil {
		return ledger.Policy{}, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, ledger.MaxPolicy+1))
	if err != nil {
		return ledger.Policy{}, err
	}
	p, err := ledger.ParsePolicy(string(text))
	if err != nil {
		return p, fmt.Errorf("%s: %w", file, err)
	}
	return p, nil
}
