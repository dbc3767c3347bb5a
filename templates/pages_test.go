package templates

import (
	"bytes"
	"html/template"
	"regexp"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"paylink"
	"paylink/catalogue"
	"paylink/money"
)

var now = time.Date(2026, 11, 23, 22, 5, 0, 0, time.UTC)

func usd(minor int64) money.Amount { return money.New(minor, "USD") }

// hostile is a text that would be markup if it were not escaped.
const hostile = `<script>alert(1)</script>"'&`

// samples are the customers' pages with everything on them, each text hostile.
func samples() []View {
	page := Page{Words: catalogue.For("en", time.UTC, now), Title: hostile, Asset: func(name string) string { return "/static/" + name }, Test: true}
	frame := Frame{
		Page: page, Reference: hostile, Until: now, StripeJS: "https://js.stripe.com/v3/", Script: true, Again: 10,
		Firm: FirmFoot{Name: hostile, Hours: hostile, Phone: "(503) 555-0142", Email: "billing@northwind.example", LegalURL: "https://northwind.example", PrivacyURL: "javascript:alert(1)"},
	}
	balance := BalanceOf(paylink.Balance{Total: 100000, Paid: 20000, Pending: 5000}, "USD")
	answer := Answer{Colour: "good", Icon: "tick", Heading: page.T("pay.paid.head", "name", hostile, "amount", usd(1)), Lead: page.T("pay.talk", "phone", hostile, "tel", "javascript:alert(1)", "invoice", hostile)}
	rest := Rest{Heading: "rest", Text: "text", Balance: balance, Pay: "/pay/lnk_x", Label: "Pay the rest", Weight: "secondary"}
	problems := Problems{{Field: "amount", Text: hostile, Brief: hostile}, {Field: "card", Text: hostile, Brief: hostile}, {Field: "email", Text: hostile, Brief: hostile}, {Field: "note", Text: hostile, Brief: hostile}, {Brief: hostile}}
	pill := ReceiptPill(paylink.ReceiptReturned)
	facts := []Fact{{Label: "With", Value: hostile}, {Label: "Amount", Value: "$1.00", Strong: true}}
	soFar := []SoFar{{Kind: hostile, Icon: "done", When: hostile, Amount: "$1.00", Receipt: "/r.pdf"}, {Kind: "Card", Icon: "clock", Amount: "$1.00", Status: hostile, Link: "/p"}, {Kind: "Card", Icon: "clock", Amount: "$1.00", Status: hostile}}
	other := &Money{Field: "amount", Label: hostile, Value: hostile, Symbol: "$", SymbolFirst: true, Problem: &problems[0]}
	agreed := []Clause{{"pay.permission.check", []any{"firm", hostile, "statement", hostile, "contact", hostile}}}
	show := PayShow{
		Frame: frame, Base: "/pay/lnk_x", Number: hostile, Payer: hostile, Subject: hostile, Issued: "3 lines", Total: usd(100000), Balance: balance,
		Due: &DueLine{Key: "pay.due.late", Days: 3, Date: now, Late: true}, Lines: []InvoiceLine{{Text: hostile, Quantity: 15000, Unit: usd(5), Amount: usd(8)}},
		Chosen: usd(75000), Presets: []Preset{{Label: hostile, Detail: "x", Amount: usd(75000), Value: "750.00", Chosen: true}}, Other: other, Open: true, Rule: "From",
		Uses:    []Preset{{Label: hostile, Value: "700.00"}},
		Methods: []Method{{Value: "card", Icon: "card", Name: hostile, Detail: hostile, Price: usd(75000), Chosen: true, Save: &SaveBox{Label: hostile, Detail: hostile, Ticked: true}}},
		Keep:    "mth_1", Notice: hostile, Key: hostile, Elements: `{"mode":"payment"}`, Button: hostile,
		Nonce: hostile, Version: "1", Signature: hostile, Problems: Summary{Problems: problems, Note: hostile}, SoFar: soFar,
	}
	two := show
	two.Methods = append(two.Methods, Method{Value: "bank", Icon: "bank", Name: hostile, Price: usd(1), Connect: &Connect{Link: "/pay/lnk_x/bank", Detail: hostile, Label: hostile}},
		Method{Value: "mth_1", Icon: "bank", Name: hostile, Price: usd(1), Chosen: true, Account: &Account{Label: hostile, Detail: hostile, Change: "/pay/lnk_x/bank"}, Save: &SaveBox{Label: hostile, Off: true}},
		Method{Value: "mth_2", Icon: "bank", Name: hostile, Price: usd(1), Account: &Account{Label: hostile, Detail: hostile, Next: "/pay/lnk_x/bank/mth_2"}},
		Method{Value: "mth_3", Icon: "card", Name: hostile, Price: usd(1), Why: hostile, Remove: "/pay/lnk_x/methods/mth_3/remove"})
	two.UseSaved, two.Permits, two.Permission = &UseSaved{Action: "/pay/lnk_x/code", Email: hostile}, true, agreed
	review := two
	review.Methods, review.Review, review.Saved, review.UseSaved = two.Methods[2:3], true, true, nil
	summary := Summary{Problems: Problems{{Field: "code", Text: hostile, Brief: hostile}}}
	return []View{
		show, two, review,
		PayBank{Frame: frame, Answer: answer, Base: "/pay/lnk_x", PlaidJS: "https://cdn.plaid.com/link/v2/stable/link-initialize.js", Back: "/pay/lnk_x?amount=1", Resume: true},
		PayAccount{Frame: frame, Answer: answer, Base: "/pay/lnk_x", Key: hostile, Permission: agreed, Back: "/pay/lnk_x"},
		PayDeposit{Frame: frame, Answer: answer, Action: "/pay/lnk_x/bank/mth_1", Tries: "9 tries", Keep: hostile, Back: "/pay/lnk_x", Problems: summary},
		PayDeposit{Frame: frame, Answer: answer, Action: "/pay/lnk_x/bank/mth_1", Amounts: true, Back: "/pay/lnk_x", Problems: summary},
		PayCode{Frame: frame, Answer: answer, Action: "/pay/lnk_x/code", Back: "/pay/lnk_x", Amount: hostile, Sent: true, Problems: summary.Problems},
		PayCode{Frame: frame, Answer: answer, Action: "/pay/lnk_x/code", Back: "/pay/lnk_x", Problems: Problems{{Text: hostile}}},
		PayRemove{Frame: frame, Answer: answer, Action: "/pay/lnk_x/methods/mth_1/remove", Back: "/pay/lnk_x", Label: "Remove", Problems: Summary{Problems: Problems{{Brief: hostile}}}},
		PayWay{Frame: frame, Answer: answer, Steps: []Step{{State: "done", Icon: "done", Text: "t", Detail: "d"}, {State: "now", Icon: "clock", Text: "t"}, {State: "ahead", Text: "t"}}, Note: "n", Rest: rest, Permission: "/permission.pdf"},
		PayReturned{Frame: frame, Answer: answer, Rest: rest, Receipt: page.T("pay.returned.receipt", "receipt", hostile, "revision", 2, "pdf", "/r.pdf")},
		PayPaid{Frame: frame, Answer: answer, Receipt: hostile, PDF: "/r.pdf", Pill: &pill, Figures: facts, Rest: rest},
		PayDeclined{Frame: frame, Answer: answer, Heading: "h", Base: "/pay/lnk_x", Amount: hostile, Choices: []Choice{{Value: "card", Name: hostile, Detail: hostile, Label: hostile, Chosen: true}}, Change: "/pay/lnk_x"},
		PayWait{Frame: frame, Answer: answer, Status: "unknown", Facts: facts, Text: "t", Note: "n", Check: "/check", Action: "/action", Key: hostile, Rest: &rest},
		PayClosed{Frame: frame, Answer: answer, Balance: &balance, Main: &Press{Link: "/x", Label: "l", Icon: "paper"}, Second: &Press{Link: "/y", Label: "l"}, SoFar: soFar},
		PayEnded{Frame: frame, Answer: answer, Fresh: Fresh{Action: "/f", Email: hostile, Problems: problems}},
		PayForward{Frame: frame, Base: "/pay/lnk_x", Email: hostile, Note: hostile, Problems: Summary{Problems: problems}},
		PayReceipt{Frame: frame, Answer: answer, Facts: facts, Pill: pill},
		ErrorPage{Frame: frame, Answer: answer, ID: hostile},
	}
}

