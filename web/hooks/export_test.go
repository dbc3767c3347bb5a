package hooks

// Waiting is how many webhooks wait for their turn, and whether others are being stored.
func (h *Handlers) Waiting() (n int, storing bool) {
	h.inbox.mu.Lock()
	defer h.inbox.mu.Unlock()
	return len(h.inbox.waiting), h.inbox.leading
}
