/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Model of iotimer_core.c: start, stop, stop_sync and destroy against the walk
 * and the rest of the tick. Checked by tests/model/run.
 *
 * Two timers, in one bitmap word and one batch of the walk or, with -DWORDS=2,
 * in a word and a batch each. Contexts, each on a CPU of its own:
 *
 *	tick	the softirq; each call of a routine does any operations
 *	owner	the driver of timer 0: starts, stops, destroys and creates it
 *	irq	starts and stops both timers at any time
 *
 * -DRT: as on PREEMPT_RT, stop_sync sleeps on a lock of the slot.
 * -DBUS: the owner holds a lock around stop_sync and destroy of timer 0, and
 * the routine of timer 1 takes the same lock.
 *
 * The properties, by promise of iotimer.h:
 *
 *	P1  after stop_sync the routine is not running, and is not called before
 *	    the next start; after destroy it is never called, not even when the
 *	    slot is another timer's (quiet[], inside[], stale)
 *	P2  a walk calls a timer that is enabled throughout the walk exactly once
 *	    (steady[], called[])
 *	P3  while no context works on the tick, and a timer is enabled whose start
 *	    has returned, the next tick is armed (due[], watch())
 *	P5  all this with routines that start, stop and stop_sync any timer, and
 *	    without a deadlock (owner and irq may end at any time)
 *	P6  stop_sync and destroy wait for no other timer's routine: no deadlock
 *	    with -DBUS either
 *	P8  a walk that begins with no enabled timer, and during which none is
 *	    started, arms no tick (no_work)
 *
 * A store that the C code orders by a barrier waits in a store buffer: the tick's
 * state = TICK_ARMED with the unlock that follows, destroy's fn = NULL, and, if
 * their barrier is taken away, running = timer, a start's bit and the owner's stop's
 * bit. It reaches memory at any time, at the latest at its CPU's next full barrier
 * or, for the tick, when the tick takes the lock again.
 *
 * Left out: time (a tick may begin early), missed ticks, chunks, RCU, the device
 * tree, any other reordering (tests/litmus checks that the caller of stop_sync sees
 * what the routine wrote), interrupts on the CPU of the context that they interrupt,
 * stop_sync with interrupts off, the warnings, tracing.
 *
 * The callers keep the contract: start is not called, nor under way, when destroy
 * returns. stop_sync promises nothing if anything but the timer's own routine starts
 * the timer while it waits.
 */

#ifndef WORDS
#define WORDS 1
#endif
#define BITS (2 / WORDS)	/* of a word */

/* Contexts, as in "current" */
#define NOBODY	0
#define TICK	1
#define OWNER	2
#define IRQ	3

/* -DWITHOUT=X takes mechanism X away; spin must find an error then. */
#define SECOND_TEST	1	/* the walk tests the bit again before the call */
#define PUBLISH		2	/* the walk publishes which timer it calls */
#define RUN_MB		3	/* the barrier after that */
#define FN_LATE		4	/* the walk reads fn after that barrier, not before */
#define AFTER_CALL	5	/* the walk sets running to NULL after the call, not before */
#define UNPUBLISH	6	/* the walk sets running to NULL */
#define STOP_BARRIER	7	/* the barrier between stop's bit and the load of running */
#define WAIT		8	/* stop_sync waits for the routine */
#define BIT_LOOK	9	/* stop_sync tests the bit after that */
#define REPEAT		10	/* stop_sync waits again if the bit was set */
#define TICKS_LOOK	11	/* stop_sync compares the number of ticks, before and after */
#define TICKS_FIRST	12	/* it reads the first number before it clears the bit */
#define SELF		13	/* stop_sync knows that it is inside a routine */
#define OWN_TIMER	14	/* stop_sync waits only for its own timer; with -DBUS */
#define OWN_LOCK	15	/* each slot has a lock of its own; with -DBUS -DRT */
#define FOUND		16	/* the tick is armed again if its walk found a timer */
#define STARTED		17	/* and if one was started since the walk began */
#define SET_ARMED	18	/* begin_walk() sets TICK_ARMED */
#define MB		19	/* the barrier between that and the load of the bits */
#define START_BARRIER	20	/* the barrier between start's bit and its load of state */
#define STATE_LOOK	21	/* start loads state and kicks the tick */
#define LOOK_AGAIN	22	/* even if the timer was enabled */
#define TICK_LOCK	23	/* kick_tick(), begin_walk(), rearm_or_idle() take tick.lock */
#define DEAD_MARK	24	/* destroy clears fn first */
#define FN_FIRST	25	/* the walk reads fn before it tests the bit again */
#define FN_LOOK		26	/* the walk tests whether fn is NULL */
#ifndef WITHOUT
#define WITHOUT		0
#endif

