// SPDX-License-Identifier: GPL-2.0-only
/* Which routines a tick calls, and what routines do to timers */
#include <kunit/test.h>
#include <linux/cpu.h>
#include <linux/delay.h>
#include <linux/jiffies.h>
#include <linux/kthread.h>
#include <linux/sched.h>
#include <linux/slab.h>

#include "iotimer_test.h"

/*
 * Through the chunks. Timers that are created one after the other fill chunk after
 * chunk. A chunk's first bit, and perhaps some at its end, belong to no timer.
 */

enum { CHUNK = IOTIMER_CHUNK_SLOTS - 1 };

static struct subject **new_chunks(struct kunit *test, unsigned int nr)
{
	struct subject **s;
	unsigned int i, astray = 0;

	needs_to_be_alone(test);
	s = kunit_kcalloc(test, nr * CHUNK, sizeof(*s), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, s);
	for (i = 0; i < nr * CHUNK; i++) {
		s[i] = subject_new_timer(test);
		astray += (unsigned long)s[i]->timer / PAGE_SIZE !=
			  (unsigned long)s[i - i % CHUNK]->timer / PAGE_SIZE;
	}
	KUNIT_EXPECT_EQ(test, astray, 0u);
	return s;
}

static void end_chunks(struct subject **s, unsigned int nr)
{
	unsigned int i;

	for (i = 0; i < nr * CHUNK; i++)
		subject_destroy(s[i]);
}

/* Which timers of a word are enabled. */
enum pattern {
	NONE, ALL, FIRST, LAST, ALL_BUT_FIRST, ALL_BUT_LAST, HOLES, NR_PATTERNS
};

/* Does the pattern enable this timer of a chunk? */
static bool is_in(enum pattern pattern, unsigned int timer)
{
	unsigned int slot = timer + 1;
	bool first = slot == 1 || slot % BITS_PER_LONG == 0;
	bool last = slot == CHUNK || (slot + 1) % BITS_PER_LONG == 0;

	switch (pattern) {
	case NONE:
		return false;
	case ALL:
		return true;
	case FIRST:
		return first;
	case LAST:
		return last;
	case ALL_BUT_FIRST:
		return !first;
	case ALL_BUT_LAST:
		return !last;
	default:
		return slot % 3 == 1;
	}
}

/* Fill in a row in which each pattern follows each, itself included. Returns its length. */
static unsigned int all_pairs(enum pattern *row)
{
	unsigned int a, b, nr = 0;

	for (a = 0; a < NR_PATTERNS; a++) {
		row[nr++] = a;
		for (b = a + 1; b < NR_PATTERNS; b++) {
			row[nr++] = a;
			row[nr++] = b;
		}
	}
	row[nr++] = 0;
	return nr;
}

/* Start the timers between two ticks, while no walk is under way. */
static struct iotimer_stats start_chunks(struct subject **s, unsigned int nr,
					 const enum pattern *row)
{
	struct iotimer_stats from;
	unsigned int i;

	do {
		for (i = 0; i < nr * CHUNK; i++)
			iotimer_stop_sync(s[i]->timer);
		ssleep(2);
		for (i = 0; i < nr * CHUNK; i++)
			s[i]->calls = 0;
		from = stats();
		for (i = 0; i < nr * CHUNK; i++)
			if (is_in(row[i / CHUNK], i % CHUNK))
				iotimer_start(s[i]->timer);
	} while (stats().ticks != from.ticks);
	return from;
}

/**
 * struct expected - how often a timer is called in some time
 * @least: once a tick. In real time the last walk may not have come to the timer
 * @most: once a tick, with those that begin while the timers are being stopped
 */
struct expected {
	unsigned long least, most;
};

/* Stop the timers, of which some may be destroyed. */
static struct expected stop_chunks(struct kunit *test, struct subject **s,
				   unsigned int nr, struct iotimer_stats from)
{
	struct expected expected;
	unsigned int i;

	expected.least = stats().ticks - from.ticks;
	KUNIT_EXPECT_GE(test, expected.least, 2ul);
	expected.least -= !iotimer_virtual;
	for (i = 0; i < nr * CHUNK; i++)
		if (s[i]->timer)
			iotimer_stop_sync(s[i]->timer);
	expected.most = stats().ticks - from.ticks;
	return expected;
}

static bool as_expected(const struct subject *s, struct expected expected)
{
	return calls(s) >= expected.least && calls(s) <= expected.most;
}

