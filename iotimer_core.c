// SPDX-License-Identifier: GPL-2.0-only
/*
 * iotimer - a routine called once a second for each device
 *
 * The idea: an enabled timer is one bit. A timer is a 32-byte slot {routine,
 * device, context} in a page-sized chunk, whose header has a bitmap of the
 * enabled slots. Starting and stopping are one atomic operation on that bit.
 * Once a second a single timer_list walks the bitmaps of all chunks and calls
 * the routines of the bits that it finds, testing each bit again just before
 * the call. There is nothing to queue and no list to lock.
 *
 * What keeps a stopped timer stopped: the walk holds walk_lock while it runs
 * the routines of one bitmap word. iotimer_stop_sync() clears the bit, takes
 * and drops that lock, and so has waited for the few routines that may have
 * been under way; any later walk sees the bit cleared.
 *
 * What keeps the tick going, and lets it rest: it goes on after a walk that
 * found an enabled timer, or if one was started since that walk began. The
 * first such start says so in tick.state; for those that follow it is enough to
 * see that. So start sets a bit and then looks whether the tick is wanted; a
 * walk begins by forgetting that it is, and then looks at the bits. Each writes
 * one thing and reads the other's with a full barrier between, so at least one
 * of them sees the other:
 *
 *	iotimer_start()			iotimer_tick()
 *	  set the bit			  state = TICK_COMES
 *	  [full barrier]		  [full barrier]
 *	  read state			  read the bits
 *
 * and the outcome "state was TICK_WANTED, the bit was not set", with which a
 * timer would sleep for ever, is forbidden (the store-buffering litmus test).
 * Stop, and a start that sees TICK_WANTED, write nothing but the bit.
 */
#include <linux/bitmap.h>
#include <linux/device.h>
#include <linux/hash.h>
#include <linux/hrtimer.h>
#include <linux/jiffies.h>
#include <linux/ktime.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/prefetch.h>
#include <linux/rcupdate.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/string_helpers.h>
#include <linux/sysfs.h>
#include <linux/timer.h>
#include <linux/xarray.h>

#include "compat.h"
#include "iotimer.h"
#include "iotimer_debug.h"

#define CREATE_TRACE_POINTS
#include "iotimer_trace.h"

#if IS_ENABLED(CONFIG_KUNIT)
EXPORT_TRACEPOINT_SYMBOL_GPL(iotimer_start);	/* for its test */
#endif

#define IOTIMER_CHUNK_SIZE	4096
#define IOTIMER_CHUNK_SLOTS	126
#define IOTIMER_CHUNK_WORDS	BITS_TO_LONGS(IOTIMER_CHUNK_SLOTS)

/*
 * A slot. @fn is NULL while the slot is free and from the moment that
 * iotimer_destroy() begins. @child links the devices that have a timer, see
 * iotimer_find().
 */
struct iotimer {
	iotimer_fn_t fn;
	struct device *dev;
	void *context;
	u32 child[2];
} __aligned(32);

/*
 * Aligned to its size, so that a slot finds its chunk by masking. The first
 * cache line is all that a walk reads of a chunk without enabled timers.
 */
struct iotimer_chunk {
	unsigned long enabled[IOTIMER_CHUNK_WORDS];
	unsigned long used[IOTIMER_CHUNK_WORDS];
	struct rcu_head rcu;
	u32 index;
	u32 nr_used;
	struct iotimer slot[IOTIMER_CHUNK_SLOTS] __aligned(64);
};

static_assert(sizeof(struct iotimer) == 32);
static_assert(sizeof(struct iotimer_chunk) == IOTIMER_CHUNK_SIZE);
/* Chunk headers cost less than 2 % of the timers in them. */
static_assert(offsetof(struct iotimer_chunk, slot) <
	      sizeof_field(struct iotimer_chunk, slot) / 50);

/* A timer's name in 32 bits: its chunk's index, which is never 0, and slot. */
#define IOTIMER_ID_SLOT_BITS	7
#define IOTIMER_MAX_CHUNKS	BIT(32 - IOTIMER_ID_SLOT_BITS)
static_assert(!(IOTIMER_CHUNK_SLOTS >> IOTIMER_ID_SLOT_BITS));

/* Chunks by index; those with a free slot carry the mark. */
static DEFINE_XARRAY_ALLOC1(iotimer_chunks);
#define IOTIMER_HAS_ROOM	XA_MARK_1

/*
 * Serialises create, destroy, and readers of the list of timers: used bitmaps,
 * nr_used, the device tree.
 */
