package payments_test

import (
	"testing"
)

// Who takes back all access at the bank ends the account, whichever it is; who takes back one, that one.
func TestAccessTakenBackEndsTheAccountItIsAbout(t *testing.T) {
	for name, scene := range map[string]struct {
		code, account string
		blocked       string
	}{
		"all of it":       {code: "USER_PERMISSION_REVOKED", blocked: "revoked"},
		"of this account": {code: "USER_ACCOUNT_REVOKED", account: "this", blocked: "revoked"},
		"of another":      {code: "USER_ACCOUNT_REVOKED", account: "another"},
	} {
		t.Run(name, func(t *testing.T) {
			each(t, func(t *testing.T, d *desk) {
				m := d.linked(goodAccount)
				about := ""
				switch scene.account {
				case "this":
					about = `"account_id":"` + m.PlaidAccount + `",`
				case "another":
					about = `"account_id":"another",`
				}
				d.hook("plaid", "1", `{"webhook_type":"ITEM","webhook_code":"`+scene.code+`",`+about+`"item_id":"`+m.PlaidItem+`"}`)
				if got := d.method(m.ID).Blocked; got != scene.blocked {
					t.Errorf("blocked %q", got)
				}
			})
		})
	}
}

func TestWebhookThatNothingComesOfSaysWhy(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		for body, note := range map[string]string{
			`{"webhook_type":"ITEM","webhook_code":"LOGIN_REPAIRED","item_id":"another"}`: "no such item here",
			`{"webhook_type":"AUTH","webhook_code":"DEFAULT_UPDATE","item_id":"another"}`: "not about an item",
		} {
			d.hook("plaid", note, body)
			if e, err := d.store.Event(t.Context(), "plaid", note); err != nil || e.LastError != note {
				t.Errorf("%s: note %q: %v", body, e.LastError, err)
			}
		}
	})
}
