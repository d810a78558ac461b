/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _TWO_TIMERS_H
#define _TWO_TIMERS_H

#include <linux/spinlock.h>
#include <linux/timer.h>

struct two_host {
	spinlock_t lock;	/* protects all members */
	struct timer_list timer;	/* for commands */
	struct timer_list data_timer;	/* for data */
	int error;
};

void two_host_set(struct two_host *host, bool data, unsigned long deadline);

#endif /* _TWO_TIMERS_H */
