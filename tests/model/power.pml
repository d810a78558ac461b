/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Model of how sim_dev.c handles lost interrupts, the stopped timer and power.
 * The rest of the driver is in scheme.pml; both in one would be too large.
 * Checked by `make model`.
 *
 *	submitter	queues the requests, one after the other, at any time
 *	isr, thread	the two handlers of the interrupt, whose line is shared: it
 *			may come at any time
 *	watchdog	the once-a-second routine, at any time while the timer is on
 *	work		the work item
 *	pm		suspends and resumes the device, at any time, twice at most
 *	hw		the hardware: all that it does takes any time, or for ever
 *
 * What is checked:
 *
 *	the device is not reset for an operation, and a reset does not fail, if
 *	the device says that it is done (the interrupt was lost)
 *	a tick does not count for an operation that the same call of the watchdog
 *	has begun
 *	nothing is outstanding while the timer is off (UNLOCK)
 *	no register is touched without power
 *	a request whose operation ended with the power is started again, and that
 *	does not count as a retry
 *	each request ends once, with its own data, and some context will still end
 *	or start each that has not ended (UNLOCK)
 *	every request ends (ltl ends; weak fairness)
 *
 * Faults are choices of hw. Hang, dead, reset-hang, gone: nothing becomes due.
 * Lost, reset-lost: an event raises no interrupt. Duplicate: it comes twice.
 * Error: how an operation ends.
 *
 * What is left out: time; cancelled requests, files, and late interrupts that a
 * reset does not take back (all in scheme.pml); unbinding.
 */

#ifndef REQUESTS
#define REQUESTS	2
#endif
#define MAX_RETRIES	1
#define MAX_SUSPENDS	2
#define MAX_CAUSES	2
#define NOBODY		REQUESTS	/* no request */
#define LIMIT		1
#define RESET_LIMIT	1
#define IDLE		-1		/* IO_TIMEOUT_IDLE */

/* -DWITHOUT=... takes one mechanism away, and spin finds a trail. */
#define ASK		1	/* the device is asked before the tick that expires */
#define ASK_RESET	2	/* a reset's interrupt may be the lost one */
#define TICK_FIRST	3	/* what the device answered is handled after the tick */
#define START_LOCK	4	/* the timer is started under the lock */
#define STOP_LOCK	5	/* the timer is stopped under the lock */
#define STOP_LOOK	6	/* the timer is stopped only if nothing is outstanding */
#define STOP_RESET	7	/* a reset without a request counts as outstanding */
#define CLOSED		8	/* no operation begins from suspend to resume */
#define OFF		9	/* the handler reads no register without power */
#define SYNC		10	/* suspend waits for the thread */
#define RESUME_RESET	11	/* resume resets the device */
#define RESUME_START	12	/* resume starts the timer */
#define GUILTY		13	/* after a reset without a time-out, no retry is counted */
#define ACTIVE		14	/* no operation begins during a reset without a request */
#ifndef WITHOUT
#define WITHOUT		0
#endif

#define ENDED		(ended == REQUESTS)
#define OUTSTANDING	(counter != IDLE)
#define RESET_DONE	(counter == IDLE && resetting)
/* sim_dev_is_active() */
#define IS_ACTIVE	(counter != IDLE || interrupted || failed || resetting)

#define UNLOCK d_step {							\
	assert(!OUTSTANDING || timer_on || off);			\
	assert(slot_request == NOBODY || OUTSTANDING || wake || failed || closed); \
	assert(empty(queue) || slot_request != NOBODY || IS_ACTIVE || closed); \
	assert(!interrupted || (wake && slot_request != NOBODY));	\
	assert(!RESET_DONE || wake) }

/* struct sim_slot with its struct io_timeout */
short counter = IDLE;
bit resetting;
byte slot_request = NOBODY;
byte slot_tag;
bit interrupted, error, guilty, failed;

/* struct sim_dev */
bit closed, off;
chan queue = [REQUESTS] of { byte };
bit timer_on;
bit wake, work_pending;		/* the thread, the work item is to run */
byte retries[REQUESTS];
bit done[REQUESTS];
byte ended;

/* For the checks only */
bit begun;			/* this call of the watchdog has begun an operation */
bit powerless;			/* the slot's operation ended with the power */

/* The hardware */
bit hw_on = 1, hw_busy, hw_resetting;
byte hw_out;			/* the buffer holds what this tag's operation did */
bit hw_raised;
chan hw_cause = [MAX_CAUSES] of { mtype, byte };	/* waiting: cause, tag */
mtype = { DONE, ERROR, RESET };

