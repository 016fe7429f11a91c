package site

import (
	"bytes"
	"context"
	"flag"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mooring-go/mooring/binding"
	"github.com/mooring-go/mooring/duration"
)

// Every mistake is told at once, with the flag or the variable that it is in.
func TestAllMistakesInTheSettingsAreTold(t *testing.T) {
	missing := filepath.Join(t.TempDir(), "missing.mmdb")
	for _, test := range []struct {
		args []string
		env  map[string]string
		want []string // how each line of the error begins
	}{
		{args: []string{"-session-duration=hours=1.5.2"}, want: []string{`-session-duration: duration: parse "hours=1.5.2"`}},
		{
			args: []string{"-session-duration=never", "-network-binding=bind_everything", "-geoip-binding", "bind_moon", "-stay-signed-in-offset=weeks=100"},
			want: []string{"-session-duration: ", `-network-binding: `, "-geoip-binding: ", "-stay-signed-in-offset: days=700: want 0"},
		},
		{
			args: []string{"-unknown", "-demo=perhaps", "---", "surplus", "-store=paper", "-addr=nowhere:at:all", "-dsn"},
			want: []string{
				`-demo: "perhaps": want true or false`, "flag provided but not defined: -unknown", "bad flag syntax: ---",
				`unknown argument "surplus"`, `-store: "paper": want one of`, `-addr: "nowhere:at:all": want host:port`, "flag needs an argument: -dsn",
			},
		},
		{
			env: map[string]string{
				"WEBAPP_REMEMBER_DEVICE": "no", "WEBAPP_MAX_SESSIONS": "few", "WEBAPP_MAX_SESION": "1", "WEBAPP_SESSION_DURATION": "weeks=100", "WEBAPP_MAX_LIFETIME": "hours=-1",
			},
			args: []string{"-demo=2"},
			want: []string{
				`settings: WEBAPP_REMEMBER_DEVICE: "no": `, `settings: WEBAPP_MAX_SESSIONS: "few": `, `settings: WEBAPP_MAX_SESION: there is no such setting: want WEBAPP_MAX_SESSIONS`, `-demo: "2": `,
				"-session-duration: days=700: want 0", "loginstage: MaxLifetime hours=-1: want",
			},
		},
		{args: []string{"-store=memory", "-dsn=file.db"}, want: []string{"-dsn: want none with -store memory"}},
		{args: []string{"-asn=" + missing, "-city=" + missing}, want: []string{"-asn: open ", "-city: open "}},
	} {
		t.Run(strings.Join(test.args, " "), func(t *testing.T) {
			for key, value := range test.env {
				t.Setenv(key, value)
			}
			_, err := parseSettings(kinds, test.args, io.Discard)
			require.Error(t, err)
			lines := strings.Split(err.Error(), "\n")
			assert.Len(t, lines, len(test.want), err)
			for _, want := range test.want {
				found := false
				for _, line := range lines {
					found = found || strings.HasPrefix(line, want)
				}
				assert.True(t, found, "%s is not in\n%v", want, err)
			}
		})
	}
}

func TestFlagsCountForMoreThanTheEnvironment(t *testing.T) {
	t.Setenv("WEBAPP_SESSION_DURATION", "hours=3")
	t.Setenv("WEBAPP_NETWORK_BINDING", "no_binding")
	t.Setenv("WEBAPP_TERMINATE_OTHER_SESSIONS", "true")
	t.Setenv("WEBAPP_IDLE_TIMEOUT", "minutes=20") // which has no flag
	s, err := parseSettings(kinds, []string{"-session-duration", "hours=2", "-insecure-http"}, io.Discard)
	require.NoError(t, err)
	assert.Equal(t, duration.MustParse("hours=2"), s.login.SessionDuration)
	assert.Equal(t, binding.NetworkOff, s.login.NetworkBinding)
	assert.True(t, s.login.TerminateOtherSessions && s.insecureHTTP)
	assert.Equal(t, duration.MustParse("minutes=20"), s.login.IdleTimeout)
}

