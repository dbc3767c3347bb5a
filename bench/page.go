package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"time"
)

// pages compares the payment page, as the installed server answers it, with a static file at so many connections.
func pages(connections int, least float64) func(context.Context, bench) ([]contender, func(), error) {
	return func(ctx context.Context, b bench) ([]contender, func(), error) {
		address, stop, err := startStatic(ctx)
		if err != nil {
			return nil, nil, err
		}
		s, err := startSite(ctx, b)
		if err != nil {
			stop()
			return nil, nil, err
		}
		return []contender{
			{name: "net/http, static 6 KB", run: func(ctx context.Context) (float64, error) {
				return load(ctx, address, nil, connections, b.time)
			}},
			{name: "payment page, SQLite", least: least, run: func(ctx context.Context) (float64, error) {
				return load(ctx, s.page, s.header(), connections, b.time)
			}},
		}, func() { s.stop(); stop() }, nil
	}
}

// firstPage measures from the start of the binary, on a database that is there, to the payment page.
func firstPage(ctx context.Context, b bench) ([]contender, func(), error) {
	s, err := startSite(ctx, b)
	if err != nil {
		return nil, nil, err
	}
	return []contender{{name: "paylink serve", most: 100, run: func(ctx context.Context) (float64, error) {
		s.down()
		begin := time.Now()
		if err := s.serve(ctx); err != nil {
			return 0, err
		}
		if err := s.await(ctx, s.page); err != nil {
			return 0, err
		}
		return float64(time.Since(begin).Microseconds()) / 1000, nil
	}}}, s.stop, nil
}

// weight measures what the payment page makes a browser fetch from us: the document, and what it and its styles name
// on our origin. Stripe's own script and frame are not ours to weigh, and a lazy picture is for paper alone: no browser
// fetches it for a screen that does not show it.
func weight(ctx context.Context, b bench) ([]contender, func(), error) {
	s, err := startSite(ctx, b)
	if err != nil {
		return nil, nil, err
	}
	return []contender{{name: "document, styles, scripts, pictures", most: 20, run: func(ctx context.Context) (float64, error) {
		n, err := s.weigh(ctx)
		return float64(n) / 1024, err
	}}}, s.stop, nil
}

// named are the addresses that a document or a style sheet loads.
var named = regexp.MustCompile(`(?:<link[^>]+rel="?(?:stylesheet|icon|preload|modulepreload|manifest)"?[^>]*href="([^"]+)"|<link[^>]+href="([^"]+)"[^>]*rel="?(?:stylesheet|icon|preload|modulepreload|manifest)|<(?:script|img|source)[^>]+src="([^"]+)"|url\(["']?([^"')]+))`)

var lazy = regexp.MustCompile(`<img[^>]+loading="?lazy"?[^>]*>`)

func (s *site) weigh(ctx context.Context) (int, error) {
	total := 0
	seen := []string{s.page}
	for i := 0; i < len(seen); i++ {
		status, body, err := s.get(ctx, seen[i])
		if err != nil {
			return 0, err
		}
		if status != http.StatusOK {
			return 0, fmt.Errorf("%s answered %d", seen[i], status)
		}
		total += len(body)
		base, err := url.Parse(seen[i])
		if err != nil {
			return 0, err
		}
		for _, m := range named.FindAllSubmatch(lazy.ReplaceAll(plain(body), nil), -1) {
			ref, err := base.Parse(string(bytes.Join(m[1:], nil)))
			if err != nil || ref.Host != base.Host {
				continue
			}
			ref.Fragment = ""
			if !slices.Contains(seen, ref.String()) {
				seen = append(seen, ref.String())
			}
		}
	}
	return total, nil
}

// plain is the body uncompressed, if it was compressed.
func plain(body []byte) []byte {
	r, err := gzip.NewReader(bytes.NewReader(body))
	if err != nil {
		return body
	}
	out, err := io.ReadAll(r)
	if err != nil {
		return body
	}
	return out
}
