package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"sync"
	"sync/atomic"
	"time"
)

// load asks for the same thing over and over on connections that are kept open, for a while, and returns how many
// whole answers a second came. Any answer but 200 ends it: an error page is fast and proves nothing.
//
// It writes prepared bytes and reads no more of an answer than where it ends, because it runs on the server's cores:
// what it spends, the server lacks.
func load(ctx context.Context, address string, header http.Header, connections int, d time.Duration) (float64, error) {
	u, err := url.Parse(address)
	if err != nil {
		return 0, fmt.Errorf("load: %w", err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return 0, fmt.Errorf("load: %w", err)
	}
	request := fmt.Appendf(nil, "GET %s HTTP/1.1\r\nHost: %s\r\n", u.RequestURI(), u.Host)
	for name, values := range header {
		for _, v := range values {
			request = fmt.Appendf(request, "%s: %s\r\n", name, v)
		}
	}
	request = append(request, "\r\n"...)

	ctx, cancel := context.WithTimeout(ctx, d+30*time.Second) // an answer that never comes
	defer cancel()
	var answers atomic.Int64
	var wg sync.WaitGroup
	errs := make(chan error, connections)
	begin := time.Now()
	end := begin.Add(d)
	for range connections {
		wg.Go(func() {
			if err := ask(ctx, u.Host, req, request, end, &answers); err != nil {
				errs <- err
				cancel()
			}
		})
	}
	wg.Wait()
	took := time.Since(begin)
	close(errs)
	if err := <-errs; err != nil {
		return 0, fmt.Errorf("load on %s: %w", u.Path, err)
	}
	return float64(answers.Load()) / took.Seconds(), nil
}

// ask is one connection.
func ask(ctx context.Context, host string, req *http.Request, request []byte, end time.Time, answers *atomic.Int64) error {
	var d net.Dialer
	conn, err := d.DialContext(ctx, "tcp", host)
	if err != nil {
		return err
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })()
	r := bufio.NewReaderSize(conn, 32<<10)
	for time.Now().Before(end) {
		if _, err := conn.Write(request); err != nil {
			return err
		}
		resp, err := http.ReadResponse(r, req)
		if err != nil {
			return err
		}
		if _, err := io.Copy(io.Discard, resp.Body); err != nil {
			return err
		}
		_ = resp.Body.Close()
		if resp.StatusCode != http.StatusOK {
			return errors.New(resp.Status)
		}
		answers.Add(1)
	}
	return nil
}
