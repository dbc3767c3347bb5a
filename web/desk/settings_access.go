package desk

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"paylink"
	"paylink/templates"
	"paylink/web/page"
)

func (h *Handlers) listKeys(c echo.Context, v visit) error {
	return h.keysPage(c, v, http.StatusOK, "", nil)
}

func (h *Handlers) keysPage(c echo.Context, v visit, status int, name string, wrong *paylink.Error) error {
	keys, err := h.store.APIKeys(c.Request().Context())
	if err != nil {
		return err
	}
	p := templates.DeskKeys{Desk: h.frame(c, v, "desk.settings"), Tabs: tabs(v, "keys")}
	if wrong != nil {
		if wrong.Code == "api_key.name_taken" {
			wrong = paylink.FailField("name", wrong.Code)
		}
		p.Problems = templates.Summary{Problems: v.problems(wrong, nil), Note: v.words.T("desk.form.nothing")}
	}
	for _, k := range keys {
		row := templates.KeyRow{Name: k.Name, Since: v.words.T("desk.key.since", "at", k.CreatedAt)}
		if k.RevokedAt.IsZero() {
			row.Revoke = settingsPath + "/keys/" + k.ID + "/revoke"
		} else {
			row.Ended = v.words.T("desk.key.ended", "at", k.RevokedAt)
		}
		p.Rows = append(p.Rows, row)
	}
	p.Fields = v.fields(p.Problems.Problems, templates.Field{
		Name: "name", Kind: "text", Label: v.words.T("desk.key.name"), Value: name, Hint: p.T("desk.key.name.hint"), Most: paylink.MaxName,
	})
	return h.pages.Show(c, status, p)
}

// addKey shows the key in its answer, not after a redirect: it is written nowhere else, a cookie
// included.
func (h *Handlers) addKey(c echo.Context, v visit) error {
	form, err := page.ReadForm(c)
	if err != nil {
		return err
	}
	name := form.Text("name")
	key, err := h.access.AddKey(c.Request().Context(), v.actor(), name)
	if e, ok := told(err); ok {
		return h.keysPage(c, v, page.Status(err), name, e)
	}
	if err != nil {
		return err
	}
	return h.pages.Show(c, http.StatusOK, templates.DeskKey{Desk: h.frame(c, v, "desk.settings"), Tabs: tabs(v, "keys"), Name: name, Key: key})
}

// keyName is the name of the key in the address.
func (h *Handlers) keyName(c echo.Context) (string, error) {
	keys, err := h.store.APIKeys(c.Request().Context())
	if err != nil {
		return "", err
	}
	for _, k := range keys {
		if k.ID == c.Param("key") {
			return k.Name, nil
		}
	}
	return "", echo.ErrNotFound
}

func (h *Handlers) askRevokeKey(c echo.Context, v visit) error {
	name, err := h.keyName(c)
	if err != nil {
		return err
	}
	p := templates.DeskConfirm{Desk: h.frame(c, v, "desk.revoke.title"), Action: settingsPath + "/keys/" + c.Param("key") + "/revoke", Back: settingsPath + "/keys", Danger: true}
	p.Heading, p.Lead = p.T("desk.revoke.title"), p.T("desk.revoke.lead", "name", name)
	p.What = []templates.HTML{p.T("desk.revoke.what.1"), p.T("desk.revoke.what.2")}
	p.Button, p.Keep = p.T("desk.revoke.button"), p.T("desk.revoke.keep")
	return h.pages.Show(c, http.StatusOK, p)
}

func (h *Handlers) revokeKey(c echo.Context, v visit) error {
	name, err := h.keyName(c)
	if err != nil {
		return err
	}
	if err := h.access.RevokeKey(c.Request().Context(), v.actor(), c.Param("key")); err != nil {
		return err
	}
	return h.done(c, v, settingsPath+"/keys", "desk.revoke.done", "name", name)
}

func (h *Handlers) listStaff(c echo.Context, v visit) error {
	all, err := h.store.StaffAll(c.Request().Context())
	if err != nil {
		return err
	}
	p := templates.DeskStaff{Desk: h.frame(c, v, "desk.settings"), Tabs: tabs(v, "staff")}
	for _, s := range all {
		p.Rows = append(p.Rows, templates.StaffRow{
			Name: s.Name, Email: s.Email, Role: v.words.T("desk.role." + string(s.Role)), Since: v.words.Short(s.CreatedAt),
		})
	}
	return h.pages.Show(c, http.StatusOK, p)
}

func (h *Handlers) showNewStaff(c echo.Context, v visit) error {
	return h.staffPage(c, v, http.StatusOK, paylink.Staff{Role: paylink.Agent}, nil)
}

func (h *Handlers) staffPage(c echo.Context, v visit, status int, s paylink.Staff, wrong *paylink.Error) error {
	p := templates.DeskForm{Desk: h.frame(c, v, "desk.staff.new"), Action: settingsPath + "/staff", Back: settingsPath + "/staff"}
	p.Heading, p.Button = p.T("desk.staff.new"), p.T("desk.staff.add")
	p.Crumbs = []templates.Press{{Link: settingsPath + "/staff", Label: p.T("desk.settings")}, {Label: p.Heading}}
	if wrong != nil {
		if wrong.Code == "staff.email_taken" {
			wrong = paylink.FailField("email", wrong.Code)
		}
		p.Problems = templates.Summary{Problems: v.problems(wrong, nil), Note: v.words.T("desk.form.nothing")}
	}
	p.Sections = []templates.Section{{Heading: p.T("desk.staff.who"), Fields: v.fields(p.Problems.Problems,
		templates.Field{Name: "name", Kind: "text", Label: v.words.T("desk.staff.name"), Value: s.Name, Most: paylink.MaxName, Half: true},
		templates.Field{Name: "email", Kind: "email", Label: v.words.T("desk.signin.email"), Value: s.Email, Most: paylink.MaxEmail, Half: true},
		templates.Field{
			Name: "role", Kind: "choice", Label: v.words.T("desk.staff.role"), Hint: p.T("desk.staff.roles"),
			Options: v.options("desk.role.", string(s.Role), string(paylink.Viewer), string(paylink.Agent), string(paylink.Manager), string(paylink.Admin)),
		},
		templates.Field{Name: "password", Kind: "password", Label: v.words.T("desk.staff.password"), Hint: p.T("desk.staff.password.hint"), Auto: "new-password", Most: 128},
	)}}
	return h.pages.Show(c, status, p)
}

func (h *Handlers) addStaff(c echo.Context, v visit) error {
	form, err := page.ReadForm(c)
	if err != nil {
		return err
	}
	s := paylink.Staff{Name: form.Text("name"), Email: form.Text("email"), Role: paylink.Role(form.Get("role"))}
	_, err = h.access.AddStaff(c.Request().Context(), v.actor(), s.Email, s.Name, form.Get("password"), s.Role)
	if e, ok := told(err); ok {
		return h.staffPage(c, v, page.Status(err), s, e)
	}
	if err != nil {
		return err
	}
	return h.done(c, v, settingsPath+"/staff", "desk.staff.added", "name", s.Name)
}