/* P2 */
void calls_all_that_are_enabled_however_they_lie(struct kunit *test)
{
	enum pattern row[NR_PATTERNS * NR_PATTERNS + 1];
	unsigned int nr = all_pairs(row), i;
	struct subject **s = new_chunks(test, nr);
	struct iotimer_stats from = start_chunks(s, nr, row);
	unsigned int wrong = 0, at = 0;
	struct expected expected;

	KUNIT_EXPECT_EQ(test, nr + 0ul, ARRAY_SIZE(row));
	sleep_ms(3500);
	expected = stop_chunks(test, s, nr, from);
	for (i = 0; i < nr * CHUNK; i++) {
		if (is_in(row[i / CHUNK], i % CHUNK) ? as_expected(s[i], expected) :
						       !calls(s[i]))
			continue;
		if (!wrong++)
			at = i;
	}
	KUNIT_EXPECT_EQ_MSG(test, wrong, 0u,
			    "the first: timer %u of chunk %u, pattern %u, has %u calls in %lu ticks",
			    at % CHUNK, at / CHUNK, row[at / CHUNK], calls(s[at]),
			    expected.most);
	end_chunks(s, nr);
}

/* Destroy the timers of the chunks whose bits are set in @go, but keep the devices. */
static void destroy_chunks(struct subject **s, unsigned int nr, unsigned int go)
{
	unsigned int i;

	for (i = 0; i < nr * CHUNK; i++) {
		if (!(go & BIT(i / CHUNK)))
			continue;
		iotimer_destroy(s[i]->timer);
		s[i]->timer = NULL;
		s[i]->calls = 0;
	}
}

/*
 * Add a chunk of timers, and run them for a while. Returns how many are called too
 * often or too rarely.
 */
static unsigned int run_new_chunk(struct kunit *test)
{
	struct subject **s = new_chunks(test, 1);
	struct iotimer_stats before = stats(), from;
	struct expected expected;
	unsigned int i, wrong = 0;

	for (i = 0; i < CHUNK; i++)
		iotimer_start(s[i]->timer);
	from = stats();
	sleep_ms(2500);
	expected = stop_chunks(test, s, 1, from);
	/* The tick that was under way may call them too. */
	expected.most += from.ticks - before.ticks + 1;
	for (i = 0; i < CHUNK; i++)
		wrong += !as_expected(s[i], expected);
	end_chunks(s, 1);
	return wrong;
}

/*
 * Have a walk pause in the first of four chunks. In the pause some chunks go, and
 * one may come.
 */
static void pause_a_walk(struct kunit *test, unsigned int go, bool come)
{
	enum { NR = 4 };
	static const enum pattern all[NR] = { ALL, ALL, ALL, ALL };
	struct subject **s = new_chunks(test, NR);
	unsigned int i, wrong = 0;
	struct iotimer_stats from;
	struct expected expected;

	s[0]->us = 20000;	/* so the walk pauses for a jiffy, the longest pause */
	s[0]->action = subject_hold_up_once;
	from = start_chunks(s, NR, all);
	for (i = 0; i < 5 * HZ && !calls(s[0]); i++)
		schedule_timeout_uninterruptible(1);
	if (iotimer_virtual) {
		/* The first word is more than half a batch, and one. */
		unsigned int first = min(CHUNK, BITS_PER_LONG - 1);

		KUNIT_EXPECT_EQ(test, calls(s[first - 1]), 1u);
		KUNIT_EXPECT_EQ(test, calls(s[first]), 0u);
	}
	destroy_chunks(s, NR, go);
	if (come)
		KUNIT_EXPECT_EQ_MSG(test, run_new_chunk(test), 0u, "after chunks %x went", go);
	else
		sleep_ms(2500);
	expected = stop_chunks(test, s, NR, from);
	for (i = 0; i < NR * CHUNK; i++)
		wrong += s[i]->timer ? !as_expected(s[i], expected) : calls(s[i]) != 0;
	KUNIT_EXPECT_EQ_MSG(test, wrong, 0u, "chunks %x went", go);
	end_chunks(s, NR);
}

/* P2: with any of the first three chunks gone */
void chunks_go_between_two_steps(struct kunit *test)
{
	unsigned int go;

	for (go = iotimer_virtual ? 0 : 7; go < 8; go++)
		pause_a_walk(test, go, false);
}

/* P2: and a new chunk in their place */
void chunks_come_and_go_between_two_steps(struct kunit *test)
{
	unsigned int go;

	for (go = iotimer_virtual ? 0 : 7; go < 8; go++)
		pause_a_walk(test, go, true);
}

