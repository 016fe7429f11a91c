package accesslog

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
)

// Source is one log.
type Source struct {
	Name string
	Open func() (io.ReadCloser, error)
}

// Format is how lines are laid out. The zero value is [Auto].
type Format string

// The formats.
const (
	Auto      Format = ""         // by the first line that is of a format
	Combined  Format = "combined" // Combined Log Format
	VHost     Format = "vhost"    // the same behind the virtual host
	HAProxy   Format = "haproxy"  // its HTTP log format
	ALB       Format = "alb"      // AWS Application Load Balancer
	ELB       Format = "elb"      // AWS Classic Load Balancer
	W3C       Format = "w3c"      // W3C Extended, of IIS and CloudFront
	CSV       Format = "csv"      // with a header
	JSONLines Format = "jsonl"    // of Caddy, Traefik and others
)

// maxLine is how long a line may be. Longer ones are malformed.
const maxLine = 64 << 10

var errTooLong = fmt.Errorf("the line is longer than %d bytes", maxLine)

// lines reads a log line by line.
type lines struct {
	source Source
	file   io.ReadCloser
	in     *bufio.Reader
	parser parser
	number int // of the line read last
}

// open opens the log and finds out its format.
func (s Source) open(c Config) (*lines, error) {
	file, err := s.Open()
	if err != nil {
		return nil, err
	}
	l := &lines{source: s, file: file, in: bufio.NewReaderSize(file, maxLine)}
	if l.parser, err = l.start(c); err != nil {
		return nil, fmt.Errorf("%s: %w", s.Name, errors.Join(err, file.Close()))
	}
	return l, nil
}

func (l *lines) start(c Config) (parser, error) {
	if magic, _ := l.in.Peek(2); string(magic) == "\x1f\x8b" {
		unpacked, err := gzip.NewReader(l.in)
		if err != nil {
			return nil, err
		}
		l.in = bufio.NewReaderSize(unpacked, maxLine)
	}
	switch mark, _ := l.in.Peek(3); {
	case string(mark) == "\ufeff":
		_, _ = l.in.Discard(3) // they were there
	case bytes.HasPrefix(mark, []byte("\xff\xfe")), bytes.HasPrefix(mark, []byte("\xfe\xff")):
		return nil, errors.New("the log is UTF-16: want UTF-8")
	}
	format := c.Format
	if format == Auto {
		format = l.guess(c)
	}
	if layout := layoutOf(format); layout != nil {
		return newColumns(layout, c)
	}
	switch format {
	case JSONLines:
		return newJSONLines(c), nil
	case W3C:
		return newW3C(c), nil
	case CSV:
		return l.header(c)
	default:
		return nil, fmt.Errorf("log format %q: want %s", format, formatNames())
	}
}

// header reads up to the first line that is a header with the columns that are asked
// for, within the first lines. Without one it returns what is wrong with the first.
func (l *lines) header(c Config) (parser, error) {
	var mistake error
	for seen := 0; seen < maxBanner; {
		line, err := l.next()
		if err != nil {
			if mistake != nil {
				return nil, mistake
			}
			return nil, fmt.Errorf("the header: %w", err)
		}
		if len(line) == 0 {
			continue
		}
		seen++
		p, err := newCSV(line, c)
		if err == nil {
			return p, nil
		}
		if mistake == nil {
			mistake = err
		}
	}
	return nil, mistake
}

// maxBanner is how many lines may stand before the first that is of a format.
const maxBanner = 50

// guess tells the format by the first line that is of one, past empty lines and what
// a program wrote when it started.
func (l *lines) guess(c Config) Format {
	begin, _ := l.in.Peek(maxLine) // as much as there is
	seen := 0
	for line := range bytes.Lines(begin) {
		line = bytes.TrimSpace(line)
		if len(line) == 0 {
			continue
		}
		if format, ok := formatOf(line, c); ok {
			return format
		}
		if seen++; seen == maxBanner {
			break
		}
	}
	return Combined
}

// formatOf returns the format that a line is of, if it is of one.
func formatOf(line []byte, c Config) (Format, bool) {
	switch {
	case line[0] == '{' && json.Valid(line):
		return JSONLines, true
	case bytes.HasPrefix(line, fieldsDirective):
		return W3C, true
	}
	if _, err := newCSV(line, c); err == nil {
		return CSV, true
	}
	for i := range layouts {
		standard := Config{Fields: Fields{Session: layouts[i].names[0]}}
		if p, err := newColumns(&layouts[i], standard); err == nil {
			if _, err := p.parse(line); err == nil {
				return layouts[i].format, true
			}
		}
	}
	return "", false
}

func formatNames() string {
	var names []string
	for _, l := range layouts {
		names = append(names, string(l.format))
	}
	return strings.Join(append(names, string(W3C), string(CSV)), ", ") + " or " + string(JSONLines)
}

// next returns the next line without its end, or errTooLong for one that was passed
// over. Any other error is the end.
func (l *lines) next() ([]byte, error) {
	line, err := l.in.ReadSlice('\n')
	if errors.Is(err, bufio.ErrBufferFull) {
		for errors.Is(err, bufio.ErrBufferFull) {
			_, err = l.in.ReadSlice('\n')
		}
		l.number++
		if err == nil || err == io.EOF {
			return nil, errTooLong
		}
		return nil, err
	}
	if err != nil && (err != io.EOF || len(line) == 0) {
		return nil, err
	}
	l.number++
	return bytes.TrimRight(line, "\r\n"), nil
}
