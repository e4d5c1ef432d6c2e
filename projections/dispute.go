package projections

import "github.com/berkas-ledger/berkas/ledger"

// Dispute is a decree of which agencies recorded different outcomes: each of
// them may have counted by its own.
type Dispute struct {
	Case       string
	Respondent string
	Decree     ledger.Letter
	Records    []ledger.DecreeRecord // the first by position leads
}
