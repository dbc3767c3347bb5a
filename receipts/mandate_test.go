package receipts

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"paylink/money"
)

func exampleMandate() Mandate {
	return Mandate{
		Locale: money.English, Firm: exampleFirm(), Payer: "Maria Keller", Amount: money.New(22500, "USD"), Account: "Chase ••6789",
		Invoice: "INV-1042", Reference: "pi_3QX9kT2eZvKYlo2C0aB1xYzW", GivenAt: time.Date(2026, 11, 23, 22, 5, 0, 0, time.UTC),
		TimeZone: "America/Los_Angeles", From: "203.0.113.9", Version: "debit-1",
		Text: "I allow Northwind Studio to debit $225.00, once.\n\nI also allow it to keep this account.", Paper: A4,
	}
}

// The document of a permission says it word for word, and who gave it, when and from where.
func TestMandateSaysWhatWasAgreed(t *testing.T) {
	for _, paper := range []Paper{A4, Letter} {
		m := exampleMandate()
		m.Paper = paper
		pdf, err := RenderMandate(m)
		if err != nil {
			t.Fatal(err)
		}
		drawn := text(t, pdf)
		for _, want := range []string{
			"Permission to debit", "Invoice INV-1042", "$225.00", "once, from Chase ••6789", "I allow Northwind Studio to debit $225.00, once.",
			"I also allow it to keep this account.", "Maria Keller", "Monday, November 23, 2026 at 2:05 PM PST (UTC−8)", "203.0.113.9",
			"debit-1", m.Reference, "It is not a receipt.", "Page 1 of 1",
		} {
			if !strings.Contains(drawn, want) {
				t.Errorf("%s: no %q in:\n%s", paper, want, drawn)
			}
		}
	}
}

func TestSameMandateSameBytes(t *testing.T) {
	one, err := RenderMandate(exampleMandate())
	if err != nil {
		t.Fatal(err)
	}
	two, err := RenderMandate(exampleMandate())
	if err != nil || !bytes.Equal(one, two) {
		t.Errorf("not the same bytes twice: %v", err)
	}
	none := exampleMandate()
	none.Text = ""
	if _, err := RenderMandate(none); err == nil {
		t.Error("a permission without words was drawn")
	}
}
