package session

// Kind says what a record stands for. Each of the package's kinds has a token of
// its own, and a token of one kind is worth nothing where another is wanted. The
// zero value is [KindSession]. A kind of a later release, which this one does not
// know, signs nobody in.
type Kind string

// The kinds of record.
const (
	KindSession Kind = ""        // a user who is signed in
	KindPending Kind = "pending" // a user who has yet to answer a challenge
	KindDevice  Kind = "device"  // a remembered device: it signs nobody in
	KindNotice  Kind = "notice"  // a sign-in that the user was told of: its token ends the session
	KindProof   Kind = "proof"   // what must not happen twice: see [Manager.Once]

	// KindCredentials is a change of the user's credentials that is to be told. It ends in
	// the step that ends the sessions, so that its ending is told as theirs are.
	KindCredentials Kind = "credentials"
)

// String returns the kind's name: "session" for the zero value.
func (k Kind) String() string {
	if k == KindSession {
		return "session"
	}
	return string(k)
}
