package templates

// payViews are the pages of customers, and the error page that everybody shares.
func payViews() []View {
	return []View{ErrorPage{}}
}
