package main

import (
	"fmt"
	"io"
	"time"

	"github.com/berkas-ledger/berkas/ledger"
	"github.com/berkas-ledger/berkas/transparency"
)

// said is a verdict on evidence, to be printed.
type said struct {
	evidence  transparency.Evidence
	verdict   transparency.Verdict
	undecided error // why the log's data did not decide; nil: not asked, or they did
	policy    ledger.Policy
}

func (s said) print(w io.Writer, format string) error {
	switch format {
	case "json":
		return printJSON(w, s.json())
	case "csv":
		return usage("evidence is told as text or as JSON: leave out --output, or make it json")
	}
	v, e := s.verdict, s.evidence
	fmt.Fprintf(w, "%s\n\n", s.headline())
	for _, c := range []struct {
		name string
		ledger.Checkpoint
		of string
	}{{"A", v.Known, s.knownAs()}, {"B", v.Offered, "offered to the witness " + e.Witness.Name() + " at " + e.At.Format(time.RFC3339) + ", by its clock, and refused"}} {
		fmt.Fprintf(w, "Checkpoint %s: %d records, root %s\n  signed by the log's key; %s\n", c.name, c.Size, c.Root, c.of)
	}
	fmt.Fprintf(w, "\n%s\n", s.meaning())
	if s.undecided != nil {
		fmt.Fprintf(w, "\nThe log that --from names did not decide it: %v.\n", s.undecided)
	}
	_, err := fmt.Fprintf(w, "\nBoth checkpoints stand in the file as they were signed (C2SP signed notes). Any program\nthat verifies such notes confirms the signatures with the log's key:\n  %s\n", s.policy.Log)
	return err
}

func (s said) knownAs() string {
	if s.verdict.Cosigned == "" {
		return "no witness of the policy has cosigned it"
	}
	return "cosigned by the policy's witness " + s.verdict.Cosigned
}

func (s said) headline() string {
	switch {
	case s.verdict.Proven && s.verdict.Kind == transparency.Fork:
		return "PROVEN: the ledger " + s.policy.Origin + " was forked."
	case s.verdict.Proven && s.verdict.Kind == transparency.Rollback:
		return "PROVEN: the ledger " + s.policy.Origin + " was shortened and changed."
	case s.verdict.Proven:
		return "PROVEN: the ledger " + s.policy.Origin + " was changed after it had been shown."
	}
	return "NOT PROVEN by this file alone: the ledger " + s.policy.Origin + " may have been changed."
}

// meaning is what follows, for somebody who knows nothing of hashes.
func (s said) meaning() string {
	const whoever = `Only with the log's key can both have been signed. So the operator of the ledger, or
somebody who got hold of his key, has told two stories that cannot both be true: on
purpose, or by going on from an old copy. No fault of a network makes a signature.`
	const open = `What this does not show: which records differ, and who did it. An audit of a copy of each
log ('berkas audit') names the records.`
	v := s.verdict
	switch {
	case v.Proven && v.Kind == transparency.Fork:
		return `To the ledger records are only ever added, so for each number of records there is one
root. These are two roots for one number: two ledgers under one name.
` + whoever + "\n\n" + open
	case v.Proven:
		older, newer := "A", "B"
		if v.Kind == transparency.Rollback {
			older, newer = newer, older
		}
		return fmt.Sprintf(`To the ledger records are only ever added, so a larger log begins with all records of a
smaller one. The tiles of the log of %s, which agree with its signed root, show that it
does not begin with the records of %s. Keep those tiles with this file.
`, newer, older) + whoever + "\n\n" + open
	case v.Kind == transparency.Edited:
		return fmt.Sprintf(`The log's key signed a checkpoint of %d records, and the proof that came with it does not
show that they begin with the %d that the witness had seen. Anybody may have sent a true
checkpoint with a wrong proof, so this alone accuses nobody. But the operator owes the
proof, and the tiles of the larger log decide it: name them with --from. If nobody can
produce them, ask the operator why he signed a log that he cannot show.`, v.Offered.Size, v.Known.Size)
	default:
		return fmt.Sprintf(`The witness was offered fewer records than it had seen, %d after %d. An old checkpoint of
the same log that somebody sent again is no wrong. It is one if those %d records are not
the first %d of the larger log, and the tiles of that log decide it: name them with
--from.`, v.Offered.Size, v.Known.Size, v.Offered.Size, v.Offered.Size)
	}
}

// saidJSON is said for programs.
type saidJSON struct {
	Origin  string         `json:"origin"`
	Kind    string         `json:"kind"`
	Proven  bool           `json:"proven"`
	Known   checkpointJSON `json:"known"`
	Offered checkpointJSON `json:"offered"`
	// CosignedBy is the policy's witness that cosigned the known one.
	CosignedBy string `json:"cosignedBy,omitempty"`
	Witness    string `json:"witness"`
	At         string `json:"at"`
	Undecided  string `json:"undecided,omitempty"`
}

type checkpointJSON struct {
	Size ledger.Position `json:"size"`
	Root string          `json:"root"`
}

func (s said) json() saidJSON {
	v := s.verdict
	out := saidJSON{
		Origin: s.policy.Origin, Kind: string(v.Kind), Proven: v.Proven, CosignedBy: v.Cosigned,
		Known: checkpointJSON{v.Known.Size, v.Known.Root.String()}, Offered: checkpointJSON{v.Offered.Size, v.Offered.Root.String()},
		Witness: s.evidence.Witness.Name(), At: s.evidence.At.Format(time.RFC3339),
	}
	if s.undecided != nil {
		out.Undecided = s.undecided.Error()
	}
	return out
}
