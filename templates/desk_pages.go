package templates

// deskViews are the pages of staff; their layout is desk_layout.html.
func deskViews() []View {
	return []View{
		DeskSignIn{}, DeskError{}, DeskInvoices{}, DeskInvoice{}, DeskInvoiceForm{}, DeskSend{}, DeskPreview{}, DeskConfirm{}, DeskLink{},
		DeskHome{}, DeskCustomers{}, DeskCustomer{}, DeskForm{}, DeskPayments{}, DeskPayment{}, DeskKeys{}, DeskKey{}, DeskStaff{}, DeskLimits{}, DeskDrift{},
		DeskTake{}, DeskTakeWhich{},
	}
}
