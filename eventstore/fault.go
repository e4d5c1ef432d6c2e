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

// rig is what only tests change.
type rig struct {
	// fault is called at each named step of a commit; an error cuts the commit
	// off there.
	fault func(step string) error
	disk  *disk // what the journal is written through; nil is the real one
	// perSegment is how many entries a segment has; 0 is SegmentEntries.
	perSegment int
}

func (r *rig) complete() {
	if r.disk == nil {
		r.disk = &disk{openTail, syncDir}
	}
	if r.perSegment == 0 {
		r.perSegment = SegmentEntries
	}
}

func (r *rig) step(name string) error {
	if r.fault == nil {
		return nil
	}
	return r.fault(name)
}
