package devicekey

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"time"
)

// A Request is what a DPoP proof has to be for (RFC 9449, section 4.3).
type Request struct {
	Method string // "GET"
	URL    string // as the client sent it: scheme, host and path; query and fragment do not count
	Token  string // the bearer token that came with it, as the client sent it; empty: none, at a sign-in
}

// A RequestProof is what a DPoP proof says.
type RequestProof struct {
	Key   Key
	ID    string    // jti: the same for a proof that is sent again
	Time  time.Time // iat: when the client says that it was made
	Nonce string    // the server's, see Nonce; empty: none
}

// VerifyDPoP reads the proof of one request and checks that it is by the key that
// it brings, and for the request. Whether that is the session's key, whether the
// proof is new, and whether its nonce and its time hold is for the caller to
// check. Errors are [ErrProof] or [ErrKey].
func VerifyDPoP(proof string, request Request) (RequestProof, error) {
	signed, err := parse(proof, typeDPoP)
	if err != nil {
		return RequestProof{}, err
	}
	if len(signed.header.JWK) == 0 {
		return RequestProof{}, fmt.Errorf("%w: it brings no key", ErrProof)
	}
	key, err := ParseKey(DPoP, signed.header.Alg, signed.header.JWK)
	if err != nil {
		return RequestProof{}, err
	}
	if err := signed.verify(key); err != nil {
		return RequestProof{}, err
	}
	var claims struct {
		JTI   string      `json:"jti"`
		HTM   string      `json:"htm"`
		HTU   string      `json:"htu"`
		IAT   json.Number `json:"iat"`
		ATH   string      `json:"ath"`
		Nonce string      `json:"nonce"`
	}
	if err := json.Unmarshal(signed.payload, &claims); err != nil {
		return RequestProof{}, fmt.Errorf("%w: its claims are not JSON", ErrProof)
	}
	if claims.JTI == "" {
		return RequestProof{}, fmt.Errorf("%w: jti is missing", ErrProof)
	}
	if claims.HTM != request.Method {
		return RequestProof{}, fmt.Errorf("%w: htm %.20q, want %q", ErrProof, claims.HTM, request.Method)
	}
	if !sameURL(claims.HTU, request.URL) {
		return RequestProof{}, fmt.Errorf("%w: htu is for another URL", ErrProof)
	}
	if claims.ATH != hashOf(request.Token) {
		return RequestProof{}, fmt.Errorf("%w: ath is for another token", ErrProof)
	}
	made, err := claims.IAT.Float64()
	if err != nil || made < 0 || made > 1<<40 {
		return RequestProof{}, fmt.Errorf("%w: iat %.20q, want seconds since 1970", ErrProof, claims.IAT)
	}
	return RequestProof{Key: key, ID: claims.JTI, Time: time.Unix(int64(made), 0).UTC(), Nonce: claims.Nonce}, nil
}

// hashOf returns what the claim ath is for a token (RFC 9449, section 4.2), and "" for
// none, where a proof has no such claim.
func hashOf(token string) string {
	if token == "" {
		return ""
	}
	sum := sha256.Sum256([]byte(token))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// sameURL reports whether two URLs have the same scheme, host and path, as RFC
// 3986, section 6.2 compares them.
func sameURL(a, b string) bool {
	if a == "" || len(a) > maxProof {
		return false
	}
	u, uErr := url.Parse(a)
	v, vErr := url.Parse(b)
	return uErr == nil && vErr == nil && u.User == nil && u.Opaque == "" && u.Host != "" &&
		strings.EqualFold(u.Scheme, v.Scheme) && sameHost(u, v) && pathOf(u) == pathOf(v)
}

func sameHost(u, v *url.URL) bool {
	return strings.EqualFold(u.Hostname(), v.Hostname()) && portOf(u) == portOf(v)
}

func portOf(u *url.URL) string {
	switch port := u.Port(); {
	case port != "":
		return port
	case strings.EqualFold(u.Scheme, "https"):
		return "443"
	default:
		return "80"
	}
}

func pathOf(u *url.URL) string {
	if path := u.EscapedPath(); path != "" {
		return path
	}
	return "/"
}
