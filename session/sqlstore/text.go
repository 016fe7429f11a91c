package sqlstore

import (
	"math/bits"
	"strconv"
	"strings"
	"time"
)

// A text makes statements of templates, for one dialect and one table.
type text struct {
	dialect dialect
	home    string // the schema that the tables are in; "": where the database looks first
	names   *strings.Replacer
}

func newText(config Config) text {
	d := dialects[config.Dialect]
	quoted := func(name string) string { return d.quote + name + d.quote }
	home, table, found := strings.Cut(config.Table, ".")
	prefix, pairs := "", []string{"{home}", "DATABASE()"}
	if found {
		prefix, pairs = quoted(home)+".", []string{"{home}", "'" + home + "'"}
	} else {
		home, table = "", home
	}
	for _, name := range []struct{ template, name string }{
		{"session", ""}, {"journal", "_journal"}, {"queue", "_queue"}, {"lock", "_lock"}, {"change", "_change"}, {"schema", "_schema"},
	} {
		pairs = append(pairs, "{"+name.template+"}", prefix+quoted(table+name.name), "{"+name.template+" name}", table+name.name)
	}
	for _, index := range []struct{ template, name string }{
		{"session_owner", "_owner"}, {"session_tenant", "_tenant"}, {"session_sweep", "_sweep"}, {"journal_owner", "_journal_owner"}, {"queue_free", "_queue_free"},
		{"change_made", "_change_made"},
	} {
		pairs = append(pairs, "{"+index.template+"}", quoted(table+index.name)) // an index is in its table's schema
	}
	return text{d, home, strings.NewReplacer(pairs...)}
}

// of returns the statement that template stands for. In braces are the names of the
// tables and indexes, {int}, {text} and {bytes} for parameters, and {now} for the
// database's time: in SQLite, which has none, that of the call.
func (t text) of(template string) string {
	var b strings.Builder
	n := 0
	for rest := t.names.Replace(template); ; {
		before, after, found := strings.Cut(rest, "{")
		b.WriteString(before)
		if !found {
			return b.String()
		}
		word, left, _ := strings.Cut(after, "}")
		rest = left
		switch {
		case word == "now" && t.dialect.now == "":
			b.WriteString(strconv.FormatInt(time.Now().UnixNano(), 10))
		case word == "now":
			b.WriteString(t.dialect.now)
		default:
			n++
			b.WriteString(t.dialect.parameter(n, word))
		}
	}
}

// list returns n of what the template stands for, in brackets.
func list(n int, template string) string {
	return "(" + strings.TrimSuffix(strings.Repeat(template+", ", n), ", ") + ")"
}

// padded returns all with its last value repeated until their number is a power of two,
// so that drivers, which keep each statement that they have seen prepared, see few.
func padded[T any](all []T) []T {
	for n := 1 << bits.Len(uint(len(all)-1)); len(all) > 0 && len(all) < n; {
		all = append(all, all[len(all)-1])
	}
	return all
}
