package desk

import (
	"net/url"
	"strconv"
	"time"

	"paylink/store"
	"paylink/templates"
	"paylink/web/page"
)

// perPage is how many rows a list shows.
const perPage = 50

// listed is a page of a list: what to ask the store for, and the address without the cursor.
type listed struct {
	store.Page
	path  string
	query url.Values
}

// readList reads which page of a list is asked for; kept are the filters that go along.
func readList(path string, query page.Form, kept ...string) listed {
	l := listed{Page: store.Page{Limit: perPage}, path: path, query: url.Values{}}
	for _, name := range kept {
		if value := query.Text(name); value != "" {
			l.query.Set(name, value)
		}
	}
	if l.Cursor = query.Get("after"); l.Cursor == "" && query.Get("before") != "" {
		l.Cursor, l.Newer = query.Get("before"), true
	}
	return l
}

func (l listed) at(name, cursor string) string {
	query := url.Values{}
	for key, values := range l.query {
		query[key] = values
	}
	if cursor != "" {
		query.Set(name, cursor)
	}
	if len(query) == 0 {
		return l.path
	}
	return l.path + "?" + query.Encode()
}

// short says whether the page is the newest one reached from behind: it may hold only what was made
// since, so the whole first page is shown in its place.
func (l listed) short(next string) bool { return l.Newer && next == "" }

// first is the newest page.
func (l listed) first() listed {
	l.Cursor, l.Newer = "", false
	return l
}

// paging gives the addresses of the pages beside this one; first and last are its outermost rows.
func (l listed) paging(next string, rows int, key func(int) (time.Time, string)) templates.Paging {
	var p templates.Paging
	if rows == 0 {
		return p
	}
	newer, older := "", next
	if l.Newer {
		newer, older = next, store.Cursor(key(rows-1))
	} else if l.Cursor != "" {
		newer = store.Cursor(key(0))
	}
	if newer != "" {
		p.Newer = l.at("before", newer)
	}
	if older != "" {
		p.Older = l.at("after", older)
	}
	return p
}

func itoa(n int) string { return strconv.Itoa(n) }
