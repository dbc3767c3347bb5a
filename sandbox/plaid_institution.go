package sandbox

import "slices"

// bank is an institution of the sandbox. The ids are Plaid's, and those named after patterns and platypuses are of its
// own Sandbox (https://plaid.com/docs/sandbox/institutions/).
type bank struct {
	ID, Name, Color, URL string
	Routing              string // of every account there: banks share the test account numbers, which are one account only within a bank
	Note                 string // what happens there, for the list in Link
	OAuth                bool   // the customer logs in on the bank's own page
	Down                 bool   // answers nothing
	Locked               bool   // refuses every login
	Unverified           bool   // its account numbers are confirmed by micro-deposits, not at once
}

var banks = []bank{
	{ID: "ins_56", Name: "Chase", Color: "#095aa6", URL: "https://www.chase.com", Routing: testRouting},
	{ID: "ins_127989", Name: "Bank of America", Color: "#b3122b", URL: "https://www.bankofamerica.com", Routing: "026009593"},
	{ID: "ins_127991", Name: "Wells Fargo", Color: "#a8121f", URL: "https://www.wellsfargo.com", Routing: "121000248"},
	{ID: "ins_109509", Name: "First Gingham Credit Union", Color: "#2b6e3f", URL: "https://plaid.com", Routing: "011401533", Note: "A small credit union"},
	{ID: "ins_127287", Name: "Platypus OAuth Bank", Color: "#53409b", URL: "https://plaid.com", Routing: "111111118", Note: "Asks on its own page", OAuth: true},
	{ID: "ins_109512", Name: "Houndstooth Bank", Color: "#4a4a52", URL: "https://plaid.com", Routing: "222222226", Note: "Accounts are verified two days later", Unverified: true},
	{ID: "ins_109511", Name: "Tartan Bank", Color: "#8a3b12", URL: "https://plaid.com", Routing: "333333334", Note: "Refuses every login", Locked: true},
	{ID: "ins_132361", Name: "Unhealthy Platypus Bank - Down", Color: "#6b5d00", URL: "https://plaid.com", Routing: "444444442", Note: "Does not answer", Down: true},
}

func bankByID(id string) (bank, bool) {
	i := slices.IndexFunc(banks, func(b bank) bool { return b.ID == id })
	if i < 0 {
		return bank{}, false
	}
	return banks[i], true
}

// testRouting is the routing number that Stripe's test mode takes from who types one. It is Chase's here.
const testRouting = "110000000"

// testAccount is an account that every bank has. The numbers are those Stripe's test mode answers in its own way
// (https://docs.stripe.com/payments/ach-direct-debit/accept-a-payment#test-account-numbers), the names say how.
type testAccount struct {
	Number, Name, Subtype string
	Balance               int // dollars
}

var testAccounts = []testAccount{
	{"000123456789", "Checking, debits succeed", "checking", 5120},
	{"000123456789", "Savings, debits succeed", "savings", 18400},
	{"000111111113", "Checking, account closed", "checking", 0},
	{"000222222227", "Checking, insufficient funds", "checking", 12},
	{"000333333335", "Checking, debit not authorized", "checking", 2210},
}

type institutionRequest struct {
	plaidCredentials
	InstitutionID string   `json:"institution_id"`
	CountryCodes  []string `json:"country_codes"`
	Options       struct {
		OptionalMetadata  bool `json:"include_optional_metadata"`
		Status            bool `json:"include_status"`
		AuthMetadata      bool `json:"include_auth_metadata"`
		InitiationDetails bool `json:"include_payment_initiation_metadata"`
	} `json:"options"`
}

func getInstitution(_ *plaidCall, in institutionRequest) (any, error) {
	if err := plaidNeeds("institution_id", in.InstitutionID, "country_codes", first(in.CountryCodes)); err != nil {
		return nil, err
	}
	b, ok := bankByID(in.InstitutionID)
	if !ok || !slices.Contains(in.CountryCodes, "US") {
		return nil, plaidInput("INVALID_INSTITUTION", "invalid institution_id provided")
	}
	out := map[string]any{"institution_id": b.ID, "name": b.Name, "products": []string{"auth"}, "country_codes": []string{"US"},
		"routing_numbers": []string{b.Routing}, "dtc_numbers": []string{}, "oauth": b.OAuth}
	if in.Options.OptionalMetadata {
		out["url"], out["primary_color"], out["logo"] = b.URL, b.Color, nil
	}
	return map[string]any{"institution": out}, nil
}

func first(list []string) string {
	if len(list) == 0 {
		return ""
	}
	return list[0]
}
