package access_test

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"paylink"
	"paylink/access"
	"paylink/store"
	"paylink/store/storetest"
)

// Twenty addresses within a minute that do not exist, and the place waits a quarter of an hour; others
// do not.
func TestGuessersWait(t *testing.T) {
	now := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	l := access.NewLimits(nil, func() time.Time { return now })
	for i := range 19 {
		if l.Guessed("192.0.2.1") {
			t.Fatalf("guess %d made the place wait", i+1)
		}
	}
	now = now.Add(61 * time.Second)
	for i := range 20 {
		if err := l.Guessing("192.0.2.1"); err != nil {
			t.Fatalf("after %d guesses: %v", i, err)
		}
		if waits := l.Guessed("192.0.2.1"); waits != (i == 19) {
			t.Errorf("guess %d: waits %v", i+1, waits)
		}
	}
	if err := l.Guessing("192.0.2.1"); paylink.KindOf(err) != paylink.TooMany {
		t.Errorf("the guesser goes on: %v", err)
	}
	if err := l.Guessing("192.0.2.2"); err != nil {
		t.Errorf("somebody else waits: %v", err)
	}
	now = now.Add(14 * time.Minute)
	if err := l.Guessing("192.0.2.1"); err == nil {
		t.Error("the wait was short")
	}
	now = now.Add(time.Minute)
	if err := l.Guessing("192.0.2.1"); err != nil {
		t.Errorf("the wait is over: %v", err)
	}
}

// Memory is bounded, and a flood of places does not make us forget those that wait.
func TestAFloodOfPlacesForgetsNobodyWhoWaits(t *testing.T) {
	now := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	l := access.NewLimits(nil, func() time.Time { return now })
	for range 20 {
		l.Guessed("192.0.2.1")
	}
	for i := range 30_000 {
		l.Guessed(fmt.Sprint("2001:db8:", i, "::/64"))
	}
	if n := l.Places(); n > 10_000 {
		t.Errorf("%d places are remembered", n)
	}
	now = now.Add(2 * time.Minute)
	l.Guessed("198.51.100.1")
	if n := l.Places(); n > 10 {
		t.Errorf("%d places are remembered when their minute is over", n)
	}
	if l.Guessing("192.0.2.1") == nil {
		t.Error("who waits was forgotten")
	}
}

// Twenty mails an hour from one place, counted in the database: for all servers, and across restarts.
func TestAPlaceAsksForTwentyMailsAnHour(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		now := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
		clock := func() time.Time { return now }
		var sent atomic.Int32
		var all sync.WaitGroup
		for range 40 {
			all.Go(func() {
				switch err := access.NewLimits(s, clock).Mail(t.Context(), "192.0.2.1"); {
				case err == nil:
					sent.Add(1)
				case paylink.KindOf(err) != paylink.TooMany:
					t.Error(err)
				}
			})
		}
		all.Wait()
		if n := sent.Load(); n != 20 {
			t.Errorf("%d mails, want 20", n)
		}
		if err := access.NewLimits(s, clock).Mail(t.Context(), "192.0.2.2"); err != nil {
			t.Errorf("another place: %v", err)
		}
		now = now.Add(time.Hour)
		if err := access.NewLimits(s, clock).Mail(t.Context(), "192.0.2.1"); err != nil {
			t.Errorf("an hour later: %v", err)
		}
	})
}

func TestNoLimitsBoundNothing(t *testing.T) {
	var l *access.Limits
	for range 100 {
		if l.Guessed("x") || l.Guessing("x") != nil || l.Mail(t.Context(), "x") != nil {
			t.Fatal("limits that are off stop somebody")
		}
	}
}

func TestPlaidLinkOpensSoManyTimesAnHour(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		now := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
		l := access.NewLimits(s, func() time.Time { return now })
		for i := range 30 {
			if err := l.Session(t.Context(), "cus_1"); err != nil {
				t.Fatalf("opening %d: %v", i+1, err)
			}
		}
		if err := l.Session(t.Context(), "cus_1"); paylink.KindOf(err) != paylink.TooMany {
			t.Errorf("the 31st: %v", err)
		}
		if err := l.Session(t.Context(), "cus_2"); err != nil {
			t.Errorf("another customer: %v", err)
		}
		now = now.Add(time.Hour)
		if err := l.Session(t.Context(), "cus_1"); err != nil {
			t.Errorf("an hour later: %v", err)
		}
	})
}
