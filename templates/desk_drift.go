package templates

// DeskDrift is where the books and Stripe do not say the same.
type DeskDrift struct {
	Desk
	Checked   HTML // when the two were last compared as a whole
	Agree     HTML // how many payments agree
	Rows      []DriftRow
	Running   *Running
	CanRepair bool
	Repaired  []Event
}

// Template names the file.
func (DeskDrift) Template() string { return "desk_drift" }

// DriftRow is one difference with its one repair.
type DriftRow struct {
	Link   string // to the payment, where there is one
	Name   HTML
	Why    HTML
	Ours   Says
	Theirs Says
	Act    string // where the repair is posted, or asked for
	Ask    bool   // the repair asks something first
	Button HTML
	Effect HTML
	Since  string
}

// Says is what one side says.
type Says struct {
	Text string
	More string
	Odd  bool // this is the side that is out
}

// Running is how far a comparison with Stripe has come.
type Running struct {
	Text  HTML
	Lists []RunningList
	Value int // of Most
	Most  int
	Error HTML // why it waits
}

// RunningList is one of the lists that are compared.
type RunningList struct {
	Name HTML
	Text HTML
	Icon string // tick, again or dash
}
