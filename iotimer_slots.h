/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * iotimer_slots - the memory of the timers, for iotimer_core.c and
 * iotimer_slots.c
 *
 * A chunk is a page of slots, and a timer is a slot. A group is up to 64
 * chunks, and has the bitmaps of all their slots side by side. One cache line
 * of a bitmap covers 512 timers, so a walk over many timers of which few are
 * enabled reads little memory.
 */
#ifndef _IOTIMER_SLOTS_H
#define _IOTIMER_SLOTS_H

#include <linux/bits.h>
#include <linux/lockdep.h>
#include <linux/rcupdate.h>
#include <linux/spinlock.h>
#include <linux/types.h>
#include <linux/xarray.h>

#include "iotimer.h"

struct seq_file;

/**
 * struct iotimer - a slot
 * @fn: the routine; NULL while the slot is free, and once iotimer_destroy() has
 *	begun
 * @dev: the device; the slot holds a reference to it
 * @context: the argument passed to @fn
 * @child: ids of the two children in the tree of devices, see slot_link()
 * @lock: the walk holds it while it calls the routine; iotimer_stop_sync()
 *	sleeps on it
 * @lockdep_map: stands for a call of the routine
 */
struct iotimer {
	iotimer_fn_t fn;
	struct device *dev;
	void *context;
	u32 child[2];
#ifdef CONFIG_PREEMPT_RT
	spinlock_t lock;	/* for iotimer_stop_sync() to sleep on */
#endif
#ifdef CONFIG_LOCKDEP
	struct lockdep_map lockdep_map;
#endif
} __aligned(32);

#define IOTIMER_CHUNK_SIZE	4096
#define IOTIMER_CHUNK_SLOTS	(IOTIMER_CHUNK_SIZE / sizeof(struct iotimer))
#define IOTIMER_CHUNK_WORDS	BITS_TO_LONGS(IOTIMER_CHUNK_SLOTS)
#define IOTIMER_CHUNK_BITS	(IOTIMER_CHUNK_WORDS * BITS_PER_LONG)
#define IOTIMER_GROUP_CHUNKS	64
#define IOTIMER_GROUP_WORDS	(IOTIMER_GROUP_CHUNKS * IOTIMER_CHUNK_WORDS)
#define IOTIMER_GROUP_BITS	(IOTIMER_GROUP_CHUNKS * IOTIMER_CHUNK_BITS)

struct iotimer_group;

/**
 * struct iotimer_chunk - the head of a chunk, in the place of its slot 0
 * @group: the group that has the chunk's bitmaps
 * @rcu: frees the chunk, since a walk may still be reading its slots
 * @bit: bit of slot 0 in the group's bitmaps
 * @nr_used: slots in use; protected by the mutex of iotimer_slots.c
 */
struct iotimer_chunk {
	struct iotimer_group *group;
	struct rcu_head rcu;
	u16 bit;
	u16 nr_used;
};

static_assert(sizeof(struct iotimer_chunk) <= sizeof(struct iotimer));
static_assert(BIT(16) >= IOTIMER_GROUP_BITS);
#if !defined(CONFIG_PREEMPT_RT) && !defined(CONFIG_LOCKDEP)
static_assert(sizeof(struct iotimer) == 32);
#endif

/**
 * struct iotimer_group - the bitmaps of up to 64 chunks
 * @enabled: one bit for each enabled timer; changed atomically, without a lock.
 *	The bit of a chunk's slot 0, its head, is never set
 * @used: one bit for each slot in use. This and the fields below are protected
 *	by the mutex of iotimer_slots.c; the walk reads @chunk under RCU
 * @chunk: the chunks; NULL where there is none
 * @present: one bit for each chunk that exists
 * @room: one bit for each chunk that has a free slot
 * @rcu: frees the group, since a walk may still be reading it
 * @index: the group's index in iotimer_groups
 */
struct iotimer_group {
	unsigned long enabled[IOTIMER_GROUP_WORDS];
	unsigned long used[IOTIMER_GROUP_WORDS];
	struct iotimer_chunk __rcu *chunk[IOTIMER_GROUP_CHUNKS];
	u64 present;
	u64 room;
	struct rcu_head rcu;
	u32 index;
};

/* The first timer takes two pages; a million timers take 33 bytes each. */
static_assert(sizeof(struct iotimer_group) <= IOTIMER_CHUNK_SIZE);

extern struct xarray iotimer_groups;

/* A chunk is aligned to its size, so masking a slot's address gives its chunk. */
static inline struct iotimer_chunk *chunk_of(const struct iotimer *timer)
{
	return (void *)((unsigned long)timer & ~(IOTIMER_CHUNK_SIZE - 1UL));
}

static inline unsigned int slot_of(const struct iotimer *timer)
{
	return ((unsigned long)timer % IOTIMER_CHUNK_SIZE) / sizeof(*timer);
}

static inline struct iotimer *slot_in(struct iotimer_chunk *chunk,
				      unsigned int slot)
{
	return (struct iotimer *)chunk + slot;
}

/* A timer's bit in its group's bitmaps. */
static inline unsigned int bit_of(const struct iotimer *timer)
{
	return chunk_of(timer)->bit + slot_of(timer);
}

static inline unsigned long *enabled_of(const struct iotimer *timer)
{
	return chunk_of(timer)->group->enabled;
}

struct iotimer *iotimer_slot_get(struct device *dev);
void iotimer_slot_put(struct iotimer *timer);
void iotimer_slots_exit(void);

/*
 * For iotimer_debug.c: list all timers in the order of their ids. No id is 0.
 * While the list is locked, no timer is created or destroyed.
 */
void iotimer_list_lock(void);
void iotimer_list_unlock(void);
struct iotimer *iotimer_list_next(u32 *id);
void iotimer_list_show(struct seq_file *seq, const struct iotimer *timer);

#endif /* _IOTIMER_SLOTS_H */
