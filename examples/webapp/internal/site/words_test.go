package site

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/mooring-go/mooring/loginstage"
	"github.com/mooring-go/mooring/session"
)

// The page has no line without words, whatever the settings have happen.
func TestEveryEventIsInWords(t *testing.T) {
	for _, action := range []loginstage.Action{
		loginstage.ActionLogin, loginstage.ActionLogout, loginstage.ActionLoginDenied, loginstage.ActionDeviceForgotten,
		loginstage.ActionReport, loginstage.ActionStepUp, loginstage.ActionConfirm, loginstage.ActionRenew, loginstage.ActionCompleted,
		loginstage.ActionCredentials, loginstage.ActionDeviceBound, loginstage.ActionProved, loginstage.ActionUnproved,
	} {
		assert.NotEmpty(t, rowOf(loginstage.Event{Action: action}).Title, action)
	}
	seen := map[string]session.Cause{}
	for _, cause := range []session.Cause{
		session.CauseSignedOut, session.CauseExpired, session.CauseIdle, session.CauseBroken, session.CauseTerminated,
		session.CauseRevoked, session.CauseAccountDisabled, session.CauseCredentialsChanged,
	} {
		text := endingInWords(session.Ending{Cause: cause}).Text
		assert.NotContains(t, seen, text, "%s and %s say the same", cause, seen[text])
		seen[text] = cause
	}
}
