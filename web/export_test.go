package web

import "time"

// SetDrain shortens how long a stop waits.
func (s *Server) SetDrain(d time.Duration) { s.drain = d }
