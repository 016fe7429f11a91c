package devicekey

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
)

// ErrKey is returned for a public key that cannot be used.
var ErrKey = errors.New("devicekey: not a key that can be used")

// Kind is the way in which a client has a key. A kind of a later release, which
// this one does not know, cannot be proved here.
type Kind string

// The kinds of key.
const (
	DBSC Kind = "dbsc" // the browser's own, Device Bound Session Credentials
	Page Kind = "page" // a script's, WebCrypto
	DPoP Kind = "dpop" // an API client's, RFC 9449
)

// The signature algorithms (RFC 7518, section 3.1).
const (
	ES256 = "ES256" // ECDSA with P-256 and SHA-256
	RS256 = "RS256" // RSASSA-PKCS1-v1_5 with SHA-256
)

const (
	minRSABits = 2048
	maxRSABits = 8192
	coordinate = 32 // bytes of a coordinate on P-256
)

// A Key is the public key of a device, as a session keeps it. It holds no secret
// and is comparable. The zero value is no key.
type Key struct {
	Kind Kind
	Alg  string // ES256 or RS256
	JWK  string // the members that RFC 7638 names, in its order: what Thumbprint hashes
}

// IsZero reports whether k is no key.
func (k Key) IsZero() bool { return k.Kind == "" && k.Alg == "" && k.JWK == "" }

// Thumbprint returns the key's JWK thumbprint (RFC 7638): base64url of a SHA-256.
// It names the key in a list or a log. The zero key has none.
func (k Key) Thumbprint() string {
	if k.IsZero() {
		return ""
	}
	sum := sha256.Sum256([]byte(k.JWK))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// jwk is a JSON Web Key (RFC 7517) of a kind that is understood. The order of its
// members is that of RFC 7638, section 3.2: by their names.
type jwk struct {
	Crv string `json:"crv,omitempty"`
	E   string `json:"e,omitempty"`
	Kty string `json:"kty"`
	N   string `json:"n,omitempty"`
	X   string `json:"x,omitempty"`
	Y   string `json:"y,omitempty"`
}

// ParseKey reads a public JSON Web Key that is to be used with alg. Members that
// it does not need are passed over, and not kept; one of a private key is an
// error. Errors are [ErrKey].
func ParseKey(kind Kind, alg string, text []byte) (Key, error) {
	var members struct {
		jwk
		D json.RawMessage `json:"d"`
		K json.RawMessage `json:"k"`
	}
	if err := json.Unmarshal(text, &members); err != nil {
		return Key{}, fmt.Errorf("%w: not a JSON Web Key", ErrKey)
	}
	if members.D != nil || members.K != nil {
		return Key{}, fmt.Errorf("%w: it has a private part", ErrKey)
	}
	public := members.jwk
	switch public.Kty {
	case "EC":
		public.N, public.E = "", ""
	case "RSA":
		public.Crv, public.X, public.Y = "", "", ""
	default:
		return Key{}, fmt.Errorf("%w: kty %.20q, want EC or RSA", ErrKey, public.Kty)
	}
	canonical, err := json.Marshal(public)
	if err != nil {
		return Key{}, fmt.Errorf("%w: %w", ErrKey, err)
	}
	key := Key{Kind: kind, Alg: alg, JWK: string(canonical)}
	if _, err := key.verifier(); err != nil {
		return Key{}, err
	}
	return key, nil
}

// A verifier checks signatures by one key. It is a *ecdsa.PublicKey or a
// *rsa.PublicKey, whichever the algorithm asks for.
type verifier any

// verifier returns the key's public half, checked.
func (k Key) verifier() (verifier, error) {
	var public jwk
	decoder := json.NewDecoder(bytes.NewReader([]byte(k.JWK)))
	if err := decoder.Decode(&public); err != nil {
		return nil, fmt.Errorf("%w: not a JSON Web Key", ErrKey)
	}
	switch k.Alg {
	case ES256:
		return public.ecdsa()
	case RS256:
		return public.rsa()
	default:
		return nil, fmt.Errorf("%w: algorithm %.20q, want ES256 or RS256", ErrKey, k.Alg)
	}
}

func (j jwk) ecdsa() (*ecdsa.PublicKey, error) {
	if j.Kty != "EC" || j.Crv != "P-256" {
		return nil, fmt.Errorf("%w: kty %.20q, crv %.20q, want EC and P-256 for ES256", ErrKey, j.Kty, j.Crv)
	}
	point := []byte{4} // uncompressed (SEC 1, section 2.3.3)
	for _, text := range []string{j.X, j.Y} {
		c, err := decode(text)
		if err != nil || len(c) != coordinate {
			return nil, fmt.Errorf("%w: a coordinate is not base64url of %d bytes", ErrKey, coordinate)
		}
		point = append(point, c...)
	}
	key, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), point)
	if err != nil {
		return nil, fmt.Errorf("%w: the point is not on P-256", ErrKey)
	}
	return key, nil
}

func (j jwk) rsa() (*rsa.PublicKey, error) {
	if j.Kty != "RSA" {
		return nil, fmt.Errorf("%w: kty %.20q, want RSA for RS256", ErrKey, j.Kty)
	}
	if len(j.N) > maxRSABits/6+8 || len(j.E) > 8 {
		return nil, fmt.Errorf("%w: longer than RSA with %d bits", ErrKey, maxRSABits)
	}
	n, nErr := decode(j.N)
	e, eErr := decode(j.E)
	if nErr != nil || eErr != nil || len(n) == 0 || n[0] == 0 || len(e) == 0 || e[0] == 0 || len(e) > 4 {
		return nil, fmt.Errorf("%w: modulus and exponent are not base64url of whole numbers", ErrKey)
	}
	modulus, exponent := new(big.Int).SetBytes(n), int(new(big.Int).SetBytes(e).Int64())
	if bits := modulus.BitLen(); bits < minRSABits || bits > maxRSABits {
		return nil, fmt.Errorf("%w: RSA with %d bits, want %d to %d", ErrKey, bits, minRSABits, maxRSABits)
	}
	if exponent < 3 || exponent%2 == 0 || exponent > 1<<31-1 || modulus.Bit(0) == 0 {
		return nil, fmt.Errorf("%w: not an RSA key", ErrKey)
	}
	return &rsa.PublicKey{N: modulus, E: exponent}, nil
}

// decode reads base64url without padding (RFC 7515, section 2). A text that is not the
// one form of its bytes is an error.
func decode(text string) ([]byte, error) {
	return base64.RawURLEncoding.Strict().DecodeString(text)
}
