package receipts

import (
	"bytes"
	"compress/zlib"
	"encoding/xml"
	"errors"
	"fmt"
	"image"
	"image/png"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// save writes a document to a file for poppler's tools, which the tests read it with.
func save(t testing.TB, pdf []byte) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "document.pdf")
	if err := os.WriteFile(name, pdf, 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

func poppler(t testing.TB, tool string, args ...string) string {
	t.Helper()
	var out, complaints bytes.Buffer
	command := exec.Command(tool, args...)
	command.Stdout, command.Stderr = &out, &complaints
	if err := command.Run(); err != nil {
		t.Fatalf("%s (of poppler-utils): %v: %s", tool, err, complaints.String())
	}
	if complaints.Len() > 0 {
		t.Errorf("%s complains: %s", tool, complaints.String())
	}
	return out.String()
}

// text is what a reader of the document can copy.
func text(t testing.TB, pdf []byte) string {
	t.Helper()
	return poppler(t, "pdftotext", "-layout", "-enc", "UTF-8", save(t, pdf), "-")
}

// word is one word where it stands, in millimetres from the top left corner of its page.
type word struct {
	page                     int
	text                     string
	left, top, right, bottom float64
}

func wordsOn(t testing.TB, pdf []byte) []word {
	t.Helper()
	decoder := xml.NewDecoder(strings.NewReader(poppler(t, "pdftotext", "-bbox", save(t, pdf), "-")))
	decoder.Strict = false
	var found []word
	page := 0
	for {
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			return found
		}
		if err != nil {
			t.Fatal(err)
		}
		start, ok := token.(xml.StartElement)
		if !ok {
			continue
		}
		switch start.Name.Local {
		case "page":
			page++
		case "word":
			w := word{page: page}
			for _, a := range start.Attr {
				points, err := strconv.ParseFloat(a.Value, 64)
				if err != nil {
					t.Fatal(err)
				}
				mm := points * 25.4 / 72
				switch a.Name.Local {
				case "xMin":
					w.left = mm
				case "yMin":
					w.top = mm
				case "xMax":
					w.right = mm
				case "yMax":
					w.bottom = mm
				}
			}
			if err := decoder.DecodeElement(&w.text, &start); err != nil {
				t.Fatal(err)
			}
			found = append(found, w)
		}
	}
}

// picture is the first page at the given number of dots an inch.
func picture(t testing.TB, pdf []byte, dpi int) image.Image {
	t.Helper()
	name := save(t, pdf)
	poppler(t, "pdftoppm", "-png", "-singlefile", "-r", strconv.Itoa(dpi), name, name)
	file, err := os.Open(name + ".png")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	img, err := png.Decode(file)
	if err != nil {
		t.Fatal(err)
	}
	return img
}

var (
	objectHead = regexp.MustCompile(`^(\d+) 0 obj\n`)
	length     = regexp.MustCompile(`/Length (\d+)`)
)

// objects reads a document by its table of positions, as a reader does, and returns the objects
// without their streams, and the streams unpacked. A position that is off is an error.
func objects(pdf []byte) (dicts []string, streams [][]byte, err error) {
	if !bytes.HasPrefix(pdf, []byte("%PDF-1.")) || !bytes.HasSuffix(pdf, []byte("%%EOF\n")) {
		return nil, nil, fmt.Errorf("no PDF: %.20q", pdf)
	}
	at := bytes.LastIndex(pdf, []byte("startxref\n")) + len("startxref\n")
	table, err := strconv.Atoi(string(pdf[at : at+bytes.IndexByte(pdf[at:], '\n')]))
	if err != nil {
		return nil, nil, err
	}
	if table >= len(pdf) || !bytes.HasPrefix(pdf[table:], []byte("xref\n0 ")) {
		return nil, nil, fmt.Errorf("no table at %d", table)
	}
	lines := strings.Split(string(pdf[table:]), "\n")
	count, err := strconv.Atoi(strings.Fields(lines[1])[1])
	if err != nil {
		return nil, nil, err
	}
	dicts = append(dicts, "trailer "+strings.Join(lines[2+count:], "\n"))
	for n := 1; n < count; n++ {
		position, err := strconv.Atoi(strings.Fields(lines[2+n])[0])
		if err != nil {
			return nil, nil, err
		}
		head := objectHead.FindSubmatch(pdf[position:table])
		if head == nil || string(head[1]) != strconv.Itoa(n) {
			return nil, nil, fmt.Errorf("object %d is not at %d", n, position)
		}
		body := pdf[position:table]
		if s := bytes.Index(body, []byte("stream\n")); s >= 0 && s < bytes.Index(body, []byte("endobj")) {
			size := length.FindSubmatch(body[:s])
			if size == nil {
				return nil, nil, fmt.Errorf("stream of object %d has no length", n)
			}
			bytesLong, _ := strconv.Atoi(string(size[1]))
			stream := body[s+len("stream\n"):][:bytesLong]
			dicts = append(dicts, string(body[:s]))
			if bytes.Contains(body[:s], []byte("/FlateDecode")) {
				reader, err := zlib.NewReader(bytes.NewReader(stream))
				if err != nil {
					return nil, nil, fmt.Errorf("stream of object %d: %w", n, err)
				}
				if stream, err = io.ReadAll(reader); err != nil {
					return nil, nil, fmt.Errorf("stream of object %d: %w", n, err)
				}
			}
			streams = append(streams, stream)
			continue
		}
		dicts = append(dicts, string(body[:bytes.Index(body, []byte("\nendobj"))]))
	}
	return dicts, streams, nil
}
