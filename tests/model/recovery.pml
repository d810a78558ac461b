/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Model of io_recovery.h and of a driver that keeps to the rules at its head: a
 * queue, and a device with slots. Checked by tests/model/run.
 *
 *	submitter	queues the requests in their order, at any time
 *	canceller	cancels one request, or none, at any time
 *	isr, thread	the two handlers of the interrupt
 *	watchdog	the once-a-second routine, at any time while the timer is on
 *	work		the work item that fails requests after a failed reset
 *	unbind		with -DUNBIND: unbinds the driver, at any time or never
 *	error		with -DERROR: the device reports an error, at any time; the
 *			driver resets it, without a time-out
 *	hw		the hardware: all that it does takes any time, or for ever
 *
 * What is checked:
 *
 *	no request ends twice; none is lost: whenever the lock is dropped, each one
 *	that has not ended is queued or in a slot, some context will still end the
 *	one in a slot, and none waits while the device could begin it (UNLOCK)
 *	a request is charged a retry only if its own operation has timed out, and
 *	no operation times out that a reset has taken away
 *	requests begin in the order of their numbers: after a reset, those that it
 *	took away come before anything new
 *	one reset at a time; no operation begins during a reset
 *	nothing that the device posts late, or twice, ends a newer operation, abort
 *	or reset
 *	nothing is aborted or reset, and no reset fails, for something that the
 *	device says is done (the interrupt was lost)
 *	no request ends while the device may still write to its buffer
 *	the timer is on while anything is outstanding, and is stopped after that
 *	no handler does anything once the driver is unbound
 *	every request ends, whatever the device does (ltl ends; weak fairness;
 *	-DMAY_HANG: hw and isr need not do anything). With -DSTREAM, request 0 is
 *	submitted again whenever it has ended, for ever, and request 1 must end
 *
 * Faults are choices of hw and of the system. Hang, dead, abort-hang, reset-hang:
 * nothing is posted. Lost: isr does not come, only the watchdog reads. Late and
 * duplicate: what the device has posted, or was told to drop, comes at any time
 * later. The device is slow: until a reset has ended, operations go on and are
 * posted, and a reset that has timed out may still end, and takes what was begun
 * since.
 *
 * What is left out: time (a tick may come at any moment, so anything may time out,
 * early too), the clock's wrap and io_recovery.next (KUnit tests them), limits
 * over 2 s, errors, more than SLOTS slots, more than one late thing at a time;
 * files, readers, suspend (scheme.pml and power.pml). A new generation is one that
 * nothing in the device still has; the driver counts up for ever.
 */

#define SLOTS		2
#ifndef REQUESTS
#define REQUESTS	3
#endif
#ifndef MAX_RETRIES
#define MAX_RETRIES	1
#endif
#ifndef ABORT_LIMIT
#define ABORT_LIMIT	1	/* 0: the device cannot abort */
#endif
#ifndef ONE_ABORT
#define ONE_ABORT	0	/* 1: the device takes one abort at a time */
#endif
#if defined(STREAM) && !ABORT_LIMIT
#define LIMIT(r)	(r + 1)
#else
#define LIMIT(r)	1
#endif
#define MAX_RESTARTS	1
#define RESET_LIMIT	1
#define NOBODY		REQUESTS	/* no request */

