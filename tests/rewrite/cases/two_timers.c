// SPDX-License-Identifier: GPL-2.0-only
// Two timers in one struct, which a header declares. They are armed with a deadline,
// and only the function that computes it shows how far away it is.
#include <linux/module.h>
#include <linux/slab.h>

#include "two_timers.h"

void two_host_set(struct two_host *host, bool data, unsigned long deadline)
{
	if (data)
		mod_timer(&host->data_timer, deadline);
	else
		mod_timer(&host->timer, deadline);
}

void two_host_begin(struct two_host *host, unsigned int busy_seconds);
void two_host_begin(struct two_host *host, unsigned int busy_seconds)
{
	unsigned long deadline = jiffies;

	deadline += HZ * (busy_seconds ? busy_seconds : 10);
	two_host_set(host, busy_seconds, deadline);
}

static void two_host_done(struct two_host *host, bool data)
{
	if (data)
		timer_delete(&host->data_timer);
	else
		timer_delete(&host->timer);
}

static void two_host_timed_out(struct timer_list *t)
{
	struct two_host *host;
	unsigned long flags;

	host = timer_container_of(host, t, timer);

	spin_lock_irqsave(&host->lock, flags);
	host->error = -ETIMEDOUT;
	spin_unlock_irqrestore(&host->lock, flags);
}

static void two_host_data_timed_out(struct timer_list *t)
{
	struct two_host *host = timer_container_of(host, t,
						   data_timer);

	two_host_done(host, false);
	host->error = -EIO;
}

struct two_host *two_host_new(void);
struct two_host *two_host_new(void)
{
	struct two_host *host = kzalloc(sizeof(*host), GFP_KERNEL);

	if (!host)
		return NULL;
	spin_lock_init(&host->lock);
	timer_setup(&host->timer, two_host_timed_out, 0);
	timer_setup(&host->data_timer, two_host_data_timed_out, 0);
	return host;
}

void two_host_free(struct two_host *host);
void two_host_free(struct two_host *host)
{
	timer_delete_sync(&host->timer);
	timer_shutdown_sync(&host->data_timer);
	kfree(host);
}
MODULE_LICENSE("GPL");
