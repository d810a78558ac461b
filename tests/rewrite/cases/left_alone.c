// SPDX-License-Identifier: GPL-2.0-only
// One timer for each reason why a timer is left alone. Nothing is converted, so nothing is built.
#include <linux/timer.h>

#include "elsewhere.h"

#define POLL_MS 200
#define WARN_TIME (jiffies + HZ / 2)
#define ARM(p, delay) mod_timer(&(p)->macro, jiffies + (delay))

struct part {
	struct timer_list retry;
};

struct other {
	struct timer_list twice;
};

struct driver {
	struct timer_list slots[4];
	struct part part;
	struct timer_list twice, again;
	struct timer_list flags;
	struct timer_list shared;
	struct timer_list body;
	struct timer_list macro;
	struct timer_list use;
	struct timer_list value;
	struct timer_list unknown;
	struct timer_list subsecond;
	struct timer_list deadline;
	struct timer_list slow;
	struct timer_list first;
	struct timer_list delay;
	struct timer_list unseen;
	struct timer_list passed;
	struct timer_list fresh;
	struct timer_list looped;
	struct timer_list postponed;
	struct timer_list each;
	unsigned long period;
	int refs;
};

struct driver_cmd {
	struct timer_list expiry;
	int refs;
};

static struct timer_list alone;

static void alone_poll(struct timer_list *t)
{
	mod_timer(t, jiffies + HZ);
}

static void driver_poll(struct timer_list *t)
{
	struct driver *p = from_timer(p, t, shared);

	p->refs++;
}

static void part_retry(struct timer_list *t)
{
	struct driver *p = from_timer(p, t, part.retry);

	p->refs++;
}

static void twice_out(struct timer_list *t)
{
	struct driver *p = from_timer(p, t, twice);

	p->refs++;
}

static void flags_out(struct timer_list *t)
{
	struct driver *p = from_timer(p, t, flags);

	p->refs++;
}

static void body_out(struct timer_list *t)
{
	struct driver *p = from_timer(p, t, body);

	p->period = t->expires;
}

static void macro_out(struct timer_list *t)
{
	struct driver *p = from_timer(p, t, macro);

	p->refs++;
}

static void use_out(struct timer_list *t)
{
	struct driver *p = from_timer(p, t, use);

	p->refs++;
}

static void value_out(struct timer_list *t)
{
	struct driver *p = from_timer(p, t, value);

	p->refs--;
}

static void unknown_poll(struct timer_list *t)
{
	struct driver *p = from_timer(p, t, unknown);

	mod_timer(&p->unknown, jiffies + p->period);
}

static void subsecond_out(struct timer_list *t)
{
	struct driver *p = from_timer(p, t, subsecond);

	p->refs++;
}

static void deadline_out(struct timer_list *t)
{
	struct driver *p = from_timer(p, t, deadline);

	p->refs++;
}

static void slow_poll(struct timer_list *t)
{
	struct driver *p = from_timer(p, t, slow);

	mod_timer(&p->slow, round_jiffies(jiffies + 2 * HZ));
}

static void first_poll(struct timer_list *t)
{
	struct driver *p = from_timer(p, t, first);

	mod_timer(&p->first, jiffies + HZ);
}

static void delay_over(struct timer_list *t)
{
	struct driver *p = from_timer(p, t, delay);

	p->refs++;
}

static void unseen_out(struct timer_list *t)
{
	struct driver *p = from_timer(p, t, unseen);

	p->refs++;
}

static void passed_out(struct timer_list *t)
{
	struct driver *p = from_timer(p, t, passed);

	p->refs++;
}

static void fresh_out(struct timer_list *t)
{
	struct driver *p = from_timer(p, t, fresh);

	p->refs++;
}

static void looped_out(struct timer_list *t)
{
	struct driver *p = from_timer(p, t, looped);

	p->refs++;
}

static void postponed_poll(struct timer_list *t)
{
	struct driver *p = from_timer(p, t, postponed);

	mod_timer(&p->postponed, jiffies + HZ);
}

static void each_poll(struct timer_list *t)
{
	struct driver *p = from_timer(p, t, each);

	mod_timer(&p->each, jiffies + HZ);
}

static void expiry_out(struct timer_list *t)
{
	struct driver_cmd *cmd = from_timer(cmd, t, expiry);

	cmd->refs++;
}

