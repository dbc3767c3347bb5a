package paylink

import (
	"errors"
	"fmt"
	"time"
)

// Kind says what a caller can do about an error. An error without a kind is our own fault: the
// payer reads a general sentence and the cause goes to the log.
type Kind int

// The kinds.
const (
	NotFound    Kind = iota + 1 // there is no such thing, or it is not theirs to see
	Invalid                     // what was asked breaks a rule; ask differently
	Conflict                    // it was right a moment ago; look again
	Declined                    // the bank said no
	Unavailable                 // somebody we need does not answer; nothing happened
	TooMany                     // asked too often; wait
)

// Error is an error that a caller acts on. Code names the sentence in the catalogue and Args fill
// it, so that the words are chosen by the reader's language and never here.
type Error struct {
	Kind   Kind
	Code   string        // key in the catalogue, below "error."
	Args   []any         // name, value, name, value…: what the sentence mentions
	Fields []FieldError  // what to change, field by field, when a form or a JSON body was wrong
	After  time.Duration // until asking again helps; 0 says nothing of it
	Err    error         // the cause; for the log only
}

// FieldError is one thing to change in a form or a JSON body.
type FieldError struct {
	Field string // the field's name as sent, for example "amount" or "lines[0].quantity"
	Code  string
	Args  []any
}

// Error is for the log: it names the code and the cause, never a payer's data.
func (e *Error) Error() string {
	text := e.Code
	for _, f := range e.Fields {
		text += fmt.Sprintf(" [%s: %s]", f.Field, f.Code)
	}
	if e.Err != nil {
		text += ": " + e.Err.Error()
	}
	return text
}

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Err }

// Fail makes an error of a kind; args are name, value pairs for the sentence.
func Fail(kind Kind, code string, args ...any) *Error {
	return &Error{Kind: kind, Code: code, Args: args}
}

// FailField makes an Invalid error about one field.
func FailField(field, code string, args ...any) *Error {
	return &Error{Kind: Invalid, Code: "invalid", Fields: []FieldError{{Field: field, Code: code, Args: args}}}
}

// Because adds the cause, for the log.
func (e *Error) Because(cause error) *Error {
	e.Err = cause
	return e
}

// KindOf is the kind of an error, or 0 when nobody but us can do something about it.
func KindOf(err error) Kind {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Kind
	}
	return 0
}

// Fields collects what is wrong with a form, so that all of it is said at once.
type Fields []FieldError

// Add notes one thing to change.
func (f *Fields) Add(field, code string, args ...any) {
	*f = append(*f, FieldError{Field: field, Code: code, Args: args})
}

// Err is nil when nothing was noted.
func (f Fields) Err() error {
	if len(f) == 0 {
		return nil
	}
	return &Error{Kind: Invalid, Code: "invalid", Fields: f}
}
