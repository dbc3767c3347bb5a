package sandbox

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// journal keeps the account in a file: one line a transaction, written before the answer goes out, so that a
// kill -9 loses nothing that anybody was told. Nothing is synced: a power cut may lose the last lines.
type journal struct {
	path string
	file *os.File
	size int64
	base int64 // size after the last compaction
}

// compactAbove is how large a journal grows, beyond twice its compacted size, before it is written anew.
const compactAbove = 64 << 20

// blank makes an empty object of a kind, to read a journal line into.
func blank(kind string) (object, error) {
	switch kind {
	case "clock":
		return &clockOffset{}, nil
	case "task":
		return &task{}, nil
	case "truth":
		return &truthEntry{}, nil
	case "idempotency":
		return &idempotent{}, nil
	case "delivery":
		return &delivery{}, nil
	case "event":
		return &event{}, nil
	case "customer":
		return &customer{}, nil
	case "payment_method":
		return &paymentMethod{}, nil
	case "confirmation_token":
		return &confirmationToken{}, nil
	case "payment_intent":
		return &paymentIntent{}, nil
	case "charge":
		return &charge{}, nil
	case "refund":
		return &refund{}, nil
	case "balance_transaction":
		return &balanceTransaction{}, nil
	case "dispute":
		return &dispute{}, nil
	case "plaid_link_token":
		return &linkToken{}, nil
	case "plaid_session":
		return &linkSession{}, nil
	case "plaid_public_token":
		return &publicToken{}, nil
	case "plaid_item":
		return &plaidItem{}, nil
	case "plaid_key":
		return &plaidKey{}, nil
	case "bank_account":
		return &bankSource{}, nil
	case "mandate":
		return &mandate{}, nil
	case "setup_intent":
		return &setupIntent{}, nil
	case "bank_token":
		return &bankToken{}, nil
	}
	return nil, fmt.Errorf("unknown kind %q", kind)
}

// openJournal reads the account kept at path, and leaves the file compacted and open for more.
func openJournal(path string) (*journal, *state, error) {
	st := newState()
	file, err := os.Open(path)
	switch {
	case errors.Is(err, os.ErrNotExist):
	case err != nil:
		return nil, nil, fmt.Errorf("open %s: %w", path, err)
	default:
		err := st.replay(file)
		file.Close()
		if err != nil {
			return nil, nil, fmt.Errorf("read %s: %w", path, err)
		}
	}
	j := &journal{path: path}
	if err := j.compact(st); err != nil {
		return nil, nil, err
	}
	return j, st, nil
}

// replay applies the lines of a journal. A last line without its end was cut off by a crash before anybody heard
// of it, and is left out.
func (s *state) replay(r io.Reader) error {
	in := bufio.NewReaderSize(r, 1<<20)
	for n := 1; ; n++ {
		line, err := in.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		var changes []change
		if err := json.Unmarshal(line, &changes); err != nil {
			return fmt.Errorf("line %d: %w", n, err)
		}
		for i := range changes {
			if changes[i].Remove != "" {
				continue
			}
			o, err := blank(changes[i].Kind)
			if err == nil {
				err = json.Unmarshal(changes[i].Object, o)
			}
			if err != nil {
				return fmt.Errorf("line %d: %w", n, err)
			}
			changes[i].live = o
		}
		s.apply(changes)
	}
}

// write adds one transaction.
func (j *journal) write(changes []change) error {
	if j == nil || len(changes) == 0 {
		return nil
	}
	line, err := json.Marshal(changes)
	if err != nil {
		return fmt.Errorf("encode journal: %w", err)
	}
	n, err := j.file.Write(append(line, '\n'))
	if err != nil {
		// What was written of the line must not stand before the next one.
		if cutErr := j.file.Truncate(j.size); cutErr != nil {
			return fmt.Errorf("write journal: %w (and cutting it back: %w)", err, cutErr)
		}
		return fmt.Errorf("write journal: %w", err)
	}
	j.size += int64(n)
	return nil
}

// compact writes the journal anew with each object once, and takes it into use by rename.
func (j *journal) compact(s *state) error {
	tmp, err := os.CreateTemp(filepath.Dir(j.path), filepath.Base(j.path)+".*")
	if err != nil {
		return fmt.Errorf("compact journal: %w", err)
	}
	defer os.Remove(tmp.Name()) // no longer there once renamed
	w := bufio.NewWriterSize(tmp, 1<<20)
	for kind, t := range s.tables {
		for _, key := range t.order {
			raw, err := json.Marshal(t.byKey[key])
			if err != nil {
				return fmt.Errorf("compact journal: %w", err)
			}
			line, err := json.Marshal([]change{{Kind: kind, Object: raw}})
			if err != nil {
				return fmt.Errorf("compact journal: %w", err)
			}
			_, _ = w.Write(append(line, '\n')) // the error is kept until Flush
		}
	}
	if err := w.Flush(); err != nil {
		return fmt.Errorf("compact journal: %w", err)
	}
	if err := tmp.Sync(); err != nil {
		return fmt.Errorf("compact journal: %w", err)
	}
	size, err := tmp.Seek(0, io.SeekEnd)
	if err != nil {
		return fmt.Errorf("compact journal: %w", err)
	}
	if err := os.Rename(tmp.Name(), j.path); err != nil {
		return fmt.Errorf("compact journal: %w", err)
	}
	if j.file != nil {
		j.file.Close() // the old file has no name any more
	}
	j.file, j.size, j.base = tmp, size, size
	return nil
}

func (j *journal) full() bool { return j != nil && j.size > 2*j.base+compactAbove }

func (j *journal) close() error {
	if j == nil || j.file == nil {
		return nil
	}
	if err := j.file.Sync(); err != nil {
		j.file.Close()
		return fmt.Errorf("close journal: %w", err)
	}
	return j.file.Close()
}