/* enum tick_state */
#define TICK_IDLE	0
#define TICK_ARMED	1
#define TICK_REARM	2

/* Pointers: NULL is 0 */
#define TIMER(i)	(i + 1)		/* &slot[i] */

/* What the C code has */
bit bit_set[2];		/* group->enabled */
bit fn[2];		/* slot.fn, NULL or not */
byte state;		/* tick.state */
bit found;		/* tick.found */
bit pending;		/* tick.timer, tick.resume_timer */
bit tick_lock;		/* tick.lock */
byte running;		/* tick.running */
byte walker = NOBODY;	/* tick.walker */
bit same_tick;		/* tick.stats.ticks is what the owner's stop_sync read */
#ifdef RT
bit slot_lock[2];	/* slot.lock */
#define LOCK_OF(i) slot_lock[i * (WITHOUT != OWN_LOCK)]
#endif
#ifdef BUS
bit bus;		/* a lock of the owner's and of timer 1's routine */
#endif

/* Store buffers */
bit late_armed;		/* tick: state = TICK_ARMED, unlock */
bit late_dead;		/* owner: fn[0] = NULL */
#if WITHOUT == RUN_MB
byte late_run;		/* tick: running = late_run */
#endif
#if WITHOUT == STOP_BARRIER
bit late_clear;		/* owner: the bit of timer 0 is cleared */
#endif
#if WITHOUT == START_BARRIER
bit late_set[8];	/* by timer and context: its bit is set */
#define NONE_LATE (!late_set[TICK] && !late_set[OWNER] && !late_set[IRQ] && \
		   !late_set[4 + TICK] && !late_set[4 + IRQ])
#else
#define NONE_LATE true
#endif

/* What only the checks need */
bit alive[2];		/* created, and destroy has not returned */
bit func;		/* fn of call_timer() */
bit stale;		/* and it is that of timer 0 before its last create */
bit in_tick;		/* expire() is running */
bit inside[2];		/* the routine is running */
bit called[2];		/* by the current walk */
bit steady[2];		/* enabled since the current walk began */
bit quiet[2];		/* stop_sync or destroy has returned, no start since */
bit calm;		/* during the owner's stop_sync only the routine has started timer 0 */
byte starting[2];	/* starts under way outside routines */
bit tick_starts[2];	/* a start is under way in a routine */
bit fresh[8];		/* by timer and context: a start has set the bit, no stop since */
bit due[2];		/* a start has returned, no stop since */
bit no_work;		/* the walk began with no timer enabled, and none was started since */

inline lock(l)
{
	atomic { !l -> l = 1 }
}

inline drain_tick()
{
	if
	:: late_armed -> late_armed = 0; state = TICK_ARMED; tick_lock = 0
	:: else
	fi;
#if WITHOUT == RUN_MB
	if
	:: late_run -> running = late_run; late_run = 0
	:: else
	fi
#endif
}

