// SPDX-License-Identifier: GPL-2.0-only
/*
 * iotimer_torture - try to break the promises of iotimer.h
 *
 * Workers on all CPUs create, start, stop and destroy timers at random, hard
 * interrupts and the routines themselves start and stop them too, all at once;
 * memory allocations fail if failslab is told so, and tests/torture.sh takes CPUs
 * off line and changes the budget under way. A tick comes only once a second, so
 * the workers aim at the timer whose routine is running just now, which waits a
 * little for them.
 *
 * What is checked, from the outside, through the public interface alone, and
 * the promise that each check stands for:
 *
 *	quiet	P1: no call once iotimer_stop_sync() has returned, until a start
 *	dead	P1: no call once iotimer_destroy() has returned
 *	twice	P2: no timer called twice in a tick, or on two CPUs at once
 *	missed	P2: no timer that stayed enabled left out of a tick
 *	called	P3: a timer started while the tick goes idle is called
 *	context	P4, P5: starts and stops come from interrupts and routines; the
 *		routines are called in softirq context, interrupts on
 *	alone	P6: stop_sync waits for its own timer's routine only
 *	idle	P8: no wake-up while no timer is enabled
 *	refs	P9: a timer holds exactly one reference to its device
 *	foreign	no call with another's device or context
 *	exists	a device never gets two timers
 *
 * P7, the budget, changes all the time, so that walks are cut everywhere; its
 * length is checked by iotimer_days.
 *
 * The gates below keep the torture itself within the rules: no use of a timer
 * that does not exist, and no start while one claims that there is none.
 *
 * Phases follow one another: a storm on all timers, a pulse on a few, so that
 * the tick goes idle and is kicked all the time, and idleness. In storm and
 * pulse the tide goes out now and then: for some time timers are only destroyed,
 * so chunks, and in a pulse the group, go while walks are under way. Both end
 * with a routine that outlasts all other timers, so that the group goes when the
 * walk has not come to its end.
 */
#include <linux/completion.h>
#include <linux/cpu.h>
#include <linux/cpumask.h>
#include <linux/delay.h>
#include <linux/device.h>
#include <linux/hrtimer.h>
#include <linux/irq_work.h>
#include <linux/jiffies.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/prandom.h>
#include <linux/sched.h>
#include <linux/slab.h>

#include "compat.h"
#include "iotimer.h"
#include "iotimer_trace.h"

#define NR_SUBJECTS	300	/* three chunks, with lockdep eight, the last one partly used */
#define NR_PULSED	4	/* in the phase in which the tick goes idle often */
#define STEADY_EVERY	4	/* one in so many is never stopped in a storm */
#define HOLD_EVERY	64	/* calls, of which one holds */

static unsigned int seconds = 60;
module_param(seconds, uint, 0444);
MODULE_PARM_DESC(seconds, "how long");

static unsigned int seed = 1;
module_param(seed, uint, 0444);
MODULE_PARM_DESC(seed, "of the random numbers");

static bool failslab;
module_param(failslab, bool, 0444);
MODULE_PARM_DESC(failslab, "failslab was told to fail those who ask for it: demand that it does");

static bool running;
module_param(running, bool, 0444);
MODULE_PARM_DESC(running, "not finished yet (read only)");

/* What was done, and what was found to be wrong. */

enum op {
	OP_CREATE, OP_DESTROY, OP_START, OP_STOP, OP_STOP_SYNC, OP_ENOMEM, OP_EXISTS,
	OP_IRQ, OP_ROUTINE, OP_CALL, OP_CERTAIN, OP_QUIET, OP_WAITED, OP_UNDONE,
	OP_PASSED, OP_PASSED_DESTROY, OP_CHUNK, OP_GROUP, OP_OUTLASTED,
	OP_ALONE, OP_IDLE,
	NR_OPS
};

static const char * const op_name[NR_OPS] = {
	[OP_CREATE] = "created", [OP_DESTROY] = "destroyed", [OP_START] = "started",
	[OP_STOP] = "stopped", [OP_STOP_SYNC] = "stop_sync", [OP_ENOMEM] = "allocations failed",
	[OP_EXISTS] = "second creates refused", [OP_IRQ] = "by interrupts",
	[OP_ROUTINE] = "by routines", [OP_CALL] = "calls",
	[OP_CERTAIN] = "calls that had to come", [OP_QUIET] = "quiet times",
	[OP_WAITED] = "of which waited for the routine",
	[OP_UNDONE] = "of which undid its own start",
	[OP_PASSED] = "stop_syncs past another's routine",
	[OP_PASSED_DESTROY] = "destroys past another's routine", [OP_CHUNK] = "chunks emptied",
	[OP_GROUP] = "groups emptied", [OP_OUTLASTED] = "of them in the middle of a walk",
	[OP_ALONE] = "starts on the way to idle",
	[OP_IDLE] = "idle times",
};

