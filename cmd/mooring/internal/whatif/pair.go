package whatif

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/netip"

	"github.com/mooring-go/mooring/binding"
	"github.com/mooring-go/mooring/binding/maxmind"
)

// explain prints what the policy makes of a session that was made at from and is
// used from to.
func explain(ctx context.Context, s settings, db *maxmind.DB, from, to netip.Addr, out io.Writer) error {
	if err := db.Covers(s.policy.policy); err != nil {
		return err
	}
	there, err := db.Locate(ctx, from)
	if err != nil {
		return err
	}
	here, err := db.Locate(ctx, to)
	if err != nil {
		return err
	}
	policy := s.policy.policy
	if s.keys == 0 {
		policy = policy.WithoutKey()
	}
	decision := policy.Explain(there, here)
	if s.format == asJSON {
		return printJSON(out, decision)
	}
	fmt.Fprintf(out, "made at    %s\nused from  %s\n\n", describe(there), describe(here))
	t := newTable("rule", "outcome", "was", "is", "action")
	for _, r := range decision.Rulings {
		outcome := string(r.Outcome)
		if r.By != "" {
			outcome += " by " + r.By
		}
		row := []any{r.Rule, outcome, "", "", ""}
		if r.Outcome == binding.Held || r.Outcome == binding.Tolerated || r.Outcome == binding.Broke {
			row[2], row[3] = short(r.Previous), short(r.New)
		}
		if r.Outcome == binding.Broke {
			row[4] = r.Action
		}
		t.row(row...)
	}
	t.print(out, s.format)
	fmt.Fprintf(out, "\n%s\n", decision)
	if policy != policy.WithoutKey() {
		fmt.Fprintf(out, "\nwithout a device key:\n%s\n", policy.WithoutKey().Explain(there, here))
	}
	return nil
}

// describe returns a location in words.
func describe(l binding.Location) string {
	text := fmt.Sprintf("%s (%s", l.IP, binding.ClassOf(l.IP))
	if l.ASN != nil {
		text += fmt.Sprintf(", AS%d %s, %s", l.ASN.Number, l.ASN.Organization, l.ASN.Network)
	}
	if l.Geo != nil {
		for _, part := range []string{l.Geo.City.Names.English(), l.Geo.Country.ISOCode, l.Geo.Continent.Code} {
			if part != "" {
				text += ", " + part
			}
		}
	}
	return text + ")"
}

// short returns a value of a ruling in few words.
func short(value any) string {
	switch v := value.(type) {
	case nil, binding.Missing:
		return "unknown"
	case *binding.ASN:
		return fmt.Sprintf("AS%d", v.Number)
	case uint32:
		return fmt.Sprintf("AS%d", v)
	case *binding.Geo:
		return "known"
	case binding.Continent:
		return orUnknown(v.Code)
	case binding.Country:
		return orUnknown(v.ISOCode)
	case binding.City:
		return orUnknown(v.Names.English())
	default:
		return fmt.Sprint(v)
	}
}

func orUnknown(text string) string {
	if text == "" {
		return "unknown"
	}
	return text
}

func printJSON(out io.Writer, value any) error {
	encoder := json.NewEncoder(out)
	encoder.SetIndent("", "  ")
	return encoder.Encode(value)
}
