// SPDX-License-Identifier: GPL-2.0-only
/*
 * iotimer - a routine called once a second for each device
 *
 * The idea: an enabled timer is one bit. Starting and stopping are one atomic
 * operation on that bit. Once a second a single timer_list walks the bitmaps of
 * all timers (iotimer_slots.h), and calls the routines of the bits that are set,
 * testing each bit again just before the call. There is nothing to queue and no
 * list to lock.
 *
 * What keeps a stopped timer stopped: the walk publishes which timer it is
 * about to call, and then tests the bit; iotimer_stop_sync() clears the bit, and
 * then waits while its own timer is the published one. Each side writes one
 * thing and reads the other's, with a full barrier in between, so at least one
 * sees the other: either the walk finds the bit cleared, or stop_sync waits.
 *
 *	iotimer_stop_sync()		the walk
 *	  clear the bit			  running = timer
 *	  [full barrier]		  [full barrier]
 *	  wait while running == timer	  test the bit, call, running = NULL
 *
 * stop_sync waits for its own timer's routine only, whatever the other routines
 * do. The price is a full barrier for each call; with one barrier for several
 * calls, stop_sync would have to wait for several routines.
 *
 * The routine may start its own timer again. So stop_sync repeats both steps
 * until, after the wait, the bit is clear and no new tick has begun. The bit
 * alone is not enough: the next tick may have called the routine again, and that
 * call may have stopped the timer and still be running. Comparing the number of
 * ticks is enough, because one tick calls a timer only once.
 *
 * When the tick is armed, and when it goes idle: after a walk the tick is armed
 * again if the walk found an enabled timer, or if a timer was started since the
 * walk began. The first such start sets tick.state to TICK_REARM; later starts
 * find TICK_REARM and write only their bit. A start sets its bit and then reads
 * the state. The tick sets the state to TICK_ARMED and then reads the bits.
 * Again each side writes one thing and reads the other's:
 *
 *	iotimer_start()			the tick
 *	  set the bit			  state = TICK_ARMED
 *	  [full barrier]		  [full barrier]
 *	  read state			  read the bits
 *
 * Without the barriers the start may read the old TICK_REARM while the walk
 * reads the old bit (store buffering), and the timer would never be called. A
 * stop writes nothing but the bit.
 *
 * tests/litmus has litmus tests of these protocols, and shows what goes wrong
 * without each barrier.
 */
#include <linux/cpumask.h>
#include <linux/device.h>
#include <linux/hrtimer.h>
#include <linux/jiffies.h>
#include <linux/ktime.h>
#include <linux/module.h>
#include <linux/prefetch.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/sched/isolation.h>
#include <linux/spinlock.h>
#include <linux/timer.h>
#include <linux/xarray.h>

#include "compat.h"
#include "iotimer.h"
#include "iotimer_core.h"
#include "iotimer_slots.h"

#define CREATE_TRACE_POINTS
#include "iotimer_trace.h"

#if IS_ENABLED(CONFIG_KUNIT)
EXPORT_TRACEPOINT_SYMBOL_GPL(iotimer_start);	/* for the tests */
EXPORT_TRACEPOINT_SYMBOL_GPL(iotimer_tick);
#endif

unsigned int iotimer_budget_us = 200;

/*
 * Held while a start or a stop is traced. iotimer_destroy() takes and drops
 * this lock after it has set the timer's fn to NULL. So under the lock a timer
 * whose fn is not NULL still has its device. Raw, and taken with interrupts
 * off, because starts come from any context.
 */
static DEFINE_RAW_SPINLOCK(trace_lock);

/*
 * A batch is made of whole words of a bitmap. It ends at BATCH_ENOUGH timers:
 * enough that their memory arrives while the previous batch is called. It never
 * exceeds BATCH_MAX, which is one full word.
 */
#define BATCH_ENOUGH	32
#define BATCH_MAX	BITS_PER_LONG

/* A batch also ends after this many groups, even if it is empty. */
#define BATCH_GROUPS	16

/**
 * struct batch_word - a word of a bitmap that is part of a batch
 * @pending: the bits of the word, as they were when the walk read them
 * @bits: the word itself, in the group's bitmap
 * @first: the slot that belongs to the word's first bit
 */
struct batch_word {
	unsigned long pending;
	const unsigned long *bits;
	struct iotimer *first;
};

