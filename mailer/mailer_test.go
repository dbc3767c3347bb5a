package mailer

import (
	"testing"

	"paylink"
)

func TestSendersThatNobodyCouldAnswer(t *testing.T) {
	ring, _ := paylink.NewKeyRing("test")
	for _, from := range []string{"", "northwind", "jürgen@northwind.example", "a@b.example, c@d.example"} {
		if _, err := New(nil, ring, pages, Options{From: from, SMTPURL: "smtp://localhost"}); err == nil {
			t.Errorf("%q was taken", from)
		}
	}
}
