package accesslog

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
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
	Auto      Format = ""         // by the first line
	Combined  Format = "combined" // Combined Log Format
	CSV       Format = "csv"      // with a header
	JSONLines Format = "jsonl"
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
func (s Source) open(format Format, fields Fields) (*lines, error) {
	file, err := s.Open()
	if err != nil {
		return nil, err
	}
	l := &lines{source: s, file: file, in: bufio.NewReaderSize(file, maxLine)}
	if l.parser, err = l.start(format, fields); err != nil {
		return nil, fmt.Errorf("%s: %w", s.Name, errors.Join(err, file.Close()))
	}
	return l, nil
}

func (l *lines) start(format Format, fields Fields) (parser, error) {
	if magic, _ := l.in.Peek(2); string(magic) == "\x1f\x8b" {
		unpacked, err := gzip.NewReader(l.in)
		if err != nil {
			return nil, err
		}
		l.in = bufio.NewReaderSize(unpacked, maxLine)
	}
	if format == Auto {
		format = l.guess(fields)
	}
	switch format {
	case Combined:
		return newCombined(fields)
	case JSONLines:
		return newJSONLines(fields), nil
	case CSV:
		header, err := l.next()
		if err != nil {
			return nil, fmt.Errorf("the header: %w", err)
		}
		return newCSV(header, fields)
	default:
		return nil, fmt.Errorf("log format %q: want %s, %s or %s", format, Combined, CSV, JSONLines)
	}
}

// guess tells the format by the first line.
func (l *lines) guess(fields Fields) Format {
	begin, _ := l.in.Peek(maxLine) // as much as there is
	first, _, _ := bytes.Cut(begin, []byte("\n"))
	if bytes.HasPrefix(bytes.TrimLeft(first, " \t"), []byte("{")) {
		return JSONLines
	}
	if _, err := newCSV(first, fields); err == nil {
		return CSV
	}
	return Combined
}

// next is the next line without its end, or errTooLong for one that was passed
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