/**
 * struct batch - timers that were enabled when the walk looked at their bits
 * @group: index of the group in which the batch begins
 * @start: word of that group's bitmap at which the batch begins. A walk that
 *	pauses before this batch continues here
 * @nr_calls: number of timers in the batch
 * @nr_words: number of entries in @word
 * @word: the words that contain these timers' bits
 */
struct batch {
	unsigned long group;
	unsigned int start;
	unsigned int nr_calls;
	unsigned int nr_words;
	struct batch_word word[BATCH_ENOUGH];
};

enum tick_state {
	TICK_IDLE,
	TICK_ARMED,	/* no timer was started since the walk began */
	TICK_REARM,	/* a timer was started: arm again after the walk */
};

/**
 * struct tick - the one tick behind all timers
 *
 * Before a tick @timer expires once or twice, only to be armed again. At the tick
 * it expires once more, and a walk begins. If the walk pauses, @resume_timer
 * continues it. At the end of the walk @timer is armed for the next tick, or the
 * tick goes idle.
 *
 * @timer: expires at @next
 * @resume_timer: expires when a paused walk continues. Unless the tick is idle,
 *	one of the two timers is armed, or the function of one is running. The
 *	function arms one of them, or none, as its last step. So the two
 *	functions never run at the same time
 * @lock: protects @state; while the tick is idle also @next and @timer. While
 *	the tick is not idle, only the tick writes @next and the fields below
 *	@next
 * @next: the next tick, in jiffies; moves by multiples of HZ only
 * @walking: a walk is under way
 * @group: index of the group at which the walk continues
 * @word: word of that group's bitmap at which the walk continues
 * @found: the walk has found an enabled timer
 * @batch: the current batch, and the next one, which is prefetched
 * @calls: routines called in this tick
 * @steps: steps of this tick's walk: one, and one more for each pause
 * @ns: sum of the steps' durations, in ns
 * @late: jiffies from the tick's point on the grid to its beginning
 * @missed: ticks skipped before this tick
 * @stats: written by the tick alone; pairs with iotimer_get_stats()
 * @walker: current, while a step of the walk runs; NULL otherwise. Compared
 *	with the reader's own current only, which needs no ordering
 * @running: the timer whose routine is called; see the top of this file
 * @state: written under @lock, a few times a second at most; read by every
 *	start without it; see the top of this file
 */
struct tick {
	struct timer_list timer;
	struct hrtimer resume_timer;
	raw_spinlock_t lock;
	unsigned long next;
	bool walking;
	unsigned long group;
	unsigned int word;
	bool found;
	struct batch batch[2];
	unsigned long calls;
	unsigned int steps;
	u64 ns;
	unsigned long late;
	unsigned long missed;
	struct iotimer_stats stats;
	struct task_struct *walker;
	struct iotimer *running ____cacheline_aligned_in_smp;
	enum tick_state state ____cacheline_aligned_in_smp;
};

static void timer_expired(struct timer_list *unused);

/*
 * Initialised here and not in iotimer_core_init(): if the engine is built in, a
 * driver may start a timer before iotimer_core_init() runs.
 */
static struct tick tick = {
	.timer = __TIMER_INITIALIZER(timer_expired, 0),
	.next = INITIAL_JIFFIES,
	.lock = __RAW_SPIN_LOCK_UNLOCKED(tick.lock),
};

static bool is_isolated(int cpu)
{
	return !housekeeping_test_cpu(cpu, HK_TYPE_DOMAIN) ||
	       !housekeeping_test_cpu(cpu, HK_TYPE_TIMER);
}

/*
 * Choose the CPU for the tick: this CPU, unless it is isolated and another online
 * CPU is not. The caller has disabled interrupts, so no CPU can go offline.
 */
static int tick_cpu(void)
{
	int this_cpu = smp_processor_id(), cpu;

	if (!is_isolated(this_cpu))
		return this_cpu;
	for_each_cpu(cpu, cpu_online_mask)
		if (!is_isolated(cpu))
			return cpu;
	return this_cpu;
}

/*
 * Arm tick.timer on a CPU that is not isolated. If no CPU is isolated, the timer
 * code chooses the CPU. The caller has disabled interrupts.
 */
