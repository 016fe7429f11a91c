package main

import (
	"bufio"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"os/exec"
	"regexp"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/bcrypt"
)

// TestMain lets the test's own binary stand in for the program, and makes the
// tests quick.
func TestMain(m *testing.M) {
	if os.Getenv("WEBAPP_RUN") != "" {
		main()
		return
	}
	passwordCost = bcrypt.MinCost
	os.Exit(m.Run())
}

func TestTheProgramFromItsStartToItsEnd(t *testing.T) {
	program := exec.CommandContext(t.Context(), os.Args[0], "-addr=localhost:0", "-insecure-http")
	program.Env = append(os.Environ(), "WEBAPP_RUN=1")
	program.Stderr = os.Stderr
	output, err := program.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, program.Start())

	lines := bufio.NewScanner(output)
	require.True(t, lines.Scan())
	address := regexp.MustCompile(`http://localhost:\d+`).FindString(lines.Text())
	require.NotEmpty(t, address, lines.Text())
	rest := make(chan string, 1)
	go func() {
		var all string
		for lines.Scan() {
			all += lines.Text() + "\n"
		}
		rest <- all
	}()

	// Go's cookie jar takes no Secure cookie from localhost, as browsers do;
	// hence -insecure-http.
	jar, err := cookiejar.New(nil)
	require.NoError(t, err)
	client := &http.Client{Jar: jar}
	post := func(path string, form url.Values) string {
		response, err := client.PostForm(address+path, form)
		require.NoError(t, err)
		defer response.Body.Close()
		page, err := io.ReadAll(response.Body)
		require.NoError(t, err)
		return string(page)
	}
	assert.Contains(t, post("/login", url.Values{"user": {"ada"}, "password": {ada}}), "Stay signed in?")
	assert.Contains(t, post("/login/answer", url.Values{"stay": {"yes"}}), "Where you are signed in")

	// A stream that is open does not hold up the end.
	stream, err := client.Get(address + "/events")
	require.NoError(t, err)
	defer stream.Body.Close()
	require.Equal(t, http.StatusOK, stream.StatusCode)
	require.NoError(t, program.Process.Signal(os.Interrupt))
	printed := <-rest
	assert.NoError(t, program.Wait())
	assert.Contains(t, printed, ada, "the accounts are printed")
	assert.Contains(t, printed, "action=login", "events are logged")
}
