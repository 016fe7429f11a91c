package session

import (
	"math"
	"net/netip"
	"strings"
	"time"

	"github.com/mooring-go/mooring/binding"
	"github.com/mooring-go/mooring/session/devicekey"
)

// record is the form in which a session is kept. Its fields keep their names and
// their meaning for ever.
type record struct {
	head
	ID          ID             `json:"id"`
	User        string         `json:"user"`
	Name        string         `json:"name,omitempty"`
	Method      string         `json:"method,omitempty"`
	Stage       string         `json:"stage,omitempty"`
	Carrier     string         `json:"carrier,omitempty"`
	Kind        Kind           `json:"kind,omitempty"`
	Pending     bool           `json:"pending,omitempty"` // of version 1: of the kind pending
	Created     instant        `json:"created"`
	LastSeen    instant        `json:"seen"`
	IP          netip.Addr     `json:"ip,omitzero"`
	UserAgent   string         `json:"agent,omitempty"`
	Device      string         `json:"device,omitempty"`
	Expires     instant        `json:"expires"`
	Idle        time.Duration  `json:"idle,omitempty"`    // nanoseconds
	Resume      time.Duration  `json:"resume,omitempty"`  // nanoseconds; a release that does not know it ends the session at Idle
	MaxAge      time.Duration  `json:"max_age,omitempty"` // nanoseconds
	Policy      policyRecord   `json:"policy,omitzero"`
	Anchor      locationRecord `json:"anchor,omitzero"`
	KnownDevice bool           `json:"known_device,omitempty"`
	Stays       bool           `json:"stays,omitempty"` // signed in, as the user chose
	Drift       *driftRecord   `json:"drift,omitempty"`
	Lineage     ID             `json:"lineage,omitzero"`
	TellExpiry  time.Duration  `json:"tell_expiry,omitempty"` // nanoseconds
	AuthTime    instant        `json:"auth_time,omitempty"`
	AMR         []string       `json:"amr,omitempty"`
	ACR         string         `json:"acr,omitempty"`
	Actor       string         `json:"actor,omitempty"`
	Tenant      string         `json:"tenant,omitempty"`
	Required    []string       `json:"required,omitempty"` // and the drift says restricted: see requiredReason
	Value       []byte         `json:"value,omitempty"`    // in base64: JSON in JSON would be written otherwise
	Changes     uint64         `json:"changes,omitempty"`  // Session.Version
}

// requiredReason restricts, in the record of a session that requires something and is
// not restricted otherwise. A release that does not know what is required admits such
// a session as little as this one does.
const requiredReason binding.Reason = "required"

func recordOf(s Session) record {
	r := record{
		head: head{Version: 1}, ID: s.ID, User: s.User, Name: s.Name, Method: s.Method, Stage: s.Stage, Carrier: s.Carrier,
		Kind: s.Kind, Pending: s.Kind == KindPending,
		Created: instantOf(s.Created), LastSeen: instantOf(s.LastSeen), IP: s.IP, UserAgent: s.UserAgent, Device: s.Device,
		Expires: instantOf(s.Expires), Idle: s.Idle, Resume: s.Resume, MaxAge: s.MaxAge,
		Policy: policyRecordOf(s.Policy), Anchor: locationRecordOf(s.Anchor), KnownDevice: s.KnownDevice, Stays: s.StaySignedIn,
		Lineage: s.Lineage, TellExpiry: s.TellExpiry, AuthTime: instantOf(s.AuthTime), AMR: s.AMR, ACR: s.ACR, Actor: s.Actor, Tenant: s.Tenant,
		Required: s.Required, Value: s.Value, Changes: s.Version,
	}
	drift := s.Drift
	if len(s.Required) > 0 && drift.Restricted == "" {
		drift.Restricted = requiredReason
	}
	r.Drift = driftRecordOf(drift)
	if s.Kind != KindSession && s.Kind != KindPending {
		r.Version = 2 // a reader that knew no kinds would sign the user in
	}
	return r
}