/* -DWITHOUT=... takes one rule away, and spin finds a trail. First io_recovery.h's. */
#define ONE_RESET	1	/* 1: while a reset runs, no slot times out */
#define POLL		2	/* 2: the device is polled before a tick that expires */
#define POLL_RESET	3	/* during a reset too */
#define ESCALATE	4	/* 3: an abort that times out is followed by a reset */
#define RESET_FAILS	5	/* a reset that times out fails */
#define TAKE_ALL	6	/* 4: a reset takes away all that is outstanding */
#define INNOCENT	7	/* the innocent are not charged */
#define CHARGE		8	/* the guilty are */
#define GUILTY_BEGIN	9	/* a slot's next operation is not guilty */
#define GUILTY_DONE	10	/* nor is one that ends before its abort */
#define ORDER		11	/* what is restarted goes before what is new */
#define FAIL_ALL	12	/* 5: a reset that times out fails all, guilty or not */
#define GENERATION	13	/* 6: an operation's interrupt names its generation */
#define ABORT_GENERATION 14	/* so does an abort's */
#define LATE_RULE	15	/* both are ignored during a reset */
#define RESET_RULE	16	/* a reset's is ignored without a reset */
#define ONCE		17	/* io_recovery_reset_done() is true once */
#define STOP		18	/* 7: the timer is stopped while nothing is outstanding */
#define STOP_LOOK	19	/* and only then */
#define START		20	/* an operation starts it */
/* What the driver and the device must do besides */
#define GATE		21	/* nothing begins during a reset */
#define CUT_OFF		22	/* a failed reset: no write to memory from then on */
#define FAILED_MARK	23	/* the work item fails what was outstanding at that tick */
#define FAILED_LEFT	24	/* and the thread leaves that to it */
#define THREAD_FIRST	25	/* what is done is handled before the reset's end is */
#define RESET_DROPS	26	/* a reset command drops the end of an earlier reset */
#define RESET_HOLD	27	/* the reset is commanded in the tick's hold of the lock */
#define ABORT_HOLD	28	/* so is the abort */
#define ABORT_NAMES	29	/* an abort does not hit the slot's next operation */
#define CANCELLED	30	/* a cancelled request is not restarted */
#define NEXT		31	/* the thread starts the next requests */
#define NEXT_FAILED	32	/* so does the work item */
#define CLEAR		33	/* unbinding drops interrupts that were accepted */
#define CLOSED		34	/* nothing begins once the driver is unbound */
#define QUIET		35	/* unbinding cuts the device off before requests end */
#define CAP		36	/* a request restarts only so often, innocent or not */
#define SECOND		37	/* a second time-out resets, even if it was not aborted */
#define WATCHDOG	38	/* the watchdog runs */
#ifndef WITHOUT
#define WITHOUT		0
#endif

/* enum io_recovery_state, enum io_recovery_verdict */
#define RUNNING		0
#define RESETTING	1
#define RESET_DONE	2
#define OK		0
#define ABORT		1
#define RESET		2
#define FAILED		3

/* What the device does: an operation, an abort, a reset */
#define NONE		0
#define BUSY		1
#define DONE		2	/* posted, and not read yet */
#define TAKEN		3	/* an operation: by a reset that the driver waited for */
#define STALE		3	/* a reset: under way, but has timed out */

/* What comes late */
#define LATE_OP		1
#define LATE_ABORT	2
#define LATE_RESET	3

/* struct io_recovery */
bit busy[SLOTS], guilty[SLOTS], aborting[SLOTS];
byte left[SLOTS];		/* due - now */
byte generation[SLOTS];
byte state;
byte reset_left;		/* next - now, during a reset */

/* The driver */
byte request[SLOTS] = NOBODY;
bit interrupted[SLOTS], aborted[SLOTS], failed[SLOTS];	/* and not handled yet */
chan queue = [REQUESTS] of { byte };
byte retries[REQUESTS];
#ifdef STREAM
byte restarts[REQUESTS];	/* as an innocent */
#define TOO_OFTEN(r) (restarts[r] > MAX_RESTARTS && WITHOUT != CAP)
#else
#define TOO_OFTEN(r) false
#endif
bit cancelled[REQUESTS];
bit done[REQUESTS];
byte submitted, ended;
bit timer_on, timer_dead, irq_on = 1, gone, unbound;
bit wake, work_pending;		/* the thread, the work item is to run */

/* The device */
byte hw_op[SLOTS], hw_abort[SLOTS];
byte hw_reset;
byte late, late_slot, late_generation;

