package whatif

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"

	"github.com/mooring-go/mooring/cmd/mooring/internal/replay"
)

// sheet is a table with a header. Columns of numbers are to the right.
type sheet struct{ table.Writer }

func newTable(header ...any) sheet {
	t := table.NewWriter()
	t.SetStyle(table.StyleLight)
	t.Style().Format.Header = text.FormatDefault
	t.AppendHeader(header)
	return sheet{t}
}

func (s sheet) row(cells ...any) { s.AppendRow(cells) }

// right aligns the columns to the right, by their numbers from 1.
func (s sheet) right(columns ...int) sheet {
	var configs []table.ColumnConfig
	for _, number := range columns {
		configs = append(configs, table.ColumnConfig{Number: number, Align: text.AlignRight, AlignHeader: text.AlignRight})
	}
	s.SetColumnConfigs(configs)
	return s
}

func (s sheet) print(out io.Writer, format string) {
	if format == asMarkdown {
		fmt.Fprintln(out, s.RenderMarkdown())
	} else {
		fmt.Fprintln(out, s.Render())
	}
}

// tables prints the report as tables.
func (r *report) tables(out io.Writer, format string) error {
	fmt.Fprintln(out, r.summary())
	heading := func(text string) {
		if format == asMarkdown {
			text = "## " + text
		}
		fmt.Fprintf(out, "\n%s\n\n", text)
	}

	for _, group := range r.byTolerance() {
		heading(fmt.Sprintf("Tolerance: %s", group[0].Tolerance))
		header := []any{"network", "GeoIP", "sessions", "%", "users", "%", "endings", "top reason", "top network", "top countries"}
		byProof := group[0].Tolerance == replay.ByProof
		if byProof {
			header = append(header, "silent proofs")
		}
		t := newTable(header...).right(3, 4, 5, 6, 7, 11)
		for _, p := range group {
			row := []any{p.Network.String(), p.GeoIP.String(), p.SessionsEnded, share(p.SessionsPercent), p.UsersEnded, share(p.UsersPercent), p.Endings,
				first(p.Reasons, reasonText), first(p.Networks, networkText), first(p.Countries, countriesText)}
			if byProof {
				row = append(row, p.Proofs)
			}
			t.row(row...)
		}
		t.print(out, format)
	}

	heading("Presets")
	t := newTable("policy", "network", "GeoIP", "sessions", "%", "users", "%", "endings", "asked to confirm", "reported", "silent proofs").right(4, 5, 6, 7, 8, 9, 10, 11)
	for _, p := range r.named() {
		t.row(p.Name, p.Network.String(), p.GeoIP.String(), p.SessionsEnded, share(p.SessionsPercent), p.UsersEnded, share(p.UsersPercent), p.Endings, p.SessionsAsked, p.SessionsTold, p.Proofs)
	}
	t.print(out, format)
	for _, p := range r.named() {
		if len(p.Reasons) == 0 {
			continue
		}
		heading(fmt.Sprintf("Why, to which networks and between which countries: %s", p.Name))
		t := newTable("reason", "", "network", "", "countries", "").right(2, 4, 6)
		for i := range max(len(p.Reasons), len(p.Networks), len(p.Countries)) {
			var row []any
			row = cell(row, p.Reasons, i, reasonText)
			row = cell(row, p.Networks, i, networkText)
			row = cell(row, p.Countries, i, countriesText)
			t.row(row...)
		}
		t.print(out, format)
	}

	if len(r.Suspects) > 0 {
		heading("Sessions worth looking at: used from places between which nobody travels so fast")
		t := newTable("session", "user", "when (UTC)", "from", "to", "after", "km", "times", "caught by").right(6, 7, 8)
		for _, j := range r.Suspects {
			t.row(j.Session, j.User, j.Time.UTC().Format(time.DateTime), placeText(j.From), placeText(j.To), afterText(j), kmText(j), j.Times, strings.Join(j.By, ", "))
		}
		t.print(out, format)
		fmt.Fprintln(out, "\nA session is shown by the first bytes of the SHA-256 of its field, since that may be a secret.")
	}
	return nil
}

// summary says in some lines what was read.
func (r *report) summary() string {
	text := fmt.Sprintf("%d lines: %d uses of sessions, %d anonymous, %d malformed.\n", r.Lines, r.Uses, r.Anonymous, r.Malformed)
	text += fmt.Sprintf("%d sessions of %d known users, from %s to %s UTC; %d changes of address.",
		r.Sessions, r.Users, r.From.Format(time.DateTime), r.To.Format(time.DateTime), r.Moves)
	text += fmt.Sprintf("\nDevice keys: in %s %% of the sessions, as -keys says. A silent proof interrupts nobody.", trimmed(r.Keys))
	for _, err := range r.Incomplete {
		text += fmt.Sprintf("\nNot read to its end: %v.", err)
	}
	return text
}

// byTolerance returns the grid, a group for each tolerance.
func (r *report) byTolerance() [][]policyReport {
	var groups [][]policyReport
	for _, p := range r.Policies {
		if p.Name != "" {
			continue
		}
		if n := len(groups); n == 0 || groups[n-1][0].Tolerance != p.Tolerance {
			groups = append(groups, nil)
		}
		groups[len(groups)-1] = append(groups[len(groups)-1], p)
	}
	return groups
}

func first[T any](counts []replay.Count[T], of func(T) string) string {
	if len(counts) == 0 {
		return ""
	}
	return of(counts[0].Of)
}

func cell[T any](row []any, counts []replay.Count[T], i int, of func(T) string) []any {
	if i >= len(counts) {
		return append(row, "", "")
	}
	return append(row, of(counts[i].Of), counts[i].Times)
}

func reasonText[T ~string](reason T) string { return string(reason) }

func networkText(n replay.Network) string {
	if n.Number == 0 {
		return "unknown"
	}
	return fmt.Sprintf("AS%d %s", n.Number, n.Organization)
}

func countriesText(m replay.CountryMove) string {
	if m.From == m.To {
		return "within " + orUnknown(m.From)
	}
	return orUnknown(m.From) + " → " + orUnknown(m.To)
}

func placeText(p replay.Place) string {
	where := orUnknown(p.Country)
	if p.City != "" {
		where = p.City + ", " + where
	}
	return fmt.Sprintf("%s (%s; %s)", p.IP, networkText(p.Network), where)
}

func afterText(j replay.Jump) string { return j.After.Round(time.Second).String() }

func kmText(j replay.Jump) string {
	if j.Km == 0 {
		return "unknown"
	}
	return fmt.Sprint(j.Km)
}

// trimmed returns a percentage as it was given.
func trimmed(percent float64) string { return strconv.FormatFloat(percent, 'f', -1, 64) }

// share returns a percentage.
func share(percent float64) string { return fmt.Sprintf("%.1f", percent) }
