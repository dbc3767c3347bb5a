package main

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"sync"
	"testing"
	"time"
)

// A log that nobody reads, or a full disk under it, stops no payment: lines are lost, and counted.
func TestFault_X06_LogThatIsNotTakenStopsNobody(t *testing.T) {
	reader, writer := io.Pipe() // whoever reads the log hangs
	log := newLines(writer)
	wrote := make(chan struct{})
	go func() {
		defer close(wrote)
		for range 3 * keptLines {
			if n, err := log.Write([]byte("a line\n")); n != 7 || err != nil {
				t.Errorf("%d %v", n, err)
			}
		}
	}()
	select {
	case <-wrote:
	case <-time.After(10 * time.Second):
		t.Fatal("the log was waited for")
	}
	lost := log.lost.Load()
	if lost < 2*keptLines-1 || lost > 2*keptLines {
		t.Errorf("%d lines are lost, where %d are kept", lost, keptLines)
	}
	var read bytes.Buffer // and goes on
	done := make(chan struct{})
	go func() {
		defer close(done)
		_, _ = io.Copy(&read, reader)
	}()
	log.Close()
	_ = writer.Close()
	<-done
	if got := strings.Count(read.String(), "a line\n"); int64(got) != 3*keptLines-lost {
		t.Errorf("%d lines came, %d are lost", got, lost)
	}
	if strings.Count(read.String(), `"msg":"log lines were lost"`) != 1 {
		t.Error("nobody is told of what was lost")
	}
}

// full is a disk without room, until there is.
type full struct {
	mu      sync.Mutex
	room    bool
	refused chan bool
	bytes.Buffer
}

func (f *full) Write(b []byte) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.room {
		f.refused <- true
		return 0, errors.New("no space left on device")
	}
	return f.Buffer.Write(b)
}

func TestFault_X06_WhatAFullDiskLostIsCounted(t *testing.T) {
	disk := &full{refused: make(chan bool, 5)}
	log := newLines(disk)
	for range 5 {
		_, _ = log.Write([]byte("lost\n"))
	}
	for range 5 {
		<-disk.refused
	}
	disk.mu.Lock()
	disk.room = true
	disk.mu.Unlock()
	_, _ = log.Write([]byte("kept\n"))
	log.Close()
	if got := disk.String(); !strings.HasPrefix(got, "kept\n") || !strings.Contains(got, `"count":5}`) {
		t.Errorf("%q", got)
	}
	log.Close() // twice is once
}
