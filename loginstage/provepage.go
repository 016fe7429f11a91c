package loginstage

import (
	"bytes"
	"html/template"
	"io"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// maxReplayed is how long the body of a form may be that is sent again after a proof,
// in bytes.
const maxReplayed = 64 << 10

// A provePage is shown for a moment, while the browser proves its key.
type provePage struct {
	Script, Challenge, Handle string
	Again                     bool   // the browser proves by itself, once this page asks
	GiveUp                    string // where a client says that it cannot
	Otherwise                 string // where it goes then
	Action                    string // where the form is sent; "": there is none
	Form                      []field
}

type field struct{ Name, Value string }

// repeat has the page send the form of r to target again once the key is proved, if r
// has one without files. Whatever else r is, the page loads itself again, and the
// browser asks its user whether to send the body again.
func (p *provePage) repeat(w http.ResponseWriter, r *http.Request, target string) {
	media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || media != "application/x-www-form-urlencoded" || r.Method != http.MethodPost || !samePath(target) {
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxReplayed))
	if err != nil {
		return
	}
	if fields, err := fieldsOf(string(body)); err == nil {
		p.Action, p.Form = target, fields
	}
}

// fieldsOf returns the fields of a form in their order.
func fieldsOf(body string) ([]field, error) {
	var fields []field
	for pair := range strings.SplitSeq(body, "&") {
		if pair == "" {
			continue
		}
		name, value, _ := strings.Cut(pair, "=")
		name, nameErr := url.QueryUnescape(name)
		value, valueErr := url.QueryUnescape(value)
		if nameErr != nil {
			return nil, nameErr
		}
		if valueErr != nil {
			return nil, valueErr
		}
		fields = append(fields, field{name, value})
	}
	return slices.Clip(fields), nil
}

var provePageText = template.Must(template.New("prove").Parse(`<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>One moment</title>
{{if .Again}}<meta http-equiv="refresh" content="0">
{{else}}<form id="give-up" method="post" action="{{.GiveUp}}"><input type="hidden" name="next" value="{{.Otherwise}}">
<noscript><p>This page needs JavaScript to check your device.</p><button>Sign in again</button></noscript></form>
{{if .Action}}<form id="again" method="post" action="{{.Action}}">{{range .Form}}<input type="hidden" name="{{.Name}}" value="{{.Value}}">{{end}}</form>
{{end}}<script src="{{.Script}}" data-challenge="{{.Challenge}}" data-handle="{{.Handle}}"></script>
{{end}}</html>
`))

// provePolicy lets the page do what it is for, and nothing else. It says nothing of
// forms: browsers hold the redirect that answers one to it too.
const provePolicy = "default-src 'none'; script-src 'self'; connect-src 'self'; base-uri 'none'; frame-ancestors 'self'"

func (p provePage) write(w http.ResponseWriter, status int) {
	var body bytes.Buffer
	if err := provePageText.Execute(&body, p); err != nil {
		http.Error(w, http.StatusText(http.StatusInternalServerError), http.StatusInternalServerError)
		return
	}
	header := w.Header()
	header.Set("Content-Type", "text/html; charset=utf-8")
	header.Set("Content-Security-Policy", provePolicy)
	header.Set("Referrer-Policy", "same-origin")
	header.Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	_, _ = w.Write(body.Bytes()) // the client may be gone
}