inline hw_forget()		/* sim_hw_drop_all() */
{
	d_step {
		do
		:: hw_cause?_, _
		:: empty(hw_cause) -> break
		od;
		hw_busy = 0;
		hw_resetting = 0;
		hw_raised = 0
	}
}

inline hw_take(cause, tag)	/* sim_hw_take_cause() */
{
	d_step { hw_cause?cause, tag; hw_raised = len(hw_cause) > 0 }
}

inline complete(r)		/* sim_dev_complete() */
{
	d_step {
		assert(!done[r]);
		done[r] = 1;
		retries[r] = 0;
		ended++
	}
}

#define USED(t) (hw_cause??[DONE, t] || hw_cause??[ERROR, t])

inline program()		/* sim_dev_program() */
{
	if
	:: closed && WITHOUT != CLOSED
	:: else ->
		d_step {
			assert(slot_request != NOBODY && !done[slot_request]);
			assert(counter == IDLE && !resetting);
			assert(hw_on);
			counter = LIMIT + 1;		/* io_timeout_begin() */
			timer_on = timer_on || WITHOUT != START_LOCK;
			guilty = 0;
			powerless = 0;
			begun = 1;
			slot_tag = (!USED(1) -> 1 : (!USED(2) -> 2 : 3));
			hw_out = 0;			/* sim_hw_start() */
			hw_raised = len(hw_cause) > 0;
			hw_resetting = 0;
			hw_busy = 1
		}
	fi
}

inline start_io()		/* sim_dev_start_io() */
{
	if
	:: slot_request != NOBODY || len(queue) == 0
	:: closed && WITHOUT != CLOSED
	:: IS_ACTIVE && WITHOUT != ACTIVE
	:: else ->
		queue?slot_request;
		program()
	fi
}

inline finish()			/* sim_dev_finish() */
{
	complete(slot_request);
	slot_request = NOBODY;
	start_io()
}

inline take_cause(accepted)	/* sim_dev_take_cause() */
{
	d_step {
		assert(hw_on);
		hw_take(cause, tag);
		if
		:: cause == RESET ->		/* io_timeout_reset_interrupt() */
			if
			:: counter == IDLE || !resetting
			:: else -> counter = IDLE; accepted = 1
			fi
		:: else ->			/* io_timeout_op_interrupt() */
			if
			:: tag != slot_tag || counter == IDLE || resetting
			:: else ->
				counter = IDLE;
				interrupted = 1;
				error = (cause == ERROR);
				accepted = 1
			fi
		fi;
		cause = 0;
		tag = 0
	}
}

inline retry()			/* sim_dev_retry() */
{
	if
	:: slot_request == NOBODY -> start_io()
	:: slot_request != NOBODY && !guilty && WITHOUT != GUILTY -> program()
	:: else ->
		assert(!powerless);		/* counts as a retry */
		if
		:: retries[slot_request] >= MAX_RETRIES -> finish()	/* -ETIMEDOUT */
		:: else ->
			retries[slot_request]++;
			guilty = 0;
			program()
		fi
	fi
}

inline handle()			/* sim_dev_handle() */
{
	if
	:: interrupted ->
		d_step {
			interrupted = 0;
			assert(hw_on);		/* sim_hw_read_buffer() */
			assert(error || hw_out == slot_tag);
			error = 0;
			hw_out = 0
		};
		finish()			/* 0 or -EIO */
	:: else
	fi;
	if
	:: RESET_DONE ->			/* if (io_timeout_reset_done()) */
		resetting = 0;
		retry()
	:: else
	fi
}

inline tick()			/* io_timeout_tick(), and what sim_dev_tick() does of it */
{
	if
	:: counter == IDLE
	:: else ->
		assert(!begun);
		counter--;
		if
		:: counter > 0				/* IO_TIMEOUT_OK */
		:: counter <= 0 && resetting ->	/* IO_TIMEOUT_FAILED */
			assert(!hw_cause??[RESET, 0]);
			d_step {
				counter = IDLE;
				resetting = 0;
				failed = 1;
				work_pending = 1
			}
		:: else ->				/* IO_TIMEOUT_RESET */
			d_step {
				assert(!hw_cause??[DONE, eval(slot_tag)]);
				assert(!hw_cause??[ERROR, eval(slot_tag)]);
				assert(slot_request != NOBODY);
				assert(hw_on);
				counter = RESET_LIMIT;
				resetting = 1;
				guilty = 1
			};
			hw_forget();			/* sim_hw_reset() */
			hw_resetting = 1
		fi
	fi
}