inline drain_owner()
{
	if
	:: late_dead -> late_dead = 0; fn[0] = 0
	:: else
	fi;
#if WITHOUT == STOP_BARRIER
	if
	:: late_clear ->	/* perhaps after another start */
		late_clear = 0;
		bit_set[0] = 0;
		fresh[TICK] = 0;
		fresh[IRQ] = 0;
		due[0] = 0;
		steady[0] = 0
	:: else
	fi
#endif
}

/* A full barrier of context me: empty its store buffer. */
inline barrier(me)
{
	if
	:: me == TICK -> drain_tick()
	:: me == OWNER -> drain_owner()
	:: else
	fi
}

/* iotimer_stop() */
inline stop(i, me, sync)
{
	d_step {	/* return test_and_clear_bit(bit, group->enabled) */
#if WITHOUT == START_BARRIER
		late_set[4 * i + me] = 0;
#endif
#if WITHOUT == STOP_BARRIER
		late_clear = late_clear || me == OWNER;
		bit_set[i] = bit_set[i] && me == OWNER;
#else
		barrier(me);
		bit_set[i] = 0;
#endif
		fresh[4 * i + TICK] = 0;
		fresh[4 * i + OWNER] = 0;
		fresh[4 * i + IRQ] = 0;
		due[i] = 0;
		steady[i] = 0;
		quiet[i] = quiet[i] || (sync && me == TICK && !starting[i])
	}
}

/* kick_tick() */
inline kick_tick()
{
#if WITHOUT != TICK_LOCK
	lock(tick_lock);			/* raw_spin_lock_irqsave(&tick.lock) */
#endif
	if
	:: state == TICK_IDLE ->		/* if (tick.state == TICK_IDLE) */
		/* only then may kick_tick() write the fields that the tick owns */
		assert(!pending && !in_tick);
		pending = 1			/* arm() */
	:: else
	fi;
	state = TICK_REARM;			/* WRITE_ONCE(tick.state, TICK_REARM) */
#if WITHOUT != TICK_LOCK
	tick_lock = 0				/* raw_spin_unlock_irqrestore() */
#endif
}

/* iotimer_start() */
inline start(i, me)
{
	d_step {
		alive[i] ->
		if
		:: me == TICK -> tick_starts[i] = 1
		:: else -> starting[i]++; no_work = 0
		fi;
		calm = calm && (i != 0 || (me == TICK && inside[0]));
		quiet[i] = 0
	};
	d_step {				/* test_and_set_bit(bit, group->enabled) */
#if WITHOUT == START_BARRIER
		late_set[4 * i + me] = 1;
#else
		barrier(me);
		was = bit_set[i];
		bit_set[i] = 1;
#endif
		fresh[4 * i + me] = 1
	};
	if
	:: !fn[i] ->				/* if (!READ_ONCE(timer->fn)) */
		stop(i, me, false)		/* iotimer_stop(timer); return false */
	:: else ->
		if
		/* if (READ_ONCE(tick.state) != TICK_REARM) kick_tick() */
		:: state != TICK_REARM && WITHOUT != STATE_LOOK && (!was || WITHOUT != LOOK_AGAIN) ->
			kick_tick()
		:: else
		fi
	fi;
	d_step {
		was = 0;
		due[i] = due[i] || fresh[4 * i + me];
		fresh[4 * i + me] = 0;
		if
		:: me == TICK -> tick_starts[i] = 0
		:: else -> starting[i]--
		fi
	}
}

/* while (smp_load_acquire(&tick.running) == timer) */
#if WITHOUT == WAIT
#define IN_CALL(i) false
#elif WITHOUT == OWN_TIMER
#define IN_CALL(i) (running != 0)
#else
#define IN_CALL(i) (running == TIMER(i))
#endif

/* if (!test_bit(bit, group->enabled)), after its own store */
#if WITHOUT == BIT_LOOK
#define ENABLED(i) false
#elif WITHOUT == STOP_BARRIER
#define ENABLED(i) (bit_set[i] && !late_clear)
#else
#define ENABLED(i) (bit_set[i])
#endif

/* No walk has begun since ticks was read. */
#define SAME_TICK (same_tick || WITHOUT == TICKS_LOOK)

