package redistest

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"time"
)

// patience is how long Do waits for a server, however busy the machine is.
const patience = 30 * time.Second

// Do sends one command to the server at addr, on a connection of its own, and returns
// the reply: nil, a string, an int64, or a []any of such values.
func Do(addr string, words ...any) (any, error) {
	conn, err := net.DialTimeout("tcp", addr, patience) //nolint:noctx // it has a timeout
	if err != nil {
		return nil, err
	}
	defer func() { _ = conn.Close() }()
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		return nil, err
	}
	command := fmt.Appendf(nil, "*%d\r\n", len(words))
	for _, word := range words {
		text := fmt.Sprint(word)
		command = fmt.Appendf(command, "$%d\r\n%s\r\n", len(text), text)
	}
	if _, err := conn.Write(command); err != nil {
		return nil, err
	}
	return reply(bufio.NewReader(conn))
}

// reply reads one reply of RESP2, https://redis.io/docs/latest/develop/reference/protocol-spec/.
func reply(from *bufio.Reader) (any, error) {
	line, err := from.ReadString('\n')
	if err != nil {
		return nil, err
	}
	if len(line) < 3 {
		return nil, fmt.Errorf("reply %q", line)
	}
	kind, line := line[0], line[1:len(line)-2]
	if kind == '+' {
		return line, nil
	}
	if kind == '-' {
		return nil, errors.New(line)
	}
	n, err := strconv.ParseInt(line, 10, 64)
	if err != nil {
		return nil, err
	}
	switch {
	case kind == ':':
		return n, nil
	case n < 0:
		return nil, nil
	case kind == '$':
		text := make([]byte, n+2)
		_, err := io.ReadFull(from, text)
		return string(text[:n]), err
	case kind == '*':
		all := make([]any, n)
		for i := range all {
			if all[i], err = reply(from); err != nil {
				return nil, err
			}
		}
		return all, nil
	default:
		return nil, fmt.Errorf("reply of kind %q", kind)
	}
}
