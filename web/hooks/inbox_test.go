package hooks

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"

	"paylink"
	"paylink/store"
)

// books stand where the database is: each batch is held until the test lets it go.
type books struct {
	inbox
	batches [][]string // the ids of each, in order
	held    chan error // what comes of the next batch
}

func newBooks() *books {
	b := &books{held: make(chan error)}
	b.write = func(ctx context.Context, batch []*arrival) error {
		var ids []string
		for _, a := range batch {
			ids = append(ids, a.event.ID)
		}
		b.batches = append(b.batches, ids)
		err := <-b.held
		return errors.Join(err, ctx.Err())
	}
	return b
}

// send puts a webhook and waits until it waits.
func (b *books) send(ctx context.Context, id string) (outcome chan error) {
	outcome = make(chan error, 1)
	go func() { outcome <- b.put(ctx, "k", store.Event{ID: id}) }()
	synctest.Wait()
	return outcome
}

// let ends the batch that is held.
func (b *books) let(err error) {
	b.held <- err
	synctest.Wait()
}

func (b *books) want(t *testing.T, sizes ...int) {
	t.Helper()
	var got []int
	for _, ids := range b.batches {
		got = append(got, len(ids))
	}
	if !slices.Equal(got, sizes) {
		t.Errorf("batches of %v, want %v", got, sizes)
	}
}

// told is an outcome that is there.
func told(t *testing.T, outcome chan error) error {
	t.Helper()
	select {
	case err := <-outcome:
		return err
	default:
		t.Fatal("not told yet")
		return nil
	}
}

func untold(t *testing.T, outcome chan error) {
	t.Helper()
	select {
	case err := <-outcome:
		t.Errorf("told %v before its batch ended", err)
	default:
	}
}

func TestWebhooksThatComeMeanwhileShareTheNextTransaction(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBooks()
		first := b.send(t.Context(), "evt_0")
		b.want(t, 1) // at once
		var rest []chan error
		for n := range mostWaiting {
			rest = append(rest, b.send(t.Context(), fmt.Sprintf("evt_%03d", n)))
		}
		b.want(t, 1)
		untold(t, first)
		b.let(nil)
		if err := told(t, first); err != nil {
			t.Error(err)
		}
		untold(t, rest[0])
		for range 2 {
			b.let(nil)
		}
		b.want(t, 1, mostTogether, mostWaiting-mostTogether)
		for _, outcome := range rest {
			if err := told(t, outcome); err != nil {
				t.Error(err)
			}
		}
		last := b.send(t.Context(), "evt_last") // after a rest it begins at once again
		b.let(nil)
		if err := told(t, last); err != nil {
			t.Error(err)
		}
	})
}

// Events of one batch are stored in the order of their ids, whatever order they came in.
func TestBatchTakesItsRowsInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBooks()
		b.send(t.Context(), "evt_0")
		for _, id := range []string{"evt_3", "evt_1", "evt_2"} {
			b.send(t.Context(), id)
		}
		b.let(nil)
		b.let(nil)
		if got := b.batches[1]; !slices.IsSorted(got) || len(got) != 3 {
			t.Errorf("got %v", got)
		}
	})
}

func TestEachOfABatchThatFailsHasItsOwnOutcome(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBooks()
		b.send(t.Context(), "evt_0")
		var outcomes []chan error
		for _, id := range []string{"evt_1", "evt_2", "evt_3"} {
			outcomes = append(outcomes, b.send(t.Context(), id))
		}
		wrong := errors.New("wrong")
		for _, err := range []error{nil, errors.New("the batch"), nil, wrong, nil} {
			b.let(err)
		}
		b.want(t, 1, 3, 1, 1, 1)
		for n, want := range []error{nil, wrong, nil} {
			if err := told(t, outcomes[n]); !errors.Is(err, want) {
				t.Errorf("evt_%d was told %v", n+1, err)
			}
		}
	})
}