static atomic_long_t ops[NR_OPS];

static void did(enum op op)
{
	atomic_long_inc(&ops[op]);
}

enum check {
	CHECK_NOT_QUIET, CHECK_DEAD, CHECK_TWICE, CHECK_MISSED, CHECK_FOREIGN,
	CHECK_CONTEXT, CHECK_REFS, CHECK_TWO_TIMERS, CHECK_NOT_CALLED, CHECK_COUPLED,
	CHECK_NOT_IDLE,
	NR_CHECKS
};

static const struct {
	const char *text;
	enum op by;		/* must have been done for the check to mean anything */
} checks[NR_CHECKS] = {
	[CHECK_NOT_QUIET] = { "P1: no call after stop_sync", OP_WAITED },
	[CHECK_DEAD] = { "P1: no call after destroy", OP_DESTROY },
	[CHECK_TWICE] = { "P2: no timer called twice in a tick", OP_CALL },
	[CHECK_MISSED] = { "P2: no enabled timer left out of a tick", OP_CERTAIN },
	[CHECK_FOREIGN] = { "no call with a foreign device or context", OP_CALL },
	[CHECK_CONTEXT] = { "P4, P5: routines called in softirq context", OP_CALL },
	[CHECK_REFS] = { "P9: one reference to the device", OP_CREATE },
	[CHECK_TWO_TIMERS] = { "one timer a device", OP_EXISTS },
	[CHECK_NOT_CALLED] = { "P3: a timer started on the way to idle is called", OP_ALONE },
	[CHECK_COUPLED] = { "P6: stop_sync waits for its own routine only", OP_PASSED },
	[CHECK_NOT_IDLE] = { "P8: no wake-up while none is enabled", OP_IDLE },
};

static atomic_t violations[NR_CHECKS];

static bool expect(bool good, enum check check)
{
	if (unlikely(!good) && atomic_inc_return(&violations[check]) == 1)
		WARN(1, "iotimer_torture: violated: %s\n", checks[check].text);
	return good;
}

/*
 * A gate: many may be inside, or it is closed. Closing it waits until all have
 * left.
 */
struct gate {
	atomic_t inside;
};

#define GATE_CLOSED	(INT_MIN / 2)

static bool gate_enter(struct gate *gate)
{
	if (atomic_inc_return(&gate->inside) > 0)
		return true;
	atomic_dec(&gate->inside);
	return false;
}

static void gate_leave(struct gate *gate)
{
	atomic_dec_return(&gate->inside);	/* ordered, unlike atomic_dec() */
}

static void gate_close(struct gate *gate)
{
	int inside = atomic_add_return(GATE_CLOSED, &gate->inside);

	while (inside != GATE_CLOSED) {
		usleep_range(20, 50);
		inside = atomic_read(&gate->inside);
	}
	smp_mb();	/* pairs with gate_leave() */
}

static bool gate_try_close(struct gate *gate)
{
	return atomic_cmpxchg(&gate->inside, 0, GATE_CLOSED) == 0;
}

static void gate_open(struct gate *gate)
{
	atomic_sub_return(GATE_CLOSED, &gate->inside);
}

struct subject;

/**
 * struct context - a timer's context, one for each time it is created
 * @subject: whose
 * @dead: iotimer_destroy() has returned
 */
struct context {
	struct subject *subject;
	bool dead;
};

/**
 * struct subject - a device with, at times, a timer
 * @dev: the device
 * @mutex: serialises create, destroy, and claims of quiet
 * @timer: the timer, or NULL; changes under @mutex with @users closed
 * @context: its context
 * @users: those who use @timer
 * @starters: those who start it; a routine may start its own without
 * @quiet: the timer was stopped, nobody may start it, so it must not be called
 * @quiet_until: in jiffies
 * @steady: in this storm it is not stopped
 * @starting: starts under way
 * @starts: starts done
 * @tick: of the last call, 0 if none yet; like the next two the routine's own
 * @seen_starts: value of @starts in the last call
 * @certain: no start was under way in the last call
 * @inside: the routine is running
 * @visits: operations on it by others
 * @once: the routine does nothing but stop its own timer
 * @cpu: of the last call
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

static struct subject *subjects;

/* How many of them take part in this phase. */
static unsigned int nr_subjects;

