package devicekey_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mooring-go/mooring/session/devicekey"
	"github.com/mooring-go/mooring/session/devicekey/devicekeytest"
)

var epoch = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

func TestADPoPProofIsForOneRequest(t *testing.T) {
	device := devicekeytest.New(devicekey.DPoP)
	request := devicekey.Request{Method: "POST", URL: "https://api.example/orders", Token: "token"}
	proof := device.DPoP(request, "nonce", epoch)

	got, err := devicekey.VerifyDPoP(proof, request)
	require.NoError(t, err)
	assert.Equal(t, epoch, got.Time)
	assert.Equal(t, "nonce", got.Nonce)
	assert.NotEmpty(t, got.ID)
	assert.Equal(t, devicekey.DPoP, got.Key.Kind)

	for name, other := range map[string]devicekey.Request{
		"same, written otherwise": {Method: "POST", URL: "HTTPS://API.example:443/orders?page=2#top", Token: "token"},
	} {
		_, err := devicekey.VerifyDPoP(proof, other)
		assert.NoError(t, err, name)
	}
	for name, other := range map[string]devicekey.Request{
		"another method": {Method: "GET", URL: request.URL, Token: "token"},
		"another path":   {Method: "POST", URL: "https://api.example/orders/", Token: "token"},
		"another host":   {Method: "POST", URL: "https://api.example.org/orders", Token: "token"},
		"another scheme": {Method: "POST", URL: "http://api.example/orders", Token: "token"},
		"another port":   {Method: "POST", URL: "https://api.example:8443/orders", Token: "token"},
		"another token":  {Method: "POST", URL: request.URL, Token: "other"},
		"no token":       {Method: "POST", URL: request.URL},
		"no URL":         {Method: "POST", Token: "token"},
	} {
		_, err := devicekey.VerifyDPoP(proof, other)
		assert.ErrorIs(t, err, devicekey.ErrProof, name)
	}
}

// At a sign-in there is no token yet, and a proof for none is for no other request.
func TestADPoPProofOfASignIn(t *testing.T) {
	device := devicekeytest.New(devicekey.DPoP)
	request := devicekey.Request{Method: "POST", URL: "https://api.example/login"}
	proof := device.DPoP(request, "", epoch)
	_, err := devicekey.VerifyDPoP(proof, request)
	require.NoError(t, err)
	request.Token = "token"
	_, err = devicekey.VerifyDPoP(proof, request)
	assert.ErrorIs(t, err, devicekey.ErrProof)
}
