// SPDX-License-Identifier: GPL-2.0-only
/*
 * iotimer_slots - allocate timers, and find out whether a device has one
 *
 * The groups are in an xarray. A timer's id is the number of its slot, counted
 * through all groups and chunks, so 32 bits are enough.
 *
 * A digital search tree of the timers tells whether a device has one. Its links
 * are ids in the slots, so the tree costs no memory.
 */
#include <linux/bitmap.h>
#include <linux/device.h>
#include <linux/err.h>
#include <linux/hash.h>
#include <linux/mutex.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/string_helpers.h>

#include "compat.h"
#include "iotimer_slots.h"

/* Groups by index; the mark says that a timer can be created in the group. */
DEFINE_XARRAY_ALLOC(iotimer_groups);
#define GROUP_HAS_ROOM	XA_MARK_1

/*
 * Serialises create, destroy, and readers of the list of timers. Protects the
 * used bitmaps, nr_used, present, room and the device tree.
 */
static DEFINE_MUTEX(slots_mutex);

/* The id at the root of the device tree; protected by slots_mutex. */
static u32 root;

/* An id is the group's index, the chunk and the slot. The slot is never 0. */
#define ID_SLOT_BITS	7
#define ID_GROUP_SHIFT	(ID_SLOT_BITS + const_ilog2(IOTIMER_GROUP_CHUNKS))
#define MAX_GROUPS	BIT(32 - ID_GROUP_SHIFT)
static_assert(BIT(ID_SLOT_BITS) >= IOTIMER_CHUNK_SLOTS);

static u32 id_of(const struct iotimer *timer)
{
	const struct iotimer_chunk *chunk = chunk_of(timer);

	return chunk->group->index << ID_GROUP_SHIFT |
	       chunk->bit / IOTIMER_CHUNK_BITS << ID_SLOT_BITS | slot_of(timer);
}

static struct iotimer_chunk *chunk_at(struct iotimer_group *group,
				      unsigned int which)
{
	return rcu_dereference_protected(group->chunk[which],
					 lockdep_is_held(&slots_mutex));
}

static struct iotimer *slot_by_id(u32 id)
{
	struct iotimer_group *group;

	group = xa_load(&iotimer_groups, id >> ID_GROUP_SHIFT);
	return slot_in(chunk_at(group, (id >> ID_SLOT_BITS) % IOTIMER_GROUP_CHUNKS),
		       id % BIT(ID_SLOT_BITS));
}

/*
 * From the root, each bit of the device's hash says which child to follow. The
 * hash is a bijection, so two devices part after at most BITS_PER_LONG steps;
 * about log2(timers) on average.
 *
 * Returns the link that contains the id of the device's timer. If the device has
 * none, returns the empty link where its timer belongs.
 */
static u32 *slot_link(const struct device *dev)
{
	/* Not hash_long(): its result has 32 bits on all kernels. */
	unsigned long hash = (unsigned long)dev * GOLDEN_RATIO_PRIME;
	u32 *link = &root;

	while (*link) {
		struct iotimer *timer = slot_by_id(*link);

		if (timer->dev == dev)
			break;
		link = &timer->child[hash >> (BITS_PER_LONG - 1)];
		hash <<= 1;
	}
	return link;
}

/* Remove a timer from the tree. Any leaf below it may take its place. */
static void slot_unlink(struct iotimer *timer)
{
	u32 *link = slot_link(timer->dev);
	u32 *leaf_link = link;
	struct iotimer *leaf = timer;
	u32 id;

	while (leaf->child[0] || leaf->child[1]) {
		leaf_link = &leaf->child[leaf->child[0] ? 0 : 1];
		leaf = slot_by_id(*leaf_link);
	}
	id = *leaf_link;
	*leaf_link = 0;
	if (leaf == timer)
		return;
	memcpy(leaf->child, timer->child, sizeof(leaf->child));
	*link = id;
}

