package loginstagetest

import (
	"bytes"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/mooring-go/mooring/session"
	"github.com/mooring-go/mooring/session/devicekey"
	"github.com/mooring-go/mooring/session/devicekey/devicekeytest"
)

// keys are the device keys of a browser or a client of an API. The zero value has
// none.
type keys struct {
	dbsc *boundSession                    // nil: none
	page map[string]*devicekeytest.Device // by handle
	base string                           // where the script's endpoints are

	dpop  *devicekeytest.Device // nil: none yet
	token string                // the bearer token
	nonce string
}

func (k *keys) clone() keys {
	c := *k
	c.page = maps.Clone(k.page)
	if k.dbsc != nil {
		c.dbsc = new(*k.dbsc)
	}
	return c
}

// authorize adds the token to the request of a client of an API, and the proof of its
// key.
func (k *keys) authorize(r *http.Request, target *url.URL) {
	if k.dpop == nil {
		k.dpop = devicekeytest.New(devicekey.DPoP)
	}
	if k.token != "" {
		r.Header.Set("Authorization", "DPoP "+k.token)
	}
	r.Header.Set("DPoP", k.dpop.DPoP(devicekey.Request{Method: r.Method, URL: target.String(), Token: k.token}, k.nonce, time.Now()))
}

// receive takes from a response what an API gives to its client.
func (k *keys) receive(response Response) {
	if token, given := response.Header[http.CanonicalHeaderKey(session.DefaultTokenHeader)]; given {
		k.token = token[0]
	}
	if nonce := response.Header.Get("DPoP-Nonce"); nonce != "" {
		k.nonce = nonce
	}
}

// repeatable returns r with a body that can be read as often as it is sent.
func (b *Browser) repeatable(r *http.Request) *http.Request {
	r = r.Clone(r.Context())
	if r.Body == nil || r.Body == http.NoBody {
		r.GetBody = func() (io.ReadCloser, error) { return http.NoBody, nil }
		return r
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		b.t.Fatalf("loginstagetest: the body of %s %s: %v", r.Method, r.URL, err)
	}
	r.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(body)), nil }
	return r
}

// exchange sends r, and again where a proof of the device key is asked for and given.
func (b *Browser) exchange(r *http.Request) Response {
	for range maxRedirects {
		response := b.visit(r)
		next := b.proves(r, response)
		if next == nil {
			return response
		}
		r = next
	}
	b.t.Fatalf("loginstagetest: asked for more than %d proofs, the last one by %s", maxRedirects, r.URL)
	return Response{}
}

// visit sends r once, with a bound cookie if it can get one, and does what the answer
// tells a browser to do about device keys.
func (b *Browser) visit(r *http.Request) Response {
	if b.DeviceKey == devicekey.DBSC {
		b.refresh(r)
	}
	sent := r.Clone(r.Context())
	sent.Body, _ = r.GetBody() // never fails: see repeatable
	response := b.send(sent)
	registration := response.Header.Get("Secure-Session-Registration")
	switch {
	case registration == "":
	case b.DeviceKey == devicekey.DBSC:
		b.registerDBSC(registration)
	case b.DeviceKey == devicekey.Page:
		b.registerPage(registration)
	}
	return response
}

// proves proves the device key if the response asks for that and the browser can, and
// returns the request to send then, or nil.
func (b *Browser) proves(r *http.Request, response Response) *http.Request {
	switch b.DeviceKey {
	case devicekey.DBSC:
		return b.comesBack(r, response)
	case devicekey.Page:
		return b.runPage(r, response)
	case devicekey.DPoP:
		if strings.Contains(response.Header.Get("WWW-Authenticate"), `error="use_dpop_nonce"`) {
			return r
		}
	}
	return nil
}

// endpoint sends a request that no page waits for.
func (b *Browser) endpoint(method, path, body string, header http.Header) Response {
	r := httptest.NewRequestWithContext(b.t.Context(), method, path, strings.NewReader(body))
	maps.Copy(r.Header, header)
	for name, value := range map[string]string{
		"Origin": origin.String(), "Sec-Fetch-Site": "same-origin", "Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "empty",
	} {
		if r.Header.Get(name) == "" {
			r.Header.Set(name, value)
		}
	}
	return b.send(r)
}

// attribute returns the value of an attribute in HTML, or of a parameter in a header.
func attribute(text, name string) string {
	found := regexp.MustCompile(name + `="([^"]*)"`).FindStringSubmatch(text)
	if found == nil {
		return ""
	}
	return found[1]
}
