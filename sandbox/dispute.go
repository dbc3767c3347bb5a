package sandbox

// disputeHolds tells whether an open or lost dispute has taken the money of a charge.
func (c *call) disputeHolds(ch *charge) bool { return ch.Disputed }

// afterCapture does what the card's bank does by itself once it has paid.
func afterCapture(t *tx, ch *charge) {}