static DEFINE_MUTEX(iotimer_mutex);

/* Root of the devices' tree, an id; protected by iotimer_mutex. */
static u32 iotimer_root;

/* Held by the walk while the routines of one bitmap word run. */
static DEFINE_SPINLOCK(walk_lock);

/*
 * Held while a start or a stop is traced. iotimer_destroy() passes through it
 * once the timer is dead, so whoever sees here that it is not still has its
 * device. Raw and with interrupts off, since starts come from anywhere.
 */
static DEFINE_RAW_SPINLOCK(trace_lock);

/*
 * The task on whose stack routines are running, written by the walk under
 * walk_lock. Only "is it me?" is ever asked, and that needs no ordering.
 */
static struct task_struct *walker;

enum iotimer_tick_state {
	TICK_RESTS,
	TICK_COMES,	/* and rests then, unless it finds an enabled timer */
	TICK_WANTED,	/* and comes again: a timer was started since the last */
};

/**
 * struct iotimer_watch - what is told of a tick that is traced or measured
 * @on: this one is; decided when it begins, for all of it
 * @measure: which measurement it is part of, likewise; 0 if of none
 * @calls: routines called
 * @steps: steps of its walk
 * @ns: that these took together
 * @late: jiffies after its point on the grid
 * @missed: ticks skipped before it
 */
struct iotimer_watch {
	bool on;
	u32 measure;
	unsigned int steps;
	unsigned long calls;
	u64 ns;
	unsigned long late;
	unsigned long missed;
};

/**
 * struct iotimer_tick - the one tick behind all timers
 * @timer: expires at @next
 * @pause: expires when a walk that used up its budget is to go on. Unless the
 *	tick rests, one of these two is armed, or its function is running and
 *	arms one as the last thing, if any; so they never run at the same time
 * @lock: protects @state, and @next and @timer while the tick rests; else the
 *	tick owns all below
 * @next: the next tick in jiffies; moves by whole multiples of HZ only
 * @chunk: index of the chunk that a walk goes on with
 * @word: bitmap word in that chunk to go on with
 * @found: the walk has found an enabled timer
 * @watch: of this tick
 * @stats: written by the tick alone, read by anyone
 * @state: written under @lock, a few times a second at most; read by every
 *	start without it (see the top of this file)
 */
struct iotimer_tick {
	struct timer_list timer;
	struct hrtimer pause;
	raw_spinlock_t lock;
	unsigned long next;
	unsigned long chunk;
	unsigned int word;
	bool found;
	struct iotimer_watch watch;
	struct iotimer_stats stats;
	enum iotimer_tick_state state ____cacheline_aligned_in_smp;
};

static struct iotimer_tick tick = {
	.lock = __RAW_SPIN_LOCK_UNLOCKED(tick.lock),
};

static unsigned int budget_us = 200;

static int iotimer_set_budget(const char *val, const struct kernel_param *kp)
{
	unsigned int us;
	int err = kstrtouint(val, 0, &us);

	if (err)
		return err;
	if (us < 1 || us > USEC_PER_SEC)
		return -EINVAL;
	WRITE_ONCE(budget_us, us);	/* for the walk */
	return 0;
}

static const struct kernel_param_ops iotimer_budget_ops = {
	.set = iotimer_set_budget,
	.get = param_get_uint,
};
module_param_cb(budget_us, &iotimer_budget_ops, &budget_us, 0644);
MODULE_PARM_DESC(budget_us,
		 "longest time in us that a tick holds the softirq before it pauses (1 to 1000000, default 200)");

static int iotimer_refuse(const char *val, const struct kernel_param *kp)
{
	return -EPERM;
}

/* Pairs with the tick's WRITE_ONCE(). */
static int iotimer_get_counter(char *buf, const struct kernel_param *kp)
{
	return sysfs_emit(buf, "%lu\n", READ_ONCE(*(unsigned long *)kp->arg));
}

static const struct kernel_param_ops iotimer_counter_ops = {
	.set = iotimer_refuse,
	.get = iotimer_get_counter,
};
module_param_cb(ticks, &iotimer_counter_ops, &tick.stats.ticks, 0444);
MODULE_PARM_DESC(ticks, "ticks that were run (read only)");
module_param_cb(missed_ticks, &iotimer_counter_ops, &tick.stats.missed, 0444);
MODULE_PARM_DESC(missed_ticks, "ticks that were skipped for being more than a second late (read only)");

