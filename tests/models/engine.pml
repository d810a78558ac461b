/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Model of iotimer_core.c: start, stop, stop_sync and destroy against the walk
 * and the rest of the tick. Checked by scripts/model.
 *
 * Two timers, in one bitmap word or, with -DWORDS=2, in a word each. Contexts,
 * each on a CPU of its own:
 *
 *	tick	the softirq; every call of a routine does whatever it likes
 *	owner	the driver of timer 0: starts, stops, destroys, creates anew
 *	irq	starts and stops either timer, whatever the owner is doing
 *
 * What is checked (promises of the README):
 *
 *	1  after stop_sync the routine is not running, and is not called before
 *	   the next start; after destroy, never (quiet[], in call())
 *	2  a timer that is enabled throughout a walk is called by it exactly
 *	   once (steady[], called[])
 *	3  whenever nobody is at work on the tick and a timer is enabled whose
 *	   start has returned, the next walk is on its way (due[], watch())
 *	5  all of that with routines that start, stop, stop_sync any timer; and
 *	   nobody deadlocks (owner and irq may cease at any time)
 *	8  no enabled timer, no tick: a walk that finds none, and none started
 *	   since, leaves none pending (idle)
 *
 * Stores that a barrier of the C code is there for wait in a store buffer:
 * state = TICK_COMES of the tick with the unlock that follows, fn = NULL of
 * destroy, and the bit of a start if that had no barrier. They reach memory at
 * any time, at the latest at their CPU's next full barrier, or for the tick when
 * it takes the lock again.
 *
 * What is left out: time (a wakeup may be early; when it is due is the timer
 * wheel's business), missed ticks, chunks, RCU and the device tree, what the
 * walk fetches ahead, reordering other than of those stores, interrupts on the
 * CPU that they interrupt, stop_sync with interrupts off, the warnings.
 *
 * Contract of the callers, built in: start is not called, nor under way, once
 * destroy has returned; a stop_sync promises nothing if someone other than a
 * routine starts the timer meanwhile.
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

/* -DWITHOUT=... takes one mechanism away, and spin finds a trail. */
#define SECOND_TEST	1	/* the walk tests the bit again before the call */
#define WALK_LOCK	2	/* stop_sync takes walk_lock */
#define SECOND_STOP	3	/* stop_sync clears the bit again under it */
#define SELF		4	/* stop_sync knows that it is inside a routine */
#define FOUND		5	/* the tick goes on if its walk found a timer */
#define STARTED		6	/* and if one was started since the walk began */
#define FORGET		7	/* a walk forgets the starts before it */
#define MB		8	/* the barrier between that and its look at the bits */
#define START_BARRIER	9	/* the one between the bit of start and its look */
#define STATE_LOOK	10	/* start looks whether the tick is wanted */
#define LOOK_AGAIN	11	/* also the start of a timer that is enabled */
#define TICK_LOCK	12	/* wanting and resting take tick.lock */
#define DEAD_MARK	13	/* destroy clears fn first */
#define FN_FIRST	14	/* the walk reads fn before it tests the bit again */
#define FN_LOOK		15	/* the walk looks whether fn is NULL */
#ifndef WITHOUT
#define WITHOUT		0
#endif

/* enum iotimer_tick_state */
#define RESTS		0
#define COMES		1
#define WANTED		2

/* What the C code has */
bit bit_set[2];		/* chunk->enabled */
bit fn[2];		/* slot.fn, NULL or not */
byte state;		/* tick.state */
bit found;		/* tick.found */
bit pending;		/* tick.timer */
bit tick_lock;		/* tick.lock */
bit walk_lock;
byte walker = NOBODY;

/* Store buffers */
bit late_forget;	/* tick: state = TICK_COMES, unlock */
#if WITHOUT == START_BARRIER
bit late_set[8];	/* by timer and context: its bit is set */
#define NONE_LATE (!late_set[TICK] && !late_set[OWNER] && !late_set[IRQ] && \
		   !late_set[4 + TICK] && !late_set[4 + IRQ])
#else
#define NONE_LATE true
#endif
bit late_dead;		/* owner: fn[0] = NULL */

/* What only the checks need */
bit alive[2];		/* created, and destroy has not returned */
bit in_tick;		/* iotimer_tick() is running */
bit running[2];		/* the routine is */
bit called[2];		/* by the current walk */
bit steady[2];		/* enabled ever since the current walk began */
bit quiet[2];		/* stop_sync or destroy has returned, no start since */
bit calm;		/* of the owner's stop_sync: no start since, but by routines */
byte starting[2];	/* calls of start under way outside routines */
bit tick_starts[2];	/* one inside a routine is */
bit fresh[8];		/* by timer and context: a start has set the bit, no stop since */
bit due[2];		/* a start has returned, no stop since */
bit idle;		/* the walk began with no timer enabled, and none was started since */

#define AT_REST (!in_tick && !tick_lock)

inline lock(l)
{
	atomic { !l -> l = 1 }
}

