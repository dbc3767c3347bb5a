package receipts

import "paylink"

var spanish = words{
	receipt: "Recibo",
	status: map[paylink.ReceiptStatus]string{
		paylink.ReceiptPaid: "PAGADO", paylink.ReceiptPartlyRefunded: "REEMBOLSADO EN PARTE",
		paylink.ReceiptRefunded: "REEMBOLSADO", paylink.ReceiptReturned: "DEVUELTO",
	},
	receivedFrom: "recibido de {payer}", receivedOn: "el {moment}",
	paidWith: "Pagado con", authorizationCode: "Código de autorización", trace: "Rastreo bancario",
	onStatement: "En su extracto", reference: "Referencia",
	invoiceNumber: "Factura {number}", continued: "{heading}, continuación",
	titleOf: "{title}, del {date}", of: "Del {date}",
	invoiceTotal: "Total de la factura", paidBefore: "Pagado antes", paidOther: "Otros pagos", thisPayment: "Este pago",
	fee: "Recargo", feeOnTop: "{fee}, además de la factura",
	taxIncluded: "{tax}, incluido en los precios", taxAdded: "{tax}, añadido a los precios",
	taxSum: "Impuestos en total", onItsWay: "En camino desde un banco",
	onItsWayBy: "En camino desde un banco, normalmente hasta el {date}",
	refunded:   "Reembolsado", returned: "Devuelto por el banco", credited: "Ya no se debe",
	stillToPay: "Queda por pagar", stillToPayBy: "Queda por pagar hasta el {date}",
	barPaid: "{paid} pagados", barPaidAndOnItsWay: "{paid} pagados, {way} en camino",
	refundRule: "Los reembolsos vuelven a la tarjeta o cuenta que pagó, en un plazo de 10 días.",
	questions:  "Preguntas: {contact}", check: "Compruebe este recibo: {address}",
	issued:   "{number}, revisión {revision} de {revisions}, emitida el {moment}.",
	reissued: "{number}, revisión {revision} de {revisions} (sustituye a la revisión {before}), emitida el {moment}.",
	page:     "Página {page} de {pages}",

	invoice: "Factura", paidStamp: "PAGADA", toPay: "por pagar", stillToPayOf: "por pagar de {total}",
	fullyPaid: "Esta factura está pagada por completo.", allOnItsWay: "El resto está en camino desde un banco.",
	dueOn: "Vence el {day}", payByPhone: "Pague con el móvil: escanee", orOpen: "O abra esta dirección:",
	billedTo: "Para", taxID: "Número fiscal", invoiceDate: "Fecha", due: "Vence",
	description: "Descripción", quantity: "Cantidad", unitPrice: "Precio", taxRate: "Impuesto",
	amount: "Importe", subtotal: "Subtotal", total: "Total", paid: "Pagado",
	invoiceIssued: "{number}, del {date}.",

	permission: "Autorización de cargo", permissionFrom: "una vez, desde {account}",
	permissionBy: "Dada por", permissionGiven: "Dada el", permissionAt: "Desde la dirección",
	permissionVersion: "Texto", permissionKept: "Copia de lo que acordó con {firm}. No es un recibo.",

	months: [12]string{
		"enero", "febrero", "marzo", "abril", "mayo", "junio", "julio", "agosto", "septiembre",
		"octubre", "noviembre", "diciembre",
	},
	weekdays: [7]string{
		"domingo", "lunes", "martes", "miércoles", "jueves", "viernes", "sábado",
	},
	firstOfMonth: "1", date: "{day} de {month} de {year}", nearDate: "{day} de {month}",
	weekday: "{weekday}, {date}", fullMoment: "{weekday}, {date}, {time} {zone}",
	issuedMoment: "{date}, {time} {zone}",
}

var french = words{
	receipt: "Reçu",
	status: map[paylink.ReceiptStatus]string{
		paylink.ReceiptPaid: "PAYÉ", paylink.ReceiptPartlyRefunded: "REMBOURSÉ EN PARTIE",
		paylink.ReceiptRefunded: "REMBOURSÉ", paylink.ReceiptReturned: "REJETÉ",
	},
	receivedFrom: "reçu de {payer}", receivedOn: "le {moment}",
	paidWith: "Payé avec", authorizationCode: "Code d’autorisation", trace: "Trace bancaire",
	onStatement: "Sur votre relevé", reference: "Référence",
	invoiceNumber: "Facture {number}", continued: "{heading}, suite",
	titleOf: "{title}, du {date}", of: "Du {date}",
	invoiceTotal: "Total de la facture", paidBefore: "Payé avant", paidOther: "Autres paiements", thisPayment: "Ce paiement",
	fee: "Frais", feeOnTop: "{fee}, en plus de la facture",
	taxIncluded: "{tax}, comprise dans les prix", taxAdded: "{tax}, ajoutée aux prix",
	taxSum: "Taxes en tout", onItsWay: "En route depuis une banque",
	onItsWayBy: "En route depuis une banque, en général d’ici le {date}",
	refunded:   "Remboursé", returned: "Rejeté par la banque", credited: "N’est plus dû",
	stillToPay: "Reste à payer", stillToPayBy: "Reste à payer d’ici le {date}",
	barPaid: "{paid} payés", barPaidAndOnItsWay: "{paid} payés, {way} en route",
	refundRule: "Les remboursements reviennent sur la carte ou le compte qui a payé, sous 10 jours.",
	questions:  "Questions : {contact}", check: "Vérifier ce reçu : {address}",
	issued:   "{number}, révision {revision} sur {revisions}, émise le {moment}.",
	reissued: "{number}, révision {revision} sur {revisions} (remplace la révision {before}), émise le {moment}.",
	page:     "Page {page} sur {pages}",

	invoice: "Facture", paidStamp: "PAYÉE", toPay: "à payer", stillToPayOf: "reste à payer sur {total}",
	fullyPaid: "Cette facture est entièrement payée.", allOnItsWay: "Le reste est en route depuis une banque.",
	dueOn: "À payer d’ici le {day}", payByPhone: "Payer par téléphone : scannez",
	orOpen:   "Ou ouvrez cette adresse :",
	billedTo: "Pour", taxID: "Numéro fiscal", invoiceDate: "Date", due: "Échéance",
	description: "Description", quantity: "Quantité", unitPrice: "Prix", taxRate: "Taxe",
	amount: "Montant", subtotal: "Sous-total", total: "Total", paid: "Payé",
	invoiceIssued: "{number}, du {date}.",

	permission: "Autorisation de prélèvement", permissionFrom: "une fois, depuis {account}",
	permissionBy: "Donnée par", permissionGiven: "Donnée le", permissionAt: "Depuis l’adresse",
	permissionVersion: "Texte", permissionKept: "Copie de votre accord avec {firm}. Ce n’est pas un reçu.",

	months: [12]string{
		"janvier", "février", "mars", "avril", "mai", "juin", "juillet", "août", "septembre",
		"octobre", "novembre", "décembre",
	},
	weekdays: [7]string{
		"dimanche", "lundi", "mardi", "mercredi", "jeudi", "vendredi", "samedi",
	},
	firstOfMonth: "1er", date: "{day} {month} {year}", nearDate: "{day} {month}",
	weekday: "{weekday} {date}", fullMoment: "{weekday} {date} à {time} {zone}",
	issuedMoment: "{date}, {time} {zone}",
}

