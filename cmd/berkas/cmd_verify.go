package main

import (
	"crypto/sha256"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/berkas-ledger/berkas/ledger"
	"github.com/berkas-ledger/berkas/schemas"
	"github.com/berkas-ledger/berkas/verify"
)

func newVerify(o *options) *cobra.Command {
	var page string
	c := &cobra.Command{
		Use:   "verify BUNDLE",
		Short: "Check the bundle of a case without asking anybody",
		Long: `Check a file that 'berkas bundle' wrote, without a network: that the checkpoint is
signed by the log and by enough witnesses, that every record stands in that log, that
every signature is by a key valid at its place, and that every record was right by
mandate, schema and the rules of cases. Whatever is called valid rests on the policy.

A bundle cannot show that nothing was left out of it. That takes the whole log:
'berkas audit'.

--page writes the page that checks bundles in a browser: one file, which needs no
network. A ledger serves it at /verify, too.

` + exitHelp,
		Example: `  berkas verify 01746ac6-7800-7cc3-9bd1-2f5a6c0d4e11.bundle.json --policy policy.txt
  berkas verify case.json --policy policy.txt -o json
  berkas verify --page verify.html`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			switch {
			case page != "" && len(args) > 0:
				return usage("--page writes the page and checks nothing: name it alone")
			case page != "":
				fmt.Fprintf(cmd.OutOrStdout(), "%s: SHA-256 %x\n", page, sha256.Sum256(verify.Page()))
				return os.WriteFile(page, verify.Page(), 0o644)
			case len(args) != 1:
				return usage("%s needs the file of a bundle", cmd.CommandPath())
			}
			raw, err := readBounded(args[0], verify.MaxBundle)
			if err != nil {
				return err
			}
			return verifyBundle(o, raw, cmd.OutOrStdout())
		},
	}
	o.policyFlag(c.Flags())
	c.Flags().StringVar(&page, "page", "", "write the page that checks bundles in a browser to this file")
	return c
}

// readBounded reads a file, and a byte more than it may have at most.
func readBounded(file string, limit int64) ([]byte, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, limit+1))
}

// verifyBundle judges a bundle by the policy that was given and prints what comes of it.
func verifyBundle(o *options, raw []byte, w io.Writer) error {
	policy, err := o.policy()
	if err != nil {
		return err
	}
	validator, err := schemas.New()
	if err != nil {
		return err
	}
	r, err := verify.JudgeBundle(raw, verify.Config{Policy: policy, Schemas: validator})
	if err != nil {
		return &codedError{exitVerify, fmt.Errorf("could not be checked, so nothing is said of it: %w", err), "Ask for the file again; it may have been changed on its way."}
	}
	if o.output == "table" {
		printBundleVerdict(w, r)
		if err := printBundleHistory(w, r, o.output); err != nil {
			return err
		}
		printNotProven(w)
	} else if err := printBundleHistory(w, r, o.output); err != nil {
		return err
	}
	if !r.Valid {
		return &quietError{exitVerify}
	}
	return nil
}

func printBundleVerdict(w io.Writer, r verify.BundleReport) {
	if english, indonesian := ledger.Invented(r.Origin); english != "" {
		fmt.Fprintf(w, "%s\n%s\n", english, indonesian)
	}
	if r.Valid {
		fmt.Fprintf(w, "VALID. All %[1]d records of this bundle stand in the ledger %[2]s, unaltered and signed by their agencies\n"+
			"with keys that were valid then, under mandates they held, and follow from one another by its rules.\n"+
			"SAH. Semua %[1]d catatan dalam bundel ini ada di buku besar %[2]s, tidak diubah, dan ditandatangani lembaganya\n"+
			"dengan kunci yang berlaku saat itu, di bawah mandatnya, dan menurut aturan perkara.\n", r.Judged.Records, r.Origin)
		if r.Judged.Unknown > 0 {
			fmt.Fprintf(w, "But not %[1]d of them: of a kind that this program does not know, it has judged the signatures alone.\n"+
				"Kecuali %[1]d: jenisnya tidak dikenal program ini, sehingga hanya tanda tangannya yang dinilai.\n", r.Judged.Unknown)
		}
	} else {
		fmt.Fprintf(w, "NOT VALID. %[1]d findings under this policy. Do not rely on this bundle; keep it as evidence.\n"+
			"TIDAK SAH. %[1]d temuan menurut kebijakan ini. Jangan bersandar pada bundel ini; simpanlah sebagai bukti.\n", r.Total)
	}
	for _, f := range r.Findings {
		where := ""
		if f.Position > 0 {
			where = "position " + strconv.FormatUint(uint64(f.Position), 10) + ": "
		}
		fmt.Fprintf(w, "\n  %s%s [%s]\n  %s\n", where, f.English, f.Code, f.Indonesian)
		if f.Agency != "" {
			fmt.Fprintf(w, "    agency    %s\n", f.Agency)
		}
		if f.Expected != "" {
			fmt.Fprintf(w, "    expected  %s\n", f.Expected)
		}
		if f.Found != "" {
			fmt.Fprintf(w, "    found     %s\n", f.Found)
		}
	}
	fmt.Fprintf(w, "\ncase        %s\n", r.Case)
	if r.Checkpoint.Root != "" {
		fmt.Fprintf(w, "checkpoint  %d records, root %s\n", r.Checkpoint.Size, r.Checkpoint.Root)
		for _, by := range r.Checkpoint.Witnesses {
			fmt.Fprintf(w, "witnessed   by %s at %s\n", by.Name, by.At)
		}
		if r.Checkpoint.Quorum == ledger.QuorumNone {
			fmt.Fprintln(w, "witnessed   the policy asks for no witness, so a ledger with two histories would go unnoticed")
		}
	}
	fmt.Fprintf(w, "judged      %d of the case, %d of the roster, %d signatures\n\n", r.Judged.Events, r.Judged.Roster, r.Judged.Signatures)
}

// printBundleHistory prints what the records tell, in order of what happened.
func printBundleHistory(w io.Writer, r verify.BundleReport, format string) error {
	t := table{columns: []string{"position", "happened", "recorded", "late", "agency", "kind", "key", "under", "corrected"}, value: r}
	for _, s := range r.History {
		late, corrected := "", ""
		if s.Late {
			late = "late"
		}
		switch {
		case s.Void:
			corrected = fmt.Sprintf("void by position %d", s.Corrected)
		case s.Corrected > 0:
			corrected = fmt.Sprintf("by position %d", s.Corrected)
		}
		under := dash(strings.TrimSpace(string(s.Mandate) + " " + strings.Join(s.Basis, ", ")))
		t.add(strconv.FormatUint(uint64(s.Position), 10), wib(s.Happened), wib(s.Recorded), dash(late), string(s.Agency), string(s.Kind), joined(s.Keys), under, dash(corrected))
	}
	if len(r.History) == 0 && format == "table" {
		return nil
	}
	return t.print(w, format)
}

func printNotProven(w io.Writer) {
	fmt.Fprint(w, `
Not proven by a bundle, whoever checks it:
  that nothing was left out: the ledger may hold more of this case, such as a correction,
    or the revocation of a key. Only the whole log can show that: berkas audit
  what was recorded after the checkpoint
  that what an agency says did happen: a signature says who said it, and the ledger when
    it was recorded
  what other cases hold that this one is linked with
`)
}
