package templates

// ErrorPage is what a browser gets where there is no page of its own for what went wrong.
type ErrorPage struct {
	Frame
	Answer Answer
	ID     string // to tell staff, when the fault is ours
}

// Template names the file.
func (ErrorPage) Template() string { return "error_page" }
