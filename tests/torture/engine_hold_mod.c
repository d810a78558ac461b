// SPDX-License-Identifier: GPL-2.0-only
/*
 * P6: a routine may hold: it returns only after a worker has stopped (by stop_sync) or
 * destroyed another timer, all while the routine was running. The routine chooses the
 * other timer, the victim: its neighbour in the walk, if possible in the same word,
 * batch and chunk, so that a wait for any of these is noticed. The workers stop or
 * destroy the victim.
 *
 * A hold has a number, by which a worker knows that it is still the same hold. The
 * worker that has returned, or the routine whose time is up, ends the hold by
 * replacing the number with 0; only one of them succeeds.
 */
#include <linux/cpumask.h>
#include <linux/delay.h>
#include <linux/ktime.h>
#include <linux/prandom.h>
#include <linux/sched.h>

#include "engine_mod.h"

/* Find the nearest timer, above or below this one, that may be stopped. */
static struct subject *neighbour_of(const struct subject *s)
{
	unsigned long here = (unsigned long)s->timer, nearest = ULONG_MAX;
	bool above = below(&walk_rnd, 2);
	struct subject *found = NULL;
	unsigned int i;

	for (i = 0; i < READ_ONCE(nr_subjects); i++) {
		struct subject *other = &subjects[i];
		unsigned long there, distance;

		there = (unsigned long)READ_ONCE(other->timer);
		if (!there || other == s || READ_ONCE(other->steady))
			continue;
		/* On the other side the difference wraps and is large. */
		distance = above ? there - here : here - there;
		if (distance < nearest) {
			nearest = distance;
			found = other;
		}
	}
	return found;
}

static unsigned int hold;		/* number of the current hold, or 0 */
static struct subject *victim;		/* published by the number */
unsigned int nr_holds;			/* written by routines */
atomic_t holds_timed_out;

#define HOLD_LIMIT_MS	5000	/* time for a stop_sync to return */
#define HOLD_ALONE_MS	1000	/* time for a worker to begin one */

static bool end_hold(unsigned int nr)
{
	return cmpxchg(&hold, nr, 0) == nr;
}

/* Count the workers inside a stop_sync of the hold's victim, or those that wait in it. */
static unsigned int count_workers(unsigned int nr, bool that_wait)
{
	unsigned int i, count = 0;

	for (i = 0; i < nr_workers; i++) {
		const struct worker *worker = &workers[i];

		/* Pairs with stop_victim(). */
		if (smp_load_acquire(&worker->answers) != nr)
			continue;
		/*
		 * A worker that has had little CPU time does not wait: its CPU may be
		 * starved, or stopped until another one has gone offline.
		 */
		if (that_wait && task_is_running(worker->task) &&
		    /* written by another CPU; need not be exact */
		    data_race(worker->task->se.sum_exec_runtime) - READ_ONCE(worker->ran) <
			    100 * NSEC_PER_MSEC)
			continue;
		count++;
	}
	return count;
}

/* Called by a routine: hold, unless there is no victim, or no worker to stop it. */
void hold_on(const struct subject *s)
{
	struct subject *other = neighbour_of(s);
	ktime_t began = ktime_get();
	unsigned int nr;
	bool waits;
	s64 ms;

	if (!other || num_online_cpus() == 1 || atomic_read(&work.inside) <= 0)
		return;
	nr = nr_holds + 1;
	WRITE_ONCE(nr_holds, nr);	/* pairs with report() */
	WRITE_ONCE(victim, other);
	smp_store_release(&hold, nr);	/* pairs with answer_hold() */
	do {
		udelay(1);
		if (READ_ONCE(hold) != nr)
			return;
		ms = ktime_ms_delta(ktime_get(), began);
	} while (ms < HOLD_ALONE_MS ||
		 (ms < HOLD_LIMIT_MS && count_workers(nr, false)));

	/* If the whole guest was stopped, give the workers time to continue. */
	mdelay(100);
	waits = ms >= HOLD_LIMIT_MS && count_workers(nr, true);
	if (end_hold(nr) && expect(!waits, CHECK_COUPLED))
		atomic_inc(&holds_timed_out);
}

/* Returns false if the victim cannot be used now. */
static bool stop_victim(struct worker *worker, struct subject *s, unsigned int nr)
{
	if (!gate_enter(&s->users))
		return false;
	/* The scheduler may write it at the same time; need not be exact. */
	WRITE_ONCE(worker->ran, data_race(current->se.sum_exec_runtime));
	smp_store_release(&worker->answers, nr);	/* pairs with count_workers() */
	stop_sync(s);
	smp_store_release(&worker->answers, 0);	/* pairs with count_workers() */
	gate_leave(&s->users);
	if (end_hold(nr))
		did(OP_PASSED);
	return true;
}

/*
 * Proves something only if destroy returns: it may wait for another reason, since
 * the thread that the routine has interrupted may be in a create or destroy.
 */
static bool destroy_victim(struct subject *s, unsigned int nr)
{
	bool can;

	if (!mutex_trylock(&s->mutex))
		return false;
	can = s->timer && !READ_ONCE(s->steady);
	if (can) {
		destroy(s);
		if (end_hold(nr))
			did(OP_PASSED_DESTROY);
	}
	mutex_unlock(&s->mutex);
	return can;
}

/* Called by workers: stop or destroy the victim. Returns false if there is no hold. */
bool answer_hold(struct worker *worker)
{
	unsigned int nr = smp_load_acquire(&hold);	/* pairs with hold_on() */
	struct subject *s;

	if (!nr)
		return false;
	/* If this is already the next hold's victim, end_hold() fails. */
	s = READ_ONCE(victim);
	if (!below(&worker->rnd, 8))
		return destroy_victim(s, nr);
	return stop_victim(worker, s, nr);
}
