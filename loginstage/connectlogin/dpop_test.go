package connectlogin_test

import (
	"context"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"connectrpc.com/connect"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/mooring-go/mooring/duration"
	"github.com/mooring-go/mooring/loginstage"
	"github.com/mooring-go/mooring/loginstage/connectlogin"
	"github.com/mooring-go/mooring/loginstage/loginstagetest"
	"github.com/mooring-go/mooring/session"
	"github.com/mooring-go/mooring/session/devicekey"
	"github.com/mooring-go/mooring/session/devicekey/devicekeytest"
)

const origin = "https://api.example"

// keyed returns a config for clients with keys.
func keyed(t *testing.T) loginstage.Config {
	t.Helper()
	secrets, err := devicekey.NewSecrets(make([]byte, devicekey.MinSecret))
	require.NoError(t, err)
	return loginstage.Config{
		Carrier: session.CookieOrBearer{}, DeviceKey: loginstage.DeviceKeyOffer, DeviceSecrets: secrets, Origin: origin,
	}
}

// prover is a client that proves a key with each call (RFC 9449).
type prover struct {
	*client
	device *devicekeytest.Device
	token  string
	nonce  string // as the latest answer said
}

// proof returns a proof for a method.
func (p *prover) proof(method string) string {
	verb := http.MethodPost
	if len(p.options) > 0 && p.isGet() {
		verb = http.MethodGet
	}
	return p.device.DPoP(devicekey.Request{Method: verb, URL: origin + "/shop.Shop/" + method, Token: p.token}, p.nonce, time.Now())
}

// isGet reports whether the protocol's calls are GETs.
func (p *prover) isGet() bool { return p.name == "Connect with GET" }

// sign adds the token and the proof.
func (p *prover) sign(header http.Header, proof string) {
	if p.token != "" {
		header.Set("Authorization", "DPoP "+p.token)
	}
	if proof != "" {
		header.Set("DPoP", proof)
	}
}

// heed keeps what an answer says.
func (p *prover) heed(answer http.Header) {
	p.Helper()
	nonces := answer.Values("DPoP-Nonce")
	require.LessOrEqual(p, len(nonces), 1, "%q", nonces)
	if len(nonces) == 1 {
		p.nonce = nonces[0]
	}
	if token := answer.Get(session.DefaultTokenHeader); token != "" {
		p.token = token
	}
}

// call makes a call with the proof.
func (p *prover) call(method, proof string) error {
	p.Helper()
	ctx, cancel := context.WithTimeout(p.Context(), time.Minute)
	defer cancel()
	request := p.request("ada")
	p.sign(request.Header(), proof)
	response, err := p.remote(method).CallUnary(ctx, request)
	if err != nil {
		var failed *connect.Error
		require.ErrorAs(p, err, &failed)
		p.heed(failed.Meta())
		return err
	}
	p.heed(response.Header())
	return nil
}

func eachProver(t *testing.T, test func(t *testing.T, p *prover)) {
	for name, protocol := range protocols {
		for how, m := range map[string]mounting{"guard": {}, "interceptor": {interceptor: true}, "both": {interceptor: true, guards: true}} {
			t.Run(name+", "+how, func(t *testing.T) {
				r := open(t, protocol, keyed(t), m)
				r.name = name
				p := &prover{client: r.client(), device: devicekeytest.New(devicekey.DPoP)}
				require.NoError(t, p.call("SignIn", p.proof("SignIn")))
				require.NotEmpty(t, p.token)
				require.NotEmpty(t, p.nonce, "a sign-in says the first nonce")
				test(t, p)
			})
		}
	}
}

// A client with a DPoP key gets a nonce with each answer, and with a denial what to do.
func TestDPoP(t *testing.T) {
	eachProver(t, func(t *testing.T, p *prover) {
		p.nonce = "" // as a client that has lost it, or whose nonce is too old
		err := p.call("Private", p.proof("Private"))
		assert.Contains(t, denied(t, connect.CodeUnauthenticated, "PROVE", err)["www-authenticate"], `error="use_dpop_nonce"`)
		assert.Contains(t, err.Error(), "nonce")
		require.NotEmpty(t, p.nonce, "the denial says it")

		given, used := p.nonce, p.proof("Private")
		require.NoError(t, p.call("Private", used))
		assert.NotEqual(t, given, p.nonce, "each answer says the next")
		for name, wrong := range map[string]string{"none": "", "used": used, "for another method": p.proof("Who")} {
			extra := denied(t, connect.CodeUnauthenticated, "PROVE", p.call("Private", wrong))
			assert.Regexp(t, `^DPoP .*error="invalid_`, extra["www-authenticate"], name)
		}
	})
}

// A stream proves the key when it is opened.
func TestDPoPOfStreams(t *testing.T) {
	eachProver(t, func(t *testing.T, p *prover) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		p.name = "" // a stream is a POST
		request := p.request("")
		p.sign(request.Header(), "")
		stream, err := p.remote("Ticks").CallServerStream(ctx, request)
		if err == nil {
			require.False(t, stream.Receive())
			err = stream.Err()
		}
		denied(t, connect.CodeUnauthenticated, "PROVE", err)

		request = connect.NewRequest(wrapperspb.String(""))
		request.Header().Set("X-Forwarded-For", p.ip.String())
		p.sign(request.Header(), p.proof("Ticks"))
		stream, err = p.remote("Ticks").CallServerStream(ctx, request)
		require.NoError(t, err)
		require.True(t, stream.Receive(), "%v", stream.Err())
		assert.Len(t, stream.ResponseHeader().Values("DPoP-Nonce"), 1)
	})
}

// A browser that has to prove the key of its session does so, and repeats the call: the
// page's script by the challenge in the answer, one with device-bound sessions by the
// redirect that it would get without Connect.
func TestDenyOfKeysOfBrowsers(t *testing.T) {
	for _, kind := range []devicekey.Kind{devicekey.Page, devicekey.DBSC} {
		t.Run(string(kind), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				stage := loginstagetest.New(t, loginstage.Config{
					DeviceKey: loginstage.DeviceKeyOffer, ProveEvery: duration.MustParse("minutes=1"), Deny: connectlogin.Deny(),
				})
				mux := http.NewServeMux()
				mux.Handle("/mooring/", stage.DeviceKeys())
				mux.HandleFunc("/login", func(w http.ResponseWriter, r *http.Request) {
					_, err := stage.Begin(w, r, loginstage.User{ID: "ada"})
					assert.NoError(t, err)
				})
				private := connect.NewUnaryHandler("/shop.Shop/Private", func(ctx context.Context, _ *connect.Request[text]) (*connect.Response[text], error) {
					return connect.NewResponse(wrapperspb.String(loginstagetest.AdapterUser(loginstage.Current(ctx)))), nil
				})
				mux.Handle("/shop.Shop/Private", stage.Require(private))
				browser := loginstagetest.NewBrowser(t, stage.Guard(mux))
				browser.DeviceKey = kind
				require.Equal(t, http.StatusOK, browser.Get("/login").StatusCode)
				for range 3 {
					response := browser.Call("POST", "/shop.Shop/Private", "who")
					require.Equal(t, http.StatusOK, response.StatusCode, response.Text)
					assert.Equal(t, `"ada"`, response.Text)
					time.Sleep(time.Hour) // the proof is over
				}
				thief := browser.Clone()
				thief.DeviceKey = ""
				response := thief.Call("POST", "/shop.Shop/Private", "who")
				assert.NotEqual(t, http.StatusOK, response.StatusCode)
				assert.NotContains(t, response.Text, "ada")
			})
		})
	}
}
