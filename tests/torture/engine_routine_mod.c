// SPDX-License-Identifier: GPL-2.0-only
/* The routine of all timers: what it checks and what it does */
#include <linux/delay.h>
#include <linux/device.h>
#include <linux/interrupt.h>
#include <linux/ktime.h>
#include <linux/prandom.h>

#include "engine_mod.h"

struct rnd_state walk_rnd;

/* P2: no second call in this tick, and none left out since the last call. */
static void check_tick(struct subject *s)
{
	int starting = atomic_read(&s->starting);
	struct iotimer_stats stats;
	int starts;

	smp_rmb();	/* pairs with the full barriers in start_timer() */
	starts = atomic_read(&s->starts);
	iotimer_get_stats(&stats);	/* the number changes between walks only */

	expect(stats.ticks != s->tick, CHECK_TWICE);
	/* Not started since the last call, so it has not been stopped either. */
	if (s->tick && s->certain && !starting && starts == s->seen_starts) {
		expect(stats.ticks == s->tick + 1, CHECK_MISSED);
		did(OP_CERTAIN);
	}
	WRITE_ONCE(s->tick, stats.ticks);
	s->seen_starts = starts;
	s->certain = !starting;
}

bool ending;
struct subject *last_one;

/*
 * Stay until all other timers are destroyed, and the destroy of this one waits for
 * this routine. After it the walk continues, and the group goes.
 */
static void outlast_others(struct subject *s)
{
	ktime_t end = ktime_add_ms(ktime_get(), 1000);

	if (cmpxchg(&last_one, NULL, s))
		return;
	while (atomic_read(&in_group) > 1 || iotimer_enabled(s->timer))
		if (ktime_after(ktime_get(), end))
			return;
	did(OP_OUTLASTED);
}

/* Give workers the time for some operations on this timer. */
static void linger(struct subject *s)
{
	ktime_t end = ktime_add_ms(ktime_get(), 2);
	int visits = atomic_read(&s->visits);

	while (atomic_read(&s->visits) - visits < 8 && ktime_before(ktime_get(), end))
		cpu_relax();
}

/* Start and stop this timer or others. */
static void act(struct subject *s)
{
	struct rnd_state *rnd = &walk_rnd;
	struct subject *other = &subjects[(s - subjects + 1 + below(rnd, 6)) %
					  READ_ONCE(nr_subjects)];
	unsigned int choice = below(rnd, 16);

	if (choice < 6) {
		/* A stop_sync that waits for this routine must undo the start. */
		if (choice < 3) {
			linger(s);
			if (below(rnd, 2))
				start_timer(s);
		}
		return;
	}
	did(OP_ROUTINE);
	switch (choice) {
	case 6:
		if (!READ_ONCE(s->steady))
			stop(s);
		break;
	case 7:
	case 8:
		start_timer(s);
		break;
	case 9:
		if (!READ_ONCE(s->steady))
			stop_sync(s);
		break;
	case 10:
		if (!READ_ONCE(s->steady)) {
			stop_sync(s);
			start_timer(s);
		}
		break;
	case 11:
	case 12:
		/* It must not be called, though the walk has collected it. */
		if (other == s || READ_ONCE(other->steady) || !gate_enter(&other->users))
			break;
		if (gate_try_close(&other->starters))
			claim_quiet(other, below(rnd, 16) ? 1 : HZ + HZ / 2);
		gate_leave(&other->users);
		break;
	default:
		if (other != s)
			poke(rnd, other);
	}
}

void torture_watchdog(struct device *dev, void *arg)
{
	struct context *context = arg;
	struct subject *s;

	expect(!READ_ONCE(context->dead), CHECK_DEAD);
	s = context->subject;
	if (!expect(s >= subjects && s < subjects + NR_SUBJECTS &&
		    dev == &s->dev && context == READ_ONCE(s->context), CHECK_FOREIGN))
		return;
	did(OP_CALL);
	expect(!READ_ONCE(s->quiet), CHECK_NOT_QUIET);
	expect(in_serving_softirq() && !irqs_disabled(), CHECK_CONTEXT);
	expect(!READ_ONCE(s->inside), CHECK_TWICE);
	WRITE_ONCE(s->inside, true);
	WRITE_ONCE(being_called, s);

	check_tick(s);
	WRITE_ONCE(s->cpu, smp_processor_id());
	if (READ_ONCE(s->once)) {
		stop(s);
	} else {
		if (READ_ONCE(ending))
			outlast_others(s);
		else if (!below(&walk_rnd, HOLD_EVERY))
			hold_on(s);
		act(s);
	}

	WRITE_ONCE(being_called, NULL);
	WRITE_ONCE(s->inside, false);
}
