-- +goose Up

-- answer_by: when the evidence about a dispute is due; 0 when none is asked for.
alter table dispute add column answer_by integer not null default 0;
