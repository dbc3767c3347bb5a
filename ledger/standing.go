package ledger

import (
	"fmt"

	"paylink/money"
)

// Standing is what the ledger says of one invoice. Money on its way (reserved by payments that
// have not settled) is not in the ledger; whoever needs what is due takes that off Owed.
type Standing struct {
	Total    money.Amount // issued, and edited since
	Credited money.Amount // not owed any more: credit notes, and the rest of a void invoice
	Paid     money.Amount // arrived, net of refunds, returns and disputes
}

// NewStanding returns the standing of an invoice in c on which nothing was booked.
func NewStanding(c money.Currency) Standing {
	return Standing{money.Zero(c), money.Zero(c), money.Zero(c)}
}

// Book takes a posting to the invoice's account into s, or the sum of several of one kind.
func (s *Standing) Book(kind Kind, posted money.Amount) error {
	var err error
	switch kind.Part() {
	case PartTotal:
		s.Total, err = s.Total.Add(posted)
	case PartCredited:
		s.Credited, err = s.Credited.Sub(posted)
	case PartPaid:
		s.Paid, err = s.Paid.Sub(posted)
	default:
		err = fmt.Errorf("unknown kind %q", kind)
	}
	if err != nil {
		return fmt.Errorf("add %s to standing: %w", kind, err)
	}
	return nil
}

// Owed returns total − credited − paid.
func (s Standing) Owed() (money.Amount, error) {
	owed, err := s.Total.Sub(s.Credited)
	if err == nil {
		owed, err = owed.Sub(s.Paid)
	}
	if err != nil {
		return money.Amount{}, fmt.Errorf("subtract from total: %w", err)
	}
	return owed, nil
}