static struct iotimer_chunk *chunk_of(const struct iotimer *timer)
{
	return (void *)((unsigned long)timer & ~(IOTIMER_CHUNK_SIZE - 1UL));
}

static unsigned int slot_of(const struct iotimer *timer)
{
	return timer - chunk_of(timer)->slot;
}

/*
 * Aim the timer at tick.next. The timer wheel runs a far timer up to an eighth
 * of its distance late, differently each time, which would let two calls come
 * closer together than a second. So go most of the way first: after at most
 * two more such steps, within the wheel's first 63 jiffies, it is exact (and
 * runs a timer in the jiffy after the one asked for).
 */
static void iotimer_aim(void)
{
	long left = tick.next - jiffies;

	if (left > 62)
		mod_timer(&tick.timer, tick.next - left / 7);
	else if (left > 0)
		mod_timer(&tick.timer, tick.next - 1);
	else	/* late; not now, which would hold the softirq on */
		mod_timer(&tick.timer, jiffies);
}

/*
 * A timer was started: the tick is to come, and to come again. Not inlined, to
 * keep its registers out of the other starts.
 */
static noinline void iotimer_want_tick(void)
{
	unsigned long flags, now;

	raw_spin_lock_irqsave(&tick.lock, flags);
	if (tick.state == TICK_RESTS) {
		now = jiffies;
		/* Unless it is still to come, on to the grid's next point. */
		if (tick.next - now - 1 >= HZ)
			tick.next += ((now - tick.next) / HZ + 1) * HZ;
		iotimer_aim();
	}
	WRITE_ONCE(tick.state, TICK_WANTED);
	raw_spin_unlock_irqrestore(&tick.lock, flags);
}

/* A walk begins; it finds the timers that were started before. */
static void iotimer_forget_starts(void)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&tick.lock, flags);
	WRITE_ONCE(tick.state, TICK_COMES);
	raw_spin_unlock_irqrestore(&tick.lock, flags);
	smp_mb(); /* pairs with test_and_set_bit() in iotimer_start() */
}

/* A walk is over: go on if any timer is enabled, else rest until a start. */
static void iotimer_aim_or_rest(void)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&tick.lock, flags);
	if (tick.found || tick.state == TICK_WANTED)
		iotimer_aim();
	else
		WRITE_ONCE(tick.state, TICK_RESTS);
	raw_spin_unlock_irqrestore(&tick.lock, flags);
}

/* The routine of a timer whose bit was set, unless it was stopped meanwhile. */
static iotimer_fn_t iotimer_due(struct iotimer *timer,
				const unsigned long *enabled, unsigned long mask)
{
	iotimer_fn_t fn;

	/*
	 * First the routine, which shows the slot's other fields, then whether
	 * it was stopped meanwhile. The other way round, a late start of a
	 * timer that is being destroyed might show us its bit, take it back,
	 * and leave us with the routine of the slot's next timer, which nobody
	 * has started.
	 */
	fn = smp_load_acquire(&timer->fn); /* pairs with create */
	if (fn && (smp_load_acquire(enabled) & mask)) /* pairs with start */
		return fn;
	return NULL;
}

static void iotimer_call(struct iotimer *timer, const unsigned long *enabled,
			 unsigned long mask)
{
	iotimer_fn_t fn = iotimer_due(timer, enabled, mask);

	if (fn)
		fn(timer->dev, timer->context);
}

/* The same for one that is traced, measured, or both. */
static void iotimer_call_watched(struct iotimer *timer,
				 const unsigned long *enabled,
				 unsigned long mask)
{
	iotimer_fn_t fn = iotimer_due(timer, enabled, mask);
	struct device *dev;
	u64 begin = 0;

	if (!fn)
		return;
	dev = timer->dev;	/* destroy waits for us to end */
	tick.watch.calls++;
	trace_iotimer_expire_entry(dev, fn);
	if (tick.watch.measure)
		begin = ktime_get_ns();
	fn(dev, timer->context);
	if (tick.watch.measure)
		iotimer_measured_routine(tick.watch.measure, dev, fn,
					 ktime_get_ns() - begin);
	trace_iotimer_expire_exit(dev, fn);
}

/*
 * Have the CPU fetch a context that is soon used; if it is no address, nothing
 * happens. Not into the first cache: too few fetches for that can be under way.
 */
static void iotimer_prefetch(const struct iotimer *timer)
{
	const void *context = READ_ONCE(timer->context); /* create may write it */

	if (context)
		__builtin_prefetch(context, 0, 2);
}

