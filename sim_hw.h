/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * sim_hw - the hardware model: a device that loops data back
 *
 * To its driver the model is hardware: registers, data buffers and an
 * interrupt. The device has slots, and each slot does one operation at a time:
 *
 *	sim_hw_start(hw, slot, tag, data, len);	a new tag each time
 *	... interrupt ...
 *	cause = sim_hw_read(hw, SIM_HW_CAUSE);	acknowledges
 *	slot = SIM_HW_CAUSE_SLOT(cause);
 *	if (SIM_HW_CAUSE_TAG(cause) == tag of the slot)
 *		sim_hw_read_buffer(hw, slot, data, SIM_HW_CAUSE_LENGTH(cause));
 *
 * To a tester of the driver the model is a device that misbehaves on command:
 * see sim_hw_inject() and sim_hw_add_rule().
 */
#ifndef _SIM_HW_H
#define _SIM_HW_H

#include <linux/types.h>

struct sim_hw;
struct sim_rule;
struct sim_rules;

#define SIM_HW_MAX_SLOTS	256
#define SIM_HW_BUFFER_SIZE	4096	/* bytes, of each slot */
#define SIM_HW_MAX_FAULTS	1000000		/* pending faults of one kind */
#define SIM_HW_MAX_MS		600000		/* longest latency or lateness */
#define SIM_HW_MAX_CAUSES	1024		/* causes that wait to be read */

/* What each register reads as when the device is gone, or has no power. */
#define SIM_HW_ALL_ONES		(~0ULL)

/**
 * enum sim_hw_reg - the registers: 64 bits, read-only
 * @SIM_HW_SLOTS: how many slots the device has
 * @SIM_HW_STATUS: SIM_HW_STATUS_* bits
 * @SIM_HW_CAUSE: why the interrupt was raised: a code, and which operation it
 *	is about, see SIM_HW_CAUSE_CODE() and what follows it. A read takes the
 *	cause off a queue; if another one waits, the interrupt is raised again.
 *	If a cause waits and the interrupt was not raised in the last second,
 *	sim_hw_start(), sim_hw_abort() and sim_hw_reset() raise it too: if the
 *	system lost an interrupt, the device does not stay silent
 */
enum sim_hw_reg {
	SIM_HW_SLOTS,
	SIM_HW_STATUS,
	SIM_HW_CAUSE,
};

#define SIM_HW_STATUS_BUSY	0x1	/* an operation is under way in some slot */
#define SIM_HW_STATUS_RESETTING	0x2	/* a reset is under way */
#define SIM_HW_STATUS_IRQ	0x4	/* a cause waits to be read */

/*
 * A cause. Slot and tag are those of the operation, or of the aborted one. The
 * length is in bytes, of the data that the operation looped back; 0 but for
 * SIM_HW_CAUSE_DONE.
 */
#define SIM_HW_CAUSE_CODE(cause)	((u32)(cause) & 0xff)	/* one of those below */
#define SIM_HW_CAUSE_SLOT(cause)	((u32)(cause) >> 8 & 0xff)
#define SIM_HW_CAUSE_LENGTH(cause)	((u32)(cause) >> 16)
#define SIM_HW_CAUSE_TAG(cause)		((u32)((cause) >> 32))

#define SIM_HW_CAUSE_NONE	0	/* spurious, or no cause waits */
#define SIM_HW_CAUSE_DONE	1	/* operation done, data looped back */
#define SIM_HW_CAUSE_ERROR	2	/* operation ended with an error */
#define SIM_HW_CAUSE_RESET	3	/* reset done; slot 0, tag of the last start */
#define SIM_HW_CAUSE_ABORT	4	/* abort done: the operation has ended */

struct sim_hw *sim_hw_create(unsigned int slots, unsigned int latency_ms,
			     unsigned int reset_latency_ms);
struct sim_hw *sim_hw_get(struct sim_hw *hw);
void sim_hw_put(struct sim_hw *hw);
int sim_hw_irq(const struct sim_hw *hw);

void sim_hw_start(struct sim_hw *hw, unsigned int slot, u32 tag,
		  const void *data, size_t len);
void sim_hw_abort(struct sim_hw *hw, unsigned int slot, u32 tag);
void sim_hw_reset(struct sim_hw *hw);
u64 sim_hw_read(struct sim_hw *hw, enum sim_hw_reg reg);
u64 sim_hw_read_tag(struct sim_hw *hw, unsigned int slot);
void sim_hw_read_buffer(struct sim_hw *hw, unsigned int slot, void *data,
			size_t len);