/* iotimer_stop_sync() */
inline stop_sync(i, me)
{
	d_step {				/* ticks = READ_ONCE(tick.stats.ticks) */
		if
		:: me == OWNER ->
			same_tick = 1;
			calm = !starting[i] && (!tick_starts[i] || inside[i])
		:: else
		fi
	};
	stop(i, me, true);			/* was = iotimer_stop(timer) */
#if WITHOUT == TICKS_FIRST
	same_tick = me == OWNER;
#endif
	if
	:: walker == me && WITHOUT != SELF	/* if (READ_ONCE(tick.walker) == current) return was */
	:: else ->
		do				/* for (;;) */
#ifdef RT
		:: IN_CALL(i) ->
			lock(LOCK_OF(i));	/* spin_lock(&timer->lock) */
			LOCK_OF(i) = 0		/* spin_unlock(&timer->lock) */
		:: !IN_CALL(i) ->
#else
		:: !IN_CALL(i) ->		/* cpu_relax() until then */
#endif
			if
			:: !ENABLED(i) ->
				if		/* READ_ONCE(tick.stats.ticks) == ticks */
				:: SAME_TICK -> break	/* return was */
				:: else
				fi
			:: ENABLED(i)
			fi;
			same_tick = 1;		/* ticks = READ_ONCE(tick.stats.ticks) */
			stop(i, me, true)	/* was |= iotimer_stop(timer) */
#if WITHOUT == REPEAT
			;
			break
#elif WITHOUT == TICKS_FIRST
			;
			same_tick = 1
#endif
		od;
		atomic {
			assert(!calm || !inside[i]);	/* P1 */
			quiet[i] = quiet[i] || calm;
			calm = 0;
			same_tick = 0
		}
	fi
}

/* iotimer_destroy(), of timer 0 */
inline destroy()
{
	d_step {
#if WITHOUT != DEAD_MARK
		late_dead = 1;			/* WRITE_ONCE(timer->fn, NULL) */
#endif
		steady[0] = 0
	};
	stop_sync(0, OWNER);			/* iotimer_stop_sync(timer) */
	/* The contract: no start is under way. */
	d_step {
		!starting[0] && !tick_starts[0] ->
		alive[0] = 0;			/* the slot is free */
		quiet[0] = 1;
		assert(!inside[0] && !ENABLED(0))	/* P1 */
	}
}

/* Timer b's routine: fn(timer->dev, timer->context) */
inline call(b)
{
	d_step {
		assert(func);			/* a routine, not NULL */
		assert(!stale || b != 0);	/* P1 */
		func = 0;
		stale = 0;
		assert(!quiet[b]);		/* P1, P5 */
		assert(!called[b]);		/* P2 */
		called[b] = 1;
		inside[b] = 1
	};
#ifdef BUS
	atomic { b != 1 || !bus -> bus = bus || b == 1 };	/* spin_lock(&bus) */
#endif
	do
	:: start(0, TICK)
	:: start(1, TICK)
	:: alive[0] -> stop(0, TICK, false)
	:: stop(1, TICK, false)
	:: alive[0] -> stop_sync(0, TICK)
	:: stop_sync(1, TICK)
	:: break
	od;
	atomic {
#ifdef BUS
		bus = bus && b != 1;		/* spin_unlock(&bus) */
#endif
		inside[b] = 0
	}
}

/* The second test of timer b's bit */
#if WITHOUT == SECOND_TEST
#define TESTED(b) true
#elif WITHOUT == FN_FIRST
#define TESTED(b) seen[b]
#else
#define TESTED(b) bit_set[b]
#endif