static void iotimer_prefetch_slots(const struct iotimer *slot,
				   unsigned long which)
{
	for (; which; which &= which - 1)
		iotimer_prefetch(&slot[__ffs(which)]);
}

/*
 * Call the routines of one bitmap word. Contexts are cold, each somewhere else
 * in memory, so have those of the same word of the next chunk fetched before:
 * that far ahead they arrive in time, side by side.
 *
 * Most words are all ones, or all but some at the end of the last chunk. If
 * both are, and we have at least as many calls as there is to fetch, no bit
 * need be looked for, and each call fetches one context.
 */
static void iotimer_run_word(struct iotimer_chunk *chunk,
			     const struct iotimer_chunk *next,
			     unsigned int word)
{
	const unsigned long *enabled = &chunk->enabled[word];
	unsigned long pending = READ_ONCE(*enabled), ahead = 0, mask;
	const struct iotimer *fetch = NULL;
	struct iotimer *timer = &chunk->slot[word * BITS_PER_LONG];
	bool dense;

	if (next) {
		ahead = READ_ONCE(next->enabled[word]);	/* a hint */
		fetch = &next->slot[word * BITS_PER_LONG];
	}
	dense = !(pending & (pending + 1)) && !(ahead & (ahead + 1)) &&
		ahead <= pending;
	if (!dense)
		iotimer_prefetch_slots(fetch, ahead);
	if (!pending)
		return;

	tick.found = true;
	spin_lock(&walk_lock);
	WRITE_ONCE(walker, current);
	if (unlikely(tick.watch.on))
		for (; pending; pending &= pending - 1)
			iotimer_call_watched(&timer[__ffs(pending)], enabled,
					     pending & -pending);
	else if (dense)
		for (mask = 1; mask & pending; mask <<= 1, timer++, fetch++) {
			if (mask & ahead)
				iotimer_prefetch(fetch);
			iotimer_call(timer, enabled, mask);
		}
	else
		for (; pending; pending &= pending - 1)
			iotimer_call(&timer[__ffs(pending)], enabled,
				     pending & -pending);
	WRITE_ONCE(walker, NULL);
	spin_unlock(&walk_lock);
}

static void iotimer_prefetch_chunk(const struct iotimer_chunk *chunk)
{
	unsigned int word;

	for (word = 0; word < IOTIMER_CHUNK_WORDS; word++)
		iotimer_prefetch_slots(&chunk->slot[word * BITS_PER_LONG],
				       READ_ONCE(chunk->enabled[word]));
}

static struct iotimer_chunk *iotimer_next_chunk(struct xa_state *xas)
{
	struct iotimer_chunk *chunk;

	do
		chunk = xas_next_entry(xas, ULONG_MAX);
	while (xas_retry(xas, chunk));
	if (chunk)
		prefetch(chunk);	/* its bitmaps */
	return chunk;
}

/*
 * Walk on from the cursor until all chunks are done, or the budget is used up.
 * The cursor is a pair of numbers, so a chunk may come or go between two steps;
 * RCU keeps those that are found during one.
 *
 * Returns 0 if all are done, or the ns that this step took.
 */
static u64 iotimer_walk(void)
{
	const u64 budget = READ_ONCE(budget_us) * (u64)NSEC_PER_USEC;
	const u64 begin = ktime_get_ns();
	struct iotimer_chunk *chunk, *next, *after;
	XA_STATE(xas, &iotimer_chunks, tick.chunk);
	u64 took = 0;

	rcu_read_lock();
	chunk = iotimer_next_chunk(&xas);
	if (chunk)	/* no chunk before it that would have */
		iotimer_prefetch_chunk(chunk);
	next = chunk ? iotimer_next_chunk(&xas) : NULL;
	for (; chunk && took < budget; chunk = next, next = after) {
		unsigned int word = 0;

		after = next ? iotimer_next_chunk(&xas) : NULL;
		if (chunk->index == tick.chunk)
			word = tick.word;
		while (word < IOTIMER_CHUNK_WORDS && took < budget) {
			iotimer_run_word(chunk, next, word++);
			took = ktime_get_ns() - begin;
		}
		tick.chunk = chunk->index;
		tick.word = word;
	}
	rcu_read_unlock();
	return took < budget ? 0 : took;
}

static bool iotimer_is_traced(void)
{
	return trace_iotimer_tick_enabled() ||
	       trace_iotimer_expire_entry_enabled() ||
	       trace_iotimer_expire_exit_enabled();
}

