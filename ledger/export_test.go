package ledger

// KnownNames are the names that SafePointer keeps.
func KnownNames() map[string]bool { return memberNames }
