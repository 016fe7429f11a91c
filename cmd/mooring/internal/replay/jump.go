package replay

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"math"
	"net/netip"
	"slices"
	"time"

	"github.com/mooring-go/mooring/binding"
)

// What no traveller does. Places are known to some hundred kilometres only.
const (
	fastestPlane = 900.0 // km/h
	leastJump    = 500.0 // km
	leastStay    = time.Hour
)

// maxSuspects is how many sessions are kept to be looked at.
const maxSuspects = 20

// Jump is a session that was used from two places between which nobody travels in
// that time: from farther away than a plane flies or, where it is not known how
// far that is, from another country within the hour. It may be used by two people.
type Jump struct {
	Session string        `json:"session"` // hashed: what a log holds may be the secret itself
	User    string        `json:"user,omitempty"`
	Time    time.Time     `json:"time"` // of the first use after the jump
	After   time.Duration `json:"after_ns"`
	From    Place         `json:"from"`
	To      Place         `json:"to"`
	Km      int           `json:"km,omitempty"` // 0: not known
	Times   int           `json:"times"`        // that the session jumped; this one was the fastest
	By      []string      `json:"caught_by"`    // the presets and the given policy that end or restrict it there

	by    set
	speed float64 // km/h
}

// Place is an address and where it is.
type Place struct {
	IP      netip.Addr `json:"ip"`
	Network Network    `json:"network"`
	Country string     `json:"country,omitempty"`
	City    string     `json:"city,omitempty"`
}

func placeOf(l binding.Location) Place {
	p := Place{IP: l.IP, Country: countryOf(l)}
	if l.ASN != nil {
		p.Network = Network{l.ASN.Number, l.ASN.Organization}
	}
	if l.Geo != nil {
		p.City = l.Geo.City.Names.English()
	}
	return p
}

// observe notes the fastest jump of s. It reports whether to is it.
func (s *ride) observe(to binding.Location, now time.Time) bool {
	if s.at.Geo == nil || to.Geo == nil || s.at.Geo == to.Geo {
		return false
	}
	after := max(now.Sub(s.last), time.Second)
	km, known := distance(s.at.Geo.Coordinates, to.Geo.Coordinates)
	speed := km / after.Hours()
	if known && (km < leastJump || speed < fastestPlane) || !known && (after > leastStay || !abroad(s.at, to)) {
		return false
	}
	s.jumps++
	if s.fastest != nil && speed <= s.fastest.speed {
		return false
	}
	s.fastest = &Jump{Time: now, After: after, From: placeOf(s.at), To: placeOf(to), Km: int(km), speed: speed}
	return true
}

// abroad reports whether two places are known to be in different countries.
func abroad(a, b binding.Location) bool {
	broken := binding.Policy{GeoIP: binding.GeoIPCountry}.Check(a, b)
	return broken != nil && broken.Reason != binding.GeoIPMissing
}

// distance returns the length of the great circle between two places, in km.
func distance(a, b *binding.Coordinates) (km float64, known bool) {
	if a == nil || b == nil {
		return 0, false
	}
	const radius, degree = 6371, math.Pi / 180
	sinLat, sinLong := math.Sin((b.Latitude-a.Latitude)*degree/2), math.Sin((b.Longitude-a.Longitude)*degree/2)
	h := sinLat*sinLat + math.Cos(a.Latitude*degree)*math.Cos(b.Latitude*degree)*sinLong*sinLong
	return 2 * radius * math.Asin(math.Sqrt(min(h, 1))), true
}

// jumps are the most striking ones.
type jumps []Jump

// keep adds what s did, if it is striking enough.
func (j *jumps) keep(s *ride, candidates []Candidate) {
	jump := *s.fastest
	sum := sha256.Sum256([]byte(s.key))
	jump.Session, jump.User, jump.Times = hex.EncodeToString(sum[:6]), s.userName, s.jumps
	jump.By = []string{}
	for i, c := range candidates {
		if c.Name != "" && jump.by.has(i) {
			jump.By = append(jump.By, c.Name)
		}
	}
	*j = append(*j, jump)
	if len(*j) >= 2*maxSuspects {
		*j = j.list()
	}
}

// list returns the most striking, first those that jumped most.
func (j jumps) list() []Jump {
	slices.SortFunc(j, func(a, b Jump) int {
		return cmp.Or(cmp.Compare(b.Times, a.Times), cmp.Compare(b.speed, a.speed), a.Time.Compare(b.Time), cmp.Compare(a.Session, b.Session))
	})
	return j[:min(len(j), maxSuspects)]
}