static void iotimer_tell(const struct iotimer_watch *watch)
{
	trace_iotimer_tick(watch->calls, watch->ns, watch->steps, watch->late,
			   watch->missed);
	if (watch->measure)
		iotimer_measured_tick(watch->measure, watch->calls, watch->ns);
}

/*
 * One step of a walk. Then leave the CPU to others for as long as it took, but
 * no longer than a jiffy.
 */
static void iotimer_step(void)
{
	u64 begin = 0, took;

	WRITE_ONCE(tick.stats.wakeups, tick.stats.wakeups + 1);
	if (unlikely(tick.watch.on))
		begin = ktime_get_ns();
	took = iotimer_walk();
	if (unlikely(tick.watch.on)) {
		tick.watch.steps++;
		tick.watch.ns += ktime_get_ns() - begin;
	}
	if (took) {
		trace_iotimer_pause(took);
		hrtimer_start(&tick.pause, min_t(u64, took, TICK_NSEC),
			      HRTIMER_MODE_REL_SOFT);
		return;
	}
	if (unlikely(tick.watch.on))
		iotimer_tell(&tick.watch);
	iotimer_aim_or_rest();
}

static enum hrtimer_restart iotimer_go_on(struct hrtimer *unused)
{
	iotimer_step();
	return HRTIMER_NORESTART;
}

static void iotimer_tick(struct timer_list *unused)
{
	unsigned long now = jiffies, missed;
	u32 measure = 0;

	if (time_before(now, tick.next)) {
		WRITE_ONCE(tick.stats.wakeups, tick.stats.wakeups + 1);
		iotimer_aim();
		return;
	}
	if (static_branch_unlikely(&iotimer_measuring))
		measure = iotimer_measurement();
	missed = (now - tick.next) / HZ;
	if (missed)
		trace_iotimer_overrun(missed);
	tick.watch = (struct iotimer_watch){
		.on = measure || iotimer_is_traced(),
		.measure = measure,
		.late = (now - tick.next) % HZ,
		.missed = missed,
	};
	tick.next += (missed + 1) * HZ;
	WRITE_ONCE(tick.stats.missed, tick.stats.missed + missed);
	WRITE_ONCE(tick.stats.ticks, tick.stats.ticks + 1);
	tick.chunk = 0;
	tick.word = 0;
	tick.found = false;
	iotimer_forget_starts();
	iotimer_step();
}

enum iotimer_switch { IOTIMER_STARTED, IOTIMER_STOPPED };

/* Not inlined, to keep it out of the starts and stops that are not traced. */
static noinline void iotimer_trace(struct iotimer *timer,
				   enum iotimer_switch what, bool was_enabled)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&trace_lock, flags);
	if (!READ_ONCE(timer->fn))	/* dead, see trace_lock */
		;
	else if (what == IOTIMER_STARTED)
		trace_iotimer_start(timer->dev, was_enabled);
	else
		trace_iotimer_stop(timer->dev, was_enabled);
	raw_spin_unlock_irqrestore(&trace_lock, flags);
}

static bool iotimer_clear(struct iotimer *timer)
{
	return test_and_clear_bit(slot_of(timer), chunk_of(timer)->enabled);
}

/**
 * iotimer_start - have a timer's routine called once a second (IoStartTimer)
 * @timer: the timer
 *
 * The first call comes within one second, the next ones at the ticks that
 * follow. While iotimer_destroy() waits for the routine this does nothing, so
 * the routine need not care; but anyone else must have ceased to start the
 * timer when it is destroyed. Starting a destroyed timer is a bug in the
 * caller; as long as its memory has not gone back to the system, or to another
 * timer, this is warned about once and does nothing.
 *
 * Context: any but NMI, the routines included. Never sleeps, and never waits,
 * except for each other while starts or stops are traced.
 * Return: true if the timer was stopped, false if it was running already or
 * is being destroyed.
 */
