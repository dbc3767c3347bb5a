package access

import (
	"sync"
	"time"
)

// throttle slows guessing: five wrong passwords for one address, or thirty from one place, within a
// quarter of an hour close it for the rest of that time. It is kept in memory, bounded: a restart
// forgets it, and a guesser cannot restart us.
type throttle struct {
	mu    sync.Mutex
	tries map[string]tries
}

type tries struct {
	count int
	since time.Time
}

const (
	window     = 15 * time.Minute
	perAddress = 5
	perPlace   = 30
	most       = 10_000 // remembered at once
)

func newThrottle() *throttle { return &throttle{tries: map[string]tries{}} }

// wait is how long this address or place has to wait; 0 when it may try.
func (t *throttle) wait(now time.Time, email, ip string) time.Duration {
	t.mu.Lock()
	defer t.mu.Unlock()
	return max(t.left(now, "address:"+email, perAddress), t.left(now, "place:"+ip, perPlace))
}

func (t *throttle) left(now time.Time, key string, limit int) time.Duration {
	tried := t.tries[key]
	if tried.count < limit {
		return 0
	}
	return max(0, window-now.Sub(tried.since))
}

// failed counts a wrong password.
func (t *throttle) failed(now time.Time, email, ip string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.tries) >= most {
		for key, tried := range t.tries {
			if now.Sub(tried.since) > window {
				delete(t.tries, key)
			}
		}
		if len(t.tries) >= most { // a flood of made-up addresses must not forget the real ones
			return
		}
	}
	for _, key := range []string{"address:" + email, "place:" + ip} {
		tried := t.tries[key]
		if now.Sub(tried.since) > window {
			tried = tries{since: now}
		}
		tried.count++
		t.tries[key] = tried
	}
}

// succeeded forgets what the person got wrong before.
func (t *throttle) succeeded(email string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.tries, "address:"+email)
}
