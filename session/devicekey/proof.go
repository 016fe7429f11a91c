package devicekey

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"strings"
)

// ErrProof is returned for a proof that does not hold: its form, its algorithm,
// its type, its signature or what it claims is wrong. It never quotes the proof.
var ErrProof = errors.New("devicekey: the proof does not hold")

// The types of proof, as the header of a JSON Web Signature has them.
const (
	typeDBSC = "dbsc+jwt"
	typePage = "mooring-page+jwt"
	typeDPoP = "dpop+jwt"
)

// maxProof is how long a proof may be, in bytes: a registration with an RSA key of
// 8192 bits has some 4000.
const maxProof = 8192

// Claims are what a proof says besides its key.
type Claims struct {
	Challenge     string // jti: the challenge that it answers
	Authorization string // what a registration was told to bring back; mostly empty
}

// ParseRegistration reads the proof by which a client registers a key of the kind,
// DBSC or Page: it brings the key and is signed by it. The proof may be a
// structured field's string, in quotation marks (RFC 8941, section 3.3.3). Errors
// are [ErrProof] or [ErrKey].
func ParseRegistration(kind Kind, proof string) (Key, Claims, error) {
	signed, err := parse(proof, typeOf(kind))
	if err != nil {
		return Key{}, Claims{}, err
	}
	if len(signed.header.JWK) == 0 {
		return Key{}, Claims{}, fmt.Errorf("%w: a registration brings its key", ErrProof)
	}
	key, err := ParseKey(kind, signed.header.Alg, signed.header.JWK)
	if err != nil {
		return Key{}, Claims{}, err
	}
	claims, err := signed.claims(key)
	return key, claims, err
}

// VerifyProof reads a later proof, which must be by key: a key that the proof
// brings itself counts for nothing. Errors are [ErrProof] or [ErrKey].
func VerifyProof(key Key, proof string) (Claims, error) {
	signed, err := parse(proof, typeOf(key.Kind))
	if err != nil {
		return Claims{}, err
	}
	return signed.claims(key)
}

// typeOf returns the type that proofs of the kind have, or one that no proof has.
func typeOf(kind Kind) string {
	switch kind {
	case DBSC:
		return typeDBSC
	case Page:
		return typePage
	default:
		return ""
	}
}

// A signed is a JSON Web Signature whose signature has not been checked.
type signed struct {
	header    header
	payload   []byte
	input     string // what is signed: RFC 7515, section 5.1
	signature []byte
}

type header struct {
	Alg  string          `json:"alg"`
	Typ  string          `json:"typ"`
	JWK  json.RawMessage `json:"jwk"`
	Crit json.RawMessage `json:"crit"`
}

func parse(proof, typ string) (signed, error) {
	if len(proof) > maxProof {
		return signed{}, fmt.Errorf("%w: longer than %d bytes", ErrProof, maxProof)
	}
	if len(proof) > 2 && strings.HasPrefix(proof, `"`) && strings.HasSuffix(proof, `"`) {
		proof = proof[1 : len(proof)-1]
	}
	parts := strings.Split(proof, ".")
	if len(parts) != 3 {
		return signed{}, fmt.Errorf("%w: not three parts", ErrProof)
	}
	var decoded [3][]byte
	for i, part := range parts {
		var err error
		if decoded[i], err = decode(part); err != nil {
			return signed{}, fmt.Errorf("%w: part %d is not base64url without padding", ErrProof, i+1)
		}
	}
	s := signed{payload: decoded[1], signature: decoded[2], input: proof[:len(parts[0])+1+len(parts[1])]}
	if err := json.Unmarshal(decoded[0], &s.header); err != nil {
		return signed{}, fmt.Errorf("%w: its header is not JSON", ErrProof)
	}
	if s.header.Crit != nil { // RFC 7515, section 4.1.11
		return signed{}, fmt.Errorf("%w: it has extensions that must be understood", ErrProof)
	}
	if typ == "" || !strings.EqualFold(s.header.Typ, typ) {
		return signed{}, fmt.Errorf("%w: type %.40q, want %q", ErrProof, s.header.Typ, typ)
	}
	return s, nil
}

// claims checks the signature by key and returns what is claimed.
func (s signed) claims(key Key) (Claims, error) {
	if err := s.verify(key); err != nil {
		return Claims{}, err
	}
	var payload struct {
		JTI           string `json:"jti"`
		Authorization string `json:"authorization"`
	}
	if err := json.Unmarshal(s.payload, &payload); err != nil {
		return Claims{}, fmt.Errorf("%w: its claims are not JSON", ErrProof)
	}
	if payload.JTI == "" {
		return Claims{}, fmt.Errorf("%w: it answers no challenge", ErrProof)
	}
	return Claims{Challenge: payload.JTI, Authorization: payload.Authorization}, nil
}

// verify checks the signature. The algorithm is the key's, and the header has to
// say so: one that a client chooses does not decide how it is checked.
func (s signed) verify(key Key) error {
	if s.header.Alg != key.Alg {
		return fmt.Errorf("%w: algorithm %.20q, want the key's, %s", ErrProof, s.header.Alg, key.Alg)
	}
	public, err := key.verifier()
	if err != nil {
		return err
	}
	digest := sha256.Sum256([]byte(s.input))
	holds := false
	switch public := public.(type) {
	case *ecdsa.PublicKey:
		if len(s.signature) == 2*coordinate { // r and s: RFC 7518, section 3.4
			r := new(big.Int).SetBytes(s.signature[:coordinate])
			holds = ecdsa.Verify(public, digest[:], r, new(big.Int).SetBytes(s.signature[coordinate:]))
		}
	case *rsa.PublicKey:
		holds = rsa.VerifyPKCS1v15(public, crypto.SHA256, digest[:], s.signature) == nil
	}
	if !holds {
		return fmt.Errorf("%w: its signature is not by the key", ErrProof)
	}
	return nil
}
