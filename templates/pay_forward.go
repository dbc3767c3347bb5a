package templates

// PayForward sends a colleague a link of their own.
type PayForward struct {
	Frame
	Base     string
	Email    string // as typed
	Note     string
	Problems Summary
}

// Template names the file.
func (PayForward) Template() string { return "pay_forward" }
