-- +goose Up

-- login_at: when the account's bank asked for its login again; 0 while it does not.
alter table method add column login_at integer not null default 0;
