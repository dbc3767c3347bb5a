package templates

import (
	"time"

	"paylink"
)

// Pill is a status: a colour of the tokens, an icon and a word, always all three.
type Pill struct{ Colour, Icon, Key string }

var (
	pillDraft    = Pill{"mute", "pen", "word.status.draft"}
	pillVoid     = Pill{"mute", "cross", "word.status.void"}
	pillOpen     = Pill{"mute", "envelope", "word.status.open"}
	pillPartly   = Pill{"accent", "dash", "word.status.partly"}
	pillPaid     = Pill{"good", "tick", "word.status.paid"}
	pillWay      = Pill{"way", "clock", "word.status.way"}
	pillChecking = Pill{"way", "again", "word.status.checking"}
	pillHeld     = Pill{"accent", "padlock", "word.status.held"}
	pillOverdue  = Pill{"warn", "triangle", "word.status.overdue"}
)

// PaymentPill is the status of a payment.
func PaymentPill(s paylink.PaymentStatus) Pill {
	switch s {
	case paylink.Created, paylink.Confirming:
		return Pill{"mute", "clock", "word.status.starting"}
	case paylink.RequiresAction:
		return Pill{"accent", "shield", "word.status.action"}
	case paylink.Unknown:
		return pillChecking
	case paylink.Processing:
		return pillWay
	case paylink.Authorized:
		return pillHeld
	case paylink.Failed:
		return Pill{"bad", "circled", "word.status.declined"}
	case paylink.Canceled:
		return Pill{"mute", "cross", "word.status.canceled"}
	case paylink.Succeeded:
		return pillPaid
	}
	return pillChecking
}

// ReceiptPill is the status of a receipt.
func ReceiptPill(s paylink.ReceiptStatus) Pill {
	switch s {
	case paylink.ReceiptPaid:
	case paylink.ReceiptPartlyRefunded:
		return Pill{"mute", "back", "word.status.partly_refunded"}
	case paylink.ReceiptRefunded:
		return Pill{"mute", "back", "word.status.refunded"}
	case paylink.ReceiptReturned:
		return Pill{"bad", "back", "word.status.returned"}
	}
	return pillPaid
}

// InvoicePill is the status of an invoice; the first that fits. The payments are those of the
// invoice and may be nil where they were not read: then reserved money is on its way.
func InvoicePill(i paylink.Invoice, b paylink.Balance, payments []paylink.Payment, now time.Time, zone *time.Location) Pill {
	any := func(s paylink.PaymentStatus) bool {
		for _, p := range payments {
			if p.Status == s {
				return true
			}
		}
		return false
	}
	status := i.Status(b)
	switch {
	case status == paylink.InvoiceVoid:
		return pillVoid
	case status == paylink.InvoiceDraft:
		return pillDraft
	case status == paylink.InvoicePaid:
		return pillPaid
	case i.Overdue(b, now, zone):
		return pillOverdue
	case any(paylink.Unknown):
		return pillChecking
	case any(paylink.Authorized):
		return pillHeld
	case b.Pending > 0 && (b.Paid == 0 || b.Due() == 0):
		return pillWay
	case b.Paid > 0:
		return pillPartly
	}
	return pillOpen
}
