package desk

import (
	"context"
	"fmt"
	"time"

	"paylink"
	"paylink/store"
	"paylink/templates"
)

// stamp says when something was, the nearer the shorter: "today 2:05 PM", "November 20, 9:14 AM".
func (v visit) stamp(t time.Time) string {
	switch v.words.Days(t) {
	case 0:
		return v.words.T("desk.today", "at", t)
	case -1:
		return v.words.T("desk.yesterday", "at", t)
	}
	return v.words.Stamp(t)
}

// lastDay is a moment of the last day before an end that may be a midnight.
func lastDay(end time.Time) time.Time { return end.Add(-time.Microsecond) }

// linkNews is the last that is known of a link, in a few words, and whether somebody must act.
func linkNews(v visit, l paylink.Link) (templates.HTML, bool) {
	switch l.State(v.words.Now()) {
	case paylink.LinkRevoked:
		return v.html("desk.news.revoked", "at", v.stamp(l.RevokedAt)), false
	case paylink.LinkPaid:
		return v.html("desk.news.paid", "at", v.stamp(l.PaidAt)), false
	case paylink.LinkExpired:
		return v.html("desk.news.expired", "at", l.LastDay()), false
	case paylink.LinkOpened:
		return v.html("desk.news.opened", "at", v.stamp(l.OpenedAt)), false
	case paylink.LinkBounced:
		if l.Bounce == "" {
			return v.html("desk.news.bounced"), true
		}
		return v.html("desk.news.bounced_why", "why", l.Bounce), true
	case paylink.LinkSent:
		return v.html("desk.news.sent", "at", v.stamp(l.SentAt)), false
	case paylink.LinkQueued:
	}
	return v.html("desk.news.queued"), false
}

// dots are the steps of a link's life: those that it took are done, the one that failed is failed.
func dots(l paylink.Link) (d [4]string) {
	const done = "done"
	d[0] = done
	if !l.SentAt.IsZero() || !l.OpenedAt.IsZero() || !l.PaidAt.IsZero() {
		d[1] = done
	}
	if !l.OpenedAt.IsZero() || !l.PaidAt.IsZero() {
		d[2] = done
	}
	if !l.PaidAt.IsZero() {
		d[3] = done
	}
	if !l.BouncedAt.IsZero() && l.OpenedAt.IsZero() && l.PaidAt.IsZero() {
		d[1] = "failed"
	}
	return d
}

// linkRows tells the links of an invoice, newest first.
func (h *Handlers) linkRows(ctx context.Context, v visit, i paylink.Invoice, links []paylink.Link, who names) ([]templates.LinkRow, error) {
	rows := make([]templates.LinkRow, 0, len(links))
	for _, l := range links {
		now := v.words.Now()
		state := l.State(now)
		r := templates.LinkRow{
			Base: "/desk/links/" + l.ID, To: l.Recipient, Dots: dots(l), State: v.html("desk.link." + string(state)),
			Usable: l.Usable(now) == nil, CanSend: v.can(paylink.Agent) && i.State != paylink.StateVoid,
		}
		r.Resend = r.Usable && state != paylink.LinkPaid
		r.Ended = !r.Usable && state != paylink.LinkPaid
		r.By = v.html("desk.link.by", "who", who.of(l.CreatedBy), "until", l.LastDay())
		if l.ForwardedBy != "" {
			r.By = v.html("desk.link.forwarded", "who", who.of(paylink.Actor("payer:"+l.ForwardedBy)), "until", l.LastDay())
		}
		r.News, r.Failed = linkNews(v, l)
		if state == paylink.LinkQueued {
			if err := h.queued(ctx, v, l, &r); err != nil {
				return nil, err
			}
		}
		rows = append(rows, r)
	}
	return rows, nil
}

// queued says what the mail of a link waits for that nobody was sent yet.
func (h *Handlers) queued(ctx context.Context, v visit, l paylink.Link, r *templates.LinkRow) error {
	_, err := h.store.Job(ctx, "mail.link", fmt.Sprintf("%s/%d", l.ID, l.Version))
	if paylink.KindOf(err) == paylink.NotFound {
		r.State, r.News, r.Resend = v.html("desk.link.copied"), v.html("desk.news.copied"), true
		r.Dots[0] = ""
		return nil
	}
	if err != nil {
		return err
	}
	mails, err := h.store.MailsOf(ctx, l.ID)
	if err != nil || len(mails) == 0 {
		return err
	}
	switch last := mails[0]; last.State {
	case store.MailDeferred:
		r.News = v.html("desk.news.deferred", "why", last.LastError)
	case store.MailDropped:
		r.News, r.Failed = v.html("desk.news.dropped"), true
	case store.MailQueued, store.MailSent, store.MailBounced:
	}
	return nil
}
