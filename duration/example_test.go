package duration_test

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/mooring-go/mooring/duration"
)

func ExampleParse() {
	d, err := duration.Parse("hours=1,minutes=2.5")
	fmt.Println(d.Std(), err)

	_, err = duration.Parse("hours=1,minutes=two")
	fmt.Println(err)
	// Output:
	// 1h2m30s <nil>
	// duration: parse "hours=1,minutes=two": at byte 16 in "minutes": malformed value; want a decimal number such as 2, -1.5 or 5e3
}

func ExampleDuration_String() {
	for _, d := range []time.Duration{0, 90 * time.Minute, 30 * 24 * time.Hour, 9*7*24*time.Hour + time.Microsecond} {
		fmt.Println(duration.Duration(d))
	}
	// Output:
	// seconds=0
	// hours=1.5
	// days=30
	// weeks=9,microseconds=1
}

// A setting of this type is read from a configuration file as it is.
func ExampleDuration_UnmarshalText() {
	var config struct {
		SessionDuration duration.Duration `json:"session_duration"`
	}
	err := json.Unmarshal([]byte(`{"session_duration": "days=1; hours=12"}`), &config)
	fmt.Println(config.SessionDuration.Std(), err)

	out, err := json.Marshal(config)
	fmt.Println(string(out), err)
	// Output:
	// 36h0m0s <nil>
	// {"session_duration":"hours=36"} <nil>
}
