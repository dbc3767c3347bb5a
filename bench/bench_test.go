package main

import (
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

func TestContendersTakeTurns(t *testing.T) {
	var order []string
	contend := func(name string, least float64, figures ...float64) contender {
		return contender{name: name, least: least, run: func(context.Context) (float64, error) {
			order = append(order, name)
			f := figures[0]
			figures = figures[1:]
			return f, nil
		}}
	}
	g := group{name: "g", prepare: func(context.Context, bench) ([]contender, func(), error) {
		return []contender{contend("y", 0, 10, 20, 40), contend("a", 0.5, 5, 10, 4), contend("b", 0.5, 1, 2, 40)}, func() {}, nil
	}}
	rows, err := g.measure(t.Context(), bench{}, 3)
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(order, ""); got != "yabbayyab" {
		t.Errorf("order %s", got)
	}
	// a is at 0.5, 0.5, 0.1 of its own round's yardstick, b at 0.1, 0.1, 1.
	if !rows[1].reached() || rows[2].reached() {
		t.Errorf("a %v, b %v", rows[1].ratios, rows[2].ratios)
	}
	var out strings.Builder
	table(&out, g, rows)
	if s := out.String(); !strings.Contains(s, "≥ 0.5 ×, reached") || !strings.Contains(s, "≥ 0.5 ×, MISSED") || !strings.Contains(s, "0.500 [0.100–0.500]") {
		t.Error(s)
	}
}

func TestMedian(t *testing.T) {
	for want, figures := range map[float64][]float64{2: {3, 1, 2}, 2.5: {4, 1, 3, 2}, 7: {7}} {
		if got := median(figures); got != want {
			t.Errorf("median of %v is %v", figures, got)
		}
	}
}

func TestLoadCountsWholeAnswers(t *testing.T) {
	for name, write := range map[string]func(http.ResponseWriter){
		"with a length": func(w http.ResponseWriter) { _, _ = w.Write([]byte("short")) },
		"in chunks": func(w http.ResponseWriter) {
			_, _ = w.Write([]byte("one"))
			_ = http.NewResponseController(w).Flush()
			_, _ = w.Write([]byte("two"))
		},
	} {
		t.Run(name, func(t *testing.T) {
			var served atomic.Int64
			s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.Header.Get("Cookie") == "a=b" && r.URL.RawQuery == "x=1" {
					served.Add(1)
				}
				write(w)
			}))
			defer s.Close()
			rate, err := load(t.Context(), s.URL+"/p?x=1", http.Header{"Cookie": {"a=b"}}, 4, 100*time.Millisecond)
			if err != nil {
				t.Fatal(err)
			}
			if most := float64(served.Load()) / 0.1; rate <= 0 || rate > most {
				t.Errorf("%v a second, of at most %v", rate, most)
			}
		})
	}

	t.Run("and refuses an error page", func(t *testing.T) {
		s := httptest.NewServer(http.NotFoundHandler())
		defer s.Close()
		if _, err := load(t.Context(), s.URL, nil, 2, time.Minute); err == nil || !strings.Contains(err.Error(), "404") {
			t.Errorf("error %v", err)
		}
	})
}

func TestSyncsEndsInTime(t *testing.T) {
	f, err := os.Create(filepath.Join(t.TempDir(), "probe"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if rate, err := syncs(t.Context(), f, 20*time.Millisecond); err != nil || rate <= 0 {
		t.Errorf("%v, %v", rate, err)
	}
}
