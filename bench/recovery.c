// SPDX-License-Identifier: GPL-2.0-only
/*
 * iotimer_bench - the time-outs of a device that does many operations at a time
 *
 * The number of devices is the number of slots here, a power of two. All slots are
 * busy. Each round ends the operation that was begun first, and begins another one
 * in its slot. Contenders are what the block layer does for a request, and a
 * timer_list for each slot.
 */
#include <linux/errno.h>
#include <linux/jiffies.h>
#include <linux/log2.h>
#include <linux/slab.h>

#include "bench.h"
#include "io_recovery.h"

#define ROUNDS	131072	/* a multiple of all numbers of slots */
#define TICKS	10000	/* of a sample; no slot times out in as many */
#define LIMIT	3	/* seconds */

#define measure(name, ...)	bench_measure(name, ROUNDS, __VA_ARGS__)

/* The slot of this round: @mask is the number of slots less one. */
#define turn	(r_ & mask)

/* Begin an operation in each slot, with a generation of 1. */
static void begin_all(struct io_recovery *r, unsigned int limit)
{
	unsigned int i;

	io_recovery_init(r, bench.nr, limit, 1, 2);
	for (i = 0; i < bench.nr; i++)
		io_recovery_begin(r, i);
}

static int measure_io(struct io_recovery *r)
{
	unsigned int mask = bench.nr - 1, refused = 0;
	u32 generation = 1;	/* of the operation in the slot of this round */

	begin_all(r, LIMIT);
	measure("recovery/io_recovery",
		if (unlikely(!io_recovery_op_interrupt(r, turn, generation)))
			refused++;
		barrier();
		generation = io_recovery_begin(r, turn) - (turn < mask);
		barrier());
	return refused ? -EIO : 0;
}

/* One second of the device: what its routine calls if nothing is due. */
static bool tick(struct io_recovery *r)
{
	return !io_recovery_due(r) && io_recovery_tick(r) == IO_RECOVERY_OK &&
	       !io_recovery_idle(r);
}

/* With all slots busy, and with only the last one. */
static int measure_tick(struct io_recovery *r, const char *name, bool all)
{
	u64 sample[BENCH_MAX_SAMPLES];
	unsigned int s, i;

	for (s = 0; s < bench.samples; s++) {
		begin_all(r, IO_RECOVERY_MAX_LIMIT);
		for (i = 0; i < bench.nr - 1 && !all; i++)
			io_recovery_op_interrupt(r, i, 1);
		msleep(20);
		sample[s] = bench_clock();
		for (i = 0; i < TICKS; i++)
			if (!tick(r))
				return -EIO;
		sample[s] = bench_clock() - sample[s];
	}
	bench_print_ns(name, sample, TICKS);
	return 0;
}

/* What the block layer's struct request has for its time-out. */
struct request {
	unsigned long deadline;
	unsigned int timeout;
	unsigned int flags;
	unsigned int state;
};

#define TIMED_OUT	1
#define MAX_TIMEOUT	(5 * HZ)

static unsigned long block_round_up(unsigned long when)
{
	unsigned long mask = roundup_pow_of_two(HZ) - 1;

	return when + mask + 1;
}

/* As blk_mq_start_request() and blk_add_timer() do. */
static void begin_request(struct request *req, struct timer_list *shared)
{
	unsigned long expires, latest;

	if (!req->timeout)
		req->timeout = LIMIT * HZ;
	req->flags &= ~TIMED_OUT;
	WRITE_ONCE(req->deadline, jiffies + req->timeout);
	expires = block_round_up(req->deadline);
	latest = block_round_up(jiffies + MAX_TIMEOUT);
	if (time_after(expires, latest))
		expires = latest;
	if (!timer_pending(shared) || time_before(expires, shared->expires)) {
		if (!timer_pending(shared) || shared->expires - expires >= HZ / 2)
			mod_timer(shared, expires);
	}
	WRITE_ONCE(req->state, 1);
}

static int measure_block_layer(void)
{
	struct request *requests = kvcalloc(bench.nr, sizeof(*requests),
					    GFP_KERNEL);
	unsigned int mask = bench.nr - 1;
	static struct timer_list shared;

	if (!requests)
		return -ENOMEM;
	timer_setup(&shared, bench_function, 0);
	measure("recovery/block_layer",
		WRITE_ONCE(requests[turn].state, 0);
		barrier();
		begin_request(&requests[turn], &shared);
		barrier());
	timer_delete_sync(&shared);
	kvfree(requests);
	return 0;
}

static int measure_timer_lists(void)
{
	struct timer_list *timers = kvcalloc(bench.nr, sizeof(*timers),
					     GFP_KERNEL);
	unsigned int mask = bench.nr - 1, i;

	if (!timers)
		return -ENOMEM;
	for (i = 0; i < bench.nr; i++) {
		timer_setup(&timers[i], bench_function, 0);
		mod_timer(&timers[i], jiffies + LIMIT * HZ);
	}
	measure("recovery/timer_list",
		timer_delete(&timers[turn]);
		mod_timer(&timers[turn], jiffies + LIMIT * HZ));
	for (i = 0; i < bench.nr; i++)
		timer_delete_sync(&timers[i]);
	kvfree(timers);
	return 0;
}

int bench_recovery(void)
{
	struct io_recovery *r;
	int err;

	if (bench.nr > IO_RECOVERY_MAX_SLOTS || !is_power_of_2(bench.nr))
		return -EINVAL;
	r = kvmalloc(io_recovery_size(bench.nr), GFP_KERNEL);
	if (!r)
		return -ENOMEM;
	bench_print_one("recovery/head", "bytes", sizeof(*r) * 1000);
	bench_print_one("recovery/slot", "bytes",
			(io_recovery_size(bench.nr) - sizeof(*r)) * 1000 / bench.nr);
	err = measure_io(r);
	if (!err)
		err = measure_block_layer();
	if (!err)
		err = measure_timer_lists();
	if (!err)
		err = measure_tick(r, "recovery/tick_all", true);
	if (!err)
		err = measure_tick(r, "recovery/tick_last", false);
	kvfree(r);
	return err;
}