static void arm_at(unsigned long expires)
{
	if (!housekeeping_enabled(HK_TYPE_DOMAIN) &&
	    !housekeeping_enabled(HK_TYPE_TIMER)) {
		mod_timer(&tick.timer, expires);
	} else {
		tick.timer.expires = expires;
		add_timer_on(&tick.timer, tick_cpu());
	}
}

/*
 * Arm the timer for tick.next. The timer wheel may run a far timer late by up
 * to an eighth of its distance, differently each time, so two calls could be
 * less than a second apart. So first arm it for six sevenths of the way, twice
 * at most, until no more than 62 jiffies are left. Such a timer is on the
 * wheel's first level, which is exact: it runs in the jiffy after the one asked
 * for, hence the "- 1".
 */
static void arm(void)
{
	long left = tick.next - jiffies;

	if (left > 62)
		arm_at(tick.next - left / 7);
	else if (left > 0)
		arm_at(tick.next - 1);
	else	/* late: in the next jiffy, so that this softirq can end */
		arm_at(jiffies);
}

/*
 * Called by a start: arm the tick if it is idle; if a walk is under way, have
 * rearm_or_idle() arm it. Not inlined, so that a start that does not call this
 * function saves no registers.
 */
static noinline void kick_tick(void)
{
	unsigned long flags, now;

	raw_spin_lock_irqsave(&tick.lock, flags);
	if (tick.state == TICK_IDLE) {
		now = jiffies;
		/* If tick.next has passed, move it to the grid's next point. */
		if (tick.next - now - 1 >= HZ)
			tick.next += ((now - tick.next) / HZ + 1) * HZ;
		arm();
	}
	WRITE_ONCE(tick.state, TICK_REARM);
	raw_spin_unlock_irqrestore(&tick.lock, flags);
}

/* Called before a walk. The walk finds all timers that were started before this. */
static void begin_walk(void)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&tick.lock, flags);
	WRITE_ONCE(tick.state, TICK_ARMED);
	raw_spin_unlock_irqrestore(&tick.lock, flags);
	smp_mb(); /* pairs with test_and_set_bit() in iotimer_start() */
}

/* Called after a walk: arm the next tick if a timer is enabled, else go idle. */
static void rearm_or_idle(void)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&tick.lock, flags);
	if (tick.found || tick.state == TICK_REARM)
		arm();
	else
		WRITE_ONCE(tick.state, TICK_IDLE);
	raw_spin_unlock_irqrestore(&tick.lock, flags);
}

/*
 * On PREEMPT_RT stop_sync may preempt the walk, so it must not spin. It sleeps on
 * the slot's lock, which the walk holds during the call.
 */
#ifdef CONFIG_PREEMPT_RT
static void lock_call(struct iotimer *timer)
{
	spin_lock(&timer->lock);
}

static void unlock_call(struct iotimer *timer)
{
	spin_unlock(&timer->lock);
}

static void wait_for_call(struct iotimer *timer)
{
	lock_call(timer);	/* lends the routine our priority */
	unlock_call(timer);
}
#else
static void lock_call(struct iotimer *timer) {}
static void unlock_call(struct iotimer *timer) {}

static void wait_for_call(struct iotimer *timer)
{
	cpu_relax();
}
#endif

/*
 * For lockdep a call is a lock: the walk holds it, and stop_sync waits for it.
 * Each place in the source that creates timers is a class, as with
 * timer_setup().
 */
#ifdef CONFIG_LOCKDEP
static void init_call_map(struct iotimer *timer, const char *name,
			  struct lock_class_key *key)
{
	lockdep_init_map(&timer->lockdep_map, name, key, 0);
}

/* Acquire a copy, because lockdep writes to the map. */
static void acquire_call_map(struct lockdep_map *map, struct iotimer *timer)
{
	lockdep_copy_map(map, &timer->lockdep_map);
	lock_map_acquire(map);
}

/*
 * Tell lockdep that stop_sync may wait, whether it waits this time or not. With
 * interrupts off: otherwise lockdep assumes that the softirq may run in between
 * and take the same "lock".
 */
static void might_wait_for_call(struct iotimer *timer)
{
	unsigned long flags;

	local_irq_save(flags);
	lock_map_acquire(&timer->lockdep_map);
	lock_map_release(&timer->lockdep_map);
	local_irq_restore(flags);
}
#else
static void init_call_map(struct iotimer *timer, const char *name,
			  struct lock_class_key *key)
{
}

