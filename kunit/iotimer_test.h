/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * iotimer_test - KUnit tests of the engine, through its public interface and
 * iotimer_slots.h
 *
 *	iotimer_suite.c			what the files below share; the suite
 *	iotimer_interface_test.c	arguments, lifetimes, start, stop, misuse
 *	iotimer_time_test.c		when ticks come, and for how long
 *	iotimer_walk_test.c		which routines a tick calls
 *	iotimer_concurrency_test.c	calls against a routine that is running
 *
 * The comment above a case has the numbers of the promises of iotimer.h that it
 * tests; scripts/check-promises lists them.
 *
 * In virtual time (virtual=1) timing must be exact to the jiffy, and seconds
 * cost nothing. In real time the guest's CPUs may stand still at any moment, so
 * there a call may be late, never early.
 */
#ifndef _IOTIMER_TEST_H
#define _IOTIMER_TEST_H

#include <kunit/test.h>
#include <linux/cpumask.h>
#include <linux/delay.h>
#include <linux/device.h>
#include <linux/jiffies.h>
#include <linux/workqueue.h>

#include "../compat.h"
#include "../iotimer.h"
#include "../iotimer_slots.h"
#include "../iotimer_trace.h"
#include "expect_warning.h"

extern bool iotimer_virtual;

/**
 * struct subject - a device with its timer, and what its routine saw
 * @dev: the device; the last reference frees the subject
 * @timer: its timer
 * @calls: calls of the routine
 * @foreign: calls with another device
 * @off_grid: calls at no multiple of HZ jiffies after the first
 * @first: jiffies of the first call
 * @last: jiffies of the last call
 * @cpu: CPU of the last call
 * @inside: the routine is running
 * @entered: the routine has been called
 * @action: called by the routine
 * @other: for the action
 * @us: for the action
 * @result: for the action
 * @work: starts the timer, for subject_enter_routine()
 */
struct subject {
	struct device dev;
	struct iotimer *timer;
	unsigned int calls;
	unsigned int foreign;
	unsigned int off_grid;
	unsigned long first;
	unsigned long last;
	unsigned int cpu;
	bool inside;
	bool entered;
	void (*action)(struct subject *s);
	struct subject *other;
	unsigned int us;
	bool result;
	struct work_struct work;
};

/* How many were freed */
extern atomic_t subjects_released;

void subject_watchdog(struct device *dev, void *context);
struct subject *subject_alloc(void);
struct subject *subject_new(struct kunit *test);
struct subject *subject_new_timer(struct kunit *test);
void subject_put(struct subject *s);
void subject_destroy(struct subject *s);
void subject_wait_for_call(struct subject *s);

/* Actions */
extern bool subject_may_return;
void subject_wait_to_return(struct subject *s);
void subject_hold_up_once(struct subject *s);

void subject_enter_routine(struct kunit *test, struct subject *s,
			   void (*action)(struct subject *s));
struct task_struct *iotimer_test_occupy(struct kunit *test, unsigned int cpu);

static inline unsigned int calls(const struct subject *s)
{
	return READ_ONCE(s->calls);
}

static inline struct iotimer_stats stats(void)
{
	struct iotimer_stats now;

	iotimer_get_stats(&now);
	return now;
}

/* How late a call may come, in jiffies. */
static inline unsigned long slack(void)
{
	return iotimer_virtual ? 0 : HZ * 3 / 4;
}

/* To wake between two ticks: msleep() may be 12 % late. */
static inline void sleep_ms(unsigned int ms)
{
	usleep_range(ms * 1000, ms * 1000 + 1000);
}

/* Set before the first case if timers of others are enabled. */
extern bool iotimer_not_alone;

/* For tests that count all ticks, or know where each timer lies. */
static inline void needs_to_be_alone(struct kunit *test)
{
	if (iotimer_not_alone)
		kunit_skip(test, "needs that no other timers run");
}

