package templates

import (
	"html/template"
	"unicode/utf8"
)

// HTML is a sentence that is escaped already, as Page.T makes it.
type HTML = template.HTML

// Desk is what every page of staff has around its content.
type Desk struct {
	Page
	Firm   FirmFoot
	Person string // who is signed in; "" on pages for nobody yet
	Nav    []NavItem
	Crumbs []Press // where the page is, the first the outermost
	Toast  string  // what the request before this one did
	Again  int     // seconds after which a page without a script is read again; 0 never
}

// NavItem is one place of the desk.
type NavItem struct {
	Link, Key, Icon string
	Current         bool
	Count           int // what waits there; 0 is not told
}

// Field is one field of a form, with what was typed in it.
type Field struct {
	Name, Label, Value string
	Kind               string // text, email, tel, url, date, password, area, choice, box or money
	Hint               template.HTML
	Auto               string   // what the browser may fill in; "" is nothing
	Symbol             string   // of the currency, beside a money field
	Most               int      // characters
	Options            []Option // of a choice; beside a text they are suggestions
	Half               bool     // stands beside its neighbour where there is room
	Problem            *Problem
}

// Anchor is the id of the control.
func (f Field) Anchor() string { return Anchor(f.Name) }

// Long says whether the symbol needs more room than a sign does.
func (f Field) Long() bool { return utf8.RuneCountInString(f.Symbol) > 1 }

// Option is one choice of a select.
type Option struct {
	Value, Label string
	Chosen       bool
}

// Section is a part of a form under a heading of its own.
type Section struct {
	Heading template.HTML
	Lead    template.HTML
	Fields  []Field
}

// Paging leads to the pages of a list beside this one; an address is "" at an end.
type Paging struct{ Newer, Older string }

// SearchBox is the search of a list.
type SearchBox struct {
	Label template.HTML
	Value string
	Show  string // the filter that the search is within; "" where there is none
	Clear string // the list without it
}

// DeskSignIn asks who is there.
type DeskSignIn struct {
	Desk
	Problems Summary
	Fields   []Field
	Next     string // where they wanted to go
}

// Template names the file.
func (DeskSignIn) Template() string { return "desk_signin" }

// DeskError tells staff what went wrong where no page of its own does.
type DeskError struct {
	Desk
	Heading, Text   template.HTML
	Back, BackLabel string // where it leads, and the key of its words
}

// Template names the file.
func (DeskError) Template() string { return "desk_error" }

// DeskConfirm asks once more before something is done that cannot be undone.
type DeskConfirm struct {
	Desk
	Heading, Lead template.HTML
	What          []template.HTML // what will happen
	Problems      Summary
	Note          template.HTML // what there is to know before the press
	Fields        []Field
	Hidden        []Hidden
	Live          string // fields with which what will happen changes; "" where it does not
	Action        string // where the form is posted
	Button        template.HTML
	Danger        bool
	Keep          template.HTML // the way back, in words
	Back          string
}

// Hidden is a value that a form carries and nobody sees.
type Hidden struct{ Name, Value string }

// Template names the file.
func (DeskConfirm) Template() string { return "desk_confirm" }