// session returns what r is a record of, and whether all of it is understood.
func (r record) session() (Session, bool) {
	policy, understood := r.Policy.policy()
	drift := r.Drift.drift()
	if len(r.Required) > 0 && drift.Restricted == requiredReason {
		drift.Restricted = ""
	}
	return Session{
		ID: r.ID, User: r.User, Name: r.Name, Method: r.Method, Stage: r.Stage, Carrier: r.Carrier, Kind: r.kind(),
		Created: r.Created.time(), LastSeen: r.LastSeen.time(), IP: r.IP, UserAgent: r.UserAgent, Device: r.Device,
		Expires: r.Expires.time(), Idle: r.Idle, Resume: r.Resume, MaxAge: r.MaxAge,
		Policy: policy, Anchor: r.Anchor.location(), KnownDevice: r.KnownDevice, StaySignedIn: r.Stays,
		Drift: drift, Lineage: r.Lineage, TellExpiry: r.TellExpiry,
		AuthTime: r.AuthTime.time(), AMR: r.AMR, ACR: r.ACR, Actor: r.Actor, Tenant: r.Tenant,
		Required: r.Required, Value: r.Value, Version: r.Changes,
	}, understood
}

// devicePrefix begins the users of remembered devices in records of before there
// were kinds.
const devicePrefix = "mooring-device:"

// kind returns the kind of the record, also of one from before there were kinds.
func (r record) kind() Kind {
	switch {
	case r.Kind != KindSession || r.Version > 1:
		return r.Kind
	case r.Pending:
		return KindPending
	case strings.HasPrefix(r.User, devicePrefix):
		return KindDevice
	default:
		return KindSession
	}
}

type driftRecord struct {
	Second     locationRecord `json:"second,omitzero"`
	Restricted binding.Reason `json:"restricted,omitempty"` // any reason restricts, also one that is not known
	Moves      []instant      `json:"moves,omitempty"`
	Reported   []string       `json:"reported,omitempty"`
	Key        keyRecord      `json:"key,omitzero"`
	Proved     []string       `json:"proved,omitempty"`
}

// keyRecord is a device key. One of a kind or an algorithm that is not known is kept
// as it is, and cannot be proved.
type keyRecord struct {
	Kind devicekey.Kind `json:"kind"`
	Alg  string         `json:"alg"`
	JWK  string         `json:"jwk"` // as text: its thumbprint is of these bytes
}

func driftRecordOf(d Drift) *driftRecord {
	if d.IsZero() {
		return nil
	}
	r := &driftRecord{
		Second: locationRecordOf(d.Second), Restricted: d.Restricted, Reported: d.Reported,
		Key: keyRecord(d.Key), Proved: d.Proved,
	}
	for _, move := range d.Moves {
		r.Moves = append(r.Moves, instantOf(move))
	}
	return r
}

func (r *driftRecord) drift() Drift {
	if r == nil {
		return Drift{}
	}
	d := Drift{
		Second: r.Second.location(), Restricted: r.Restricted, Reported: r.Reported,
		Key: devicekey.Key(r.Key), Proved: r.Proved,
	}
	for _, move := range r.Moves {
		d.Moves = append(d.Moves, move.time())
	}
	return d
}

type endingRecord struct {
	head
	Cause   Cause          `json:"cause"`
	Time    instant        `json:"time"`
	Actor   string         `json:"actor,omitempty"`
	Reason  binding.Reason `json:"reason,omitempty"`
	Client  netip.Addr     `json:"client,omitzero"`
	Detail  []byte         `json:"detail,omitempty"` // in base64: JSON in JSON would be written otherwise
	Keep    instant        `json:"keep"`
	Journal bool           `json:"journal,omitempty"`
}

func endingRecordOf(e Ending) endingRecord {
	return endingRecord{
		head: head{Version: 1}, Cause: e.Cause, Time: instantOf(e.Time), Actor: e.Actor, Reason: e.Reason,
		Client: e.Client, Detail: e.Detail, Keep: instantOf(e.Keep), Journal: e.Journal,
	}
}

func (r endingRecord) ending() Ending {
	return Ending{
		Cause: r.Cause, Time: r.Time.time(), Actor: r.Actor, Reason: r.Reason,
		Client: r.Client, Detail: r.Detail, Keep: r.Keep.time(), Journal: r.Journal,
	}
}

// instant is a time in nanoseconds since 1970, 0 for the zero time. Of 1970's first
// instant, and of a time before 1678 or after 2262, which 64 bits do not hold, it is the
// nearest that it can say: an ending that is to be kept until then is.
type instant int64

func instantOf(t time.Time) instant {
	switch {
	case t.IsZero():
		return 0
	case t.Before(firstTime):
		return math.MinInt64
	case t.After(lastTime):
		return math.MaxInt64
	case t.Equal(time.Unix(0, 0)):
		return 1
	default:
		return instant(t.UnixNano())
	}
}

func (i instant) time() time.Time {
	if i == 0 {
		return time.Time{}
	}
	return time.Unix(0, int64(i)).UTC()
}
