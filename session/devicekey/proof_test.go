package devicekey_test

import (
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mooring-go/mooring/session/devicekey"
	"github.com/mooring-go/mooring/session/devicekey/devicekeytest"
)

func TestADeviceRegistersItsKeyAndProvesIt(t *testing.T) {
	for name, device := range map[string]*devicekeytest.Device{
		"ES256": devicekeytest.New(devicekey.DBSC),
		"RS256": devicekeytest.NewRSA(devicekey.DBSC, 2048),
	} {
		t.Run(name, func(t *testing.T) {
			key, claims, err := devicekey.ParseRegistration(devicekey.DBSC, device.Registration("c1", "a1"))
			require.NoError(t, err)
			assert.Equal(t, devicekey.Claims{Challenge: "c1", Authorization: "a1"}, claims)
			assert.Equal(t, devicekey.DBSC, key.Kind)
			assert.Equal(t, name, key.Alg)
			assert.Len(t, key.Thumbprint(), 43)

			for _, form := range []string{device.Proof("c2"), `"` + device.Proof("c2") + `"`} {
				claims, err = devicekey.VerifyProof(key, form)
				require.NoError(t, err)
				assert.Equal(t, devicekey.Claims{Challenge: "c2"}, claims)
			}
			_, err = devicekey.VerifyProof(key, devicekeytest.New(devicekey.DBSC).Proof("c2"))
			assert.ErrorIs(t, err, devicekey.ErrProof, "another device's")
		})
	}
}

// RFC 7638, section 3.1.
func TestThumbprintIsThatOfRFC7638(t *testing.T) {
	const n = "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw"
	key, err := devicekey.ParseKey(devicekey.DPoP, devicekey.RS256,
		[]byte(`{"kty":"RSA","n":"`+n+`","e":"AQAB","alg":"RS256","kid":"2011-04-29"}`))
	require.NoError(t, err)
	assert.Equal(t, "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs", key.Thumbprint())
	assert.Empty(t, devicekey.Key{}.Thumbprint())
}

func TestProofsThatDoNotHold(t *testing.T) {
	device := devicekeytest.New(devicekey.DBSC)
	good := map[string]any{"jti": "c"}
	header := func(change map[string]any) map[string]any {
		h := map[string]any{"alg": "ES256", "typ": "dbsc+jwt", "jwk": device.JWK()}
		for name, value := range change {
			h[name] = value
		}
		return h
	}
	jwk := func(change map[string]any) map[string]any {
		k := device.JWK()
		for name, value := range change {
			k[name] = value
		}
		return map[string]any{"jwk": k}
	}
	registration := device.Registration("c", "")
	parts := strings.Split(registration, ".")
	weak := devicekeytest.NewRSA(devicekey.DBSC, 1024)
	small := base64.RawURLEncoding.EncodeToString(make([]byte, 32))

	for name, proof := range map[string]string{
		"empty":               "",
		"two parts":           parts[0] + "." + parts[1],
		"four parts":          registration + ".",
		"padding":             registration + "=",
		"white space":         parts[0] + ".\n" + parts[1] + "." + parts[2],
		"not JSON":            "e30x." + parts[1] + "." + parts[2],
		"no signature":        parts[0] + "." + parts[1] + ".",
		"algorithm none":      device.Sign(header(map[string]any{"alg": "none"}), good),
		"symmetric algorithm": device.Sign(header(map[string]any{"alg": "HS256"}), good),
		"another curve":       device.Sign(header(jwk(map[string]any{"crv": "P-384"})), good),
		"another type":        device.Sign(header(map[string]any{"typ": "JWT"}), good),
		"a page's type":       device.Sign(header(map[string]any{"typ": "mooring-page+jwt"}), good),
		"an extension":        device.Sign(header(map[string]any{"crit": []string{"exp"}}), good),
		"no key":              device.Sign(header(map[string]any{"jwk": nil}), good),
		"a private key":       device.Sign(header(jwk(map[string]any{"d": small})), good),
		"off the curve":       device.Sign(header(jwk(map[string]any{"x": small})), good),
		"at infinity":         device.Sign(header(jwk(map[string]any{"x": small, "y": small})), good),
		"short coordinate":    device.Sign(header(jwk(map[string]any{"x": "AA"})), good),
		"another key's":       device.Sign(header(map[string]any{"jwk": devicekeytest.New(devicekey.DBSC).JWK()}), good),
		"RSA under 2048 bits": weak.Registration("c", ""),
		"RSA key for ES256":   device.Sign(header(map[string]any{"jwk": weak.JWK()}), good),
		"no challenge":        device.Sign(header(nil), map[string]any{}),
		"challenge of a type": device.Sign(header(nil), map[string]any{"jti": 7}),
		"too long":            device.Sign(header(nil), map[string]any{"jti": strings.Repeat("c", 10_000)}),
	} {
		t.Run(name, func(t *testing.T) {
			_, _, err := devicekey.ParseRegistration(devicekey.DBSC, proof)
			require.Error(t, err)
			assert.True(t, isProofOrKey(err), "%v", err)
		})
	}

	t.Run("a later proof counts by the session's key alone", func(t *testing.T) {
		key, _, err := devicekey.ParseRegistration(devicekey.DBSC, registration)
		require.NoError(t, err)
		thief := devicekeytest.New(devicekey.DBSC)
		_, err = devicekey.VerifyProof(key, thief.Registration("c", ""))
		assert.ErrorIs(t, err, devicekey.ErrProof)
		_, err = devicekey.VerifyProof(devicekey.Key{}, device.Proof("c"))
		assert.ErrorIs(t, err, devicekey.ErrProof)
		key.Kind = "next"
		_, err = devicekey.VerifyProof(key, device.Proof("c"))
		assert.ErrorIs(t, err, devicekey.ErrProof, "a kind that is not known")
	})
}

func isProofOrKey(err error) bool {
	return strings.Contains(err.Error(), devicekey.ErrProof.Error()) || strings.Contains(err.Error(), devicekey.ErrKey.Error())
}

func FuzzProofs(f *testing.F) {
	device := devicekeytest.New(devicekey.Page)
	key, _, err := devicekey.ParseRegistration(devicekey.Page, device.Registration("c", ""))
	require.NoError(f, err)
	f.Add(device.Registration("c", "a"))
	f.Add(device.Proof("c"))
	f.Add(device.DPoP(devicekey.Request{Method: "GET", URL: "https://a/", Token: "t"}, "n", epoch))
	f.Add(`"a.b.c"`)
	f.Fuzz(func(t *testing.T, proof string) {
		made, claims, err := devicekey.ParseRegistration(devicekey.Page, proof)
		if err == nil {
			assert.NotEmpty(t, claims.Challenge)
			text, err := json.Marshal(made.JWK)
			require.NoError(t, err)
			assert.NotContains(t, string(text), `\"d\"`)
			_, err = devicekey.ParseKey(made.Kind, made.Alg, []byte(made.JWK))
			assert.NoError(t, err, "a key that was taken is taken again")
		}
		_, _ = devicekey.VerifyProof(key, proof)
		_, _ = devicekey.VerifyDPoP(proof, devicekey.Request{Method: "GET", URL: "https://a/", Token: "t"})
	})
}