proctype isr()			/* sim_dev_isr() */
{
	mtype cause;
	byte tag;
	bit accepted;

end:	do
	:: atomic {
		hw_raised && (!off || WITHOUT == OFF) ->
		take_cause(accepted);
		wake = wake || accepted;
		accepted = 0;
		UNLOCK
	}
	:: atomic {			/* another device's interrupt on the line */
		!hw_on ->
		if
		:: off && WITHOUT != OFF
		:: else -> assert(hw_on)	/* not reached */
		fi
	}
	od
}

proctype thread()		/* sim_dev_thread() */
{
end:	do
	:: atomic {
		wake ->
		wake = 0;
		handle();
		begun = 0;
		UNLOCK
	}
	od
}

proctype watchdog()		/* sim_dev_watchdog() */
{
	mtype cause;
	byte tag;
	bit missed, stop;

end:	do
	:: atomic {
		timer_on && !off ->
		/* if (io_timeout_due() && sim_dev_reap()) */
		do
		:: counter == 1 && len(hw_cause) > 0 && WITHOUT != ASK &&
		   !(resetting && WITHOUT == ASK_RESET) -> take_cause(missed)
		:: else -> break
		od;
		if
		:: missed && WITHOUT == TICK_FIRST -> handle()
		:: else
		fi;
		tick();
		if
		:: missed && WITHOUT != TICK_FIRST -> handle()
		:: else
		fi;
		d_step {
			missed = 0;
			begun = 0;
			stop = WITHOUT == STOP_LOOK || (slot_request == NOBODY &&
				(WITHOUT == STOP_RESET || !IS_ACTIVE))
		};
		if
		:: stop && WITHOUT != STOP_LOCK -> timer_on = 0; stop = 0
		:: else
		fi;
		UNLOCK
	}
		if
		:: atomic { stop -> timer_on = 0; stop = 0; UNLOCK }	/* not reached */
		:: !stop
		fi
	od
}

proctype work()			/* sim_dev_failed() */
{
end:	do
	:: atomic {
		work_pending ->
		work_pending = 0;
		assert(failed);
		failed = 0;
		if
		:: slot_request != NOBODY -> finish()	/* -EIO */
		:: else -> start_io()
		fi;
		begun = 0;
		UNLOCK
	}
	od
}

proctype submitter()
{
	byte r;

	do
	:: r < REQUESTS ->
		if
		:: WITHOUT == START_LOCK -> timer_on = 1	/* not reached */
		:: else
		fi;
		atomic {			/* sim_dev_queue() */
			queue!r;
			start_io();
			begun = 0;
			r++;
			UNLOCK
		}
	:: else -> break
	od;
	r = 0
}

proctype pm()
{
	byte suspends;

	do
	:: suspends < MAX_SUSPENDS ->
		suspends++;
		closed = 1;			/* sim_dev_quiesce() */
		if
		:: !IS_ACTIVE			/* idle, or the wait takes too long */
		:: true
		fi;
		off = 1;
		(!wake || WITHOUT == SYNC);	/* synchronize_irq() */
		timer_on = 0;			/* iotimer_stop_sync() */
		!work_pending;			/* flush_work() */
		atomic {			/* sim_hw_set_power(false) */
			hw_forget();
			hw_on = 0;
			powerless = powerless || (OUTSTANDING && !guilty)
		};
		hw_on = 1;
		atomic {			/* sim_dev_resume() */
			off = 0;
			closed = 0;
			if
			:: WITHOUT != RESUME_RESET ->
				counter = RESET_LIMIT + 1;	/* io_timeout_begin_reset() */
				resetting = 1;
				hw_forget();
				hw_resetting = 1
			:: else
			fi;
			timer_on = timer_on || WITHOUT != RESUME_START;
			UNLOCK
		}
	:: break
	od;
	suspends = 0
}

inline post(cause, tag)
{
	hw_cause!cause, tag;
	if
	:: hw_raised = 1
	:: true				/* lost */
	fi
}

proctype hw()			/* what becomes due: sim_hw_process_due(), sim_hw_take_effect() */
{
end:	do
	:: atomic { nfull(hw_cause) && hw_busy ->
		hw_busy = 0; hw_out = slot_tag; post(DONE, slot_tag) }
	:: atomic { empty(hw_cause) && hw_busy ->	/* duplicate */
		hw_busy = 0; hw_out = slot_tag;
		hw_cause!DONE, slot_tag; hw_cause!DONE, slot_tag; hw_raised = 1 }
	:: atomic { nfull(hw_cause) && hw_busy -> hw_busy = 0; post(ERROR, slot_tag) }
	:: atomic { nfull(hw_cause) && hw_resetting -> hw_resetting = 0; post(RESET, 0) }
	od
}

init
{
	atomic {
		run submitter();
		run isr();
		run thread();
		run watchdog();
		run work();
		run pm();
		run hw()
	}
}

ltl ends { <>ENDED }
