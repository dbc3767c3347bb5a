package templates

// DeskKeys lists the keys of programs.
type DeskKeys struct {
	Desk
	Tabs     []Chip
	Problems Summary
	Rows     []KeyRow
	Fields   []Field
}

// Template names the file.
func (DeskKeys) Template() string { return "desk_keys" }

// KeyRow is a key in a list.
type KeyRow struct{ Name, Since, Ended, Revoke string }

// DeskKey shows a key the one time it can be seen.
type DeskKey struct {
	Desk
	Tabs []Chip
	Name string
	Key  string
}

// Template names the file.
func (DeskKey) Template() string { return "desk_key" }

// DeskStaff lists who signs in.
type DeskStaff struct {
	Desk
	Tabs []Chip
	Rows []StaffRow
}

// Template names the file.
func (DeskStaff) Template() string { return "desk_staff" }

// StaffRow is a person in a list.
type StaffRow struct {
	Name, Email, Role, Since string
	Ended                    bool
}
