package loginstage_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mooring-go/mooring/duration"
	"github.com/mooring-go/mooring/loginstage"
	"github.com/mooring-go/mooring/loginstage/loginstagetest"
)

// pet is a stage of a host's own, made for one flow: it asks about the user's pet,
// and how the user was proved is different afterwards.
type pet struct {
	user  *loginstage.User
	names map[string][]string
}

func (p pet) Begin(_ http.ResponseWriter, _ *http.Request, user loginstage.User) (*loginstage.Challenge, error) {
	if p.names[user.ID] == nil {
		return nil, nil // nothing to ask
	}
	return &loginstage.Challenge{
		Component: "pet", User: user.ID, Question: map[string]any{"text": "What are your pets called?", "most": 3},
	}, nil
}

func (p pet) Finish(_ http.ResponseWriter, _ *http.Request, answer loginstage.Answer) error {
	var names []string
	if err := answer.Decode(&names); err != nil {
		return err
	}
	if !assert.ObjectsAreEqual(p.names[p.user.ID], names) {
		return &loginstage.RejectedError{Reason: "those are not your pets"}
	}
	p.user.Method += "+pet"
	return nil
}

// A flow is stages in a row, and nothing tells the host's own from UserLogin.
func TestAFlowRunsAnyStage(t *testing.T) {
	for _, test := range []struct {
		user    string
		answers []string // JSON, as clients send it
		asked   []string // the components that asked
		method  string   // of the session; empty: not signed in
	}{
		{"ada", []string{`["Boole"]`, `{"stay_signed_in":true}`}, []string{"pet", "stay_signed_in"}, "password+pet"},
		{"grace", []string{`{"stay_signed_in":false}`}, []string{"stay_signed_in"}, "password"},
		{"ada", []string{`["Rex"]`}, []string{"pet"}, ""},
		{"ada", []string{`{"stay_signed_in":true}`}, []string{"pet"}, ""},
	} {
		login := loginstagetest.New(t, asking)
		user := loginstage.User{ID: test.user, Method: "password"}
		flow := []loginstage.Stage{pet{&user, map[string][]string{"ada": {"Boole"}}}, login.UserLogin}
		asked, answers := []string(nil), test.answers
		browser := loginstagetest.NewBrowser(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if len(asked) > 0 {
				if err := flow[0].Finish(w, r, loginstage.Answer{Raw: json.RawMessage(answers[0])}); err != nil {
					w.WriteHeader(http.StatusUnprocessableEntity)
					return
				}
				flow, answers = flow[1:], answers[1:]
			}
			for ; len(flow) > 0; flow = flow[1:] {
				challenge, err := flow[0].Begin(w, r, user)
				require.NoError(t, err)
				if challenge != nil {
					asked = append(asked, challenge.Component)
					w.WriteHeader(http.StatusAccepted)
					return
				}
			}
		}))
		status := browser.Get("/").StatusCode
		for status == http.StatusAccepted {
			status = browser.Get("/").StatusCode
		}
		assert.Equal(t, test.asked, asked, test.answers)
		sessions, err := login.Sessions(t.Context(), test.user)
		require.NoError(t, err)
		if test.method == "" {
			assert.Empty(t, sessions, test.answers)
			continue
		}
		require.Len(t, sessions, 1)
		assert.Equal(t, test.method, sessions[0].Method)
	}
}

func TestTheJSONOfAChallengeHasWhatIsSet(t *testing.T) {
	for _, test := range []struct {
		challenge loginstage.Challenge
		want      string
	}{
		{loginstage.Challenge{Component: "identification"}, `{"component":"identification"}`},
		{loginstage.Challenge{Component: "passkey", User: "ada", Question: []int{1, 2}}, `{"component":"passkey","user":"ada","question":[1,2]}`},
		{loginstage.Challenge{
			Component: loginstage.ComponentStaySignedIn, Stage: "user-login", User: "ada", Name: "Ada",
			Offset: duration.MustParse("weeks=2"), Expires: time.Date(2026, 3, 1, 9, 10, 0, 0, time.UTC),
		}, `{"component":"stay_signed_in","stage":"user-login","user":"ada","name":"Ada","offset":"weeks=2","expires":"2026-03-01T09:10:00Z"}`},
	} {
		got, err := json.Marshal(test.challenge)
		require.NoError(t, err)
		assert.JSONEq(t, test.want, string(got))
	}
}

// What a client sent counts as it was sent: an answer that cannot be read is no
// "no", and leaves the challenge to be answered.
func TestFinishReadsTheRawAnswer(t *testing.T) {
	const rejected = -1
	for raw, want := range map[string]time.Duration{
		`{"stay_signed_in":true}`:            asking.SessionDuration.Std() + asking.StaySignedInOffset.Std(),
		`{"stay_signed_in":false}`:           asking.SessionDuration.Std(),
		`{}`:                                 asking.SessionDuration.Std(),
		`null`:                               asking.SessionDuration.Std(),
		`{"stay_signed_in":true,"more":[1]}`: asking.SessionDuration.Std() + asking.StaySignedInOffset.Std(),
		`{"stay_signed_in":"yes"}`:           rejected,
		`{"stay_signed_in":1}`:               rejected,
		`"stay_signed_in"`:                   rejected,
		`[true]`:                             rejected,
		`{"stay_signed_in":true`:             rejected,
		``:                                   rejected,
	} {
		login, err := loginstage.New(asking)
		require.NoError(t, err)
		begun := httptest.NewRecorder()
		challenge, err := login.Begin(begun, httptest.NewRequest(http.MethodPost, "/login", nil), loginstage.User{ID: "ada"})
		require.NoError(t, err)
		require.NotNil(t, challenge)
		finish := func(answer loginstage.Answer) error {
			r := httptest.NewRequest(http.MethodPost, "/login/answer", nil)
			for _, c := range begun.Result().Cookies() {
				r.AddCookie(c)
			}
			return login.Finish(httptest.NewRecorder(), r, answer)
		}
		err = finish(loginstage.Answer{StaySignedIn: true, Raw: json.RawMessage(raw)})
		if want == rejected {
			_, isRejected := errors.AsType[*loginstage.RejectedError](err)
			assert.True(t, isRejected, "%s: %v", raw, err)
			assert.NoError(t, finish(loginstage.Answer{}), raw)
			continue
		}
		require.NoError(t, err, raw)
		sessions, err := login.Sessions(t.Context(), "ada")
		require.NoError(t, err)
		require.Len(t, sessions, 1)
		assert.Equal(t, want, sessions[0].MaxAge, raw)
	}
}

func TestARejectedErrorSaysWhy(t *testing.T) {
	var number int
	err := loginstage.Answer{Raw: json.RawMessage(`"three"`)}.Decode(&number)
	rejected, ok := errors.AsType[*loginstage.RejectedError](err)
	require.True(t, ok)
	assert.NotContains(t, rejected.Reason, "int", "the client is told nothing of Go")
	assert.ErrorContains(t, err, "answer rejected: the answer cannot be read: json:")
	_, isType := errors.AsType[*json.UnmarshalTypeError](err)
	assert.True(t, isType)
	assert.EqualError(t, &loginstage.RejectedError{Reason: "too late"}, "loginstage: answer rejected: too late")
}
