package templates

// DeskHome is the first page: how the firm stands, what somebody must do, and what happened last.
type DeskHome struct {
	Desk
	Heading  string
	Figures  []Figure
	Tasks    []Task
	Events   []Event
	CanWrite bool

	Collected    []DayChart // of what came in by day, for a desk and for a phone
	Days         []DayRow   // the same as text
	Back         HTML       // what of it went back; "" for nothing
	Way, Overdue []RowBar   // what banks bring by day, and what is overdue by age
	WaySays      string     // the one sentence of each
	OverdueSays  string
}

// Template names the file.
func (DeskHome) Template() string { return "desk_home" }

// Figure is one of the three numbers.
type Figure struct {
	Dot    string // paid, way or due
	Label  HTML
	Amount string
	Text   HTML
	Other  []HTML // the same in other currencies
	Link   string
	Warn   bool
}

// Task is something that somebody must look at.
type Task struct {
	Icon, Colour  string
	Text          HTML
	Detail        string
	Verb          HTML // what somebody does about it
	Link          string
	Kind, Subject string // name it, to say that it is done
}
