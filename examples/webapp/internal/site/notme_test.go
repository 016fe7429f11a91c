package site

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mooring-go/mooring/binding/bindingtest"
)

// mailbox is where the mails of a test go. It is safe for concurrent use.
type mailbox struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (m *mailbox) Write(p []byte) (int, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.text.Write(p)
}

// take returns what has come since it was last asked.
func (m *mailbox) take() string {
	m.mu.Lock()
	defer m.mu.Unlock()
	defer m.text.Reset()
	return m.text.String()
}

// openWithMail serves the application, and returns where its mails go.
func openWithMail(t *testing.T) (*app, *httptest.Server, *mailbox) {
	t.Helper()
	a, mails := openApp(t), &mailbox{}
	a.mail = &mailer{out: mails}
	server := serveTLS(t, a)
	a.origin = server.URL
	return a, server, mails
}

// secretIn returns the secret of the link in a mail.
func secretIn(t *testing.T, a *app, mail string) string {
	t.Helper()
	found := regexp.MustCompile(regexp.QuoteMeta(a.origin) + `/not-me\?secret=(\S+)`).FindStringSubmatch(mail)
	require.NotNil(t, found, mail)
	secret, err := url.QueryUnescape(found[1])
	require.NoError(t, err)
	return secret
}

func TestThisWasNotMe(t *testing.T) {
	a, server, mails := openWithMail(t)
	user := newVisitor(t, server)
	user.signIn("ada", ada, "yes")
	mails.take()
	thief := newVisitor(t, server)
	thief.moveTo(bindingtest.Paris)
	thief.signIn("ada", ada, "yes")
	mail := mails.take()
	assert.Contains(t, mail, "Firefox on Linux signed in to your account from Paris, France")
	secret := secretIn(t, a, mail)

	// A program that looks at mail follows the link, and does no harm.
	reader := newVisitor(t, server)
	page := reader.get("/not-me?secret=" + url.QueryEscape(secret))
	assert.Contains(t, page.html, `name="secret" value="`+secret+`"`)
	assert.Equal(t, "same-origin", page.header.Get("Referrer-Policy"), "the link is not told to other sites")
	assert.Equal(t, "/", thief.get("/").path)

	page = reader.post("/not-me", "secret", secret)
	assert.Contains(t, page.html, "The session was ended.")
	assert.Equal(t, "/login", thief.get("/").path)
	assert.Equal(t, "/", user.get("/").path, "the user's own session goes on")
	assert.Equal(t, http.StatusGone, reader.post("/not-me", "secret", secret).status, "the link works once")

	// The thief knows the password still, and gets no further than to where it is changed.
	prompt := reader.post("/login", "user", "ada", "password", ada, "next", "/devices")
	require.Contains(t, prompt.html, "Stay signed in?")
	page = reader.post("/login/answer", "stay", "no", "next", "/devices")
	assert.Equal(t, "/password", page.path)
	assert.Contains(t, page.html, "Somebody else may know your password.")
	assert.Equal(t, "/password", reader.get("/").path)
	assert.Equal(t, "/password", reader.post("/sessions/end-others").path)
	assert.Equal(t, "/", user.get("/").path)

	home := reader.post("/password", "password", ada, "new", another)
	assert.Equal(t, "/", home.path)
	assert.Contains(t, home.html, "Your password was changed")
	assert.Contains(t, home.html, "You did what was required")
	assert.Equal(t, "/login", user.get("/").path, "what was signed in with the old password has ended")
	reader.post("/logout")
	reader.signIn("ada", another, "no")
}

func TestOnlyASignInOnANewDeviceIsMailed(t *testing.T) {
	_, server, mails := openWithMail(t)
	user := newVisitor(t, server)
	user.signIn("ada", ada, "no")
	assert.NotEmpty(t, mails.take())
	user.post("/logout")
	user.signIn("ada", ada, "no")
	assert.Empty(t, mails.take())
	user.post("/login", "user", "ada", "password", "wrong")
	assert.Empty(t, mails.take())
}

func TestChangingThePasswordIsMailed(t *testing.T) {
	_, server, mails := openWithMail(t)
	user := newVisitor(t, server)
	user.signIn("ada", ada, "no")
	mails.take()
	user.post("/password", "password", ada, "new", "short")
	assert.Empty(t, mails.take())
	user.post("/password", "password", ada, "new", another)
	mail := mails.take()
	assert.Contains(t, mail, "Mail to ada: Your password was changed")
	assert.NotContains(t, mail, another)
}

func TestALinkThatIsNone(t *testing.T) {
	user := newVisitor(t, open(t))
	for _, secret := range []string{"", "x", strings.Repeat("A", 45)} {
		page := user.post("/not-me", "secret", secret)
		assert.Equal(t, http.StatusGone, page.status)
	}
	page := user.get(`/not-me?secret="><script>alert(1)</script>`)
	assert.NotContains(t, page.html, "<script>alert")
}

// The Host of a request is the client's to choose: a link goes where the application is.
func TestALinkInAMailDoesNotGoByTheHostOfTheRequest(t *testing.T) {
	a, server, mails := openWithMail(t)
	user := newVisitor(t, server)
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, user.url+"/login", strings.NewReader("user=ada&password="+url.QueryEscape(ada)))
	require.NoError(t, err)
	r.Host = "elsewhere.example"
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	require.Contains(t, user.do(r).html, "Stay signed in?")
	answer, err := http.NewRequestWithContext(t.Context(), http.MethodPost, user.url+"/login/answer", strings.NewReader("stay=no"))
	require.NoError(t, err)
	answer.Host = "elsewhere.example"
	answer.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	user.do(answer)
	mail := mails.take()
	secretIn(t, a, mail)
	assert.NotContains(t, mail, "elsewhere.example")
}
