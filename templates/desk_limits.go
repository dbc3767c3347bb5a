package templates

import "html/template"

// DeskLimits says what the limits against card testing hold back.
type DeskLimits struct {
	Desk
	Off      bool // the installation runs without limits
	Cards    template.HTML
	Lately   template.HTML
	Paused   bool // new cards are kept out
	Keep     bool // they come back by themselves, and could be kept out longer
	CanCards bool
	CanWrite bool
	Links    []LimitRow
	Places   []LimitRow
}

// Template names the file.
func (DeskLimits) Template() string { return "desk_limits" }

// LimitRow is one that is held back; Key is what its form sends.
type LimitRow struct {
	Key, Name, Link, Detail string
	Text                    template.HTML
}