/* For the checks only */
bit timed_out[REQUESTS];	/* the request's last operation */

#define ENDED		(ended == REQUESTS)
#define IDLE		(!busy[0] && !busy[1] && state == RUNNING)
#define OUTSTANDING	(busy[0] || busy[1] || state == RESETTING)
#define IN_SLOTS	((request[0] != NOBODY) + (request[1] != NOBODY))

#define CHECK_SLOT(s)							\
	assert((request[s] != NOBODY) ==				\
	       busy[s] + interrupted[s] + aborted[s] + failed[s]); \
	assert(!(interrupted[s] || aborted[s]) || wake);	\
	assert(!failed[s] || work_pending)

#define UNLOCK d_step {							\
	CHECK_SLOT(0);							\
	CHECK_SLOT(1);							\
	assert(submitted == ended + len(queue) + IN_SLOTS);		\
	assert(state != RESET_DONE || wake);				\
	assert(!OUTSTANDING || timer_on || timer_dead);			\
	assert(empty(queue) || IN_SLOTS == SLOTS || state != RUNNING || work_pending) }

inline be_late(what, s)		/* or not */
{
	if
#ifndef STREAM
	:: d_step { late = what; late_slot = s; late_generation = generation[s] }
#endif
	:: true
	fi
}

inline complete(r)
{
	d_step {
		assert(!done[r]);
		done[r] = 1;
		retries[r] = 0;
#ifdef STREAM
		restarts[r] = 0;
#endif
		timed_out[r] = 0;
		cancelled[r] = 0;
		ended++
	}
}

/* End the request in slot s. */
inline finish(s)
{
	d_step {
		assert(hw_op[s] != BUSY);	/* its buffer is freed */
		complete(request[s]);
		request[s] = NOBODY
	}
}

/* io_recovery_begin(), and tell the device. */
inline begin(s)
{
	if				/* the device still has the slot's old one */
	:: hw_op[s] == DONE -> be_late(LATE_OP, s)
	:: hw_abort[s] != NONE -> be_late(LATE_ABORT, s)
	:: else
	fi;
	if
	:: hw_abort[s] == BUSY && WITHOUT == ABORT_NAMES
	:: else -> hw_abort[s] = NONE
	fi;
	d_step {
		queue?request[s];
		assert(!done[request[s]] && !cancelled[request[s]]);
#ifndef STREAM
		assert(request[s] == 0 || !queue??[0]);	/* none before it waits */
		assert(request[s] <= 1 || !queue??[1]);
#endif
		assert(state == RUNNING && !busy[s]);
		assert(hw_op[s] != BUSY);
		assert(hw_reset != BUSY && hw_reset != DONE);
		busy[s] = 1;
		if
		:: guilty[s] && WITHOUT != GUILTY_BEGIN ->
			guilty[s] = 0;
			aborting[s] = 0
		:: else
		fi;
		timed_out[request[s]] = 0;
		left[s] = LIMIT(request[s]) + 1;	/* io_recovery_begin_limit() */
		generation[s] =
			(late != NONE && late_slot == s && late_generation == 1 -> 2 : 1);
		timer_on = (timer_on || WITHOUT != START) && !timer_dead;
		hw_op[s] = BUSY
	}
}

#define MAY_BEGIN (len(queue) > 0 && (state == RUNNING || WITHOUT == GATE))

inline start_io()
{
	do
	:: MAY_BEGIN && request[0] == NOBODY -> begin(0)
	:: MAY_BEGIN && request[0] != NOBODY && request[1] == NOBODY -> begin(1)
	:: else -> break
	od
}

/* Would io_recovery_op_interrupt(), io_recovery_abort_interrupt() return true? */
#define EXPECTS(s, g)							\
	(generation[s] == (g) && busy[s] && (state == RUNNING || WITHOUT == LATE_RULE))

