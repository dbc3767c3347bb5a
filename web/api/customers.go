package api

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"paylink"
	"paylink/money"
	"paylink/store"
)

type newCustomer struct {
	Name       string `json:"name"`
	Email      string `json:"email"`
	Company    string `json:"company"`
	Phone      string `json:"phone"`
	Locale     string `json:"locale"`
	ExternalID string `json:"external_id"`
}

type customer struct {
	ID         string       `json:"id"`
	Name       string       `json:"name"`
	Email      string       `json:"email"`
	Company    *string      `json:"company"`
	Phone      *string      `json:"phone"`
	Locale     money.Locale `json:"locale"`
	ExternalID *string      `json:"external_id"`
	CreatedAt  *string      `json:"created_at"`
}

func showCustomer(c paylink.Customer) customer {
	return customer{
		ID: c.ID, Name: c.Name, Email: c.Email, Company: optional(c.Company), Phone: optional(c.Phone),
		Locale: c.Locale, ExternalID: optional(c.ExternalID), CreatedAt: stamp(c.CreatedAt),
	}
}

func (h *Handlers) createCustomer(c echo.Context) error {
	var in newCustomer
	once, err := read(c, &in)
	if err != nil {
		return err
	}
	made := paylink.Customer{
		Name: in.Name, Email: in.Email, Company: in.Company, Phone: in.Phone, ExternalID: in.ExternalID,
	}
	if in.Locale != "" {
		made.Locale = money.ParseLocale(in.Locale)
	}
	made, err = h.invoicing.CreateCustomer(c.Request().Context(), actor(c), made, once)
	if err != nil {
		return err
	}
	return c.JSON(http.StatusCreated, showCustomer(made))
}

func (h *Handlers) showCustomer(c echo.Context) error {
	found, err := h.store.Customer(c.Request().Context(), c.Param("id"))
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, showCustomer(found))
}

func (h *Handlers) listCustomers(c echo.Context) error {
	if err := only(c, "limit", "cursor", "search"); err != nil {
		return err
	}
	page, err := pageOf(c)
	if err != nil {
		return err
	}
	found, next, err := h.store.Customers(c.Request().Context(), store.CustomerFilter{Search: c.QueryParam("search"), Page: page})
	if err != nil {
		return err
	}
	return answer(c, found, next, showCustomer)
}