/* The one whose routine runs: everybody's favourite victim. */
static struct subject *on_stage;

/**
 * struct worker - a thread that does all this
 * @task: the thread
 * @rnd: its random numbers, and
 * @timer_rnd: those of its timer, and
 * @irq_rnd: of its interrupt
 * @timer: pokes from a hard interrupt, and so does
 * @irq: this
 * @answers: number of the hold for which it is inside iotimer_stop_sync(), or 0
 * @ran: CPU time that the thread had used before
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

static struct worker *workers;
static unsigned int nr_workers;

/* Workers go on; or they stand still, and each has noticed. */
static struct gate work;

/*
 * For some time timers are only destroyed: in a storm a third of a second, in a
 * pulse a jiffy, since it takes no longer until the last one goes, and better
 * while its routine runs. Neither keeps step with the tick.
 */
static bool tide_is_out(void)
{
	if (READ_ONCE(nr_subjects) > NR_PULSED)
		return jiffies / (HZ / 3) % 4 == 3;
	return jiffies % 3 == 2;
}

/*
 * Timers in each page, which is a chunk, unless two pages fall together; and in
 * the group. Counted a moment after create and destroy, so only nearly right.
 */
static atomic_t in_chunk[1024];
static atomic_t in_group;

static atomic_t *chunk_count(const struct iotimer *timer)
{
	return &in_chunk[((unsigned long)timer / 4096) % ARRAY_SIZE(in_chunk)];
}

/* The walk's own random numbers; routines never run side by side. */
static struct rnd_state walk_rnd;

static u32 below(struct rnd_state *rnd, u32 n)
{
	return prandom_u32_state(rnd) % n;
}

static struct subject *any_subject(struct rnd_state *rnd)
{
	struct subject *s = READ_ONCE(on_stage);
	unsigned int choice = below(rnd, 8);
	unsigned int i;

	if (!s || choice < 3)
		return &subjects[below(rnd, READ_ONCE(nr_subjects))];
	if (choice < 6)
		return s;
	/* A neighbour, likely to be called next. */
	i = s - subjects + 1 + below(rnd, 4);
	return &subjects[i % READ_ONCE(nr_subjects)];
}

/* Operations. The caller uses the timer: it has entered s->users, or is its routine. */

static void start_timer(struct subject *s)
{
	atomic_inc(&s->starting);
	iotimer_start(s->timer);
	atomic_inc(&s->starts);
	atomic_dec(&s->starting);
	did(OP_START);
}

/* What all but its own routine must call. */
static void start(struct subject *s)
{
	if (!gate_enter(&s->starters))
		return;
	start_timer(s);
	gate_leave(&s->starters);
}

static void stop(struct subject *s)
{
	iotimer_stop(s->timer);
	did(OP_STOP);
}

static void stop_sync(struct subject *s)
{
	iotimer_stop_sync(s->timer);
	did(OP_STOP_SYNC);
}

/* Claim that it is not called any more; s->starters is closed. */
static void claim_quiet(struct subject *s, unsigned int jiffies_long)
{
	bool busy = READ_ONCE(s->inside);
	int starts = atomic_read(&s->starts);

	stop_sync(s);
	WRITE_ONCE(s->quiet_until, jiffies + jiffies_long);
	/* Pairs with end_quiet(), so that the end of the claim is seen with it. */
	smp_store_release(&s->quiet, true);
	expect(!READ_ONCE(s->inside) && !iotimer_enabled(s->timer), CHECK_NOT_QUIET);
	did(OP_QUIET);
	if (busy)
		did(OP_WAITED);
	/* Only its routine can have started it: most likely after the first stop. */
	if (busy && starts != atomic_read(&s->starts))
		did(OP_UNDONE);
}

/* End the claim if it is time; caller holds s->mutex. */
static void end_quiet(struct subject *s)
{
	/* Pairs with the release in claim_quiet(). */
	if (!smp_load_acquire(&s->quiet) ||
	    time_before(jiffies, READ_ONCE(s->quiet_until)))
		return;
	WRITE_ONCE(s->quiet, false);
	gate_open(&s->starters);
}

/* What any context may do to any timer. */
static void poke(struct rnd_state *rnd, struct subject *s)
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

/* The routine */

