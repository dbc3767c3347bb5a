package access

// Places is how many places are remembered.
func (l *Limits) Places() int { return len(l.places) }