static void acquire_call_map(struct lockdep_map *map, struct iotimer *timer)
{
}

static void might_wait_for_call(struct iotimer *timer)
{
}
#endif

static void run_routine(struct iotimer *timer, iotimer_fn_t fn)
{
	/* Stable: iotimer_destroy() waits for this call before it frees the slot. */
	struct device *dev = timer->dev;
	struct lockdep_map map;

	trace_iotimer_expire_entry(dev, fn);
	acquire_call_map(&map, timer);
	fn(dev, timer->context);
	lock_map_release(&map);
	trace_iotimer_expire_exit(dev, fn);
}

/*
 * Call a timer's routine, unless the timer was stopped after the walk collected
 * it. Returns whether the routine was called.
 */
static bool call_timer(struct iotimer *timer, const unsigned long *bits,
		       unsigned long mask)
{
	iotimer_fn_t fn;

	lock_call(timer);
	/*
	 * Release: iotimer_stop_sync() of the previous timer may miss the NULL
	 * that was stored after its call and read this value instead. Even then
	 * it must see what the previous routine wrote.
	 */
	smp_store_release(&tick.running, timer);
	smp_mb(); /* pairs with test_and_clear_bit() in clear_enabled() */
	/*
	 * Load fn before testing the bit again, and both after the barrier.
	 * Otherwise a late start may set the bit of a timer that is being
	 * destroyed, and clear the bit after we have seen it; the slot gets a
	 * new owner; and we call the new owner's fn, although the new timer was
	 * never started.
	 */
	fn = smp_load_acquire(&timer->fn); /* pairs with iotimer_create() */
	if (fn && !(smp_load_acquire(bits) & mask)) /* pairs with iotimer_start() */
		fn = NULL;
	if (fn)
		run_routine(timer, fn);
	smp_store_release(&tick.running, NULL); /* pairs with iotimer_stop_sync() */
	unlock_call(timer);
	return fn;
}

/* Where the walk looks for enabled timers: one batch ahead of its calls. */
struct scan {
	struct xa_state xas;
	struct iotimer_group *group;	/* NULL at the end */
	unsigned int word;
};

static void next_group(struct scan *scan)
{
	do
		scan->group = xas_find(&scan->xas, ULONG_MAX);
	while (xas_retry(&scan->xas, scan->group));
	scan->word = 0;
}

/*
 * Prefetch the slots of the enabled timers. If many timers are enabled, leave
 * this to the hardware prefetcher, which does as well because slots are read in
 * order.
 */
static void prefetch_slots(const struct iotimer *first, unsigned long pending,
			   unsigned int nr)
{
	if (nr > BITS_PER_LONG / 4)
		return;
	for (; pending; pending &= pending - 1)
		prefetch(&first[__ffs(pending)]);
}

/*
 * Add the enabled timers of the scan's next word to a batch, unless they would
 * exceed BATCH_MAX. Returns whether the batch has room for more.
 */
static bool collect_word(struct scan *scan, struct batch *batch)
{
	const unsigned int first_bit = scan->word * BITS_PER_LONG;
	const unsigned long *bits = &scan->group->enabled[scan->word];
	struct batch_word *word = &batch->word[batch->nr_words];
	unsigned long pending = READ_ONCE(*bits);
	struct iotimer_chunk *chunk;
	unsigned int calls;

	if (!pending) {
		scan->word++;
		return true;
	}
	calls = hweight_long(pending);
	if (batch->nr_calls + calls > BATCH_MAX)
		return false;
	scan->word++;
	chunk = rcu_dereference(scan->group->chunk[first_bit / IOTIMER_CHUNK_BITS]);
	if (!chunk)	/* just removed, or just added */
		return true;
	word->pending = pending;
	word->bits = bits;
	word->first = slot_in(chunk, first_bit % IOTIMER_CHUNK_BITS);
	prefetch_slots(word->first, pending, calls);
	batch->nr_calls += calls;
	batch->nr_words++;
	return batch->nr_calls < BATCH_ENOUGH;
}

/* Fill a batch with the next enabled timers. */
static void collect(struct scan *scan, struct batch *batch)
{
	unsigned int groups = 0;
	bool room = true;

	batch->group = scan->xas.xa_index;
	batch->start = scan->word;
	batch->nr_calls = 0;
	batch->nr_words = 0;
	while (scan->group && room && groups < BATCH_GROUPS) {
		while (scan->word < IOTIMER_GROUP_WORDS && room)
			room = collect_word(scan, batch);
		if (scan->word == IOTIMER_GROUP_WORDS) {
			next_group(scan);
			groups++;
		}
	}
}

