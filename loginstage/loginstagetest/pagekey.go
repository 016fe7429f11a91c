package loginstagetest

import (
	"encoding/json"
	"html"
	"net/http"
	"net/url"
	"regexp"
	"strings"

	"github.com/mooring-go/mooring/session/devicekey"
	"github.com/mooring-go/mooring/session/devicekey/devicekeytest"
)

// pageState is what the script is told of the session.
type pageState struct{ Kind, Handle, Register, Prove string }

// registerPage does what the script of a page does after a sign-in.
func (b *Browser) registerPage(registration string) {
	base := strings.TrimSuffix(attribute(registration, "path"), "/dbsc/register")
	var state pageState
	response := b.endpoint(http.MethodGet, base+"/page/state", "", nil)
	if response.StatusCode != http.StatusOK || response.Decode(&state) != nil || state.Register == "" {
		return
	}
	device := devicekeytest.New(devicekey.Page)
	if b.sendProof(base+"/page/register", device.Registration(state.Register, "")).StatusCode != http.StatusOK {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.keys.page, b.keys.base = map[string]*devicekeytest.Device{state.Handle: device}, base
}

func (b *Browser) sendProof(path, proof string) Response {
	body, err := json.Marshal(map[string]string{"proof": proof})
	if err != nil {
		b.t.Fatalf("loginstagetest: a proof: %v", err)
	}
	return b.endpoint(http.MethodPost, path, string(body), http.Header{"Content-Type": {"application/json"}})
}

// runPage does what the script does about a response that asks for a proof.
func (b *Browser) runPage(r *http.Request, response Response) *http.Request {
	if response.StatusCode != http.StatusUnauthorized {
		return nil
	}
	challenge, handle := response.Header.Get("Mooring-Challenge"), response.Header.Get("Mooring-Handle")
	b.mu.Lock()
	base := b.keys.base
	b.mu.Unlock()
	if isPage(response) {
		text := html.UnescapeString(response.Text)
		challenge, handle = attribute(text, "data-challenge"), attribute(text, "data-handle")
		base = strings.TrimSuffix(attribute(text, "script src"), "/device-key.js")
	}
	if challenge == "" {
		return nil
	}
	b.mu.Lock()
	device := b.keys.page[handle]
	b.mu.Unlock()
	if device == nil || b.sendProof(base+"/page/prove", device.Proof(challenge)).StatusCode != http.StatusOK {
		b.givesUp(base, response)
		return nil
	}
	return b.sendsAgain(r, response)
}

// givesUp has the browser of a page that it cannot prove anything on say so. A page
// that fetches is not left.
func (b *Browser) givesUp(base string, response Response) {
	if isPage(response) {
		b.endpoint(http.MethodPost, base+"/page/unproved", "", nil)
	}
}

func isPage(response Response) bool {
	return strings.HasPrefix(response.Header.Get("Content-Type"), "text/html")
}

var hidden = regexp.MustCompile(`<input type="hidden" name="([^"]*)" value="([^"]*)">`)

// sendsAgain returns r, or the form that the page of the response sends.
func (b *Browser) sendsAgain(r *http.Request, response Response) *http.Request {
	_, form, found := strings.Cut(response.Text, `<form id="again"`)
	if !found {
		return r.Clone(r.Context())
	}
	form, _, _ = strings.Cut(form, "</form>")
	values := url.Values{}
	for _, input := range hidden.FindAllStringSubmatch(form, -1) {
		values.Add(html.UnescapeString(input[1]), html.UnescapeString(input[2]))
	}
	again := b.page(http.MethodPost, html.UnescapeString(attribute(form, "action")), strings.NewReader(values.Encode()))
	again.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	b.setOrigin(again)
	return b.repeatable(again)
}
