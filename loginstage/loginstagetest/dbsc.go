package loginstagetest

import (
	"net/http"
	"strings"

	"github.com/mooring-go/mooring/session/devicekey"
	"github.com/mooring-go/mooring/session/devicekey/devicekeytest"
)

// maxProofs is how many proofs in a row Chromium gives before it drops its session.
const maxProofs = 4

// A boundSession is a device-bound session of a browser, as Chromium keeps it.
type boundSession struct {
	device     *devicekeytest.Device
	id         string
	refreshURL string
	cookie     string   // the bound cookie's name
	excluded   []string // paths that it is not for
	challenge  string   // of the next proof; "": none yet
}

// sessionInstructions are the session instructions of the protocol.
type sessionInstructions struct {
	ID         string `json:"session_identifier"`
	RefreshURL string `json:"refresh_url"`
	Continue   *bool  `json:"continue"`
	Scope      struct {
		Specification []struct{ Type, Path string } `json:"scope_specification"`
	} `json:"scope"`
	Credentials []struct{ Name string } `json:"credentials"`
}

// registerDBSC registers a new key, once: there is no second try.
func (b *Browser) registerDBSC(registration string) {
	device := devicekeytest.New(devicekey.DBSC)
	response := b.endpoint(http.MethodPost, attribute(registration, "path"), "", http.Header{
		"Secure-Session-Response": {device.Registration(attribute(registration, "challenge"), attribute(registration, "authorization"))},
	})
	if response.StatusCode != http.StatusOK || response.Text == "" {
		return
	}
	bound := &boundSession{device: device}
	if !bound.follow(response) {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.keys.dbsc = bound
}

// follow does what the instructions in the response say, and reports whether the
// session goes on.
func (s *boundSession) follow(response Response) bool {
	if challenge := response.Header.Get("Secure-Session-Challenge"); challenge != "" {
		s.challenge, _, _ = strings.Cut(strings.TrimPrefix(challenge, `"`), `"`)
	}
	if response.Text == "" {
		return true
	}
	var said sessionInstructions
	if response.Decode(&said) != nil || (s.id != "" && said.ID != s.id) || len(said.Credentials) != 1 || (said.Continue != nil && !*said.Continue) {
		return false
	}
	s.id, s.refreshURL, s.cookie, s.excluded = said.ID, said.RefreshURL, said.Credentials[0].Name, nil
	for _, rule := range said.Scope.Specification {
		s.excluded = append(s.excluded, rule.Path)
	}
	return true
}

// covers reports whether the session is for the path.
func (s *boundSession) covers(path string) bool {
	for _, excluded := range s.excluded {
		if path == excluded || strings.HasPrefix(path, strings.TrimSuffix(excluded, "/")+"/") {
			return false
		}
	}
	return path != s.refreshURL
}

// refresh gets a new bound cookie where r would lack one. A request of another site's
// goes out without.
func (b *Browser) refresh(r *http.Request) {
	b.refreshing.Lock()
	defer b.refreshing.Unlock()
	b.mu.Lock()
	bound := b.keys.dbsc
	b.mu.Unlock()
	if bound == nil || !bound.covers(r.URL.Path) || b.Cookie(bound.cookie) != "" || r.Header.Get("Sec-Fetch-Site") == "cross-site" {
		return
	}
	for proofs := 0; proofs <= maxProofs; {
		header := http.Header{"Sec-Secure-Session-Id": {bound.id}}
		if bound.challenge != "" {
			header.Set("Secure-Session-Response", bound.device.Proof(bound.challenge))
			proofs++
		}
		response := b.endpoint(http.MethodPost, bound.refreshURL, "", header)
		switch status := response.StatusCode; {
		case status == http.StatusOK:
			if !bound.follow(response) {
				b.dropDBSC()
			}
			return
		case status == http.StatusForbidden && response.Header.Get("Secure-Session-Challenge") != "":
			bound.follow(Response{Response: response.Response})
		case status >= http.StatusInternalServerError:
			r.Header.Set("Secure-Session-Skipped", `server_error;session_identifier="`+bound.id+`"`)
			return
		default:
			b.dropDBSC()
			return
		}
	}
	b.dropDBSC() // too many challenges
}

func (b *Browser) dropDBSC() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.keys.dbsc = nil
}

// comesBack returns the request that a browser makes again without having been told
// to by its user: a redirect that keeps the method and the body, or a page that loads
// itself again.
func (b *Browser) comesBack(r *http.Request, response Response) *http.Request {
	switch {
	case response.StatusCode == http.StatusTemporaryRedirect && response.Header.Get("Location") == r.URL.RequestURI():
		return r.Clone(r.Context())
	case strings.Contains(response.Text, `<meta http-equiv="refresh" content="0">`):
		again := r.Clone(r.Context())
		again.Header.Set("Sec-Fetch-Site", "same-origin")
		return again
	default:
		return nil
	}
}
