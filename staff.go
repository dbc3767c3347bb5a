package paylink

import "time"

// Role is what a member of staff may do; each includes the one before.
type Role string

// Viewer looks; agent sends and takes payments; manager refunds, captures and voids; admin sets up.
const (
	Viewer  Role = "viewer"
	Agent   Role = "agent"
	Manager Role = "manager"
	Admin   Role = "admin"
)

// Can says whether the role includes another.
func (r Role) Can(needed Role) bool {
	rank := map[Role]int{Viewer: 1, Agent: 2, Manager: 3, Admin: 4}
	return rank[r] >= rank[needed] && rank[needed] > 0
}

// Staff is a person who signs in at the desk.
type Staff struct {
	ID           string
	Email        string
	Name         string
	Role         Role
	PasswordHash string // argon2id in PHC form
	CreatedAt    time.Time
	DisabledAt   time.Time // zero while the person works here
}

// Session is a signed-in browser of a member of staff. The cookie holds a random text; only its
// hash is kept.
type Session struct {
	Hash      string
	StaffID   string
	CreatedAt time.Time
	SeenAt    time.Time
	ExpiresAt time.Time
}

// APIKey lets a program act. The key itself is shown once and kept only as its hash.
type APIKey struct {
	ID        string
	Name      string
	Hash      string
	CreatedAt time.Time
	RevokedAt time.Time
}

// Actor is who does something, for the audit log: "staff:stf_…", "key:key_…", "payer:lnk_…",
// "stripe" or "system".
type Actor string