/* The device says that the operation is done: io_recovery_op_interrupt(). */
inline read_op(s)
{
	be_late(LATE_OP, s);		/* a duplicate */
	d_step {
		hw_op[s] = NONE;
		if
		:: EXPECTS(s, generation[s]) ->
			busy[s] = 0;
			left[s] = 0;
			if
			:: WITHOUT != GUILTY_DONE -> guilty[s] = 0; aborting[s] = 0
			:: else
			fi;
			interrupted[s] = 1;
			wake = 1
		:: else
		fi
	}
}

/* io_recovery_abort_interrupt() */
inline read_abort(s)
{
	if
	:: aborting[s] -> be_late(LATE_OP, s)
	:: be_late(LATE_ABORT, s)
	fi;
	d_step {
		hw_abort[s] = NONE;
		if
		:: EXPECTS(s, generation[s]) && aborting[s] ->
			busy[s] = 0;
			left[s] = 0;
			aborted[s] = 1;
			wake = 1
		:: else
		fi
	}
}

/* io_recovery_reset_interrupt() */
inline read_reset()
{
	d_step {
		hw_reset = NONE;
		if
		:: state == RESETTING ->
			state = RESET_DONE;
			reset_left = 0;
			wake = 1
		:: else
		fi
	}
}

/* What comes late must be ignored. */
inline read_late()
{
	d_step {
		if
		:: late == LATE_OP -> assert(!EXPECTS(late_slot,
			(WITHOUT == GENERATION -> generation[late_slot] : late_generation)))
		:: late == LATE_ABORT -> assert(!(aborting[late_slot] && EXPECTS(late_slot,
			(WITHOUT == ABORT_GENERATION -> generation[late_slot] : late_generation))))
		:: late == LATE_RESET ->
			assert(state != RESETTING);
			if
			:: WITHOUT == RESET_RULE -> state = RESET_DONE; wake = 1
			:: else
			fi
		fi;
		late = NONE;
		late_slot = 0;
		late_generation = 0
	}
}

/* io_recovery_guilty(), and what the driver makes of it */
inline restart_or_end(s)
{
	if
	:: cancelled[request[s]] && WITHOUT != CANCELLED -> finish(s)	/* -EINTR */
	:: else ->
		if
		:: !guilty[s] && WITHOUT != INNOCENT
#ifdef STREAM
			-> restarts[request[s]] = restarts[request[s]] + (WITHOUT != CAP)
#endif
		:: else ->
			assert(timed_out[request[s]]);
			retries[request[s]] = retries[request[s]] + (WITHOUT != CHARGE)
		fi;
		if
		:: retries[request[s]] > MAX_RETRIES || TOO_OFTEN(request[s]) ->
			finish(s)				/* -ETIMEDOUT */
		:: else ->
			d_step {
				if
				:: WITHOUT != ORDER -> queue!!request[s]
				:: else -> queue!request[s]
				fi;
				request[s] = NOBODY
			}
		fi
	fi
}

inline handle_done(s)
{
	if
	:: interrupted[s] ->
		assert(request[s] != NOBODY);
		assert(!guilty[s]);
		interrupted[s] = 0;
		finish(s)
	:: else
	fi;
	if
	:: aborted[s] ->
		assert(request[s] != NOBODY);
		aborted[s] = 0;
		restart_or_end(s)
	:: else
	fi
}

inline handle_taken(s)
{
	if
	:: request[s] != NOBODY && (!failed[s] || WITHOUT == FAILED_LEFT) &&
	   (WITHOUT != TAKE_ALL || guilty[s]) ->
		d_step {
			busy[s] = 0;
			left[s] = 0;
			hw_op[s] = (hw_op[s] == TAKEN -> NONE : hw_op[s])
		};
		restart_or_end(s)
	:: else
	fi
}

inline handle_reset()
{
	if
	:: state == RESET_DONE ->	/* if (io_recovery_reset_done()) */
		state = (WITHOUT == ONCE -> RESET_DONE : RUNNING);
		handle_taken(0);
		handle_taken(1)
	:: else
	fi
}

