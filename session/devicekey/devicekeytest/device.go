// Package devicekeytest makes devices for tests: each has a private key and signs
// what package devicekey verifies, as browsers and API clients do.
//
// # Devices and browsers
//
// A [Device] only signs. A browser that registers and proves by itself, over HTTP, is
// in package loginstage/loginstagetest.
//
// # What stays compatible
//
// Names and behaviour: hosts' tests go on compiling.
package devicekeytest

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"math/big"
	"time"

	"github.com/mooring-go/mooring/session/devicekey"
)

// A Device has a private key. It is safe for concurrent use.
type Device struct {
	kind devicekey.Kind
	ec   *ecdsa.PrivateKey // nil: it has an RSA key
	rsa  *rsa.PrivateKey
}

// New returns a device with a new key on P-256. It panics where the system has no
// randomness.
func New(kind devicekey.Kind) *Device {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	return &Device{kind: kind, ec: key}
}

// NewRSA returns a device with a new RSA key of the given number of bits. It panics if there
// can be none.
func NewRSA(kind devicekey.Kind, bits int) *Device {
	key, err := rsa.GenerateKey(rand.Reader, bits)
	if err != nil {
		panic(err)
	}
	return &Device{kind: kind, rsa: key}
}

// Alg returns the algorithm that the device signs with.
func (d *Device) Alg() string {
	if d.ec != nil {
		return devicekey.ES256
	}
	return devicekey.RS256
}

// JWK returns the public key.
func (d *Device) JWK() map[string]any {
	if d.ec == nil {
		return map[string]any{
			"kty": "RSA", "n": encode(d.rsa.N.Bytes()), "e": encode(big.NewInt(int64(d.rsa.E)).Bytes()),
		}
	}
	point, err := d.ec.PublicKey.Bytes()
	if err != nil {
		panic(err) // the key was made on P-256
	}
	return map[string]any{"kty": "EC", "crv": "P-256", "x": encode(point[1:33]), "y": encode(point[33:])}
}

// Registration returns the proof that brings the key, as Chromium sends it.
func (d *Device) Registration(challenge, authorization string) string {
	claims := map[string]any{"jti": challenge}
	if authorization != "" {
		claims["authorization"] = authorization
	}
	return d.Sign(map[string]any{"alg": d.Alg(), "jwk": d.JWK(), "typ": d.typ()}, claims)
}

// Proof returns a later proof.
func (d *Device) Proof(challenge string) string {
	return d.Sign(map[string]any{"alg": d.Alg(), "typ": d.typ()}, map[string]any{"jti": challenge})
}

// DPoP returns the proof of one request (RFC 9449, section 4.2), with an ID of its
// own. The nonce is left out where it is empty.
func (d *Device) DPoP(request devicekey.Request, nonce string, now time.Time) string {
	claims := map[string]any{"jti": rand.Text(), "htm": request.Method, "htu": request.URL, "iat": now.Unix()}
	if request.Token != "" {
		sum := sha256.Sum256([]byte(request.Token))
		claims["ath"] = encode(sum[:])
	}
	if nonce != "" {
		claims["nonce"] = nonce
	}
	return d.Sign(map[string]any{"alg": d.Alg(), "jwk": d.JWK(), "typ": "dpop+jwt"}, claims)
}

func (d *Device) typ() string {
	if d.kind == devicekey.Page {
		return "mooring-page+jwt"
	}
	return "dbsc+jwt"
}

// Sign returns the JSON Web Signature of any header and claims, for proofs that
// are wrong in one way.
func (d *Device) Sign(header, claims map[string]any) string {
	input := part(header) + "." + part(claims)
	digest := sha256.Sum256([]byte(input))
	if d.ec == nil {
		signature, err := rsa.SignPKCS1v15(rand.Reader, d.rsa, crypto.SHA256, digest[:])
		if err != nil {
			panic(err) // the key is long enough for SHA-256
		}
		return input + "." + encode(signature)
	}
	r, s, err := ecdsa.Sign(rand.Reader, d.ec, digest[:])
	if err != nil {
		panic(err) // only where there is no randomness
	}
	signature := make([]byte, 64)
	r.FillBytes(signature[:32])
	s.FillBytes(signature[32:])
	return input + "." + encode(signature)
}

func part(of map[string]any) string {
	text, err := json.Marshal(of)
	if err != nil {
		panic(err) // text and numbers alone
	}
	return encode(text)
}

func encode(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }
