package whatif

import (
	"io"

	"github.com/mooring-go/mooring/cmd/mooring/internal/accesslog"
	"github.com/mooring-go/mooring/cmd/mooring/internal/replay"
)

// report is the result of replaying logs.
type report struct {
	accesslog.Stats
	Problems []string `json:"problems,omitempty"` // the first malformed lines, and logs that were cut short
	*replay.Result
	Keys     float64        `json:"sessions_with_keys_percent"` // as it was given
	Policies []policyReport `json:"policies"`
}

// policyReport is the result of one policy.
type policyReport struct {
	replay.Tally
	SessionsPercent float64 `json:"sessions_ended_percent"`
	UsersPercent    float64 `json:"users_ended_percent"`
}

func newReport(stats accesslog.Stats, result *replay.Result, keys float64) *report {
	r := &report{Stats: stats, Result: result, Keys: keys}
	for _, problem := range append(stats.Mistakes, stats.Incomplete...) {
		r.Problems = append(r.Problems, problem.Error())
	}
	for _, t := range result.Tallies {
		r.Policies = append(r.Policies, policyReport{
			Tally: t, SessionsPercent: percent(t.SessionsEnded, result.Sessions), UsersPercent: percent(t.UsersEnded, result.Users),
		})
	}
	return r
}

func percent(part, whole int) float64 {
	if whole == 0 {
		return 0
	}
	return 100 * float64(part) / float64(whole)
}

func (r *report) print(out io.Writer, format string) error {
	if format == asJSON {
		return printJSON(out, r)
	}
	return r.tables(out, format)
}

// named are the policies that have a name of their own: the presets, and the one
// that was given.
func (r *report) named() []policyReport {
	var named []policyReport
	for _, p := range r.Policies {
		if p.Name != "" {
			named = append(named, p)
		}
	}
	return named
}
