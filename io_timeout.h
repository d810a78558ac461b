/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * io_timeout - notice an I/O that never interrupts, reset, retry or fail
 *
 * The counter scheme that Windows drivers build on IoTimer: starting an
 * operation stores a number of seconds in a counter, the interrupt stores -1,
 * and a routine called once a second decrements the counter. Guarding an I/O
 * costs one store. At zero the driver resets the device, with a time limit in
 * seconds for the reset as well.
 *
 *	       begin            tick, at 0 (RESET)
 *	 idle --------> running -------------------> resetting
 *	  ^ ^             |                           |     |
 *	  | +-------------+                           |     | reset interrupt
 *	  |  op interrupt            tick, at 0       |     v
 *	  +<--------------------------(FAILED)--------+  reset done
 *	  |                                                 |
 *	  +<------------------------------------------------+
 *	                      reset_done
 *
 * begin_reset leads from every state to resetting, for a reset that no time-out
 * asked for, as at resume.
 *
 * The counter alone is struct io_countdown, for a driver that needs less: its
 * reset ends at once, or it has several times to watch. struct io_timeout is the
 * scheme on top of it. Their members are private: use the functions.
 *
 * This is the state machine alone: no lock, no device, no clock. One
 * struct io_timeout belongs to a device in which one operation at a time is
 * outstanding; for a device that does many at a time, see io_recovery.h. The caller
 * serializes all calls on it by the lock that its interrupt handler takes (in
 * Windows' terms: in a SynchCritSection routine).
 *
 * The one thing people get wrong: if io_timeout_op_interrupt() returns false,
 * ignore the interrupt. Its operation has timed out, and the interrupt must not
 * complete the request. Once a retry has begun, only the hardware can tell an
 * old completion from the new one: compare a tag before the call. If the device
 * has no tags, its reset must leave no old operation that could still
 * interrupt, and the handler must check that the device is done.
 *
 * The one thing people forget: the commonest cause of a time-out is a lost
 * interrupt. So poll the device before the tick at which the time is up:
 *
 *	if (io_timeout_due(t))
 *		read what the device has completed, and call
 *		io_timeout_op_interrupt() or io_timeout_reset_interrupt() for it,
 *		as the handler would have
 *	verdict = io_timeout_tick(t);
 */
#ifndef _IO_TIMEOUT_H
#define _IO_TIMEOUT_H

#include <linux/bug.h>
#include <linux/jiffies.h>
#include <linux/limits.h>
#include <linux/minmax.h>
#include <linux/types.h>

#define IO_TIMEOUT_IDLE (-1)
#define IO_TIMEOUT_MAX_LIMIT (INT_MAX - 1)	/* seconds */

/**
 * io_timeout_from_ms - a limit in seconds from one in milliseconds
 * @ms: milliseconds
 *
 * Context: any.
 * Return: seconds, rounded up; 1 if @ms is 0.
 */
static inline int io_timeout_from_ms(unsigned int ms)
{
	return ms ? (ms - 1) / 1000 + 1 : 1;
}

/**
 * io_timeout_from_jiffies - a limit in seconds from one in jiffies
 * @timeout: jiffies
 *
 * Context: any.
 * Return: seconds, rounded up, and clamped to 1 to IO_TIMEOUT_MAX_LIMIT.
 */
static inline int io_timeout_from_jiffies(unsigned long timeout)
{
	unsigned long seconds = timeout / HZ + !!(timeout % HZ);

	return clamp(seconds, 1UL, (unsigned long)IO_TIMEOUT_MAX_LIMIT);
}

/**
 * io_timeout_until - a limit in seconds from the moment at which the time is up
 * @expires: in jiffies, as mod_timer() takes it; may have passed
 *
 * Context: any.
 * Return: seconds from now, rounded up, and clamped to 1 to IO_TIMEOUT_MAX_LIMIT.
 */
static inline int io_timeout_until(unsigned long expires)
{
	long left = expires - jiffies;

	return io_timeout_from_jiffies(max(left, 0L));
}

/**
 * struct io_countdown - seconds until a time is up
 *
 * Zeroed memory is no countdown: begin with io_countdown_init().
 */
struct io_countdown {
	/* private: */
	int left;	/* ticks until the time is up; IO_TIMEOUT_IDLE if not running */
};

/**
 * io_countdown_set_in_tick - start a countdown in the routine
 * @c: the countdown, running or not
 * @seconds: 1 to IO_TIMEOUT_MAX_LIMIT; a value out of this range is clamped
 *
 * If the ticks come on time, the time is up @seconds from now.
 *
 * Context: any, under the caller's lock; called by the routine that is called once
 * a second, after io_countdown_tick().
 */
static inline void io_countdown_set_in_tick(struct io_countdown *c, int seconds)
{
	c->left = clamp(seconds, 1, IO_TIMEOUT_MAX_LIMIT);
}

/**
 * io_countdown_set - start a countdown
 * @c: the countdown; if it is running, its time starts over
 * @seconds: 1 to IO_TIMEOUT_MAX_LIMIT; a value out of this range is clamped
 *
 * A tick may come right after this call, so the countdown gets one second more.
 * If the ticks come on time, the time is up more than @seconds and at most
 * @seconds + 1 from now.
 *
 * Context: any, under the caller's lock.
 */
static inline void io_countdown_set(struct io_countdown *c, int seconds)
{
	io_countdown_set_in_tick(c, seconds);
	c->left++;
}

/**
 * io_countdown_init - make a countdown that is not running
 * @c: the countdown, uninitialized
 *
 * Context: any; before anyone else can reach @c.
 */
static inline void io_countdown_init(struct io_countdown *c)
{
	c->left = IO_TIMEOUT_IDLE;
}

/**
 * io_countdown_running - is the countdown running?
 * @c: the countdown
 *
 * Context: any, under the caller's lock.
 * Return: true from io_countdown_set() until io_countdown_clear() or until the
 * time is up.
 */
static inline bool io_countdown_running(const struct io_countdown *c)
{
	return c->left != IO_TIMEOUT_IDLE;
}

/**
 * io_countdown_clear - stop the countdown
 * @c: the countdown
 *
 * Context: any, under the caller's lock.
 * Return: was it running?
 */
static inline bool io_countdown_clear(struct io_countdown *c)
{
	bool running = io_countdown_running(c);

	c->left = IO_TIMEOUT_IDLE;
	return running;
}

/**
 * io_countdown_left - seconds until the time is up
 * @c: the countdown
 *
 * Context: any, under the caller's lock.
 * Return: ticks, 1 or more; IO_TIMEOUT_IDLE if it is not running.
 */
static inline int io_countdown_left(const struct io_countdown *c)
{
	return c->left;
}

/**
 * io_countdown_due - is the time up at the next tick?
 * @c: the countdown
 *
 * Context: any, under the caller's lock, which stays held until
 * io_countdown_tick() has returned.
 * Return: true if io_countdown_tick() would return true now.
 */
static inline bool io_countdown_due(const struct io_countdown *c)
{
	return c->left == 1;
}

/**
 * io_countdown_tick - a second has passed
 * @c: the countdown
 *
 * Context: any, under the caller's lock; called once a second.
 * Return: true if the time is up: the countdown is not running any more.
 */
static inline bool io_countdown_tick(struct io_countdown *c)
{
	if (!io_countdown_running(c) || --c->left > 0)
		return false;
	c->left = IO_TIMEOUT_IDLE;
	return true;
}

/**
 * struct io_timeout - the time-out of a device's one operation
 */
struct io_timeout {
	/* private: */
	struct io_countdown countdown;
	int limit;
	int reset_limit;
	bool resetting;	/* also in the state reset done, then without a countdown */
};

/**
 * enum io_timeout_verdict - what the tick found
 * @IO_TIMEOUT_OK: nothing to do
 * @IO_TIMEOUT_RESET: the operation timed out: reset the device now
 * @IO_TIMEOUT_FAILED: the reset timed out too: fail the request
 */
enum io_timeout_verdict {
	IO_TIMEOUT_OK,
	IO_TIMEOUT_RESET,
	IO_TIMEOUT_FAILED,
};

/**
 * io_timeout_cancel - forget what is outstanding (the driver is removed)
 * @t: the device; becomes idle, so later interrupts are ignored
 *
 * Context: any, under the caller's lock.
 */
static inline void io_timeout_cancel(struct io_timeout *t)
{
	io_countdown_init(&t->countdown);
	t->resetting = false;
}

/**
 * io_timeout_resetting - is a reset under way, or its end not yet handled?
 * @t: the device
 *
 * Context: any, under the caller's lock.
 * Return: true in the states resetting and reset done: until
 * IO_TIMEOUT_FAILED or until io_timeout_reset_done() returns true.
 */
static inline bool io_timeout_resetting(const struct io_timeout *t)
{
	return t->resetting;
}

/**
 * io_timeout_idle - is nothing outstanding?
 * @t: the device
 *
 * Context: any, under the caller's lock.
 * Return: true in the state idle: io_timeout_begin() is allowed, and the driver
 * may stop its iotimer.
 */
static inline bool io_timeout_idle(const struct io_timeout *t)
{
	return !io_countdown_running(&t->countdown) && !t->resetting;
}

/**
 * io_timeout_left - seconds until the operation or the reset times out
 * @t: the device
 *
 * Context: any, under the caller's lock.
 * Return: ticks, 1 or more; IO_TIMEOUT_IDLE in the states idle and reset done.
 */
static inline int io_timeout_left(const struct io_timeout *t)
{
	return io_countdown_left(&t->countdown);
}

/**
 * io_timeout_set_limits - change the limits
 * @t: the device, in any state
 * @limit: seconds an operation may take, 1 to IO_TIMEOUT_MAX_LIMIT
 * @reset_limit: seconds a reset may take, 1 to IO_TIMEOUT_MAX_LIMIT
 *
 * The limits are for what begins from now on. A value out of its range is
 * clamped.
 *
 * Context: any, under the caller's lock.
 */
static inline void io_timeout_set_limits(struct io_timeout *t, int limit,
					 int reset_limit)
{
	t->limit = limit;
	t->reset_limit = reset_limit;
}

/**
 * io_timeout_init - make a device idle
 * @t: the device
 * @limit: as for io_timeout_set_limits()
 * @reset_limit: as for io_timeout_set_limits()
 *
 * Context: any; before anyone else can reach @t.
 */
static inline void io_timeout_init(struct io_timeout *t, int limit,
				   int reset_limit)
{
	io_timeout_set_limits(t, limit, reset_limit);
	io_timeout_cancel(t);
}

/**
 * io_timeout_begin_limit - an operation with a limit of its own is being started
 * @t: the device, which must be idle; else this warns once and changes nothing
 * @limit: seconds the operation may take, 1 to IO_TIMEOUT_MAX_LIMIT; clamped
 *
 * A tick may come right after this call, so the operation gets one second more
 * than the limit. If the ticks come on time, it times out more than @limit and at
 * most @limit + 1 seconds from now.
 *
 * Context: any, under the caller's lock, before the hardware is told to start.
 */
static inline void io_timeout_begin_limit(struct io_timeout *t, int limit)
{
	if (WARN_ONCE(!io_timeout_idle(t),
		      "io_timeout: begin while an operation is outstanding\n"))
		return;
	io_countdown_set(&t->countdown, limit);
}

/**
 * io_timeout_begin - an operation is being started (StartIo)
 * @t: the device, which must be idle; else this warns once and changes nothing
 *
 * As io_timeout_begin_limit() with the device's limit.
 *
 * Context: any, under the caller's lock, before the hardware is told to start.
 */
static inline void io_timeout_begin(struct io_timeout *t)
{
	io_timeout_begin_limit(t, t->limit);
}

/* Is an operation outstanding that has not timed out? */
static inline bool io_timeout_running(const struct io_timeout *t)
{
	return io_countdown_running(&t->countdown) && !t->resetting;
}

/**
 * io_timeout_restart_limit - progress was made, so the operation's time starts over
 * @t: the device
 * @limit: as for io_timeout_begin_limit()
 *
 * For an operation of many parts, each with an interrupt of its own.
 *
 * Context: any, under the caller's lock.
 * Return: true if the operation is outstanding; false if the interrupt is late or
 * spurious, see io_timeout_op_interrupt(): ignore it.
 */
static inline bool io_timeout_restart_limit(struct io_timeout *t, int limit)
{
	if (!io_timeout_running(t))
		return false;
	io_countdown_set(&t->countdown, limit);
	return true;
}

/**
 * io_timeout_restart - progress was made, so the operation's time starts over
 * @t: the device
 *
 * As io_timeout_restart_limit() with the device's limit, even if the operation
 * began with a limit of its own.
 *
 * Context: any, under the caller's lock.
 * Return: true if the operation is outstanding; false if the interrupt is to be
 * ignored.
 */
static inline bool io_timeout_restart(struct io_timeout *t)
{
	return io_timeout_restart_limit(t, t->limit);
}

/**
 * io_timeout_op_interrupt - the operation's interrupt came (ISR)
 * @t: the device
 *
 * Context: any, under the caller's lock.
 * Return: true if the operation was outstanding and is now done; false if the
 * interrupt is late (a reset is under way or done) or spurious (nothing is
 * outstanding): ignore it.
 */
static inline bool io_timeout_op_interrupt(struct io_timeout *t)
{
	return !t->resetting && io_countdown_clear(&t->countdown);
}

/**
 * io_timeout_reset_interrupt - the interrupt that ends a reset came (ISR)
 * @t: the device
 *
 * Context: any, under the caller's lock.
 * Return: true if a reset was under way and is now done: have the deferred
 * handler call io_timeout_reset_done(); false if the interrupt is to be ignored.
 */
static inline bool io_timeout_reset_interrupt(struct io_timeout *t)
{
	return t->resetting && io_countdown_clear(&t->countdown);
}

/**
 * io_timeout_reset_done - has a reset ended that is not handled yet? (DpcForIsr)
 * @t: the device
 *
 * Context: any, under the caller's lock; called by the deferred handler.
 * Return: true, once for each reset that is done: the device is now idle, so
 * start the request again or fail it; false otherwise.
 */
static inline bool io_timeout_reset_done(struct io_timeout *t)
{
	if (!t->resetting || io_countdown_running(&t->countdown))
		return false;
	t->resetting = false;
	return true;
}

/**
 * io_timeout_begin_reset - a reset without a time-out is being started
 * @t: the device, in any state. What was outstanding will not end any more. If a
 *	reset was under way already, its time starts over
 *
 * For resume, where the device has lost what it was doing, or after an error
 * that the device reports. The reset gets the limit that io_timeout_set_limits()
 * set, and one second more as in io_timeout_begin_limit().
 *
 * Context: any, under the caller's lock, before the hardware is told to reset.
 */
static inline void io_timeout_begin_reset(struct io_timeout *t)
{
	io_countdown_set(&t->countdown, t->reset_limit);
	t->resetting = true;
}

/**
 * io_timeout_due - is the time up at the next tick?
 * @t: the device
 *
 * If so, first poll the device for what it has completed: the interrupt may
 * have been lost.
 *
 * Context: any, under the caller's lock, which stays held until
 * io_timeout_tick() has returned.
 * Return: true if io_timeout_tick() would return IO_TIMEOUT_RESET or
 * IO_TIMEOUT_FAILED now.
 */
static inline bool io_timeout_due(const struct io_timeout *t)
{
	return io_countdown_due(&t->countdown);
}

/**
 * io_timeout_tick - a second has passed (IoTimer routine)
 * @t: the device
 *
 * Context: any, under the caller's lock; called once a second.
 * Return: what to do, see &enum io_timeout_verdict. On IO_TIMEOUT_RESET the
 * device waits for io_timeout_reset_interrupt(), so program the reset before
 * dropping the lock. On IO_TIMEOUT_FAILED the device is idle.
 */
static inline enum io_timeout_verdict io_timeout_tick(struct io_timeout *t)
{
	if (!io_countdown_tick(&t->countdown))
		return IO_TIMEOUT_OK;
	t->resetting = !t->resetting;
	if (!t->resetting)
		return IO_TIMEOUT_FAILED;
	io_countdown_set_in_tick(&t->countdown, t->reset_limit);
	return IO_TIMEOUT_RESET;
}

#endif /* _IO_TIMEOUT_H */