static void update_mark(struct iotimer_group *group)
{
	if (group->room || ~group->present)
		xa_set_mark(&iotimer_groups, group->index, GROUP_HAS_ROOM);
	else
		xa_clear_mark(&iotimer_groups, group->index, GROUP_HAS_ROOM);
}

static struct iotimer_group *get_group(void)
{
	struct iotimer_group *group;
	unsigned long index = 0;

	group = xa_find(&iotimer_groups, &index, ULONG_MAX, GROUP_HAS_ROOM);
	if (group)
		return group;
	/* From kmalloc(), so that kmemleak sees what the slots point to. */
	group = kzalloc(sizeof(*group), GFP_KERNEL);
	if (!group)
		return NULL;
	if (xa_alloc(&iotimer_groups, &group->index, group,
		     XA_LIMIT(0, MAX_GROUPS - 1), GFP_KERNEL)) {
		kfree(group);
		return NULL;
	}
	update_mark(group);
	return group;
}

/* Free a group if it has no chunk. */
static void put_group(struct iotimer_group *group)
{
	if (group->present)
		return;
	xa_erase(&iotimer_groups, group->index);
	kfree_rcu(group, rcu);
}

static struct iotimer_chunk *add_chunk(struct iotimer_group *group)
{
	unsigned int which = __ffs64(~group->present);
	struct iotimer_chunk *chunk;

	chunk = kzalloc(IOTIMER_CHUNK_SIZE, GFP_KERNEL);
	if (!chunk) {
		put_group(group);
		return NULL;
	}
#ifdef CONFIG_PREEMPT_RT
	/*
	 * Initialise the locks here and not for each timer: a walk may still
	 * hold the lock of a slot that was freed. Lockdep does not track these
	 * locks, because they would all be one class; the slot's lockdep_map
	 * stands for the call.
	 */
	for (unsigned int slot = 1; slot < IOTIMER_CHUNK_SLOTS; slot++) {
		spin_lock_init(&slot_in(chunk, slot)->lock);
		lockdep_set_notrack_class(&slot_in(chunk, slot)->lock);
	}
#endif
	chunk->group = group;
	chunk->bit = which * IOTIMER_CHUNK_BITS;
	group->present |= BIT_ULL(which);
	group->room |= BIT_ULL(which);
	set_bit(chunk->bit, group->used);	/* the chunk's head */
	rcu_assign_pointer(group->chunk[which], chunk);	/* for the walk */
	return chunk;
}

static void remove_chunk(struct iotimer_chunk *chunk)
{
	unsigned int which = chunk->bit / IOTIMER_CHUNK_BITS;
	struct iotimer_group *group = chunk->group;

	group->present &= ~BIT_ULL(which);
	group->room &= ~BIT_ULL(which);
	clear_bit(chunk->bit, group->used);
	RCU_INIT_POINTER(group->chunk[which], NULL);
	kfree_rcu(chunk, rcu);	/* a walk may be reading it */
}

static struct iotimer *take_slot(void)
{
	struct iotimer_group *group = get_group();
	struct iotimer_chunk *chunk;
	unsigned int bit;

	if (!group)
		return NULL;
	chunk = group->room ? chunk_at(group, __ffs64(group->room)) :
			      add_chunk(group);
	if (!chunk)
		return NULL;

	bit = find_next_zero_bit(group->used, IOTIMER_GROUP_BITS, chunk->bit);
	set_bit(bit, group->used);	/* atomic, for iotimer_start()'s warning */
	if (++chunk->nr_used == IOTIMER_CHUNK_SLOTS - 1)
		group->room &= ~BIT_ULL(bit / IOTIMER_CHUNK_BITS);
	update_mark(group);
	return slot_in(chunk, bit - chunk->bit);
}