inline command_reset()
{
	if
	:: WITHOUT == RESET_DROPS && hw_reset == STALE -> be_late(LATE_RESET, 0)
	:: WITHOUT != RESET_DROPS && late == LATE_RESET ->
		d_step { late = NONE; late_slot = 0; late_generation = 0 }
	:: else
	fi;
	hw_reset = BUSY
}

inline cut_off(s)
{
	if
	:: hw_op[s] == BUSY || hw_op[s] == DONE -> be_late(LATE_OP, s)
	:: hw_abort[s] != NONE -> be_late(LATE_ABORT, s)
	:: else
	fi;
	d_step { hw_op[s] = NONE; hw_abort[s] = NONE }
}

#define POLLS (WITHOUT != POLL && (state == RESETTING ->		\
	reset_left == 1 && WITHOUT != POLL_RESET : left[0] == 1 || left[1] == 1))

/* if (io_recovery_due()), read all that the device has posted */
inline poll()
{
	if
	:: POLLS ->
		if
		:: late != NONE -> read_late()
		:: true
		fi;
		do
		:: hw_op[0] == DONE -> read_op(0)
		:: hw_op[1] == DONE -> read_op(1)
		:: hw_abort[0] == DONE -> read_abort(0)
		:: hw_abort[1] == DONE -> read_abort(1)
		:: hw_reset == DONE -> read_reset()
		:: else -> break
		od
	:: else
	fi
}

/* One slot's part of io_recovery_expire() */
inline expire(s)
{
	if
	:: busy[s] -> left[s]--
	:: else
	fi;
	if
	:: busy[s] && left[s] == 0 ->
		assert(hw_op[s] != DONE && hw_abort[s] != DONE);
		assert(hw_op[s] != TAKEN);
		assert(request[s] != NOBODY);
		timed_out[request[s]] = 1;
		if
		:: (!ABORT_LIMIT || (WITHOUT == SECOND -> aborting[s] : guilty[s])) &&
		   WITHOUT != ESCALATE -> verdict = RESET
		:: else -> verdict = (verdict == OK -> ABORT : verdict)
		fi;
		guilty[s] = 1;
		left[s] = ABORT_LIMIT
	:: else
	fi
}

inline fail(s)
{
	if
	:: busy[s] && (WITHOUT != FAIL_ALL || guilty[s]) ->
		failed[s] = 1
	:: else
	fi;
	busy[s] = 0;
	left[s] = 0
}

/* io_recovery_tick(), but what the verdict asks for */
inline tick()
{
	d_step {
		if
		:: state == RUNNING || WITHOUT == ONE_RESET ->
			expire(0);
			expire(1)
		:: else
		fi;
		if
		:: state == RESETTING && reset_left > 0 -> reset_left--
		:: else
		fi;
		if
		:: state == RESETTING && reset_left == 0 && WITHOUT != RESET_FAILS ->
			assert(hw_reset != DONE);
			state = RUNNING;
			verdict = FAILED;
			fail(0);
			fail(1);
			work_pending = 1
		:: verdict == RESET ->
			state = RESETTING;
			reset_left = RESET_LIMIT;
			if
			:: WITHOUT != ONE_RESET -> left[0] = 0; left[1] = 0
			:: else
			fi
		:: else
		fi
	}
}

inline abort(s, other)		/* io_recovery_next_abort() */
{
	if
	:: busy[s] && guilty[s] && !aborting[s] &&
	   !(ONE_ABORT && busy[other] && aborting[other]) ->
		aborting[s] = 1;
#if WITHOUT == ABORT_HOLD
		told[s] = 1
#else
		hw_abort[s] = BUSY
#endif
	:: else
	fi
}