var german = words{
	receipt: "Quittung",
	status: map[paylink.ReceiptStatus]string{
		paylink.ReceiptPaid: "BEZAHLT", paylink.ReceiptPartlyRefunded: "TEILWEISE ERSTATTET",
		paylink.ReceiptRefunded: "ERSTATTET", paylink.ReceiptReturned: "ZURÜCKGEGEBEN",
	},
	receivedFrom: "erhalten von {payer}", receivedOn: "am {moment}",
	paidWith: "Bezahlt mit", authorizationCode: "Autorisierungscode", trace: "Bankverfolgung",
	onStatement: "Auf Ihrem Auszug", reference: "Referenz",
	invoiceNumber: "Rechnung {number}", continued: "{heading}, Fortsetzung",
	titleOf: "{title}, vom {date}", of: "Vom {date}",
	invoiceTotal: "Rechnungsbetrag", paidBefore: "Zuvor bezahlt", paidOther: "Weitere Zahlungen", thisPayment: "Diese Zahlung",
	fee: "Gebühr", feeOnTop: "{fee}, zusätzlich zur Rechnung",
	taxIncluded: "{tax}, in den Preisen enthalten", taxAdded: "{tax}, zu den Preisen hinzugerechnet",
	taxSum: "Steuern insgesamt", onItsWay: "Unterwegs von einer Bank",
	onItsWayBy: "Unterwegs von einer Bank, in der Regel bis {date}",
	refunded:   "Erstattet", returned: "Von der Bank zurückgegeben", credited: "Nicht mehr geschuldet",
	stillToPay: "Noch zu zahlen", stillToPayBy: "Noch zu zahlen bis {date}",
	barPaid: "{paid} bezahlt", barPaidAndOnItsWay: "{paid} bezahlt, {way} unterwegs",
	refundRule: "Erstattungen gehen binnen 10 Tagen auf die Karte oder das Konto zurück, womit bezahlt wurde.",
	questions:  "Fragen: {contact}", check: "Diese Quittung prüfen: {address}",
	issued:   "{number}, Fassung {revision} von {revisions}, ausgestellt {moment}.",
	reissued: "{number}, Fassung {revision} von {revisions} (ersetzt Fassung {before}), ausgestellt {moment}.",
	page:     "Seite {page} von {pages}",

	invoice: "Rechnung", paidStamp: "BEZAHLT", toPay: "zu zahlen", stillToPayOf: "noch zu zahlen von {total}",
	fullyPaid: "Diese Rechnung ist vollständig bezahlt.", allOnItsWay: "Der Rest ist unterwegs von einer Bank.",
	dueOn: "Fällig am {day}", payByPhone: "Mit dem Telefon zahlen: scannen",
	orOpen:   "Oder diese Adresse öffnen:",
	billedTo: "Für", taxID: "Steuernummer", invoiceDate: "Datum", due: "Fällig",
	description: "Beschreibung", quantity: "Menge", unitPrice: "Preis", taxRate: "Steuer",
	amount: "Betrag", subtotal: "Zwischensumme", total: "Gesamt", paid: "Bezahlt",
	invoiceIssued: "{number}, vom {date}.",

	permission: "Erlaubnis zum Einzug", permissionFrom: "einmal, von {account}",
	permissionBy: "Erteilt von", permissionGiven: "Erteilt am", permissionAt: "Von der Adresse",
	permissionVersion: "Text", permissionKept: "Abschrift Ihrer Vereinbarung mit {firm}. Keine Quittung.",

	months: [12]string{
		"Januar", "Februar", "März", "April", "Mai", "Juni", "Juli", "August", "September",
		"Oktober", "November", "Dezember",
	},
	weekdays: [7]string{
		"Sonntag", "Montag", "Dienstag", "Mittwoch", "Donnerstag", "Freitag", "Samstag",
	},
	firstOfMonth: "1", date: "{day}. {month} {year}", nearDate: "{day}. {month}",
	weekday: "{weekday}, {date}", fullMoment: "{weekday}, {date} um {time} Uhr {zone}",
	issuedMoment: "{date}, {time} Uhr {zone}",
}
