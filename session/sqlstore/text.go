package sqlstore

import (
	"strconv"
	"strings"
)

// A text makes statements of templates, for one dialect and one table.
type text struct {
	dialect dialect
	names   *strings.Replacer
}

func newText(config Config) text {
	d := dialects[config.Dialect]
	quoted := func(name string) string { return d.quote + name + d.quote }
	schema, table, found := strings.Cut(config.Table, ".")
	prefix := ""
	if found {
		prefix = quoted(schema) + "."
	} else {
		table = schema
	}
	var pairs []string
	for _, name := range []struct{ template, name string }{
		{"session", ""}, {"journal", "_journal"}, {"lock", "_lock"}, {"schema", "_schema"},
	} {
		pairs = append(pairs, "{"+name.template+"}", prefix+quoted(table+name.name))
	}
	for _, index := range []struct{ template, name string }{
		{"session_owner", "_owner"}, {"session_sweep", "_sweep"}, {"journal_owner", "_journal_owner"}, {"journal_lease", "_journal_lease"},
	} {
		pairs = append(pairs, "{"+index.template+"}", quoted(table+index.name)) // an index is in its table's schema
	}
	return text{d, strings.NewReplacer(pairs...)}
}

// of is the statement that template stands for: names in braces are those of
// the tables and indexes, and ? is a parameter.
func (t text) of(template string) string {
	named := t.names.Replace(template)
	if !t.dialect.numbered {
		return named
	}
	var b strings.Builder
	n := 0
	for part := range strings.SplitSeq(named, "?") {
		if n > 0 {
			b.WriteByte('$')
			b.WriteString(strconv.Itoa(n))
		}
		b.WriteString(part)
		n++
	}
	return b.String()
}

// parameters is a list of n parameters in brackets.
func parameters(n int) string {
	return "(" + strings.TrimSuffix(strings.Repeat("?,", n), ",") + ")"
}
