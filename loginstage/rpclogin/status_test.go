package rpclogin_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/mooring-go/mooring/loginstage"
	"github.com/mooring-go/mooring/loginstage/rpclogin"
	"github.com/mooring-go/mooring/session"
)

func TestStatusOfEachDenial(t *testing.T) {
	ended := session.Ending{Cause: session.CauseBroken}
	for name, test := range map[string]struct {
		denied   loginstage.AccessError
		code     rpclogin.Code
		reason   string
		metadata map[string]string
	}{
		"sign in":     {loginstage.AccessError{Denial: loginstage.DenialSignIn, Ending: ended}, rpclogin.Unauthenticated, "SIGN_IN", nil},
		"unavailable": {loginstage.AccessError{Denial: loginstage.DenialUnavailable}, rpclogin.Unavailable, "UNAVAILABLE", nil},
		"prove":       {loginstage.AccessError{Denial: loginstage.DenialProve}, rpclogin.Unauthenticated, "PROVE", nil},
		"step up":     {loginstage.AccessError{Denial: loginstage.DenialStepUp}, rpclogin.PermissionDenied, "STEP_UP", nil},
		"required": {
			loginstage.AccessError{Denial: loginstage.DenialRequired, Session: session.Session{Required: []string{"terms"}}},
			rpclogin.PermissionDenied, "REQUIRED", map[string]string{"required": `["terms"]`},
		},
		"stale":   {loginstage.AccessError{Denial: loginstage.DenialStale, MaxAge: time.Minute}, rpclogin.Unauthenticated, "STALE", map[string]string{"max_age": "60"}},
		"acr":     {loginstage.AccessError{Denial: loginstage.DenialACR, ACR: []string{"aal2", "aal3"}}, rpclogin.Unauthenticated, "ACR", map[string]string{"acr_values": "aal2 aal3"}},
		"broken":  {loginstage.AccessError{Denial: loginstage.DenialBroken, Ending: ended}, rpclogin.Unauthenticated, "BROKEN", map[string]string{"cause": "binding_broken"}},
		"a later": {loginstage.AccessError{Denial: "new"}, rpclogin.Unauthenticated, "NEW", nil},
	} {
		t.Run(name, func(t *testing.T) {
			got := rpclogin.StatusOf(&test.denied)
			assert.Equal(t, test.code, got.Code)
			assert.Equal(t, test.reason, got.Reason)
			assert.NotEmpty(t, got.Message)
			assert.Empty(t, got.Header)
			if test.metadata == nil {
				assert.Empty(t, got.Metadata)
			} else {
				assert.Equal(t, test.metadata, got.Metadata)
			}
		})
	}
}

// The client of a stream is told why it ended. Others are told that of a broken binding alone.
func TestEndStatusTellsTheCause(t *testing.T) {
	for cause, message := range map[session.Cause]string{
		session.CauseRevoked: "The session has ended. Sign in again.",
		session.CauseRenewed: "The session has another token now. Call again with that.",
	} {
		got := rpclogin.EndStatusOf(&loginstage.AccessError{Denial: loginstage.DenialSignIn, Ending: session.Ending{Cause: cause}})
		assert.Equal(t, rpclogin.Status{Code: rpclogin.Unauthenticated, Reason: "SIGN_IN", Message: message, Metadata: map[string]string{"cause": string(cause)}}, got)
	}
	restricted := &loginstage.AccessError{Denial: loginstage.DenialStepUp}
	assert.Equal(t, rpclogin.StatusOf(restricted), rpclogin.EndStatusOf(restricted))
}

func TestMethods(t *testing.T) {
	methods := rpclogin.Methods{"/shop.v1.Orders/", "/shop.v1.Users/Get", "/"}
	for method, want := range map[string]bool{
		"/shop.v1.Orders/List": true, "/shop.v1.Users/Get": true,
		"/shop.v1.Users/GetAll": false, "/shop.v1.OrdersAdmin/List": false, "/other/Get": false, "": false,
	} {
		assert.Equal(t, want, methods.Has(method), method)
		assert.False(t, rpclogin.Methods(nil).Has(method))
	}
}
