package accesslog

import (
	"container/heap"
	"context"
	"errors"
	"fmt"
	"io"
	"net/netip"
)

// Config says what is read, and how.
type Config struct {
	Sources []Source
	Format  Format
	Fields  Fields
	Proxies []netip.Prefix // whose addresses are passed over in a list, besides local ones
}

// Stats is what was read.
type Stats struct {
	Lines     int `json:"lines"`     // that are not empty
	Uses      int `json:"uses"`      // of sessions
	Anonymous int `json:"anonymous"` // requests without a session
	Malformed int `json:"malformed"`

	Mistakes   []error `json:"-"` // the first malformed lines of each log
	Incomplete []error `json:"-"` // logs that could not be read to their end
}

const (
	batchSize    = 512
	maxMistakes  = 3
	batchesAhead = 4
)

// batch is some entries of one log, in order.
type batch struct {
	entries []Entry
	bytes   []byte // what the entries point to
	stats   Stats  // of what was read for this batch
}

// Read reads all logs, each in a goroutine of its own, and calls use with their
// entries in the order of time, as far as each log is in order itself. It returns
// when all has been read, or use or opening a log fails, or ctx is done.
func Read(ctx context.Context, c Config, use func(Entry) error) (Stats, error) {
	var stats Stats
	var logs merged
	ctx, cancel := context.WithCancel(ctx)
	defer func() {
		cancel()
		logs.close()
	}()
	for _, source := range c.Sources {
		opened, err := source.open(c)
		if errors.Is(err, io.EOF) {
			continue // nothing in it
		}
		if err != nil {
			return stats, err
		}
		log := &pending{batches: make(chan batch, batchesAhead)}
		go opened.run(ctx, log.batches)
		logs = append(logs, log)
	}
	begun := logs.begin(&stats)
	for len(begun) > 0 {
		if err := use(begun[0].entries[0]); err != nil {
			return stats, err
		}
		if begun[0].advance(&stats) {
			heap.Fix(&begun, 0)
		} else {
			heap.Pop(&begun)
		}
	}
	return stats, ctx.Err()
}

// run reads a log to its end and closes it, and the channel.
func (l *lines) run(ctx context.Context, out chan<- batch) {
	defer close(out)
	defer func() { _ = l.file.Close() }() // all was read
	told := 0
	for ended := false; !ended; {
		var b batch
		for len(b.entries) < batchSize && b.stats.Lines < 8*batchSize && !ended {
			ended = !l.read(&b, &told)
		}
		select {
		case out <- b:
		case <-ctx.Done():
			return
		}
	}
}

// read adds one line to b. False: there is none.
func (l *lines) read(b *batch, told *int) bool {
	line, err := l.next()
	switch {
	case err == nil && len(line) == 0:
		return true
	case err == nil:
		var entry Entry
		if entry, err = l.parser.parse(line); err == nil {
			b.stats.Lines++
			b.add(entry)
			return true
		}
		if errors.Is(err, errDirective) {
			return true
		}
	case errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF):
		return false
	case !errors.Is(err, errTooLong):
		b.stats.Incomplete = append(b.stats.Incomplete, fmt.Errorf("%s: after line %d: %w", l.source.Name, l.number, err))
		return false
	}
	b.stats.Lines++
	b.stats.Malformed++
	if *told < maxMistakes {
		b.stats.Mistakes = append(b.stats.Mistakes, &LineError{l.source.Name, l.number, err})
		*told++
	}
	return true
}

// add keeps an entry, and a copy of what it points to.
func (b *batch) add(e Entry) {
	if len(e.Session) == 0 {
		b.stats.Anonymous++
		return
	}
	if b.entries == nil {
		b.entries, b.bytes = make([]Entry, 0, batchSize), make([]byte, 0, 64*batchSize)
	}
	e.Session, e.User = b.keep(e.Session), b.keep(e.User)
	b.stats.Uses++
	b.entries = append(b.entries, e)
}

func (b *batch) keep(text []byte) []byte {
	start := len(b.bytes)
	b.bytes = append(b.bytes, text...) // what was kept before stays where it is
	return b.bytes[start:len(b.bytes):len(b.bytes)]
}

func (s *Stats) add(other Stats) {
	s.Lines += other.Lines
	s.Uses += other.Uses
	s.Anonymous += other.Anonymous
	s.Malformed += other.Malformed
	s.Mistakes = append(s.Mistakes, other.Mistakes...)
	s.Incomplete = append(s.Incomplete, other.Incomplete...)
}

// pending is what of a log is read and not yet used.
type pending struct {
	batches chan batch
	entries []Entry
}

// advance goes to the next entry. False: there is none.
func (p *pending) advance(stats *Stats) bool {
	if len(p.entries) > 0 {
		p.entries = p.entries[1:]
	}
	for len(p.entries) == 0 {
		b, ok := <-p.batches
		if !ok {
			return false
		}
		stats.add(b.stats)
		p.entries = b.entries
	}
	return true
}

// merged is the logs, that with the earliest entry first.
type merged []*pending

// begin goes to the first entry of each log, and leaves out those without one.
func (m merged) begin(stats *Stats) merged {
	var begun merged
	for _, log := range m {
		if log.advance(stats) {
			begun = append(begun, log)
		}
	}
	heap.Init(&begun)
	return begun
}

// close waits until the goroutines that read are done.
func (m merged) close() {
	for _, log := range m {
		for range log.batches {
		}
	}
}

func (m merged) Len() int           { return len(m) }
func (m merged) Less(i, j int) bool { return m[i].entries[0].Time.Before(m[j].entries[0].Time) }
func (m merged) Swap(i, j int)      { m[i], m[j] = m[j], m[i] }

// Push adds a log, as container/heap has it.
func (m *merged) Push(log any) { *m = append(*m, log.(*pending)) }

// Pop takes the last log, as container/heap has it.
func (m *merged) Pop() any {
	last := (*m)[len(*m)-1]
	*m = (*m)[:len(*m)-1]
	return last
}