/* P2: more timers than one group has, with few enabled, here and there. */
void calls_the_timers_of_a_second_group(struct kunit *test)
{
	enum { NR = IOTIMER_GROUP_CHUNKS * CHUNK + CHUNK / 2, EVERY = 97 };
	struct subject **s;
	unsigned int i, wrong = 0;
	struct iotimer_stats from;
	struct expected expected;

	needs_to_be_alone(test);
	s = kvcalloc(NR, sizeof(*s), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, s);
	for (i = 0; i < NR; i++)
		s[i] = subject_new_timer(test);
	KUNIT_EXPECT_PTR_NE(test, chunk_of(s[0]->timer)->group,
			    chunk_of(s[NR - 1]->timer)->group);
	do {
		for (i = 0; i < NR; i++) {
			iotimer_stop_sync(s[i]->timer);
			s[i]->calls = 0;
		}
		sleep_ms(100);	/* a walk under way ends */
		from = stats();
		for (i = EVERY - 1; i < NR; i += EVERY)
			iotimer_start(s[i]->timer);
	} while (stats().ticks != from.ticks);
	sleep_ms(2500);
	expected.least = stats().ticks - from.ticks - !iotimer_virtual;
	for (i = 0; i < NR; i++)
		iotimer_stop_sync(s[i]->timer);
	expected.most = stats().ticks - from.ticks;
	KUNIT_EXPECT_GE(test, expected.most, 2ul);
	for (i = 0; i < NR; i++) {
		wrong += (i + 1) % EVERY ? calls(s[i]) != 0 : !as_expected(s[i], expected);
		subject_destroy(s[i]);
	}
	KUNIT_EXPECT_EQ(test, wrong, 0u);
	kvfree(s);
}

/* Routines that start and stop timers */

static void stop_self(struct subject *s)
{
	s->result = iotimer_stop(s->timer);
}

static void stop_sync_self(struct subject *s)
{
	s->result = iotimer_stop_sync(s->timer);
}

static void stop_other(struct subject *s)
{
	s->result = iotimer_stop(s->other->timer);
}

static void stop_sync_other(struct subject *s)
{
	s->result = iotimer_stop_sync(s->other->timer);
}

static void start_other(struct subject *s)
{
	s->result = iotimer_start(s->other->timer);
}

static void stop_and_start_self(struct subject *s)
{
	s->result = iotimer_stop(s->timer) && iotimer_start(s->timer);
}

/* Run one timer with an action for 2.5 seconds. */
static void run_action(struct subject *s, void (*action)(struct subject *s))
{
	s->action = action;
	iotimer_start(s->timer);
	sleep_ms(2500);
}

/* P5 */
void routine_stops_itself(struct kunit *test)
{
	struct subject *s = subject_new_timer(test);

	run_action(s, stop_self);
	KUNIT_EXPECT_EQ(test, calls(s), 1u);
	KUNIT_EXPECT_TRUE(test, s->result);
	subject_destroy(s);
}

/* P5 */
void routine_stop_syncs_itself(struct kunit *test)
{
	struct subject *s = subject_new_timer(test);

	run_action(s, stop_sync_self);
	KUNIT_EXPECT_EQ(test, calls(s), 1u);
	KUNIT_EXPECT_TRUE(test, s->result);
	subject_destroy(s);
}

/* P2, P5 */
void routine_restarts_itself(struct kunit *test)
{
	struct subject *s = subject_new_timer(test);
	unsigned long ticks = stats().ticks;

	run_action(s, stop_and_start_self);
	iotimer_stop_sync(s->timer);
	KUNIT_EXPECT_TRUE(test, s->result);
	KUNIT_EXPECT_EQ(test, calls(s) + 0ul, stats().ticks - ticks);
	KUNIT_EXPECT_GE(test, calls(s), 2u);
	subject_destroy(s);
}

/* P5 */
void routine_starts_another(struct kunit *test)
{
	struct subject *s = subject_new_timer(test), *other = subject_new_timer(test);

	s->other = other;
	run_action(s, start_other);
	KUNIT_EXPECT_GE(test, calls(other), 1u);
	subject_destroy(s);
	subject_destroy(other);
}

/*
 * P5: both timers are in one word of the bitmap, which the walk reads once. The
 * first routine stops the second timer, which must not be called.
 */
