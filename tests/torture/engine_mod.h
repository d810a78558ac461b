/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * iotimer_torture - what its files share
 *
 *	engine_mod.c		the module: an overview, parameters, init and exit
 *	engine_checks_mod.c	what was done, the checks, the report
 *	engine_subjects_mod.c	devices and their timers, operations on them
 *	engine_routine_mod.c	the routine of all timers
 *	engine_hold_mod.c	routines that wait for a stop of another timer
 *	engine_workers_mod.c	threads and interrupts that do the operations
 *	engine_phases_mod.c	storm, pulse, alone, idle
 */
#ifndef _ENGINE_MOD_H
#define _ENGINE_MOD_H

#include <linux/atomic.h>
#include <linux/cpumask.h>
#include <linux/device.h>
#include <linux/hrtimer.h>
#include <linux/irq_work.h>
#include <linux/mutex.h>
#include <linux/prandom.h>
#include <linux/types.h>

#include "compat.h"
#include "iotimer.h"
#include "iotimer_trace.h"

#define NR_SUBJECTS	300	/* three chunks, with lockdep eight, the last one partly used */
#define NR_PULSED	4	/* subjects in the pulse, in which the tick often goes idle */
#define STEADY_EVERY	4	/* in a storm, one in so many subjects is never stopped */
#define HOLD_EVERY	64	/* one call in so many holds */

/* engine_checks_mod.c */

enum op {
	OP_CREATE, OP_DESTROY, OP_START, OP_STOP, OP_STOP_SYNC, OP_ENOMEM, OP_EXISTS,
	OP_IRQ, OP_ROUTINE, OP_CALL, OP_CERTAIN, OP_QUIET, OP_WAITED, OP_UNDONE,
	OP_PASSED, OP_PASSED_DESTROY, OP_CHUNK, OP_GROUP, OP_OUTLASTED,
	OP_ALONE, OP_IDLE,
	NR_OPS
};

enum check {
	CHECK_NOT_QUIET, CHECK_DEAD, CHECK_TWICE, CHECK_MISSED, CHECK_FOREIGN,
	CHECK_CONTEXT, CHECK_REFS, CHECK_TWO_TIMERS, CHECK_NOT_CALLED, CHECK_COUPLED,
	CHECK_NOT_IDLE,
	NR_CHECKS
};

/* When the torture began, in jiffies */
extern unsigned long began;

void did(enum op op);
bool expect(bool good, enum check check);
bool did_all(void);
void report(void);
void print_checks(void);

/* engine_subjects_mod.c */

/*
 * A gate lets many in while it is open. Closing it waits until all have left.
 */
struct gate {
	atomic_t inside;
};

#define GATE_CLOSED	(INT_MIN / 2)

struct subject;

/**
 * struct context - a timer's context, a new one for each timer
 * @subject: the timer's subject
 * @dead: iotimer_destroy() has returned
 */
struct context {
	struct subject *subject;
	bool dead;
};

/**
 * struct subject - a device that has a timer at times
 * @dev: the device
 * @mutex: serialises create, destroy, and claims of quiet
 * @timer: the timer, or NULL; changes under @mutex with @users closed
 * @context: its context
 * @users: entered to use @timer
 * @starters: entered to start the timer, except by its own routine
 * @quiet: claimed: the timer is stopped and nobody may start it, so it must not be
 *	called
 * @quiet_until: end of the claim, in jiffies
 * @steady: in this storm the timer is not stopped
 * @starting: starts under way
 * @starts: starts done
 * @tick: tick of the last call, 0 if there was none. This and the next two belong
 *	to the routine
 * @seen_starts: value of @starts in the last call
 * @certain: no start was under way in the last call
 * @inside: the routine is running
 * @visits: operations by workers
 * @once: the routine only stops its own timer
 * @cpu: CPU of the last call
 */
struct subject {
	struct device dev;
	struct mutex mutex;	/* create, destroy, claims of quiet */
	struct iotimer *timer;
	struct context *context;
	struct gate users;
	struct gate starters;
	bool quiet;
	unsigned long quiet_until;
	bool steady;

	atomic_t starting;
	atomic_t starts;
	unsigned long tick;
	int seen_starts;
	bool certain;
	bool inside;
	atomic_t visits;
	bool once;
	unsigned int cpu;
};

extern struct subject *subjects;

/* How many subjects take part in this phase */
extern unsigned int nr_subjects;

/* The subject whose routine is running. Workers prefer it. */
extern struct subject *being_called;

/* Timers that exist. Counted after create and destroy, so not exact. */
extern atomic_t in_group;

/* failslab is set up to fail the allocations of tasks that ask for it. */
extern bool failslab;

bool gate_enter(struct gate *gate);
void gate_leave(struct gate *gate);
void gate_close(struct gate *gate);
bool gate_try_close(struct gate *gate);
void gate_open(struct gate *gate);

struct subject *any_subject(struct rnd_state *rnd);
void start_timer(struct subject *s);
void stop(struct subject *s);
void stop_sync(struct subject *s);
void claim_quiet(struct subject *s, unsigned int jiffies_long);
void poke(struct rnd_state *rnd, struct subject *s);
bool has_refs(struct subject *s, unsigned int refs);
void destroy(struct subject *s);
void create_at_last(struct subject *s);
void change(struct rnd_state *rnd, struct subject *s);

static inline u32 below(struct rnd_state *rnd, u32 n)
{
	return prandom_u32_state(rnd) % n;
}

/* engine_routine_mod.c */

/* Random numbers of the routines, which never overlap */
extern struct rnd_state walk_rnd;

/* A phase ends: the next routine becomes last_one, see outlast_others(). */
extern bool ending;
extern struct subject *last_one;

void torture_watchdog(struct device *dev, void *arg);

/* engine_workers_mod.c */

/**
 * struct worker - a thread with a timer and an interrupt
 * @task: the thread
 * @rnd: random numbers of the thread
 * @timer_rnd: random numbers of @timer
 * @irq_rnd: random numbers of @irq
 * @timer: starts and stops timers in a hard interrupt
 * @irq: does the same
 * @answers: number of the hold for which it is inside iotimer_stop_sync(), or 0
 * @ran: CPU time that the thread had used before that
 */
struct worker {
	struct task_struct *task;
	struct rnd_state rnd;
	struct rnd_state timer_rnd;
	struct rnd_state irq_rnd;
	struct hrtimer timer;
	struct irq_work irq;
	unsigned int answers;
	u64 ran;
};

extern struct worker *workers;
extern unsigned int nr_workers;

/* Workers are inside while they work. */
extern struct gate work;

/* The CPUs on which workers have run; in the end these must be all CPUs. */
extern struct cpumask worked_on;

int start_worker(unsigned int i, u64 seed);

/* engine_hold_mod.c */

extern unsigned int nr_holds;
extern atomic_t holds_timed_out;

void hold_on(const struct subject *s);
bool answer_hold(struct worker *worker);

/* engine_phases_mod.c */

void storm(unsigned int length);
void pulse(unsigned int length);
void alone(void);
void idle(void);

#endif /* _ENGINE_MOD_H */