/**
 * enum sim_hw_fault - how operations, resets and aborts can go wrong
 * @SIM_HW_HANG: the operation never interrupts
 * @SIM_HW_LATE: the operation's interrupt comes some ms after the start, with
 *	the operation's tag, even if a reset or another start comes first
 * @SIM_HW_ERROR: the operation ends with SIM_HW_CAUSE_ERROR
 * @SIM_HW_RESET_HANG: the reset never ends
 * @SIM_HW_SPURIOUS: an interrupt without cause, at once; the next a millisecond
 *	after the driver has read the cause register
 * @SIM_HW_LOST: the operation is done and its cause waits, but no interrupt
 *	comes for it
 * @SIM_HW_DUPLICATE: the operation's cause comes twice
 * @SIM_HW_RESET_LOST: the reset is done and its cause waits, but no interrupt
 *	comes for it
 * @SIM_HW_STORM: an interrupt without cause, at once; the next as soon as the
 *	driver has read the cause register
 * @SIM_HW_CORRUPT: one bit of the data that the operation loops back is wrong
 * @SIM_HW_SHORT: the operation loops back only the first bytes: at least one,
 *	unless it has no other
 * @SIM_HW_ABORT_HANG: the abort never ends
 * @SIM_HW_DEAD: the device dies at the operation's start
 * @SIM_HW_GONE: the device goes away at the operation's start
 * @SIM_HW_NR_FAULTS: how many kinds there are
 *
 * Of the faults that sim_hw_inject() has made pending, the first in this order
 * strikes.
 */
enum sim_hw_fault {
	SIM_HW_HANG,
	SIM_HW_LATE,
	SIM_HW_ERROR,
	SIM_HW_RESET_HANG,
	SIM_HW_SPURIOUS,
	SIM_HW_LOST,
	SIM_HW_DUPLICATE,
	SIM_HW_RESET_LOST,
	SIM_HW_STORM,
	SIM_HW_CORRUPT,
	SIM_HW_SHORT,
	SIM_HW_ABORT_HANG,
	SIM_HW_DEAD,
	SIM_HW_GONE,
	SIM_HW_NR_FAULTS,
};

/**
 * enum sim_hw_ms - times in milliseconds that can be set
 * @SIM_HW_LATENCY: an operation, at least
 * @SIM_HW_MAX_LATENCY: an operation, at most; each takes a random time between the
 *	two. Set by sim_hw_set_range() for SIM_HW_LATENCY
 * @SIM_HW_RESET_LATENCY: a reset, or an abort
 * @SIM_HW_LATE_AFTER: a late interrupt, from its operation's start
 * @SIM_HW_NR_MS: how many there are
 */
enum sim_hw_ms {
	SIM_HW_LATENCY,
	SIM_HW_MAX_LATENCY,
	SIM_HW_RESET_LATENCY,
	SIM_HW_LATE_AFTER,
	SIM_HW_NR_MS,
};

/**
 * struct sim_hw_state - what a tester sees of the hardware model
 * @pending: how many faults of each kind are pending; rules are not counted
 * @ms: the times, by enum sim_hw_ms
 * @slots: how many slots the device has
 * @dead: all operations, resets and aborts hang
 * @gone: registers read as SIM_HW_ALL_ONES, and nothing is done
 */
struct sim_hw_state {
	unsigned int pending[SIM_HW_NR_FAULTS];
	unsigned int ms[SIM_HW_NR_MS];
	unsigned int slots;
	bool dead;
	bool gone;
};

void sim_hw_inject(struct sim_hw *hw, enum sim_hw_fault fault,
		   unsigned int count);
int sim_hw_add_rule(struct sim_hw *hw, const struct sim_rule *rule);
int sim_hw_drop_rule(struct sim_hw *hw, u32 number);
void sim_hw_get_rules(struct sim_hw *hw, struct sim_rules *rules);
void sim_hw_seed(struct sim_hw *hw, u32 seed);
void sim_hw_set_range(struct sim_hw *hw, enum sim_hw_ms what,
		      unsigned int min_ms, unsigned int max_ms);
void sim_hw_set_dead(struct sim_hw *hw, bool dead);
void sim_hw_set_gone(struct sim_hw *hw, bool gone);
void sim_hw_set_power(struct sim_hw *hw, bool on);
void sim_hw_clear(struct sim_hw *hw);
void sim_hw_get_state(struct sim_hw *hw, struct sim_hw_state *state);

/**
 * sim_hw_set_ms - set how long something takes
 * @hw: the device
 * @what: what
 * @ms: milliseconds, see sim_hw_set_range()
 *
 * Context: any but NMI.
 */
static inline void sim_hw_set_ms(struct sim_hw *hw, enum sim_hw_ms what,
				 unsigned int ms)
{
	sim_hw_set_range(hw, what, ms, ms);
}

#endif /* _SIM_HW_H */
