-- +goose Up

-- What went back since a day, for the first page of the desk.
create index refund_moved on refund (moved_at) where status in ('pending', 'requires_action', 'succeeded');
create index dispute_withdrawn on dispute (opened_at) where withdrawn > 0;