static void give_slot_back(struct iotimer *timer)
{
	struct iotimer_chunk *chunk = chunk_of(timer);
	struct iotimer_group *group = chunk->group;

	clear_bit(bit_of(timer), group->used);
	group->room |= BIT_ULL(chunk->bit / IOTIMER_CHUNK_BITS);
	if (!--chunk->nr_used)
		remove_chunk(chunk);
	update_mark(group);
	put_group(group);
}

/*
 * Allocate a slot for a device, take a reference to the device, and enter the
 * slot in the tree. Returns an ERR_PTR if that fails: -EEXIST if the device has a
 * timer, or -ENOMEM.
 */
struct iotimer *iotimer_slot_get(struct device *dev)
{
	struct iotimer *timer;
	u32 *link;

	mutex_lock(&slots_mutex);
	link = slot_link(dev);
	timer = *link ? ERR_PTR(-EEXIST) : take_slot() ?: ERR_PTR(-ENOMEM);
	if (!IS_ERR(timer)) {
		*link = id_of(timer);
		memset(timer->child, 0, sizeof(timer->child));
		timer->dev = get_device(dev);
	}
	mutex_unlock(&slots_mutex);
	return timer;
}

/* Free the slot of a timer that is stopped for good, and put the device. */
void iotimer_slot_put(struct iotimer *timer)
{
	struct device *dev = timer->dev;

	mutex_lock(&slots_mutex);
	slot_unlink(timer);
	give_slot_back(timer);
	mutex_unlock(&slots_mutex);
	put_device(dev);
}

void iotimer_list_lock(void)
{
	mutex_lock(&slots_mutex);
}

void iotimer_list_unlock(void)
{
	mutex_unlock(&slots_mutex);
}

static struct iotimer *next_in_group(struct iotimer_group *group,
				     unsigned int bit)
{
	for (;;) {
		bit = find_next_bit(group->used, IOTIMER_GROUP_BITS, bit);
		if (bit >= IOTIMER_GROUP_BITS)
			return NULL;
		if (bit % IOTIMER_CHUNK_BITS)
			return slot_in(chunk_at(group, bit / IOTIMER_CHUNK_BITS),
				       bit % IOTIMER_CHUNK_BITS);
		bit++;	/* a chunk's head */
	}
}

/* Return the first timer whose id is *@id or higher, and store its id there. */
struct iotimer *iotimer_list_next(u32 *id)
{
	unsigned int chunk = (*id >> ID_SLOT_BITS) % IOTIMER_GROUP_CHUNKS;
	unsigned int bit = chunk * IOTIMER_CHUNK_BITS + *id % BIT(ID_SLOT_BITS);
	unsigned long index, first = *id >> ID_GROUP_SHIFT;
	struct iotimer_group *group;

	lockdep_assert_held(&slots_mutex);
	xa_for_each_start(&iotimer_groups, index, group, first) {
		struct iotimer *timer;

		timer = next_in_group(group, index == first ? bit : 0);
		if (timer) {
			*id = id_of(timer);
			return timer;
		}
	}
	return NULL;
}

void iotimer_list_show(struct seq_file *seq, const struct iotimer *timer)
{
	iotimer_fn_t fn = READ_ONCE(timer->fn);	/* destroy may write it */

	if (fn)
		seq_printf(seq, "%s %ps %s\n", dev_name(timer->dev), fn,
			   str_enabled_disabled(iotimer_enabled(timer)));
}

/*
 * The drivers that use this module are unloaded, so no timer is in use. A timer
 * that is left was leaked by its driver.
 */
void iotimer_slots_exit(void)
{
	struct iotimer_group *group;
	unsigned long index;

	WARN(!xa_empty(&iotimer_groups), "iotimer: timers were not destroyed\n");
	xa_for_each(&iotimer_groups, index, group) {
		for (unsigned int i = 0; i < IOTIMER_GROUP_CHUNKS; i++)
			kfree(rcu_dereference_protected(group->chunk[i], true));
		kfree(group);
	}
	xa_destroy(&iotimer_groups);
}
