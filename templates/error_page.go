package templates

// ErrorPage is what a browser gets where there is no page of its own for what went wrong: what
// happened to the money first, then why, then the next step.
type ErrorPage struct {
	Page
	Firm      FirmFoot
	Colour    string // of the tokens: mute, way, warn, bad
	Icon      string
	Heading   string
	Text      string
	Back      string // where to go from here, "" for nowhere
	Reference string // the id to tell staff when it is our fault
}

// Template names the file.
func (ErrorPage) Template() string { return "error_page" }