/* Must this call have come in just this tick? */
static void check_tick(struct subject *s)
{
	int starting = atomic_read(&s->starting);
	struct iotimer_stats stats;
	int starts;

	smp_rmb();	/* pairs with the full barriers in start_timer() */
	starts = atomic_read(&s->starts);
	iotimer_get_stats(&stats);	/* counts on between walks only */

	expect(stats.ticks != s->tick, CHECK_TWICE);
	/* Not started since the last call: then it has not been stopped. */
	if (s->tick && s->certain && !starting && starts == s->seen_starts) {
		expect(stats.ticks == s->tick + 1, CHECK_MISSED);
		did(OP_CERTAIN);
	}
	WRITE_ONCE(s->tick, stats.ticks);
	s->seen_starts = starts;
	s->certain = !starting;
}

/* Another timer that may be stopped: the nearest one, above or below. */
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
		/* On the other side the difference wraps, and is large. */
		distance = above ? there - here : here - there;
		if (distance < nearest) {
			nearest = distance;
			found = other;
		}
	}
	return found;
}

/*
 * P6. A routine may hold: it returns only after a stop_sync or destroy of another
 * timer, which began after the routine did, has returned. The routine chooses the
 * other timer, the victim: its neighbour in the walk, in the same word, batch
 * and chunk if there is one, so that a wait which covers any of these is seen.
 * The workers stop or destroy the victim.
 *
 * A hold has a number, so that a worker knows that the hold is still the same
 * one. Both the worker that has returned and the routine that gives up end the
 * hold by replacing the number with 0; only one of them succeeds.
 */
static unsigned int hold;
static struct subject *victim;		/* of the hold; published by its number */
static unsigned int nr_holds;		/* the walk's own */
static atomic_t holds_given_up;

#define HOLD_LIMIT_MS	5000		/* for a stop_sync that waits */
#define HOLD_ALONE_MS	1000		/* for a worker to come */

static bool end_hold(unsigned int nr)
{
	return cmpxchg(&hold, nr, 0) == nr;
}

/* Count the workers inside a stop_sync that the hold asked for, or that wait there. */
static unsigned int count_workers(unsigned int nr, bool that_wait)
{
	unsigned int i, count = 0;

	for (i = 0; i < nr_workers; i++) {
		const struct worker *worker = &workers[i];

		/* Pairs with stop_victim(). */
		if (smp_load_acquire(&worker->answers) != nr)
			continue;
		/*
		 * One that has only lacked CPU time does not wait: its CPU may be
		 * starved, or stopped until another one has gone off line.
		 */
		if (that_wait && task_is_running(worker->task) &&
		    /* another CPU's figure, and about right is enough */
		    data_race(worker->task->se.sum_exec_runtime) - READ_ONCE(worker->ran) <
			    100 * NSEC_PER_MSEC)
			continue;
		count++;
	}
	return count;
}

/* A hold without a victim is over at once, and one without workers soon. */
static void hold_on(const struct subject *s)
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

	/* The whole guest may have been stopped: a worker that can go on does so now. */
	mdelay(100);
	waits = ms >= HOLD_LIMIT_MS && count_workers(nr, true);
	if (end_hold(nr) && expect(!waits, CHECK_COUPLED))
		atomic_inc(&holds_given_up);
}

/* For the end of a phase: the routine that is to outlast all other timers, once one has come. */
static bool ending;
static struct subject *last_one;

/*
 * Stay until all other timers are destroyed, and this one's destroy waits for
 * us. The walk then goes on in a group that goes with this timer.
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

/* Let the others catch up with us, even if their CPUs are slow. */
static void linger(struct subject *s)
{
	ktime_t end = ktime_add_ms(ktime_get(), 2);
	int visits = atomic_read(&s->visits);

	while (atomic_read(&s->visits) - visits < 8 && ktime_before(ktime_get(), end))
		cpu_relax();
}

/* What a routine does to its own timer, and to others. */
static void misbehave(struct subject *s)
{
	struct rnd_state *rnd = &walk_rnd;
	struct subject *other = &subjects[(s - subjects + 1 + below(rnd, 6)) %
					  READ_ONCE(nr_subjects)];
	unsigned int choice = below(rnd, 16);

	if (choice < 6) {
		/* Those who wait for us now must undo the start. */
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
		/* It must not be called any more, though it is in this word. */
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

static void second(struct device *dev, void *arg)
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
	WRITE_ONCE(on_stage, s);

	check_tick(s);
	WRITE_ONCE(s->cpu, smp_processor_id());
	if (READ_ONCE(s->once)) {
		stop(s);
	} else {
		if (READ_ONCE(ending))
			outlast_others(s);
		else if (!below(&walk_rnd, HOLD_EVERY))
			hold_on(s);
		misbehave(s);
	}

	WRITE_ONCE(on_stage, NULL);
	/* A claim may have been made by this call itself, or not at all. */
	WRITE_ONCE(s->inside, false);
}

/* Create, destroy. Caller holds s->mutex. */

static bool has_refs(struct subject *s, unsigned int refs)
{
	return expect(kref_read(&s->dev.kobj.kref) == refs, CHECK_REFS);
}

/* From here on the caller's allocations may fail. */
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
	timer = iotimer_create(&s->dev, second, context);
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

static void destroy(struct subject *s)
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
	if (expect(iotimer_create(&s->dev, second, NULL) == ERR_PTR(-EEXIST),
		   CHECK_TWO_TIMERS))
		did(OP_EXISTS);
	has_refs(s, 2);
}

