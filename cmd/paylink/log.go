package main

import (
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"time"
)

const (
	keptLines = 4096        // lines wait for whoever reads the log; later ones are dropped
	lastLines = time.Second // how long the end of the program waits for them
)

// lines writes a log and makes nobody wait for it: when the disk under it is full, or its reader hangs, lines are lost
// and not payments. How many were lost is told by the log itself once it is taken again, and by a metric.
type lines struct {
	to      io.Writer
	waiting chan []byte
	lost    atomic.Int64 // in all
	ended   chan struct{}
	end     sync.Once
}

func newLines(to io.Writer) *lines {
	l := &lines{to: to, waiting: make(chan []byte, keptLines), ended: make(chan struct{})}
	go l.write()
	return l
}

// Write takes one line. It never fails.
func (l *lines) Write(line []byte) (int, error) {
	select {
	case l.waiting <- append([]byte(nil), line...):
	default:
		l.lost.Add(1)
	}
	return len(line), nil
}

func (l *lines) write() {
	defer close(l.ended)
	told := int64(0)
	for line := range l.waiting {
		if line == nil {
			return
		}
		if _, err := l.to.Write(line); err != nil {
			l.lost.Add(1)
			continue
		}
		if lost := l.lost.Load(); lost > told {
			if _, err := fmt.Fprintf(l.to, `{"time":%q,"level":"WARN","msg":"log lines were lost","count":%d}`+"\n", time.Now().Format(time.RFC3339Nano), lost-told); err == nil {
				told = lost
			}
		}
	}
}

// Close writes what waits, if it is taken soon.
func (l *lines) Close() {
	l.end.Do(func() {
		soon := time.NewTimer(lastLines)
		defer soon.Stop()
		select {
		case l.waiting <- nil: // the last one
		case <-soon.C:
			return
		}
		select {
		case <-l.ended:
		case <-soon.C:
		}
	})
}