/* call_timer() */
inline call_timer(b)
{
#ifdef RT
	lock(LOCK_OF(b));			/* spin_lock(&timer->lock) */
#endif
#if WITHOUT == FN_LATE
	func = fn[b];
#endif
#if WITHOUT == RUN_MB
	late_run = TIMER(b);
#elif WITHOUT != PUBLISH
	d_step {
		running = TIMER(b);		/* smp_store_release(&tick.running, timer) */
		barrier(TICK)			/* smp_mb() */
	};
#endif
#if WITHOUT == FN_FIRST
	seen[b] = bit_set[b];
#endif
#if WITHOUT != FN_LATE
	func = fn[b];				/* fn = smp_load_acquire(&timer->fn) */
#endif
#if WITHOUT == AFTER_CALL
	running = 0;
#endif
	if
	/* if (fn && (smp_load_acquire(word) & mask)) */
	:: (func || WITHOUT == FN_LOOK) && TESTED(b) ->
		call(b)				/* fn(timer->dev, timer->context) */
	:: else
	fi;
	d_step {
#if WITHOUT == RUN_MB
		late_run = 0;
#endif
#if WITHOUT != UNPUBLISH
		running = 0;			/* smp_store_release(&tick.running, NULL) */
#endif
		seen[b] = 0;
		func = 0;
		stale = 0
	}
#ifdef RT
	;
	LOCK_OF(b) = 0				/* spin_unlock(&timer->lock) */
#endif
}

/* collect(): the next batch, here a word of the bitmap */
inline collect(w)
{
	d_step {				/* pending = READ_ONCE(group->enabled[w]) */
		seen[w] = bit_set[w];
		seen[w + BITS - 1] = bit_set[w + BITS - 1]
	}
}

/* walk(): each batch is collected before the previous one is called. */
inline walk()
{
	walker = TICK;				/* WRITE_ONCE(tick.walker, current) */
	if
	:: word < WORDS -> collect(word)
	:: else
	fi;
	do
	:: word < WORDS ->
		d_step {			/* tick.found |= batch->nr */
			b = word * BITS;
			found = found || seen[b] || seen[b + BITS - 1]
		};
		if
		:: word + 1 < WORDS -> collect(word + 1)
		:: else
		fi;
		do				/* call_batch() */
		:: b < (word + 1) * BITS ->
			if
			:: seen[b] -> call_timer(b)
			:: else
			fi;
			b++
		:: else -> break
		od;
		atomic { b = 0; word++ };
		if				/* while (tick.walking && took < budget) */
		:: true
		:: walking = 1; break		/* the next step collects the next batch again */
		fi
	:: else -> break
	od;
	atomic {
		seen[0] = 0;
		seen[1] = 0;
		walker = NOBODY			/* WRITE_ONCE(tick.walker, NULL) */
	}
}

/* begin_walk() */
inline begin_walk()
{
#if WITHOUT != TICK_LOCK
	lock(tick_lock);			/* raw_spin_lock_irqsave(&tick.lock) */
#endif
#if WITHOUT != SET_ARMED
	late_armed = 1;				/* WRITE_ONCE(tick.state, TICK_ARMED), unlock */
#else
	tick_lock = 0;
#endif
#if WITHOUT != MB
	d_step { barrier(TICK) }		/* smp_mb() */
#endif
}

/* rearm_or_idle(), and the end of expire() */
inline rearm_or_idle()
{
	d_step { drain_tick() };
#if WITHOUT != TICK_LOCK
	lock(tick_lock);			/* raw_spin_lock_irqsave(&tick.lock) */
#endif
	if
	/* if (tick.found || tick.state == TICK_REARM) */
	:: (found && WITHOUT != FOUND) || (state == TICK_REARM && WITHOUT != STARTED) ->
		pending = 1			/* arm() */
	:: else ->
		state = TICK_IDLE		/* WRITE_ONCE(tick.state, TICK_IDLE) */
	fi;
	d_step {				/* raw_spin_unlock_irqrestore() */
		tick_lock = 0;
		in_tick = 0;
		assert(!no_work || !pending);	/* P8 */
		no_work = 0
	}
}