/* What the verdict asks for */
inline act()
{
	if
	:: verdict == ABORT -> abort(0, 1); abort(1, 0)
	:: verdict == RESET ->
		assert(state == RESETTING && (hw_reset == NONE || hw_reset == STALE));
		command_reset()
	:: verdict == FAILED ->
		hw_reset = STALE;
		if
		:: WITHOUT != CUT_OFF -> cut_off(0); cut_off(1)
		:: else
		fi
	:: else
	fi;
	verdict = OK;
	if
	:: (IDLE || WITHOUT == STOP_LOOK) && WITHOUT != STOP -> timer_on = 0
	:: else
	fi;
	assert(!IDLE || !timer_on)
}

proctype isr()
{
end:	do
	:: atomic { irq_on && hw_op[0] == DONE -> read_op(0); UNLOCK }
	:: atomic { irq_on && hw_op[1] == DONE -> read_op(1); UNLOCK }
	:: atomic { irq_on && hw_abort[0] == DONE -> read_abort(0); UNLOCK }
	:: atomic { irq_on && hw_abort[1] == DONE -> read_abort(1); UNLOCK }
	:: atomic { irq_on && hw_reset == DONE -> read_reset(); UNLOCK }
	:: atomic { irq_on && late != NONE -> read_late(); UNLOCK }
#ifdef MAY_HANG
	:: irq_on			/* all interrupts may be lost */
#endif
	od
}

proctype thread()
{
end:	do
	:: atomic {
		wake ->
		wake = 0;
		assert(!unbound);
		if
		:: WITHOUT == THREAD_FIRST -> handle_reset()
		:: else
		fi;
		handle_done(0);
		handle_done(1);
		handle_reset();
#if WITHOUT != NEXT
		start_io();
#endif
		UNLOCK
	}
	od
}

proctype watchdog()
{
	byte verdict;
#if WITHOUT == ABORT_HOLD
	bit told[SLOTS];
#endif

end:	do
	:: atomic {
		timer_on && WITHOUT != WATCHDOG ->
		assert(!unbound);
		poll();
		tick();
#if WITHOUT == RESET_HOLD
		if
		:: verdict == RESET -> goto dropped
		:: else
		fi;
#endif
		act();
		UNLOCK
	}
#if WITHOUT == RESET_HOLD
		goto end;
dropped:	atomic { act(); UNLOCK }
#endif
#if WITHOUT == ABORT_HOLD
		d_step {
			hw_abort[0] = (told[0] -> BUSY : hw_abort[0]);
			hw_abort[1] = (told[1] -> BUSY : hw_abort[1]);
			told[0] = 0;
			told[1] = 0
		}
#endif
	od
}

inline end_failed(s)
{
	if
	:: failed[s] || (WITHOUT == FAILED_MARK && busy[s]) ->
		failed[s] = 0;
		busy[s] = 0;
		finish(s)		/* -EIO */
	:: else
	fi
}

proctype work()
{
end:	do
	:: atomic {
		work_pending ->
		work_pending = 0;
		assert(!unbound);
		end_failed(0);
		end_failed(1);
#if WITHOUT != NEXT_FAILED
		start_io();
#endif
		UNLOCK
	}
	od
}

proctype submitter()
{
	do
	:: atomic {
		submitted < REQUESTS && (!gone || WITHOUT == CLOSED) ->
		d_step { queue!submitted; submitted++ };
		start_io();
		UNLOCK
	}
	:: atomic { submitted == REQUESTS || (gone && WITHOUT != CLOSED) -> break }
	od;
#ifdef STREAM
end:	do
	:: atomic { done[0] -> d_step { done[0] = 0; ended--; queue!0 }; start_io(); UNLOCK }
	od
#else
	ended == submitted
#endif
}

#ifndef STREAM
inline cancel(r)
{
	if
	:: queue??[r] -> queue??eval(r); complete(r)	/* -EINTR */
	:: else -> cancelled[r] = 1
	fi
}

proctype canceller()
{
	if
	:: atomic { submitted > 0 && !done[0] -> cancel(0); UNLOCK }
	:: atomic { submitted > 1 && !done[1] -> cancel(1); UNLOCK }
	:: true
	fi
}
#endif