static void create_at_last(struct subject *s)
{
	mutex_lock(&s->mutex);
	while (!s->timer)
		create(s);	/* allocations may fail */
	mutex_unlock(&s->mutex);
}

/* What only a process may do. */
static void change(struct rnd_state *rnd, struct subject *s)
{
	if (!mutex_trylock(&s->mutex))
		return;
	end_quiet(s);
	if (!s->timer) {
		if (!tide_is_out())
			create(s);
	} else if (READ_ONCE(s->steady)) {
		if (!below(rnd, 64))
			create_again(s);
	} else if (!below(rnd, READ_ONCE(s->inside) || tide_is_out() ? 4 : 64)) {
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

/* Workers, each with a timer and an interrupt of its own */

/* The CPUs on which they have worked; all must be among them in the end. */
static struct cpumask worked_on;

static void poke_from_irq(struct rnd_state *rnd)
{
	poke(rnd, any_subject(rnd));
	did(OP_IRQ);
}

static enum hrtimer_restart worker_timer(struct hrtimer *timer)
{
	poke_from_irq(&container_of(timer, struct worker, timer)->timer_rnd);
	return HRTIMER_NORESTART;
}

static void worker_irq(struct irq_work *irq)
{
	poke_from_irq(&container_of(irq, struct worker, irq)->irq_rnd);
}

/* False if the victim cannot be used now. */
static bool stop_victim(struct worker *worker, struct subject *s, unsigned int nr)
{
	if (!gate_enter(&s->users))
		return false;
	/* The scheduler may write it meanwhile; about right is enough. */
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
 * To wait in destroy proves nothing, since the thread that the routine has
 * interrupted may be in another create or destroy; but not to wait does.
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

/* Do what the routine that holds waits for; false if none does. */
static bool answer_hold(struct worker *worker)
{
	unsigned int nr = smp_load_acquire(&hold);	/* pairs with hold_on() */
	struct subject *s;

	if (!nr)
		return false;
	/* That of the next hold, perhaps: then the number ends nothing. */
	s = READ_ONCE(victim);
	if (!below(&worker->rnd, 8))
		return destroy_victim(s, nr);
	return stop_victim(worker, s, nr);
}

static void work_once(struct worker *worker)
{
	struct rnd_state *rnd = &worker->rnd;
	struct subject *s = any_subject(rnd);

	if (below(rnd, 4) && answer_hold(worker))
		return;
	atomic_inc(&s->visits);
	switch (below(rnd, 16)) {
	case 0 ... 3:
		change(rnd, s);
		break;
	case 4 ... 5:
		/* One that others start meanwhile: nothing can be claimed. */
		if (gate_enter(&s->users)) {
			if (!READ_ONCE(s->steady))
				stop_sync(s);
			gate_leave(&s->users);
		}
		break;
	case 6:
		if (!hrtimer_active(&worker->timer))
			hrtimer_start(&worker->timer,
				      ns_to_ktime(below(rnd, 300000)),
				      HRTIMER_MODE_REL_PINNED_HARD);
		break;
	case 7:
		irq_work_queue(&worker->irq);
		break;
	default:
		poke(rnd, s);
	}
}

/*
 * Not bound to CPUs: the scheduler spreads them, and binding to one that goes
 * off line makes it warn on PREEMPT_RT.
 */
static int worker_thread(void *arg)
{
	struct worker *worker = arg;
	unsigned int i;

	while (!kthread_should_stop()) {
		if (!gate_enter(&work)) {
			msleep(20);
			continue;
		}
		cpumask_set_cpu(raw_smp_processor_id(), &worked_on);
		for (i = 0; i < 256; i++) {
			work_once(worker);
			cond_resched();
		}
		gate_leave(&work);
		/* In a storm it is the running routines that count. */
		if (!READ_ONCE(on_stage) && READ_ONCE(nr_subjects) > NR_PULSED)
			usleep_range(1000, 5000);
		if (!below(&worker->rnd, 64))
			usleep_range(100, 2000);	/* the tick may go idle */
	}
	hrtimer_cancel(&worker->timer);
	irq_work_sync(&worker->irq);
	return 0;
}

/* Phases */

/* All timers, or all but one. */
static void destroy_all(const struct subject *but)
{
	unsigned int i;

	for (i = 0; i < NR_SUBJECTS; i++) {
		struct subject *s = &subjects[i];

		if (s == but)
			continue;
		mutex_lock(&s->mutex);
		if (s->timer)
			destroy(s);
		WRITE_ONCE(s->steady, false);
		mutex_unlock(&s->mutex);
		cond_resched();
	}
}

/* All, in the middle of a walk if one comes. */
static void destroy_under_way(void)
{
	unsigned int i;

	WRITE_ONCE(last_one, NULL);
	WRITE_ONCE(ending, true);	/* these pair with outlast_others() */
	for (i = 0; i < 300 && !READ_ONCE(last_one); i++)
		usleep_range(4000, 5000);
	destroy_all(READ_ONCE(last_one));
	destroy_all(NULL);
	WRITE_ONCE(ending, false);
}

/* No one is at work; interrupts that were on their way have come. */
static void stand_still(void)
{
	unsigned int i;

	gate_close(&work);
	for (i = 0; i < nr_workers; i++) {
		hrtimer_cancel(&workers[i].timer);
		irq_work_sync(&workers[i].irq);
	}
}

static void sleep_seconds(unsigned int s)
{
	schedule_timeout_uninterruptible(s * HZ);
}

/* The steady ones that were called once are called until the very end. */
static void check_steady(void)
{
	struct iotimer_stats stats;
	unsigned long tick;
	unsigned int i;

	iotimer_get_stats(&stats);
	for (i = 0; i < NR_SUBJECTS; i++) {
		struct subject *s = &subjects[i];

		tick = READ_ONCE(s->tick);
		/* The walk of the last tick may be under way. */
		if (READ_ONCE(s->steady) && s->timer && tick)
			expect(tick + 1 >= stats.ticks, CHECK_MISSED);
	}
}

static void storm(unsigned int length)
{
	unsigned int i;

	/* They come first, into the first chunks, so that the others can become empty. */
	for (i = 0; i < NR_SUBJECTS; i += STEADY_EVERY) {
		WRITE_ONCE(subjects[i].steady, true);
		create_at_last(&subjects[i]);
	}
	WRITE_ONCE(nr_subjects, NR_SUBJECTS);
	gate_open(&work);
	sleep_seconds(length);
	stand_still();
	check_steady();
	destroy_under_way();
}

/* A few timers, mostly stopped: the tick is armed and goes idle again all the time. */
static void pulse(unsigned int length)
{
	WRITE_ONCE(nr_subjects, NR_PULSED);
	gate_open(&work);
	sleep_seconds(length);
	stand_still();
	destroy_under_way();
}

/*
 * A timer has stopped itself, and no other is enabled: wait for the tick that
 * finds this out, on another CPU, where its walk can be seen to begin.
 */
static bool wait_for_empty_tick(struct subject *s)
{
	unsigned int cpu = cpumask_any_but(cpu_online_mask, READ_ONCE(s->cpu));
	unsigned long give_up = jiffies + 5 * HZ;
	struct iotimer_stats stats;

	/* It may be the only one on line, or go off line at any time. */
	if (cpu >= nr_cpu_ids || set_cpus_allowed_ptr(current, cpumask_of(cpu)))
		return false;
	do {
		cond_resched();
		iotimer_get_stats(&stats);
	} while (stats.ticks == READ_ONCE(s->tick) && time_before(jiffies, give_up));
	return raw_smp_processor_id() == cpu;
}

/* For its routine, which stops it: a second by the contract, a starved guest gets a minute. */
static void wait_for_once(struct subject *s)
{
	unsigned long give_up = jiffies + 60 * HZ;

	while (!READ_ONCE(s->tick) || iotimer_enabled(s->timer)) {
		if (!expect(time_before(jiffies, give_up), CHECK_NOT_CALLED))
			break;
		cond_resched();
	}
}

#if IS_ENABLED(CONFIG_KUNIT) && IS_ENABLED(CONFIG_TRACEPOINTS)	/* else not exported */
/*
 * The walk is over, and the tick is not idle yet: stay here until a start begins,
 * since the CPU that starts may be starved.
 */
static void keep_from_idle(void *unused, unsigned long calls, u64 ns,
			   unsigned int steps, unsigned long late,
			   unsigned long missed)
{
	struct subject *s = &subjects[0];
	int starts = atomic_read(&s->starts);
	unsigned int us;

	for (us = 0; us < 5000 && !calls; us++) {
		if (atomic_read(&s->starting) || atomic_read(&s->starts) != starts)
			break;
		udelay(1);
	}
}

static bool lengthen_ticks(void)
{
	return !register_trace_iotimer_tick(keep_from_idle, NULL);
}

static void shorten_ticks(void)
{
	unregister_trace_iotimer_tick(keep_from_idle, NULL);
	tracepoint_synchronize_unregister();
}
#else
static bool lengthen_ticks(void)
{
	return false;
}

static void shorten_ticks(void) {}
#endif

/*
 * A start must be noticed, wherever the tick is on its way to idle: the routine
 * stops its own timer, the only one that is enabled, and the timer is started
 * again in the middle of the next walk, which finds none. When that is, is found
 * out by trial: if it was too early the same walk calls the routine, if too late
 * a tick of the CPU that starts. In between the start moves towards the walk's
 * beginning, where it races with the look at the bit.
 */
static void alone(void)
{
	static unsigned int ns = 20 * NSEC_PER_USEC;
	bool lengthened = lengthen_ticks();
	struct subject *s = &subjects[0];
	unsigned int i, round;

	/* All, for a walk of some length. */
	for (i = 0; i < NR_SUBJECTS; i++)
		create_at_last(&subjects[i]);
	WRITE_ONCE(s->once, true);
	for (round = 0; round < 8; round++) {
		unsigned long empty = READ_ONCE(s->tick) + 1;
		bool other = round && wait_for_empty_tick(s);
		unsigned int cpu = raw_smp_processor_id();
		u64 until = ktime_get_ns() + ns;

		while (other && ktime_get_ns() < until)
			cpu_relax();
		WRITE_ONCE(s->tick, 0);
		start_timer(s);
		wait_for_once(s);
		if (!other)
			continue;
		if (READ_ONCE(s->tick) == empty) {
			ns = min_t(unsigned int, ns + ns / 4, NSEC_PER_MSEC);
		} else if (READ_ONCE(s->cpu) == cpu) {
			ns = max(ns - ns / 4, 100u);
		} else {
			ns = max(ns - ns / 8, 100u);
			did(OP_ALONE);
		}
	}
	if (lengthened)
		shorten_ticks();
	set_cpus_allowed_ptr(current, cpu_possible_mask);
	WRITE_ONCE(s->once, false);
	destroy_all(NULL);
}

/* Nothing is enabled any more: there is the tick that finds this out, or none. */
static void idle(void)
{
	struct iotimer_stats before, after;

	iotimer_get_stats(&before);
	sleep_seconds(6);
	iotimer_get_stats(&after);
	/* It takes two steps on the way at most. */
	expect(after.wakeups - before.wakeups <= 3 &&
	       after.ticks - before.ticks <= 1, CHECK_NOT_IDLE);
	did(OP_IDLE);
}

static unsigned long began;

static void report(void)
{
	struct iotimer_stats stats;
	unsigned int i, len = 0;
	char text[700];

	for (i = 0; i < NR_OPS; i++)
		len += scnprintf(text + len, sizeof(text) - len, ", %ld %s",
				 atomic_long_read(&ops[i]), op_name[i]);
	iotimer_get_stats(&stats);
	pr_info("iotimer_torture: %lu s, %u CPUs, %lu ticks, %lu missed%s, %u of %u holds given up\n",
		(jiffies - began) / HZ, num_online_cpus(), stats.ticks,
		stats.missed, text, atomic_read(&holds_given_up), READ_ONCE(nr_holds));
}

/*
 * Has everything been done at least once? A starved guest may need longer. Once
 * something is violated there is no need for more.
 */
static bool did_all(void)
{
	unsigned int i;

	for (i = 0; i < NR_CHECKS; i++)
		if (atomic_read(&violations[i]))
			return true;
	for (i = 0; i < NR_OPS; i++)
		if (!atomic_long_read(&ops[i]) && (i != OP_ENOMEM || failslab))
			return false;
	return true;
}

static int director(void *unused)
{
	unsigned long end = began + seconds * HZ;

	while (!kthread_should_stop() &&
	       (time_before(jiffies, end) ||
		(!did_all() && time_before(jiffies, end + 300 * HZ)))) {
		storm(20);
		pulse(5);
		alone();
		idle();
		report();
	}
	WRITE_ONCE(running, false);
	while (!kthread_should_stop())
		msleep(20);
	return 0;
}

static struct task_struct *director_task;

static void subject_release(struct device *dev)
{
}

static void init_subject(struct subject *s)
{
	device_initialize(&s->dev);
	s->dev.release = subject_release;
	mutex_init(&s->mutex);
	atomic_set(&s->users.inside, GATE_CLOSED);
	atomic_set(&s->starters.inside, GATE_CLOSED);
}

static int start_worker(unsigned int i)
{
	struct worker *worker = &workers[i];

	prandom_seed_state(&worker->rnd, seed + 3 * i + 1);
	prandom_seed_state(&worker->timer_rnd, seed + 3 * i + 2);
	prandom_seed_state(&worker->irq_rnd, seed + 3 * i + 3);
	hrtimer_setup(&worker->timer, worker_timer, CLOCK_MONOTONIC,
		      HRTIMER_MODE_REL_PINNED_HARD);
	worker->irq = IRQ_WORK_INIT_HARD(worker_irq);
	worker->task = kthread_run(worker_thread, worker, "iotimer_torture/%u", i);
	return PTR_ERR_OR_ZERO(worker->task);
}

/* Has no error path that matters: all is taken back by the module's exit. */
static void end_torture(void)
{
	unsigned int i;

	if (director_task)
		kthread_stop(director_task);
	for (i = 0; i < nr_workers; i++)
		kthread_stop(workers[i].task);
	for (i = 0; i < NR_SUBJECTS; i++) {
		expect(!subjects[i].timer, CHECK_DEAD);
		has_refs(&subjects[i], 1);
		put_device(&subjects[i].dev);
	}
	kfree(workers);
	kvfree(subjects);
}

static int __init torture_init(void)
{
	struct task_struct *task;
	unsigned int i;
	int err = 0;

	subjects = kvcalloc(NR_SUBJECTS, sizeof(*subjects), GFP_KERNEL);
	workers = kcalloc(2 * num_online_cpus(), sizeof(*workers), GFP_KERNEL);
	if (!subjects || !workers) {
		kvfree(subjects);
		kfree(workers);
		return -ENOMEM;
	}
	prandom_seed_state(&walk_rnd, seed);
	for (i = 0; i < NR_SUBJECTS; i++)
		init_subject(&subjects[i]);
	nr_subjects = NR_SUBJECTS;
	atomic_set(&work.inside, GATE_CLOSED);
	began = jiffies;

	for (i = 0; i < 2 * num_online_cpus() && !err; i++) {
		err = start_worker(i);
		if (!err)
			nr_workers++;
	}
	if (!err) {
		running = true;
		task = kthread_run(director, NULL, "iotimer_torture");
		err = PTR_ERR_OR_ZERO(task);
		if (!err)
			director_task = task;
	}
	if (err)
		end_torture();
	return err;
}

static void __exit torture_exit(void)
{
	unsigned int i, passed = 0, failed = 0;

	end_torture();
	report();
	for (i = 0; i < NR_CHECKS; i++) {
		long done = atomic_long_read(&ops[checks[i].by]);
		bool good = done && !atomic_read(&violations[i]);

		pr_info("iotimer_torture: %s %s (%ld %s)\n", good ? "ok     " : "FAILED ",
			checks[i].text, done, op_name[checks[i].by]);
		if (good)
			passed++;
		else
			failed++;
	}
	pr_info("iotimer_torture: %s workers on %u of %u CPUs\n",
		cpumask_weight(&worked_on) == num_present_cpus() ? "ok     " : "FAILED ",
		cpumask_weight(&worked_on), num_present_cpus());
	if (cpumask_weight(&worked_on) == num_present_cpus())
		passed++;
	else
		failed++;
	for (i = 0; i < NR_OPS; i++) {
		if (atomic_long_read(&ops[i]) || (i == OP_ENOMEM && !failslab))
			continue;
		pr_info("iotimer_torture: FAILED  none %s\n", op_name[i]);
		failed++;
	}
	pr_info("iotimer_torture: %u passed, %u failed\n", passed, failed);
}

module_init(torture_init);
module_exit(torture_exit);

MODULE_DESCRIPTION("Torture test of iotimer");
MODULE_AUTHOR("The iotimer developers");
MODULE_LICENSE("GPL");