/* The next context of a batch to prefetch. */
struct fetch {
	const struct batch_word *word, *end;
	unsigned long pending;
};

static void fetch_from(struct fetch *fetch, const struct batch *batch)
{
	fetch->word = batch->word;
	fetch->end = batch->word + batch->nr_words;
	fetch->pending = batch->nr_words ? fetch->word->pending : 0;
}

/*
 * Prefetch one context. A context need not be an address: prefetch never
 * faults. Returns false if none is left.
 */
static bool fetch_context(struct fetch *fetch)
{
	const void *context;

	if (!fetch->pending)
		return false;
	/* Pairs with __iotimer_create(). */
	context = READ_ONCE(fetch->word->first[__ffs(fetch->pending)].context);
	if (context)
		prefetch(context);
	fetch->pending &= fetch->pending - 1;
	if (!fetch->pending && ++fetch->word < fetch->end)
		fetch->pending = fetch->word->pending;
	return true;
}

/* Call the timers of one batch, and prefetch the contexts of the next. */
static void call_batch(const struct batch *batch, const struct batch *next)
{
	const struct batch_word *word;
	unsigned long calls = 0;
	struct fetch fetch;

	fetch_from(&fetch, next);
	for (word = batch->word; word < batch->word + batch->nr_words; word++) {
		unsigned long pending = word->pending;

		for (; pending; pending &= pending - 1) {
			fetch_context(&fetch);
			calls += call_timer(&word->first[__ffs(pending)],
					    word->bits, pending & -pending);
		}
	}
	while (fetch_context(&fetch))
		;
	tick.calls += calls;
}

/*
 * Walk from the cursor until all groups are done or the budget is used up.
 * Returns how many ns this took.
 *
 * Slots and contexts are cold memory. So collect() prefetches all slots of the
 * next batch at once. Then, with each call of the current batch, the context of
 * one slot of the next batch is prefetched.
 *
 * The cursor, tick.group and tick.word, is a pair of numbers, so chunks and groups
 * may come or go while the walk pauses. While a step runs, RCU keeps them.
 */
static u64 walk(void)
{
	const u64 budget = READ_ONCE(iotimer_budget_us) * (u64)NSEC_PER_USEC;
	const u64 begin = ktime_get_ns();
	struct batch *batch = &tick.batch[0], *next = &tick.batch[1];
	struct scan scan = {
		.xas = __XA_STATE(&iotimer_groups, tick.group, 0, 0),
	};
	u64 took;

	WRITE_ONCE(tick.walker, current);
	rcu_read_lock();
	next_group(&scan);
	if (scan.xas.xa_index == tick.group)
		scan.word = tick.word;
	next->nr_calls = 0;
	next->nr_words = 0;
	collect(&scan, batch);
	call_batch(next, batch);	/* next is empty: only prefetch */
	do {
		tick.found |= batch->nr_calls;
		collect(&scan, next);
		call_batch(batch, next);
		swap(batch, next);
		took = ktime_get_ns() - begin;
		tick.walking = batch->nr_calls || scan.group;
	} while (tick.walking && took < budget);
	tick.group = batch->group;
	tick.word = batch->start;
	rcu_read_unlock();
	WRITE_ONCE(tick.walker, NULL);
	return took;
}

/* One step of a walk. A pause lasts as long as the step took, at most a jiffy. */
static void walk_step(void)
{
	u64 took = walk();

	tick.steps++;
	tick.ns += took;
	if (tick.walking) {
		trace_iotimer_pause(took);
		hrtimer_start(&tick.resume_timer, min_t(u64, took, TICK_NSEC),
			      HRTIMER_MODE_REL_PINNED_SOFT);
		return;
	}
	trace_iotimer_tick(tick.calls, tick.ns, tick.steps, tick.late, tick.missed);
	rearm_or_idle();
}

/*
 * When a CPU goes offline, the kernel moves its timers to another CPU, which may
 * be isolated. If this CPU is isolated and another online CPU is not, arm the
 * timer there and return true.
 */
