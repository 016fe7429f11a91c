package session

// A Snapshot is a live session as a store had it at one instant. It is read-only, and
// safe for concurrent use.
type Snapshot interface {
	// Session returns the session. It is the same each time.
	Session() Session
}

// A Snapshotter is a [Store] that has sessions in memory and can give them out without
// copying them: a session is large, and a request seldom needs more of it than whether
// it is admitted. A [Manager] asks it before Get.
type Snapshotter interface {
	Store

	// Snapshots returns a function that returns the live session of an ID, if the store
	// has it in memory and Get would return it now, and nil otherwise: Get says why. The
	// function does not wait, and is safe for concurrent use. It is nil if of is not the
	// store itself but one that embeds it, whose Get may be another.
	Snapshots(of Store) func(ID) Snapshot
}

// snapshots returns the function by which snapshots of the store are taken. It returns
// nil for a store that takes none.
func snapshots(store Store) func(ID) Snapshot {
	if s, ok := store.(Snapshotter); ok {
		return s.Snapshots(store)
	}
	return nil
}
