package templates

import "html/template"

// icons are drawn on a grid of 20, stroked by the text's colour.
var icons = map[string]string{
	"tick":     `<path d="m4.5 10.5 3.6 3.6 7.4-8"/>`,
	"cross":    `<path d="m5.5 5.5 9 9m0-9-9 9"/>`,
	"dash":     `<path d="M5 10h10"/>`,
	"plus":     `<path d="M10 4.5v11M4.5 10h11"/>`,
	"pen":      `<path d="m4 16 .8-3.4 8.3-8.3a1.6 1.6 0 0 1 2.3 0l.3.3a1.6 1.6 0 0 1 0 2.3l-8.3 8.3L4 16Z"/>`,
	"envelope": `<rect x="3" y="4.8" width="14" height="10.6" rx="1.8"/><path d="m3.4 6.4 6.6 4.8 6.6-4.8"/>`,
	"clock":    `<circle cx="10" cy="10" r="7"/><path d="M10 6v4.2l2.6 1.6"/>`,
	"again":    `<path d="M15.8 12.2a6.2 6.2 0 1 1-.6-5.6M15.8 3.6v3.6h-3.6"/>`,
	"padlock":  `<rect x="4.6" y="9" width="10.8" height="7.4" rx="1.6"/><path d="M7 9V6.6a3 3 0 0 1 6 0V9"/>`,
	"shield":   `<path d="M10 2.8 4.2 5v4.6c0 3.7 2.4 6.4 5.8 7.6 3.4-1.2 5.8-3.9 5.8-7.6V5L10 2.8Z"/>`,
	"key":      `<circle cx="7" cy="12.6" r="3.2"/><path d="m9.4 10.4 5.8-5.8m-2.4 2.4 2 2"/>`,
	"triangle": `<path d="M10 3.6 2.8 16h14.4L10 3.6Z"/><path d="M10 8.4v3.4m0 2.1v.1"/>`,
	"circled":  `<circle cx="10" cy="10" r="7"/><path d="m7.6 7.6 4.8 4.8m0-4.8-4.8 4.8"/>`,
	"done":     `<circle cx="10" cy="10" r="7"/><path d="m6.8 10.2 2.3 2.3 4.2-4.7"/>`,
	"back":     `<path d="M7 4.5 3.8 7.7 7 10.9M3.8 7.7h8a4.2 4.2 0 0 1 0 8.4H8"/>`,
	"flag":     `<path d="M5 17V3.6h9.6l-2 3.4 2 3.4H5"/>`,
	"list":     `<path d="M7.4 5.5h9M7.4 10h9M7.4 14.5h9M3.6 5.5h.1M3.6 10h.1M3.6 14.5h.1"/>`,
	"down":     `<path d="m5.5 7.8 4.5 4.5 4.5-4.5"/>`,
	"right":    `<path d="m7.8 5.5 4.5 4.5-4.5 4.5"/>`,
	"left":     `<path d="M12.2 5.5 7.7 10l4.5 4.5"/>`,
	"download": `<path d="M10 3.5v9m-3.6-3.4L10 12.7l3.6-3.6M4 16.4h12"/>`,
	"paper":    `<path d="M5 2.8h6.6L15 6.2v11H5v-14.4Z"/><path d="M11.4 3v3.4h3.4M7.6 10h4.8m-4.8 3.2h4.8"/>`,
	"link":     `<path d="m8.4 11.6 3.2-3.2M9.2 6.2l1.9-1.9a3.3 3.3 0 0 1 4.6 4.6l-1.9 1.9m-3 3-1.9 1.9a3.3 3.3 0 0 1-4.6-4.6l1.9-1.9"/>`,
	"phone":    `<path d="M4.2 3.6h2.6l1.5 3.6-1.8 1.4a9 9 0 0 0 4.9 4.9l1.4-1.8 3.6 1.5v2.6a1 1 0 0 1-1.1 1C8.9 16.3 3.7 11.1 3.2 4.7a1 1 0 0 1 1-1.1Z"/>`,
	"bank":     `<path d="M3 8 10 3.6 17 8H3Zm1.5 7.8h11M3 16.6h14M5.4 8.4v6.8m4.6-6.8v6.8m4.6-6.8v6.8"/>`,
	"card":     `<rect x="2.6" y="4.6" width="14.8" height="10.8" rx="1.8"/><path d="M2.8 8h14.4M5.6 12.2h2.6"/>`,
	"person":   `<circle cx="10" cy="6.8" r="3.2"/><path d="M3.8 16.8c.6-3.2 3-5 6.2-5s5.6 1.8 6.2 5"/>`,
	"people":   `<circle cx="7.6" cy="7" r="2.8"/><path d="M2.4 16c.4-2.8 2.4-4.4 5.2-4.4s4.8 1.6 5.2 4.4M12.8 4.4a2.8 2.8 0 0 1 0 5.2M15 12c1.5.7 2.4 2.1 2.6 4"/>`,
	"gear":     `<circle cx="10" cy="10" r="2.6"/><path d="M10 2.8v2m0 10.4v2M2.8 10h2m10.4 0h2M4.9 4.9l1.4 1.4m7.4 7.4 1.4 1.4M4.9 15.1l1.4-1.4m7.4-7.4 1.4-1.4"/>`,
	"home":     `<path d="M3.4 9.2 10 3.6l6.6 5.6v7.2h-4.4v-4.4H7.8v4.4H3.4V9.2Z"/>`,
	"search":   `<circle cx="8.8" cy="8.8" r="5.2"/><path d="m12.8 12.8 3.8 3.8"/>`,
	"more":     `<path d="M4.5 10h.1m5.4 0h.1m5.4 0h.1"/>`,
	"copy":     `<rect x="7" y="7" width="9.6" height="9.6" rx="1.6"/><path d="M13 7V5a1.6 1.6 0 0 0-1.6-1.6H5A1.6 1.6 0 0 0 3.4 5v6.4A1.6 1.6 0 0 0 5 13h2"/>`,
	"menu":     `<path d="M3.5 5.5h13M3.5 10h13M3.5 14.5h13"/>`,
	"out":      `<path d="M8 3.6H4.4v12.8H8m3-9.6 3.4 3.2-3.4 3.2M14.2 10H7.6"/>`,
	"drift":    `<path d="M4 6.6h11.4m-3-3 3 3-3 3M16 13.4H4.6m3-3-3 3 3 3"/>`,
	"info":     `<circle cx="10" cy="10" r="7"/><path d="M10 9.2v4.2m0-6.9v.1"/>`,
}

// icon draws one, without meaning to a screen reader: a word always stands beside it.
func icon(name string) template.HTML {
	paths, ok := icons[name]
	if !ok {
		panic("templates: no icon is called " + name) // stops the rendering of the page; a test draws all pages
	}
	return template.HTML(`<svg class="i" viewBox="0 0 20 20" aria-hidden="true">` + paths + `</svg>`) //nolint:gosec // from the table above
}