static bool moved_away(void)
{
	unsigned long flags;
	bool moved;

	if (likely(!is_isolated(smp_processor_id())))
		return false;
	local_irq_save(flags);
	moved = tick_cpu() != smp_processor_id();
	if (moved)
		arm_at(jiffies);
	local_irq_restore(flags);
	return moved;
}

static void begin_tick(void)
{
	const unsigned long now = jiffies;

	tick.missed = (now - tick.next) / HZ;
	if (tick.missed)
		trace_iotimer_overrun(tick.missed);
	tick.late = (now - tick.next) % HZ;
	tick.next += (tick.missed + 1) * HZ;
	WRITE_ONCE(tick.stats.missed, tick.stats.missed + tick.missed);
	/* Before the walk; pairs with iotimer_stop_sync(). */
	WRITE_ONCE(tick.stats.ticks, tick.stats.ticks + 1);
	tick.calls = 0;
	tick.steps = 0;
	tick.ns = 0;
	tick.group = 0;
	tick.word = 0;
	tick.found = false;
	tick.walking = true;
	begin_walk();
}

/* Either timer has expired: on the way to a tick, at a tick, or after a pause. */
static void expire(void)
{
	unsigned long flags;

	WRITE_ONCE(tick.stats.wakeups, tick.stats.wakeups + 1);
	if (moved_away())
		return;
	if (!tick.walking && time_before(jiffies, tick.next)) {
		local_irq_save(flags);
		arm();
		local_irq_restore(flags);
		return;
	}
	if (!tick.walking)
		begin_tick();
	walk_step();
}

static void timer_expired(struct timer_list *unused)
{
	expire();
}

static enum hrtimer_restart resume(struct hrtimer *unused)
{
	expire();
	return HRTIMER_NORESTART;
}

enum iotimer_switch { IOTIMER_STARTED, IOTIMER_STOPPED };

/* Not inlined, so that starts and stops that are not traced stay short. */
static noinline void trace_switch(struct iotimer *timer,
				  enum iotimer_switch what, bool was_enabled)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&trace_lock, flags);
	if (!READ_ONCE(timer->fn))	/* being destroyed, see trace_lock */
		;
	else if (what == IOTIMER_STARTED)
		trace_iotimer_start(timer->dev, was_enabled);
	else
		trace_iotimer_stop(timer->dev, was_enabled);
	raw_spin_unlock_irqrestore(&trace_lock, flags);
}

static bool clear_enabled(struct iotimer *timer)
{
	return test_and_clear_bit(bit_of(timer), enabled_of(timer));
}

/**
 * iotimer_start - have a timer's routine called once a second (IoStartTimer)
 * @timer: the timer
 *
 * The first call comes at the next tick: within one second, plus the pauses of a
 * tick that uses up its budget. Later calls come at the ticks that follow.
 *
 * Once iotimer_destroy() has begun, a start does nothing, so a routine may start
 * its own timer at any time. All other starts must have returned before
 * iotimer_destroy() is called. Starting a destroyed timer is a bug in the caller:
 * it warns once and does nothing, as long as the memory is neither freed nor
 * another timer's.
 *
 * A driver that starts its timer at each operation writes
 * ``if (!iotimer_enabled(timer)) iotimer_start(timer);`` and holds the lock under
 * which its routine stops the timer. While the timer is enabled this code only
 * reads, so CPUs whose timers' bits share a cache line do not disturb each
 * other. Without the lock, the routine may stop the timer just after the test,
 * and the timer stays stopped.
 *
 * Context: any but NMI, the routines included. Never sleeps, and never waits for
 * a routine. The first start after a walk has begun takes a raw spinlock for a
 * moment; so does every start while starts are traced.
 * Return: true if the timer was not enabled before; false if it was, or if it is
 * being destroyed.
 */
bool iotimer_start(struct iotimer *timer)
{
	bool was_enabled;

	/*
	 * The full barrier orders the bit:
	 * - after what the caller wrote, for the routine;
	 * - before the load of tick.state, for begin_walk();
	 * - before the load of timer->fn, for iotimer_destroy(), which writes fn
	 *   and then clears the bit.
	 */
	was_enabled = test_and_set_bit(bit_of(timer), enabled_of(timer));

	if (unlikely(!READ_ONCE(timer->fn))) {
		clear_enabled(timer);
		WARN_ONCE(!test_bit(bit_of(timer), chunk_of(timer)->group->used),
			  "iotimer: start of a destroyed timer\n");
		return false;
	}

	/* Even if the bit was set: the CPU that set it may not have kicked the tick yet. */
	if (unlikely(READ_ONCE(tick.state) != TICK_REARM))
		kick_tick();
	if (trace_iotimer_start_enabled())
		trace_switch(timer, IOTIMER_STARTED, was_enabled);
	return !was_enabled;
}
EXPORT_SYMBOL_GPL(iotimer_start);

