package session_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mooring-go/mooring/session"
)

func TestChange(t *testing.T) {
	long := strings.Repeat("x", session.MaxText+1)
	many := make([]string, session.MaxRequired)
	for i := range many {
		many[i] = fmt.Sprint(i)
	}
	for _, test := range []struct {
		name     string
		required []string
		change   session.Update
		want     []string
		err      error
	}{
		{"nothing", []string{"a"}, session.Update{}, []string{"a"}, nil},
		{"adds", []string{"a"}, session.Update{Require: []string{"b", "a", "b"}}, []string{"a", "b"}, nil},
		{"takes", []string{"a", "b"}, session.Update{Complete: []string{"a", "c"}}, []string{"b"}, nil},
		{"takes the last", []string{"a"}, session.Update{Complete: []string{"a"}}, nil, nil},
		{"takes and adds", []string{"a"}, session.Update{Complete: []string{"a"}, Require: []string{"a"}}, []string{"a"}, nil},
		{"as many as can be", nil, session.Update{Require: many}, many, nil},
		{"one too many", []string{"a"}, session.Update{Require: many}, nil, session.ErrInvalid},
		{"an empty name", nil, session.Update{Require: []string{""}}, nil, session.ErrInvalid},
		{"a long name", nil, session.Update{Require: []string{long}}, nil, session.ErrInvalid},
		{"a name that no log can show", nil, session.Update{Require: []string{"a\x00"}}, nil, session.ErrInvalid},
		{"a name that is no UTF-8", nil, session.Update{Require: []string{"\xff"}}, nil, session.ErrInvalid},
		{"no JSON", nil, session.Update{Value: []byte(`{"a":`)}, nil, session.ErrInvalid},
		{"a long value", nil, session.Update{Value: []byte(`"` + strings.Repeat("x", session.MaxValue) + `"`)}, nil, session.ErrInvalid},
		{"another version", nil, session.Update{Version: 1}, nil, session.ErrConflict},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := session.Session{Required: test.required, Value: []byte(`1`)}
			before := s
			err := s.Update(test.change)
			if test.err != nil {
				require.ErrorIs(t, err, test.err)
				require.Equal(t, before, s, "it is as it was")
				return
			}
			require.NoError(t, err)
			assert.Equal(t, test.want, s.Required)
			assert.EqualValues(t, 1, s.Version)
			assert.Equal(t, before.Required, test.required, "what others have of it stays")
			require.ErrorIs(t, s.Update(test.change), session.ErrConflict, "it is made once")
		})
	}
}

func TestValidateOfWhatTheHostAdds(t *testing.T) {
	id := session.NewToken("ada").ID()
	long := strings.Repeat("x", session.MaxText+1)
	for name, spoil := range map[string]func(*session.Session){
		"AMR of 17":         func(s *session.Session) { s.AMR = strings.Split(strings.Repeat("a", session.MaxAMR+1), "") },
		"AMR[0] of 256":     func(s *session.Session) { s.AMR = []string{long} },
		"an empty name":     func(s *session.Session) { s.AMR = []string{""} },
		"ACR of 256":        func(s *session.Session) { s.ACR = long },
		"Actor \"a\\nb\"":   func(s *session.Session) { s.Actor = "a\nb" },
		"Tenant \"\\xff\"":  func(s *session.Session) { s.Tenant = "\xff" },
		"AuthTime":          func(s *session.Session) { s.AuthTime = noon.AddDate(-1000, 0, 0) },
		"Required[1] \"a\"": func(s *session.Session) { s.Required = []string{"a", "a"} },
		"not JSON":          func(s *session.Session) { s.Value = []byte("x") },
		"Value of 4097":     func(s *session.Session) { s.Value = []byte(`"` + strings.Repeat("x", session.MaxValue-1) + `"`) },
	} {
		t.Run(name, func(t *testing.T) {
			s := session.Session{ID: id, User: "ada", Created: noon, LastSeen: noon, Expires: noon}
			require.NoError(t, s.Validate())
			spoil(&s)
			err := s.Validate()
			require.ErrorIs(t, err, session.ErrInvalid)
			require.ErrorContains(t, err, name)
		})
	}
}