inline drain_forget()
{
	if
	:: late_forget -> late_forget = 0; state = COMES; tick_lock = 0
	:: else
	fi
}

/* A full barrier of context me: its store buffer is empty. */
inline barrier(me)
{
	if
	:: me == OWNER && late_dead -> late_dead = 0; fn[0] = 0
	:: else
	fi
}

/* iotimer_stop() */
inline stop(i, me, sync)
{
	d_step {	/* return test_and_clear_bit(slot_of(timer), chunk_of(timer)->enabled) */
		barrier(me);
#if WITHOUT == START_BARRIER
		late_set[4 * i + me] = 0;
#endif
		bit_set[i] = 0;
		fresh[4 * i + TICK] = 0;
		fresh[4 * i + OWNER] = 0;
		fresh[4 * i + IRQ] = 0;
		due[i] = 0;
		steady[i] = 0;
		quiet[i] = quiet[i] || (sync && me == TICK && !starting[i])
	}
}

/* iotimer_want_tick() */
inline want_tick()
{
#if WITHOUT != TICK_LOCK
	lock(tick_lock);			/* raw_spin_lock_irqsave(&tick.lock) */
#endif
	if
	:: state == RESTS ->			/* if (tick.state == TICK_RESTS) */
		/* the fields that the tick owns are ours to write now */
		assert(!pending && !in_tick);
		pending = 1			/* iotimer_aim() */
	:: else
	fi;
	state = WANTED;				/* WRITE_ONCE(tick.state, TICK_WANTED) */
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
		:: else -> starting[i]++; idle = 0
		fi;
		calm = calm && (i != 0 || me == TICK);
		quiet[i] = 0
	};
	d_step {				/* test_and_set_bit(slot, chunk->enabled) */
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
		/* if (READ_ONCE(tick.state) != TICK_WANTED) iotimer_want_tick() */
		:: state != WANTED && WITHOUT != STATE_LOOK && (!was || WITHOUT != LOOK_AGAIN) ->
			want_tick()
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

/* iotimer_stop_sync() */
inline stop_sync(i, me)
{
	if
	:: me == OWNER -> calm = !starting[i]
	:: else
	fi;
	stop(i, me, true);			/* was_enabled = iotimer_stop(timer) */
	if
	:: walker == me && WITHOUT != SELF	/* if (READ_ONCE(walker) == current) return */
	:: else ->
#if WITHOUT != WALK_LOCK
		lock(walk_lock);		/* spin_lock_bh(&walk_lock) */
#endif
#if WITHOUT != SECOND_STOP
		stop(i, me, true);		/* was_enabled |= iotimer_stop(timer) */
#endif
		d_step {
#if WITHOUT != WALK_LOCK
			walk_lock = 0;		/* spin_unlock_bh(&walk_lock) */
#endif
			assert(!running[i]);	/* promise 1 */
			quiet[i] = quiet[i] || calm;
			calm = 0
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
	/* The caller sees to it that no start is under way on return. */
	d_step {
		!starting[0] && !tick_starts[0] ->
		alive[0] = 0;			/* iotimer_put_slot(timer) */
		quiet[0] = 1;
		assert(!bit_set[0] && !running[0])
	}
}

/* What a routine does: fn(timer->dev, timer->context) of timer b */
inline call(b)
{
	d_step {
		assert(func);			/* a routine, not NULL */
		func = 0;
		assert(!quiet[b]);		/* promises 1, 5 */
		assert(!called[b]);		/* promise 2 */
		called[b] = 1;
		running[b] = 1
	};
	if
	:: j = 0
	:: j = 1
	fi;
	if
	:: start(j, TICK)
	:: alive[j] -> stop(j, TICK, false)
	:: alive[j] -> stop_sync(j, TICK)
	:: true
	fi;
	d_step { j = 0; running[b] = 0 }
}

/* iotimer_run_word() */
inline run_word()
{
	d_step {				/* pending = READ_ONCE(*enabled) */
		seen[word] = bit_set[word];
		seen[word + BITS - 1] = bit_set[word + BITS - 1]
	};
	if
	:: seen[0] || seen[1] ->		/* if (!pending) return */
		found = 1;			/* tick.found = true */
		lock(walk_lock);		/* spin_lock(&walk_lock) */
		walker = TICK;			/* WRITE_ONCE(walker, current) */
		b = word * BITS;
		do				/* for (mask = 1; mask & pending; ...), for (; pending; ...) */
		:: b < (word + 1) * BITS ->	/* iotimer_call(timer, enabled, mask) */
#if WITHOUT != FN_FIRST
			func = fn[b];		/* fn = smp_load_acquire(&timer->fn) */
#endif
			/* smp_load_acquire(enabled) & mask */
			seen[b] = seen[b] && (bit_set[b] || WITHOUT == SECOND_TEST);
#if WITHOUT == FN_FIRST
			func = fn[b];
#endif
			if
			:: (func || WITHOUT == FN_LOOK) && seen[b] ->
				call(b)		/* fn(timer->dev, timer->context) */
			:: else
			fi;
			d_step { seen[b] = 0; func = 0; b++ }
		:: else -> break
		od;
		atomic { b = 0; walker = NOBODY };	/* WRITE_ONCE(walker, NULL) */
		walk_lock = 0			/* spin_unlock(&walk_lock) */
	:: else
	fi
}

/* iotimer_forget_starts() */
inline forget_starts()
{
#if WITHOUT != TICK_LOCK
	lock(tick_lock);			/* raw_spin_lock_irqsave(&tick.lock) */
#endif
#if WITHOUT != FORGET
	late_forget = 1;			/* WRITE_ONCE(tick.state, TICK_COMES), unlock */
#else
	tick_lock = 0;
#endif
#if WITHOUT != MB
	d_step { drain_forget() }		/* smp_mb() */
#endif
}

/* iotimer_aim_or_rest(), and the end of iotimer_tick() */
inline aim_or_rest()
{
	d_step { drain_forget() };
#if WITHOUT != TICK_LOCK
	lock(tick_lock);			/* raw_spin_lock_irqsave(&tick.lock) */
#endif
	if
	/* if (tick.found || tick.state == TICK_WANTED) */
	:: (found && WITHOUT != FOUND) || (state == WANTED && WITHOUT != STARTED) ->
		pending = 1			/* iotimer_aim() */
	:: else ->
		state = RESTS			/* WRITE_ONCE(tick.state, TICK_RESTS) */
	fi;
	d_step {				/* raw_spin_unlock_irqrestore() */
		tick_lock = 0;
		in_tick = 0;
		assert(!idle || !pending);	/* promise 8 */
		idle = 0
	}
}

/* iotimer_tick(), and iotimer_go_on() after a pause */
proctype tick()
{
	bit was, walking, func, j;
	bit seen[2];
	byte word, b;

end:	do
	:: d_step {
		pending ->			/* the timer expires */
		pending = 0;
		in_tick = 1 };
		if
		:: !walking ->			/* iotimer_tick() */
			if
			:: d_step { true ->	/* if (time_before(now, tick.next)) */
				pending = 1;	/* iotimer_aim(); return */
				in_tick = 0 };
				goto end
			:: true
			fi;
			d_step {
				word = 0;		/* tick.word = 0 */
				found = 0;		/* tick.found = false */
				called[0] = 0;
				called[1] = 0;
				idle = !bit_set[0] && !bit_set[1] && !starting[0] && !starting[1] && NONE_LATE;
				steady[0] = bit_set[0] && fn[0] && !late_dead;
				steady[1] = bit_set[1]
			};
			forget_starts()			/* iotimer_forget_starts() */
		:: else				/* iotimer_go_on() */
		fi;
		walking = 0;
		do				/* iotimer_walk() */
		:: word < WORDS ->		/* while (word < IOTIMER_CHUNK_WORDS && */
						/* took < budget) */
			run_word();		/* iotimer_run_word(chunk, next, word++) */
			word++;
			if			/* took = ktime_get_ns() - begin */
			:: true
			:: walking = 1; break
			fi
		:: else -> break
		od;
		if
		:: walking ->			/* if (took) */
			d_step {		/* hrtimer_start(&tick.pause, ...) */
				pending = 1;
				in_tick = 0
			}
		:: else ->
			d_step {		/* promise 2 */
				word = 0;
				assert(!steady[0] || called[0]);
				assert(!steady[1] || called[1]);
				steady[0] = 0;
				steady[1] = 0
			};
			aim_or_rest()		/* iotimer_aim_or_rest() */
		fi
	od
}

proctype owner()
{
	bit was;

	do
	:: d_step { !alive[0] -> fn[0] = 1; alive[0] = 1 }	/* iotimer_create() */
	:: alive[0] -> start(0, OWNER)
	:: alive[0] -> stop(0, OWNER, false)
	:: alive[0] -> stop_sync(0, OWNER)
	:: alive[0] -> destroy()
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

/* What waits in a store buffer gets out. */
proctype store_buffers()
{
end:	do
	:: d_step { late_forget -> drain_forget() }
	:: d_step { late_dead -> late_dead = 0; fn[0] = 0 }
#if WITHOUT == START_BARRIER
	:: d_step { late_set[TICK] -> late_set[TICK] = 0; bit_set[0] = 1 }
	:: d_step { late_set[OWNER] -> late_set[OWNER] = 0; bit_set[0] = 1 }
	:: d_step { late_set[IRQ] -> late_set[IRQ] = 0; bit_set[0] = 1 }
	:: d_step { late_set[4 + TICK] -> late_set[4 + TICK] = 0; bit_set[1] = 1 }
	:: d_step { late_set[4 + IRQ] -> late_set[4 + IRQ] = 0; bit_set[1] = 1 }
#endif
	od
}

/* Nobody is at work on the tick: then it is on its way if it must be. */
proctype watch()
{
end:	do
	:: AT_REST && !pending && (due[0] || due[1]) ->
		assert(false)			/* not reached: a timer would sleep for ever */
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
