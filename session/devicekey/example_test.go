package devicekey_test

import (
	"errors"
	"fmt"
	"time"

	"github.com/mooring-go/mooring/session/devicekey"
	"github.com/mooring-go/mooring/session/devicekey/devicekeytest"
)

// A device registers its key with a sign-in, and proves it later. A thief, who has
// another key, cannot.
func Example() {
	secrets := devicekey.RandomSecrets() // in production NewSecrets, the same in all processes
	const id = "the session's ID"
	device, thief := devicekeytest.New(devicekey.Page), devicekeytest.New(devicekey.Page)

	offer := secrets.Challenge(devicekey.Register, id, time.Now())
	key, claims, err := devicekey.ParseRegistration(devicekey.Page, device.Registration(offer, ""))
	fmt.Println("registered:", err, secrets.CheckChallenge(devicekey.Register, id, claims.Challenge, time.Now(), time.Minute))

	challenge := secrets.Challenge(devicekey.Prove, id, time.Now())
	claims, err = devicekey.VerifyProof(key, device.Proof(challenge))
	fmt.Println("proved:", err, secrets.CheckChallenge(devicekey.Prove, id, claims.Challenge, time.Now(), time.Minute))

	_, err = devicekey.VerifyProof(key, thief.Proof(challenge))
	fmt.Println("the thief's proof is refused:", errors.Is(err, devicekey.ErrProof))
	// Output:
	// registered: <nil> <nil>
	// proved: <nil> <nil>
	// the thief's proof is refused: true
}
