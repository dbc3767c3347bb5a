package sandbox

import (
	"net/url"
	"testing"
)

func TestSplitKey(t *testing.T) {
	for key, want := range map[string][]string{"a": {"a"}, "a[b]": {"a", "b"}, "a[b][]": {"a", "b", ""}, "a[0][b]": {"a", "0", "b"},
		"a[b": nil, "[b]": nil, "a[b]c": nil, "": nil} {
		got, ok := splitKey(key)
		if ok != (want != nil) || ok && len(got) != len(want) {
			t.Errorf("%q is %q %v", key, got, ok)
		}
	}
}

func TestCanonical_IsTheSameInAnyOrder(t *testing.T) {
	a, _ := parseForm("a=1&b[c]=2&d[]=x&d[]=y")
	b, _ := parseForm("b%5Bc%5D=2&d[]=x&d[]=y&a=1")
	c, _ := parseForm("a=1&b[c]=2&d[]=y&d[]=x")
	if a.canonical() != b.canonical() || a.canonical() == c.canonical() {
		t.Errorf("%q, %q, %q", a.canonical(), b.canonical(), c.canonical())
	}
}

func FuzzParseForm(f *testing.F) {
	for _, seed := range []string{"a=1", "a[b]=1&a[c][]=2", "a[]=1&a=2", "=", "%", "a[[]]=", "a[b=1", "a=1&a[b]=2"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, body string) {
		p, err := parseForm(body)
		if err != nil {
			return
		}
		p.metadata(nil)
		p.words("a")
		p.hash("b").text("c")
		p.number("amount")
		p.problem()
		if again, err := parseForm(body); err != nil || again.canonical() != p.canonical() {
			t.Error("the same body reads differently the second time")
		}
		if _, err := url.ParseQuery(p.canonical()); err != nil {
			_ = err // any text will do, as long as writing it does not fail
		}
	})
}