func render(t *testing.T, v View) string {
	t.Helper()
	var b bytes.Buffer
	if err := Load().Render(&b, v); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// Every customers' page, with everything on it, keeps to the rules that all of them share.
func TestCustomersPagesKeepTheRules(t *testing.T) {
	seen := map[string]bool{}
	for _, v := range samples() {
		seen[v.Template()] = true
		t.Run(v.Template(), func(t *testing.T) {
			text := render(t, v)
			if strings.Contains(text, hostile) || strings.Contains(text, "<script>alert") {
				t.Error("a text became markup")
			}
			if strings.Count(text, "ZgotmplZ") > 1 { // one is the privacy address, a script
				t.Error("an address was not believed")
			}
			if strings.Contains(text, `="javascript:`) {
				t.Error("an address is a script")
			}
			if m := regexp.MustCompile(`\b(?:pay|word|error)\.[a-z_]+\.?[a-z_.]*`).FindAllString(text, -1); len(m) > 0 {
				for _, key := range m {
					if key != "pay.css" && key != "pay.js" && key != "pay.lnk_x" {
						t.Errorf("%s is not a sentence", key)
					}
				}
			}
			if strings.Contains(text, "{") && regexp.MustCompile(`\{[a-z]+\}`).MatchString(text) {
				t.Errorf("a place is not filled: %s", regexp.MustCompile(`.{20}\{[a-z]+\}`).FindString(text))
			}
			walk(t, text)
		})
	}
	for _, v := range payViews() {
		if !seen[v.Template()] {
			t.Errorf("%s has no sample", v.Template())
		}
	}
}

// walk reads the page as a browser does.
func walk(t *testing.T, text string) {
	t.Helper()
	root, err := html.Parse(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	ids, named, count := map[string]bool{}, map[string]bool{}, map[string]int{}
	var labels, described []string
	var visit func(*html.Node)
	visit = func(n *html.Node) {
		if n.Type == html.ElementNode {
			count[n.Data]++
			attr := map[string]string{}
			for _, a := range n.Attr {
				attr[a.Key] = a.Val
			}
			if attr["style"] != "" || n.Data == "style" || n.Data == "script" && attr["src"] == "" {
				t.Errorf("<%s> is inline style or script", n.Data)
			}
			for key := range attr {
				if strings.HasPrefix(key, "on") {
					t.Errorf("<%s %s> is inline script", n.Data, key)
				}
			}
			if id := attr["id"]; id != "" && ids[id] {
				t.Errorf("two things are called %s", id)
			}
			ids[attr["id"]] = true
			switch n.Data {
			case "label":
				labels = append(labels, attr["for"])
			case "input", "textarea":
				if attr["type"] != "hidden" && attr["type"] != "radio" && attr["type"] != "checkbox" {
					named[attr["id"]] = true
				}
			case "button", "a":
				if strings.Contains(attr["class"], "primary") {
					count["primary"]++
				}
			case "svg":
				if attr["aria-hidden"] == "" && attr["aria-label"] == "" {
					t.Error("a picture says nothing")
				}
			case "iframe":
				if attr["title"] == "" {
					t.Error("a frame says nothing")
				}
			}
			described = append(described, strings.Fields(attr["aria-describedby"]+" "+attr["aria-labelledby"])...)
		}
		for c := n.FirstChild; c != nil; c = c.NextSibling {
			visit(c)
		}
	}
	visit(root)
	for _, one := range []string{"h1", "main", "header", "footer"} {
		if count[one] != 1 {
			t.Errorf("%d <%s>", count[one], one)
		}
	}
	if count["primary"] > 1 {
		t.Errorf("%d primary buttons", count["primary"])
	}
	for _, id := range described {
		if !ids[id] {
			t.Errorf("nothing is called %s", id)
		}
	}
	for id := range named {
		labelled := false
		for _, l := range labels {
			labelled = labelled || l == id
		}
		if !labelled {
			t.Errorf("the field %q has no label", id)
		}
	}
}

func TestAPageThatFailsLeavesNothingBehind(t *testing.T) {
	var b bytes.Buffer
	v := PayShow{} // no field of another amount: the template cannot be filled
	if err := Load().Render(&b, v); err == nil || b.Len() > 0 {
		t.Errorf("%v, and %d bytes were sent", err, b.Len())
	}
	if err := Load().Render(&b, stranger{}); err == nil {
		t.Error("a page that nobody declared was rendered")
	}
}

type stranger struct{ Page }

func (stranger) Template() string { return "pay_stranger" }

func TestASentenceBecomesSafeMarkup(t *testing.T) {
	p := Page{Words: catalogue.For("en", time.UTC, now)}
	got := p.T("pay.talk", "phone", "<b>", "tel", "tel:503", "invoice", "INV&1")
	if want := template.HTML(`Prefer to talk? Call <a href="tel:503"><span class="nb">&lt;b&gt;</span></a> and say INV&amp;1.`); got != want {
		t.Errorf("got %s", got)
	}
	if got := p.T("pay.talk", "phone", "1", "tel", "javascript:alert(1)"); strings.Contains(string(got), "javascript") {
		t.Errorf("got %s", got)
	}
}

func TestEveryStatusHasItsPill(t *testing.T) {
	for _, s := range []paylink.PaymentStatus{
		paylink.Created, paylink.Confirming, paylink.RequiresAction, paylink.Unknown, paylink.Processing, paylink.Authorized,
		paylink.Failed, paylink.Canceled, paylink.Succeeded,
	} {
		p := PaymentPill(s)
		if _, ok := icons[p.Icon]; !ok || !catalogue.For("en", nil, now).Has(p.Key) || p.Colour == "" {
			t.Errorf("%s: %+v", s, p)
		}
	}
}

// The first that fits tells the status of an invoice.
func TestInvoicePillTellsTheMostUrgent(t *testing.T) {
	open := paylink.Invoice{State: paylink.StateOpen, Due: "2026-11-27"}
	late := paylink.Invoice{State: paylink.StateOpen, Due: "2026-11-20"}
	with := func(s paylink.PaymentStatus) []paylink.Payment { return []paylink.Payment{{Status: s}} }
	tests := []struct {
		want     string
		invoice  paylink.Invoice
		balance  paylink.Balance
		payments []paylink.Payment
	}{
		{"void", paylink.Invoice{State: paylink.StateVoid, Due: "2026-11-20"}, paylink.Balance{Total: 10}, nil},
		{"draft", paylink.Invoice{State: paylink.StateDraft}, paylink.Balance{Total: 10}, nil},
		{"paid", late, paylink.Balance{Total: 10, Paid: 10}, nil},
		{"overdue", late, paylink.Balance{Total: 10, Paid: 5, Pending: 1}, with(paylink.Unknown)},
		{"way", late, paylink.Balance{Total: 10, Pending: 10}, with(paylink.Processing)},
		{"checking", open, paylink.Balance{Total: 10, Pending: 5}, with(paylink.Unknown)},
		{"held", open, paylink.Balance{Total: 10, Pending: 5}, with(paylink.Authorized)},
		{"way", open, paylink.Balance{Total: 10, Pending: 5}, with(paylink.Processing)},
		{"way", open, paylink.Balance{Total: 10, Paid: 5, Pending: 5}, nil},
		{"partly", open, paylink.Balance{Total: 10, Paid: 5, Pending: 1}, nil},
		{"partly", open, paylink.Balance{Total: 10, Paid: 5}, nil},
		{"open", open, paylink.Balance{Total: 10}, nil},
	}
	for _, tt := range tests {
		if got := InvoicePill(tt.invoice, tt.balance, tt.payments, now, time.UTC).Key; got != "word.status."+tt.want {
			t.Errorf("%+v %+v: %s, want %s", tt.invoice.State, tt.balance, got, tt.want)
		}
	}
}
