package accesslog

import (
	"bytes"
	"errors"
	"strconv"
	"time"
)

var errTime = errors.New("the time is none that is understood")

// clock reads times in one of the layouts, or as a Unix time. Times repeat from line
// to line, and are read once.
type clock struct {
	layouts []string
	text    []byte // what was read last
	time    time.Time
}

func (c *clock) read(text []byte) (time.Time, error) {
	if len(text) > 0 && bytes.Equal(text, c.text) {
		return c.time, nil
	}
	read, err := c.parse(string(text))
	if err != nil {
		return time.Time{}, err
	}
	c.text, c.time = append(c.text[:0], text...), read.UTC()
	return c.time, nil
}

func (c *clock) parse(text string) (time.Time, error) {
	for _, layout := range c.layouts {
		if read, err := time.Parse(layout, text); err == nil {
			return read, nil
		}
	}
	return unixTime(text)
}

// unixTime reads the time since 1970, with decimals or without: in seconds or, where
// that would be after the year 5000, in milliseconds, microseconds or nanoseconds.
func unixTime(text string) (time.Time, error) {
	since, err := strconv.ParseFloat(text, 64)
	if err != nil || !(since >= 0) {
		return time.Time{}, errTime
	}
	for unit := 0; since >= 1e11 && unit < 3; unit++ {
		since /= 1e3
	}
	if since >= 1<<33 {
		return time.Time{}, errTime
	}
	return time.UnixMicro(int64(since * 1e6)), nil
}