#ifdef UNBIND
inline end_gone(s)
{
	if
	:: WITHOUT != QUIET -> cut_off(s)
	:: else
	fi;
	d_step {
		busy[s] = 0;	/* io_recovery_cancel() */
		left[s] = 0;
		interrupted[s] = interrupted[s] && WITHOUT == CLEAR;
		aborted[s] = 0;
		failed[s] = 0
	};
	if
	:: request[s] != NOBODY -> finish(s)	/* -ENODEV */
	:: else
	fi
}

proctype unbind()
{
	byte r;

	if
	:: true
	:: true -> goto out
	fi;
	d_step { timer_dead = 1; timer_on = 0 };	/* iotimer_destroy() */
	atomic {
		gone = 1;
		d_step { state = RUNNING; reset_left = 0 };	/* io_recovery_cancel() */
		end_gone(0);
		end_gone(1);
		do
		:: queue?r -> complete(r)
		:: empty(queue) -> break
		od;
		r = 0;
		UNLOCK
	};
	work_pending = 0;		/* cancel_work_sync() */
	irq_on = 0;			/* free_irq() waits for the thread */
	atomic { !wake -> unbound = 1 };
out:	skip
}
#endif

#ifdef ERROR
proctype error()
{
	atomic {
		!gone ->
		d_step {		/* io_recovery_begin_reset() */
			state = RESETTING;
			reset_left = RESET_LIMIT + 1;
			left[0] = 0;
			left[1] = 0;
			timer_on = !timer_dead
		};
		command_reset();
		UNLOCK
	}
}
#endif

inline end_abort(s)
{
	if
	:: hw_op[s] == BUSY ->
		assert(aborting[s]);
		hw_op[s] = NONE
	:: else
	fi;
	hw_abort[s] = DONE
}

#define DROPPED(s) (busy[s] && hw_op[s] != NONE -> TAKEN : NONE)

inline end_reset()
{
	if
	:: hw_op[0] != NONE -> be_late(LATE_OP, 0)
	:: hw_op[1] != NONE -> be_late(LATE_OP, 1)
	:: hw_abort[0] != NONE -> be_late(LATE_ABORT, 0)
	:: hw_abort[1] != NONE -> be_late(LATE_ABORT, 1)
	:: else
	fi;
	d_step {
		hw_op[0] = DROPPED(0);
		hw_op[1] = DROPPED(1);
		hw_abort[0] = NONE;
		hw_abort[1] = NONE;
		hw_reset = DONE
	}
}

inline end_stale_reset()
{
	be_late(LATE_RESET, 0);
	d_step {
		hw_op[0] = (hw_op[0] == BUSY -> NONE : hw_op[0]);
		hw_op[1] = (hw_op[1] == BUSY -> NONE : hw_op[1]);
		hw_reset = NONE
	}
}

proctype hw()
{
end:	do
	:: d_step { hw_op[0] == BUSY -> hw_op[0] = DONE }
	:: d_step { hw_op[1] == BUSY -> hw_op[1] = DONE }
	:: atomic { hw_abort[0] == BUSY -> end_abort(0) }
	:: atomic { hw_abort[1] == BUSY -> end_abort(1) }
	:: atomic { hw_reset == BUSY -> end_reset() }
	:: atomic { hw_reset == STALE -> end_stale_reset() }
#ifdef MAY_HANG
	:: !unbound			/* nothing more may come */
#endif
	od
}

init
{
	atomic {
		run submitter();
#ifndef STREAM
		run canceller();
#endif
		run isr();
		run thread();
		run watchdog();
		run work();
#ifdef UNBIND
		run unbind();
#endif
#ifdef ERROR
		run error();
#endif
		run hw()
	}
}

#ifdef STREAM
ltl ends { <>done[1] }
#else
ltl ends { <>(ended == submitted && (gone || submitted == REQUESTS)) }
#endif
