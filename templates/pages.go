package templates

// payViews are the pages of customers, and the error page that everybody shares.
func payViews() []View {
	return []View{
		PayShow{}, PayPaid{}, PayDeclined{}, PayWait{}, PayClosed{}, PayEnded{}, PayForward{}, PayReceipt{}, ErrorPage{},
		PayBank{}, PayAccount{}, PayDeposit{}, PayCode{}, PayRemove{}, PayWay{}, PayReturned{},
	}
}