static inline void needs_two_cpus(struct kunit *test)
{
	if (num_online_cpus() < 2)
		kunit_skip(test, "needs two CPUs");
}

/* The cases, global because a suite has one array of them. In iotimer_interface_test.c: */
void refuses_bad_arguments(struct kunit *test);
void refuses_a_device_that_is_not_initialised(struct kunit *test);
void one_timer_a_device(struct kunit *test);
void holds_its_device(struct kunit *test);
void devm_destroys_on_detach(struct kunit *test);
void devices_come_and_go(struct kunit *test);
void create_survives_one_failing_allocation(struct kunit *test);
void create_survives_all_failing_from_then_on(struct kunit *test);
void devm_create_survives_one_failing_allocation(struct kunit *test);
void devm_create_survives_all_failing_from_then_on(struct kunit *test);
void start_and_stop_tell_what_was(struct kunit *test);
void stopped_is_not_called(struct kunit *test);
void started_and_stopped_by_a_hard_interrupt(struct kunit *test);
void stop_sync_with_interrupts_off_is_stop(struct kunit *test);
void create_in_atomic_context_is_refused(struct kunit *test);
void destroy_inside_a_routine_is_stop(struct kunit *test);
void start_of_a_destroyed_timer_does_nothing(struct kunit *test);

/* In iotimer_time_test.c: */
void called_once_a_second_without_drift(struct kunit *test);
void first_call_comes_within_a_second(struct kunit *test);
void keeps_the_grid_over_a_rest(struct kunit *test);
void no_enabled_timer_no_tick(struct kunit *test);
void a_late_tick_makes_no_burst(struct kunit *test);
void a_small_budget_splits_the_tick(struct kunit *test);
void a_large_budget_does_not(struct kunit *test);

/* In iotimer_walk_test.c: */
void calls_all_that_are_enabled_however_they_lie(struct kunit *test);
void chunks_go_between_two_steps(struct kunit *test);
void chunks_come_and_go_between_two_steps(struct kunit *test);
void calls_the_timers_of_a_second_group(struct kunit *test);
void routine_stops_itself(struct kunit *test);
void routine_stop_syncs_itself(struct kunit *test);
void routine_restarts_itself(struct kunit *test);
void routine_starts_another(struct kunit *test);
void routine_stops_another_in_the_same_tick(struct kunit *test);
void routine_stops_another_past_a_hole(struct kunit *test);
void routines_stop_others_of_full_words(struct kunit *test);
void routines_restart_others_to_be_called(struct kunit *test);
void routines_restart_others_that_were_called(struct kunit *test);
void routine_stop_syncs_another(struct kunit *test);
void no_tick_is_lost_going_idle(struct kunit *test);
void a_collected_timer_goes(struct kunit *test);
void a_walk_survives_its_cpu(struct kunit *test);

/* In iotimer_concurrency_test.c: */
void stop_sync_waits_for_the_routine(struct kunit *test);
void stop_sync_undoes_the_routines_restart(struct kunit *test);
void destroy_waits_for_the_routine(struct kunit *test);
void start_while_being_destroyed_does_nothing(struct kunit *test);
void stop_sync_does_not_wait_for_anothers_routine(struct kunit *test);
void destroy_does_not_wait_for_anothers_routine(struct kunit *test);
void detach_does_not_wait_for_anothers_routine(struct kunit *test);
void started_on_demand_under_the_lock(struct kunit *test);
void destroy_waits_for_the_event_of_a_start(struct kunit *test);
void stop_start_and_create_do_not_wait(struct kunit *test);
void ticks_survive_their_cpu(struct kunit *test);
#ifdef CONFIG_PREEMPT_RT
void stop_sync_lends_its_priority_to_the_routine_only(struct kunit *test);
void stop_sync_under_a_lock_that_the_softirq_thread_wants(struct kunit *test);
#endif

int iotimer_time_suite_init(struct kunit_suite *suite);

#endif /* _IOTIMER_TEST_H */