// A database that is not to be had is not waited for once more by each.
func TestNobodyWaitsAgainForADatabaseThatIsAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBooks()
		b.send(t.Context(), "evt_0")
		var outcomes []chan error
		for _, id := range []string{"evt_1", "evt_2", "evt_3"} {
			outcomes = append(outcomes, b.send(t.Context(), id))
		}
		away := paylink.Fail(paylink.Unavailable, "database.busy")
		for _, err := range []error{nil, away, nil, away} {
			b.let(err)
		}
		b.want(t, 1, 3, 1, 1)
		for n, want := range []error{nil, away, away} {
			if err := told(t, outcomes[n]); !errors.Is(err, want) {
				t.Errorf("evt_%d was told %v", n+1, err)
			}
		}
	})
}

func TestWhoLeavesChangesNothingForOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBooks()
		leaving, leave := context.WithCancel(t.Context())
		taken := b.send(leaving, "evt_0") // it leads, and is being stored
		dropped := b.send(leaving, "evt_1")
		stays := b.send(t.Context(), "evt_2")
		leave()
		synctest.Wait()
		if err := told(t, dropped); !errors.Is(err, context.Canceled) {
			t.Errorf("before its turn it was told %v", err)
		}
		untold(t, taken)
		b.let(nil)
		if err := told(t, taken); err != nil {
			t.Errorf("after its turn it was told %v of what is stored", err)
		}
		b.let(nil)
		if err := told(t, stays); err != nil {
			t.Error(err)
		}
		if got := fmt.Sprint(b.batches); got != "[[evt_0] [evt_2]]" {
			t.Errorf("stored %s", got)
		}
	})
}

// Of a batch that another leads, too, who leaves has the true outcome.
func TestWhoLeavesAfterItsTurnHasTheTrueOutcome(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBooks()
		b.send(t.Context(), "evt_0")
		leader := b.send(t.Context(), "evt_1")
		leaving, leave := context.WithCancel(t.Context())
		left := b.send(leaving, "evt_2")
		b.let(nil)
		leave()
		synctest.Wait()
		untold(t, left)
		b.let(nil)
		if err := errors.Join(told(t, leader), told(t, left)); err != nil {
			t.Error(err)
		}
		b.want(t, 1, 2)
	})
}

// Whoever is to lead and has left passes it on, however the two meet.
func TestLeadingIsNeverLost(t *testing.T) {
	for range 200 { // Go chooses among what is ready at random
		synctest.Test(t, func(t *testing.T) {
			b := newBooks()
			gone, leave := context.WithCancel(t.Context())
			leave()
			b.write = func(context.Context, []*arrival) error { return nil }
			b.send(gone, "evt_0")
			if err := told(t, b.send(t.Context(), "evt_1")); err != nil || b.leading || len(b.waiting) != 0 {
				t.Errorf("told %v, leading %t, %d wait", err, b.leading, len(b.waiting))
			}
		})
	}
}

func TestFullQueueRefusesAndSaysWhenToComeAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBooks()
		b.send(t.Context(), "evt_0")
		for range mostWaiting {
			go func() { _ = b.put(t.Context(), "k", store.Event{ID: "evt"}) }()
		}
		synctest.Wait()
		err := told(t, b.send(t.Context(), "evt_more"))
		if e, ok := errors.AsType[*paylink.Error](err); !ok || e.Kind != paylink.Unavailable || e.After <= 0 {
			t.Errorf("told %v", err)
		}
		for range 1 + (mostWaiting+mostTogether-1)/mostTogether {
			b.let(nil)
		}
		last := b.send(t.Context(), "evt_last")
		b.let(nil)
		if err := told(t, last); err != nil {
			t.Errorf("with room again: %v", err)
		}
	})
}

func TestPanicIsRaisedInOneCallerAndToldToTheOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBooks()
		write := b.write
		b.write = func(ctx context.Context, batch []*arrival) error {
			if len(batch) > 1 {
				panic("bug")
			}
			return write(ctx, batch)
		}
		b.send(t.Context(), "evt_0")
		raised := make(chan any, 1)
		go func() {
			defer func() { raised <- recover() }()
			_ = b.put(t.Context(), "k", store.Event{ID: "evt_1"})
		}()
		synctest.Wait()
		other := b.send(t.Context(), "evt_2")
		b.let(nil)
		if got := <-raised; got != "bug" {
			t.Errorf("raised %v", got)
		}
		if err := told(t, other); err == nil {
			t.Error("told that it is stored")
		}
		last := b.send(t.Context(), "evt_3")
		b.let(nil)
		if err := told(t, last); err != nil {
			t.Error(err)
		}
	})
}
