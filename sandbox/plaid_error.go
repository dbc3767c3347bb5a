package sandbox

import (
	"fmt"
	"net/http"
)

// plaidError is an answer in Plaid's error shape (https://plaid.com/docs/errors/).
type plaidError struct {
	Type           string  `json:"error_type"`
	Code           string  `json:"error_code"`
	Message        string  `json:"error_message"`
	DisplayMessage *string `json:"display_message"` // for the person at the screen; null when it is not their doing

	status int
}

func (e *plaidError) Error() string { return e.Message }

func plaidFault(status int, kind, code, format string, args ...any) *plaidError {
	return &plaidError{Type: kind, Code: code, Message: fmt.Sprintf(format, args...), status: status}
}

func (e *plaidError) display(message string) *plaidError {
	e.DisplayMessage = &message
	return e
}

func plaidInput(code, format string, args ...any) *plaidError {
	return plaidFault(http.StatusBadRequest, "INVALID_INPUT", code, format, args...)
}

func plaidInvalidField(format string, args ...any) *plaidError {
	return plaidFault(http.StatusBadRequest, "INVALID_REQUEST", "INVALID_FIELD", format, args...)
}

func plaidOAuth(code, message string) *plaidError {
	return plaidFault(http.StatusBadRequest, "OAUTH_ERROR", code, "%s", message)
}

func plaidInternal() *plaidError {
	return plaidFault(http.StatusInternalServerError, "API_ERROR", "INTERNAL_SERVER_ERROR", "an unexpected error occurred")
}

// Errors of an Item (https://plaid.com/docs/errors/item/). The sentences are Plaid's.
var (
	plaidLoginRequired = plaidError{Type: "ITEM_ERROR", Code: "ITEM_LOGIN_REQUIRED", status: http.StatusBadRequest,
		Message:        "the login details of this item have changed (credentials, MFA, or required user action) and a user login is required to update this information. use Link's update mode to restore the item to a good state",
		DisplayMessage: new("Username or password incorrect")}
	plaidPermissionRevoked = plaidError{Type: "ITEM_ERROR", Code: "USER_PERMISSION_REVOKED", status: http.StatusBadRequest,
		Message: "the holder of this account has revoked their permission for your application to access it"}
)

func plaidItemNotFound() *plaidError {
	return plaidFault(http.StatusBadRequest, "ITEM_ERROR", "ITEM_NOT_FOUND", "The Item you requested cannot be found. This Item does not exist, has been previously removed via /item/remove, or has had access removed by the user.")
}

func plaidWrongPassword() *plaidError {
	return plaidFault(http.StatusBadRequest, "ITEM_ERROR", "INVALID_CREDENTIALS", "the provided credentials were not correct").
		display("The provided credentials were not correct. Please try again.")
}

func plaidBankDown() *plaidError {
	return plaidFault(http.StatusBadRequest, "INSTITUTION_ERROR", "INSTITUTION_DOWN", "this institution is not currently responding to this request. please try again soon").
		display("This financial institution is not currently responding to requests. We apologize for the inconvenience.")
}

func plaidAccessNotGranted() *plaidError {
	return plaidFault(http.StatusBadRequest, "ITEM_ERROR", "ACCESS_NOT_GRANTED", "user did not grant necessary permissions for this item").
		display("You need to grant access to your account at the bank.")
}

func plaidNoAccounts() *plaidError {
	return plaidFault(http.StatusBadRequest, "ITEM_ERROR", "NO_AUTH_ACCOUNTS", "There are no valid checking or savings account(s) associated with this Item").
		display("No eligible accounts were found at this institution.")
}
