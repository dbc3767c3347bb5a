package mailer

import (
	"strings"
	"testing"

	"paylink/store"
	"paylink/store/storetest"
)

func TestDriftIsToldToTheFirmWhileItStands(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		o := open(t, s, nil)
		differ := func() {
			o.must(s.Update(t.Context(), func(tx *store.Tx) error {
				return tx.PutDifference(t.Context(), store.Difference{Kind: "refund", Subject: "re_1", Ours: "$1.00", Theirs: "$2.00", SeenAt: o.now})
			}))
		}
		differ()
		o.must(o.DriftJob(t.Context(), bankJob("mail.drift", "dif_1", nil)))
		l := o.only()
		if l.head.Get("Subject") != "Paylink and Stripe differ in one place" || !strings.Contains(l.text, "/desk/drift") || !strings.Contains(l.text, "No amount was changed") {
			t.Errorf("the mail says %q\n%s", l.head.Get("Subject"), l.text)
		}
		o.must(s.Update(t.Context(), func(tx *store.Tx) error {
			_, err := tx.CloseDifference(t.Context(), "refund", "re_1", o.now)
			return err
		}))
		o.must(o.DriftJob(t.Context(), bankJob("mail.drift", "dif_2", nil)))
		o.only() // still the one
	})
}
