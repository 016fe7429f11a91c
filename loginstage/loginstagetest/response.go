package loginstagetest

import (
	"encoding/json"
	"fmt"
	"net/http"
)

// Response is what a [Browser] was answered. Its Body need not be read or
// closed: Text is what it holds.
type Response struct {
	*http.Response
	Text string
}

// Decode reads the body as JSON.
func (r Response) Decode(into any) error {
	if err := json.Unmarshal([]byte(r.Text), into); err != nil {
		return fmt.Errorf("loginstagetest: the body of a response: %w", err)
	}
	return nil
}
