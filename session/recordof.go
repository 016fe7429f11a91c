package session

func recordOf(s Session) record {
	return record{
		Version: RecordVersion, ID: s.ID, User: s.User, Name: s.Name, Method: s.Method, Stage: s.Stage,
		Pending: s.Kind == KindPending, Kind: s.Kind, TellExpiry: s.TellExpiry, Created: instantOf(s.Created), LastSeen: instantOf(s.LastSeen), IP: s.IP,
		UserAgent: s.UserAgent, Expires: instantOf(s.Expires), Idle: s.Idle, MaxAge: s.MaxAge,
		Policy: s.Policy, Anchor: s.Anchor, KnownDevice: s.KnownDevice, Drift: driftRecordOf(s.Drift),
	}
}

func (r record) session() Session {
	return Session{
		ID: r.ID, User: r.User, Name: r.Name, Method: r.Method, Stage: r.Stage,
		Kind: r.kind(), TellExpiry: r.TellExpiry, Created: r.Created.time(), LastSeen: r.LastSeen.time(), IP: r.IP,
		UserAgent: r.UserAgent, Expires: r.Expires.time(), Idle: r.Idle, MaxAge: r.MaxAge,
		Policy: r.Policy, Anchor: r.Anchor, KnownDevice: r.KnownDevice, Drift: r.Drift.drift(),
	}
}

func driftRecordOf(d Drift) *driftRecord {
	if d.IsZero() {
		return nil
	}
	r := &driftRecord{Second: d.Second, Restricted: d.Restricted, Reported: d.Reported}
	for _, move := range d.Moves {
		r.Moves = append(r.Moves, instantOf(move))
	}
	return r
}

func (r *driftRecord) drift() Drift {
	if r == nil {
		return Drift{}
	}
	d := Drift{Second: r.Second, Restricted: r.Restricted, Reported: r.Reported}
	for _, move := range r.Moves {
		d.Moves = append(d.Moves, move.time())
	}
	return d
}

func endingRecordOf(e Ending) endingRecord {
	return endingRecord{
		Version: RecordVersion, Cause: e.Cause, Time: instantOf(e.Time), Actor: e.Actor, Reason: e.Reason,
		Client: e.Client, Detail: e.Detail, Keep: instantOf(e.Keep), Journal: e.Journal,
	}
}

func (r endingRecord) ending() Ending {
	return Ending{
		Cause: r.Cause, Time: r.Time.time(), Actor: r.Actor, Reason: r.Reason,
		Client: r.Client, Detail: r.Detail, Keep: r.Keep.time(), Journal: r.Journal,
	}
}

// kind returns what r is a record of. Records of before there were kinds have
// only pending.
func (r record) kind() Kind {
	if r.Kind == KindSession && r.Pending {
		return KindPending
	}
	return r.Kind
}
