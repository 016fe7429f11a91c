package loginstage

import "fmt"

// DeviceKey says whether sessions are bound to a key that cannot leave the device.
// The zero value is [DeviceKeyOff].
type DeviceKey uint8

// What a stage does about device keys.
const (
	DeviceKeyOff     DeviceKey = iota // off: nobody is asked for a key
	DeviceKeyOffer                    // offer: each sign-in takes a key where the client has one
	DeviceKeyRequire                  // require: a session without a key is restricted after DeviceKeyGrace
)

var deviceKeyNames = []string{"off", "offer", "require"}

// String returns the name: "off", "offer" or "require".
func (k DeviceKey) String() string {
	if int(k) < len(deviceKeyNames) {
		return deviceKeyNames[k]
	}
	return fmt.Sprintf("DeviceKey(%d)", uint8(k))
}

// MarshalText returns the name. A number that has none is an error.
func (k DeviceKey) MarshalText() ([]byte, error) {
	if int(k) >= len(deviceKeyNames) {
		return nil, fmt.Errorf("loginstage: device key %d: want one of %v", uint8(k), deviceKeyNames)
	}
	return []byte(k.String()), nil
}

// UnmarshalText reads a name, and leaves k as it was on error. Empty text is off.
func (k *DeviceKey) UnmarshalText(text []byte) error {
	if len(text) == 0 {
		*k = DeviceKeyOff
		return nil
	}
	for i, name := range deviceKeyNames {
		if name == string(text) {
			*k = DeviceKey(i)
			return nil
		}
	}
	return fmt.Errorf("loginstage: device key %.40q: want one of %v", text, deviceKeyNames)
}
