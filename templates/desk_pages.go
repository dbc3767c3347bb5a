package templates

// deskViews are the pages of staff; their layout is desk_layout.html.
func deskViews() []View {
	return []View{
		DeskSignIn{}, DeskError{}, DeskInvoices{}, DeskInvoice{}, DeskSend{}, DeskConfirm{}, DeskLink{},
	}
}