void routine_stops_another_in_the_same_tick(struct kunit *test)
{
	struct subject *s = subject_new_timer(test), *other = subject_new_timer(test);

	/* Begin just after a tick, and end between the two ticks that follow. */
	iotimer_start(other->timer);
	subject_wait_for_call(other);
	iotimer_stop_sync(other->timer);
	other->calls = 0;
	s->other = other;
	s->action = stop_other;
	iotimer_start(s->timer);
	iotimer_start(other->timer);
	sleep_ms(1500);
	KUNIT_EXPECT_EQ(test, calls(s), 1u);
	KUNIT_EXPECT_EQ(test, calls(other), 0u);
	subject_destroy(s);
	subject_destroy(other);
}

/* P5: the same, with a stopped timer between them. */
void routine_stops_another_past_a_hole(struct kunit *test)
{
	struct subject *s = subject_new_timer(test), *hole = subject_new_timer(test);
	struct subject *other = subject_new_timer(test);

	s->other = other;
	s->action = stop_other;
	iotimer_start(s->timer);
	iotimer_start(other->timer);
	sleep_ms(2500);
	iotimer_stop_sync(s->timer);
	KUNIT_EXPECT_GE(test, calls(s), 1u);
	KUNIT_EXPECT_EQ(test, calls(other), 0u);
	KUNIT_EXPECT_EQ(test, calls(hole), 0u);
	subject_destroy(s);
	subject_destroy(hole);
	subject_destroy(other);
}

static void restart_other(struct subject *s)
{
	s->result = iotimer_stop(s->other->timer) && iotimer_start(s->other->timer);
}

/*
 * In two full chunks, each seventh routine applies an action to the timer at this
 * distance, after it or (negative) before it.
 */
static void act_on_others(struct kunit *test, void (*action)(struct subject *s),
			  int distance, bool others_are_called)
{
	enum { NR = 2, EVERY = 7 };
	static const enum pattern all[NR] = { ALL, ALL };
	struct subject **s = new_chunks(test, NR);
	unsigned int i, wrong = 0;
	struct iotimer_stats from;
	struct expected expected;

	for (i = EVERY; i < (NR * CHUNK) - EVERY; i += EVERY) {
		s[i]->other = s[i + distance];
		s[i]->action = action;
	}
	from = start_chunks(s, NR, all);
	sleep_ms(2500);
	expected = stop_chunks(test, s, NR, from);
	for (i = 0; i < NR * CHUNK; i++) {
		unsigned int actor = i - distance;

		if (others_are_called || actor % EVERY || actor < EVERY ||
		    actor >= (NR * CHUNK) - EVERY)
			wrong += !as_expected(s[i], expected);
		else
			wrong += calls(s[i]) != 0;
	}
	KUNIT_EXPECT_EQ(test, wrong, 0u);
	end_chunks(s, NR);
}

/* P5 */
void routines_stop_others_of_full_words(struct kunit *test)
{
	act_on_others(test, stop_other, 3, false);
}

/* P2, P5 */
void routines_restart_others_to_be_called(struct kunit *test)
{
	act_on_others(test, restart_other, 3, true);
}

/* P2, P5 */
void routines_restart_others_that_were_called(struct kunit *test)
{
	act_on_others(test, restart_other, -3, true);
}

/* P5 */
void routine_stop_syncs_another(struct kunit *test)
{
	struct subject *s = subject_new_timer(test), *other = subject_new_timer(test);

	s->other = other;
	iotimer_start(other->timer);
	run_action(s, stop_sync_other);
	KUNIT_EXPECT_FALSE(test, iotimer_enabled(other->timer));
	subject_destroy(s);
	subject_destroy(other);
}

/* Start a timer when a walk has found none, and the tick is about to go idle. */
static void start_at_the_end(void *data, unsigned long calls, u64 ns,
			     unsigned int steps, unsigned long late,
			     unsigned long missed)
{
	struct subject *s = data;

	if (calls)
		return;
	s->entered = true;
	iotimer_start(s->timer);
}

/* P3 */
void no_tick_is_lost_going_idle(struct kunit *test)
{
	struct subject *s;
	unsigned int round;

	if (!IS_ENABLED(CONFIG_TRACEPOINTS))
		kunit_skip(test, "needs CONFIG_TRACEPOINTS");
	needs_to_be_alone(test);
	s = subject_new_timer(test);
	s->action = stop_self;
	KUNIT_ASSERT_EQ(test, register_trace_iotimer_tick(start_at_the_end, s), 0);
	iotimer_start(s->timer);
	for (round = 1; round <= 4; round++) {
		unsigned int was = calls(s);

		subject_wait_for_call(s);
		KUNIT_EXPECT_EQ(test, calls(s), was + 1);
	}
	unregister_trace_iotimer_tick(start_at_the_end, s);
	tracepoint_synchronize_unregister();
	KUNIT_EXPECT_TRUE(test, s->entered);
	subject_destroy(s);
}