bool iotimer_start(struct iotimer *timer)
{
	struct iotimer_chunk *chunk = chunk_of(timer);
	unsigned int slot = slot_of(timer);
	bool was_enabled;

	/*
	 * The full barrier orders: what the caller wrote before the bit, for
	 * the routine; the bit before the look at tick.state, for the walk; the
	 * bit before the look at timer->fn, for iotimer_destroy(), which writes
	 * fn and then clears the bit.
	 */
	was_enabled = test_and_set_bit(slot, chunk->enabled);

	if (unlikely(!READ_ONCE(timer->fn))) {
		iotimer_clear(timer);
		WARN_ONCE(!test_bit(slot, chunk->used),
			  "iotimer: start of a destroyed timer\n");
		return false;
	}

	/* Also if it was enabled: whoever did that may not be here yet. */
	if (unlikely(READ_ONCE(tick.state) != TICK_WANTED))
		iotimer_want_tick();
	if (trace_iotimer_start_enabled())
		iotimer_trace(timer, IOTIMER_STARTED, was_enabled);
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
 * Context: any but NMI, the routines included. Never sleeps, and never waits,
 * except for each other while starts or stops are traced.
 * Return: true if the timer was running.
 */
bool iotimer_stop(struct iotimer *timer)
{
	bool was_enabled = iotimer_clear(timer);

	if (trace_iotimer_stop_enabled())
		iotimer_trace(timer, IOTIMER_STOPPED, was_enabled);
	return was_enabled;
}
EXPORT_SYMBOL_GPL(iotimer_stop);

/**
 * iotimer_stop_sync - stop a timer and wait for its routine to end
 * @timer: the timer
 *
 * On return the routine is not running, and is not called again until the
 * next iotimer_start(); so the caller must have no one else start the timer
 * meanwhile. Waits for no more than the routines of one bitmap word (on
 * PREEMPT_RT, of one budget). From inside a routine, the timer's own or
 * another's, it does not wait.
 *
 * Must not be called under a lock that the routine takes. With interrupts
 * off, inside a routine as well, it warns once and behaves like
 * iotimer_stop().
 *
 * Context: process or softirq, interrupts on; spins for as long as routines
 * run (sleeps on PREEMPT_RT).
 * Return: true if the timer was running.
 */
bool iotimer_stop_sync(struct iotimer *timer)
{
	bool was_enabled = iotimer_stop(timer);

	if (WARN_ONCE(irqs_disabled(),
		      "iotimer: stop_sync with interrupts off cannot wait\n"))
		return was_enabled;
	if (READ_ONCE(walker) == current)
		return was_enabled;

	spin_lock_bh(&walk_lock);
	/* The routine may have started its own timer again before it ended. */
	if (iotimer_clear(timer)) {
		was_enabled = true;
		if (trace_iotimer_stop_enabled())
			iotimer_trace(timer, IOTIMER_STOPPED, true);
	}
	spin_unlock_bh(&walk_lock);
	return was_enabled;
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
	return test_bit(slot_of(timer), chunk_of(timer)->enabled);
}
EXPORT_SYMBOL_GPL(iotimer_enabled);

/**
 * iotimer_get_stats - read what the tick has done
 * @stats: filled in; each value is right by itself, a moment old
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

static u32 iotimer_id(const struct iotimer *timer)
{
	return chunk_of(timer)->index << IOTIMER_ID_SLOT_BITS | slot_of(timer);
}

static struct iotimer *iotimer_by_id(u32 id)
{
	struct iotimer_chunk *chunk;

	chunk = xa_load(&iotimer_chunks, id >> IOTIMER_ID_SLOT_BITS);
	return &chunk->slot[id & (BIT(IOTIMER_ID_SLOT_BITS) - 1)];
}

/*
 * One timer a device: is there one already? The timers form a digital search
 * tree by device, linked by ids inside their slots, so that the question costs
 * no memory: from the root, each bit of the device's hash says which child to
 * follow. The hash is a bijection, so two devices part after at most
 * BITS_PER_LONG steps, and after about log2(timers) on average.
 *
 * Returns the link that holds the device's timer, or 0 where it would go.
 */
static u32 *iotimer_find(const struct device *dev)
{
	/* Not hash_long(), which has 32 bits on all kernels. */
	unsigned long hash = (unsigned long)dev * GOLDEN_RATIO_PRIME;
	u32 *link = &iotimer_root;

	while (*link) {
		struct iotimer *timer = iotimer_by_id(*link);

		if (timer->dev == dev)
			break;
		link = &timer->child[hash >> (BITS_PER_LONG - 1)];
		hash <<= 1;
	}
	return link;
}

/* Take a timer out of the tree: any leaf below it may take its place. */
static void iotimer_unlink(struct iotimer *timer)
{
	u32 *link = iotimer_find(timer->dev);
	u32 *leaf_link = link;
	struct iotimer *leaf = timer;
	u32 id;

	while (leaf->child[0] || leaf->child[1]) {
		leaf_link = &leaf->child[leaf->child[0] ? 0 : 1];
		leaf = iotimer_by_id(*leaf_link);
	}
	id = *leaf_link;
	*leaf_link = 0;
	if (leaf == timer)
		return;
	memcpy(leaf->child, timer->child, sizeof(leaf->child));
	*link = id;
}

static struct iotimer_chunk *iotimer_add_chunk(void)
{
	struct iotimer_chunk *chunk;
	int err;

	/* From kmalloc(), so that kmemleak sees what the slots point to. */
	chunk = kzalloc(sizeof(*chunk), GFP_KERNEL);
	if (!chunk)
		return ERR_PTR(-ENOMEM);
	err = xa_alloc(&iotimer_chunks, &chunk->index, chunk,
		       XA_LIMIT(1, IOTIMER_MAX_CHUNKS - 1), GFP_KERNEL);
	if (err) {
		kfree(chunk);
		return ERR_PTR(-ENOMEM);
	}
	xa_set_mark(&iotimer_chunks, chunk->index, IOTIMER_HAS_ROOM);
	return chunk;
}

static struct iotimer *iotimer_get_slot(void)
{
	struct iotimer_chunk *chunk;
	unsigned long index = 0;
	unsigned int slot;

	chunk = xa_find(&iotimer_chunks, &index, ULONG_MAX, IOTIMER_HAS_ROOM);
	if (!chunk)
		chunk = iotimer_add_chunk();
	if (IS_ERR(chunk))
		return ERR_CAST(chunk);

	slot = find_first_zero_bit(chunk->used, IOTIMER_CHUNK_SLOTS);
	set_bit(slot, chunk->used);	/* atomic, for iotimer_start()'s warning */
	if (++chunk->nr_used == IOTIMER_CHUNK_SLOTS)
		xa_clear_mark(&iotimer_chunks, chunk->index, IOTIMER_HAS_ROOM);
	return &chunk->slot[slot];
}

static void iotimer_put_slot(struct iotimer *timer)
{
	struct iotimer_chunk *chunk = chunk_of(timer);

	clear_bit(slot_of(timer), chunk->used);
	if (--chunk->nr_used) {
		xa_set_mark(&iotimer_chunks, chunk->index, IOTIMER_HAS_ROOM);
		return;
	}
	xa_erase(&iotimer_chunks, chunk->index);
	kfree_rcu(chunk, rcu);	/* a walk may be looking at it */
}

/**
 * iotimer_create - give a device its timer (IoInitializeTimer)
 * @dev: the device; a reference to it is held until iotimer_destroy()
 * @fn: the routine to call once a second
 * @context: passed to @fn; may be NULL
 *
 * The timer is created stopped. A device has one at most, and keeps its name
 * (no device_rename()) meanwhile: trace events and debugfs tell it.
 *
 * Context: process, may sleep. Never waits for routines.
 * Return: the timer, or an ERR_PTR: -EINVAL if @dev or @fn is NULL, -EEXIST if
 * the device has a timer already, -ENOMEM.
 */
struct iotimer *iotimer_create(struct device *dev, iotimer_fn_t fn,
			       void *context)
{
	struct iotimer *timer;
	u32 *link;

	if (!dev || !fn)
		return ERR_PTR(-EINVAL);

	mutex_lock(&iotimer_mutex);
	link = iotimer_find(dev);
	timer = *link ? ERR_PTR(-EEXIST) : iotimer_get_slot();
	if (!IS_ERR(timer)) {
		*link = iotimer_id(timer);
		memset(timer->child, 0, sizeof(timer->child));
		timer->dev = get_device(dev);
		WRITE_ONCE(timer->context, context);
		smp_store_release(&timer->fn, fn); /* pairs with the walk */
	}
	mutex_unlock(&iotimer_mutex);
	if (!IS_ERR(timer))
		trace_iotimer_create(dev, fn);
	return timer;
}
EXPORT_SYMBOL_GPL(iotimer_create);

/**
 * iotimer_destroy - stop a device's timer and free it (part of IoDeleteDevice)
 * @timer: the timer; NULL and ERR_PTRs are ignored
 *
 * Waits as iotimer_stop_sync() does; starts by the routine, or by anyone else
 * while this waits, do nothing. But the caller must see to it that none but the
 * routine begins one any more: as any timer's, the memory soon is another's.
 *
 * Context: process, may sleep; not from a routine, and not under a lock that
 * the routine takes.
 */
void iotimer_destroy(struct iotimer *timer)
{
	struct device *dev;

	might_sleep();
	if (IS_ERR_OR_NULL(timer))
		return;

	/* Dead: ordered by the bit's clearing, pairs with iotimer_start(). */
	WRITE_ONCE(timer->fn, NULL);
	iotimer_stop_sync(timer);
	raw_spin_lock_irq(&trace_lock);	/* wait for an event under way */
	raw_spin_unlock_irq(&trace_lock);

	dev = timer->dev;
	trace_iotimer_destroy(dev);
	mutex_lock(&iotimer_mutex);
	iotimer_unlink(timer);
	iotimer_put_slot(timer);
	mutex_unlock(&iotimer_mutex);
	put_device(dev);
}
EXPORT_SYMBOL_GPL(iotimer_destroy);

static void iotimer_devm_release(void *timer)
{
	iotimer_destroy(timer);
}

/**
 * devm_iotimer_create - iotimer_create(), undone when the driver lets go
 * @dev: the device, bound to the calling driver
 * @fn: the routine to call once a second
 * @context: passed to @fn; may be NULL
 *
 * iotimer_destroy() is called when the driver is detached from the device, in
 * the reverse order of the driver's other managed resources. So whatever the
 * routine uses must have been acquired before.
 *
 * Context: process, may sleep; from the driver's probe.
 * Return: as iotimer_create().
 */
struct iotimer *devm_iotimer_create(struct device *dev, iotimer_fn_t fn,
				    void *context)
{
	struct iotimer *timer = iotimer_create(dev, fn, context);
	int err;

	if (IS_ERR(timer))
		return timer;
	err = devm_add_action_or_reset(dev, iotimer_devm_release, timer);
	return err ? ERR_PTR(err) : timer;
}
EXPORT_SYMBOL_GPL(devm_iotimer_create);

/* For iotimer_debug.c: all timers, one after the other. */

void iotimer_hold(void)
{
	mutex_lock(&iotimer_mutex);
}

void iotimer_release(void)
{
	mutex_unlock(&iotimer_mutex);
}

/* The first timer whose id is at least @id, which becomes its id, or NULL. */
struct iotimer *iotimer_from(u32 *id)
{
	unsigned long index = *id >> IOTIMER_ID_SLOT_BITS;
	unsigned int slot = *id & (BIT(IOTIMER_ID_SLOT_BITS) - 1);
	struct iotimer_chunk *chunk;

	lockdep_assert_held(&iotimer_mutex);
	xa_for_each_start(&iotimer_chunks, index, chunk, index) {
		if (index != *id >> IOTIMER_ID_SLOT_BITS)
			slot = 0;
		slot = find_next_bit(chunk->used, IOTIMER_CHUNK_SLOTS, slot);
		if (slot < IOTIMER_CHUNK_SLOTS) {
			*id = iotimer_id(&chunk->slot[slot]);
			return &chunk->slot[slot];
		}
	}
	return NULL;
}

void iotimer_show(struct seq_file *seq, const struct iotimer *timer)
{
	iotimer_fn_t fn = READ_ONCE(timer->fn);	/* destroy may write it */

	if (fn)
		seq_printf(seq, "%s %ps %s\n", dev_name(timer->dev), fn,
			   str_enabled_disabled(iotimer_enabled(timer)));
}

static int __init iotimer_init(void)
{
	tick.next = jiffies;
	timer_setup(&tick.timer, iotimer_tick, 0);
	hrtimer_setup(&tick.pause, iotimer_go_on, CLOCK_MONOTONIC,
		      HRTIMER_MODE_REL_SOFT);
	iotimer_debug_init();
	return 0;
}

/*
 * Every user has a reference to this module, so no timer is in use any more;
 * one that was never destroyed is a leak in a driver that is gone.
 */
static void __exit iotimer_exit(void)
{
	struct iotimer_chunk *chunk;
	unsigned long index;

	iotimer_debug_exit();
	/* In this order: a tick may yet arm the pause, but the pause no tick. */
	timer_shutdown_sync(&tick.timer);
	hrtimer_cancel(&tick.pause);
	WARN(!xa_empty(&iotimer_chunks), "iotimer: timers were not destroyed\n");
	xa_for_each(&iotimer_chunks, index, chunk)
		kfree(chunk);
	xa_destroy(&iotimer_chunks);
}

subsys_initcall(iotimer_init);	/* built in, before any driver's probe */
module_exit(iotimer_exit);

MODULE_DESCRIPTION("A routine called once a second for each device, as Windows' IoTimer");
MODULE_AUTHOR("The iotimer developers");
MODULE_LICENSE("GPL");
