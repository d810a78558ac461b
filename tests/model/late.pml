/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Model of a driver whose routine only queues a work, which then counts the slots of
 * a device, as tests/convert does for ipmi_msghandler and mei. Checked by
 * tests/model/run.
 *
 *	tick		the routine, whenever a second has passed while the timer is on
 *	work		the work item: at any time after it was queued, for as long as it
 *			likes, with the lock dropped between two slots
 *	user		uses each slot, at any time, and frees it or not
 *	listener	wants the timer on for something else, from some moment on
 *
 * What is checked:
 *
 *	a time is up when more than LIMIT seconds have passed, however late the work
 *	is, and at most one more, plus one for each tick that the work was late
 *	while a slot is used, or the listener wants it, a tick will come or its work
 *	is still to look
 *
 */

/* -DWITHOUT=... takes one mechanism away, and spin finds a trail. */
#define DUE		1	/* a slot gets one more while a tick is due */
#define COUNTED		2	/* a slot gets one more while its turn is to come */
#define OWN_FLAG	3	/* what says that a tick is due is not `counted` */
#define CLEAR_FIRST	4	/* the work clears it before it looks at anything */
#define STOP_FIRST	5	/* the routine stops the timer before it sets the flag */
#ifndef WITHOUT
#define WITHOUT		0
#endif
#define has(x)		(WITHOUT != x)

#define SLOTS		2
#define LIMIT		1
#define TICKS		4
#define USES		2	/* of each slot */

bool on;			/* the timer */
bool due;			/* a tick has come that no work has begun to count */
byte counted = SLOTS;		/* slots that the last tick has counted */
bool queued;			/* the work */
bool wanted;			/* by the listener */
byte left[SLOTS];		/* 0: the slot is free */
byte passed[SLOTS];		/* seconds since it was used */
byte late[SLOTS];		/* of these, ticks that found the work late */
bool lock;

inline take() { atomic { !lock; lock = true } }
inline drop() { lock = false }

/* A second has passed. Between two ticks the timer must be on, or nothing needs it. */
proctype tick()
{
	byte n, s;

	do
	:: n < TICKS ->
		atomic {
			on;
			n++;
			if
			:: has(STOP_FIRST) -> on = false
			:: else
			fi
		}
		d_step {
			s = 0;
			do
			:: s < SLOTS ->
				passed[s] = passed[s] + 1;
				late[s] = late[s] + due;
				s++
			:: else -> break
			od;
			if
			:: has(OWN_FLAG) && !due -> due = true; queued = true
			:: !has(OWN_FLAG) && counted -> counted = 0; queued = true
			:: else
			fi
		}
		if
		:: !has(STOP_FIRST) -> on = false
		:: else
		fi
	:: else -> break
	od
}

inline clear_due()
{
	take();
	if
	:: has(OWN_FLAG) -> counted = 0; due = false
	:: else
	fi;
	drop()
}

proctype work()
{
	byte s;
	bool need;

end:	do
	:: atomic { queued -> queued = false };
		need = false;
		if
		:: has(CLEAR_FIRST) -> clear_due()
		:: else
		fi;
		if
		:: wanted -> need = true
		:: else
		fi;
		if
		:: !has(CLEAR_FIRST) -> clear_due()
		:: else
		fi;
		s = 0;
		do
		:: s < SLOTS ->
			take();
			counted = s + 1;
			if
			:: left[s] == 1 ->
				left[s] = 0;
				assert(passed[s] > LIMIT);
				assert(passed[s] <= LIMIT + 1 + late[s] + due)
			:: left[s] > 1 -> left[s] = left[s] - 1; need = true
			:: else
			fi;
			drop();
			s++
		:: else -> break
		od;
		if
		:: need -> on = true
		:: else
		fi
	od
}

proctype user(byte s)
{
	byte n;

	do
	:: n < USES ->
		n++;
		take();
		if
		:: left[s] -> left[s] = 0		/* an answer */
		:: else ->
			d_step {	/* its time begins when `due` is read */
				left[s] = LIMIT + 1 + (due && has(DUE)) + (s >= counted && has(COUNTED));
				passed[s] = 0;
				late[s] = 0
			}
		fi;
		drop();
		on = true
	:: else -> break
	od
}

proctype listener()
{
	wanted = true;
	on = true
}

/* Nothing happens any more, but ticks: will one come to those who wait for it? */
#define waits	(wanted || left[0] || left[1])
init
{
	atomic {
		run tick();
		run work();
		run user(0);
		run user(1);
		run listener()
	}
	timeout;
	assert(!waits || on || queued)
}
