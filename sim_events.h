/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * sim_events - what a simulated device will signal, and what waits to be read
 *
 * A tree sorts the events by their due times. When an event is due, the device
 * takes it out of the tree and posts its cause: the cause waits in a ring until
 * the driver reads it. The caller has the lock and the clock.
 */
#ifndef _SIM_EVENTS_H
#define _SIM_EVENTS_H

#include <linux/ktime.h>
#include <linux/rbtree.h>
#include <linux/types.h>

#include "sim_hw.h"

/*
 * How many interrupts may be due that the fault "late" delays. If so many are, the
 * next operation that this fault strikes hangs. With one slot there cannot be so
 * many: the driver times out at most one operation a second, and the longest delay
 * is 600 s.
 */
#define SIM_EVENTS_MAX_LATE	1024

/**
 * struct sim_event - what the device will signal
 * @node: entry in sim_events.tree, or empty
 * @next: entry in sim_events.free_late, of an event in the pool that is not in use
 * @due: when the device signals it
 * @tag: the tag for the cause
 * @length: how many bytes an operation loops back
 * @wrong_bit: which bit of the data is wrong, if @corrupt
 * @slot: the slot for the cause
 * @code: a SIM_HW_CAUSE_* value
 * @late: the event is from the pool; neither a reset nor a start drops it
 * @lost: the event raises no interrupt
 * @twice: the cause is posted twice
 * @corrupt: one bit of the data is wrong
 */
struct sim_event {
	union {
		struct rb_node node;
		struct sim_event *next;
	};
	ktime_t due;
	u32 tag;
	u16 length;
	u16 wrong_bit;
	u8 slot;
	u8 code;
	bool late;
	bool lost;
	bool twice;
	bool corrupt;
};

/**
 * struct sim_posted - a cause that waits to be read
 * @cause: as SIM_HW_CAUSE reads
 * @stays: the cause is late or spurious, so a reset does not drop it
 */
struct sim_posted {
	u64 cause;
	bool stays;
};

/**
 * struct sim_events - a device's events and causes
 * @tree: the events that are not due, sorted by due time
 * @free_late: the events of @late that are not in use
 * @late: a pool of events for late operations
 * @first: index in @posted of the cause that is read next
 * @nr_posted: how many causes wait to be read
 * @posted: a ring of the causes that wait to be read
 */
struct sim_events {
	struct rb_root_cached tree;
	struct sim_event *free_late;
	struct sim_event late[SIM_EVENTS_MAX_LATE];
	unsigned int first;
	unsigned int nr_posted;
	struct sim_posted posted[SIM_HW_MAX_CAUSES];
};

void sim_events_init(struct sim_events *events);

struct sim_event *sim_events_first(const struct sim_events *events);
struct sim_event *sim_events_next(const struct sim_event *event);
void sim_events_add(struct sim_events *events, struct sim_event *event);
void sim_events_remove(struct sim_events *events, struct sim_event *event);
struct sim_event *sim_events_get_late(struct sim_events *events);

bool sim_events_post(struct sim_events *events, const struct sim_event *event);
u64 sim_events_read(struct sim_events *events);
void sim_events_drop_posted(struct sim_events *events);

#endif /* _SIM_EVENTS_H */
