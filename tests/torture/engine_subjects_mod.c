// SPDX-License-Identifier: GPL-2.0-only
/* Devices with timers, and all that the torture does to them */
#include <linux/delay.h>
#include <linux/device.h>
#include <linux/jiffies.h>
#include <linux/mutex.h>
#include <linux/prandom.h>
#include <linux/sched.h>
#include <linux/slab.h>

#include "engine_mod.h"

bool gate_enter(struct gate *gate)
{
	if (atomic_inc_return(&gate->inside) > 0)
		return true;
	atomic_dec(&gate->inside);
	return false;
}

void gate_leave(struct gate *gate)
{
	atomic_dec_return(&gate->inside);	/* ordered, unlike atomic_dec() */
}

void gate_close(struct gate *gate)
{
	int inside = atomic_add_return(GATE_CLOSED, &gate->inside);

	while (inside != GATE_CLOSED) {
		usleep_range(20, 50);
		inside = atomic_read(&gate->inside);
	}
	smp_mb();	/* pairs with gate_leave() */
}

bool gate_try_close(struct gate *gate)
{
	return atomic_cmpxchg(&gate->inside, 0, GATE_CLOSED) == 0;
}

void gate_open(struct gate *gate)
{
	atomic_sub_return(GATE_CLOSED, &gate->inside);
}

struct subject *subjects;

unsigned int nr_subjects;

struct subject *being_called;

/*
 * Are timers only destroyed now, and not created? In a storm that lasts a third of a
 * second. In a pulse a jiffy is enough to destroy all, best while a routine runs.
 * The periods are no divisors of the tick's, so that all combinations occur.
 */
static bool only_destroying(void)
{
	if (READ_ONCE(nr_subjects) > NR_PULSED)
		return jiffies / (HZ / 3) % 4 == 3;
	return jiffies % 3 == 2;
}

/*
 * Timers in each page, which is a chunk; two pages may share a counter. Counted
 * after create and destroy, so not exact.
 */
static atomic_t in_chunk[1024];
atomic_t in_group;

static atomic_t *chunk_count(const struct iotimer *timer)
{
	return &in_chunk[((unsigned long)timer / 4096) % ARRAY_SIZE(in_chunk)];
}

struct subject *any_subject(struct rnd_state *rnd)
{
	struct subject *s = READ_ONCE(being_called);
	unsigned int choice = below(rnd, 8);
	unsigned int i;

	if (!s || choice < 3)
		return &subjects[below(rnd, READ_ONCE(nr_subjects))];
	if (choice < 6)
		return s;
	/* A neighbour is likely to be called next. */
	i = s - subjects + 1 + below(rnd, 4);
	return &subjects[i % READ_ONCE(nr_subjects)];
}

/* Operations on a timer. The caller has entered s->users, or is the routine. */

void start_timer(struct subject *s)
{
	atomic_inc(&s->starting);
	iotimer_start(s->timer);
	atomic_inc(&s->starts);
	atomic_dec(&s->starting);
	did(OP_START);
}

/* Start a timer from anywhere but its own routine. */
static void start(struct subject *s)
{
	if (!gate_enter(&s->starters))
		return;
	start_timer(s);
	gate_leave(&s->starters);
}

void stop(struct subject *s)
{
	iotimer_stop(s->timer);
	did(OP_STOP);
}

void stop_sync(struct subject *s)
{
	iotimer_stop_sync(s->timer);
	did(OP_STOP_SYNC);
}

/* Stop a timer, and claim that it is not called for some time. s->starters is closed. */
void claim_quiet(struct subject *s, unsigned int jiffies_long)
{
	bool busy = READ_ONCE(s->inside);
	int starts = atomic_read(&s->starts);

	stop_sync(s);
	WRITE_ONCE(s->quiet_until, jiffies + jiffies_long);
	/* Publishes quiet_until; pairs with end_quiet(). */
	smp_store_release(&s->quiet, true);
	expect(!READ_ONCE(s->inside) && !iotimer_enabled(s->timer), CHECK_NOT_QUIET);
	did(OP_QUIET);
	if (busy)
		did(OP_WAITED);
	/* Only the routine can have started it, and stop_sync has stopped it again. */
	if (busy && starts != atomic_read(&s->starts))
		did(OP_UNDONE);
}

