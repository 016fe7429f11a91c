package devicekeytest_test

import (
	"fmt"

	"github.com/mooring-go/mooring/session/devicekey"
	"github.com/mooring-go/mooring/session/devicekey/devicekeytest"
)

func ExampleDevice_Registration() {
	device := devicekeytest.New(devicekey.DBSC)
	key, claims, err := devicekey.ParseRegistration(devicekey.DBSC, device.Registration("a challenge", ""))
	fmt.Println(key.Kind, key.Alg, claims.Challenge, err)
	// Output: dbsc ES256 a challenge <nil>
}