/**
 * iotimer_stop - stop a timer (IoStopTimer)
 * @timer: the timer
 *
 * A call of the routine that is under way on another CPU may still be running
 * on return; iotimer_stop_sync() waits for it.
 *
 * Context: any but NMI, the routines included. Never sleeps, and never waits for
 * a routine. Takes a raw spinlock for a moment while stops are traced.
 * Return: true if the timer was enabled.
 */
bool iotimer_stop(struct iotimer *timer)
{
	bool was_enabled = clear_enabled(timer);

	if (trace_iotimer_stop_enabled())
		trace_switch(timer, IOTIMER_STOPPED, was_enabled);
	return was_enabled;
}
EXPORT_SYMBOL_GPL(iotimer_stop);

static bool inside_routine(void)
{
	return READ_ONCE(tick.walker) == current;
}

/**
 * iotimer_stop_sync - stop a timer and wait for its routine to end
 * @timer: the timer
 *
 * On return the routine is not running, and is not called again before the next
 * iotimer_start(). While iotimer_stop_sync() waits, only the routine itself may
 * start the timer. The wait is for a call of this timer's own routine only.
 * Inside a routine there is no wait: another timer's routine cannot be running
 * then, and the timer's own routine is not called again.
 *
 * The rule about locks is that of timer_delete_sync(): do not hold a lock that
 * this timer's routine takes. Lockdep checks this rule. With interrupts off,
 * also inside a routine, the function warns once and behaves like
 * iotimer_stop().
 *
 * Context: process or softirq, interrupts on; spins while the routine runs. On
 * PREEMPT_RT also preemption on: sleeps, and lends the routine its priority.
 * Return: true if the timer was running.
 */
bool iotimer_stop_sync(struct iotimer *timer)
{
	bool inside = inside_routine();
	unsigned long ticks;
	bool was_enabled;

	if (!inside && !in_hardirq())	/* in_hardirq() is warned about below */
		might_wait_for_call(timer);
	ticks = READ_ONCE(tick.stats.ticks);	/* before the bit is cleared */
	was_enabled = iotimer_stop(timer);
	if (WARN_ONCE(irqs_disabled(),
		      "iotimer: stop_sync with interrupts off cannot wait\n"))
		return was_enabled;
	if (inside)
		return was_enabled;
	if (IS_ENABLED(CONFIG_PREEMPT_RT))
		lockdep_assert_preemption_enabled();	/* it may sleep */

	for (;;) {
		/* Clearing the bit was a full barrier. Pairs with call_timer(). */
		while (smp_load_acquire(&tick.running) == timer)
			wait_for_call(timer);
		/* Acquire: if a call cleared the bit, see the number of its tick. */
		if (!test_bit_acquire(bit_of(timer), enabled_of(timer)) &&
		    READ_ONCE(tick.stats.ticks) == ticks)
			return was_enabled;
		ticks = READ_ONCE(tick.stats.ticks);
		if (!clear_enabled(timer))
			continue;
		was_enabled = true;
		if (trace_iotimer_stop_enabled())
			trace_switch(timer, IOTIMER_STOPPED, true);
	}
}
EXPORT_SYMBOL_GPL(iotimer_stop_sync);

/**
 * iotimer_enabled - tell whether a timer is started
 * @timer: the timer
 *
 * Context: any.
 * Return: true between iotimer_start() and the next stop.
 */
bool iotimer_enabled(const struct iotimer *timer)
{
	return test_bit(bit_of(timer), enabled_of(timer));
}
EXPORT_SYMBOL_GPL(iotimer_enabled);

/**
 * iotimer_get_stats - read what the tick has done
 * @stats: filled in. The values are read one after the other, while the tick may
 *	change them
 *
 * Context: any.
 */
