package payments

// StatementSuffix is what a card statement shows of an invoice's number.
func StatementSuffix(number string) string { return statementSuffix(number) }