// A file counts for more than the program's defaults, and for less than the environment.
func TestSettingsFromAFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "login.yaml")
	require.NoError(t, os.WriteFile(file, []byte("session_duration: hours=3\nidle_timeout: minutes=20\nmax_sessions: 4\n"), 0o600))
	t.Setenv("WEBAPP_SETTINGS", file)
	t.Setenv("WEBAPP_MAX_SESSIONS", "5")
	s, err := parseSettings(kinds, []string{"-session-duration", "hours=2"}, io.Discard)
	require.NoError(t, err)
	assert.Equal(t, duration.MustParse("hours=2"), s.login.SessionDuration)
	assert.Equal(t, duration.MustParse("minutes=20"), s.login.IdleTimeout)
	assert.Equal(t, 5, s.login.MaxSessions)
	assert.Equal(t, duration.MustParse("weeks=2"), s.login.StaySignedInOffset, "which nobody said anything of")

	require.NoError(t, os.WriteFile(file, []byte("session_duration: 3h\nidle: minutes=20\n"), 0o600))
	_, err = parseSettings(kinds, nil, io.Discard)
	assert.ErrorContains(t, err, `WEBAPP_SETTINGS: settings: line 1: session_duration: "3h": `)
	assert.ErrorContains(t, err, "WEBAPP_SETTINGS: settings: line 2: idle: there is no such setting")
	t.Setenv("WEBAPP_SETTINGS", file+".missing")
	_, err = parseSettings(kinds, nil, io.Discard)
	assert.ErrorContains(t, err, "WEBAPP_SETTINGS: open ")
}

func TestHelpNamesEveryFlag(t *testing.T) {
	var out bytes.Buffer
	_, err := parseSettings(kinds, []string{"-help"}, &out)
	require.ErrorIs(t, err, flag.ErrHelp)
	for _, want := range []string{"-session-duration", "(default hours=12)", "-demo-accounts"} {
		assert.Contains(t, out.String(), want)
	}
	assert.NotContains(t, out.String(), "panic")
}

// Where others can reach the application, nobody signs in with a password that
// everybody may read, and no client chooses its address, unless that was asked for.
func TestTheDemoIsForThisMachine(t *testing.T) {
	for _, test := range []struct {
		args           string
		demo, accounts bool
		refused        bool
	}{
		{args: "", demo: true, accounts: true},
		{args: "-addr=localhost:0", demo: true, accounts: true},
		{args: "-addr=127.0.0.2:80", demo: true, accounts: true},
		{args: "-addr=[::1]:80", demo: true, accounts: true},
		{args: "-addr=[::ffff:127.0.0.1]:80", demo: true, accounts: true},
		{args: "-demo=false", accounts: true},
		{args: "-addr=:8080", refused: true},
		{args: "-addr=0.0.0.0:8080", refused: true},
		{args: "-addr=[::]:8080", refused: true},
		{args: "-addr=192.0.2.1:8080", refused: true},
		{args: "-addr=localhost.example.com:8080", refused: true},
		{args: "-addr=:8080 -demo", refused: true},
		{args: "-addr=:8080 -demo-accounts", accounts: true},
		{args: "-addr=:8080 -demo-accounts=false"},
		{args: "-addr=:8080 -demo-accounts -demo", demo: true, accounts: true},
	} {
		s, err := parseSettings(kinds, strings.Fields(test.args), io.Discard)
		if test.refused {
			assert.ErrorContains(t, err, "-demo-accounts", test.args)
			continue
		}
		require.NoError(t, err, test.args)
		assert.Equal(t, test.demo, s.demo, test.args)
		assert.Equal(t, test.accounts, s.demoAccounts, test.args)
	}

	v := newVisitor(t, open(t, "-addr=:0", "-demo-accounts=false"))
	assert.Equal(t, http.StatusUnprocessableEntity, v.post("/login", "user", "ada", "password", ada).status)
	assert.NotContains(t, v.get("/login").html, "Demo only")
}

func TestWhatIsAnnounced(t *testing.T) {
	for args, want := range map[string][]string{
		"":                                 {"http://localhost:8443/", "  ada    " + ada, "Demo mode"},
		"-addr=:8443 -demo-accounts=false": {"http://192.0.2.7:8443/", "Nobody has an account", "TLS proxy"},
	} {
		s, err := parseSettings(kinds, strings.Fields(args), io.Discard)
		require.NoError(t, err)
		var out bytes.Buffer
		announce(&out, s, s.origin(&net.TCPAddr{IP: net.IPv4(192, 0, 2, 7), Port: 8443}), "somewhere", nil)
		for _, text := range want {
			assert.Contains(t, out.String(), text)
		}
		assert.Equal(t, s.demoAccounts, strings.Contains(out.String(), ada))
	}
}

// Some mistakes show only when the program starts.
func TestMistakesThatStopTheStart(t *testing.T) {
	done, stop := context.WithCancel(t.Context())
	stop() // what starts in spite of its mistakes, stops
	for _, args := range [][]string{
		{"-unknown"},
		{"-addr=nowhere.invalid:1", "-demo-accounts"},
		{"-asn=settings_test.go"},
	} {
		err := run(done, kinds, append([]string{"-store=memory"}, args...), io.Discard, (*app).handler)
		assert.Error(t, err, args)
		require.NotErrorIs(t, err, flag.ErrHelp)
	}
}
