package accesslog

import (
	"encoding/csv"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
)

// csvLines reads comma-separated values (RFC 4180) whose first line names the
// columns. Each line is a record of its own: a quote that is not closed spoils
// one line, and not all that follow.
type csvLines struct {
	reader                  *csv.Reader
	line                    lineFeed
	entries                 entryReader
	columns                 int
	when, ip, session, user int // user: -1 if there is none
}

// lineFeed is a reader of one line, and of the next once that is set.
type lineFeed struct{ line []byte }

func (f *lineFeed) Read(p []byte) (int, error) {
	if len(f.line) == 0 {
		return 0, io.EOF
	}
	n := copy(p, f.line)
	f.line = f.line[n:]
	return n, nil
}

// newCSV takes the names of the columns from the header.
func newCSV(header []byte, config Config) (parser, error) {
	f := config.Fields.or(Fields{Time: "time", IP: "ip", Session: "session", User: "user"})
	c := &csvLines{entries: config.reader(time.RFC3339, clf, time.DateTime)}
	c.reader = csv.NewReader(&c.line)
	c.reader.FieldsPerRecord = -1
	c.reader.ReuseRecord = true
	names, err := c.record(header)
	if err != nil {
		return nil, fmt.Errorf("the header: %w", err)
	}
	c.columns = len(names)
	c.when, c.ip, c.session, c.user = slices.Index(names, f.Time), slices.Index(names, f.IP), slices.Index(names, f.Session), slices.Index(names, f.User)
	if c.when < 0 || c.ip < 0 || c.session < 0 {
		return nil, fmt.Errorf("columns %s, %s and %s: want all three in the header", f.Time, f.IP, f.Session)
	}
	return c, nil
}

// record returns the fields of one line.
func (c *csvLines) record(line []byte) ([]string, error) {
	c.line.line = line
	record, err := c.reader.Read()
	if err != nil {
		return nil, errUnclosed
	}
	return record, nil
}

func (c *csvLines) parse(line []byte) (Entry, error) {
	record, err := c.record(line)
	if err != nil {
		return Entry{}, err
	}
	if len(record) != c.columns {
		return Entry{}, errMissing
	}
	var user []byte
	if c.user >= 0 {
		user = []byte(record[c.user])
	}
	return c.entries.entry([]byte(record[c.when]), []byte(strings.TrimSpace(record[c.ip])), []byte(record[c.session]), user)
}