/* timer_expired(), resume() */
proctype tick()
{
	bit was, walking;
	bit seen[2];
	byte word, b;

end:	do
	:: d_step {
		pending ->			/* the timer expires */
		pending = 0;
		in_tick = 1 };
		if
		:: !walking ->			/* timer_expired() */
			if
			:: d_step { true ->	/* if (time_before(now, tick.next)) */
				pending = 1;	/* arm(); return */
				in_tick = 0 };
				goto end
			:: true
			fi;
			d_step {
				same_tick = 0;		/* tick.stats.ticks + 1 */
				word = 0;		/* the cursor */
				found = 0;		/* tick.found = false */
				called[0] = 0;
				called[1] = 0;
				no_work = !bit_set[0] && !bit_set[1] && !starting[0] && !starting[1] && NONE_LATE;
				steady[0] = bit_set[0] && fn[0] && !late_dead;
				steady[1] = bit_set[1]
			};
			begin_walk()
		:: else				/* resume() */
		fi;
		walking = 0;
		walk();
		if
		:: walking ->
			d_step {		/* hrtimer_start(&tick.resume_timer, ...) */
				pending = 1;
				in_tick = 0
			}
		:: else ->
			d_step {		/* P2 */
				word = 0;
				assert(!steady[0] || called[0]);
				assert(!steady[1] || called[1]);
				steady[0] = 0;
				steady[1] = 0
			};
			rearm_or_idle()
		fi
	od
}

#ifdef BUS
#define HOLD_BUS lock(bus);			/* spin_lock(&bus) */
#define DROP_BUS ; bus = 0			/* spin_unlock(&bus) */
#else
#define HOLD_BUS
#define DROP_BUS
#endif

proctype owner()
{
	bit was;

	do
	:: d_step {				/* iotimer_create() */
		!alive[0] ->
		fn[0] = 1;			/* smp_store_release(&timer->fn, fn) */
		stale = func;
		alive[0] = 1 }
	:: alive[0] -> start(0, OWNER)
	:: alive[0] -> stop(0, OWNER, false)
	:: alive[0] -> HOLD_BUS stop_sync(0, OWNER) DROP_BUS
	:: alive[0] -> HOLD_BUS destroy() DROP_BUS
	:: break
	od
}

proctype irq()
{
	bit was, j;

	do
	:: if
	   :: j = 0
	   :: j = 1
	   fi;
	   if
	   :: start(j, IRQ)
	   :: alive[j] -> stop(j, IRQ, false)
	   :: !alive[j]
	   fi;
	   j = 0
	:: break
	od
}

/* At any time a store buffer is emptied. */
proctype store_buffers()
{
end:	do
	:: d_step { late_armed -> drain_tick() }
	:: d_step { late_dead -> drain_owner() }
#if WITHOUT == RUN_MB
	:: d_step { late_run -> drain_tick() }
#endif
#if WITHOUT == STOP_BARRIER
	:: d_step { late_clear -> drain_owner() }
#endif
#if WITHOUT == START_BARRIER
	:: d_step { late_set[TICK] -> late_set[TICK] = 0; bit_set[0] = 1 }
	:: d_step { late_set[OWNER] -> late_set[OWNER] = 0; bit_set[0] = 1 }
	:: d_step { late_set[IRQ] -> late_set[IRQ] = 0; bit_set[0] = 1 }
	:: d_step { late_set[4 + TICK] -> late_set[4 + TICK] = 0; bit_set[1] = 1 }
	:: d_step { late_set[4 + IRQ] -> late_set[4 + IRQ] = 0; bit_set[1] = 1 }
#endif
	od
}

/* P3 */
proctype watch()
{
end:	do
	:: !in_tick && !tick_lock && !pending && (due[0] || due[1]) ->
		assert(false)			/* not reached: the timer would never be called */
	od
}

init
{
	atomic {
		fn[1] = 1;
		alive[1] = 1;
		run tick();
		run owner();
		run irq();
		run store_buffers();
		run watch()
	}
}
