package store

import (
	"context"
	"encoding/json"
	"time"

	"paylink"
)

// Task is something that a person has to look at.
type Task struct {
	ID        string
	Kind      string
	Subject   string
	Code      string // the sentence in the catalogue
	Args      json.RawMessage
	CreatedAt time.Time
	DoneAt    time.Time
}

// taskList is how many tasks a list shows at most.
const taskList = 500

// Tasks lists tasks, newest first: the open ones, or those that are done.
func (r reads) Tasks(ctx context.Context, open bool) ([]Task, error) {
	condition := "done_at > 0"
	if open {
		condition = "done_at = 0"
	}
	list, err := all(ctx, r, func(r row) (t Task, err error) {
		var args string
		err = r.Scan(&t.ID, &t.Kind, &t.Subject, &t.Code, &args, moment{&t.CreatedAt}, moment{&t.DoneAt})
		t.Args = json.RawMessage(args)
		return t, err
	}, "select id, kind, subject, code, args, created_at, done_at from task where "+condition+
		" order by created_at desc, id desc limit $1", taskList)
	return list, found("task", err)
}

// TaskKnown says whether there ever was a task of a kind for a subject, done or not.
func (r reads) TaskKnown(ctx context.Context, kind, subject string) (bool, error) {
	known, err := all(ctx, r, value[string], "select id from task where kind = $1 and subject = $2 limit 1", kind, subject)
	return len(known) > 0, found("task", err)
}

// InsertTask opens a task, unless one of that kind is open for the subject.
func (t *Tx) InsertTask(ctx context.Context, kind, subject, code string, args any, at time.Time) error {
	if args == nil {
		args = struct{}{}
	}
	text, err := json.Marshal(args)
	if err != nil {
		return wrote("task", err)
	}
	_, err = t.exec(ctx, `insert into task (id, kind, subject, code, args, created_at, done_at)
		values ($1, $2, $3, $4, $5, $6, 0) on conflict (kind, subject) where done_at = 0 do nothing`,
		paylink.NewID("tsk", at), kind, subject, code, string(text), micros(at))
	return wrote("task", err)
}

// DoneTask closes the task of a kind that is open for a subject, if any.
func (t *Tx) DoneTask(ctx context.Context, kind, subject string, at time.Time) error {
	_, err := t.exec(ctx, "update task set done_at = $3 where kind = $1 and subject = $2 and done_at = 0", kind, subject, micros(at))
	return wrote("task", err)
}
