package desk

import (
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"

	"paylink"
	"paylink/money"
	"paylink/templates"
	"paylink/web/page"
)

const settingsPath = "/desk/settings"

// tabs are the parts of the settings.
func tabs(v visit, current string) []templates.Chip {
	all := make([]templates.Chip, 0, 3)
	for _, tab := range []struct{ name, path string }{{"firm", ""}, {"staff", "/staff"}, {"keys", "/keys"}} {
		all = append(all, templates.Chip{Link: settingsPath + tab.path, Label: v.html("desk.settings." + tab.name), Current: tab.name == current})
	}
	return all
}

func (h *Handlers) showFirm(c echo.Context, v visit) error {
	firm, err := h.store.Firm(c.Request().Context())
	if err != nil {
		return err
	}
	return h.firmPage(c, v, http.StatusOK, firm, money.New(firm.Partial.Minimum, firm.Currency).FieldText(v.words.Locale()), nil)
}

// firmPage is the form of the firm's settings, with what was typed.
func (h *Handlers) firmPage(c echo.Context, v visit, status int, firm paylink.Firm, minimum string, wrong *paylink.Error) error {
	p := templates.DeskForm{Desk: h.frame(c, v, "desk.settings"), Action: settingsPath, Tabs: tabs(v, "firm")}
	p.Heading, p.Button = p.T("desk.settings"), p.T("desk.form.save")
	if wrong != nil {
		p.Problems = templates.Summary{Problems: v.problems(wrong, nil), Note: v.words.T("desk.form.nothing")}
	}
	text := func(name, kind, value string, most int, half bool) templates.Field {
		f := templates.Field{Name: name, Kind: kind, Label: v.words.T("desk.firm." + name), Value: value, Most: most, Half: half}
		if hint := "desk.firm." + name + ".hint"; v.words.Has(hint) {
			f.Hint = v.html(hint)
		}
		return f
	}
	choice := func(name string, options []templates.Option) templates.Field {
		f := text(name, "choice", "", 0, true)
		f.Options = options
		return f
	}
	allowed := ""
	if firm.Partial.Allowed {
		allowed = "on"
	}
	zone := text("time_zone", "text", firm.TimeZone, 60, true)
	problems := p.Problems.Problems
	sells := v.fields(problems,
		choice("currency", v.currencies(string(firm.Currency))), choice("capture", v.captures(string(firm.Capture))),
		templates.Field{Name: "partial.allowed", Kind: "box", Label: v.words.T("desk.form.partial"), Value: allowed},
		templates.Field{Name: "partial.minimum", Kind: "money", Symbol: v.symbol(string(firm.Currency)), Label: v.words.T("desk.form.minimum"), Value: minimum, Half: true},
	)
	place := []templates.Field{zone, choice("paper", v.options("desk.paper.", firm.Paper, "letter", "a4"))}
	if languages := v.languages(firm.Locale); len(languages) > 1 {
		place = append(place, choice("locale", languages))
	}
	p.Sections = []templates.Section{
		{Heading: p.T("desk.firm.who"), Lead: p.T("desk.firm.who.lead"), Fields: v.fields(problems,
			text("name", "text", firm.Name, 100, true), text("tagline", "text", firm.Tagline, 100, true),
			text("address", "area", strings.Join(firm.Address, "\n"), 620, false), text("tax_id", "text", firm.TaxID, 40, true),
			text("descriptor", "text", firm.Descriptor, 22, true))},
		{Heading: p.T("desk.firm.reach"), Lead: p.T("desk.firm.reach.lead"), Fields: v.fields(problems,
			text("email", "email", firm.Email, paylink.MaxEmail, true), text("phone", "tel", firm.Phone, 40, true), text("hours", "text", firm.Hours, 100, false),
			text("legal_url", "url", firm.LegalURL, 500, true), text("privacy_url", "url", firm.PrivacyURL, 500, true))},
		{Heading: p.T("desk.firm.place"), Lead: p.T("desk.firm.place.lead"), Fields: v.fields(problems, place...)},
		{Heading: p.T("desk.firm.first"), Lead: p.T("desk.firm.first.lead"), Fields: sells},
	}
	return h.pages.Show(c, status, p)
}

func (h *Handlers) saveFirm(c echo.Context, v visit) error {
	form, err := page.ReadForm(c)
	if err != nil {
		return err
	}
	// What the form does not ask stays, so it is read anew: pages make do without a firm, a save must not.
	firm, err := h.store.Firm(c.Request().Context())
	if err != nil {
		return err
	}
	minimum := form.Text("partial.minimum")
	firm.Name, firm.Tagline, firm.TaxID, firm.Descriptor = form.Text("name"), form.Text("tagline"), form.Text("tax_id"), form.Text("descriptor")
	firm.Address = nil
	for line := range strings.SplitSeq(form.Text("address"), "\n") {
		if line = strings.TrimSpace(line); line != "" {
			firm.Address = append(firm.Address, line)
		}
	}
	firm.Email, firm.Phone, firm.Hours = form.Text("email"), form.Text("phone"), form.Text("hours")
	firm.LegalURL, firm.PrivacyURL = form.Text("legal_url"), form.Text("privacy_url")
	firm.TimeZone, firm.Paper = form.Text("time_zone"), form.Get("paper")
	if form.Has("locale") {
		firm.Locale = money.ParseLocale(form.Get("locale"))
	}
	firm.Currency, firm.Capture = money.Currency(form.Get("currency")), paylink.CaptureMethod(form.Get("capture"))
	firm.Partial.Allowed, firm.Partial.Minimum = form.On("partial.allowed"), 0
	var wrong paylink.Fields
	if minimum != "" && firm.Currency.Valid() {
		a, err := money.Parse(minimum, firm.Currency, v.words.Locale())
		if err != nil {
			wrong.Add("partial.minimum", "amount.syntax", "example", money.New(5000, firm.Currency).FieldText(v.words.Locale()))
		}
		firm.Partial.Minimum = a.Minor
	}
	if e, ok := told(firm.Check()); ok {
		wrong = append(wrong, e.Fields...)
	}
	if err = wrong.Err(); err == nil {
		err = h.invoicing.SaveFirm(c.Request().Context(), v.actor(), firm)
	}
	if e, ok := told(err); ok {
		return h.firmPage(c, v, page.Status(err), firm, minimum, e)
	}
	if err != nil {
		return err
	}
	return h.done(c, v, settingsPath, "desk.firm.saved")
}