/* End the claim if its time is over. The caller holds s->mutex. */
static void end_quiet(struct subject *s)
{
	/* Pairs with the release in claim_quiet(). */
	if (!smp_load_acquire(&s->quiet) ||
	    time_before(jiffies, READ_ONCE(s->quiet_until)))
		return;
	WRITE_ONCE(s->quiet, false);
	gate_open(&s->starters);
}

/* Start or stop a timer, in any context. */
void poke(struct rnd_state *rnd, struct subject *s)
{
	if (!gate_enter(&s->users))
		return;
	if (READ_ONCE(s->steady)) {
		if (!iotimer_enabled(s->timer) || !below(rnd, 256))
			start(s);
	} else if (below(rnd, 3)) {
		start(s);
	} else {
		stop(s);
	}
	gate_leave(&s->users);
}

/* Create and destroy. The caller holds s->mutex. */

bool has_refs(struct subject *s, unsigned int refs)
{
	return expect(kref_read(&s->dev.kobj.kref) == refs, CHECK_REFS);
}

static void allow_failures(bool allow)
{
#ifdef CONFIG_FAULT_INJECTION
	current->make_it_fail = allow && failslab;
#endif
}

static void create(struct subject *s)
{
	struct context *context = kzalloc(sizeof(*context), GFP_KERNEL);
	struct iotimer *timer;

	if (!context)
		return;
	context->subject = s;
	WRITE_ONCE(s->context, context);
	WRITE_ONCE(s->tick, 0);
	has_refs(s, 1);
	allow_failures(true);
	timer = iotimer_create(&s->dev, torture_watchdog, context);
	allow_failures(false);
	if (IS_ERR(timer)) {
		has_refs(s, 1);
		if (PTR_ERR(timer) == -ENOMEM)
			did(OP_ENOMEM);
		else
			expect(false, CHECK_TWO_TIMERS);
		WRITE_ONCE(s->context, NULL);
		kfree(context);
		return;
	}
	has_refs(s, 2);
	did(OP_CREATE);
	atomic_inc(chunk_count(timer));
	atomic_inc(&in_group);
	WRITE_ONCE(s->timer, timer);	/* pairs with neighbour_of() */
	gate_open(&s->starters);
	gate_open(&s->users);
}

void destroy(struct subject *s)
{
	struct context *context = s->context;

	gate_close(&s->users);
	if (READ_ONCE(s->quiet))
		WRITE_ONCE(s->quiet, false);
	else
		gate_close(&s->starters);
	iotimer_destroy(s->timer);
	WRITE_ONCE(context->dead, true);
	did(OP_DESTROY);
	if (atomic_dec_and_test(chunk_count(s->timer)))
		did(OP_CHUNK);
	if (atomic_dec_and_test(&in_group))
		did(OP_GROUP);
	has_refs(s, 1);
	WRITE_ONCE(s->timer, NULL);
	WRITE_ONCE(s->context, NULL);
	kfree(context);
}

static void create_again(struct subject *s)
{
	if (expect(iotimer_create(&s->dev, torture_watchdog, NULL) == ERR_PTR(-EEXIST),
		   CHECK_TWO_TIMERS))
		did(OP_EXISTS);
	has_refs(s, 2);
}

void create_at_last(struct subject *s)
{
	mutex_lock(&s->mutex);
	while (!s->timer)
		create(s);	/* allocations may fail */
	mutex_unlock(&s->mutex);
}

/* Create, destroy or quieten a timer: operations that may sleep. */
void change(struct rnd_state *rnd, struct subject *s)
{
	if (!mutex_trylock(&s->mutex))
		return;
	end_quiet(s);
	if (!s->timer) {
		if (!only_destroying())
			create(s);
	} else if (READ_ONCE(s->steady)) {
		if (!below(rnd, 64))
			create_again(s);
	} else if (!below(rnd, READ_ONCE(s->inside) || only_destroying() ? 4 : 64)) {
		destroy(s);
	} else if (gate_enter(&s->users)) {
		if (gate_try_close(&s->starters))
			claim_quiet(s, READ_ONCE(s->inside) || !below(rnd, 256) ?
					HZ + HZ / 2 : 0);
		gate_leave(&s->users);
		end_quiet(s);
	}
	mutex_unlock(&s->mutex);
}
