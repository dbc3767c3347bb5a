package templates

// DeskInvoiceForm is an invoice to be made or changed.
type DeskInvoiceForm struct {
	Desk
	Problems   Summary
	Action     string
	New        bool // it is not there yet: its customer can be chosen
	Open       bool // it asks for money already: it is no draft any more
	Version    int
	Heading    HTML
	WhoNew     bool // a customer who is not there yet
	Customer   Field
	Find       Field
	Fresh      []Field // the new customer
	Details    []Field
	Lines      []LineField
	Total      string
	Rules      []Field
	Offered    []Hidden    // of the rules, before anybody typed
	Parts      []PartField // instalments
	Back       string
	LinesWrong *Problem
}

// Template names the file.
func (DeskInvoiceForm) Template() string { return "desk_invoice_form" }

// LineField is a line of an invoice as it is typed.
type LineField struct {
	Name                        string // "lines[0]"
	Place                       int    // counted from 1
	Description, Quantity, Unit string
	Tax                         bool
	Amount                      string // what it comes to, where that can be told
	Problems                    Problems
}

// Field names a control of the line.
func (l LineField) Field(name string) string { return l.Name + "." + name }

// Anchor is the id of a control of the line.
func (l LineField) Anchor(name string) string { return Anchor(l.Field(name)) }

// Wrong is the problem of a control of the line, or nil.
func (l LineField) Wrong(name string) *Problem { return l.Problems.For(l.Field(name)) }

// PartField is an instalment as it is typed.
type PartField struct{ Amount, Due Field }
