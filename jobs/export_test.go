package jobs

import "time"

// SetDrain shortens the wait of a worker that stops.
func SetDrain(w *Worker, d time.Duration) { w.drain = d }

// SetPoll changes how often a worker looks.
func SetPoll(w *Worker, d time.Duration) { w.poll = d }
