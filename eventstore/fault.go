package eventstore

// The steps of a commit at which a test may cut it off (Config.fault), in order
// on one machine. In a cluster publishing comes before the journal.
const (
	stepWritten    = "journal: written, not synced"
	stepSynced     = "journal: synced, nobody told"
	stepDurable    = "receipts sent, nothing published"
	stepPublishing = "in the middle of publishing"
	stepPublished  = "published, not returned"
)

func callFault(fault func(string) error, step string) error {
	if fault == nil {
		return nil
	}
	return fault(step)
}

func (j *Journal) step(name string) error { return callFault(j.fault, name) }
