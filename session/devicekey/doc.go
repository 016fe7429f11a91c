// Package devicekey verifies that a client still has the private key that its
// session was bound to: proof of possession.
//
// A [Key] is the public half of a key pair that cannot leave the client. There
// are three ways to have one:
//
//   - [DBSC], Device Bound Session Credentials: the browser itself makes the key,
//     in hardware where it can, and proves it by itself.
//   - [Page]: a script makes a WebCrypto key that cannot be exported, and keeps it
//     in IndexedDB. Any browser can.
//   - [DPoP], RFC 9449: for clients that send a bearer token.
//
// # Proofs
//
// A proof is a JSON Web Signature in compact form (RFC 7515, section 7.1) over a
// [Challenge] that the server made. [ParseRegistration] reads the first one, which
// brings the key, [VerifyProof] each later one, which must be by that key, and
// [VerifyDPoP] the proof of one request. ES256 and RS256 are taken, with keys on
// the curve P-256 and of 2048 bits or more.
//
// # Secrets
//
// A host's [Secrets] make and check challenges and the short-lived cookies that
// say that a proof was seen. Nothing is stored for either, so that any number of
// processes with the same secrets can check what another one made. The first
// secret makes, all of them check: to rotate, put a new one in front and drop the
// old one when what it made is over.
//
// The package keeps nothing, knows no HTTP and imports the standard library
// alone. Package loginstage builds on it.
//
// # What stays compatible
//
// A [Key] is kept in sessions: its Kind, Alg and JWK are read by later releases. A
// challenge, a pass or a handle is text to give back and not to parse. Processes of one
// release and the next check what the other made.
package devicekey