static void passed_arm(struct driver *p, unsigned long expires)
{
	mod_timer(&p->passed, expires);
}

void driver_begin(struct driver *p, struct container *c)
{
	mod_timer(&c->timer, jiffies + HZ);
	mod_timer(&p->twice, jiffies + HZ);
	mod_timer(&p->flags, jiffies + HZ);
	mod_timer(&p->shared, jiffies + HZ);
	mod_timer(&p->body, jiffies + HZ);
	ARM(p, HZ);
	mod_timer(&p->use, jiffies + HZ);
	timer_reduce(&p->use, jiffies + 2 * HZ);
	if (!mod_timer(&p->value, jiffies + HZ))
		p->refs++;
	mod_timer(&p->unknown, jiffies + HZ);
	mod_timer(&p->subsecond, jiffies + msecs_to_jiffies(POLL_MS));
	mod_timer(&p->deadline, WARN_TIME);
	mod_timer(&p->slow, jiffies + 2 * HZ);
	mod_timer(&p->first, jiffies);
	mod_timer(&p->delay, jiffies + HZ);
	mod_timer(&p->unseen, jiffies + p->period);
	mod_timer(&p->looped, jiffies + HZ);
	mod_timer(&p->postponed, jiffies + HZ);
}

void driver_pass(struct driver *p, bool quick)
{
	unsigned long limit = jiffies + HZ;

	if (quick)
		limit = jiffies + HZ / 10;
	passed_arm(p, limit);
}

void driver_fresh(struct driver *p)
{
	timer_setup(&p->fresh, fresh_out, 0);
	mod_timer(&p->fresh, jiffies + HZ);
}

void driver_cmd_begin(struct driver_cmd *cmd)
{
	mod_timer(&cmd->expiry, jiffies + HZ);
}

void driver_cmd_done(struct driver_cmd *cmd)
{
	timer_delete(&cmd->expiry);
}

void driver_start(struct driver *p)
{
	mod_timer(&p->each, jiffies + HZ);
}

void driver_done(struct driver *p)
{
	timer_delete(&p->twice);
	timer_delete(&p->flags);
	timer_delete(&p->shared);
	timer_delete(&p->body);
	timer_delete(&p->macro);
	timer_delete(&p->use);
	if (timer_delete(&p->value))
		p->refs--;
	timer_delete(&p->subsecond);
	timer_delete(&p->deadline);
	timer_delete(&p->unseen);
	timer_delete(&p->passed);
	timer_delete(&p->fresh);
	timer_delete(&p->looped);
}

void driver_remove(struct driver *p)
{
	timer_delete_sync(&p->delay);
}

void driver_setup(struct driver *p, struct container *c, int i)
{
	timer_setup(&alone, alone_poll, 0);
	timer_setup(&p->slots[i], driver_poll, 0);
	timer_setup(&p->part.retry, part_retry, 0);
	timer_setup(&c->timer, driver_poll, 0);
	timer_setup(&p->twice, twice_out, 0);
	timer_setup(&p->flags, flags_out, TIMER_DEFERRABLE);
	timer_setup(&p->shared, driver_poll, 0);
	timer_setup(&p->body, body_out, 0);
	timer_setup(&p->macro, macro_out, 0);
	timer_setup(&p->use, use_out, 0);
	timer_setup(&p->value, value_out, 0);
	timer_setup(&p->unknown, unknown_poll, 0);
	timer_setup(&p->subsecond, subsecond_out, 0);
	timer_setup(&p->deadline, deadline_out, 0);
	timer_setup(&p->slow, slow_poll, 0);
	timer_setup(&p->first, first_poll, 0);
	timer_setup(&p->delay, delay_over, 0);
	timer_setup(&p->unseen, unseen_out, 0);
	timer_setup(&p->passed, passed_out, 0);
	timer_setup(&p->postponed, postponed_poll, 0);
	for (i = 0; i < 4; i++)
		timer_setup(&p[i].looped, looped_out, 0);
	while (i--) {
		timer_setup(&p[i].each, each_poll, 0);
		driver_start(&p[i]);
	}
}

void driver_cmd_setup(struct driver_cmd *cmd)
{
	timer_setup(&cmd->expiry, expiry_out, 0);
}
