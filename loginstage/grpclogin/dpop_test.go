package grpclogin_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/mooring-go/mooring/loginstage"
	"github.com/mooring-go/mooring/session"
	"github.com/mooring-go/mooring/session/devicekey"
	"github.com/mooring-go/mooring/session/devicekey/devicekeytest"
)

const origin = "https://api.example"

// prover is a client that proves a key with each call (RFC 9449).
type prover struct {
	*client
	device *devicekeytest.Device
	token  string
	nonce  string // as the latest answer said
}

// proof returns a proof for a method.
func (p *prover) proof(method string) string {
	return p.device.DPoP(devicekey.Request{Method: "POST", URL: origin + "/shop.Shop/" + method, Token: p.token}, p.nonce, time.Now())
}

// context returns that of a call with the proof.
func (p *prover) context(proof string) context.Context {
	ctx := p.client.context()
	if p.token != "" {
		ctx = metadata.AppendToOutgoingContext(ctx, "authorization", "DPoP "+p.token)
	}
	if proof != "" {
		ctx = metadata.AppendToOutgoingContext(ctx, "dpop", proof)
	}
	return ctx
}

// call makes a call with the proof, and keeps what the answer says.
func (p *prover) call(method, proof string) error {
	p.Helper()
	header, trailer := metadata.MD{}, metadata.MD{}
	err := p.conn.Invoke(p.context(proof), "/shop.Shop/"+method, wrapperspb.String("ada"), new(text), grpc.Header(&header), grpc.Trailer(&trailer))
	all := metadata.Join(header, trailer)
	if nonces := all.Get("dpop-nonce"); len(nonces) > 0 {
		p.nonce = nonces[len(nonces)-1]
	}
	if tokens := all.Get(session.DefaultTokenHeader); len(tokens) > 0 {
		p.token = tokens[0]
	}
	assert.Empty(p, all.Get("www-authenticate"), "no trailer may have it")
	return err
}

func openProver(t *testing.T) *prover {
	t.Helper()
	secrets, err := devicekey.NewSecrets(make([]byte, devicekey.MinSecret))
	require.NoError(t, err)
	r := open(t, loginstage.Config{DeviceKey: loginstage.DeviceKeyOffer, DeviceSecrets: secrets, Origin: origin}, nil)
	p := &prover{client: r.client(), device: devicekeytest.New(devicekey.DPoP)}
	require.NoError(t, p.call("SignIn", p.proof("SignIn")))
	require.NotEmpty(t, p.token)
	require.NotEmpty(t, p.nonce, "a sign-in says the first nonce")
	return p
}

// A client with a DPoP key gets a nonce with each answer, and with a denial what to do.
func TestDPoP(t *testing.T) {
	p := openProver(t)
	for range 3 {
		p.nonce = "" // as a client that has lost it, or whose nonce is too old
		err := p.call("Private", p.proof("Private"))
		assert.Contains(t, denied(t, codes.Unauthenticated, "PROVE", err)["www-authenticate"], `error="use_dpop_nonce"`)
		assert.Contains(t, status.Convert(err).Message(), "nonce")
		require.NotEmpty(t, p.nonce, "the denial says it")

		given := p.nonce
		used := p.proof("Private")
		require.NoError(t, p.call("Private", used))
		assert.NotEqual(t, given, p.nonce, "each answer says the next")

		for name, wrong := range map[string]string{"none": "", "used": used, "for another method": p.proof("Who")} {
			extra := denied(t, codes.Unauthenticated, "PROVE", p.call("Private", wrong))
			assert.Regexp(t, `^DPoP .*error="invalid_`, extra["www-authenticate"], name)
		}
	}
	require.NoError(t, p.call("Reauthenticate", p.proof("Reauthenticate")))
	require.NoError(t, p.call("Private", p.proof("Private")), "the latest nonce is the new session's")
}

// A stream proves the key when it is opened.
func TestDPoPOfStreams(t *testing.T) {
	p := openProver(t)
	description := &grpc.StreamDesc{StreamName: "Watch", ServerStreams: true, ClientStreams: true}
	stream, err := p.conn.NewStream(p.context(""), description, "/shop.Shop/Watch")
	require.NoError(t, err)
	denied(t, codes.Unauthenticated, "PROVE", stream.RecvMsg(new(text)))
	nonces := stream.Trailer().Get("dpop-nonce")
	require.Len(t, nonces, 1)
	p.nonce = nonces[0]

	stream, err = p.conn.NewStream(p.context(p.proof("Watch")), description, "/shop.Shop/Watch")
	require.NoError(t, err)
	require.NoError(t, stream.SendMsg(wrapperspb.String("hello")))
	require.NoError(t, stream.RecvMsg(new(text)))
	header, err := stream.Header()
	require.NoError(t, err)
	assert.Len(t, header.Get("dpop-nonce"), 1)
	_, err = p.stage.RevokeUser(t.Context(), "ada", "operator")
	require.NoError(t, err)
	denied(t, codes.Unauthenticated, "SIGN_IN", end(stream))
}
