package money_test

import (
	"errors"
	"fmt"

	"paylink/money"
)

func ExampleAmount_Format() {
	for _, a := range []money.Amount{money.New(123450, "USD"), money.New(775, "JPY"), money.New(-5, "GBP")} {
		fmt.Println(a.Format(money.English))
	}
	// Output:
	// $1,234.50
	// ¥775
	// -£0.05
}

func ExampleParse() {
	a, err := money.Parse("1.234,50 €", "EUR", money.German)
	fmt.Println(a, err)
	_, err = money.Parse("1,234.50", "EUR", money.German)
	fmt.Println(errors.Is(err, money.ErrSyntax), err)
	// Output:
	// 1234.50 EUR <nil>
	// true read amount: not a number
}

func ExampleAmount_Times() {
	hours, _ := money.ParseQuantity("2.25")
	price := money.New(9_999, "USD")
	line, err := price.Times(hours)
	fmt.Println(line, err)
	// Output: 224.98 USD <nil>
}

func ExampleAmount_Percent() {
	fee, err := money.New(22_500, "USD").Percent(290) // 2.9 %
	fmt.Println(fee, err)
	// Output: 6.53 USD <nil>
}

func ExampleAmount_Add() {
	_, err := money.New(100, "USD").Add(money.New(100, "EUR"))
	fmt.Println(errors.Is(err, money.ErrCurrency))
	// Output: true
}
