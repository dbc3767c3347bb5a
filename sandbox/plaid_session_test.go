package sandbox

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// linkPost is one step of Link's frame.
func linkPost(t *testing.T, s *Server, step string, body fields) (int, fields) {
	t.Helper()
	return plaidPost(t, map[string]string{"PLAID_API_BASE": s.URL()}, "/js/plaid-link/"+step, body)
}

func linkStep(t *testing.T, s *Server, step string, body fields) fields {
	t.Helper()
	status, out := linkPost(t, s, step, body)
	if status != http.StatusOK {
		t.Fatalf("%s: %d %v", step, status, out)
	}
	return out
}

func linkRefuses(t *testing.T, s *Server, step string, body fields, code string) {
	t.Helper()
	if status, out := linkPost(t, s, step, body); status < 400 || out["error_code"] != code {
		t.Errorf("%s %v: got %d %v, want %s", step, body, status, out, code)
	}
}

// openLink makes a link token and opens a session with it.
func openLink(t *testing.T, s *Server, more fields) (token string, session fields) {
	t.Helper()
	token = plaidMust(t, s.Env(), "/link/token/create", linkTokenBody(more))["link_token"].(string)
	return token, linkStep(t, s, "start", fields{"link_token": token})
}

func login(session fields, bank, user, password string) fields {
	return fields{"link_session_id": session["link_session_id"], "institution_id": bank, "username": user, "password": password}
}

func TestLink_ChosenAccountIsTheOnlyOneOfItsItem(t *testing.T) {
	s := start(t, Options{})
	_, session := openLink(t, s, nil)
	finish := fields{"link_session_id": session["link_session_id"], "position": 3}
	linkRefuses(t, s, "finish", finish, "INVALID_BODY") // before the login
	accounts := linkStep(t, s, "login", login(session, "ins_56", "user_good", "pass_good"))["accounts"].([]any)
	if len(accounts) != 5 {
		t.Errorf("accounts to choose from: %v", accounts)
	}
	done := linkStep(t, s, "finish", finish)
	shown := done["metadata"].(fields)["accounts"].([]any)
	x := plaidMust(t, s.Env(), "/item/public_token/exchange", fields{"public_token": done["public_token"]})
	linked := plaidMust(t, s.Env(), "/accounts/get", fields{"access_token": x["access_token"]})["accounts"].([]any)
	if len(shown) != 1 || len(linked) != 1 || shown[0].(fields)["id"] != linked[0].(fields)["account_id"] || linked[0].(fields)["name"] != "Checking, insufficient funds" {
		t.Errorf("Link shows %v, the API %v", shown, linked)
	}
	linkRefuses(t, s, "finish", finish, "INVALID_LINK_TOKEN") // once is enough
}

func TestLink_BanksAnswerInTheirOwnWay(t *testing.T) {
	s := start(t, Options{})
	_, session := openLink(t, s, nil)
	linkRefuses(t, s, "login", login(session, "ins_56", "user_bad", "pass_good"), "INVALID_CREDENTIALS")
	linkRefuses(t, s, "login", login(session, "ins_56", "user_good", "pass_bad"), "INVALID_CREDENTIALS")
	linkRefuses(t, s, "login", login(session, "ins_109511", "user_good", "pass_good"), "INVALID_CREDENTIALS")
	linkRefuses(t, s, "login", login(session, "ins_132361", "user_good", "pass_good"), "INSTITUTION_DOWN")
	linkRefuses(t, s, "login", login(session, "ins_127287", "user_good", "pass_good"), "INVALID_INSTITUTION") // has its own page
	linkStep(t, s, "login", login(session, "ins_56", "user_good", "pass_good"))
}

func TestLink_AccountFilterNarrowsTheChoice(t *testing.T) {
	s := start(t, Options{})
	filter := func(subtype string) fields {
		return fields{"account_filters": fields{"depository": fields{"account_subtypes": []string{subtype}}}}
	}
	_, session := openLink(t, s, filter("savings"))
	accounts := linkStep(t, s, "login", login(session, "ins_56", "user_good", "pass_good"))["accounts"].([]any)
	if len(accounts) != 1 || accounts[0].(fields)["subtype"] != "savings" {
		t.Errorf("savings only, got %v", accounts)
	}
	linkRefuses(t, s, "finish", fields{"link_session_id": session["link_session_id"], "position": 0}, "NO_AUTH_ACCOUNTS") // a checking account
	_, session = openLink(t, s, filter("hsa"))
	linkRefuses(t, s, "login", login(session, "ins_56", "user_good", "pass_good"), "NO_AUTH_ACCOUNTS")
}

