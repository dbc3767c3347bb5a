package money

type currency struct{ exponent uint8 }

var currencies = map[Currency]currency{"USD": {2}, "EUR": {2}, "GBP": {2}, "JPY": {0}, "KWD": {3}, "CHF": {2}, "CAD": {2}}
