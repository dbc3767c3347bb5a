//go:build faultinject

package crash

import (
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
)

// aim is the point of CRASH_AT=name:n and how often it is passed before the end.
type aim struct {
	point string
	left  atomic.Int64
}

var target = func() *aim {
	a := &aim{}
	point, n, _ := strings.Cut(os.Getenv("CRASH_AT"), ":")
	times, err := strconv.ParseInt(n, 10, 64)
	if err != nil {
		times = 1
	}
	a.point = point
	a.left.Store(times)
	return a
}()

// At ends this process, as kill -9 does, when it comes to the point named in CRASH_AT for the n-th time.
func At(point string) {
	if point != target.point || target.left.Add(-1) != 0 {
		return
	}
	_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
	select {} // the signal may come a moment later; nothing more happens here
}