func TestLink_TokenEnds(t *testing.T) {
	s := start(t, Options{})
	token, session := openLink(t, s, nil)
	linkRefuses(t, s, "start", fields{"link_token": "link-sandbox-" + newUUID()}, "INVALID_LINK_TOKEN")
	control(t, s, "POST", "/clock", `{"advance":"239m"}`)
	linkStep(t, s, "start", fields{"link_token": token})
	control(t, s, "POST", "/clock", `{"advance":"2m"}`)
	linkRefuses(t, s, "start", fields{"link_token": token}, "INVALID_LINK_TOKEN")
	linkRefuses(t, s, "login", login(session, "ins_56", "user_good", "pass_good"), "INVALID_LINK_TOKEN")

	access, _ := linkedItem(t, s.Env(), "ins_56", "")
	update, _ := openLink(t, s, fields{"access_token": access, "products": nil})
	control(t, s, "POST", "/clock", `{"advance":"31m"}`)
	linkRefuses(t, s, "start", fields{"link_token": update}, "INVALID_LINK_TOKEN")
}

func TestLink_UpdateModeKeepsToItsBank(t *testing.T) {
	s := start(t, Options{})
	access, _ := linkedItem(t, s.Env(), "ins_56", "")
	_, session := openLink(t, s, fields{"access_token": access, "products": nil})
	linkRefuses(t, s, "login", login(session, "ins_127991", "user_good", "pass_good"), "INVALID_INSTITUTION")
}

// homeOf answers at the bank's own page and gives the oauth_state_id that comes home.
func homeOf(t *testing.T, s *Server, session fields, answer string) string {
	t.Helper()
	leave := linkStep(t, s, "leave", fields{"link_session_id": session["link_session_id"], "institution_id": "ins_127287"})["url"].(string)
	page, err := url.Parse(leave)
	if err != nil || !strings.HasPrefix(leave, s.URL()) {
		t.Fatalf("the bank's page is %s: %v", leave, err)
	}
	state := page.Query().Get("oauth_state_id")
	if answer == "" {
		return state
	}
	home := linkStep(t, s, "answer", fields{"oauth_state_id": state, "answer": answer})["return_to"]
	if want := "https://shop.example/plaid?oauth_state_id=" + state; home != want {
		t.Errorf("comes home to %v, want %s", home, want)
	}
	return state
}

func TestLink_OAuthBankLeavesAndComesHome(t *testing.T) {
	s := start(t, Options{})
	back := fields{"redirect_uri": "https://shop.example/plaid"}
	token, session := openLink(t, s, back)
	state := homeOf(t, s, session, "allow")

	other, _ := openLink(t, s, back)
	linkRefuses(t, s, "start", fields{"link_token": other, "oauth_state_id": state}, "INCORRECT_LINK_TOKEN")
	resumed := linkStep(t, s, "start", fields{"link_token": token, "oauth_state_id": state})
	if resumed["link_session_id"] != session["link_session_id"] || len(resumed["accounts"].([]any)) != 5 {
		t.Errorf("comes home to %v", resumed)
	}
	linkRefuses(t, s, "start", fields{"link_token": token, "oauth_state_id": state}, "OAUTH_STATE_ID_ALREADY_PROCESSED")
	linkRefuses(t, s, "start", fields{"link_token": token, "oauth_state_id": "guessed"}, "OAUTH_STATE_ID_NOT_FOUND")
	linkRefuses(t, s, "answer", fields{"oauth_state_id": ""}, "OAUTH_STATE_ID_NOT_FOUND")
	linkStep(t, s, "finish", fields{"link_session_id": session["link_session_id"], "position": 0})

	token, session = openLink(t, s, back)
	unanswered := homeOf(t, s, session, "")
	linkRefuses(t, s, "start", fields{"link_token": token, "oauth_state_id": unanswered}, "OAUTH_STATE_ID_NOT_FOUND")
	denied := linkStep(t, s, "start", fields{"link_token": token, "oauth_state_id": homeOf(t, s, session, "deny")})
	if refusal, _ := denied["refusal"].(fields); refusal["error_code"] != "ACCESS_NOT_GRANTED" || denied["accounts"] != nil {
		t.Errorf("after a refusal Link says %v", denied)
	}
	linkRefuses(t, s, "finish", fields{"link_session_id": session["link_session_id"], "position": 0}, "INVALID_BODY")
}

func TestLink_OAuthBankNeedsAWayHome(t *testing.T) {
	s := start(t, Options{})
	_, session := openLink(t, s, nil)
	for _, b := range session["institutions"].([]any) {
		if b.(fields)["oauth"] == true {
			t.Errorf("%v is listed without a redirect URI", b)
		}
	}
	linkRefuses(t, s, "leave", fields{"link_session_id": session["link_session_id"], "institution_id": "ins_127287"}, "INVALID_INSTITUTION")
}

func TestLink_OtherSitesCannotTakeItsSteps(t *testing.T) {
	s := start(t, Options{})
	token, _ := openLink(t, s, nil)
	resp, err := http.Post(s.URL()+"/js/plaid-link/start", "text/plain", strings.NewReader(`{"link_token":"`+token+`"}`))
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusBadRequest || resp.Header.Get("Access-Control-Allow-Origin") != "" {
		t.Errorf("a plain form's type gets %d, open to %q", resp.StatusCode, resp.Header.Get("Access-Control-Allow-Origin"))
	}
}
