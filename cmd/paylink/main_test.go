package main

import (
	"os"
	"syscall"
	"testing"
	"time"
)

// The first signal stops, the second ends at once; a stop that hangs is ended.
func TestTheSecondSignalEndsAtOnce(t *testing.T) {
	for name, patience := range map[string]time.Duration{"a second signal": time.Hour, "a stop that hangs": time.Millisecond} {
		t.Run(name, func(t *testing.T) {
			signals, stopped, ended := make(chan os.Signal, 2), make(chan struct{}), make(chan int)
			go obey(signals, func() { close(stopped) }, patience, func(code int) { ended <- code })
			signals <- syscall.SIGTERM
			<-stopped
			if patience == time.Hour {
				select {
				case code := <-ended:
					t.Fatalf("one signal ended it with %d", code)
				default:
				}
				signals <- syscall.SIGTERM
			}
			if code := <-ended; code != 1 {
				t.Errorf("exit code %d", code)
			}
		})
	}
}