void iotimer_get_stats(struct iotimer_stats *stats)
{
	stats->ticks = READ_ONCE(tick.stats.ticks);
	stats->missed = READ_ONCE(tick.stats.missed);
	stats->wakeups = READ_ONCE(tick.stats.wakeups);
}
EXPORT_SYMBOL_GPL(iotimer_get_stats);

/* Without CONFIG_PREEMPT_COUNT this does not notice that a spinlock is held. */
static bool is_atomic(void)
{
	return in_interrupt() || irqs_disabled() || preempt_count();
}

/* What iotimer_create() expands to: @name and @key are the caller's lock class. */
struct iotimer *__iotimer_create(struct device *dev, iotimer_fn_t fn,
				 void *context, const char *name,
				 struct lock_class_key *key)
{
	struct iotimer *timer;

	/* The references of an uninitialised device cannot be counted. */
	if (!dev || !fn || !dev->kobj.state_initialized)
		return ERR_PTR(-EINVAL);
	if (WARN_ONCE(is_atomic(), "iotimer: create in atomic context\n"))
		return ERR_PTR(-EINVAL);
	might_sleep();

	timer = iotimer_slot_get(dev);
	if (IS_ERR(timer))
		return timer;
	init_call_map(timer, name, key);
	WRITE_ONCE(timer->context, context);	/* pairs with fetch_context() */
	smp_store_release(&timer->fn, fn);	/* pairs with call_timer() */
	trace_iotimer_create(dev, fn);
	return timer;
}
EXPORT_SYMBOL_GPL(__iotimer_create);

/**
 * iotimer_destroy - stop a device's timer and free it (part of IoDeleteDevice)
 * @timer: the timer; NULL and ERR_PTRs are ignored
 *
 * Waits as iotimer_stop_sync() does, with the same rule about locks. During the
 * wait, a start by the routine does nothing. All other starts must have
 * returned before this call, and none may begin later, because the memory may
 * soon be another timer's. Do not destroy a timer of devm_iotimer_create().
 *
 * Context: process, may sleep. Inside a routine, or in another atomic context,
 * it warns once and behaves like iotimer_stop(): the timer is not freed.
 */
void iotimer_destroy(struct iotimer *timer)
{
	if (IS_ERR_OR_NULL(timer))
		return;
	if (WARN_ONCE(is_atomic(), "iotimer: destroy in atomic context\n")) {
		iotimer_stop(timer);
		return;
	}
	might_sleep();

	/* stop_sync then clears the bit, a full barrier; pairs with iotimer_start(). */
	WRITE_ONCE(timer->fn, NULL);
	iotimer_stop_sync(timer);
	raw_spin_lock_irq(&trace_lock);	/* wait for trace_switch() */
	raw_spin_unlock_irq(&trace_lock);

	trace_iotimer_destroy(timer->dev);
	iotimer_slot_put(timer);
}
EXPORT_SYMBOL_GPL(iotimer_destroy);

static void devm_release(void *timer)
{
	iotimer_destroy(timer);
}

/* What devm_iotimer_create() expands to. */
struct iotimer *__devm_iotimer_create(struct device *dev, iotimer_fn_t fn,
				      void *context, const char *name,
				      struct lock_class_key *key)
{
	struct iotimer *timer = __iotimer_create(dev, fn, context, name, key);
	int err;

	if (IS_ERR(timer))
		return timer;
	err = devm_add_action_or_reset(dev, devm_release, timer);
	return err ? ERR_PTR(err) : timer;
}
EXPORT_SYMBOL_GPL(__devm_iotimer_create);

void __init iotimer_core_init(void)
{
	hrtimer_setup(&tick.resume_timer, resume, CLOCK_MONOTONIC,
		      HRTIMER_MODE_REL_PINNED_SOFT);
}

/* No timer is enabled any more, but the last tick may be armed, or its walk paused. */
void iotimer_core_exit(void)
{
	/*
	 * In this order: timer_expired() may arm resume_timer, but resume() cannot
	 * arm tick.timer after its shutdown.
	 *
	 * timer_shutdown_sync() does not wait for timer_expired() if that
	 * function has armed the timer on another CPU. free_module() does,
	 * because it waits for RCU. So timer_expired() arms the timer as its
	 * last step, and only its return may be left to run.
	 */
	timer_shutdown_sync(&tick.timer);
	hrtimer_cancel(&tick.resume_timer);
}
