package loginstage_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"

	"github.com/mooring-go/mooring/duration"
	"github.com/mooring-go/mooring/loginstage"
)

// terms is a stage of a host's own. It is made for one flow, whose pending user it
// knows.
type terms struct {
	user     *loginstage.User
	accepted map[string]bool // by user ID
}

func (t terms) Begin(http.ResponseWriter, *http.Request, loginstage.User) (*loginstage.Challenge, error) {
	if t.accepted[t.user.ID] {
		return nil, nil // nothing to ask
	}
	return &loginstage.Challenge{Component: "terms_of_use", Question: map[string]string{"text": "Be kind."}}, nil
}

func (t terms) Finish(_ http.ResponseWriter, _ *http.Request, answer loginstage.Answer) error {
	var a struct{ Accept bool }
	if err := answer.Decode(&a); err != nil {
		return err
	}
	if !a.Accept {
		return &loginstage.RejectedError{Reason: "the terms have to be accepted"}
	}
	t.accepted[t.user.ID] = true
	return nil
}

// A flow runs stages in a row: here the terms of use before the login. A host keeps
// between requests how far each client has come; examples/flow does.
func ExampleStage() {
	login, err := loginstage.New(loginstage.Config{SessionDuration: duration.MustParse("hours=12")})
	if err != nil {
		panic(err)
	}
	user := loginstage.User{ID: "ada", Method: "password"}
	flow := []loginstage.Stage{terms{&user, map[string]bool{}}, login}
	w, r := httptest.NewRecorder(), httptest.NewRequest(http.MethodPost, "/flow", nil)
	for _, stage := range flow {
		challenge, err := stage.Begin(w, r, user)
		if err != nil {
			panic(err)
		}
		if challenge == nil {
			continue
		}
		question, _ := json.Marshal(challenge)
		fmt.Println(string(question))
		for _, sent := range []string{`{"accept":false}`, `{"accept":true}`} {
			fmt.Println(sent, stage.Finish(w, r, loginstage.Answer{Raw: json.RawMessage(sent)}))
		}
	}
	sessions, _ := login.Sessions(r.Context(), "ada")
	fmt.Println(len(sessions), "session")
	// Output:
	// {"component":"terms_of_use","question":{"text":"Be kind."}}
	// {"accept":false} loginstage: answer rejected: the terms have to be accepted
	// {"accept":true} <nil>
	// 1 session
}