/*
 * P1, P2: five timers are in a chunk each. While the walk calls the first and has
 * collected the others, one of these is destroyed, and its chunk goes.
 */
void a_collected_timer_goes(struct kunit *test)
{
	enum { NR = 5, GOES = 3 };
	struct subject **s;
	unsigned int i;

	needs_two_cpus(test);
	s = new_chunks(test, NR);
	for (i = 0; i < NR * CHUNK; i++)
		if (i % CHUNK)
			subject_destroy(s[i]);
	for (i = CHUNK; i < NR * CHUNK; i += CHUNK)
		iotimer_start(s[i]->timer);
	subject_enter_routine(test, s[0], subject_wait_to_return);
	for (i = CHUNK; i < NR * CHUNK; i += CHUNK)
		s[i]->calls = 0;
	iotimer_destroy(s[GOES * CHUNK]->timer);
	s[GOES * CHUNK]->timer = NULL;
	KUNIT_EXPECT_TRUE(test, READ_ONCE(s[0]->inside));
	WRITE_ONCE(subject_may_return, true);
	subject_wait_for_call(s[0]);
	for (i = CHUNK; i < NR * CHUNK; i += CHUNK)
		KUNIT_EXPECT_EQ(test, !calls(s[i]), !s[i]->timer);
	for (i = 0; i < NR * CHUNK; i += CHUNK)
		subject_destroy(s[i]);
}

static void delay(struct subject *s)
{
	udelay(s->us);
}

/*
 * A walk takes most of a second, half of it in pauses. Its CPU goes offline before
 * it ends. Even so each timer is called once a tick.
 */
static void walk_without_its_cpu(struct kunit *test, struct subject **s,
				 unsigned int nr)
{
	unsigned int cpu = cpumask_next(0, cpu_online_mask), i, wrong = 0;
	unsigned long give_up = jiffies + 9 * HZ;
	struct task_struct *occupier;
	struct iotimer_stats from;
	struct expected expected;

	for (i = 0; i < nr; i++)
		s[i]->calls = 0;
	s[0]->entered = false;
	subject_enter_routine(test, s[0], delay);	/* the tick is on this CPU */
	occupier = iotimer_test_occupy(test, cpu);
	do {
		for (i = 1; i < nr; i++)
			iotimer_stop_sync(s[i]->timer);
		msleep(100);	/* a walk under way ends */
		from = stats();
		for (i = 1; i < nr; i++) {
			s[i]->calls = 0;
			iotimer_start(s[i]->timer);
		}
	} while (stats().ticks != from.ticks);
	while (stats().ticks == from.ticks && time_before(jiffies, give_up))
		cpu_relax();
	KUNIT_EXPECT_EQ(test, READ_ONCE(s[0]->cpu), cpu);
	kthread_stop(occupier);	/* the walk is under way on this CPU */
	KUNIT_EXPECT_EQ(test, remove_cpu(cpu), 0);
	msleep(3000);
	KUNIT_EXPECT_EQ(test, add_cpu(cpu), 0);
	expected.least = stats().ticks - from.ticks;
	KUNIT_EXPECT_GE(test, expected.least, 2ul);
	expected.least -= 1;	/* the last walk may be incomplete */
	for (i = 0; i < nr; i++)
		iotimer_stop_sync(s[i]->timer);
	expected.most = stats().ticks - from.ticks;
	for (i = 1; i < nr; i++)
		wrong += !as_expected(s[i], expected);
	KUNIT_EXPECT_EQ(test, wrong, 0u);
}

/* P2, P11 */
void a_walk_survives_its_cpu(struct kunit *test)
{
	enum { NR = 3000, ROUNDS = 4 };
	struct subject **s;
	unsigned int i;

	needs_two_cpus(test);
	s = kunit_kcalloc(test, NR, sizeof(*s), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, s);
	for (i = 0; i < NR; i++) {
		s[i] = subject_new_timer(test);
		s[i]->us = 100;
		s[i]->action = delay;
	}
	for (i = 0; i < ROUNDS; i++)
		walk_without_its_cpu(test, s, NR);
	for (i = 0; i < NR; i++)
		subject_destroy(s[i]);
}
