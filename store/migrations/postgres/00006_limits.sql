-- +goose Up

-- limit_count: how often something was done from one place since a moment; old rows are swept.
create table limit_count (
  key text primary key not null,
  since bigint not null,
  n bigint not null
);
create index limit_count_since on limit_count (since);

-- pay_lock: what no card payment is begun by until it ends or staff lift it: a link, or all of them ('cards'). One row a
-- subject; it stays when lifted, because declines are counted from then on.
create table pay_lock (
  subject text primary key not null,
  why text not null,
  declines bigint not null,
  locked_at bigint not null,
  ends_at bigint not null,
  lifted_at bigint not null
);
create index pay_lock_standing on pay_lock (locked_at) where lifted_at < locked_at;
